// SPDX-License-Identifier: MPL-2.0

//! What the switch has to tell, gathered from its parts. The fields stand in [`crate::messages`].

use std::time::Duration;

use gst::prelude::*;

use super::lanes::status::{LaneState, LaneStatus};
use super::shared::Shared;
use super::video::chain::{AnsweredBy, FrameContext};
use super::video::exhaustive::Finding;
use crate::messages::{
    AnswerKind, CandidateState, CandidateStats, Estimates, Explanation, Frame, MeasuredFigure, Percentiles,
    Score, Survey, Surveyed, Swap, SwitchStats,
};
use crate::policy::{Evidence, Outlook, Reason};
use crate::score::Comparison;

/// Slowdown of a machine of which nothing is known yet: none.
const CALM: f64 = 1.0;

/// Running time of the frame, where its segment and PTS give one. Takes the pad's lock, so no other is held.
fn running_time(core: &Shared, pts: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
    let segment = core.sink.sticky_event::<gst::event::Segment>(0)?;
    segment
        .segment()
        .downcast_ref::<gst::ClockTime>()?
        .to_running_time(pts?)
}

/// Another candidate answers from this frame on.
pub fn switch(
    core: &Shared,
    journey: &FrameContext,
    (from, to): (&str, &str),
    reason: &Reason,
    explanation: Explanation,
) -> Swap {
    let pts = journey.frame.pts();
    Swap {
        from: from.to_string(),
        to: to.to_string(),
        reason: (*reason).into(),
        reason_text: reason.to_string(),
        frame: journey.plan.number,
        pts,
        running_time: running_time(core, pts),
        why: explanation.why,
        compared: (*reason).into(),
    }
}

/// What became of one frame; posted while `frame-messages` is set.
pub fn frame(
    core: &Shared,
    journey: &FrameContext,
    source: Option<AnsweredBy>,
    latency: Duration,
    is_miss: bool,
) -> Frame {
    let pts = journey.frame.pts();
    let running_time = running_time(core, pts);
    let active = core.totals.lock().active;
    let state = core.board.lock();
    let name = |lane: usize| state.slots.get(lane).map_or("", |it| it.name.as_str());
    let (answer, candidate) = match source {
        Some(AnsweredBy::Active(lane)) => (AnswerKind::Active, name(lane)),
        Some(AnsweredBy::Held(lane)) => (AnswerKind::Held, name(lane)),
        Some(AnsweredBy::Floor(lane)) => (AnswerKind::Floor, name(lane)),
        Some(AnsweredBy::Passthrough) => (AnswerKind::Passthrough, "passthrough"),
        None => (AnswerKind::Dropped, ""),
    };
    Frame {
        number: journey.plan.number,
        pts,
        running_time,
        time: gst::get_timestamp().into(),
        latency,
        budget: journey.plan.budget,
        candidate: candidate.to_string(),
        active: active.map(name).unwrap_or_default().to_string(),
        answer,
        is_miss,
    }
}

/// A comparison of a candidate's answer with the reference's; posted while `frame-messages` is set.
pub fn comparison(
    (frame, pts): (u64, Option<gst::ClockTime>),
    (candidate, reference): (&str, &str),
    comparison: &Comparison,
) -> Score {
    Score {
        frame,
        pts,
        candidate: candidate.to_string(),
        reference: Some(reference.to_string()),
        evidence: Evidence::Agreement.into(),
        agreement: Some(comparison.agreement),
        figure: Some(MeasuredFigure {
            measure: comparison.measure,
            value: comparison.figure,
        }),
        score: None,
    }
}

/// Evidence that needs no reference; posted while `frame-messages` is set.
pub fn score(
    (frame, pts): (u64, Option<gst::ClockTime>),
    candidate: &str,
    score: f64,
    evidence: Evidence,
) -> Score {
    Score {
        frame,
        pts,
        candidate: candidate.to_string(),
        reference: None,
        evidence: evidence.into(),
        agreement: None,
        figure: None,
        score: Some(score),
    }
}

/// What every candidate made of one frame; posted while `exhaustive` is set.
pub fn survey(core: &Shared, journey: &FrameContext, findings: &[Finding]) -> Survey {
    let pts = journey.frame.pts();
    let running_time = running_time(core, pts);
    let (reference, priors) = {
        let policy_adapter = core.policy_adapter.lock();
        let priors: Vec<_> = findings.iter().map(|it| policy_adapter.prior(it.lane)).collect();
        (policy_adapter.reference_lane(), priors)
    };
    let state = core.board.lock();
    let name = |lane: usize| {
        let slot = state.slots.get(lane);
        slot.map(|it| it.name.clone()).unwrap_or_default()
    };
    let candidates = findings.iter().zip(priors).map(|(finding, prior)| Surveyed {
        name: name(finding.lane),
        prior,
        latency: finding.latency(),
        agreement: finding.agreement,
    });
    Survey {
        frame: journey.plan.number,
        pts,
        running_time,
        budget: journey.plan.budget,
        reference: reference.map(name).unwrap_or_default(),
        candidates: candidates.collect(),
    }
}

/// The `stats` property.
pub fn stats(core: &Shared) -> SwitchStats {
    let totals = core.totals.lock().clone();
    let state = core.board.lock();
    let active = totals.active.and_then(|it| state.slots.get(it));
    let candidates = state.slots.iter().enumerate();
    SwitchStats {
        frames_in: totals.frames_in,
        frames_out: totals.frames_out,
        dropped: totals.dropped,
        misses: totals.misses,
        swaps: totals.swaps,
        floor_answers: totals.floor_answers,
        held_answers: totals.held_answers,
        budget: totals.budget,
        active: active.map(|it| it.name.clone()).unwrap_or_default(),
        slowdown: state.slowdown.unwrap_or(CALM),
        price_per_miss: state.price_per_miss,
        candidates: candidates
            .filter_map(|(lane, slot)| candidate_stats(slot, state.outlooks.get(lane)))
            .collect(),
        latency: Percentiles::of(&totals.latency),
    }
}

/// `None` for a candidate that was removed.
fn candidate_stats(slot: &LaneStatus, outlook: Option<&Outlook>) -> Option<CandidateStats> {
    let is_hung = slot.run.as_ref().is_some_and(|it| it.reported_hung);
    let state = match &slot.residency {
        _ if is_hung => CandidateState::Hung,
        LaneState::Gone => return None,
        LaneState::Failed { .. } => CandidateState::Failed,
        LaneState::Loading => CandidateState::Loading,
        LaneState::Warming { .. } => CandidateState::Warming,
        LaneState::Ready => CandidateState::Ready,
    };
    let cause = match &slot.residency {
        LaneState::Failed { cause, .. } => Some(cause.clone()),
        _ => None,
    };
    let estimates = outlook.map(|it| Estimates {
        latency: it.latency,
        upper: it.upper,
        quality: it.quality,
        quality_sd: it.quality_sd,
        quality_source: it.quality_source.into(),
        evidence: slot.figures.as_slice().into(),
        scores: it.scores,
        is_feasible: it.feasible,
        miss: it.miss,
        robustness: it.robustness,
    });
    Some(CandidateStats {
        name: slot.name.clone(),
        state,
        cause,
        runs: slot.tally.runs,
        answers: slot.tally.answers,
        misses: slot.tally.misses,
        latency: Percentiles::of(&slot.tally.window),
        estimates,
    })
}
