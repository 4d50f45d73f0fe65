// SPDX-License-Identifier: MPL-2.0

//! The groups of this process by name. A group is there while a stream is in it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::residency::Memory;
use super::shares::{Share, Shares};
use super::stream::Wants;

static GROUPS: LazyLock<Mutex<HashMap<String, Weak<Group>>>> = LazyLock::new(Mutex::default);

/// Streams that share the machine.
#[derive(Debug)]
pub struct Group {
    name: String,
    /// Held for some microseconds, and never while a plan is made.
    shares: Mutex<Shares>,
    /// The models of its streams.
    memory: Arc<Memory>,
}

/// A stream's place in a group, which it leaves when this is dropped.
#[derive(Debug)]
pub struct Member {
    group: Arc<Group>,
    number: usize,
}

impl Member {
    /// Joins the group of this name, with that weight against the other streams'; `None` where the name is empty: the
    /// stream is alone. The first one says how many processors they share.
    pub fn join(name: &str, weight: f64, processors: usize) -> Option<Member> {
        if name.is_empty() {
            return None;
        }
        let mut groups = GROUPS.lock();
        let known = groups.get(name).and_then(Weak::upgrade);
        let group = known.unwrap_or_else(|| {
            let group = Arc::new(Group {
                name: name.to_owned(),
                shares: Mutex::new(Shares::new(processors)),
                memory: Arc::default(),
            });
            groups.retain(|_, it| 0 < it.strong_count());
            groups.insert(name.to_owned(), Arc::downgrade(&group));
            group
        });
        let number = group.shares.lock().join(weight);
        Some(Member { group, number })
    }

    pub fn group(&self) -> &str {
        &self.group.name
    }

    /// The models of the group, and by which number it knows this stream.
    pub fn memory(&self) -> (Arc<Memory>, usize) {
        (self.group.memory.clone(), self.number)
    }

    /// Streams in the group, this one included.
    pub fn streams(&self) -> usize {
        self.group.shares.lock().streams()
    }

    pub fn set_weight(&self, weight: f64) {
        self.group.shares.lock().set_weight(self.number, weight);
    }

    pub fn weight(&self) -> f64 {
        self.group.shares.lock().weight(self.number).unwrap_or(1.0)
    }

    /// A run of the stream on the processor starts.
    pub fn started(&self, now: Duration) {
        self.group.shares.lock().started(self.number, now);
    }

    /// The run that started then ends; its thread `used` so much of a processor meanwhile, if it did the work and that is known.
    /// Returns what it would have taken without the group's other runs.
    pub fn ended(&self, started: Duration, now: Duration, used: Option<Duration>) -> Duration {
        self.group.shares.lock().ended(self.number, started, now, used)
    }

    /// A frame of the stream was missed.
    pub fn missed(&self) {
        self.group.shares.lock().missed(self.number);
    }

    /// Processor time that a run got of the group between two times.
    pub fn served(&self, from: Duration, until: Duration) -> Duration {
        let shares = self.group.shares.lock();
        match shares.streams() {
            0 | 1 => until.saturating_sub(from),
            _ => shares.served(from, until),
        }
    }

    /// A frame came: what the group leaves the stream. Plans for all where that is due, which takes some 0.1 ms.
    pub fn frame(&self, wants: &Wants) -> Share {
        let mut shares = self.group.shares.lock();
        let share = shares.frame(self.number, wants);
        let due = shares.due(wants.now);
        drop(shares);
        if let Some(due) = due {
            let plan = due.plan();
            self.group.shares.lock().follow(&due, &plan, wants.now);
        }
        share
    }

    /// Whether a run beside, of so much processor time, delays nobody of the group and ends before `until`.
    pub fn has_room(&self, now: Duration, work: Duration, until: Duration) -> bool {
        let streams = self.group.shares.lock().demands(now);
        streams.has_room(now, work, until)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.group.shares.lock().leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_the_same_name_is_in_the_same_group() {
        let one = Member::join("same", 1.0, 2).unwrap();
        let other = Member::join("same", 1.0, 2).unwrap();
        let apart = Member::join("another", 1.0, 2).unwrap();
        assert_eq!((one.streams(), other.streams(), apart.streams()), (2, 2, 1));
        assert!(Member::join("", 1.0, 2).is_none());
        drop(one);
        assert_eq!(other.streams(), 1);
    }

    #[test]
    fn a_group_without_members_is_forgotten() {
        drop(Member::join("forgotten", 1.0, 2));
        let _next = Member::join("any other", 1.0, 2);
        assert!(!GROUPS.lock().contains_key("forgotten"));
    }

    #[test]
    fn a_weight_may_change() {
        let member = Member::join("weighted", 1.0, 2).unwrap();
        member.set_weight(4.0);
        assert_eq!(member.weight(), 4.0);
    }
}
