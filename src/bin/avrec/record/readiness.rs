// SPDX-License-Identifier: MPL-2.0

//! Whether anybody could have answered a frame when it came.

use std::collections::HashMap;
use std::time::Duration;

use gstavrec::messages::Frame;

/// Since when who could answer. Times are monotonic.
#[derive(Debug, Default)]
pub struct Readiness {
    since: HashMap<String, Duration>,
    /// Whether anybody ever was the active one.
    active: bool,
}

impl Readiness {
    /// The candidate said so at `now`.
    pub fn ready(&mut self, candidate: String, now: Duration) {
        self.since.entry(candidate).or_insert(now);
    }

    pub fn somebody_is_active(&mut self) {
        self.active = true;
    }

    /// Whether the one who should have answered was there when the frame came. A candidate that never says when it is
    /// ready always is.
    pub fn was_there(&self, frame: &Frame) -> bool {
        let entered = frame.time.saturating_sub(frame.latency);
        match frame.active.as_str() {
            "" => self.active,
            active => self.since.get(active).is_none_or(|since| *since <= entered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::frame;
    use super::*;
    use gstavrec::messages::AnswerKind;

    /// A frame that came at `entered`, in milliseconds, and took 900.
    fn came(active: &str, entered: u64) -> Frame {
        Frame {
            active: active.to_string(),
            time: Duration::from_millis(entered + 900),
            ..frame("small", AnswerKind::Active, 900)
        }
    }

    #[test]
    fn a_candidate_answers_for_the_frames_that_came_when_it_was_ready() {
        let mut readiness = Readiness::default();
        assert!(!readiness.was_there(&came("", 100)), "nobody is there as yet");
        readiness.ready("small".to_string(), Duration::from_millis(500));
        readiness.somebody_is_active();
        assert!(
            !readiness.was_there(&came("small", 499)),
            "it waited for the model"
        );
        assert!(readiness.was_there(&came("small", 500)));
        readiness.ready("small".to_string(), Duration::from_secs(9));
        assert!(readiness.was_there(&came("small", 600)), "it was there before");
        assert!(readiness.was_there(&came("", 700)), "all have failed since");
        assert!(readiness.was_there(&came("silent", 0)), "it never says");
    }
}
