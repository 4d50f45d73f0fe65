// SPDX-License-Identifier: MPL-2.0

//! A switch's place in the memory of its group.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;

use crate::elements::timed_join::TimedJoin;
use crate::group::residency::{Account, Memory, Residency, User};

/// The memory of a group, and which stream the switch is in it.
#[derive(Debug, Default)]
pub struct Place {
    pub memory: Arc<Memory>,
    pub stream: usize,
}

/// The switch's part while a limit holds.
#[derive(Debug)]
pub struct Joined {
    pub place: Arc<Place>,
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
pub struct MemoryShare {
    place: ArcSwap<Place>,
    /// While the switch is up, from the first time on that somebody in its group limits the memory.
    joined: ArcSwapOption<Joined>,
    /// Carries out what the rule says; only starting and stopping take it.
    thread: Mutex<Option<TimedJoin>>,
    /// There is a limit, and the switch has not joined.
    is_wanted: AtomicBool,
}

impl Joined {
    pub fn user(&self, lane: usize) -> User {
        User {
            stream: self.place.stream,
            lane,
        }
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Residency) -> T) -> T {
        self.place.memory.change(change)
    }

    /// Whether the switch was stopped since.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.change(|it| it.rest(self.place.stream));
    }
}

impl MemoryShare {
    /// Goes to the memory of a group, or, where there is none, to one of its own.
    pub fn place_in(&self, place: Option<(Arc<Memory>, usize)>) {
        self.leave();
        let (memory, stream) = place.unwrap_or_default();
        self.place.store(Arc::new(Place { memory, stream }));
    }

    /// Is forgotten there.
    pub fn leave(&self) {
        let place = self.place.load();
        place.memory.change(|it| it.remove_stream(place.stream));
    }

    /// Sets the limit of this switch, in bytes; returns whether any is in force.
    pub fn limit_to(&self, bytes: u64) -> bool {
        let place = self.place.load();
        place.memory.change(|it| {
            it.set_limit(place.stream, bytes);
            it.limit().is_some()
        })
    }

    pub fn joined(&self) -> Option<Arc<Joined>> {
        self.joined.load_full()
    }

    pub fn is_joined(&self) -> bool {
        self.joined.load().is_some()
    }

    /// Begins to take part. `start` starts the thread, if it was not there.
    pub fn join(&self, start: impl FnOnce(Arc<Joined>) -> Option<TimedJoin>) {
        let mut thread = self.thread.lock();
        if self.is_joined() {
            return;
        }
        let joined = Arc::new(Joined {
            place: self.place.load_full(),
            is_over: AtomicBool::new(false),
        });
        self.joined.store(Some(joined.clone()));
        *thread = start(joined);
    }

    /// Ends that; returns the thread, which ends.
    pub fn rest(&self) -> Option<TimedJoin> {
        let mut thread = self.thread.lock();
        match self.joined.swap(None) {
            Some(joined) => joined.end(),
            None => _ = self.limit_to(0),
        }
        thread.take()
    }

    /// Looks whether somebody else has set a limit; for the streaming thread, which starts no threads.
    pub fn look_for_limit(&self) {
        let limit = self.place.load().memory.try_look(Residency::limit);
        if limit.flatten().is_some() {
            self.is_wanted.store(true, Ordering::Release);
        }
    }

    /// Whether it is to join, which is told once.
    pub fn take_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed) && self.is_wanted.swap(false, Ordering::AcqRel)
    }

    /// A lane has left memory.
    pub fn left(&self, lane: usize) {
        if let Some(joined) = self.joined() {
            joined.change(|it| it.left(joined.user(lane)));
        }
    }

    /// A lane has failed. `true` where it then has to leave memory.
    pub fn failed(&self, lane: usize) -> bool {
        let joined = self.joined();
        joined.is_some_and(|joined| {
            joined.change(|it| it.failed(joined.user(lane)));
            true
        })
    }

    /// A lane is gone.
    pub fn remove(&self, lane: usize) {
        if let Some(joined) = self.joined() {
            joined.change(|it| it.remove(joined.user(lane)));
        }
    }

    /// Lets a lane that failed be loaded again when the rule says so; `false` where nothing is limited.
    pub fn retry(&self, lane: usize) -> bool {
        let joined = self.joined();
        joined.is_some_and(|joined| {
            joined.change(|it| it.retry(joined.user(lane)));
            true
        })
    }

    /// What is in memory of a lane; `None` where nothing is limited.
    pub fn account(&self, lane: usize) -> Option<Account> {
        let joined = self.joined()?;
        joined.place.memory.look(|it| it.account(joined.user(lane)))
    }

    /// Bytes that may be taken and that are taken; `None` where nothing is limited.
    pub fn bytes(&self) -> Option<(u64, u64)> {
        let joined = self.joined()?;
        joined.place.memory.look(|it| Some((it.limit()?, it.used())))
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        // The thread waits for the rule.
        self.rest();
        self.leave();
    }
}
