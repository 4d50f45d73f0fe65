// SPDX-License-Identifier: MPL-2.0

//! A connection to somebody who asks.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::AbortHandle;

#[derive(Debug, Default)]
pub struct Connection {
    task: OnceLock<AbortHandle>,
    goes_on: AtomicBool,
}

impl Connection {
    /// The task that serves it.
    pub fn set_task(&self, task: AbortHandle) {
        let _ = self.task.set(task);
    }

    /// It is one of events, which ends when who reads them goes, and counts among those only.
    pub fn go_on(&self) {
        self.goes_on.store(true, Ordering::Relaxed);
    }

    pub fn goes_on(&self) -> bool {
        self.goes_on.load(Ordering::Relaxed)
    }

    pub fn is_over(&self) -> bool {
        self.task.get().is_some_and(AbortHandle::is_finished)
    }

    /// Ends it, whatever is left to send.
    pub fn close(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}
