// SPDX-License-Identifier: MPL-2.0

//! What the page is told of each stream: an element that decides, runs a model by itself, or measures.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::roster::Member;
use crate::messages::{
    CandidateFailed, CandidateStats, FIGURES, FuseStats, InferStats, Percentiles, ProbeStats, Swap,
    SwitchStats,
};
use crate::place::{Place, place, unique};

/// Streams that are shown at most.
pub const MOST_STREAMS: usize = 256;
/// Candidates of a stream that are shown at most.
const MOST_CANDIDATES: usize = 64;

/// What a stream was asked, and said.
#[derive(Debug)]
pub struct Asked {
    id: u64,
    place: Place,
    /// None for an element inside of another one that is shown.
    facts: Option<Map<String, Value>>,
}

impl Asked {
    pub fn of(member: &Arc<Member>, element: &gst::Element) -> Asked {
        let stats = element.property::<Option<gst::Structure>>("stats");
        let facts = stats.filter(|_| !is_candidate(element));
        let facts = facts.and_then(|stats| {
            let facts = facts_of(&stats)?;
            let mut facts = object(facts);
            if stats.name() == SwitchStats::NAME {
                facts.extend(object(settings(element)));
            }
            Some(facts)
        });
        Asked {
            id: member.id,
            place: place(element),
            facts,
        }
    }
}

/// Streams, those that decide first, each with its names.
pub fn streams(asked: Vec<Asked>) -> Vec<Value> {
    let mut names = HashSet::new();
    let named = asked.into_iter().filter_map(|it| {
        let Place { pipeline, element } = unique(it.place, &mut names);
        let mut stream = object(json!({ "id": it.id, "pipeline": pipeline, "element": element }));
        stream.extend(it.facts?);
        Some(Value::Object(stream))
    });
    let mut streams: Vec<Value> = named.collect();
    streams.sort_by_key(|it| it["kind"] != "switch");
    streams
}

/// Whether it answers for a switch, which shows it.
fn is_candidate(element: &gst::Element) -> bool {
    let mut above = element.parent();
    while let Some(it) = above {
        let factory = it.downcast_ref::<gst::Element>().and_then(ElementExt::factory);
        if factory.is_some_and(|it| it.name() == "avrec-switch") {
            return true;
        }
        above = it.parent();
    }
    false
}

/// What a person set.
fn settings(switch: &gst::Element) -> Value {
    let forbidden = switch.property::<Option<String>>("forbidden").unwrap_or_default();
    let forbidden: Vec<&str> = forbidden
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    json!({
        "chooses": switch.property::<bool>("auto-switch"),
        "forbidden": forbidden,
        "miss-rate": switch.property::<f64>("miss-rate"),
    })
}

fn object(value: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields.into_iter().filter(|it| !it.1.is_null()).collect(),
        _ => Map::new(),
    }
}

/// Milliseconds, to four digits.
fn ms(time: impl Into<Option<Duration>>) -> Option<f64> {
    time.into().map(|it| short(1e3 * it.as_secs_f64()))
}

