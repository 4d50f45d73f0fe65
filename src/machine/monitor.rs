// SPDX-License-Identifier: MPL-2.0

//! One small thread a process that reads what the machine says some fifty times a second, for all who ask.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::source::{Scope, Source};

/// Between two readings. Each takes some ten microseconds.
const INTERVAL: Duration = Duration::from_millis(20);

/// Readings that a share is taken over: the last 40 ms, a frame of 25 a second.
const SPAN: usize = 2;

/// Age from which on a reading says nothing of now: the thread itself did not get to run, or the machine slept.
const STALE: Duration = Duration::from_millis(200);

/// What the machine says of the last 40 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sense {
    /// Share of the time in which something that could run waited for a processor, 0..1.
    pub pressure: f32,
    /// Share of the time in which a quota stopped this process's group, 0..1; zero where there is no quota.
    pub throttled: f32,
}

/// Reads while somebody holds it.
#[derive(Debug)]
pub struct Monitor {
    scope: Scope,
    started: Instant,
    /// The last sense, as bits of both numbers.
    sense: Arc<AtomicU64>,
    /// When it was read, in ns since `started`; zero before the first.
    at: Arc<AtomicU64>,
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
        let started = Instant::now();
        let (sense, at) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (stop, stopped) = mpsc::channel();
        let scope = source.scope;
        let (told, when) = (sense.clone(), at.clone());
        let thread = thread::Builder::new().name("avrec machine".into()).spawn(move || {
            let mut window = Window::default();
            while stopped.recv_timeout(INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout) {
                let Ok((waited, throttled)) = source.read() else { break };
                let now = started.elapsed();
                if let Some(sense) = window.push(Counted { now, waited, throttled }) {
                    told.store(to_bits(sense), Ordering::Relaxed);
                    when.store(now.as_nanos() as u64, Ordering::Release);
                }
            }
        })?;
        Ok(Monitor {
            scope,
            started,
            sense,
            at,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What was read last, unless that is too long ago. Waits for nobody.
    pub fn sense(&self) -> Option<Sense> {
        let at = Duration::from_nanos(self.at.load(Ordering::Acquire));
        let is_fresh = !at.is_zero() && self.started.elapsed().saturating_sub(at) < STALE;
        is_fresh.then(|| from_bits(self.sense.load(Ordering::Relaxed)))
    }

    /// Whose waiting the pressure tells of.
    pub fn scope(&self) -> Scope {
        self.scope
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It reads a file of the kernel's at most, and returns nothing.
            let _ = thread.join();
        }
    }
}

fn to_bits(sense: Sense) -> u64 {
    u64::from(sense.pressure.to_bits()) << 32 | u64::from(sense.throttled.to_bits())
}

fn from_bits(bits: u64) -> Sense {
    Sense {
        pressure: f32::from_bits((bits >> 32) as u32),
        throttled: f32::from_bits(bits as u32),
    }
}

/// What was counted until a moment.
#[derive(Debug, Clone, Copy)]
struct Counted {
    now: Duration,
    waited: Duration,
    throttled: Option<Duration>,
}

/// The last readings.
#[derive(Debug, Default)]
struct Window(VecDeque<Counted>);

impl Window {
    /// What the time since the oldest reading says; `None` for the first.
    fn push(&mut self, newest: Counted) -> Option<Sense> {
        self.0.push_back(newest);
        if SPAN + 1 < self.0.len() {
            self.0.pop_front();
        }
        let oldest = self.0.front()?;
        let passed = newest.now.saturating_sub(oldest.now);
        let share = |newest: Duration, oldest: Duration| {
            (newest.saturating_sub(oldest).as_secs_f32() / passed.as_secs_f32()).min(1.0)
        };
        (!passed.is_zero()).then(|| Sense {
            pressure: share(newest.waited, oldest.waited),
            throttled: share(
                newest.throttled.unwrap_or_default(),
                oldest.throttled.unwrap_or_default(),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(now: u64, waited: u64, throttled: Option<u64>) -> Counted {
        Counted {
            now: Duration::from_millis(now),
            waited: Duration::from_millis(waited),
            throttled: throttled.map(Duration::from_millis),
        }
    }

    #[test]
    fn a_share_is_of_the_last_two_intervals() {
        let mut window = Window::default();
        assert_eq!(window.push(counted(0, 100, Some(0))), None, "one reading is no time");
        let sense = |pressure, throttled| Some(Sense { pressure, throttled });
        assert_eq!(window.push(counted(20, 110, Some(0))), sense(0.5, 0.0));
        assert_eq!(window.push(counted(40, 130, Some(10))), sense(0.75, 0.25));
        assert_eq!(window.push(counted(60, 130, Some(10))), sense(0.5, 0.25));
        assert_eq!(window.push(counted(80, 130, Some(10))), sense(0.0, 0.0), "gone at once");
    }

    #[test]
    fn counters_that_jump_or_fall_stay_shares() {
        let mut window = Window::default();
        window.push(counted(0, 100, None));
        let jumped = window.push(counted(20, 500, None)).unwrap();
        assert_eq!((jumped.pressure, jumped.throttled), (1.0, 0.0));
        let fallen = window.push(counted(40, 3, None)).unwrap();
        assert_eq!(fallen.pressure, 0.0);
        assert_eq!(window.push(counted(0, 3, None)), None, "time that stands still is no time");
    }

    #[test]
    fn bits_keep_both_numbers() {
        let sense = Sense {
            pressure: 0.3,
            throttled: 0.7,
        };
        assert_eq!(from_bits(to_bits(sense)), sense);
    }

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
        assert!((0.0..=1.0).contains(&sense.pressure), "{sense:?}");
        drop((one, other));
        assert!(SHARED.lock().upgrade().is_none());
    }
}
