// SPDX-License-Identifier: MPL-2.0

//! The bus form of what the switch has to tell, and the structure behind its `stats`.

use std::time::Duration;

use gst::prelude::*;

use super::explain::NamedExplanation;
use super::frame::{AnsweredBy, FrameContext};
use super::lanes::lane::{Lane, LaneState};
use super::shared::Shared;
use super::video::exhaustive::Finding;
use crate::policy::{Evidence, Outlook, Reason};
use crate::score::{Comparison, LatencyWindow};

/// Nanoseconds for a field whose name ends in `-ns`.
pub fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Running time of the frame, where its segment and PTS give one.
fn running_time(core: &Shared, pts: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
    let segment = core.sink.sticky_event::<gst::event::Segment>(0)?;
    segment
        .segment()
        .downcast_ref::<gst::ClockTime>()?
        .to_running_time(pts?)
}

/// `avrec/switch`: another candidate answers from this frame on.
///
/// Fields: `from` (empty at the start), `to`, `reason` (nick), `reason-text`, `frame`, `pts`, `running-time`
/// the numbers that were compared (`latency-upper-ns`, `latency-budget-ns`, `quality`, `over`, `busy-ns`), and the
/// explanation.
pub fn switch(
    core: &Shared,
    journey: &FrameContext,
    (from, to): (&str, &str),
    reason: &Reason,
    why: &NamedExplanation,
) -> gst::Structure {
    let pts = journey.frame.pts();
    let builder = gst::Structure::builder("avrec/switch")
        .field("from", from)
        .field("to", to)
        .field("reason", reason.nick())
        .field("reason-text", reason.to_string())
        .field("frame", journey.plan.number)
        .field_if_some("pts", pts.map(gst::ClockTime::nseconds))
        .field_if_some(
            "running-time",
            running_time(core, pts).map(gst::ClockTime::nseconds),
        );
    let builder = why.add_to(builder);
    match reason {
        Reason::Infeasible { upper, budget } => builder
            .field("latency-upper-ns", ns(*upper))
            .field("latency-budget-ns", ns(*budget))
            .build(),
        Reason::Better { quality, over } => builder.field("quality", *quality).field("over", *over).build(),
        Reason::Cheaper { cost, over } => builder.field("cost", *cost).field("over", *over).build(),
        Reason::Busy { elapsed } => builder.field("busy-ns", ns(*elapsed)).build(),
        Reason::Start | Reason::Gone | Reason::Pinned => builder.build(),
    }
}

/// `avrec/frame`: what became of one frame; posted while `frame-messages` is set.
pub fn frame(
    core: &Shared,
    journey: &FrameContext,
    source: Option<AnsweredBy>,
    latency: Duration,
    is_miss: bool,
) -> gst::Structure {
    let pts = journey.frame.pts();
    let running_time = running_time(core, pts);
    let active = core.totals.lock().active;
    let list = core.lanes.list();
    let name = |lane: usize| list.name(lane);
    let (nick, candidate) = match source {
        Some(AnsweredBy::Active(lane)) => ("active", name(lane)),
        Some(AnsweredBy::Held(lane)) => ("held", name(lane)),
        Some(AnsweredBy::Floor(lane)) => ("floor", name(lane)),
        Some(AnsweredBy::Passthrough) => ("passthrough", "passthrough"),
        None => ("dropped", ""),
    };
    gst::Structure::builder("avrec/frame")
        .field("frame", journey.plan.number)
        .field_if_some("pts", pts.map(gst::ClockTime::nseconds))
        .field_if_some("running-time", running_time.map(gst::ClockTime::nseconds))
        .field("time-ns", gst::get_timestamp().nseconds())
        .field("latency-ns", ns(latency))
        .field("budget-ns", ns(journey.plan.budget))
        .field("candidate", candidate)
        .field("active", active.map(name).unwrap_or_default())
        .field("answer", nick)
        .field("late", is_miss)
        .build()
}

/// `avrec/score` of a comparison of a candidate's answer with the reference's; posted while `frame-messages` is set.
pub fn comparison(
    (frame, pts): (u64, Option<gst::ClockTime>),
    (candidate, reference): (&str, &str),
    comparison: &Comparison,
) -> gst::Structure {
    gst::Structure::builder("avrec/score")
        .field("frame", frame)
        .field_if_some("pts", pts.map(gst::ClockTime::nseconds))
        .field("candidate", candidate)
        .field("reference", reference)
        .field("evidence", Evidence::Agreement.nick())
        .field("agreement", comparison.agreement)
        .field(comparison.measure.field(), comparison.figure)
        .build()
}

/// `avrec/score` by evidence that needs no reference.
pub fn score(
    (frame, pts): (u64, Option<gst::ClockTime>),
    candidate: &str,
    score: f64,
    evidence: Evidence,
) -> gst::Structure {
    gst::Structure::builder("avrec/score")
        .field("frame", frame)
        .field_if_some("pts", pts.map(gst::ClockTime::nseconds))
        .field("candidate", candidate)
        .field("evidence", evidence.nick())
        .field("score", score)
        .build()
}

