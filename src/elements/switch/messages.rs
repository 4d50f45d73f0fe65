// SPDX-License-Identifier: MPL-2.0

//! What the switch has to tell, gathered from its parts. The fields stand in [`crate::messages`].

use std::time::Duration;

use super::frame::{AnsweredBy, FrameContext};
use super::lanes::lane::Identity;
use super::policy_adapter::PolicyAdapter;
use super::shared::Shared;
use super::video::finding::Finding;
use crate::messages::{
    AnswerKind, CandidateStats, Estimates, Explanation, Frame, Survey, Surveyed, Swap, SwitchStats,
};
use crate::policy::{CandidateId, Outlook, Switch};

/// Slowdown of a machine of which nothing is known yet: none.
const CALM: f64 = 1.0;

/// Running time of the frame, where its segment and PTS give one.
fn running_time(core: &Shared, pts: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
    core.segment()?.to_running_time(pts?)
}

/// Another candidate answers from this frame on.
pub fn switch(core: &Shared, adapter: &PolicyAdapter, context: &FrameContext, change: &Switch) -> Swap {
    let (pts, list) = (context.frame.pts(), core.lanes.list());
    let name = |it: CandidateId| list.name(it.0).to_string();
    Swap {
        from: change.from.map(name).unwrap_or_default(),
        to: name(change.to),
        reason: change.reason.into(),
        reason_text: change.reason.to_string(),
        frame: context.plan.number,
        pts,
        running_time: running_time(core, pts),
        why: adapter.snapshot().explain(&core.scoring.figures()).why,
        compared: change.reason.into(),
    }
}

/// Why it is this candidate, by the settings of this moment and what was known at the last frame.
pub fn explanation(core: &Shared) -> Explanation {
    let mut adapter = core.published.view().adapter.clone();
    adapter.apply(&core.settings.load_full(), &core.lanes.list());
    adapter.snapshot().explain(&core.scoring.figures())
}

/// What became of one frame; posted while `frame-messages` is set.
pub fn frame(
    core: &Shared,
    context: &FrameContext,
    source: Option<AnsweredBy>,
    latency: Duration,
    is_miss: bool,
) -> Frame {
    let pts = context.frame.pts();
    let list = core.lanes.list();
    let name = |lane: usize| list.name(lane);
    let (answer, candidate) = match source {
        Some(AnsweredBy::Active(lane)) => (AnswerKind::Active, name(lane)),
        Some(AnsweredBy::Held(lane)) => (AnswerKind::Held, name(lane)),
        Some(AnsweredBy::Floor(lane)) => (AnswerKind::Floor, name(lane)),
        Some(AnsweredBy::Passthrough) => (AnswerKind::Passthrough, "passthrough"),
        None => (AnswerKind::Dropped, ""),
    };
    Frame {
        number: context.plan.number,
        pts,
        running_time: running_time(core, pts),
        time: gst::get_timestamp().into(),
        latency,
        budget: context.plan.budget,
        candidate: candidate.to_string(),
        active: core.active_name(),
        answer,
        is_miss,
    }
}

/// What every candidate made of one frame; posted while `exhaustive` is set.
pub fn survey(core: &Shared, context: &FrameContext, findings: &[Finding]) -> Survey {
    let (pts, list) = (context.frame.pts(), core.lanes.list());
    let candidates = findings.iter().map(|finding| Surveyed {
        name: list.name(finding.lane).to_string(),
        prior: list.lanes.get(finding.lane).and_then(|it| it.prior.quality),
        latency: finding.latency(),
        agreement: finding.agreement,
    });
    let reference = context.plan.named.reference;
    Survey {
        frame: context.plan.number,
        pts,
        running_time: running_time(core, pts),
        budget: context.plan.budget,
        reference: reference.map_or("", |it| list.name(it)).to_string(),
        candidates: candidates.collect(),
    }
}

/// The `stats` property.
pub fn stats(core: &Shared) -> SwitchStats {
    let (view, list, figures) = (core.published.view(), core.lanes.list(), core.scoring.figures());
    let (slowdown, price_per_miss) = view.adapter.slowdown_and_price().unzip();
    let lanes = list.lanes.iter().enumerate();
    let candidates = lanes.filter(|it| !it.1.is_gone).map(|(lane, identity)| {
        let figures = figures.get(lane).map(|it| &**it);
        candidate_stats(identity, view.adapter.outlook(lane), figures.unwrap_or_default())
    });
    SwitchStats {
        active: core.active_name(),
        slowdown: slowdown.unwrap_or(CALM),
        price_per_miss,
        candidates: candidates.collect(),
        ..view.counts.clone()
    }
}

fn candidate_stats(
    identity: &Identity,
    outlook: Option<Outlook>,
    figures: &[(&'static str, f64)],
) -> CandidateStats {
    let tally = &identity.tally;
    let (state, cause) = tally.state();
    let estimates = outlook.map(|it| Estimates {
        latency: it.latency,
        upper: it.upper,
        quality: it.quality,
        quality_sd: it.quality_sd,
        quality_source: it.quality_source.into(),
        evidence: figures.into(),
        scores: it.scores,
        is_feasible: it.feasible,
        miss: it.miss,
        robustness: it.robustness,
    });
    CandidateStats {
        name: identity.name.to_string(),
        state,
        cause,
        runs: tally.runs.get(),
        answers: tally.answers.get(),
        misses: tally.misses.get(),
        latency: tally.latency.get(),
        estimates,
    }
}
