// SPDX-License-Identifier: MPL-2.0

//! Hands things from any thread to the one that takes them. Who hands over and who takes never wait for each other.
//!
//! They may have very different priorities. The channels of the standard library have a lock for sleepers, and a receiver
//! waits for a sender that was interrupted in the middle of sending.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// Things that wait at most: while nobody takes them, no memory may grow for ever. More than some seconds of any stream
/// put in.
const CAPACITY: usize = 4096;

#[derive(Debug)]
pub struct Mailbox<T> {
    newest: ArcSwapOption<Letter<T>>,
}

#[derive(Debug)]
struct Letter<T> {
    content: T,
    older: Option<Arc<Letter<T>>>,
    /// How many wait, this one among them.
    waiting: usize,
}

impl<T: Clone> Mailbox<T> {
    /// Hands a thing over, unless as many wait as may.
    pub fn put(&self, content: T) {
        self.put_within(content, CAPACITY);
    }

    /// Hands a thing over, unless so many wait already; returns whether it did.
    pub fn put_within(&self, content: T, room: usize) -> bool {
        let waiting = |newest: &Option<Arc<Letter<T>>>| newest.as_ref().map_or(0, |it| it.waiting);
        let before = self.newest.rcu(|older| match waiting(older) {
            full if room <= full => older.clone(),
            others => Some(Arc::new(Letter {
                content: content.clone(),
                older: older.clone(),
                waiting: others + 1,
            })),
        });
        waiting(&before) < room
    }

    /// Takes all that came since the last time, oldest first. Takes no memory where nothing came.
    pub fn take(&self) -> Vec<T> {
        let mut contents = Vec::new();
        let mut next = self.newest.swap(None);
        while let Some(letter) = next {
            contents.push(letter.content.clone());
            next = letter.older.clone();
        }
        contents.reverse();
        contents
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Mailbox<T> {
        Mailbox {
            newest: ArcSwapOption::empty(),
        }
    }
}

impl<T> Drop for Letter<T> {
    /// Lets go of a long row one by one, since one inside the other would need a deep stack.
    fn drop(&mut self) {
        let mut next = self.older.take();
        while let Some(letter) = next {
            next = Arc::into_inner(letter).and_then(|mut it| it.older.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_several_threads_put_in_comes_out_once_and_in_their_order() {
        let mailbox = Mailbox::default();
        let mut taken: Vec<(usize, usize)> = std::thread::scope(|scope| {
            let mailbox = &mailbox;
            let threads = [0, 1, 2, 3].map(|thread| {
                scope.spawn(move || (0..1000).for_each(|number| mailbox.put((thread, number))))
            });
            let mut taken = Vec::new();
            while threads.iter().any(|it| !it.is_finished()) {
                taken.extend(mailbox.take());
            }
            taken
        });
        taken.extend(mailbox.take());
        assert_eq!(taken.len(), 4000);
        for thread in 0..4 {
            let numbers = taken.iter().filter(|it| it.0 == thread).map(|it| it.1);
            assert!(numbers.eq(0..1000), "thread {thread}");
        }
    }

    #[test]
    fn a_row_that_nobody_takes_does_not_grow_for_ever_nor_need_a_deep_stack() {
        let mailbox = Mailbox::default();
        (0..200_000).for_each(|it| mailbox.put(it));
        assert!(!mailbox.put_within(0, 10));
        assert!((0..CAPACITY).eq(mailbox.take()), "those that came first");
        assert!(mailbox.put_within(7, 10));
        assert_eq!(mailbox.take(), [7]);
        (0..200_000).for_each(|it| _ = mailbox.put_within(it, usize::MAX));
        drop(mailbox);
    }
}
