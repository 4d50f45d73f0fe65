// SPDX-License-Identifier: MPL-2.0

//! Elements are asked on a thread on which it does not matter if one of them hangs: who does not answer in time is left with
//! the thread, is not asked again until it has answered, and the others are asked on another thread.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time;

use super::roster::Member;

/// Time in which an element must answer. Ours wait for nothing; another program's lock may be held for as long as it likes.
const PATIENCE: Duration = Duration::from_secs(1);
/// Elements that are waited for in one round; who reads has not for ever.
const MOST_WAITS: usize = 5;
/// Rounds that wait for their turn, at most.
const MOST_ROUNDS: usize = 64;
/// Threads at most: one that works, and one for each element that hangs.
pub const MOST_THREADS: usize = 16;

/// So many elements hang that the others cannot be asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Stuck;

/// Asks one round after the other.
#[derive(Debug)]
pub struct Reader {
    turn: Arc<tokio::sync::Mutex<()>>,
    places: Arc<Semaphore>,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader {
            turn: Arc::default(),
            places: Arc::new(Semaphore::new(MOST_ROUNDS)),
        }
    }
}

impl Reader {
    /// What those of the members say that live and answer, in their order. A round that is begun goes on to its end, even
    /// where nobody waits for it any more: else whoever asks and goes could leave a thread with an element that hangs each
    /// time, and nobody would find out that it does.
    ///
    /// # Errors
    ///
    /// When more hang than can be waited for.
    pub async fn ask<T, Q>(&self, members: Vec<Arc<Member>>, question: Q) -> Result<Vec<T>, Stuck>
    where
        T: Send + 'static,
        Q: Fn(&Arc<Member>, &gst::Element) -> T + Send + Sync + 'static,
    {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Stuck)?;
        let turn = self.turn.clone();
        let round = tokio::spawn(async move {
            let (_place, _turn) = (place, turn.lock().await);
            Round::new(members, question).play().await
        });
        round.await.unwrap_or(Err(Stuck))
    }
}

struct Round<T, Q> {
    members: Vec<Arc<Member>>,
    question: Q,
    state: Mutex<State<T>>,
}

struct State<T> {
    answers: Vec<T>,
    /// Who is being asked.
    next: usize,
    /// Number of the thread that asks.
    worker: usize,
    /// Whether there was a thread for it.
    is_begun: bool,
}

impl<T> State<T> {
    /// Leaves who is being asked with its thread.
    fn leave(&mut self, members: &[Arc<Member>]) {
        if let Some(member) = members.get(self.next) {
            member.set_silent(true);
        }
        self.next += 1;
        self.worker += 1;
        self.is_begun = false;
    }
}

