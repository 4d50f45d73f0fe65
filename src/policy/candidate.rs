// SPDX-License-Identifier: MPL-2.0

//! One candidate's estimates side by side, and all candidates by id.

use super::drift::{Drift, DriftWatch};
use super::latency::Latency;
use super::quality::{Quality, quality_of};
use super::regret::Regret;
use super::robustness::Robustness;
use super::{Availability, CandidateId, Device, Evidence, Knowledge, Prior};
use crate::clone_in_place::clone_in_place;
use crate::numbered::Numbered;

/// Frames between two changes of content, at least: one cut is seen in the scores of several candidates.
const BETWEEN_CUTS: u64 = 30;

/// Whether a candidate may be considered at all, whatever its lane says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Sound,
    Failed,
}

/// What a miss said before the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Nothing: so long a run is not unusual.
    Plausible,
    /// It raised an alarm, which is judged without waiting for the run's end.
    Alarming,
}

#[derive(Debug)]
pub(super) struct Candidate {
    pub standing: Standing,
    pub device: Device,
    pub latency: Latency,
    pub quality: Quality,
    pub drift: DriftWatch,
    pub robustness: Robustness,
    /// Its latency was learned in an earlier stream.
    pub is_recalled: bool,
    /// What it takes was known beforehand, and it could not answer yet.
    pub is_expected: bool,
    /// C of the formula.
    pub complexity: f64,
    /// The user does not want it to answer.
    pub is_forbidden: bool,
    /// Others leave less processor time than it takes.
    pub is_held_back: bool,
    pub regret: Regret,
    /// Frames in a row for which it would have been the better one, and was not in memory.
    pub missed_for: u64,
    /// Runs of any kind.
    pub runs: u64,
    /// Frame of the last run of any kind; `None` before the first.
    pub last_run: Option<u64>,
    /// Shadow runs that could have led to a score, the frame of the last of them, and that of the last score.
    pub asks: u64,
    pub last_asked: Option<u64>,
    /// Asks, or scores if those are more, before the content changed last.
    pub known_before: u64,
    pub last_scored: Option<u64>,
    /// A run that has not ended yet missed its deadline.
    pub overdue: Option<Overdue>,
}

clone_in_place! { Candidate: standing device latency quality drift robustness is_recalled is_expected complexity is_forbidden is_held_back regret missed_for runs last_run asks last_asked known_before last_scored overdue }

impl Candidate {
    pub(super) fn new(prior: Prior) -> Candidate {
        Candidate {
            standing: Standing::Sound,
            device: prior.device,
            latency: prior.latency.map_or_else(Latency::new, Latency::with_baseline),
            quality: Quality::new(prior),
            drift: DriftWatch::new(&prior),
            robustness: Robustness::default(),
            is_recalled: false,
            is_expected: prior.latency.is_some(),
            complexity: prior.complexity,
            is_forbidden: false,
            is_held_back: false,
            regret: Regret::default(),
            missed_for: 0,
            runs: 0,
            last_run: None,
            asks: 0,
            last_asked: None,
            known_before: 0,
            last_scored: None,
            overdue: None,
        }
    }

    /// Begins with what was learned in an earlier stream, so far as nothing was learned in this one.
    pub(super) fn recall(&mut self, known: &Knowledge) {
        // What the catalogue says may be of another machine.
        let is_free = !self.latency.has_baseline() || self.runs == 0;
        if let Some(latency) = known.latency.as_ref().filter(|_| is_free) {
            self.latency = Latency::recalled(latency);
            (self.is_recalled, self.is_expected) = (true, true);
        }
        if let Some(quality) = &known.quality {
            self.quality.recall(quality);
        }
    }

    /// It can answer. For the first time, one of which is known what it takes does not wait: that others answered before it
    /// was there has shown nothing.
    pub(super) fn is_there(&mut self) {
        if std::mem::take(&mut self.is_expected) {
            self.regret.prepay();
        }
    }

