// SPDX-License-Identifier: MPL-2.0

//! A lane's supervisor: the one thread that starts, stops and restarts the lane's elements.
//!
//! Loading a model or stopping a stuck element may take any time. The supervisor does it, so neither the
//! application nor the streaming thread ever waits longer than it wants to. A lane that cannot be
//! stopped in time is simply left to its supervisor (quarantine): it is finished there, and it is back when
//! the supervisor has caught up with its orders. Where there is nothing to do there is no thread; but one waits for the
//! restart of a lane that failed, since that is ordered from the streaming thread, which starts none.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use gst::prelude::*;
use parking_lot::{Condvar, Mutex};

use crate::elements::on_demand::{Next, OnDemand};
use crate::elements::timed_join::TimedJoin;

/// What a supervisor is told to do with the lane's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateRequest {
    Go(gst::State),
    /// Be there when a restart is ordered.
    AwaitRestart,
    /// Down to NULL, then back up to the state last ordered. Loads what was unloaded.
    Restart,
    /// Down to NULL, and there until a restart is ordered, whatever state is ordered meanwhile; READY and NULL end that.
    Unload,
}

/// How carrying out an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateReport {
    /// The elements are in READY or below, and are about to go up.
    Starting,
    /// The elements are in PAUSED or PLAYING and were not before.
    Started,
    /// The elements are in READY or below.
    Stopped,
    /// The elements are in NULL, to free memory.
    Unloaded,
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

/// Handle to the thread, which carries out the orders that it has when the handle is dropped.
pub struct LaneSupervisor {
    orders: OnDemand<StateRequest>,
    pending: Arc<Pending>,
    tell: Arc<Tell>,
    /// The state last ordered.
    wanted: Mutex<gst::State>,
}

impl fmt::Debug for LaneSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = f.debug_struct("LaneSupervisor");
        it.field("orders", &self.orders);
        it.field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl LaneSupervisor {
    /// A supervisor for `elements`, given in stream order; `tell` is called on its thread.
    pub fn new(
        name: &str,
        elements: Vec<gst::Element>,
        tell: impl Fn(StateReport) + Send + Sync + 'static,
    ) -> LaneSupervisor {
        let (pending, tell) = (Arc::<Pending>::default(), Arc::new(tell));
        let mut worker = Worker {
            elements,
            tell: tell.clone(),
            state: gst::State::Null,
            wanted: gst::State::Null,
            awaits_restart: false,
            is_unloaded: false,
        };
        let done = pending.clone();
        let orders = OnDemand::new(format!("supervisor {name}"), move |order, _: &_| {
            worker.carry_out(order);
            done.finished();
            if worker.awaits_restart {
                Next::Wait
            } else {
                Next::End
            }
        });
        LaneSupervisor {
            orders,
            pending,
            tell,
            wanted: Mutex::new(gst::State::Null),
        }
    }

    /// Has `order` carried out after the earlier ones.
    pub fn order(&self, order: StateRequest) {
        let given = self.give(order);
        if let Err(error) = given {
            let cause = format!("its thread does not start: {error}");
            (self.tell)(StateReport::Refused { cause });
        }
    }

    fn give(&self, order: StateRequest) -> io::Result<()> {
        let mut wanted = self.wanted.lock();
        let next = match order {
            StateRequest::Go(state) => state,
            _ => *wanted,
        };
        let is_state = matches!(order, StateRequest::Go(_));
        if is_state && (*wanted, next) == (gst::State::Null, gst::State::Null) {
            // They are in NULL, or go there.
            return Ok(());
        }
        *wanted = next;
        *self.pending.orders.lock() += 1;
        self.orders.give(order).inspect_err(|_| self.pending.finished())
    }

    /// Whether the state last ordered is PAUSED or PLAYING.
    pub fn is_up(&self) -> bool {
        gst::State::Paused <= *self.wanted.lock()
    }

    /// Whether it has orders that are not carried out.
    pub fn is_at_work(&self) -> bool {
        0 < *self.pending.orders.lock()
    }

    /// The thread, if there is one; it ends when it has carried out its orders.
    pub fn ending(&self) -> Option<TimedJoin> {
        self.orders.ending()
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

impl Pending {
    fn finished(&self) {
        *self.orders.lock() -= 1;
        self.done.notify_all();
    }
}

struct Worker {
    elements: Vec<gst::Element>,
    tell: Arc<Tell>,
    state: gst::State,
    /// The state last ordered, for a restart after a failure.
    wanted: gst::State,
    awaits_restart: bool,
    is_unloaded: bool,
}

impl Worker {
    fn carry_out(&mut self, order: StateRequest) {
        let tell = self.tell.clone();
        match order {
            StateRequest::Go(state) => {
                let is_up = gst::State::Paused <= state;
                self.is_unloaded &= is_up;
                // A lane that is stopped has no restart to come.
                self.awaits_restart &= is_up;
                match self.is_unloaded {
                    true => self.wanted = state,
                    false => self.start(state, &*tell),
                }
            }
            StateRequest::AwaitRestart => self.awaits_restart = true,
            StateRequest::Restart => {
                (self.awaits_restart, self.is_unloaded) = (false, false);
                let state = self.wanted;
                self.go(gst::State::Null, &|_| {});
                self.start(state, &*tell);
            }
            StateRequest::Unload => {
                (self.awaits_restart, self.is_unloaded) = (true, true);
                self.go(gst::State::Null, &|_| {});
                tell(StateReport::Unloaded);
            }
        }
    }

    fn start(&mut self, state: gst::State, report: &dyn Fn(StateReport)) {
        self.wanted = state;
        self.go(state, report);
    }

    /// Brings the elements to `state`, from the lane's end to its head as a bin does.
    fn go(&mut self, state: gst::State, report: &dyn Fn(StateReport)) {
        let from = std::mem::replace(&mut self.state, state);
        let is_up = |state| gst::State::Paused <= state;
        if !is_up(from) && is_up(state) {
            report(StateReport::Starting);
        }
        for element in self.elements.iter().rev() {
            if element.set_state(state).is_err() {
                report(StateReport::Failed {
                    element: element.name().into(),
                    state,
                });
                return;
            }
        }
        match (is_up(from), is_up(state)) {
            (false, true) => report(StateReport::Started),
            (true, false) => report(StateReport::Stopped),
            _ => {}
        }
    }
}
