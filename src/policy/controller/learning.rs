// SPDX-License-Identifier: MPL-2.0

//! What a fact changes in the estimates: who learns from a run, and whose fault a slow one was.

use std::time::Duration;

use super::Policy;
use crate::policy::CandidateId;

/// Frames between two corrections of the slowdown's origin: 40 s at 25 fps, longer than contention mostly lasts.
const ANCHOR: u64 = 1000;

impl Policy {
    /// A shadow run was asked for that can refresh what is known of a candidate.
    pub(super) fn asked(&mut self, id: CandidateId) {
        let frame = self.frame;
        if let Some(candidate) = self.candidate_mut(id) {
            candidate.asks += 1;
            candidate.last_asked = Some(frame);
        }
    }

    /// Keeps the slowdown's meaning: runs cannot tell a slow machine from candidates that all became slower, so
    /// what their offsets have in common is taken for the machine (specification, section 3.1).
    pub(super) fn anchor(&mut self) {
        if !self.frame.is_multiple_of(ANCHOR) {
            return;
        }
        let known = || {
            self.candidates
                .iter()
                .flatten()
                .filter(|it| it.latency.has_baseline())
        };
        let count = known().count().max(1) as f64;
        let common = known().map(|it| it.latency.offset()).sum::<f64>() / count;
        if self.slowdown.shift_origin(common) {
            for candidate in self.candidates.iter_mut().flatten() {
                candidate.latency.shift_origin(common);
            }
        }
    }

    pub(super) fn learn(&mut self, id: CandidateId, latency: Duration, clean: bool) {
        let Some(candidate) = self.candidates.get_mut(id.0).and_then(Option::as_mut) else {
            return;
        };
        let of = &mut candidate.latency;
        match (of.has_baseline(), clean) {
            (true, true) => self.slowdown.measured(id, latency, of),
            (true, false) => self.slowdown.glimpsed(latency, of),
            (false, true) => of.found(latency, self.slowdown.level()),
            (false, false) => of.glimpsed(latency, self.slowdown.level()),
        }
    }

    /// A slow run was the candidate's own, not the machine's. Alone, it was a spike: the scatter keeps it, and the
    /// candidate is wanted back at once. Several in a row, it is the candidate that became slower.
    pub(super) fn acquit(&mut self, id: CandidateId, residual: f64) {
        let level = self.slowdown.level();
        let Some(candidate) = self.candidate_mut(id) else {
            return;
        };
        if let Some(slower) = candidate.slips.slipped(candidate.runs, residual) {
            candidate.latency.slipped(slower, level);
            return;
        }
        // A run that has not ended yet is remembered with its full latency when it ends.
        if !candidate.overdue {
            candidate.latency.remember(residual);
        }
        candidate.regret.prepay();
    }
}