/// A number to four digits: nobody sees more, and they are a third of what is sent.
fn short(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

fn latency(latency: Option<Percentiles>) -> Value {
    latency.map_or(Value::Null, |it| json!([ms(it.p50), ms(it.p95), ms(it.p99)]))
}

fn facts_of(stats: &gst::StructureRef) -> Option<Value> {
    match stats.name().as_str() {
        SwitchStats::NAME => SwitchStats::try_from(stats).ok().map(|it| of_switch(&it)),
        InferStats::NAME => InferStats::try_from(stats).ok().map(|it| of_infer(&it)),
        ProbeStats::NAME => ProbeStats::try_from(stats).ok().map(|it| of_probe(&it)),
        FuseStats::NAME => FuseStats::try_from(stats).ok().map(|it| of_fuse(&it)),
        _ => None,
    }
}

fn of_switch(stats: &SwitchStats) -> Value {
    let candidates = stats.candidates.iter().take(MOST_CANDIDATES);
    json!({
        "kind": "switch",
        "active": stats.active,
        "frames": stats.frames_in,
        "misses": stats.misses,
        "late": stats.over_budget,
        "dropped": stats.dropped,
        "budget": ms(stats.budget),
        "latency": latency(stats.latency),
        "slowdown": short(stats.slowdown),
        "waiting": stats.waiting.map(short),
        "pressure": stats.pressure.map(short),
        "throttled": stats.throttled.map(short),
        "group": stats.group,
        "streams": stats.streams,
        "weight": stats.weight,
        "share": ms(stats.share),
        "reference": stats.reference,
        "candidates": candidates.map(|it| Value::Object(object(of_candidate(it)))).collect::<Vec<_>>(),
    })
}

fn of_candidate(stats: &CandidateStats) -> Value {
    let expected = stats.estimates.as_ref();
    json!({
        "name": stats.name,
        "state": stats.state.word(),
        "cause": stats.cause,
        "answers": stats.answers,
        "ms": ms(expected.and_then(|it| it.latency)),
        "miss": expected.map(|it| short(it.miss)),
        "quality": expected.map(|it| short(it.quality)),
        "doubt": expected.map(|it| short(it.quality_sd)),
    })
}

fn of_infer(stats: &InferStats) -> Value {
    let model = stats.model.as_ref().map(|it| &it.loaded);
    json!({
        "kind": "infer",
        "frames": stats.frames_in,
        "latency": latency(stats.latency),
        "active": model.map(|it| file_name(&it.file)),
        "task": model.map(|it| it.task.name()),
        "backend": model.map(|it| &it.backend),
        "loading": ms(stats.loading),
    })
}

/// Paths tell of the machine more than a page has to.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn of_probe(stats: &ProbeStats) -> Value {
    let summary = &stats.summary;
    let latency = summary
        .latencies
        .map(|it| json!([ms(it.p50), ms(it.p95), ms(it.p99)]));
    let windowed = [("SSIM", stats.window_ssim), ("PSNR", stats.window_psnr_db)];
    let named = FIGURES.map(|it| {
        (
            it,
            stats.fidelity.as_ref().and_then(|fidelity| fidelity.figure(it)),
        )
    });
    let mut figures = windowed.into_iter().chain(named);
    let figure = figures.find_map(|(name, value)| Some(json!({ "name": name, "value": short(value?) })));
    json!({
        "kind": "probe",
        "frames": summary.frames,
        "misses": summary.misses,
        "late": summary.misses,
        "budget": ms(summary.budget.map(Duration::from)),
        "latency": latency,
        "figure": figure,
    })
}

fn of_fuse(stats: &FuseStats) -> Value {
    json!({
        "kind": "fuse",
        "frames": stats.frames,
        "both": stats.both,
        "picture": stats.picture_only,
        "sound": stats.sound_only,
        "late": stats.late,
    })
}

/// What happened to a stream, by its number: the name of the event, and what it says.
pub fn event(id: u64, message: &gst::StructureRef) -> Option<(&'static str, Value)> {
    if let Ok(swap) = Swap::try_from(message) {
        let text = &swap.why.text;
        let told = json!({
            "id": id, "from": swap.from, "to": swap.to, "reason": swap.reason.word(), "because": swap.reason_text,
            "text": text, "frame": swap.frame,
        });
        return Some(("swap", told));
    }
    let failed = CandidateFailed::try_from(message).ok()?;
    let told = json!({ "id": id, "candidate": failed.candidate, "because": failed.cause });
    Some(("failure", told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_are_read() {
        let shown = [0.0, 1.0, 12.345678, 0.94444449, 123456.0, 1e-9].map(|it| json!(short(it)).to_string());
        assert_eq!(shown, ["0.0", "1.0", "12.35", "0.9444", "123500.0", "1e-9"]);
        assert_eq!(file_name("/home/me/models/small.onnx"), "small.onnx");
    }
}
