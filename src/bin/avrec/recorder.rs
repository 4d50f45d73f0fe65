// SPDX-License-Identifier: MPL-2.0

//! Keeps what a run tells: into the record, the log, the matrix, and the progress lines. It never acts on the pipeline.

use std::time::Duration;

use gst::prelude::*;
use gstavrec::messages::{FieldError, Message, SwitchStats};
use serde_json::Value;

use crate::branch::Branch;
use crate::console::{say, warn};
use crate::environment::ModelRun;
use crate::group;
use crate::launch::{Launched, is_inside_switch};
use crate::log::{Entry, Log, entry, extend};
use crate::matrix::Matrix;
use crate::record::{Phase, Recent, Record};
use crate::stream::{Stream, stats_structure};
use crate::tap::Taps;

/// Takes down one run.
pub struct Recorder<'a> {
    log: &'a Log,
    matrix: &'a Matrix,
    /// Name of the run.
    name: String,
    /// One at least; the record of the first has what concerns all.
    streams: Vec<Stream>,
    /// Monotonic time of PLAYING; until then, of the start of the preroll.
    started: Duration,
    taps: Option<Taps>,
    prints: bool,
}

impl<'a> Recorder<'a> {
    pub fn new(
        launched: &Launched,
        name: &str,
        (log, matrix): (&'a Log, &'a Matrix),
        prints: bool,
    ) -> Recorder<'a> {
        let branches = Branch::all(launched);
        let count = branches.len();
        let streams = branches.into_iter().map(|it| Stream::new(it, name, count));
        Recorder {
            log,
            matrix,
            name: name.to_string(),
            streams: streams.collect(),
            started: monotonic(),
            taps: None,
            prints,
        }
    }

    /// Keeps some of what comes out, to be shown.
    pub fn look(&mut self, launched: &Launched) {
        self.taps = Some(Taps::new(launched));
    }

    /// The pipeline goes to PLAYING now; all times count from here.
    pub fn playing(&mut self) {
        self.started = monotonic();
        self.note("playing", []);
    }

    /// Writes a line of type `kind` to the log.
    pub fn note<const N: usize>(&self, kind: &str, fields: [(&str, Value); N]) {
        let mut line = self.entry(kind);
        line.extend(fields.map(|(name, value)| (name.to_string(), value)));
        self.log.write(line);
    }

    /// Something is not as it should be, and the run goes on.
    pub fn problem(&mut self, text: String) {
        warn(&format!("warning: {text}"));
        self.note("warning", [("text", Value::from(text.clone()))]);
        let at = self.elapsed();
        self.common().problems.add(at, text);
    }

    /// Something that is as it should be, and worth to know. Elements that say the same are heard once.
    pub fn info(&mut self, text: String) {
        self.note("info", [("text", Value::from(text.clone()))]);
        let at = self.elapsed();
        if self.common().infos.add(at, text.clone()) && self.prints {
            say(&format!("note: {text}"));
        }
    }

    /// An element message; those of other projects, and of what works inside a switch, are left alone.
    pub fn element_message(&mut self, message: &gst::Message) {
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
        self.note_message(kind, message);
        match Message::try_from(structure) {
            Ok(told) => self.keep(told, source),
            Err(error) => self.problem(format!("avrec/{kind} is not understood: {error}")),
        }
    }

    /// Writes the fields of a message to the log.
    pub fn note_message(&self, kind: &str, message: &gst::Message) {
        let mut line = self.entry(kind);
        if let Some(source) = message.src() {
            self.name_source(&mut line, source);
        }
        if let Some(structure) = message.structure() {
            extend(&mut line, structure);
        }
        self.log.write(line);
    }

    /// A second has passed.
    pub fn tick(&mut self) {
        for switch in self.streams.iter().filter_map(|it| it.branch.switch.as_ref()) {
            if let Some(stats) = stats_structure(switch) {
                let mut line = self.entry("stats");
                self.name_source(&mut line, switch.upcast_ref());
                extend(&mut line, &stats);
                self.log.write(line);
            }
        }
        if !self.prints {
            self.streams
                .iter_mut()
                .for_each(|it| it.record.recent = Recent::default());
            return;
        }
        let elapsed = self.elapsed();
        let stats: Vec<Option<SwitchStats>> = self.switch_stats();
        let told = self.streams.iter_mut().map(|it| &mut it.record).zip(stats);
        group::tell(elapsed, &mut told.collect::<Vec<_>>());
    }

    /// The names of the first switch's candidates.
    pub fn candidates(&mut self) -> Vec<String> {
        let stats = self.switch_stats().swap_remove(0).unwrap_or_default();
        stats.candidates.into_iter().map(|it| it.name).collect()
    }

    /// The media type of what the first switch gets, once that is known.
    pub fn kind(&self) -> Option<String> {
        let switch = self.streams.first()?.branch.switch.as_ref()?;
        let caps = switch.static_pad("sink")?.current_caps()?;
        Some(caps.structure(0)?.name().to_string())
    }

    /// A load runs from now on; the answer is for [`Recorder::load_ended`].
    pub fn load_started(&mut self, command: &str) -> usize {
        self.note("load-start", [("command", Value::from(command))]);
        let phase = Phase {
            command: command.to_string(),
            start: self.elapsed(),
            end: None,
        };
        let phases = &mut self.common().phases;
        phases.push(phase);
        phases.len() - 1
    }

    /// A load was ended, or has ended by itself, whichever is told first.
    pub fn load_ended(&mut self, position: usize) {
        let now = self.elapsed();
        let phase = self.common().phases.get_mut(position);
        if let Some(phase) = phase.filter(|phase| phase.end.is_none()) {
            phase.end = Some(now);
            let command = phase.command.clone();
            self.note("load-end", [("command", Value::from(command))]);
        }
    }

    /// The run is over; `error` is why, if it did not end in order. What is returned is of each stream.
    pub fn finish(mut self, pipeline: &gst::Pipeline, end: &str, error: Option<&str>) -> Vec<Record> {
        let length = self.elapsed();
        for position in 0..self.streams.len() {
            if let Err(error) = self.streams[position].finish() {
                self.not_understood(&error);
            }
        }
        for position in 0..self.common().phases.len() {
            self.load_ended(position);
        }
        let shown = self.taps.take().map(Taps::finish).unwrap_or_default();
        for (stream, mut shown) in self.streams.iter_mut().zip(shown) {
            shown.count_from(self.started);
            stream.record.shown = shown;
        }
        self.common().models = ModelRun::all(pipeline);
        let phases = self.common().phases.clone();
        self.note(
            "run-end",
            [("end", Value::from(end)), ("error", Value::from(error))],
        );
        let records = self.streams.into_iter().map(|it| it.record);
        let whole = records.map(|mut record| {
            record.length = length;
            record.phases = phases.clone();
            record
        });
        whole.collect()
    }

    fn keep(&mut self, told: Message, source: Option<&gst::Object>) {
        let times = (self.started, self.elapsed());
        let mut streams = self.streams.iter_mut().enumerate();
        let Some((position, stream)) = streams.find(|(_, it)| it.branch.has(source)) else {
            return;
        };
        // It has a column for each candidate of one switch.
        if let Some(survey) = stream.keep(told, source, times).filter(|_| position == 0) {
            self.matrix.add(survey);
        }
    }

    /// What each switch says of itself.
    fn switch_stats(&mut self) -> Vec<Option<SwitchStats>> {
        let told = self.streams.iter().map(Stream::stats).collect::<Vec<_>>();
        let known = told.into_iter().map(|it| match it? {
            Ok(stats) => Some(stats),
            Err(error) => {
                self.not_understood(&error);
                None
            }
        });
        known.collect()
    }

    /// Is told once.
    fn not_understood(&mut self, error: &FieldError) {
        let text = format!("stats are not understood: {error}");
        if self.common().problems.kept().iter().all(|it| it.text != text) {
            self.problem(text);
        }
    }

    /// Where that is which concerns all streams.
    fn common(&mut self) -> &mut Record {
        &mut self.streams[0].record
    }

    /// Who says what stands in a line, and of which stream, where there are several.
    fn name_source(&self, line: &mut Entry, source: &gst::Object) {
        line.insert("element".to_string(), Value::from(source.name().as_str()));
        let stream = self.streams.iter().find(|it| it.branch.has(Some(source)));
        if let Some(name) = stream.and_then(|it| it.record.stream.as_ref()) {
            line.insert("stream".to_string(), Value::from(name.as_str()));
        }
    }

    fn entry(&self, kind: &str) -> Entry {
        let mut line = entry(kind);
        line.insert("run".to_string(), Value::from(self.name.as_str()));
        line.insert(
            "elapsed-ns".to_string(),
            Value::from(self.elapsed().as_nanos() as u64),
        );
        line
    }

    fn elapsed(&self) -> Duration {
        monotonic().saturating_sub(self.started)
    }
}

