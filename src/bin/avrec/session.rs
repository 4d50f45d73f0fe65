// SPDX-License-Identifier: MPL-2.0

//! One run of one pipeline, from preroll to its end: takes events, acts on them, and keeps what they told.

use std::ops::ControlFlow;
use std::time::Duration;

use gst::prelude::*;
use serde_json::Value;

use crate::args::{Repeat, RunPlan, Verbosity};
use crate::console::{say, warn};
use crate::events::{Event, Events};
use crate::launch::{Launched, is_inside_switch};
use crate::load::Load;
use crate::log::{Entry, Log, entry, extend};
use crate::message::{Message, SwitchStats};
use crate::record::{Phase, Record, Timed};
use crate::ticker::Ticker;

/// How long a pipeline may take to end after EOS was sent: a few frames of the slowest candidate, and more.
const EOS_PATIENCE: Duration = Duration::from_secs(5);

/// How long a source may take to find out what is in its input.
const LINK_PATIENCE: Duration = Duration::from_secs(5);

/// A small part of the time that opening a file takes.
const LINK_POLL: Duration = Duration::from_millis(10);

/// How long a load may take to end after SIGTERM.
const LOAD_PATIENCE: Duration = Duration::from_millis(500);

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Eos,
    /// Ended in order after the first interrupt.
    Interrupted,
    /// Ended at once by the second interrupt.
    Stopped,
    Failed(String),
}

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

/// A load that was started, and its position in the record.
struct RunningLoad {
    load: Load,
    phase: usize,
}

/// One run.
pub struct Session<'a> {
    launched: Launched,
    plan: &'a RunPlan,
    log: &'a Log,
    events: Events,
    stage: Stage,
    /// Monotonic time of PLAYING.
    started: Duration,
    loads: Vec<Option<RunningLoad>>,
    record: Record,
    ticker: Ticker,
}

