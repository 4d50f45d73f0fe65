// SPDX-License-Identifier: MPL-2.0

//! The steps of a walk, and what has to hold after each of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use gst::prelude::*;
use gstavrec::random::Random;

use super::stream::{Medium, One, Stream};
use crate::support::switch::{Rig, fail_on_demand};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models");

/// Names that properties are given: candidates, nobody in particular, and somebody who does not exist.
const NAMES: [&str; 7] = ["a", "b", "slow", "flaky", "m", "", "nobody"];

/// Files that the model's element is given: models that fit, that do not, and what is none.
const FILES: [&str; 6] = [
    "small.onnx",
    "medium.onnx",
    "nothing.onnx",
    "upscale.toml",
    "denoise-small.onnx",
    "detect-small.onnx",
];

/// Properties, and what they are given.
const SETTINGS: [(&str, &str); 15] = [
    ("auto-switch", "true false"),
    ("latency-budget", "0 1 1000000 20000000 1000000000"),
    ("miss-rate", "0.001 0.01 0.5"),
    ("late-policy", "floor wait drop auto"),
    ("lambda-latency", "0 0.05 10"),
    ("max-stride", "1 2 4"),
    ("strategy", "weighted rank"),
    ("robustness-weight", "0 0.3"),
    (
        "quality-source",
        "auto agreement restore confidence stability prior",
    ),
    ("exhaustive", "false false false true"),
    ("memory-limit", "0 0 1 20000000 1000000000"),
    ("crossfade", "0 10000000 100000000"),
    ("weight", "0.001 1 1000"),
    ("sense-machine", "true false"),
    ("thread-priority", "none nice"),
];

/// Longest time that a step may take: twice as long as the switch waits for one candidate, in a survey.
const LONGEST: Duration = Duration::from_secs(120);

/// Steps that are told when something breaks.
const REMEMBERED: usize = 40;

type Step = fn(&mut Machine) -> String;

/// What may happen, and how often.
const STEPS: [(Step, usize); 14] = [
    (Machine::pin, 8),
    (Machine::set_one, 14),
    (Machine::name_one, 6),
    (Machine::flush, 2),
    (Machine::seek, 2),
    (Machine::change_caps, 2),
    (Machine::gap, 1),
    (Machine::qos, 1),
    (Machine::add, 2),
    (Machine::remove, 2),
    (Machine::reload, 2),
    (Machine::fail, 2),
    (Machine::restart, 1),
    (Machine::play, 12),
];

pub struct Machine {
    medium: Medium,
    random: Random,
    rig: Rig,
    stream: Stream,
    added: Vec<gst::Element>,
    fails: Arc<AtomicBool>,
    drops: bool,
    /// Whether nothing has left since the last start.
    is_fresh: bool,
    history: VecDeque<String>,
    reader: Option<(SyncSender<()>, JoinHandle<()>)>,
    watchdog: Option<(mpsc::Sender<String>, JoinHandle<()>)>,
}

impl Machine {
    pub fn new(medium: Medium, seed: u64) -> Machine {
        let mut rig = Rig::unstarted("late-policy=floor", &medium.candidates(MODELS));
        let fails = fail_on_demand(&rig.candidate("flaky"));
        rig.play(&medium.first_caps().to_string());
        Machine {
            medium,
            random: Random::new(seed),
            reader: Some(reader(rig.switch.clone())),
            watchdog: Some(watchdog(rig.switch.clone())),
            stream: Stream::new(medium),
            rig,
            added: Vec::new(),
            fails,
            drops: false,
            is_fresh: true,
            history: VecDeque::new(),
        }
    }

    /// Takes that many steps, ends the stream, and says what has passed.
    pub fn walk(mut self, steps: u32) -> String {
        let bag: Vec<Step> = STEPS.iter().flat_map(|it| vec![it.0; it.1]).collect();
        for number in 0..steps {
            let step = self.random.one(&bag);
            let what = step(&mut self);
            self.remember(format!("{number} {what}"));
            self.read();
            for _ in 0..self.random.whole(0, 2) {
                self.push();
            }
            self.hear();
        }
        self.end()
    }