impl<T, Q> Round<T, Q>
where
    T: Send + 'static,
    Q: Fn(&Arc<Member>, &gst::Element) -> T + Send + Sync + 'static,
{
    fn new(members: Vec<Arc<Member>>, question: Q) -> Arc<Round<T, Q>> {
        let state = State {
            answers: Vec::new(),
            next: 0,
            worker: 0,
            is_begun: false,
        };
        Arc::new(Round {
            members,
            question,
            state: Mutex::new(state),
        })
    }

    /// Asks all, on as many threads as it takes.
    async fn play(self: Arc<Self>) -> Result<Vec<T>, Stuck> {
        for number in 0..=MOST_WAITS {
            let working = self.clone();
            let mut worker = task::spawn_blocking(move || working.work(number));
            let mut seen = self.state.lock().next;
            while time::timeout(PATIENCE, &mut worker).await.is_err() {
                let mut state = self.state.lock();
                if !state.is_begun {
                    worker.abort();
                    return Err(Stuck);
                }
                if seen == state.next {
                    state.leave(&self.members);
                    break;
                }
                seen = state.next;
            }
            let mut state = self.state.lock();
            if state.worker == number {
                return Ok(std::mem::take(&mut state.answers));
            }
        }
        Err(Stuck)
    }

    /// Asks, as the thread of that number, until all are asked or it was left.
    fn work(&self, number: usize) {
        loop {
            let member = {
                let mut state = self.state.lock();
                state.is_begun |= state.worker == number;
                match self.members.get(state.next) {
                    Some(member) if state.worker == number => member,
                    _ => return,
                }
            };
            let element = member.element().filter(|_| !member.is_silent());
            let answer = element.map(|it| (self.question)(member, &it));
            let mut state = self.state.lock();
            if state.worker != number {
                member.set_silent(false);
                return;
            }
            state.answers.extend(answer);
            state.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use gst::prelude::*;

    use super::*;
    use crate::metrics::roster::Roster;

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().max_blocking_threads(3).build().unwrap()
    }

    fn elements(count: usize) -> Vec<gst::Element> {
        gst::init().unwrap();
        let make = |number| gst::ElementFactory::make("identity").name(format!("e{number}"));
        (0..count).map(|it| make(it).build().unwrap()).collect()
    }

    fn roster(elements: &[gst::Element]) -> Roster {
        let roster = Roster::default();
        elements.iter().for_each(|it| roster.join(it));
        roster
    }

    /// Says its name; those that are named hang until the sender is gone.
    fn name(
        hung: &'static [&'static str],
    ) -> (
        impl Fn(&Arc<Member>, &gst::Element) -> String + Clone,
        std::sync::mpsc::Sender<()>,
    ) {
        let (sender, receiver) = channel::<()>();
        let receiver: Arc<Mutex<Receiver<()>>> = Arc::new(Mutex::new(receiver));
        let ask = move |_: &Arc<Member>, element: &gst::Element| {
            if hung.contains(&element.name().as_str()) {
                let _ = receiver.lock().recv();
            }
            element.name().to_string()
        };
        (ask, sender)
    }

    #[test]
    fn who_hangs_is_left_out_until_it_answers_and_the_others_are_read() {
        let elements = elements(4);
        let roster = roster(&elements);
        let (ask, release) = name(&["e1"]);
        let (reader, runtime) = (Reader::default(), runtime());
        let read = || runtime.block_on(reader.ask(roster.members(), ask.clone()));
        assert_eq!(read().unwrap(), ["e0", "e2", "e3"]);
        assert!(roster.members()[1].is_silent());
        // It is not waited for again, and holds one thread only.
        assert_eq!(read().unwrap(), ["e0", "e2", "e3"]);
        drop(release);
        while roster.members()[1].is_silent() {
            std::thread::yield_now();
        }
        assert_eq!(read().unwrap(), ["e0", "e1", "e2", "e3"]);
    }

    #[test]
    fn who_asks_and_goes_leaves_no_threads_behind() {
        let elements = elements(2);
        let roster = roster(&elements);
        let (ask, release) = name(&["e0"]);
        let (reader, runtime) = (Reader::default(), runtime());
        // More often than there are threads.
        for _ in 0..6 {
            let read = runtime.block_on(async {
                let read = reader.ask(roster.members(), ask.clone());
                time::timeout(Duration::from_millis(1), read).await
            });
            assert!(read.is_err(), "gone before the answer");
        }
        let read = runtime.block_on(reader.ask(roster.members(), ask.clone()));
        assert_eq!(read.unwrap(), ["e1"]);
        drop(release);
        runtime.shutdown_background();
    }

    #[test]
    fn where_no_thread_is_left_it_is_told() {
        let elements = elements(5);
        let roster = roster(&elements);
        let (ask, release) = name(&["e0", "e1", "e2", "e3"]);
        let (reader, runtime) = (Reader::default(), runtime());
        let read = runtime.block_on(reader.ask(roster.members(), ask));
        assert_eq!(read, Err(Stuck));
        drop(release);
        runtime.shutdown_background();
    }
}
