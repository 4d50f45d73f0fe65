// SPDX-License-Identifier: MPL-2.0

//! Work on threads of its own that can be left behind, where nothing can end it from outside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::allowance::Allowance;
use super::failure::Failure;
use super::stop::Stop;

/// Threads that may be left behind at a time in a process: each may hold a core, or its memory for ever.
const MOST: usize = 16;

/// Stack of a thread that loads: what walks through a graph may recur, so that depth costs some. Only what is touched is
/// memory.
const STACK: usize = 64 << 20;

/// How often who waits looks whether to go on waiting.
const LOOK: Duration = Duration::from_millis(20);

/// How long work that is given up may still take before it is left behind: nearly all of it ends by then.
const GRACE: Duration = Duration::from_millis(400);

/// How long a run that was left behind may still take before its thread stops for good.
const REST: Duration = Duration::from_secs(2);

/// How long further work waits where too much was left behind, since some of it may end.
const QUEUE: Duration = Duration::from_secs(5);

static LEFT: AtomicUsize = AtomicUsize::new(0);

/// Refuses further work where too much of it was left behind, and does not end.
fn check(stop: &Stop) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        let left = LEFT.load(Ordering::SeqCst);
        match left {
            _ if stop.is_given_up() => return Err(Failure::GivenUp),
            _ if left < MOST => return Ok(()),
            _ if QUEUE < start.elapsed() => return Err(Failure::LeftBehind(left)),
            _ => std::thread::sleep(LOOK),
        }
    }
}

/// Whether somebody waits for a piece of work; both sides see the same.
#[derive(Clone, Default)]
pub(super) struct Ticket(Arc<AtomicU8>);

const RUNS: u8 = 0;
const DONE: u8 = 1;
const IS_LEFT: u8 = 2;

impl Ticket {
    /// Says that the work is done, before its result is sent. `false` where nobody waits for it any more.
    pub(super) fn finish(&self) -> bool {
        let is_waited_for = self
            .0
            .compare_exchange(RUNS, DONE, Ordering::SeqCst, Ordering::SeqCst);
        if is_waited_for.is_err() {
            LEFT.fetch_sub(1, Ordering::SeqCst);
        }
        is_waited_for.is_ok()
    }

    /// Leaves the work behind. `false` where it was just done.
    fn leave(&self) -> bool {
        let is_left = self
            .0
            .compare_exchange(RUNS, IS_LEFT, Ordering::SeqCst, Ordering::SeqCst);
        if is_left.is_ok() {
            LEFT.fetch_add(1, Ordering::SeqCst);
        }
        is_left.is_ok()
    }
}

/// Lets the thread of a run that was left behind stop for good, unless it ends soon.
pub(super) fn end(allowance: &Allowance) {
    allowance.end_in(REST);
}

/// Waits for the result of work, unless it is given up, or has stopped for want of memory.
pub(super) fn wait<T>(
    results: &Receiver<T>,
    ticket: &Ticket,
    allowance: &Allowance,
    stop: &Stop,
) -> Result<T, Failure> {
    let mut given_up: Option<Instant> = None;
    loop {
        let why = match results.recv_timeout(LOOK) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Cause("its thread ended without a result".into()));
            }
            Err(RecvTimeoutError::Timeout) => match allowance.refused() {
                Some(asked) => Failure::Memory { asked },
                None if !stop.is_given_up() => continue,
                None if given_up.get_or_insert_with(Instant::now).elapsed() < GRACE => continue,
                None => Failure::GivenUp,
            },
        };
        if ticket.leave() {
            return Err(why);
        }
    }
}

/// Does work on a thread of its own, with a large stack and an allowance of memory, and waits for it.
///
/// A panic comes out as a cause.
pub(super) fn work<T: Send + 'static>(
    limit: usize,
    stop: &Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    check(stop)?;
    let (sender, results) = mpsc::sync_channel(1);
    let (ticket, allowance) = (Ticket::default(), Allowance::new(limit));
    let (of_thread, held) = (ticket.clone(), allowance.clone());
    let body = move || {
        held.hold();
        let result = catch_unwind(AssertUnwindSafe(work));
        if of_thread.finish() {
            // Who waits takes it, since the work is not left.
            let _ = sender.send(result);
        }
    };
    std::thread::Builder::new()
        .name("avrec-open".into())
        .stack_size(STACK)
        .spawn(body)
        .map_err(|error| Failure::Cause(format!("no thread can be started: {error}")))?;
    wait(&results, &ticket, &allowance, stop)?.map_err(|panic| Failure::panic(panic.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_is_given_up_is_left_behind_and_counted_until_it_ends() {
        let stop = Stop::default();
        let (sender, gate) = mpsc::channel::<()>();
        let (started, has_started) = mpsc::channel();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                work(1 << 30, &stop, move || {
                    started.send(()).unwrap();
                    gate.recv()
                })
            });
            has_started.recv().unwrap();
            stop.give_up();
            assert!(matches!(waiter.join().unwrap(), Err(Failure::GivenUp)));
        });
        assert_eq!(LEFT.load(Ordering::SeqCst), 1);
        sender.send(()).unwrap();
        while LEFT.load(Ordering::SeqCst) != 0 {
            std::thread::yield_now();
        }
        assert!(matches!(work(1 << 30, &Stop::default(), || 7), Ok(7)));
        let panics = work(1 << 30, &Stop::default(), || panic!("broken {}", 5));
        assert!(matches!(panics, Err::<(), _>(Failure::Cause(text)) if text.contains("broken 5")));
    }
}
