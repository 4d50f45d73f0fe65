// SPDX-License-Identifier: MPL-2.0

//! A lane's supervisor: the one thread that starts, stops and restarts the lane's elements.
//!
//! Loading a model or stopping a stuck element may take any time. The supervisor does it, so neither the
//! application nor the streaming thread ever waits longer than it wants to. A lane that cannot be
//! stopped in time is simply left to its supervisor (quarantine): it is finished there, and it is back when
//! the supervisor has caught up with its orders. Elements in NULL need no supervisor, so then there is no thread.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use gst::prelude::*;
use parking_lot::{Condvar, Mutex};

use super::timed_join::TimedJoin;

/// What a supervisor is told to do with the lane's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateRequest {
    Go(gst::State),
    /// Down to NULL, then back up to the state last ordered.
    Restart,
}

/// How carrying out an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateReport {
    /// The elements are in PAUSED or PLAYING and were not before.
    Started,
    /// The elements are in READY or below.
    Stopped,
    Failed {
        element: String,
        state: gst::State,
    },
    /// There is no thread to carry it out.
    Refused {
        cause: String,
    },
}

#[derive(Debug, Default)]
struct Pending {
    orders: Mutex<usize>,
    done: Condvar,
}

type Tell = dyn Fn(StateReport) + Send + Sync;

/// Handle to the thread; the thread ends when the handle is dropped and all orders are carried out.
pub struct LaneSupervisor {
    name: String,
    elements: Vec<gst::Element>,
    tell: Arc<Tell>,
    pending: Arc<Pending>,
    /// `None` while the elements are in NULL, or go there for the last time.
    thread: Mutex<Option<Thread>>,
}

#[derive(Debug)]
struct Thread {
    orders: mpsc::Sender<StateRequest>,
    ending: TimedJoin,
}

impl fmt::Debug for LaneSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = f.debug_struct("LaneSupervisor");
        it.field("elements", &self.elements);
        it.field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl LaneSupervisor {
    /// A supervisor for `elements`, given in stream order; `tell` is called on its thread.
    pub fn new(
        name: &str,
        elements: Vec<gst::Element>,
        tell: impl Fn(StateReport) + Send + Sync + 'static,
    ) -> LaneSupervisor {
        LaneSupervisor {
            name: name.to_string(),
            elements,
            tell: Arc::new(tell),
            pending: Arc::default(),
            thread: Mutex::default(),
        }
    }

    /// Has `order` carried out after the earlier ones.
    pub fn order(&self, order: StateRequest) {
        let failure = {
            let mut thread = self.thread.lock();
            if thread.is_none() && order == StateRequest::Go(gst::State::Null) {
                return;
            }
            match self.start_if_none(&mut thread) {
                Ok(thread) => {
                    *self.pending.orders.lock() += 1;
                    if thread.orders.send(order).is_err() {
                        *self.pending.orders.lock() -= 1;
                    }
                    return;
                }
                Err(error) => format!("its thread does not start: {error}"),
            }
        };
        (self.tell)(StateReport::Refused { cause: failure });
    }

    fn start_if_none<'a>(&self, thread: &'a mut Option<Thread>) -> std::io::Result<&'a mut Thread> {
        let running = match thread.take() {
            Some(running) => running,
            None => {
                let (orders, inbox) = mpsc::channel();
                let worker = Worker {
                    elements: self.elements.clone(),
                    state: gst::State::Null,
                    wanted: gst::State::Null,
                };
                let (done, tell) = (self.pending.clone(), self.tell.clone());
                let name = format!("supervisor {}", self.name);
                let ending = TimedJoin::of(name, move || worker.serve(inbox, &done, &*tell))?;
                Thread { orders, ending }
            }
        };
        Ok(thread.insert(running))
    }

    /// Whether it has orders that are not carried out.
    pub fn is_at_work(&self) -> bool {
        0 < *self.pending.orders.lock()
    }

    /// Lets the thread end, if there is one, when it has carried out its orders; the elements are in NULL
    /// then.
    pub fn end(&self) -> Option<TimedJoin> {
        self.thread.lock().take().map(|it| it.ending)
    }

    /// Waits until all orders are carried out; `false` when `deadline` came first.
    pub fn wait(&self, deadline: Instant) -> bool {
        let mut orders = self.pending.orders.lock();
        while *orders > 0 {
            if self.pending.done.wait_until(&mut orders, deadline).timed_out() {
                return *orders == 0;
            }
        }
        true
    }
}

struct Worker {
    elements: Vec<gst::Element>,
    state: gst::State,
    /// The state last ordered, for a restart after a failure.
    wanted: gst::State,
}

impl Worker {
    fn serve(mut self, inbox: mpsc::Receiver<StateRequest>, pending: &Pending, report: &dyn Fn(StateReport)) {
        let start = |worker: &mut Worker, state| {
            worker.wanted = state;
            worker.go(state, report);
        };
        while let Ok(order) = inbox.recv() {
            match order {
                StateRequest::Go(state) => start(&mut self, state),
                StateRequest::Restart => {
                    let state = self.wanted;
                    self.go(gst::State::Null, &|_| {});
                    start(&mut self, state);
                }
            }
            *pending.orders.lock() -= 1;
            pending.done.notify_all();
        }
        if self.state != gst::State::Null {
            self.go(gst::State::Null, &|_| {});
        }
    }

    /// Brings the elements to `state`, from the lane's end to its head as a bin does.
    fn go(&mut self, state: gst::State, report: &dyn Fn(StateReport)) {
        let from = std::mem::replace(&mut self.state, state);
        for element in self.elements.iter().rev() {
            if element.set_state(state).is_err() {
                report(StateReport::Failed {
                    element: element.name().into(),
                    state,
                });
                return;
            }
        }
        let is_up = |state| gst::State::Paused <= state;
        match (is_up(from), is_up(state)) {
            (false, true) => report(StateReport::Started),
            (true, false) => report(StateReport::Stopped),
            _ => {}
        }
    }
}
