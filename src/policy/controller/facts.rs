// SPDX-License-Identifier: MPL-2.0

//! The facts that go into the policy. What a run teaches stands in `learning`.

use std::time::Duration;

use super::Policy;
use crate::policy::candidate::{Overdue, Standing};
use crate::policy::{CandidateId, Evidence, RunKind};

impl Policy {
    /// A run ended after `latency`.
    pub fn ran(&mut self, now: Duration, id: CandidateId, latency: Duration, kind: RunKind) {
        self.now = now;
        let (frame, allowed) = (self.frame, self.allowed(id));
        let Some(candidate) = self.candidates.get_mut(id.0).and_then(Option::as_mut) else {
            return;
        };
        candidate.runs += 1;
        candidate.last_run = Some(frame);
        let overdue = std::mem::take(&mut candidate.overdue);
        let is_untold_miss = overdue.is_none() && self.active == Some(id) && allowed < latency;
        if is_untold_miss && kind != RunKind::Shadow {
            self.shadows.missed(frame);
            self.price.frames(0, 1, self.config.miss_rate);
        }
        let of = &mut candidate.latency;
        if overdue == Some(Overdue::Alarming) {
            // What the miss said of the machine was judged meanwhile, or will be; this is the full number.
            if !self.slowdown.ended(id, latency, of) {
                of.remember(of.residual(latency, self.slowdown.level().mean));
            }
            return;
        }
        self.learn(id, latency, kind);
    }

    /// How long a run may take before it is a miss.
    fn allowed(&self, id: CandidateId) -> Duration {
        let stride = self.weighing.terms.get(id.0).map_or(1, |it| it.stride);
        match stride {
            1 => self.config.budget,
            _ => self.config.period * stride,
        }
    }

    /// The deadline passed and the run is not finished: its latency is at least `elapsed`. Told once a run; a
    /// `ran` of the same run may follow.
    pub fn missed(&mut self, now: Duration, id: CandidateId, elapsed: Duration) {
        self.now = now;
        self.price.frames(0, 1, self.config.miss_rate);
        self.shadows.missed(self.frame);
        let level = self.slowdown.level().mean;
        let Some(candidate) = self.candidates.get_mut(id.0).and_then(Option::as_mut) else {
            return;
        };
        if candidate.overdue.is_some() {
            return;
        }
        let is_alarming = if candidate.latency.is_known() {
            self.slowdown.missed(id, elapsed, &candidate.latency)
        } else {
            candidate.latency.glimpsed(elapsed, level);
            false
        };
        candidate.overdue = Some(if is_alarming {
            Overdue::Alarming
        } else {
            Overdue::Plausible
        });
    }

    /// An answer was found to be worth this much, 0..1, by this evidence: for instance by its agreement with the
    /// reference's on the same frame.
    pub fn scored(&mut self, now: Duration, id: CandidateId, score: f64, evidence: Evidence) {
        self.now = now;
        let reference = self.reference_quality();
        let frame = self.frame;
        if let Some(candidate) = self.candidate_mut(id) {
            candidate.quality.scored(score, reference, evidence);
            candidate.last_asked = Some(frame);
            candidate.last_scored = Some(frame);
        }
    }

    /// An operator says what the answers of a candidate are worth, 0..1.
    pub fn told(&mut self, now: Duration, id: CandidateId, score: f64) {
        self.now = now;
        let frame = self.frame;
        if let Some(candidate) = self.candidate_mut(id) {
            candidate.quality.told(score);
            candidate.last_scored = Some(frame);
        }
    }

    /// An answer agreed to this degree, 0..1, with the answer to the same frame slightly perturbed.
    pub fn perturbed(&mut self, now: Duration, id: CandidateId, agreement: f64) {
        self.now = now;
        if let Some(candidate) = self.candidate_mut(id) {
            candidate.robustness.sampled(agreement);
        }
    }

    /// Frames that nobody could be asked to answer: each is a miss.
    pub fn lost(&mut self, now: Duration, frames: u32) {
        self.now = now;
        self.price.frames(frames, frames, self.config.miss_rate);
    }

    /// The sink got a frame `jitter` too late.
    pub fn late_downstream(&mut self, now: Duration, jitter: Duration) {
        self.now = now;
        self.limit.late(now, jitter);
        self.shadows.missed(self.frame);
    }

    /// A candidate failed; it is not considered until it recovered, whatever its lane says.
    pub fn failed(&mut self, now: Duration, id: CandidateId) {
        self.set_standing(now, id, Standing::Failed);
    }

    /// A candidate that had failed can answer again.
    pub fn recovered(&mut self, now: Duration, id: CandidateId) {
        self.set_standing(now, id, Standing::Sound);
    }

    /// The stream was flushed: runs in flight will not end, and what they hinted at is forgotten.
    pub fn flushed(&mut self, now: Duration) {
        self.now = now;
        self.slowdown.forget();
        self.limit.forget();
        for candidate in self.candidates.iter_mut().flatten() {
            candidate.overdue = None;
            candidate.regret.forget();
        }
    }

    fn set_standing(&mut self, now: Duration, id: CandidateId, standing: Standing) {
        self.now = now;
        self.slowdown.forget_alarm_of(id);
        if let Some(candidate) = self.candidate_mut(id) {
            candidate.standing = standing;
            candidate.overdue = None;
        }
    }

    fn reference_quality(&self) -> f64 {
        let reference = self
            .candidates
            .iter()
            .flatten()
            .find(|it| it.quality.is_reference());
        reference.map_or(1.0, |it| it.quality.mean())
    }
}
