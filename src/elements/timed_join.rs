// SPDX-License-Identifier: MPL-2.0

//! Threads that end by themselves, and the wait for their end, which unlike a join has a deadline.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How long threads that have nothing left to do are waited for after a lane that hangs: they only have to
/// get their turn on a busy machine.
const END_PATIENCE: Duration = Duration::from_millis(100);

/// Tells when a thread has let go of all that it held.
#[derive(Debug)]
pub struct TimedJoin {
    /// Never brings anything; it is closed when the thread has ended.
    closed: Receiver<Infallible>,
    thread: Thread,
}

impl TimedJoin {
    /// Starts a thread.
    pub fn of(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<TimedJoin> {
        let (token, closed) = mpsc::channel();
        let handle = std::thread::Builder::new().name(name).spawn(move || {
            // Dropped after the work and all that it owns.
            let _token = token;
            work();
        })?;
        let thread = handle.thread().clone();
        Ok(TimedJoin { closed, thread })
    }

    /// Handle to wake the thread up with.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Waits for the end; `false` when `deadline` came first.
    pub fn wait(&self, deadline: Instant) -> bool {
        let patience = deadline.saturating_duration_since(Instant::now());
        self.closed.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }
}

/// Threads that were told to end.
#[derive(Debug, Default)]
pub struct Endings(Mutex<Vec<TimedJoin>>);

impl Endings {
    /// Notes a thread that ends, so that the way to NULL waits for it.
    pub fn add(&self, ending: Option<TimedJoin>) {
        let mut endings = self.0.lock();
        endings.retain(|it| !it.wait(Instant::now()));
        endings.extend(ending);
    }

    /// Waits for all of them, a little beyond `deadline` if need be.
    pub fn wait(&self, deadline: Instant) {
        let deadline = deadline.max(Instant::now() + END_PATIENCE);
        let mut endings = std::mem::take(&mut *self.0.lock());
        endings.retain(|it| !it.wait(deadline));
        self.0.lock().extend(endings);
    }
}
