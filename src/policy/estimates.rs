// SPDX-License-Identifier: MPL-2.0

//! What is believed of the candidates and of the machine that they share. Knows to whom a run is attributed: who
//! learns from it, and whose fault a slow one was.

use std::time::Duration;

use super::alarm::Verdict;
use super::candidate::{Candidate, Candidates, Overdue, Standing};
use super::devices::{Device, Slowdowns};
use super::slowdown::Slowdown;
use super::{Availability, CandidateId, Knowledge, Prior, RunKind};
use crate::clone_in_place::clone_in_place;

/// Frames after which a candidate counts as not seen any more.
const UNSEEN: u64 = 500;

#[derive(Debug)]
pub(super) struct Estimates {
    pub candidates: Candidates,
    pub slowdowns: Slowdowns,
}

clone_in_place! { Estimates: candidates slowdowns }

impl Default for Estimates {
    fn default() -> Estimates {
        Estimates {
            candidates: Candidates::default(),
            slowdowns: Slowdowns::new(),
        }
    }
}

impl Estimates {
    pub(super) fn add(&mut self, prior: Prior) -> CandidateId {
        self.slowdowns.add(prior.device);
        self.candidates.add(prior)
    }

    /// What slows a candidate down: that of its device, and of the processor for one that is not there.
    pub(super) fn slowdown_of(&self, id: Option<CandidateId>) -> &Slowdown {
        let candidate = id.and_then(|it| self.candidates.get(it));
        self.slowdowns
            .of(candidate.map_or(Device::PROCESSOR, |it| it.device))
    }

    pub(super) fn remove(&mut self, id: CandidateId) {
        self.candidates.remove(id);
        self.slowdowns.iter_mut().for_each(|it| it.forget_alarm_of(id));
    }

    pub(super) fn set_standing(&mut self, id: CandidateId, standing: Standing) {
        self.slowdowns.iter_mut().for_each(|it| it.forget_alarm_of(id));
        if let Some(candidate) = self.candidates.get_mut(id) {
            candidate.standing = standing;
            candidate.overdue = None;
            if standing == Standing::Sound {
                candidate.is_there();
            }
        }
    }

    /// Runs in flight will not end, and what they hinted at is forgotten.
    pub(super) fn flushed(&mut self) {
        self.slowdowns.iter_mut().for_each(Slowdown::forget);
        for candidate in self.candidates.iter_mut() {
            candidate.overdue = None;
        }
        self.candidates.forget_regret();
    }

    /// A frame passed.
    pub(super) fn drift(&mut self) {
        self.slowdowns.iter_mut().for_each(Slowdown::drift);
        for candidate in self.candidates.iter_mut() {
            candidate.latency.drift();
        }
    }

    /// Expected latency of a candidate.
    pub(super) fn latency(&self, id: CandidateId) -> Option<Duration> {
        let latency = &self.candidates.get(id)?.latency;
        latency.latency(self.slowdown_of(Some(id)).level_of(latency).mean)
    }

    /// What was learned of a candidate in this stream: a latency where it ran, a quality where it was scored; what was learned
    /// before would only seem newer than it is. Where the machine has become calmer than it was when its baseline was found,
    /// that counts as calm.
    pub(super) fn knowledge(&self, id: CandidateId) -> Knowledge {
        let calm = self.slowdown_of(Some(id)).unsensed().mean.min(0.0);
        let candidate = self.candidates.get(id);
        Knowledge {
            latency: candidate
                .filter(|it| 0 < it.runs)
                .and_then(|it| it.latency.known(calm)),
            quality: candidate.and_then(|it| it.quality.known()),
        }
    }

    /// The part of it that is not waiting which the machine tells of.
    pub(super) fn work(&self, id: CandidateId) -> Option<Duration> {
        let level = self.slowdown_of(Some(id)).unsensed().mean;
        self.candidates.get(id)?.latency.latency(level)
    }

