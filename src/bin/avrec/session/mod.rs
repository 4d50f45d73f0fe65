// SPDX-License-Identifier: MPL-2.0

//! One run of one pipeline, from preroll to its end: takes events, acts on them, and keeps what they told.

mod loads;
mod told;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use gst::prelude::*;
use serde_json::Value;

use crate::args::RunPlan;
use crate::console::warn;
use crate::events::{Event, Events};
use crate::failure::Failure;
use crate::launch::Launched;
use crate::log::Log;
use crate::matrix::Matrix;
use crate::record::Record;
use crate::recorder::Recorder;
use loads::Loads;

/// How long a pipeline may take to end after EOS was sent: a few frames of the slowest candidate, and more.
const EOS_PATIENCE: Duration = Duration::from_secs(5);

/// How long a source may take to find out what is in its input.
const LINK_PATIENCE: Duration = Duration::from_secs(3);

/// How long a preroll may take before somebody wonders.
const PREROLL_PATIENCE: Duration = Duration::from_secs(5);

/// A small part of the time that opening a file takes.
const LINK_POLL: Duration = Duration::from_millis(10);

/// How a run ended in order.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Eos,
    /// After the first interrupt.
    Interrupted,
}

type Outcome = Result<End, Failure>;

/// How far the run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Preroll,
    Playing,
    /// EOS was sent.
    Ending {
        interrupted: bool,
    },
}

/// Whether every sink holds its first buffer before PLAYING; live and clock-synced pipelines have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preroll {
    Done,
    None,
}

/// Name of the run in which the switch chooses.
pub const MAIN: &str = "avrec";

/// One run.
pub struct Session<'a> {
    pipeline: gst::Pipeline,
    plan: &'a RunPlan,
    events: &'a mut Events,
    stage: Stage,
    eos_sent: bool,
    loads: Loads<'a>,
    recorder: Recorder<'a>,
}

