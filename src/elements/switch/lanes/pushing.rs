// SPDX-License-Identifier: MPL-2.0

//! What happens on a thread while it pushes a frame into a candidate.

use std::cell::Cell;

thread_local! {
    /// The lane into whose candidate this thread just pushes a buffer.
    static PUSHING: Cell<Option<usize>> = const { Cell::new(None) };

    /// Whether what it pushes was answered.
    static IS_ANSWERED: Cell<bool> = const { Cell::new(false) };
}

/// Runs the push of a buffer into a lane's candidate; what the lane returns meanwhile, on this thread, is told apart
/// from what comes from a thread of its own. With the result comes whether the frame was answered meanwhile.
pub fn within_push<T>(lane: usize, push: impl FnOnce() -> T) -> (T, bool) {
    PUSHING.set(Some(lane));
    IS_ANSWERED.set(false);
    let result = push();
    PUSHING.set(None);
    (result, IS_ANSWERED.get())
}

/// Notes that the frame that this thread pushes, if it pushes one into that lane, was answered.
pub fn answered_within_push(lane: usize) {
    IS_ANSWERED.set(is_pushing(lane));
}

/// Whether this thread just pushes a buffer into that lane's candidate.
pub fn is_pushing(lane: usize) -> bool {
    PUSHING.get() == Some(lane)
}
