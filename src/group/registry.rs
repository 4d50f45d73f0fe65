// SPDX-License-Identifier: MPL-2.0

//! The groups of this process by name. A group is there while somebody is in it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;

use super::residency::Memory;
use crate::numbered::Numbered;

static GROUPS: LazyLock<Mutex<HashMap<String, Weak<Group>>>> = LazyLock::new(Mutex::default);

/// Streams that share the machine.
#[derive(Debug)]
pub struct Group {
    name: String,
    members: Mutex<Numbered<Record>>,
    /// The models of its streams.
    memory: Arc<Memory>,
}

/// What the group knows of one of its streams.
#[derive(Debug)]
struct Record {
    weight: f64,
}

/// A stream's place in a group, which it leaves when this is dropped.
#[derive(Debug)]
pub struct Member {
    group: Arc<Group>,
    number: usize,
}

impl Member {
    /// Joins the group of this name, with that weight against the other streams'; `None` where the name is empty: the
    /// stream is alone.
    pub fn join(name: &str, weight: f64) -> Option<Member> {
        if name.is_empty() {
            return None;
        }
        let mut groups = GROUPS.lock();
        let known = groups.get(name).and_then(Weak::upgrade);
        let group = known.unwrap_or_else(|| {
            let group = Arc::new(Group {
                name: name.to_owned(),
                members: Mutex::default(),
                memory: Arc::default(),
            });
            groups.retain(|_, it| 0 < it.strong_count());
            groups.insert(name.to_owned(), Arc::downgrade(&group));
            group
        });
        let number = group.members.lock().add(Record { weight });
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
        self.group.members.lock().values().count()
    }

    pub fn set_weight(&self, weight: f64) {
        if let Some(record) = self.group.members.lock().get_mut(self.number) {
            record.weight = weight;
        }
    }

    pub fn weight(&self) -> f64 {
        self.group
            .members
            .lock()
            .get(self.number)
            .map_or(1.0, |it| it.weight)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.group.members.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_the_same_name_is_in_the_same_group() {
        let one = Member::join("same", 1.0).unwrap();
        let other = Member::join("same", 1.0).unwrap();
        let apart = Member::join("another", 1.0).unwrap();
        assert_eq!((one.streams(), other.streams(), apart.streams()), (2, 2, 1));
        assert!(Member::join("", 1.0).is_none());
        drop(one);
        assert_eq!(other.streams(), 1);
    }

    #[test]
    fn a_group_without_members_is_forgotten() {
        drop(Member::join("forgotten", 1.0));
        let _next = Member::join("any other", 1.0);
        assert!(!GROUPS.lock().contains_key("forgotten"));
    }

    #[test]
    fn a_weight_may_change() {
        let member = Member::join("weighted", 1.0).unwrap();
        member.set_weight(4.0);
        assert_eq!(member.weight(), 4.0);
    }
}