    fn remember(&mut self, what: String) {
        if let Some((beat, _)) = &self.watchdog {
            beat.send(what.clone()).unwrap();
        }
        self.history.push_back(what);
        if REMEMBERED < self.history.len() {
            self.history.pop_front();
        }
    }

    #[track_caller]
    fn hold(&self, what: Result<(), String>) {
        if let Err(broken) = what {
            let history: Vec<&str> = self.history.iter().map(String::as_str).collect();
            let told = [gst::MessageType::Error, gst::MessageType::Warning]
                .map(|it| self.rig.bus.pop_filtered(&[it]));
            let policy = self.rig.switch.property_value("late-policy");
            let caps = self.rig.switch.static_pad("src").unwrap().current_caps();
            panic!(
                "{broken}; {policy:?}; {caps:?} left last; {told:?}\n{}\n{:#?}",
                history.join("\n"),
                self.rig.stats()
            );
        }
    }

    /// Lets the other thread read what applications read, meanwhile.
    fn read(&self) {
        if let Some((ask, _)) = &self.reader {
            // One that is still reading reads no faster.
            let _ = ask.try_send(());
        }
    }

    /// Puts the next buffer in. A frame comes out at once, or was to be dropped.
    fn push(&mut self) {
        self.stream.may_drop |= self.drops;
        let buffer = self.stream.next(&mut self.random);
        let flow = self.rig.harness.push(buffer);
        self.hold(flow.map(drop).map_err(|it| format!("a push returns {it:?}")));
        self.pull();
        if self.medium == Medium::Video {
            self.hold(self.stream.is_whole());
            self.hold(self.counted());
        }
    }

    /// Each frame that did not leave is told as dropped.
    fn counted(&self) -> Result<(), String> {
        let stats = self.rig.stats();
        let [came, left, dropped] = ["in", "out", "dropped"].map(|it| stats.get::<u64>(it).unwrap());
        (came == left + dropped)
            .then_some(())
            .ok_or_else(|| format!("{came} frames in, {left} out, {dropped} dropped"))
    }

    fn pull(&mut self) {
        while let Some(buffer) = self.rig.harness.try_pull() {
            let taken = self.stream.take(&buffer);
            self.hold(taken);
            if std::mem::take(&mut self.is_fresh) {
                self.stream.may_drop = self.drops;
            }
        }
        while self.rig.harness.try_pull_event().is_some() {}
        while self.rig.harness.try_pull_upstream_event().is_some() {}
    }

    /// The bus has warnings and messages, but no error: the stream goes on.
    fn hear(&mut self) {
        while let Some(message) = self.rig.bus.pop() {
            if let gst::MessageView::Error(it) = message.view() {
                self.hold(Err(format!("an error: {} {:?}", it.error(), it.debug())));
            }
        }
    }

    fn send(&mut self, event: gst::Event) {
        let what = format!("{event:?}");
        let is_taken = self.rig.harness.push_event(event);
        self.hold(is_taken.then_some(()).ok_or_else(|| format!("refused: {what}")));
        self.pull();
    }

    /// Everything that is on its way comes out.
    fn drained(&mut self) {
        self.pull();
        self.hold(self.stream.is_whole());
    }

    fn set<T: Into<gst::glib::Value>>(&self, name: &str, value: T) {
        self.rig.switch.set_property(name, value.into());
    }

    fn pin(&mut self) -> String {
        let name = self.random.one(&NAMES);
        self.set("active-candidate", name);
        format!("pin {name:?}")
    }

    /// Gives a property any of some values.
    fn set_one(&mut self) -> String {
        let (name, value) = self.random.one(&SETTINGS);
        let values: Vec<&str> = value.split(' ').collect();
        let value = self.random.one(&values);
        self.rig.switch.set_property_from_str(name, value);
        if name == "late-policy" {
            self.drops = value == "drop";
            self.stream.may_drop |= self.drops;
        }
        format!("{name}={value}")
    }

