// SPDX-License-Identifier: MPL-2.0

//! Threads that end by themselves, and the wait for their end, which unlike a join has a deadline.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

/// Tells when a thread has let go of all that it held.
#[derive(Debug)]
pub struct TimedJoin {
    /// Never brings anything; it is closed when the thread has ended.
    closed: Receiver<Infallible>,
}

impl TimedJoin {
    /// Starts a thread.
    pub fn of(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<TimedJoin> {
        let (token, closed) = mpsc::channel();
        std::thread::Builder::new().name(name).spawn(move || {
            // Dropped after the work and all that it owns.
            let _token = token;
            work();
        })?;
        Ok(TimedJoin { closed })
    }

    /// Waits for the end; `false` when `deadline` came first.
    pub fn wait(&self, deadline: Instant) -> bool {
        let patience = deadline.saturating_duration_since(Instant::now());
        self.closed.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }
}
