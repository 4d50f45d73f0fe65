// SPDX-License-Identifier: MPL-2.0

//! A lane's keeper: the one thread that starts, stops and restarts the lane's elements.
//!
//! Loading a model or stopping a stuck element may take any time. The keeper does it, so neither the
//! application nor the streaming thread ever waits longer than it wants to. A lane that cannot be
//! stopped in time is simply left to its keeper (quarantine): it is finished there, and it is back when
//! the keeper has caught up with its orders.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use gst::prelude::*;
use parking_lot::{Condvar, Mutex};

/// What a keeper is told to do with the lane's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Go(gst::State),
    /// Down to NULL, then back up to the state last ordered.
    Restart,
}

/// How carrying out an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The elements are in PAUSED or PLAYING and were not before.
    Started,
    /// The elements are in READY or below.
    Stopped,
    Failed {
        element: String,
        state: gst::State,
    },
    /// The check before the start failed.
    Refused {
        cause: String,
    },
}

#[derive(Debug, Default)]
struct Pending {
    orders: Mutex<usize>,
    done: Condvar,
}

/// Handle to the thread; the thread ends when the handle is dropped and all orders are carried out.
#[derive(Debug)]
pub struct Keeper {
    orders: mpsc::Sender<Order>,
    pending: Arc<Pending>,
}

impl Keeper {
    /// Starts a keeper for `elements`, given in stream order; `check`, before each start from NULL, and
    /// `report` are called on its thread.
    pub fn spawn(
        name: &str,
        elements: Vec<gst::Element>,
        check: impl Fn() -> Result<(), String> + Send + 'static,
        report: impl Fn(Report) + Send + 'static,
    ) -> std::io::Result<Keeper> {
        let (orders, inbox) = mpsc::channel();
        let pending = Arc::new(Pending::default());
        let worker = Worker {
            elements,
            state: gst::State::Null,
            wanted: gst::State::Null,
        };
        let done = pending.clone();
        std::thread::Builder::new()
            .name(format!("keeper {name}"))
            .spawn(move || worker.serve(inbox, &done, &check, &report))?;
        Ok(Keeper { orders, pending })
    }

    pub fn order(&self, order: Order) {
        *self.pending.orders.lock() += 1;
        if self.orders.send(order).is_err() {
            *self.pending.orders.lock() -= 1;
        }
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
    fn serve(
        mut self,
        inbox: mpsc::Receiver<Order>,
        pending: &Pending,
        check: &dyn Fn() -> Result<(), String>,
        report: &dyn Fn(Report),
    ) {
        let start = |worker: &mut Worker, state| {
            worker.wanted = state;
            if worker.state == gst::State::Null
                && gst::State::Null < state
                && let Err(cause) = check()
            {
                return report(Report::Refused { cause });
            }
            worker.go(state, report);
        };
        while let Ok(order) = inbox.recv() {
            match order {
                Order::Go(state) => start(&mut self, state),
                Order::Restart => {
                    let state = self.wanted;
                    self.go(gst::State::Null, &|_| {});
                    start(&mut self, state);
                }
            }
            *pending.orders.lock() -= 1;
            pending.done.notify_all();
        }
        self.go(gst::State::Null, &|_| {});
    }

    /// Brings the elements to `state`, from the lane's end to its head as a bin does.
    fn go(&mut self, state: gst::State, report: &dyn Fn(Report)) {
        let from = std::mem::replace(&mut self.state, state);
        for element in self.elements.iter().rev() {
            if element.set_state(state).is_err() {
                report(Report::Failed {
                    element: element.name().into(),
                    state,
                });
                return;
            }
        }
        let is_up = |state| gst::State::Paused <= state;
        match (is_up(from), is_up(state)) {
            (false, true) => report(Report::Started),
            (true, false) => report(Report::Stopped),
            _ => {}
        }
    }
}
