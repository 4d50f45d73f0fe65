// SPDX-License-Identifier: MPL-2.0

//! What the runs of a group say together of others' load, and each of its own length.
//!
//! Processor sharing holds for runs that last for many turns of the scheduler. A short one gets twice its share or half of
//! it, so what one run was served says little of its length. But the group's runs together get what there is: the sum
//! of what they were served, over the sum of their processor times, is what others' load costs all of them.

use std::time::Duration;

/// Time in which what runs said is forgotten to 1 / e, in seconds: some ten frames of each stream.
const MEMORY: f64 = 0.4;

/// Share of what a run was served that its thread's processor time is at least, where that thread did the work.
const LEAST_SHARE: f64 = 0.05;

/// Others' load, by all runs of a group.
#[derive(Debug, Default)]
pub(super) struct Load {
    served: f64,
    used: f64,
    at: f64,
}

impl Load {
    /// A run was served so much, in seconds, and its thread used so much of a processor.
    fn push(&mut self, now: f64, served: f64, used: f64) {
        let keep = ((self.at - now) / MEMORY).min(0.0).exp();
        self.at = self.at.max(now);
        (self.served, self.used) = (keep * self.served + served, keep * self.used + used);
    }

    /// How many times longer runs take for others' load.
    fn factor(&self) -> f64 {
        if self.used <= 0.0 {
            1.0
        } else {
            (self.served / self.used).max(1.0)
        }
    }
}

/// What a run would have taken without the group's other runs, which was served so much, and whose thread used so much of a
/// processor, if that did the work.
pub(super) fn time_of(load: &mut Load, now: Duration, served: Duration, used: Option<Duration>) -> Duration {
    let Some(used) = used.filter(|it| served.mul_f64(LEAST_SHARE) <= *it && !served.is_zero()) else {
        return served;
    };
    load.push(now.as_secs_f64(), served.as_secs_f64(), used.as_secs_f64());
    used.mul_f64(load.factor())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn near(actual: Duration, expected: Duration) -> bool {
        actual.abs_diff(expected) < Duration::from_micros(1)
    }

    #[test]
    fn chance_of_the_scheduler_is_no_load() {
        let mut load = Load::default();
        // Two runs of 4 ms get 8 ms of the processors together, one of them late and one of them soon.
        time_of(&mut load, ms(20), ms(2), Some(ms(4)));
        let late = time_of(&mut load, ms(20), ms(6), Some(ms(4)));
        assert!(near(late, ms(4)), "{late:?}");
    }

    #[test]
    fn what_all_miss_is_load_of_others() {
        let mut load = Load::default();
        time_of(&mut load, ms(20), ms(8), Some(ms(4)));
        let other = time_of(&mut load, ms(20), ms(12), Some(ms(6)));
        assert!(near(other, ms(12)), "{other:?}");
        // It is gone some frames later.
        let later = time_of(&mut load, ms(30_000), ms(6), Some(ms(6)));
        assert!(near(later, ms(6)), "{later:?}");
    }

    #[test]
    fn a_thread_that_waits_for_another_says_nothing() {
        let mut load = Load::default();
        let aside = time_of(&mut load, ms(20), ms(30), Some(Duration::from_micros(40)));
        assert_eq!(aside, ms(30));
        assert_eq!(time_of(&mut load, ms(20), ms(30), None), ms(30));
        assert_eq!(load.factor(), 1.0);
    }
}
