// SPDX-License-Identifier: MPL-2.0

//! The record as the page's script reads it: columns of seconds and milliseconds.

use std::time::Duration;

use gstavrec::messages::AnswerKind;
use serde_json::{Value, json};

use super::course;
use super::numbers::{isolated, percent};
use crate::measure::{Measure, Quality};
use crate::record::{Answerer, Fate, FrameSample, Record, Summary, Timed, measures};

/// JSON that may stand inside a `script` element.
pub fn json(records: &[&Record], summaries: &[Summary]) -> String {
    let order = candidate_order(records);
    let length = records
        .iter()
        .map(|record| record.length)
        .max()
        .unwrap_or_default();
    let measures = measures(summaries);
    let runs: Vec<Value> = records
        .iter()
        .zip(summaries)
        .map(|it| run(it.0, it.1, &order, &measures))
        .collect();
    let page = json!({
        "length": seconds(length).max(0.001),
        "measures": measures.iter().map(|it| json!({ "name": it.name, "unit": it.unit, "digits": it.digits })).collect::<Value>(),
        "runs": runs,
    });
    page.to_string().replace('<', "\\u003c")
}

/// Candidates in the switch's order, so that a colour means the same in every run.
fn candidate_order(records: &[&Record]) -> Vec<String> {
    let known = records.iter().filter_map(|record| record.stats.as_ref());
    let known = known.flat_map(|stats| stats.candidates.iter().map(|candidate| &candidate.name));
    let seen = records
        .iter()
        .flat_map(|record| record.answerers.iter().map(|(who, _)| &who.candidate));
    let mut order: Vec<String> = Vec::new();
    for name in known.chain(seen).filter(|name| !name.is_empty()) {
        if !order.contains(name) {
            order.push(name.clone());
        }
    }
    order
}

