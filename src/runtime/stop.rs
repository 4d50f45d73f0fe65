// SPDX-License-Identifier: MPL-2.0

//! Giving up a load or a run from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// What can be told that nobody waits for it any more.
pub(super) trait GiveUp: Send + Sync {
    fn give_up(&self);
}

/// Tells loads, and the runs of the models that they brought, that nobody waits for them any more.
///
/// All clones are the same; it cannot be taken back.
#[derive(Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_given_up: AtomicBool,
    /// What hears of it.
    below: Mutex<Vec<Weak<dyn GiveUp>>>,
}

impl Stop {
    /// Makes one that is given up with this one, or before it by itself.
    pub fn within(&self) -> Stop {
        let inner = Arc::new(Inner::default());
        self.also(Arc::downgrade(&inner) as Weak<dyn GiveUp>);
        Stop(inner)
    }

    /// Gives up. Returns at once, and what runs ends by itself.
    pub fn give_up(&self) {
        self.0.give_up();
    }

    pub fn is_given_up(&self) -> bool {
        self.0.is_given_up.load(Ordering::SeqCst)
    }

    /// Lets this hear of it, as long as it lives.
    pub(super) fn also(&self, one: Weak<dyn GiveUp>) {
        let mut below = self.0.below.lock();
        below.retain(|it| 0 < it.strong_count());
        below.push(one.clone());
        drop(below);
        // After it is listed: then it hears of it here, or there.
        if self.is_given_up()
            && let Some(one) = one.upgrade()
        {
            one.give_up();
        }
    }
}

impl GiveUp for Inner {
    fn give_up(&self) {
        self.is_given_up.store(true, Ordering::SeqCst);
        let below = self.below.lock().clone();
        below.iter().filter_map(Weak::upgrade).for_each(|it| it.give_up());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_is_given_up_too_and_not_the_other_way_round() {
        let (whole, other) = (Stop::default(), Stop::default());
        let part = whole.within();
        let sibling = whole.within();
        part.give_up();
        assert!(part.is_given_up() && !whole.is_given_up() && !sibling.is_given_up());
        whole.give_up();
        assert!(sibling.is_given_up() && whole.within().is_given_up() && !other.is_given_up());
    }
}