    /// Whether it may answer: it has not failed, the user does not forbid it, and others leave it the time.
    fn is_allowed(&self) -> bool {
        self.standing == Standing::Sound && !self.is_forbidden && !self.is_held_back
    }

    /// A run of any kind ended. Returns what its miss said, if it missed its deadline.
    pub(super) fn run_ended(&mut self, frame: u64) -> Option<Overdue> {
        self.runs += 1;
        self.last_run = Some(frame);
        self.overdue.take()
    }

    /// A shadow run was asked for that can refresh what is known of it.
    pub(super) fn asked(&mut self, frame: u64) {
        self.asks += 1;
        self.last_asked = Some(frame);
    }

    /// Takes a new prior.
    pub(super) fn update_prior(&mut self, prior: Prior) {
        self.drift.update_prior(&prior);
        self.quality.update_prior(prior);
    }

    /// An answer was worth this much by this evidence; `reference` is the quality of the reference. Returns what that says of
    /// the prior.
    pub(super) fn scored(
        &mut self,
        frame: u64,
        score: f64,
        reference: f64,
        evidence: Evidence,
    ) -> Option<Drift> {
        self.quality.scored(score, reference, evidence);
        self.last_asked = Some(frame);
        self.last_scored = Some(frame);
        self.drift
            .scored(frame, quality_of(score, reference, evidence), evidence.weight())
    }

    /// The content has changed: scores follow each other as closely again as at first.
    fn content_changed(&mut self) {
        self.quality.content_changed();
        self.drift.content_changed();
        self.known_before = self.known();
    }

    /// Scores that were asked for, or that came, if those are more.
    fn known(&self) -> u64 {
        self.asks.max(self.quality.scores())
    }

    /// The same since the content changed last.
    pub(super) fn known_since(&self) -> u64 {
        self.known().saturating_sub(self.known_before)
    }

    /// An operator said what its answers are worth.
    pub(super) fn rated(&mut self, frame: u64, score: f64) {
        self.quality.rated(score);
        self.last_scored = Some(frame);
    }
}

fn is_ready(id: CandidateId, available: &[Availability]) -> bool {
    available.get(id.0) == Some(&Availability::Ready)
}

fn is_unloaded(id: CandidateId, available: &[Availability]) -> bool {
    matches!(available.get(id.0), Some(Availability::Unloaded { .. }))
}

/// All candidates by id.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    all: Numbered<Candidate>,
    /// Frame of the last change of content.
    changed_at: Option<u64>,
}

clone_in_place! { Candidates: all changed_at }

impl Candidates {
    pub(super) fn add(&mut self, prior: Prior) -> CandidateId {
        CandidateId(self.all.add(Candidate::new(prior)))
    }

    pub(super) fn remove(&mut self, id: CandidateId) {
        self.all.remove(id.0);
    }

    pub(super) fn get(&self, id: CandidateId) -> Option<&Candidate> {
        self.all.get(id.0)
    }

    pub(super) fn get_mut(&mut self, id: CandidateId) -> Option<&mut Candidate> {
        self.all.get_mut(id.0)
    }

