// SPDX-License-Identifier: MPL-2.0

//! What is yet to be sent: a queue of fixed length that no thread waits for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

/// The queue between the threads of streams and the one that sends.
#[derive(Debug)]
pub struct Outbox<T> {
    queue: ArrayQueue<T>,
    /// With so many the sender is woken.
    batch: usize,
    sender: OnceLock<Thread>,
    is_closed: AtomicBool,
    /// Records for which there was no room.
    dropped: AtomicU64,
}

impl<T> Outbox<T> {
    /// Room for `length` records, and a sender that wants `batch` of them at once.
    pub fn new(length: usize, batch: usize) -> Outbox<T> {
        Outbox {
            queue: ArrayQueue::new(length.max(1)),
            batch: batch.clamp(1, length.max(1)),
            sender: OnceLock::new(),
            is_closed: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        }
    }

    /// Takes a record, or drops it where there is no room. Neither waits nor allocates.
    pub fn put(&self, record: T) {
        if self.queue.push(record).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        if self.batch <= self.queue.len() {
            self.wake();
        }
    }

    /// The oldest record.
    pub fn take(&self) -> Option<T> {
        self.queue.pop()
    }

    /// Waits, on the thread that sends, for a batch, for the end, or for so long.
    pub fn wait(&self, patience: Duration) {
        self.sender.get_or_init(thread::current);
        if !self.is_closed() && self.queue.len() < self.batch {
            thread::park_timeout(patience);
        }
    }

    /// Records that were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Nothing more will come: what is there is to be sent now.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.wake();
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Lets the sender send what is there.
    pub fn wake(&self) {
        if let Some(sender) = self.sender.get() {
            sender.unpark();
        }
    }
}