impl<'a> Session<'a> {
    pub fn new(
        launched: Launched,
        name: &str,
        plan: &'a RunPlan,
        files: (&'a Log, &'a Matrix),
        events: &'a mut Events,
    ) -> Session<'a> {
        let mut recorder = Recorder::new(&launched, name, files, !plan.typed.quiet);
        // Of the runs to compare with, figures are shown alone.
        if plan.typed.report.is_some() && name == MAIN {
            recorder.look(&launched);
        }
        let pipeline = launched.pipeline;
        // A pipeline has a bus as long as nobody takes it away.
        events.listen(&pipeline.bus().unwrap_or_default());
        Session {
            pipeline,
            plan,
            events,
            stage: Stage::Preroll,
            eos_sent: false,
            loads: Loads::new(&plan.loads),
            recorder,
        }
    }

    /// Plays to the end, and returns what was seen on the way of each stream, whatever the end was.
    pub fn run(mut self) -> (Vec<Record>, Outcome) {
        let description = Value::from(self.plan.typed.description.join(" "));
        let version = Value::from(env!("CARGO_PKG_VERSION"));
        self.recorder
            .note("run-start", [("description", description), ("version", version)]);

        let mut outcome = match self.play() {
            ControlFlow::Break(outcome) => outcome,
            ControlFlow::Continue(()) => Ok(End::Eos),
        };
        if outcome.is_ok()
            && let ControlFlow::Break(refused) = self.check_recorded()
        {
            outcome = refused;
        }
        self.loads.end_all_for_good();
        let (end, error) = match &outcome {
            Ok(End::Eos) => ("eos", None),
            Ok(End::Interrupted) => ("interrupted", None),
            Err(Failure::Stopped) => ("stopped", None),
            Err(failure) => ("failed", Some(failure.to_string())),
        };
        let records = self.recorder.finish(&self.pipeline, end, error.as_deref());
        self.events.run_is_over();
        // An element that cannot stop has told so on the bus.
        let _ = self.pipeline.set_state(gst::State::Null);
        (records, outcome)
    }

    fn play(&mut self) -> ControlFlow<Outcome> {
        let preroll = self.preroll()?;
        self.check_compares()?;
        self.check_recorded()?;
        if self.plan.typed.looped {
            self.start_loop(preroll)?;
        }
        self.stage = Stage::Playing;
        self.recorder.playing();
        self.start_timers();
        if self.pipeline.set_state(gst::State::Playing).is_err() {
            return self.failed_to_change();
        }
        self.handle_until(|_| false)
    }

    fn preroll(&mut self) -> ControlFlow<Outcome, Preroll> {
        self.events.after(PREROLL_PATIENCE, Event::PrerollSlow);
        match self.pipeline.set_state(gst::State::Paused) {
            Ok(gst::StateChangeSuccess::Async) => self.wait_for_preroll().map_continue(|()| Preroll::Done),
            Ok(gst::StateChangeSuccess::Success) => ControlFlow::Continue(Preroll::Done),
            Ok(gst::StateChangeSuccess::NoPreroll) => ControlFlow::Continue(Preroll::None),
            Err(_) => self.failed_to_change().map_continue(|()| Preroll::None),
        }
    }

    /// The candidates are known by now, and a misspelt one should not cost a whole run.
    fn check_compares(&mut self) -> ControlFlow<Outcome> {
        let known = self.recorder.candidates();
        match self.plan.typed.compares.iter().find(|name| !known.contains(name)) {
            Some(name) if !known.is_empty() => ControlFlow::Break(Err(Failure::Usage(format!(
                "--compare {name}: the switch has no such candidate; it has {}",
                known.join(", ")
            )))),
            _ => ControlFlow::Continue(()),
        }
    }

    /// A recording of sound would stay empty until its end, so it ends as soon as it is known what is recorded.
    fn check_recorded(&self) -> ControlFlow<Outcome> {
        match self.recorder.kind() {
            Some(kind) if self.plan.typed.record.is_some() && kind != "video/x-raw" => {
                ControlFlow::Break(Err(Failure::Usage(format!(
                    "--record takes down what candidates make of frames of video, and the switch gets {kind}; \
                     use --log or --report, and --compare for what each candidate is worth"
                ))))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn wait_for_preroll(&mut self) -> ControlFlow<Outcome> {
        let pipeline = self.pipeline.clone();
        self.handle_until(|event| {
            matches!(event, Event::Message(message) if message.type_() == gst::MessageType::AsyncDone
                && message.src() == Some(pipeline.upcast_ref()))
        })
    }

    /// Handles what happens, up to and with the event that is waited for.
    fn handle_until(&mut self, is_it: impl Fn(&Event) -> bool) -> ControlFlow<Outcome> {
        loop {
            let event = self.events.next();
            let has_come = is_it(&event);
            self.handle(event)?;
            if has_come {
                return ControlFlow::Continue(());
            }
        }
    }

    /// The element that refused to change state has posted why.
    fn failed_to_change(&mut self) -> ControlFlow<Outcome> {
        let bus = self.pipeline.bus();
        let message = bus.and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        match message {
            Some(message) => self.handle(Event::Message(message)),
            None => {
                let text = "the pipeline does not start".to_string();
                ControlFlow::Break(Err(Failure::Pipeline(text)))
            }
        }
    }

    /// Loops by segments: the end of one is a SEGMENT_DONE, and the next seek does not flush, so no gap is made.
    ///
    /// Demuxers know the end of a segment to one frame, so the first frame of a round may be early or late by one.
    fn start_loop(&mut self, preroll: Preroll) -> ControlFlow<Outcome> {
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::SEGMENT;
        let mut seeked = self.seek(flags);
        if preroll == Preroll::None {
            // Nothing tells when the sinks are linked to the source, so they are asked until they are.
            let patience = Instant::now() + LINK_PATIENCE;
            while seeked.is_err() && Instant::now() < patience {
                self.events.after(LINK_POLL, Event::AskAgain);
                self.handle_until(|event| matches!(event, Event::AskAgain))?;
                seeked = self.seek(flags);
            }
        }
        match (seeked, preroll) {
            (Ok(()), Preroll::Done) => return self.wait_for_preroll(),
            (Ok(()), Preroll::None) => {}
            (Err(_), _) => {
                self.recorder
                    .problem("--loop: the input cannot be seeked, so it is played once".to_string());
            }
        }
        ControlFlow::Continue(())
    }

    fn seek(&self, flags: gst::SeekFlags) -> Result<(), gst::glib::BoolError> {
        let (start, stop) = (gst::ClockTime::ZERO, gst::ClockTime::NONE);
        self.pipeline
            .seek(1.0, flags, gst::SeekType::Set, start, gst::SeekType::Set, stop)
    }

    fn start_timers(&mut self) {
        self.events.tick_every(Duration::from_secs(1));
        for (position, load) in self.plan.loads.iter().enumerate() {
            self.events.after(load.start, Event::LoadStart(position));
            self.events.after(load.end, Event::LoadEnd(position));
        }
        if let Some(duration) = self.plan.duration {
            self.events.after(duration, Event::DurationOver);
        }
    }

    fn handle(&mut self, event: Event) -> ControlFlow<Outcome> {
        match event {
            Event::Message(message) => return self.on_message(&message),
            Event::Interrupt => return self.on_interrupt(),
            Event::Tick => {
                self.loads.notice_ended(&mut self.recorder);
                self.recorder.tick();
                return self.check_recorded();
            }
            Event::LoadStart(position) => self.loads.start(position, &mut self.recorder),
            Event::LoadEnd(position) => {
                if self.loads.end(position, &mut self.recorder) {
                    self.events.after(loads::PATIENCE, Event::LoadOverdue(position));
                }
            }
            Event::LoadOverdue(position) => self.loads.end_for_good(position),
            Event::DurationOver => self.send_eos(false),
            Event::AskAgain => {}
            Event::PrerollSlow => {
                if self.stage == Stage::Preroll {
                    warn("no first frame has come through in 5 s; waiting (Ctrl-C stops)");
                }
            }
            Event::EosOverdue => {
                self.recorder.problem(format!(
                    "no end of stream within {} s; stopping",
                    EOS_PATIENCE.as_secs()
                ));
                return ControlFlow::Break(Ok(self.ended()));
            }
        }
        ControlFlow::Continue(())
    }

    fn on_message(&mut self, message: &gst::Message) -> ControlFlow<Outcome> {
        use gst::MessageView;
        match message.view() {
            MessageView::Error(error) => {
                let text = told::describe(message, &error.error(), error.debug().as_deref());
                return ControlFlow::Break(Err(Failure::Pipeline(text)));
            }
            MessageView::Warning(warning) => {
                let text = told::describe(message, &warning.error(), warning.debug().as_deref());
                self.recorder.problem(text);
            }
            MessageView::Info(info) => {
                if let Some(text) = told::information(message, &info.error(), info.debug().as_deref()) {
                    self.recorder.info(text);
                }
            }
            MessageView::Eos(_) => return ControlFlow::Break(Ok(self.ended())),
            MessageView::StateChanged(changed)
                if changed.current() == gst::State::Playing
                    && message.src() == Some(self.pipeline.upcast_ref()) =>
            {
                self.push_eos();
            }
            MessageView::SegmentDone(_) => self.next_loop(),
            MessageView::Latency(_) => {
                // Fails only while a sink is not ready for it, and then it is asked again.
                let _ = self.pipeline.recalculate_latency();
            }
            MessageView::ClockLost(_) => {
                // A new clock is chosen on the way to PLAYING; a failure posts its own error.
                let _ = self.pipeline.set_state(gst::State::Paused);
                let _ = self.pipeline.set_state(gst::State::Playing);
            }
            MessageView::Qos(_) => self.recorder.note_message("qos", message),
            MessageView::Element(_) => self.recorder.element_message(message),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn on_interrupt(&mut self) -> ControlFlow<Outcome> {
        match self.stage {
            Stage::Playing => {
                warn("interrupted: ending the stream (once more stops at once)");
                self.send_eos(true);
                ControlFlow::Continue(())
            }
            Stage::Preroll | Stage::Ending { .. } => ControlFlow::Break(Err(Failure::Stopped)),
        }
    }

    fn send_eos(&mut self, interrupted: bool) {
        if self.stage == Stage::Playing {
            self.stage = Stage::Ending { interrupted };
            self.events.after(EOS_PATIENCE, Event::EosOverdue);
            self.push_eos();
        }
    }

    /// Sends the end of stream that was asked for, once the pipeline plays: an event that is sent while the state changes
    /// holds the state lock until the stream moves, and the stream waits for the state.
    fn push_eos(&mut self) {
        let is_due = matches!(self.stage, Stage::Ending { .. }) && !self.eos_sent;
        if is_due && self.pipeline.current_state() == gst::State::Playing {
            self.eos_sent = true;
            self.pipeline.send_event(gst::event::Eos::new());
        }
    }

    /// A source that was told to end answers with SEGMENT_DONE while it loops; a last segment without that flag ends in EOS.
    fn next_loop(&mut self) {
        let flags = match self.stage {
            Stage::Ending { .. } => gst::SeekFlags::empty(),
            Stage::Preroll | Stage::Playing => gst::SeekFlags::SEGMENT,
        };
        if self.seek(flags).is_err() {
            self.recorder
                .problem("--loop: the input cannot be seeked any more; ending".to_string());
            self.send_eos(false);
        }
    }

    fn ended(&self) -> End {
        match self.stage {
            Stage::Ending { interrupted: true } => End::Interrupted,
            _ => End::Eos,
        }
    }
}
