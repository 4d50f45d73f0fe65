// SPDX-License-Identifier: MPL-2.0

//! What arrives is a tree for each sampled frame, with times in order.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::collector::{Collector, Manner, attribute, number, text};
use super::program::play;

/// The spans of a frame.
struct Trace {
    frame: Span,
    children: Vec<Span>,
}

impl Trace {
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Span> {
        self.children.iter().filter(move |it| it.name == name)
    }
}

/// Puts spans together, which must be whole trees of one step.
#[track_caller]
fn traces(spans: &[Span]) -> Vec<Trace> {
    let ids: HashSet<_> = spans.iter().map(|it| &it.span_id).collect();
    assert_eq!(ids.len(), spans.len(), "each has an identifier of its own");
    let (roots, children): (Vec<_>, Vec<_>) = spans.iter().partition(|it| it.parent_span_id.is_empty());
    let mut traces = BTreeMap::new();
    for frame in roots.into_iter().cloned() {
        assert_eq!(frame.name, "frame");
        assert_eq!((frame.trace_id.len(), frame.span_id.len()), (16, 8));
        let trace = Trace {
            frame: frame.clone(),
            children: Vec::new(),
        };
        assert!(
            traces.insert(frame.trace_id, trace).is_none(),
            "one frame a trace"
        );
    }
    for child in children {
        let trace = traces.get_mut(&child.trace_id).expect("a frame for each span");
        assert_eq!(child.parent_span_id, trace.frame.span_id, "{child:?}");
        assert!(child.start_time_unix_nano <= child.end_time_unix_nano);
        assert!(
            ["queue", "run", "shadow", "out"].contains(&&*child.name),
            "{child:?}"
        );
        trace.children.push(child.clone());
    }
    let mut traces: Vec<Trace> = traces.into_values().collect();
    traces.sort_by_key(|it| number(&it.frame, "avrec.frame"));
    traces
}