    pub(super) fn change(&mut self, id: CandidateId, change: impl FnOnce(&mut Candidate)) {
        if let Some(candidate) = self.get_mut(id) {
            change(candidate);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Ids of those that there are.
    pub(super) fn ids(&self) -> impl Iterator<Item = CandidateId> + '_ {
        self.all.numbers().map(CandidateId)
    }

    /// Those that can answer the next frame, to be changed.
    pub(super) fn usable_mut(
        &mut self,
        available: &[Availability],
    ) -> impl Iterator<Item = (CandidateId, &mut Candidate)> {
        let all = self.all.iter_mut().map(|(id, it)| (CandidateId(id), it));
        all.filter(|(id, it)| it.is_allowed() && is_ready(*id, available))
    }

    /// Those that could answer if they were loaded, to be changed.
    pub(super) fn unloaded_mut(
        &mut self,
        available: &[Availability],
    ) -> impl Iterator<Item = (CandidateId, &mut Candidate)> {
        let all = self.all.iter_mut().map(|(id, it)| (CandidateId(id), it));
        all.filter(|(id, it)| it.is_allowed() && is_unloaded(*id, available))
    }

    pub(super) fn numbered(&self) -> impl Iterator<Item = (CandidateId, &Candidate)> {
        self.all.iter().map(|(id, it)| (CandidateId(id), it))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Candidate> {
        self.all.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Candidate> {
        self.all.values_mut()
    }

    /// The candidate, unless it failed.
    pub(super) fn sound(&self, id: CandidateId) -> Option<&Candidate> {
        self.get(id).filter(|it| it.standing == Standing::Sound)
    }

    /// The candidate, unless it failed, or the user does not want it to answer, or others do not leave it the time.
    pub(super) fn allowed(&self, id: CandidateId) -> Option<&Candidate> {
        self.get(id).filter(|it| it.is_allowed())
    }

    /// Whether a candidate can answer the next frame.
    pub(super) fn is_usable(&self, id: CandidateId, available: &[Availability]) -> bool {
        self.allowed(id).is_some() && is_ready(id, available)
    }

    /// Those that can answer the next frame.
    pub(super) fn usable(&self, available: &[Availability]) -> impl Iterator<Item = CandidateId> {
        self.ids().filter(|it| self.is_usable(*it, available))
    }

    /// The active candidate, unless it must not answer any longer, or another one is pinned.
    pub(super) fn may_be_held(
        &self,
        active: Option<CandidateId>,
        pinned: Option<CandidateId>,
        available: &[Availability],
    ) -> Option<CandidateId> {
        let pinned = pinned.filter(|it| self.is_usable(*it, available));
        let active = active.filter(|it| self.allowed(*it).is_some());
        active.filter(|it| pinned.is_none_or(|pinned| pinned == *it))
    }

    /// Shadow runs were asked for that can refresh what is known of these.
    pub(super) fn asked(&mut self, ids: impl Iterator<Item = CandidateId>, frame: u64) {
        for id in ids {
            if let Some(candidate) = self.get_mut(id) {
                candidate.asked(frame);
            }
        }
    }

    /// An answer was worth this much by this evidence. One that is far from what was known says that the content has changed,
    /// for all. Returns what it says of the prior.
    pub(super) fn scored(
        &mut self,
        id: CandidateId,
        frame: u64,
        score: f64,
        evidence: Evidence,
    ) -> Option<Drift> {
        let reference = self.reference_quality();
        let is_jump = (self.get(id)).is_some_and(|it| it.quality.is_jump(score, reference, evidence));
        if is_jump {
            self.content_changed(frame);
        }
        self.get_mut(id)?.scored(frame, score, reference, evidence)
    }

    /// The content has changed: what is known of qualities counts little, and is asked for anew. At most once in thirty
    /// frames.
    pub(super) fn content_changed(&mut self, frame: u64) {
        if self.changed_at.is_some_and(|it| frame < it + BETWEEN_CUTS) {
            return;
        }
        self.changed_at = Some(frame);
        for candidate in self.iter_mut() {
            candidate.content_changed();
        }
    }

    /// Nobody waits to be chosen for having been left.
    pub(super) fn prepay_regret(&mut self) {
        self.iter_mut().for_each(|it| it.regret.prepay());
    }

    /// What was not chosen until now does not count any more.
    pub(super) fn forget_regret(&mut self) {
        self.iter_mut().for_each(|it| {
            it.regret.forget();
            it.missed_for = 0;
        });
    }

    /// Quality of the reference, whose answers are the scale; 1 without one.
    pub(super) fn reference_quality(&self) -> f64 {
        let reference = self.iter().find(|it| it.quality.is_reference());
        reference.map_or(1.0, |it| it.quality.mean())
    }

    /// The worst and the best quality, above zero.
    pub(super) fn quality_range(&self) -> (f64, f64) {
        let qualities = || self.iter().map(|it| it.quality.mean());
        (qualities().fold(1.0, f64::min), qualities().fold(1e-3, f64::max))
    }
}
