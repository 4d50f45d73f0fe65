// SPDX-License-Identifier: MPL-2.0

//! Runs of this process's candidates, so that they can be told from the threads of others.

use std::sync::atomic::{AtomicUsize, Ordering};

static RUNS: AtomicUsize = AtomicUsize::new(0);

/// A run of a candidate on the processor, from its start until this is dropped.
#[derive(Debug)]
pub struct OwnRun(());

impl OwnRun {
    /// A run starts.
    pub fn start() -> OwnRun {
        RUNS.fetch_add(1, Ordering::Relaxed);
        OwnRun(())
    }
}

impl Drop for OwnRun {
    fn drop(&mut self) {
        RUNS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs that go on at this moment.
pub(super) fn now() -> usize {
    RUNS.load(Ordering::Relaxed)
}
