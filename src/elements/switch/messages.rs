// SPDX-License-Identifier: MPL-2.0

//! What the switch tells when it is asked, gathered from its parts. The fields stand in [`crate::messages`].

use super::enums::ThreadPriority;
use super::lanes::lane::Identity;
use super::shared::Shared;
use crate::messages::{CandidateStats, Estimates, Explanation, SenseWord, SwitchStats};
use crate::policy::Outlook;

/// Slowdown of a machine of which nothing is known yet: none.
const CALM: f64 = 1.0;

/// Why it is this candidate, by the settings of this moment and what was known at the last frame.
pub fn explanation(core: &Shared) -> Explanation {
    let mut adapter = core.published.view().adapter.clone();
    adapter.apply(&core.settings.load_full(), &core.lanes.list());
    adapter.snapshot().explain(&core.scoring.figures())
}

/// The `stats` property.
pub fn stats(core: &Shared) -> SwitchStats {
    let (view, list, figures) = (core.published.view(), core.lanes.list(), core.scoring.figures());
    let (slowdown, price_per_miss) = view.adapter.slowdown_and_price().unzip();
    let (reference, teaching) = view.adapter.teaching();
    let sense = view.adapter.sense();
    let member = core.group.load();
    let group = member.as_deref();
    let candidates = list.lanes.iter().map(|(lane, identity)| {
        let figures = figures.get(lane).map(|it| &**it);
        CandidateStats {
            memory: core.memory.account(lane).map(|it| it.bytes),
            load_time: core.memory.account(lane).and_then(|it| it.load_time),
            ..candidate_stats(identity, view.adapter.outlook(lane), figures.unwrap_or_default())
        }
    });
    let (memory_limit, memory) = core.memory.bytes().unzip();
    SwitchStats {
        active: core.active_name(),
        slowdown: slowdown.unwrap_or(CALM),
        sense: match sense {
            _ if !core.settings.load().sense_machine => SenseWord::Off,
            Some(_) => SenseWord::Heard,
            None => SenseWord::Silent,
        },
        waiting: view.adapter.waiting(),
        runnable: sense.and_then(|it| it.runnable).map(f64::from),
        pressure: sense.and_then(|it| it.pressure).map(f64::from),
        throttled: sense.map(|it| it.throttled.into()),
        thread_priority: thread_priority(core).into(),
        wake_up_margin: view.adapter.wake_up_margin(),
        group: group.map(|it| it.group().to_string()),
        streams: group.map(|it| it.streams() as u64),
        weight: group.map(|it| it.weight()),
        share: view.adapter.share().left(),
        price_per_miss,
        reference: reference.map(|it| list.name(it).to_string()),
        teaching: teaching.into(),
        memory_limit,
        memory,
        candidates: candidates.collect(),
        ..view.counts.clone()
    }
}

fn thread_priority(core: &Shared) -> &'static str {
    match core.urgency.granted_of(core.settings.load().thread_priority) {
        ThreadPriority::None => "none",
        ThreadPriority::Nice => "nice",
        ThreadPriority::Realtime => "realtime",
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
        gives: tally.kind().map(|it| it.name().to_string()),
        runs: tally.runs.get(),
        answers: tally.answers.get(),
        misses: tally.misses.get(),
        memory: None,
        load_time: None,
        latency: tally.latency.get(),
        estimates,
    }
}