impl<'a> Session<'a> {
    pub fn new(launched: Launched, name: &str, plan: &'a RunPlan, log: &'a Log) -> Session<'a> {
        // A pipeline has a bus as long as nobody takes it away.
        let bus = launched.pipeline.bus().unwrap_or_default();
        Session {
            launched,
            plan,
            log,
            events: Events::new(&bus),
            stage: Stage::Preroll,
            started: monotonic(),
            loads: plan.loads.iter().map(|_| None).collect(),
            record: Record::new(name),
            ticker: Ticker::default(),
        }
    }

    /// Plays to the end, and returns what was seen on the way, whatever the end was.
    pub fn run(mut self) -> (Record, End) {
        let mut line = self.entry("run-start");
        line.insert(
            "description".to_string(),
            Value::from(self.plan.description.join(" ")),
        );
        line.insert("version".to_string(), Value::from(env!("CARGO_PKG_VERSION")));
        self.log.write(line);

        let end = match self.play() {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(()) => End::Eos,
        };
        self.finish(&end);
        (self.record, end)
    }

    fn play(&mut self) -> ControlFlow<End> {
        let preroll = self.preroll()?;
        if self.plan.repeat == Repeat::Loop {
            self.start_loop(preroll)?;
        }
        self.started = monotonic();
        self.stage = Stage::Playing;
        self.start_timers();
        self.log.write(self.entry("playing"));
        if self.launched.pipeline.set_state(gst::State::Playing).is_err() {
            return self.failed_to_change();
        }
        loop {
            let event = self.events.next();
            self.handle(event)?;
        }
    }

    fn preroll(&mut self) -> ControlFlow<End, Preroll> {
        match self.launched.pipeline.set_state(gst::State::Paused) {
            Ok(gst::StateChangeSuccess::Async) => self.wait_for_preroll().map_continue(|()| Preroll::Done),
            Ok(gst::StateChangeSuccess::Success) => ControlFlow::Continue(Preroll::Done),
            Ok(gst::StateChangeSuccess::NoPreroll) => ControlFlow::Continue(Preroll::None),
            Err(_) => self.failed_to_change().map_continue(|()| Preroll::None),
        }
    }

    fn wait_for_preroll(&mut self) -> ControlFlow<End> {
        loop {
            let event = self.events.next();
            let prerolled = matches!(&event, Event::Message(message)
                if message.type_() == gst::MessageType::AsyncDone && self.is_pipeline(message));
            self.handle(event)?;
            if prerolled {
                return ControlFlow::Continue(());
            }
        }
    }

    /// The element that refused to change state has posted why.
    fn failed_to_change(&mut self) -> ControlFlow<End> {
        let bus = self.launched.pipeline.bus();
        let message = bus.and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        match message {
            Some(message) => self.handle(Event::Message(message)),
            None => ControlFlow::Break(End::Failed("the pipeline does not start".to_string())),
        }
    }

    /// Loops by segments: the end of one is a SEGMENT_DONE, and the next seek does not flush, so no gap is made.
    fn start_loop(&mut self, preroll: Preroll) -> ControlFlow<End> {
        if preroll == Preroll::None {
            self.wait_for_seekable()?;
        }
        match (
            self.seek(gst::SeekFlags::FLUSH | gst::SeekFlags::SEGMENT),
            preroll,
        ) {
            (Ok(()), Preroll::Done) => return self.wait_for_preroll(),
            (Ok(()), Preroll::None) => {}
            (Err(_), _) => {
                self.problem("--loop: the input cannot be seeked, so it is played once".to_string())
            }
        }
        ControlFlow::Continue(())
    }

    /// Without a preroll nothing tells when the sinks are linked to the source, so they are asked until they are.
    fn wait_for_seekable(&mut self) -> ControlFlow<End> {
        let patience = monotonic() + LINK_PATIENCE;
        loop {
            let mut query = gst::query::Seeking::new(gst::Format::Time);
            if self.launched.pipeline.query(&mut query) || patience < monotonic() {
                return ControlFlow::Continue(());
            }
            self.events.after(LINK_POLL, Event::AskAgain);
            loop {
                let event = self.events.next();
                let again = matches!(event, Event::AskAgain);
                self.handle(event)?;
                if again {
                    break;
                }
            }
        }
    }

    fn seek(&self, flags: gst::SeekFlags) -> Result<(), gst::glib::BoolError> {
        let (start, stop) = (gst::ClockTime::ZERO, gst::ClockTime::NONE);
        self.launched
            .pipeline
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

    fn handle(&mut self, event: Event) -> ControlFlow<End> {
        match event {
            Event::Message(message) => return self.on_message(&message),
            Event::Interrupt => return self.on_interrupt(),
            Event::Tick => self.on_tick(),
            Event::LoadStart(position) => self.start_load(position),
            Event::LoadEnd(position) => self.end_load(position),
            Event::LoadOverdue(position) => {
                if let Some(slot) = self.loads.get_mut(position) {
                    *slot = None;
                }
            }
            Event::DurationOver => self.send_eos(false),
            Event::AskAgain => {}
            Event::EosOverdue => {
                self.problem(format!(
                    "no end of stream within {} s; stopping",
                    EOS_PATIENCE.as_secs()
                ));
                return ControlFlow::Break(self.ended());
            }
        }
        ControlFlow::Continue(())
    }

    fn on_message(&mut self, message: &gst::Message) -> ControlFlow<End> {
        use gst::MessageView;
        match message.view() {
            MessageView::Error(error) => {
                let text = describe(message, &error.error(), error.debug().as_deref());
                return ControlFlow::Break(End::Failed(text));
            }
            MessageView::Warning(warning) => {
                self.problem(describe(message, &warning.error(), warning.debug().as_deref()));
            }
            MessageView::Eos(_) => return ControlFlow::Break(self.ended()),
            MessageView::SegmentDone(_) => self.next_loop(),
            MessageView::Latency(_) => {
                // Fails only while a sink is not ready for it, and then it is asked again.
                let _ = self.launched.pipeline.recalculate_latency();
            }
            MessageView::ClockLost(_) => {
                // A new clock is chosen on the way to PLAYING; a failure posts its own error.
                let _ = self.launched.pipeline.set_state(gst::State::Paused);
                let _ = self.launched.pipeline.set_state(gst::State::Playing);
            }
            MessageView::Qos(_) => self.log_message("qos", message),
            MessageView::Element(_) => self.on_element(message),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn on_element(&mut self, message: &gst::Message) {
        let Some(structure) = message.structure() else {
            return;
        };
        let Some(kind) = structure.name().strip_prefix("avrec/") else {
            return;
        };
        let source = message.src();
        if source.is_none_or(is_inside_switch) {
            return;
        }
        self.log_message(kind, message);
        let told = match Message::try_from(structure) {
            Ok(told) => told,
            Err(error) => return self.problem(format!("a message that this version does not know: {error}")),
        };
        let at = self.elapsed();
        let is_first = |elements: &[gst::Element]| elements.first().map(|it| it.upcast_ref()) == source;
        match told {
            Message::CandidateFailed {
                candidate,
                cause,
                remedy,
            } => {
                self.problem(format!("candidate {candidate} failed: {cause}; {remedy}"));
            }
            Message::Switch(swap) if is_first(&self.launched.switches) => {
                self.record.swaps.push(Timed { at, what: swap });
            }
            Message::Frame(frame) if is_first(&self.launched.switches) => {
                self.record
                    .add_frame(frame.time.saturating_sub(self.started), frame);
            }
            Message::Probe(probe) if self.launched.main_probe().map(|it| it.upcast_ref()) == source => {
                self.record.probes.push(Timed { at, what: probe });
            }
            _ => {}
        }
    }

    fn on_interrupt(&mut self) -> ControlFlow<End> {
        match self.stage {
            Stage::Playing => {
                warn("interrupted: ending the stream (once more stops at once)");
                self.send_eos(true);
                ControlFlow::Continue(())
            }
            Stage::Preroll | Stage::Ending { .. } => ControlFlow::Break(End::Stopped),
        }
    }

    fn send_eos(&mut self, interrupted: bool) {
        if self.stage == Stage::Playing {
            self.stage = Stage::Ending { interrupted };
            self.launched.pipeline.send_event(gst::event::Eos::new());
            self.events.after(EOS_PATIENCE, Event::EosOverdue);
        }
    }

    /// A source that was told to end answers with SEGMENT_DONE while it loops; a last segment without that flag ends in EOS.
    fn next_loop(&mut self) {
        let flags = match self.stage {
            Stage::Ending { .. } => gst::SeekFlags::empty(),
            Stage::Preroll | Stage::Playing => gst::SeekFlags::SEGMENT,
        };
        if self.seek(flags).is_err() {
            self.problem("--loop: the input cannot be seeked any more; ending".to_string());
            self.send_eos(false);
        }
    }

    fn ended(&self) -> End {
        match self.stage {
            Stage::Ending { interrupted: true } => End::Interrupted,
            _ => End::Eos,
        }
    }

    fn on_tick(&mut self) {
        self.notice_ended_loads();
        for switch in &self.launched.switches {
            if let Some(stats) = stats_of(switch) {
                let mut line = self.entry("stats");
                line.insert("element".to_string(), Value::from(switch.name().as_str()));
                extend(&mut line, &stats);
                self.log.write(line);
            }
        }
        if self.plan.verbosity == Verbosity::Ticker {
            let stats = self.switch_stats();
            say(&self.ticker.line(self.elapsed(), &self.record, stats.as_ref()));
        }
    }

    fn start_load(&mut self, position: usize) {
        let Some(plan) = self.plan.loads.get(position) else {
            return;
        };
        let command = plan.command.clone();
        match plan.start() {
            Ok(load) => {
                let start = self.elapsed();
                self.log_load("load-start", &command);
                self.record.phases.push(Phase {
                    command,
                    start,
                    end: None,
                });
                let phase = self.record.phases.len() - 1;
                if let Some(slot) = self.loads.get_mut(position) {
                    *slot = Some(RunningLoad { load, phase });
                }
            }
            Err(error) => self.problem(format!("the load '{command}' does not start: {error}")),
        }
    }

    fn end_load(&mut self, position: usize) {
        let now = self.elapsed();
        let Some(Some(running)) = self.loads.get(position) else {
            return;
        };
        running.load.terminate();
        if let Some(phase) = self.record.phases.get_mut(running.phase)
            && phase.end.is_none()
        {
            phase.end = Some(now);
            let command = phase.command.clone();
            self.log_load("load-end", &command);
        }
        self.events.after(LOAD_PATIENCE, Event::LoadOverdue(position));
    }

    /// A load may end by itself before its time; the report must not show it longer than it was.
    fn notice_ended_loads(&mut self) {
        let now = self.elapsed();
        let mut ended = Vec::new();
        for running in self.loads.iter_mut().flatten() {
            let phase = self
                .record
                .phases
                .get_mut(running.phase)
                .filter(|phase| phase.end.is_none());
            if let (Some(phase), Some(status)) = (phase, running.load.ended()) {
                phase.end = Some(now);
                ended.push((phase.command.clone(), status));
            }
        }
        for (command, status) in ended {
            self.log_load("load-end", &command);
            if !status.success() {
                self.problem(format!("the load '{command}' ended with {status}"));
            }
        }
    }

    fn finish(&mut self, end: &End) {
        self.record.length = if self.stage == Stage::Preroll {
            Duration::ZERO
        } else {
            self.elapsed()
        };
        self.record.stats = self.switch_stats();
        self.loads.clear();
        for phase in self.record.phases.iter_mut().filter(|phase| phase.end.is_none()) {
            phase.end = Some(self.record.length);
        }
        let mut line = self.entry("run-end");
        let (how, error) = match end {
            End::Eos => ("eos", None),
            End::Interrupted => ("interrupted", None),
            End::Stopped => ("stopped", None),
            End::Failed(text) => ("failed", Some(text.clone())),
        };
        line.insert("end".to_string(), Value::from(how));
        line.insert("error".to_string(), Value::from(error));
        self.log.write(line);
        // The run is over; an element that cannot stop has told so on the bus.
        let _ = self.launched.pipeline.set_state(gst::State::Null);
    }

    fn switch_stats(&self) -> Option<SwitchStats> {
        stats_of(self.launched.switches.first()?).map(|stats| SwitchStats::from(stats.as_ref()))
    }

    fn problem(&mut self, text: String) {
        warn(&format!("warning: {text}"));
        let mut line = self.entry("warning");
        line.insert("text".to_string(), Value::from(text.clone()));
        self.log.write(line);
        self.record.add_problem(self.elapsed(), text);
    }

    fn log_message(&self, kind: &str, message: &gst::Message) {
        let mut line = self.entry(kind);
        if let Some(source) = message.src() {
            line.insert("element".to_string(), Value::from(source.name().as_str()));
        }
        if let Some(structure) = message.structure() {
            extend(&mut line, structure);
        }
        self.log.write(line);
    }

    fn log_load(&self, kind: &str, command: &str) {
        let mut line = self.entry(kind);
        line.insert("command".to_string(), Value::from(command));
        self.log.write(line);
    }

    fn entry(&self, kind: &str) -> Entry {
        let mut line = entry(kind);
        line.insert("run".to_string(), Value::from(self.record.name.clone()));
        line.insert(
            "elapsed-ns".to_string(),
            Value::from(self.elapsed().as_nanos() as u64),
        );
        line
    }

    /// Since PLAYING; before it, since the session was made.
    fn elapsed(&self) -> Duration {
        monotonic().saturating_sub(self.started)
    }

    fn is_pipeline(&self, message: &gst::Message) -> bool {
        message.src() == Some(self.launched.pipeline.upcast_ref())
    }
}

fn stats_of(switch: &gst::Element) -> Option<gst::Structure> {
    switch.find_property("stats")?;
    switch.property_value("stats").get::<gst::Structure>().ok()
}

/// The clock of the elements' own stamps.
fn monotonic() -> Duration {
    Duration::from_nanos(gst::get_timestamp().nseconds())
}

fn describe(message: &gst::Message, error: &gst::glib::Error, debug: Option<&str>) -> String {
    let source = message
        .src()
        .map_or("the pipeline".to_string(), |source| source.name().to_string());
    match debug.map(str::trim) {
        Some(debug) if !debug.is_empty() => format!("{source}: {} ({debug})", error.message()),
        _ => format!("{source}: {}", error.message()),
    }
}