/// The figures of a candidate's answers as the structure `evidence`; `None` where there are none.
pub fn evidence(figures: &[(&'static str, f64)]) -> Option<gst::Structure> {
    let builder = gst::Structure::builder("evidence");
    let all = figures
        .iter()
        .fold(builder, |builder, (name, value)| builder.field(*name, *value));
    (!figures.is_empty()).then(|| all.build())
}

/// `avrec/survey`: what every candidate made of one frame; posted while `exhaustive` is set.
///
/// Fields: `frame`, `pts`, `running-time`, `budget-ns`, `reference` and the array `candidates`, each with
/// `name`, `prior` (where the catalogue gives one), `latency-ns` (absent without an answer) and `agreement`
/// (absent for the reference, and where nothing could be compared).
pub fn survey(core: &Shared, journey: &FrameContext, findings: &[Finding]) -> gst::Structure {
    let pts = journey.frame.pts();
    let list = core.lanes.list();
    let reference = journey.plan.named.reference;
    let candidates = findings.iter().map(|finding| {
        let identity = list.lanes.get(finding.lane);
        gst::Structure::builder("candidate")
            .field("name", list.name(finding.lane))
            .field_if_some("prior", identity.and_then(|it| it.prior.quality))
            .field_if_some("latency-ns", finding.latency().map(ns))
            .field_if_some("agreement", finding.agreement)
            .build()
            .to_send_value()
    });
    gst::Structure::builder("avrec/survey")
        .field("frame", journey.plan.number)
        .field_if_some("pts", pts.map(gst::ClockTime::nseconds))
        .field_if_some(
            "running-time",
            running_time(core, pts).map(gst::ClockTime::nseconds),
        )
        .field("budget-ns", ns(journey.plan.budget))
        .field("reference", reference.map_or("", |it| list.name(it)))
        .field("candidates", gst::Array::from_values(candidates))
        .build()
}

/// `avrec/candidate-ready`: the candidate is loaded and warm, and may answer from now on.
pub fn candidate_ready(candidate: &str) -> gst::Structure {
    gst::Structure::builder("avrec/candidate-ready")
        .field("candidate", candidate)
        .build()
}

/// `avrec/candidate-failed`: the candidate cannot answer, why, and what to change.
pub fn candidate_failed(candidate: &str, cause: &str, remedy: &str) -> gst::Structure {
    gst::Structure::builder("avrec/candidate-failed")
        .field("candidate", candidate)
        .field("cause", cause)
        .field("remedy", remedy)
        .build()
}

/// The `stats` property; fields carry their unit.
pub fn stats(core: &Shared) -> gst::Structure {
    let totals = core.totals.lock().clone();
    let slots: Vec<_> = core.lanes.lock().iter().map(summary).collect();
    let (outlooks, slowdown, price) = core.published.lock().outlooks();
    let active = totals
        .active
        .and_then(|it| slots.get(it))
        .map(|it| it.name.as_str())
        .unwrap_or_default();
    let candidates = slots
        .iter()
        .enumerate()
        .filter(|(_, slot)| slot.state != "removed")
        .map(|(lane, slot)| candidate_stats(slot, outlooks.get(lane)).to_send_value());
    let builder = gst::Structure::builder("avrec-switch-stats")
        .field("in", totals.frames_in)
        .field("out", totals.frames_out)
        .field("dropped", totals.dropped)
        .field("misses", totals.misses)
        .field("swaps", totals.swaps)
        .field("floor-answers", totals.floor_answers)
        .field("held-answers", totals.held_answers)
        .field("budget-ns", ns(totals.budget))
        .field("active-candidate", active)
        .field("slowdown", slowdown)
        .field_if_some("price-per-miss", price)
        .field("candidates", gst::Array::from_values(candidates));
    percentiles(builder, &totals.latency).build()
}

/// What `stats` shows of one slot.
struct Summary {
    name: String,
    state: &'static str,
    cause: Option<String>,
    runs: u64,
    answers: u64,
    misses: u64,
    window: LatencyWindow,
    figures: Vec<(&'static str, f64)>,
}

fn summary(lane: &Lane) -> Summary {
    let is_hung = lane.run.as_ref().is_some_and(|it| it.reported_hung);
    let cause = match &lane.state {
        LaneState::Failed { cause, .. } => Some(cause.clone()),
        _ => None,
    };
    Summary {
        name: lane.name().to_string(),
        state: if is_hung { "hung" } else { lane.state.nick() },
        cause,
        runs: lane.tally.runs,
        answers: lane.tally.answers,
        misses: lane.tally.misses,
        window: lane.tally.window.clone(),
        figures: lane.figures.clone(),
    }
}

fn candidate_stats(slot: &Summary, outlook: Option<&Outlook>) -> gst::Structure {
    let builder = gst::Structure::builder("candidate")
        .field("name", &slot.name)
        .field("state", slot.state)
        .field_if_some("cause", slot.cause.as_ref())
        .field("runs", slot.runs)
        .field("answers", slot.answers)
        .field("misses", slot.misses);
    let builder = percentiles(builder, &slot.window);
    let Some(outlook) = outlook else {
        return builder.build();
    };
    builder
        .field_if_some("latency-ns", outlook.latency.map(ns))
        .field_if_some("latency-upper-ns", outlook.upper.map(ns))
        .field("quality", outlook.quality)
        .field("quality-sd", outlook.quality_sd)
        .field("quality-source", outlook.quality_source.nick())
        .field_if_some("evidence", evidence(&slot.figures))
        .field("scores", outlook.scores)
        .field("feasible", outlook.feasible)
        .field("miss", outlook.miss)
        .field_if_some("robustness", outlook.robustness)
        .build()
}

/// Adds the percentiles of the window, where it has samples.
fn percentiles(builder: gst::structure::Builder, window: &LatencyWindow) -> gst::structure::Builder {
    builder
        .field_if_some("latency-p50-ns", window.percentile(50.0).map(ns))
        .field_if_some("latency-p95-ns", window.percentile(95.0).map(ns))
        .field_if_some("latency-p99-ns", window.percentile(99.0).map(ns))
}
