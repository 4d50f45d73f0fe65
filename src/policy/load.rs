// SPDX-License-Identifier: MPL-2.0

//! Candidates that are not in memory: whose load would pay.
//!
//! Like a switch, a load has to be paid by the regret of going on without. Besides, its candidate must have been the better
//! one for as long as the load takes: then whoever loads loses at most as much again as has been lost already, however
//! soon the gain ends. One whose latency nobody knows is tried once, when its quality may be better.

use std::time::Duration;

use super::candidate::{Candidate, Candidates};
use super::terms_table::TermsTable;
use super::{Availability, CandidateId};

/// Time of a load that nobody measured: a model of a hundred megabytes from a usual disk.
const USUAL: Duration = Duration::from_secs(1);

/// Frames for which one that was never run must have been missing before it is tried: 5 s at 25 fps, so that tries are
/// seldom where there are many.
const BEFORE_TRY: u64 = 125;

/// What staying with the active candidate is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loads<'a> {
    available: &'a [Availability],
    table: &'a TermsTable,
    active: Option<CandidateId>,
    period: Duration,
}

impl<'a> Loads<'a> {
    pub(super) fn new(
        available: &'a [Availability],
        table: &'a TermsTable,
        active: Option<CandidateId>,
        period: Duration,
    ) -> Loads<'a> {
        let answers = |it: &CandidateId| {
            let state = available.get(it.0);
            matches!(state, Some(Availability::Ready | Availability::Busy { .. }))
        };
        Loads {
            available,
            table,
            active: active.filter(answers),
            period,
        }
    }

    /// One more frame passes without those that are not loaded.
    pub(super) fn go_without(&self, candidates: &mut Candidates) {
        let quality = self.active.and_then(|it| candidates.get(it));
        let quality = quality.map_or(0.0, |it| it.quality.mean());
        for (id, candidate) in candidates.unloaded_mut(self.available) {
            let is_better = match self.gain(id, candidate) {
                Some(gain) => {
                    candidate.regret.grow(gain, self.table.stretch);
                    0.0 < gain
                }
                None => quality < candidate.quality.mean() + candidate.quality.sd(),
            };
            candidate.missed_for = if is_better { candidate.missed_for + 1 } else { 0 };
        }
    }

    /// What a frame of this candidate would gain, in log-quality; `None` while its latency is unknown.
    fn gain(&self, id: CandidateId, candidate: &Candidate) -> Option<f64> {
        if !candidate.latency.is_known() {
            return None;
        }
        let Some(active) = self.active else {
            return Some(1.0);
        };
        Some(
            match (self.table.is_feasible(active), self.table.is_feasible(id)) {
                (false, true) => 1.0,
                (true, false) => -1.0,
                _ => self.table.cost(active) - self.table.cost(id),
            },
        )
    }
}

/// What a policy wishes of memory.
#[derive(Debug, Clone, Copy)]
pub struct Wishes<'a> {
    loads: Loads<'a>,
    candidates: &'a Candidates,
    /// Nobody else chooses.
    is_free: bool,
}

impl<'a> Wishes<'a> {
    pub(super) fn new(loads: Loads<'a>, candidates: &'a Candidates, is_free: bool) -> Wishes<'a> {
        Wishes {
            loads,
            candidates,
            is_free,
        }
    }

    /// Whether a candidate should be loaded, or, where it is, stay so because it is about to be chosen. Of one that is pinned
    /// this says nothing.
    pub fn wants(&self, id: CandidateId) -> bool {
        let is_free = self.is_free && self.loads.active != Some(id);
        let Some(candidate) = self.candidates.allowed(id).filter(|_| is_free) else {
            return false;
        };
        let loads = &self.loads;
        let gain = loads.gain(id, candidate);
        match (loads.available.get(id.0), gain) {
            (Some(Availability::Unloaded { load_time }), Some(_)) => {
                let load = load_time.unwrap_or(USUAL).as_secs_f64() / loads.period.as_secs_f64();
                candidate.regret.has_paid() && load <= candidate.missed_for as f64
            }
            (Some(Availability::Unloaded { .. }), None) => BEFORE_TRY <= candidate.missed_for,
            (_, gain) => gain.is_none_or(|it| 0.0 < it),
        }
    }

    /// Who would come next, of all that are in memory or could be.
    pub fn rival(&self) -> Option<CandidateId> {
        let (loads, candidates) = (&self.loads, self.candidates);
        let could = |it: &CandidateId| {
            let is_there = loads
                .available
                .get(it.0)
                .is_some_and(|it| *it != Availability::Absent);
            is_there && candidates.allowed(*it).is_some_and(|it| it.latency.is_known())
        };
        let others = candidates
            .ids()
            .filter(|it| Some(*it) != loads.active && could(it));
        others.min_by(|one, other| loads.table.order(*one, *other))
    }
}