    /// The latency that all but `share` of a candidate's runs are expected to keep.
    pub(super) fn upper(&self, id: CandidateId, share: f64) -> Option<Duration> {
        let latency = &self.candidates.get(id)?.latency;
        Some(self.slowdown_of(Some(id)).prospect(latency)?.upper(share))
    }

    /// Lets those candidates on the processor not answer whose expected latency is so.
    pub(super) fn hold_back(&mut self, is_so: impl Fn(Duration) -> bool) {
        let slowdown = self.slowdowns.of(Device::PROCESSOR);
        for candidate in self.candidates.iter_mut() {
            let latency = candidate
                .latency
                .latency(slowdown.level_of(&candidate.latency).mean);
            candidate.is_held_back = candidate.device == Device::PROCESSOR && latency.is_some_and(&is_so);
        }
    }

    /// Whom to look at beside the active candidate, because no run so far could tell whether its alarm is a step.
    pub(super) fn suspect(&self, active: CandidateId, available: &[Availability]) -> Option<CandidateId> {
        let suspects = self.slowdowns.iter().filter_map(Slowdown::suspect);
        let mut others = suspects.filter(|it| *it != active && self.candidates.sound(*it).is_some());
        others.find(|it| available.get(it.0) == Some(&Availability::Ready))
    }

    /// A run is late and takes at least `elapsed`.
    pub(super) fn missed(&mut self, id: CandidateId, elapsed: Duration) {
        let Some(candidate) = self.candidates.get_mut(id) else {
            return;
        };
        let slowdown = self.slowdowns.of_mut(candidate.device);
        let level = slowdown.level_of(&candidate.latency).mean;
        if candidate.overdue.is_some() {
            return;
        }
        let is_alarming = if candidate.latency.is_known() {
            slowdown.missed(id, elapsed, &candidate.latency)
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
        // Of another device the active one has told nothing.
        let device = |it: CandidateId| self.candidates.get(it).map(|it| it.device);
        let is_beside = active.is_some_and(|it| it != id);
        let is_elsewhere = is_beside && active.and_then(device) != device(id);
        let is_rare = active != Some(id) && !is_elsewhere;
        let Some(candidate) = self.candidates.get_mut(id) else {
            return;
        };
        let slowdown = self.slowdowns.of_mut(candidate.device);
        let of = &mut candidate.latency;
        if overdue == Some(Overdue::Alarming) {
            // What the miss said of the machine was judged meanwhile, or will be; this is the full number.
            if !slowdown.ended(id, latency, of) {
                of.remember(slowdown.residual(latency, of));
            }
            return;
        }
        let clean = match kind {
            RunKind::Active | RunKind::Shadow => true,
            // Two that run at once on two devices do not hold up each other.
            RunKind::Overlapped => is_elsewhere,
            RunKind::Idle | RunKind::WarmUp => false,
        };
        let verdict = match (of.has_baseline(), clean) {
            (true, true) => slowdown.measured(id, latency, of, is_rare),
            (true, false) => slowdown.ran_disturbed(id, latency, of, is_rare),
            (false, _) => slowdown.first_run(id, latency, of, clean),
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
        self.slowdowns
            .of_mut(candidate.device)
            .contention
            .share(residual, &candidate.latency);
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
        for (index, slowdown) in self.slowdowns.iter_mut().enumerate() {
            anchor(slowdown, Device(index), &mut self.candidates);
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

/// The same for one device.
fn anchor(slowdown: &mut Slowdown, device: Device, candidates: &mut Candidates) {
    let level = slowdown.level().mean;
    let there = |it: &&Candidate| it.device == device;
    let own = || {
        let known = candidates.iter().filter(there).map(|it| &it.latency);
        known.filter(|it| it.has_baseline()).map(|it| it.deviation(level))
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
    if slowdown.shift_origin(common) {
        for candidate in candidates.iter_mut().filter(|it| it.device == device) {
            candidate.latency.shift_origin(common);
        }
    }
}