/// Times of a frame that a candidate answered: it came, was handed over, ran, and left.
#[track_caller]
fn check_times(trace: &Trace) {
    let (frame, out) = (&trace.frame, trace.named("out").next().expect("it left"));
    assert_eq!(trace.named("out").count(), 1);
    assert_eq!(out.end_time_unix_nano, frame.end_time_unix_nano);
    let candidate = attribute(frame, "avrec.candidate");
    let is_of_it = |it: &&Span| attribute(it, "avrec.candidate") == candidate;
    let queue = trace.named("queue").find(is_of_it).expect("it waited");
    let run = trace.named("run").find(is_of_it).expect("its candidate ran");
    let times = [
        (frame.start_time_unix_nano, queue.start_time_unix_nano),
        (queue.end_time_unix_nano, run.start_time_unix_nano),
    ];
    assert!(times.iter().all(|it| it.0 == it.1), "{times:?}");
    assert!(run.end_time_unix_nano <= out.start_time_unix_nano);
    let budget = number(frame, "avrec.budget_ns");
    let latency = number(frame, "avrec.latency_ns");
    assert_eq!(
        attribute(frame, "avrec.late"),
        Some(Value::BoolValue(budget < latency))
    );
    let ran = run.end_time_unix_nano - run.start_time_unix_nano;
    assert!(ran <= latency as u64, "{ran} of {latency}");
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

#[test]
fn each_frame_is_a_tree_of_what_it_met() {
    let collector = Collector::start(Manner::Take);
    let before = now();
    let told = play(
        &format!("endpoint={},ratio=1", collector.endpoint()),
        &[
            ("OTEL_SERVICE_NAME", "gate-3"),
            ("OTEL_RESOURCE_ATTRIBUTES", "site=north"),
        ],
        "videotestsrc is-live=true num-buffers=75 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 \
         ! avrec-switch.( name=s sense-machine=false reference=b identity name=a identity name=b ) ! fakesink",
    );
    assert!(told.is_success, "{told:#?}");
    let spans = collector.spans();
    assert_eq!(told.counts(), [spans.len() as u64, 0, 0]);
    let traces = traces(&spans);
    let numbers: Vec<i64> = traces.iter().map(|it| number(&it.frame, "avrec.frame")).collect();
    assert_eq!(numbers, (0..75).collect::<Vec<_>>());
    let mut answered = 0;
    for (index, trace) in traces.iter().enumerate() {
        let frame = &trace.frame;
        assert!(before < frame.start_time_unix_nano && frame.end_time_unix_nano < now());
        assert_eq!(text(frame, "avrec.pipeline"), "pipeline0");
        assert_eq!(text(frame, "avrec.element"), "s");
        assert_eq!(number(frame, "avrec.budget_ns"), 40_000_000);
        assert!(40_000_000 * index as i64 <= number(frame, "avrec.pts_ns"));
        for shadow in trace.named("shadow") {
            assert!(["shadow", "warm-up", "idle"].contains(&&*text(shadow, "avrec.purpose")));
            assert!(frame.start_time_unix_nano < shadow.start_time_unix_nano);
        }
        if text(frame, "avrec.answer") == "active" {
            check_times(trace);
            answered += 1;
        }
    }
    assert!(40 <= answered, "{answered}");
    let purposes: BTreeSet<String> = traces
        .iter()
        .flat_map(|it| it.named("shadow"))
        .map(|it| text(it, "avrec.purpose"))
        .collect();
    assert!(
        purposes.contains("warm-up") && purposes.contains("shadow"),
        "{purposes:?}"
    );
    let starts: Vec<u64> = traces.iter().map(|it| it.frame.start_time_unix_nano).collect();
    assert!(starts.is_sorted(), "{starts:?}");

    for request in collector.received() {
        assert!(
            request.head.starts_with("post /v1/traces http/1.1"),
            "{}",
            request.head
        );
        assert!(request.head.contains("content-type: application/x-protobuf"));
        for resource in request.body.resource_spans {
            let attributes = resource.resource.unwrap().attributes;
            let has = |name: &str, text: &str| {
                let value = Some(Value::StringValue(text.to_owned()));
                let found = attributes.iter().find(|it| it.key == name);
                found.and_then(|it| it.value.clone()?.value) == value
            };
            assert!(
                has("service.name", "gate-3") && has("site", "north"),
                "{attributes:?}"
            );
            let scopes = resource.scope_spans.into_iter().map(|it| it.scope.unwrap().name);
            assert_eq!(scopes.collect::<Vec<_>>(), ["avrec"]);
        }
    }
}

#[test]
fn as_many_frames_are_sampled_as_the_ratio_says_and_each_of_them_as_a_whole() {
    let collector = Collector::start(Manner::Take);
    let told = play(
        &format!("endpoint={},ratio=0.25", collector.endpoint()),
        &[],
        "videotestsrc num-buffers=800 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 \
         ! avrec-switch.( name=s late-policy=wait identity name=a ) ! fakesink",
    );
    assert!(told.is_success, "{told:#?}");
    let spans = collector.spans();
    assert_eq!(told.counts(), [spans.len() as u64, 0, 0]);
    let traces = traces(&spans);
    // 200, and four standard deviations.
    assert!((151..=249).contains(&traces.len()), "{}", traces.len());
    for trace in &traces {
        check_times(trace);
        let low = u64::from_be_bytes(trace.frame.trace_id[8..].try_into().unwrap());
        assert!(low >> 1 < (1 << 63) / 4, "as other samplers of that ratio decide");
    }
}

#[test]
fn a_buffer_of_sound_is_a_tree_too() {
    let collector = Collector::start(Manner::Take);
    let told = play(
        &format!("endpoint={}", collector.endpoint()),
        &[],
        "audiotestsrc num-buffers=100 ! audio/x-raw,format=F32LE,rate=16000,channels=1 \
         ! avrec-switch.( name=s late-policy=wait identity name=a ) ! fakesink",
    );
    assert!(told.is_success, "{told:#?}");
    let traces = traces(&collector.spans());
    assert_eq!(traces.len(), 100);
    let answered: Vec<&Trace> = traces
        .iter()
        .filter(|it| text(&it.frame, "avrec.answer") == "active" && it.named("run").next().is_some())
        .collect();
    assert!(80 <= answered.len(), "{}", answered.len());
    answered.into_iter().for_each(check_times);
}

#[test]
fn the_variables_of_opentelemetry_are_heard() {
    let line = "videotestsrc num-buffers=50 ! video/x-raw,format=I420,width=64,height=48 \
                ! avrec-switch.( name=s late-policy=wait identity name=a ) ! fakesink";
    let collector = Collector::start(Manner::Take);
    let endpoint = collector.endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=xyz"),
    ];
    let told = play("", &variables, line);
    assert!(told.is_success, "{told:#?}");
    assert_eq!(traces(&collector.spans()).len(), 50);
    assert!(
        collector
            .received()
            .iter()
            .all(|it| it.head.contains("api-key: xyz"))
    );

    let none = Collector::start(Manner::Take);
    let endpoint = none.endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ];
    assert!(play("", &variables, line).is_success);
    assert!(none.received().is_empty());
}
