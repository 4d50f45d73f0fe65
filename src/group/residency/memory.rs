// SPDX-License-Identifier: MPL-2.0

//! The models of a group, as its streams share them.

use parking_lot::{Condvar, Mutex};

use super::rule::Residency;

/// The rule behind a lock, which is held for bookkeeping only, and a bell that wakes the streams' threads.
#[derive(Debug, Default)]
pub struct Memory {
    residency: Mutex<Residency>,
    changed: Condvar,
}

impl Memory {
    pub fn look<T>(&self, look: impl FnOnce(&Residency) -> T) -> T {
        look(&self.residency.lock())
    }

    /// Looks where nobody else does just now. For a streaming thread.
    pub fn try_look<T>(&self, look: impl FnOnce(&Residency) -> T) -> Option<T> {
        Some(look(&*self.residency.try_lock()?))
    }

    /// Changes something, and wakes whoever waits for that.
    pub fn change<T>(&self, change: impl FnOnce(&mut Residency) -> T) -> T {
        let changed = change(&mut self.residency.lock());
        self.changed.notify_all();
        changed
    }

    /// The same where nobody else looks just now; `None` where somebody does. For a streaming thread.
    pub fn try_change<T>(&self, change: impl FnOnce(&mut Residency) -> T) -> Option<T> {
        let changed = change(&mut *self.residency.try_lock()?);
        self.changed.notify_all();
        Some(changed)
    }

    /// Waits until `look` finds something.
    pub fn wait<T>(&self, mut look: impl FnMut(&mut Residency) -> Option<T>) -> T {
        let mut residency = self.residency.lock();
        loop {
            let found = look(&mut residency);
            if residency.take_news() {
                self.changed.notify_all();
            }
            match found {
                Some(found) => return found,
                None => self.changed.wait(&mut residency),
            }
        }
    }
}
