// SPDX-License-Identifier: MPL-2.0

//! What happens on a thread while it pushes a frame into a candidate.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::thread_time;

thread_local! {
    /// The lane into whose candidate this thread just pushes a buffer.
    static PUSHING: Cell<Option<usize>> = const { Cell::new(None) };

    /// Processor time of this thread when its last push began.
    static USED_BEFORE: Cell<Option<Duration>> = const { Cell::new(None) };

    /// Whether what it pushes was answered.
    static IS_ANSWERED: Cell<bool> = const { Cell::new(false) };

    /// What is left to be done of what came of the push, where another thread is to do it.
    static LATER: RefCell<Option<Vec<Later>>> = const { RefCell::new(None) };
}

/// What is left for another thread to do.
pub type Later = Box<dyn FnOnce() + Send>;

/// Runs a push, and leaves what is to be done of what comes of it to who calls: it takes locks, for which others wait.
pub fn deferring<T>(push: impl FnOnce() -> T) -> (T, Vec<Later>) {
    LATER.set(Some(Vec::new()));
    let result = push();
    (result, LATER.take().unwrap_or_default())
}

/// Whether what comes of this thread's push is left to another one.
pub fn is_deferring() -> bool {
    LATER.with_borrow(Option::is_some)
}

/// Takes what is left so far by this thread's push; `None` where nothing is to be left.
pub fn take_later() -> Option<Vec<Later>> {
    LATER.with_borrow_mut(|it| it.as_mut().map(std::mem::take))
}

/// Does something that came of this thread's push, or leaves it.
pub fn now_or_later(act: impl FnOnce() + Send + 'static) {
    let act = LATER.with_borrow_mut(|later| match later {
        Some(later) => {
            later.push(Box::new(act));
            None
        }
        None => Some(act),
    });
    if let Some(act) = act {
        act();
    }
}

/// Runs the push of a buffer into a lane's candidate; what the lane returns meanwhile, on this thread, is told apart
/// from what comes from a thread of its own. With the result comes whether the frame was answered meanwhile.
pub fn within_push<T>(lane: usize, push: impl FnOnce() -> T) -> (T, bool) {
    PUSHING.set(Some(lane));
    USED_BEFORE.set(thread_time::now());
    IS_ANSWERED.set(false);
    let result = push();
    PUSHING.set(None);
    (result, IS_ANSWERED.get())
}

/// Notes that the frame that this thread pushes, if it pushes one into that lane, was answered.
pub fn answered_within_push(lane: usize) {
    IS_ANSWERED.set(is_pushing(lane));
}

/// Processor time that this thread used since its last push into a candidate began; `None` for a thread that makes none, and
/// where the system does not count it.
pub fn used_since_push() -> Option<Duration> {
    Some(thread_time::now()?.saturating_sub(USED_BEFORE.get()?))
}

/// Whether this thread just pushes a buffer into that lane's candidate.
pub fn is_pushing(lane: usize) -> bool {
    PUSHING.get() == Some(lane)
}