fn run(record: &Record, summary: &Summary, order: &[String], measures: &[&'static Measure]) -> Value {
    let pinned = record.name.strip_suffix(" alone");
    let pinned = pinned.and_then(|name| position(order, name));
    json!({
        "name": isolated(&record.name),
        "told": { "latency": course::latency(record, summary), "band": course::band(summary) },
        "colour": pinned.map_or(-1, |position| position as i64),
        "length": seconds(record.length),
        "thinned": record.frames.stride(),
        "missesThinned": record.missed.stride(),
        "answerers": record.answerers.iter().map(|(who, _)| answerer(who, summary, order)).collect::<Value>(),
        "frames": frames(record),
        "budget": budget_steps(record),
        "swaps": record.numbered_swaps().map(|(number, swap)| json!({
            "number": number, "t": seconds(swap.at), "from": isolated(&swap.what.from), "to": isolated(&swap.what.to),
            "text": swap.what.reason_text,
        })).collect::<Value>(),
        "phases": record.phases.iter().map(|phase| json!({
            "command": phase.command, "start": seconds(phase.start),
            "end": seconds(phase.end.unwrap_or(record.length)),
        })).collect::<Value>(),
        "probe": latencies(record),
        "quality": qualities(record, measures),
        "means": measures.iter().map(|it| summary.quality.as_ref()?.get(it)).collect::<Value>(),
    })
}

fn frames(record: &Record) -> Value {
    let frames = record.drawn_frames();
    let column =
        |value: fn(&FrameSample) -> Value| frames.iter().map(|frame| value(frame)).collect::<Value>();
    json!({
        "t": column(|frame| seconds(frame.at).into()),
        "ms": column(|frame| millis(frame.latency).into()),
        "who": column(|frame| frame.answerer.into()),
        "fate": column(|frame| code(frame.fate).into()),
    })
}

/// As `page.js` knows them.
fn code(fate: Fate) -> u8 {
    match fate {
        Fate::OnTime => 0,
        Fate::Late => 1,
        Fate::Rescued => 2,
        Fate::BeforeReady => 3,
    }
}

fn latencies(record: &Record) -> Value {
    let probes = record.probes.kept().iter();
    let timed = probes.filter_map(|probe| Some((probe.at, probe.percentiles()?)));
    json!({
        "t": timed.clone().map(|(at, _)| seconds(at)).collect::<Value>(),
        "p50": timed.clone().map(|(_, (p50, _))| millis(p50)).collect::<Value>(),
        "p99": timed.map(|(_, (_, p99))| millis(p99)).collect::<Value>(),
    })
}

fn qualities(record: &Record, measures: &[&'static Measure]) -> Value {
    let probes = record.probes.kept().iter();
    let measured: Vec<(Duration, Quality)> = probes.filter_map(|it| Some((it.at, it.quality()?))).collect();
    let figures = |measure: &&'static Measure| -> Value {
        let steps = 10f64.powi(measure.digits as i32 + 1);
        let figure = |quality: &Quality| quality.get(measure).map(|it| round(it, steps));
        measured.iter().map(|(_, quality)| figure(quality)).collect()
    };
    json!({
        "figures": measures.iter().map(figures).collect::<Value>(),
        "t": measured.iter().map(|(at, _)| seconds(*at)).collect::<Value>(),
    })
}

fn answerer(who: &Answerer, summary: &Summary, order: &[String]) -> Value {
    let name = who.to_string();
    let share = summary
        .shares
        .iter()
        .find(|(other, _)| *other == name)
        .map_or(0.0, |(_, share)| *share);
    let position = position(order, &who.candidate);
    let stands_in = who.answer != AnswerKind::Active;
    // An answer that is held is the candidate's own still, so it has its color.
    let is_own = matches!(who.answer, AnswerKind::Active | AnswerKind::Held);
    json!({
        "name": isolated(&name),
        "share": percent(share),
        "colour": position.filter(|_| is_own).map_or(-1, |position| position as i64),
        "order": position.unwrap_or(order.len()) + if stands_in { order.len() } else { 0 },
        "standIn": stands_in,
    })
}

fn position(order: &[String], name: &str) -> Option<usize> {
    order.iter().position(|other| other == name)
}

/// Where the budget changed, and to what.
fn budget_steps(record: &Record) -> Value {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    steps.extend(record.budgets.iter().map(|it| (seconds(it.at), millis(it.what))));
    if steps.is_empty()
        && let Some(budget) = record.probes.kept().last().and_then(Timed::budget)
    {
        steps.push((0.0, millis(budget)));
    }
    json!(steps)
}

fn seconds(time: Duration) -> f64 {
    round(time.as_secs_f64(), 1e3)
}

fn millis(time: Duration) -> f64 {
    round(1000.0 * time.as_secs_f64(), 1e3)
}

/// Fewer digits make a smaller page.
fn round(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::examples::frame;

    #[test]
    fn a_long_run_is_thinned_but_keeps_its_misses() {
        let mut record = Record::new("avrec");
        for number in 0..30_000u64 {
            let latency = if number % 1000 == 7 { 55 } else { 20 + number % 9 };
            record.add_frame(
                Duration::from_millis(40 * number),
                frame("large", AnswerKind::Active, latency),
                true,
            );
        }
        let without: Value = serde_json::from_str(&json(&[&record], &[])).unwrap();
        assert_eq!(
            without["runs"].as_array().unwrap().len(),
            0,
            "a run comes with its summary"
        );
        let summaries = [Summary::of(&record)];
        let page: Value = serde_json::from_str(&json(&[&record], &summaries)).unwrap();
        let frames = &page["runs"][0]["frames"];
        let fates = frames["fate"].as_array().unwrap();
        assert_eq!(fates.iter().filter(|it| **it == 1).count(), 30);
        assert!((6_000..12_030).contains(&fates.len()), "{}", fates.len());
        let times: Vec<f64> = frames["t"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        assert!(times.len() == fates.len() && times.is_sorted());
    }
}