    /// Gives a property the name of a candidate, or several.
    fn name_one(&mut self) -> String {
        let (property, name) = match self.random.whole(0, 2) {
            0 => ("reference", self.random.one(&NAMES)),
            1 => ("floor", self.random.one(&NAMES)),
            _ => {
                let lists = ["", "", "a", "a,b", "m", "a,b,slow,flaky,m", "nobody"];
                ("forbidden", self.random.one(&lists))
            }
        };
        self.set(property, name);
        format!("{property}={name}")
    }

    fn flush(&mut self) -> String {
        let time = self.stream.now();
        self.flush_to(time);
        "flush".to_owned()
    }

    fn flush_to(&mut self, time: u64) {
        self.send(gst::event::FlushStart::new());
        // What came out until then is still in order.
        self.send(gst::event::FlushStop::new(true));
        self.stream.begin_at(time);
        self.stream.may_drop = self.is_fresh;
        self.segment(time);
    }

    fn segment(&mut self, time: u64) {
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_start(gst::ClockTime::from_nseconds(time));
        segment.set_time(gst::ClockTime::from_nseconds(time));
        self.send(gst::event::Segment::new(&segment));
    }

    /// A seek that comes from downstream, and what a source does then.
    fn seek(&mut self) -> String {
        let time = self.random.whole(0, 1000) as u64 * 100_000_000;
        let seek = gst::event::Seek::new(
            1.0,
            gst::SeekFlags::FLUSH,
            gst::SeekType::Set,
            gst::ClockTime::from_nseconds(time),
            gst::SeekType::None,
            gst::ClockTime::NONE,
        );
        // The source of a harness takes note of it and says no.
        self.rig.harness.push_upstream_event(seek);
        self.flush_to(time);
        format!("seek to {time}")
    }

    fn change_caps(&mut self) -> String {
        let caps = self.medium.any_caps(&mut self.random);
        self.send(gst::event::Caps::new(&caps));
        if caps == *self.stream.caps() {
            // Nothing ends with them, so what is on its way may stay there.
            return "the same caps".to_owned();
        }
        self.drained();
        self.stream.change(caps.clone());
        format!("caps {caps}")
    }

    fn gap(&mut self) -> String {
        let duration = 10_000_000;
        let begin = gst::ClockTime::from_nseconds(self.stream.now());
        let gap = gst::event::Gap::builder(begin).duration(gst::ClockTime::from_nseconds(duration));
        self.send(gap.build());
        self.drained();
        self.stream.skip(duration);
        "gap".to_owned()
    }

    fn qos(&mut self) -> String {
        let late = self.random.whole(0, 80) as i64 - 40;
        // Nothing is early by more than has passed.
        let now = gst::ClockTime::from_nseconds(self.stream.now().max(40_000_000));
        let kind = if late < 0 {
            gst::QOSType::Overflow
        } else {
            gst::QOSType::Underflow
        };
        let proportion = 1.0 + late as f64 / 100.0;
        let event = gst::event::Qos::builder(kind, proportion, late * 1_000_000).timestamp(now);
        self.rig.harness.push_upstream_event(event.build());
        format!("QoS {late} ms")
    }

    fn bin(&self) -> &gst::Bin {
        self.rig.switch.downcast_ref().unwrap()
    }

    fn add(&mut self) -> String {
        if 4 < self.added.len() {
            return "no more candidates".to_owned();
        }
        let effect = match self.medium {
            Medium::Video => "videobalance",
            Medium::Sound => "audioamplify",
        };
        let kind = self.random.one(&["identity", effect]);
        let element = gst::ElementFactory::make(kind).build().unwrap();
        self.bin().add(&element).unwrap();
        element.sync_state_with_parent().unwrap();
        self.added.push(element);
        format!("add {kind}")
    }

