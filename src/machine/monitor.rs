// SPDX-License-Identifier: MPL-2.0

//! One small thread a process that reads what the machine says some fifty times a second, for all who ask.

use std::io;
use std::path::Path;
use std::sync::{Arc, Weak, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use super::sense::{Readings, Sense};
use super::source::Source;

/// Between two readings. Each takes some ten microseconds.
const INTERVAL: Duration = Duration::from_millis(20);

/// Age from which on a reading says nothing of now: the thread itself did not get to run, or the machine slept.
const STALE: Duration = Duration::from_millis(200);

/// Reads while somebody holds it.
#[derive(Debug)]
pub struct Monitor {
    /// What was read last, and when.
    last: Arc<ArcSwapOption<(Instant, Sense)>>,
    processors: f32,
    /// The thread ends when this end is dropped.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The one of this process.
static SHARED: Mutex<Weak<Monitor>> = Mutex::new(Weak::new());

impl Monitor {
    /// The monitor of this process; `None` where the kernel says nothing. Opens files: not for a streaming thread.
    pub fn shared() -> Option<Arc<Monitor>> {
        let mut shared = SHARED.lock();
        if let Some(monitor) = shared.upgrade() {
            return Some(monitor);
        }
        let monitor = Arc::new(Monitor::start(Source::find(Path::new("/"))?).ok()?);
        *shared = Arc::downgrade(&monitor);
        Some(monitor)
    }

    fn start(source: Source) -> io::Result<Monitor> {
        let last = Arc::new(ArcSwapOption::empty());
        let (stop, stopped) = mpsc::channel();
        let told = last.clone();
        let thread = thread::Builder::new()
            .name("avrec machine".into())
            .spawn(move || {
                let (started, mut readings) = (Instant::now(), Readings::default());
                while stopped.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                    let Ok(reading) = source.read() else { break };
                    let sense = readings.push(started.elapsed(), reading, source.scope);
                    told.store(sense.map(|it| Arc::new((Instant::now(), it))));
                }
            })?;
        Ok(Monitor {
            last,
            processors: thread::available_parallelism().map_or(1.0, |it| it.get() as f32),
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What was read last, unless that is too long ago. Waits for nobody.
    pub fn sense(&self) -> Option<Sense> {
        let last = self.last.load();
        let (at, sense) = **last.as_ref()?;
        (at.elapsed() < STALE).then_some(sense)
    }

    /// Processors that this process may use.
    pub fn processors(&self) -> f32 {
        self.processors
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It reads files of the kernel's at most, and returns nothing.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_share_one_thread_and_the_last_one_ends_it() {
        let Some(one) = Monitor::shared() else {
            assert!(Source::find(Path::new("/")).is_none());
            return;
        };
        let other = Monitor::shared().unwrap();
        assert!(Arc::ptr_eq(&one, &other));
        let deadline = Instant::now() + Duration::from_secs(10);
        while one.sense().is_none() && Instant::now() < deadline {
            thread::yield_now();
        }
        let sense = one.sense().expect("readings within ten seconds");
        let waiting = sense.waiting(0.0, one.processors());
        assert!((0.0..=1.0).contains(&waiting), "{sense:?}");
        drop((one, other));
        assert!(SHARED.lock().upgrade().is_none());
    }
}
