// SPDX-License-Identifier: MPL-2.0

//! What is believed of the candidates and of the machine that they share. Knows to whom a run is attributed: who
//! learns from it, and whose fault a slow one was.

use std::time::Duration;

use super::candidate::{Candidates, Overdue, Standing};
use super::slowdown::{Slowdown, Verdict};
use super::{Availability, CandidateId, RunKind};
use crate::clone_in_place::clone_in_place;

/// Frames after which a candidate counts as not seen any more.
const UNSEEN: u64 = 500;

#[derive(Debug)]
pub(super) struct Estimates {
    pub candidates: Candidates,
    pub slowdown: Slowdown,
}

clone_in_place! { Estimates: candidates slowdown }

impl Estimates {
    pub(super) fn new() -> Estimates {
        Estimates {
            candidates: Candidates::default(),
            slowdown: Slowdown::new(),
        }
    }

    pub(super) fn remove(&mut self, id: CandidateId) {
        self.candidates.remove(id);
        self.slowdown.forget_alarm_of(id);
    }

    pub(super) fn set_standing(&mut self, id: CandidateId, standing: Standing) {
        self.slowdown.forget_alarm_of(id);
        if let Some(candidate) = self.candidates.get_mut(id) {
            candidate.standing = standing;
            candidate.overdue = None;
        }
    }

    /// Runs in flight will not end, and what they hinted at is forgotten.
    pub(super) fn flushed(&mut self) {
        self.slowdown.forget();
        for candidate in self.candidates.iter_mut() {
            candidate.overdue = None;
        }
        self.candidates.forget_regret();
    }

    /// A frame passed.
    pub(super) fn drift(&mut self) {
        self.slowdown.drift();
        for candidate in self.candidates.iter_mut() {
            candidate.latency.drift();
        }
    }

    /// Expected latency of a candidate.
    pub(super) fn latency(&self, id: CandidateId) -> Option<Duration> {
        let latency = &self.candidates.get(id)?.latency;
        latency.latency(self.slowdown.level_of(latency).mean)
    }

    /// The part of it that is not waiting which the machine tells of.
    pub(super) fn work(&self, id: CandidateId) -> Option<Duration> {
        let level = self.slowdown.unsensed().mean;
        self.candidates.get(id)?.latency.latency(level)
    }

    /// The latency that all but `share` of a candidate's runs are expected to keep.
    pub(super) fn upper(&self, id: CandidateId, share: f64) -> Option<Duration> {
        let latency = &self.candidates.get(id)?.latency;
        Some(self.slowdown.prospect(latency)?.upper(share))
    }

    /// Whom to look at beside the active candidate, because no run so far could tell whether its alarm is a step.
    pub(super) fn suspect(&self, active: CandidateId, available: &[Availability]) -> Option<CandidateId> {
        let suspect = self.slowdown.suspect().filter(|it| *it != active);
        let sound = suspect.filter(|it| self.candidates.sound(*it).is_some());
        sound.filter(|it| available.get(it.0) == Some(&Availability::Ready))
    }

    /// A run is late and takes at least `elapsed`.
    pub(super) fn missed(&mut self, id: CandidateId, elapsed: Duration) {
        let Some(candidate) = self.candidates.get_mut(id) else {
            return;
        };
        let level = self.slowdown.level_of(&candidate.latency).mean;
        if candidate.overdue.is_some() {
            return;
        }
        let is_alarming = if candidate.latency.is_known() {
            self.slowdown.missed(id, elapsed, &candidate.latency)
        } else {
            candidate.latency.ran_disturbed(elapsed, level);
            false
        };
        candidate.overdue = Some(if is_alarming {
            Overdue::Alarming
        } else {
            Overdue::Plausible
        });
    }

    /// A run ended after `latency`; `overdue` is what its miss said before.
    pub(super) fn learn(
        &mut self,
        id: CandidateId,
        latency: Duration,
        kind: RunKind,
        overdue: Option<Overdue>,
        active: Option<CandidateId>,
    ) {
        let is_rare = active != Some(id);
        let Some(candidate) = self.candidates.get_mut(id) else {
            return;
        };
        let of = &mut candidate.latency;
        if overdue == Some(Overdue::Alarming) {
            // What the miss said of the machine was judged meanwhile, or will be; this is the full number.
            if !self.slowdown.ended(id, latency, of) {
                of.remember(self.slowdown.residual(latency, of));
            }
            return;
        }
        let clean = matches!(kind, RunKind::Active | RunKind::Shadow);
        let verdict = match (of.has_baseline(), clean) {
            (true, true) => self.slowdown.measured(id, latency, of, is_rare),
            (true, false) => self.slowdown.ran_disturbed(id, latency, of, is_rare),
            (false, _) => self.slowdown.first_run(id, latency, of, clean),
        };
        if let Verdict::Spike { by, residual } = verdict {
            self.attribute_to_candidate(by, residual, by == id);
        }
    }

    /// A slow run was the candidate's own, not the machine's.
    fn attribute_to_candidate(&mut self, id: CandidateId, residual: f64, has_run_since: bool) {
        let Some(candidate) = self.candidates.get_mut(id) else {
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

    /// Keeps the slowdown's meaning: runs cannot tell a slow machine from candidates that all became slower, so what
    /// the candidates have in common beyond the slowdown is taken for the machine (specification, section 3.1; here the
    /// median, so that one odd candidate moves nothing).
    pub(super) fn anchor(&mut self) {
        let level = self.slowdown.level().mean;
        let own = || {
            let known = self.candidates.iter().filter(|it| it.latency.has_baseline());
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
            for candidate in self.candidates.iter_mut() {
                candidate.latency.shift_origin(common);
            }
        }
    }

    /// What nobody has seen for long is half forgotten: a candidate that became slower on its own must not be barred for
    /// ever (specification, section 2).
    pub(super) fn half_forget(&mut self, frame: u64) {
        for candidate in self.candidates.iter_mut() {
            if candidate.last_run.is_some_and(|it| it + UNSEEN < frame) {
                candidate.latency.half_forget();
            }
        }
    }
}
