// SPDX-License-Identifier: MPL-2.0

//! Spans of what was seen: one for a frame, and in it those of waiting, running and leaving.

use std::time::SystemTime;

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks};

use super::clock::Clock;
use super::source::{Record, Seen, Source};
use crate::elements::switch::spans::{FrameTimes, RunTimes};
use crate::policy::RunKind;

/// Spans that a record becomes at most.
pub const MOST_SPANS: usize = 2;

/// The library that the spans are of.
pub fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

/// What makes spans of records.
#[derive(Debug)]
pub struct Maker {
    pub clock: Clock,
    pub scope: InstrumentationScope,
}

impl Maker {
    /// Makes spans of a record.
    pub fn make(&self, record: &Record, into: &mut Vec<SpanData>) {
        match &record.seen {
            Seen::Run(run) => self.of_run(&record.source, run, into),
            Seen::Frame(frame) => self.of_frame(&record.source, frame, into),
        }
    }

    fn of_run(&self, source: &Source, run: &RunTimes, into: &mut Vec<SpanData>) {
        let parent = source.identity.root(run.entered);
        let [entered, started] = [run.entered, run.started].map(|it| self.clock.time(it));
        let ended = started + run.latency;
        let mut child = |name, begin, end, more: Option<KeyValue>| {
            let mut span = self.span(source, run.entered, None, name, (begin, end));
            span.parent_span_id = parent;
            let candidate = KeyValue::new("avrec.candidate", run.candidate.clone());
            span.attributes = [candidate].into_iter().chain(more).collect();
            into.push(span);
        };
        let beside = match run.kind {
            RunKind::Active => None,
            RunKind::Shadow | RunKind::Overlapped => Some("shadow"),
            RunKind::WarmUp => Some("warm-up"),
            RunKind::Idle => Some("idle"),
        };
        match beside {
            None => {
                child("queue", entered, started, None);
                child("run", started, ended, None);
            }
            Some(why) => child(
                "shadow",
                started,
                ended,
                Some(KeyValue::new("avrec.purpose", why)),
            ),
        }
    }

    fn of_frame(&self, source: &Source, frame: &FrameTimes, into: &mut Vec<SpanData>) {
        let root = source.identity.root(frame.entered);
        let [entered, ended] = [frame.entered, frame.ended].map(|it| self.clock.time(it));
        let mut span = self.span(source, frame.entered, Some(root), "frame", (entered, ended));
        let place = source.place.load();
        let nanoseconds = |it: std::time::Duration| i64::try_from(it.as_nanos()).unwrap_or(i64::MAX);
        let number = i64::try_from(frame.number).unwrap_or(i64::MAX);
        span.attributes = vec![
            KeyValue::new("avrec.pipeline", place.pipeline.clone()),
            KeyValue::new("avrec.element", place.element.clone()),
            KeyValue::new("avrec.frame", number),
            KeyValue::new("avrec.answer", frame.answer.word()),
            KeyValue::new("avrec.budget_ns", nanoseconds(frame.budget)),
            KeyValue::new("avrec.latency_ns", nanoseconds(frame.latency)),
            KeyValue::new("avrec.late", frame.budget < frame.latency),
            KeyValue::new("avrec.miss", frame.is_miss),
        ];
        let pts = frame
            .pts
            .map(|it| KeyValue::new("avrec.pts_ns", nanoseconds(it.into())));
        let candidate = frame.candidate.clone();
        let candidate = candidate.map(|it| KeyValue::new("avrec.candidate", it));
        span.attributes.extend(pts.into_iter().chain(candidate));
        into.push(span);
        if let Some(pushed) = frame.pushed.map(|it| self.clock.time(it)) {
            let mut out = self.span(source, frame.entered, None, "out", (pushed, ended));
            out.parent_span_id = root;
            into.push(out);
        }
    }

    fn span(
        &self,
        source: &Source,
        entered: gst::ClockTime,
        id: Option<SpanId>,
        name: &'static str,
        (start_time, end_time): (SystemTime, SystemTime),
    ) -> SpanData {
        let id = id.unwrap_or_else(|| RandomIdGenerator::default().new_span_id());
        let trace = source.identity.trace(entered);
        SpanData {
            span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::default()),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time,
            end_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}
