// SPDX-License-Identifier: MPL-2.0

//! Everything that can happen to a run, as one queue: bus messages, interrupts and timers.
//! The run itself is then straight code that takes one event after the other.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use gst::glib;
use rustix::process::Signal;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Event {
    Message(gst::Message),
    Interrupt,
    Tick,
    LoadStart(usize),
    LoadEnd(usize),
    /// The time that a load gets to end by itself after it was asked to is over.
    LoadOverdue(usize),
    DurationOver,
    /// The preroll takes long.
    PrerollSlow,
    /// Time to ask the pipeline again what it could not answer yet.
    AskAgain,
    /// The time that the pipeline gets for its end of stream is over.
    EosOverdue,
}

/// The queue; the sources that feed it live as long as it does.
pub struct Events {
    context: glib::MainContext,
    sender: Sender<Event>,
    receiver: Receiver<Event>,
    signals: Vec<glib::Source>,
    /// Of one run.
    sources: Vec<glib::Source>,
}

impl Events {
    /// Listens to SIGINT, SIGTERM and SIGHUP: also while no run is there, since what was measured before should be left
    /// behind. A terminal that closes sends the last.
    pub fn new() -> Events {
        let (sender, receiver) = channel();
        let context = glib::MainContext::default();
        let signals = [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| {
            let sender = sender.clone();
            let interrupt = move || forward(&sender, Event::Interrupt);
            glib_unix::signal_source_new(signal.as_raw(), None, glib::Priority::HIGH, interrupt)
        });
        for source in &signals {
            source.attach(Some(&context));
        }
        Events {
            context,
            sender,
            receiver,
            signals: signals.into(),
            sources: Vec::new(),
        }
    }

    /// Listens to the bus of a run that begins.
    pub fn listen(&mut self, bus: &gst::Bus) {
        let sender = self.sender.clone();
        let deliver =
            move |_: &gst::Bus, message: &gst::Message| forward(&sender, Event::Message(message.clone()));
        self.attach(bus.create_watch(None, glib::Priority::DEFAULT, deliver));
    }

    /// Forgets the run: its bus, its timers, and whatever of it was not taken yet. Interrupts are for all runs.
    pub fn run_is_over(&mut self) {
        for source in self.sources.drain(..) {
            source.destroy();
        }
        let left: Vec<Event> = self.receiver.try_iter().collect();
        for interrupt in left.into_iter().filter(|it| matches!(it, Event::Interrupt)) {
            let _ = forward(&self.sender, interrupt);
        }
    }

    /// Delivers a tick each `period` from now on.
    pub fn tick_every(&mut self, period: Duration) {
        let sender = self.sender.clone();
        let tick = move || forward(&sender, Event::Tick);
        self.attach(glib::timeout_source_new(period, None, glib::Priority::HIGH, tick));
    }

    /// Delivers `event` once, `delay` from now.
    pub fn after(&mut self, delay: Duration, event: Event) {
        let sender = self.sender.clone();
        let deliver = move || {
            let _ = forward(&sender, event.clone());
            glib::ControlFlow::Break
        };
        self.attach(glib::timeout_source_new(
            delay,
            None,
            glib::Priority::HIGH,
            deliver,
        ));
    }

    /// Waits for the next event.
    pub fn next(&self) -> Event {
        loop {
            if let Ok(event) = self.receiver.try_recv() {
                return event;
            }
            self.context.iteration(true);
        }
    }

    fn attach(&mut self, source: glib::Source) {
        source.attach(Some(&self.context));
        self.sources.push(source);
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        for source in self.signals.iter().chain(&self.sources) {
            source.destroy();
        }
    }
}

/// The receiver is gone only while the queue is being dropped, and its sources with it.
fn forward(sender: &Sender<Event>, event: Event) -> glib::ControlFlow {
    match sender.send(event) {
        Ok(()) => glib::ControlFlow::Continue,
        Err(_) => glib::ControlFlow::Break,
    }
}