    fn remove(&mut self) -> String {
        if self.added.is_empty() {
            return "nothing to remove".to_owned();
        }
        let at = self.random.whole(0, self.added.len() - 1);
        let element = self.added.swap_remove(at);
        self.bin().remove(&element).unwrap();
        element.set_state(gst::State::Null).unwrap();
        format!("remove {}", element.name())
    }

    fn reload(&mut self) -> String {
        let file = self.random.one(&FILES);
        self.rig
            .candidate("m")
            .set_property("model-file", format!("{MODELS}/{file}"));
        format!("model-file={file}")
    }

    /// The candidate that fails does so from now on, or no longer.
    fn fail(&mut self) -> String {
        let fails = self.random.chance(0.5);
        self.fails.store(fails, Ordering::SeqCst);
        format!("flaky fails: {fails}")
    }

    fn restart(&mut self) -> String {
        let state = self
            .random
            .one(&[gst::State::Paused, gst::State::Ready, gst::State::Null]);
        self.rig.switch.set_state(state).unwrap();
        self.rig.switch.set_state(gst::State::Playing).unwrap();
        if state != gst::State::Paused {
            let time = self.stream.now();
            self.pull();
            self.stream.begin_at(time);
            // Until something has left nothing says what may leave, and a frame that nobody answers is dropped.
            self.stream.may_drop = true;
            self.is_fresh = true;
            let caps = self.stream.caps().clone();
            self.send(gst::event::StreamStart::new("walk"));
            self.send(gst::event::Caps::new(&caps));
            self.segment(time);
        }
        format!("{state:?} and back")
    }

    /// Nothing but some frames.
    fn play(&mut self) -> String {
        let frames = self.random.whole(1, 5);
        (0..frames).for_each(|_| self.push());
        format!("{frames} frames")
    }

    /// Ends the stream: all is out, and frames still pass until then.
    fn end(mut self) -> String {
        self.fails.store(false, Ordering::SeqCst);
        (0..20).for_each(|_| self.push());
        self.send(gst::event::Eos::new());
        self.drained();
        self.hear();
        if let Some((ask, reader)) = self.reader.take() {
            drop(ask);
            reader.join().unwrap();
        }
        self.rig.switch.set_state(gst::State::Null).unwrap();
        // Its last messages hold the switch, which holds the bus.
        self.rig.switch.set_bus(None);
        self.rig.bus.set_flushing(true);
        if let Some((beat, watchdog)) = self.watchdog.take() {
            drop(beat);
            watchdog.join().unwrap();
        }
        let [sent, came] = self.stream.counts;
        format!("{sent} buffers in, {came} out")
    }
}

/// A thread that reads what applications read, each time that it is asked to.
fn reader(switch: gst::Element) -> (SyncSender<()>, JoinHandle<()>) {
    let (ask, asked) = mpsc::sync_channel(1);
    let read = move || {
        while asked.recv().is_ok() {
            switch.property::<gst::Structure>("stats");
            switch.property::<String>("stats-json");
            switch.emit_by_name::<gst::Structure>("explain", &[]);
            switch.property::<String>("active-candidate");
            switch.emit_by_name::<bool>("feedback", &[&"a", &0.5]);
        }
    };
    (ask, std::thread::spawn(read))
}

/// A thread that ends the process where a step does not end.
fn watchdog(switch: gst::Element) -> (mpsc::Sender<String>, JoinHandle<()>) {
    let (beat, beats) = mpsc::channel::<String>();
    let watch = move || {
        let mut steps = VecDeque::new();
        loop {
            match beats.recv_timeout(LONGEST) {
                Ok(step) => {
                    steps.push_back(step);
                    if REMEMBERED < steps.len() {
                        steps.pop_front();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let steps: Vec<String> = steps.into();
                    eprintln!("what follows this does not end:\n{}", steps.join("\n"));
                    for name in SETTINGS.map(|it| it.0) {
                        eprintln!("{name}={:?}", switch.property_value(name));
                    }
                    eprintln!("{:#?}", switch.property::<gst::Structure>("stats"));
                    std::process::abort();
                }
            }
        }
    };
    (beat, std::thread::spawn(watch))
}
