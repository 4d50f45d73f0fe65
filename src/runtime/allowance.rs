// SPDX-License-Identifier: MPL-2.0

//! Memory that a model may take in an inference library that is compiled in.
//!
//! Such a library cannot be told how much there is, and Rust ends the process where an allocation fails. So the
//! threads that read, load and run models have an allowance, and one that asks for more than it, or for what the
//! system does not have, stops at that place for ever; who waits for it hears of it. It cannot be ended instead: an
//! allocator may not unwind. What it holds stays taken, hence [`left_behind`](super::left_behind) counts such threads.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicIsize, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What the threads of one load, or of one run after the other, have allocated, and how much they may.
pub(super) struct Allowance {
    limit: usize,
    /// Less than nothing where memory is let go that other threads took.
    taken: AtomicIsize,
    /// When an allocation is the last one, in ms of the process; 0 while that is not known.
    ends: AtomicU64,
    /// Bytes of the allocation at which a thread stopped; 0 while none has.
    refused: AtomicUsize,
}

thread_local! {
    /// What counts for this thread. Without a destructor, so that it can be read in any allocation.
    static CURRENT: Cell<*const Allowance> = const { Cell::new(std::ptr::null()) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// Keeps an allowance as long as a thread lives.
struct Held {
    _allowance: Arc<Allowance>,
}

impl Drop for Held {
    fn drop(&mut self) {
        CURRENT.set(std::ptr::null());
    }
}

impl Allowance {
    pub(super) fn new(limit: usize) -> Arc<Allowance> {
        Arc::new(Allowance {
            limit,
            taken: AtomicIsize::new(0),
            ends: AtomicU64::new(0),
            refused: AtomicUsize::new(0),
        })
    }

    /// Lets it count for this thread from now on.
    pub(super) fn hold(self: &Arc<Allowance>) {
        let held = Held {
            _allowance: self.clone(),
        };
        let old = HELD.with(|it| it.borrow_mut().replace(held));
        CURRENT.set(Arc::as_ptr(self));
        // Its destructor forgets the current one.
        drop(old);
        CURRENT.set(Arc::as_ptr(self));
    }

    /// Counts from nothing again.
    pub(super) fn begin(&self) {
        self.taken.store(0, Ordering::Relaxed);
    }

    /// Lets each of its threads stop with its first allocation after this time.
    pub(super) fn end_in(&self, time: Duration) {
        self.ends.store(now() + milliseconds(time), Ordering::SeqCst);
    }

    /// Bytes of the allocation at which a thread has stopped for ever.
    pub(super) fn refused(&self) -> Option<usize> {
        let refused = self.refused.load(Ordering::SeqCst);
        (refused != 0).then_some(refused)
    }

    /// Counts an allocation, or does not return.
    fn take(&self, bytes: usize) {
        let count = isize::try_from(bytes).unwrap_or(isize::MAX);
        let taken = self
            .taken
            .fetch_add(count, Ordering::Relaxed)
            .saturating_add(count);
        let is_too_much = usize::try_from(taken).is_ok_and(|it| self.limit < it);
        let ends = self.ends.load(Ordering::Relaxed);
        if is_too_much || (ends != 0 && ends < now()) {
            self.stop_here(bytes);
        }
    }

    fn give_back(&self, bytes: usize) {
        let count = isize::try_from(bytes).unwrap_or(isize::MAX);
        self.taken.fetch_sub(count, Ordering::Relaxed);
    }

    fn stop_here(&self, bytes: usize) -> ! {
        self.refused.store(bytes.max(1), Ordering::SeqCst);
        loop {
            // SAFETY: waits for a signal, touches nothing and allocates nothing.
            unsafe { libc::pause() };
        }
    }
}

/// Time since the first call, in ms. Allocates nothing.
fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    milliseconds(START.get_or_init(Instant::now).elapsed())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The allocator of this library: the system's, with an account where a thread has an allowance.
pub struct Allocator;

fn current<'a>() -> Option<&'a Allowance> {
    // Fails only while a thread ends. What it points to is held by this thread.
    let current = CURRENT.try_with(Cell::get).unwrap_or(std::ptr::null());
    // SAFETY: null, or what `Held` keeps until it sets this to null.
    unsafe { current.as_ref() }
}

/// Counts an allocation and lets the system make it. Does not return without memory where there is an allowance.
fn account(bytes: usize, allocate: impl FnOnce() -> *mut u8) -> *mut u8 {
    // Fails only while a thread ends, when nobody counts any more.
    let _ = ALLOCATIONS.try_with(|it| it.set(it.get().wrapping_add(1)));
    let Some(allowance) = current() else {
        return allocate();
    };
    allowance.take(bytes);
    let memory = allocate();
    if memory.is_null() {
        allowance.stop_here(bytes);
    }
    memory
}

// SAFETY: memory is the system's, and all arguments are passed on unchanged. Nothing here unwinds or allocates.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, block: Layout) -> *mut u8 {
        account(block.size(), || unsafe { System.alloc(block) })
    }

    unsafe fn alloc_zeroed(&self, block: Layout) -> *mut u8 {
        account(block.size(), || unsafe { System.alloc_zeroed(block) })
    }

    unsafe fn realloc(&self, at: *mut u8, block: Layout, size: usize) -> *mut u8 {
        // The old memory is given back after the new one was taken, as it is where both are there at once.
        let memory = account(size, || unsafe { System.realloc(at, block, size) });
        if let Some(allowance) = current() {
            allowance.give_back(block.size());
        }
        memory
    }

    unsafe fn dealloc(&self, at: *mut u8, block: Layout) {
        unsafe { System.dealloc(at, block) };
        if let Some(allowance) = current() {
            allowance.give_back(block.size());
        }
    }
}

/// Allocations of this thread so far, for tests and benchmarks.
pub fn allocations() -> u64 {
    ALLOCATIONS.get()
}

#[cfg(all(test, feature = "allocator"))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_thread_that_asks_for_more_than_it_may_stops_there() {
        let allowance = Allowance::new(1 << 20);
        let of_thread = allowance.clone();
        let thread = std::thread::spawn(move || {
            of_thread.hold();
            for _ in 0..100 {
                drop(vec![1u8; 600_000]);
            }
            let both = (vec![1u8; 600_000], vec![1u8; 600_000]);
            both.0.len() + both.1.len()
        });
        let start = Instant::now();
        while allowance.refused().is_none() && start.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
        assert_eq!(allowance.refused(), Some(600_000));
        assert!(!thread.is_finished());
        // Other threads go on as before.
        assert_eq!(vec![1u8; 2 << 20].len(), 2 << 20);
    }
}