/// The clock of the elements' own stamps.
fn monotonic() -> Duration {
    Duration::from_nanos(gst::get_timestamp().nseconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::examples::{frame, swap};
    use gstavrec::messages::{AnswerKind, Frame, Loaded, ModelLoaded, ReasonWord};
    use gstavrec::runtime::Task;

    fn message(source: &gst::Element, structure: impl Into<gst::Structure>) -> gst::Message {
        gst::message::Element::builder(structure.into())
            .src(source)
            .build()
    }

    fn frame_message(
        source: &gst::Element,
        number: u64,
        answer: AnswerKind,
        latency_ms: u64,
    ) -> gst::Message {
        let told = Frame {
            number,
            pts: Some(gst::ClockTime::from_mseconds(40 * number)),
            time: monotonic(),
            ..frame("small", answer, latency_ms)
        };
        message(source, told)
    }

    /// Stands in for a switch: the recorder asks an element for no more than its messages and its `stats`.
    fn launched() -> (Launched, gst::Element) {
        gst::init().unwrap();
        let mut launched = Launched::new(&["queue name=first ! queue name=second".to_string()]).unwrap();
        let (first, second) = ["first", "second"]
            .map(|name| launched.pipeline.by_name(name).unwrap())
            .into();
        launched.switches = vec![first, second.clone()];
        (launched, second)
    }

    #[test]
    fn each_switch_has_its_record_and_the_log_is_everybodys() {
        let (launched, second) = launched();
        let folder = tempfile::tempdir().unwrap();
        let log = Log::create(&folder.path().join("log")).unwrap();
        let matrix = Matrix::none();
        let mut recorder = Recorder::new(&launched, "avrec", (&log, &matrix), false);
        recorder.playing();
        let first = launched.switches[0].clone();
        recorder.element_message(&frame_message(&first, 0, AnswerKind::Active, 21));
        recorder.element_message(&frame_message(&first, 1, AnswerKind::Floor, 41));
        recorder.element_message(&frame_message(&second, 0, AnswerKind::Active, 1));
        let reason = (
            ReasonWord::Infeasible,
            "large may take 61 ms, the budget is 40 ms",
        );
        recorder.element_message(&message(&first, swap("large", "small", reason)));
        let records = recorder.finish(&launched.pipeline, "eos", None);
        log.finish().unwrap();

        let names: Vec<Option<&str>> = records.iter().map(|it| it.stream.as_deref()).collect();
        assert_eq!(names, [Some("first"), Some("second")]);
        assert_eq!((records[1].counts.frames, records[1].misses()), (1, 0));
        let record = &records[0];
        let answers: Vec<AnswerKind> = record.answerers.iter().map(|who| who.0.answer).collect();
        assert_eq!(answers, [AnswerKind::Active, AnswerKind::Floor]);
        assert_eq!(record.counts.frames, 2);
        assert_eq!(record.misses(), 1);
        assert_eq!(record.swaps[0].what.to, "small");
        let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let types: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
        assert_eq!(types, ["playing", "frame", "frame", "frame", "switch", "run-end"]);
        assert_eq!(lines[3]["element"], "second");
        assert_eq!(
            (&lines[3]["stream"], &lines[4]["stream"]),
            (&"second".into(), &"first".into())
        );
        assert_eq!(lines[2]["latency-ns"], 41_000_000);
        assert_eq!(lines[2]["pts-ns"], 40_000_000);
    }

    #[test]
    fn what_an_element_inside_a_switch_says_is_not_the_runs() {
        let (launched, _) = launched();
        gstavrec::plugin_register_static().unwrap();
        let switch = gst::ElementFactory::make("avrec-switch").build().unwrap();
        let inner = gst::ElementFactory::make("identity").build().unwrap();
        switch.downcast_ref::<gst::Bin>().unwrap().add(&inner).unwrap();
        let (log, matrix) = (Log::none(), Matrix::none());
        let mut recorder = Recorder::new(&launched, "avrec", (&log, &matrix), false);
        recorder.element_message(&message(&inner, gst::Structure::new_empty("avrec/odd")));
        assert_eq!(
            recorder.finish(&launched.pipeline, "eos", None)[0]
                .problems
                .kept(),
            []
        );
    }

    #[test]
    fn a_message_that_lacks_a_field_is_told_and_not_fatal() {
        let (launched, _) = launched();
        let (log, matrix) = (Log::none(), Matrix::none());
        let mut recorder = Recorder::new(&launched, "avrec", (&log, &matrix), false);
        let structure = gst::Structure::builder("avrec/switch").field("from", "").build();
        recorder.element_message(&message(&launched.switches[0], structure));
        let record = &recorder.finish(&launched.pipeline, "eos", None)[0];
        assert!(
            record.problems.kept()[0]
                .text
                .contains("avrec/switch is not understood"),
            "{:?}",
            record.problems
        );
    }

    #[test]
    fn what_a_model_beside_the_switch_says_is_understood() {
        let (launched, other) = launched();
        let (log, matrix) = (Log::none(), Matrix::none());
        let mut recorder = Recorder::new(&launched, "avrec", (&log, &matrix), false);
        let model = Loaded {
            file: "small.onnx".to_string(),
            task: Task::Detect,
            backend: "rten".to_string(),
            backend_note: String::new(),
            execution_provider: "cpu".to_string(),
            threads: 2,
            load_time: Duration::from_millis(80),
            assumed: String::new(),
            statements: Vec::new(),
        };
        recorder.element_message(&message(&other, ModelLoaded { model }));
        assert_eq!(
            recorder.finish(&launched.pipeline, "eos", None)[0]
                .problems
                .kept(),
            []
        );
    }
}
