// SPDX-License-Identifier: MPL-2.0

//! What a fact changes in the estimates: who learns from a run, and whose fault a slow one was.

use std::time::Duration;

use super::Policy;
use crate::policy::slowdown::Verdict;
use crate::policy::{CandidateId, RunKind};

/// Frames after which a candidate counts as not seen any more.
const UNSEEN: u64 = 500;

impl Policy {
    /// A shadow run was asked for that can refresh what is known of a candidate.
    pub(super) fn asked(&mut self, id: CandidateId) {
        let frame = self.frame;
        if let Some(candidate) = self.candidate_mut(id) {
            candidate.asks += 1;
            candidate.last_asked = Some(frame);
        }
    }

    pub(super) fn learn(&mut self, id: CandidateId, latency: Duration, kind: RunKind) {
        let is_rare = self.active != Some(id);
        let Some(candidate) = self.candidates.get_mut(id.0).and_then(Option::as_mut) else {
            return;
        };
        let of = &mut candidate.latency;
        let clean = matches!(kind, RunKind::Active | RunKind::Shadow);
        let verdict = match (of.has_baseline(), clean) {
            (true, true) => self.slowdown.measured(id, latency, of, is_rare),
            (true, false) => self.slowdown.glimpsed(id, latency, of, is_rare),
            (false, _) => self.slowdown.introduced(id, latency, of, clean),
        };
        if let Verdict::Spike { by, residual } = verdict {
            self.acquit(by, residual, by == id);
        }
    }

    /// Keeps the slowdown's meaning: runs cannot tell a slow machine from candidates that all became slower, so what
    /// the candidates have in common beyond the slowdown is taken for the machine (specification, section 3.1; here the
    /// median, so that one odd candidate moves nothing).
    pub(super) fn anchor(&mut self) {
        let level = self.slowdown.level().mean;
        let own = || {
            let known = self
                .candidates
                .iter()
                .flatten()
                .filter(|it| it.latency.has_baseline());
            known.map(|it| it.latency.deviation(level))
        };
        let count = own().count();
        let rank = |it: &f64| own().filter(|other| other < it).count();
        let is_median = |it: &f64| {
            rank(it) <= count.saturating_sub(1) / 2
                && (count - 1) / 2 < rank(it) + own().filter(|other| other == it).count()
        };
        let Some(common) = own().find(is_median) else {
            return;
        };
        if self.slowdown.shift_origin(common) {
            for candidate in self.candidates.iter_mut().flatten() {
                candidate.latency.shift_origin(common);
            }
        }
    }

    /// What nobody has seen for long is half forgotten: a candidate that became slower on its own must not be barred for
    /// ever (specification, section 2).
    pub(super) fn revert(&mut self) {
        let frame = self.frame;
        for candidate in self.candidates.iter_mut().flatten() {
            if candidate.last_run.is_some_and(|it| it + UNSEEN < frame) {
                candidate.latency.revert();
            }
        }
    }

    /// A slow run was the candidate's own, not the machine's.
    fn acquit(&mut self, id: CandidateId, residual: f64, has_run_since: bool) {
        let Some(candidate) = self.candidates.get_mut(id.0).and_then(Option::as_mut) else {
            return;
        };
        self.slowdown.share(residual, &candidate.latency);
        // A run that has not ended yet is remembered with its full latency when it ends.
        if candidate.overdue.is_none() {
            candidate.latency.remember(residual);
        }
        candidate.latency.slow(residual);
        candidate.regret.prepay();
        if has_run_since {
            candidate.latency.normal();
        }
    }
}
