// SPDX-License-Identifier: MPL-2.0

//! The switch's part in a file of what was learned: which one, what it had, and when it is written.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::book::Book;
use crate::elements::timed_join::TimedJoin;

/// When a stream's first lesson is written: what was learned in that time is worth having after a crash.
const FIRST: Duration = Duration::from_secs(10);

/// Time between two writes after that.
const PERIOD: Duration = Duration::from_secs(60);

/// What the switch remembers, if the user wants that.
#[derive(Debug, Default)]
pub struct Keeper {
    /// From the way to READY on.
    memory: Mutex<Option<Arc<Remembered>>>,
    /// Only starting and stopping take it.
    thread: Mutex<Option<(Arc<Shift>, TimedJoin)>>,
}

/// A file of what was learned.
#[derive(Debug)]
pub struct Remembered {
    pub path: PathBuf,
    /// What it had when it was last read or written.
    pub book: Mutex<Arc<Book>>,
    /// It is somebody else's, or cannot be read: it is not written.
    pub is_foreign: bool,
}

/// While a stream plays.
#[derive(Debug, Default)]
pub struct Shift {
    is_over: Mutex<bool>,
    changed: Condvar,
}

impl Keeper {
    pub fn remember(&self, memory: Option<Remembered>) {
        *self.memory.lock() = memory.map(Arc::new);
    }

    pub fn remembered(&self) -> Option<Arc<Remembered>> {
        self.memory.lock().clone()
    }

    /// Begins a stream; `start` starts the thread that writes.
    pub fn begin(&self, start: impl FnOnce(Arc<Shift>) -> Option<TimedJoin>) {
        let shift = Arc::<Shift>::default();
        let ending = start(shift.clone());
        *self.thread.lock() = ending.map(|it| (shift, it));
    }

    /// Ends it; returns the thread, which writes once more and ends.
    pub fn end(&self) -> Option<TimedJoin> {
        let (shift, ending) = self.thread.lock().take()?;
        *shift.is_over.lock() = true;
        shift.changed.notify_all();
        Some(ending)
    }
}

impl Shift {
    /// Waits until the next write, the `number`th; `false` where the stream is over, and it is the last.
    pub fn wait(&self, number: u64) -> bool {
        let end = Instant::now() + if number == 0 { FIRST } else { PERIOD };
        let mut is_over = self.is_over.lock();
        while !*is_over && !self.changed.wait_until(&mut is_over, end).timed_out() {}
        !*is_over
    }
}
