// SPDX-License-Identifier: MPL-2.0

//! Which runs beside the active one would teach most. Only proposes; what the runs teach comes back as
//! facts.

use std::time::Duration;

use super::candidate::{Candidate, Candidates};
use super::devices::Slowdowns;
use super::slowdown::Slowdown;
use super::{Availability, CandidateId, Device, RunKind};

/// Share of the frame time that shadow runs may take in the long run.
const SHARE: f64 = 0.05;

/// Periods that can be saved up: enough for a large rival and the reference on one frame.
const SAVINGS: f64 = 3.0;

/// Share of shadow runs that may overrun what they were given.
const OVERRUN: f64 = 0.03;

/// Frames after a miss without a shadow run: the machine is busy enough, and nothing that is learned then
/// holds for long.
const CALM: u64 = 10;

/// Frames between two shadow runs of the same candidate, at least; and frames by which each further score of
/// it comes later than the one before: what is well known need not be asked often.
const PACE: u64 = 8;

/// Frames after which a score is due at the latest: 10 s at 25 fps.
const SCORE_LATEST: u64 = 250;

/// Shadow runs of a candidate of which one is repeated on a perturbed frame, and which one that is: an early one, so
/// that something is known soon.
const PERTURBED: (u64, u64) = (8, 2);

/// Frames between two looks that overlap the next frame but do not make it late.
const LOOK: u64 = 60;

/// The most that a look which is overdue may risk to make the next frame late.
const MOST_RISK: f64 = 0.3;

/// How likely it is taken to be that a candidate which nobody saw under contention is untouched by it, for instance
/// because it runs on another device.
const UNTOUCHED: f64 = 0.02;

/// Frames for which what a look finds is taken to hold.
const HORIZON: f64 = 300.0;

/// Runs beside the active one on the current frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shadow {
    /// To be run one after the other on the same frame, the first always set. With the reference among them,
    /// or the reference active, the frame's other answers can be scored.
    pub runs: [Option<CandidateId>; 2],
    /// `Shadow` when all of it should fit the slack; `Overlapped` when it is a forced look that may still run when
    /// the next frame comes. This is what was expected: a run is told as `Shadow` in `Policy::ran` when it did end
    /// before the next frame began, and as `Overlapped` when it did not.
    pub kind: RunKind,
    /// Whether the first run should be repeated later on the same frame, slightly perturbed, to see how steady the
    /// answer is. That second run is paid for already; it needs slack of its own.
    pub perturbed: bool,
    /// The last of the runs, where that is to be made at idle priority, off the deadline, on a copy of the frame: a lesson of
    /// a reference that does not fit the slack. It is told as `Idle` in `Policy::ran`.
    pub idle: Option<CandidateId>,
}

impl Shadow {
    /// A look at one candidate that does not wait for a frame with enough slack.
    pub fn look_at(id: CandidateId) -> Shadow {
        Shadow {
            runs: [Some(id), None],
            kind: RunKind::Overlapped,
            perturbed: false,
            idle: None,
        }
    }

    /// The runs in their order.
    pub fn ids(&self) -> impl Iterator<Item = CandidateId> {
        self.runs.into_iter().flatten()
    }
}

/// What the plan looks at.
pub(super) struct Scene<'a> {
    pub frame: u64,
    pub candidates: &'a Candidates,
    pub available: &'a [Availability],
    pub active: CandidateId,
    pub slowdowns: &'a Slowdowns,
    pub slack: Duration,
    pub period: f64,
    pub price: f64,
    /// What steadiness counts to the user; where it is nothing, nobody pays for its samples.
    pub robustness_weight: f64,
    /// By how much the next frame may be delayed without being late.
    pub room: Duration,
}

/// Keeps everything fresh at a bounded cost.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Seconds that may be spent: a token bucket.
    tokens: f64,
    period: f64,
    calm_from: u64,
    last_look: u64,
}

/// A proposal before it is chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proposal {
    runs: [Option<CandidateId>; 2],
    pub fits: bool,
    /// Whether the next frame would still be on time after it.
    pub is_bearable: bool,
    /// Whether it may be better than the active candidate, and nobody has looked for long.
    is_overdue: bool,
    /// Age over the age at which it is due; infinite for who has no baseline yet.
    urgency: f64,
    /// Expected seconds.
    cost: f64,
}

impl Plan {
    pub(super) fn new(period: Duration) -> Plan {
        let period = period.as_secs_f64();
        Plan {
            tokens: SAVINGS * period,
            period,
            calm_from: 0,
            last_look: 0,
        }
    }

    pub(super) fn set_period(&mut self, period: Duration) {
        self.period = period.as_secs_f64();
    }

    /// A frame passed.
    pub(super) fn earn(&mut self) {
        self.tokens = (self.tokens + SHARE * self.period).min(SAVINGS * self.period);
    }

    /// A run beside that was not planned here. A debt is bounded as the savings are.
    pub(super) fn pay(&mut self, cost: Duration) {
        self.tokens = (self.tokens - cost.as_secs_f64()).max(-SAVINGS * self.period);
    }

    /// A frame was late.
    pub(super) fn missed(&mut self, frame: u64) {
        self.calm_from = frame + CALM;
    }

    /// Whether no frame was late lately.
    pub(super) fn is_calm(&self, frame: u64) -> bool {
        self.calm_from <= frame
    }

    /// The most urgent runs that fit the slack; else, now and then, the most urgent that do not.
    pub(super) fn next(&mut self, scene: &Scene) -> Option<Shadow> {
        if self.tokens <= 0.0 || !self.is_calm(scene.frame) {
            return None;
        }
        let may_look = |it: &Proposal| {
            let since = scene.frame.saturating_sub(self.last_look);
            if it.is_bearable {
                LOOK <= since || it.urgency == f64::INFINITY
            } else {
                it.is_overdue
            }
        };
        let best = scene
            .candidates
            .ids()
            .filter_map(|id| scene.proposal(id))
            .filter(|it| 1.0 <= it.urgency && (it.fits || may_look(it)))
            .reduce(|best, it| {
                if (best.fits, best.urgency) < (it.fits, it.urgency) {
                    it
                } else {
                    best
                }
            })?;
        if !best.fits {
            self.last_look = scene.frame;
        }
        let first = best.runs[0].filter(|_| best.fits);
        let perturbed = first.filter(|it| scene.is_perturbed(*it));
        let again = perturbed.and_then(|it| scene.latency(it)).unwrap_or_default();
        // A candidate that once hung may cost a lifetime; the debt is bounded as the savings are.
        self.tokens = (self.tokens - best.cost - again).max(-SAVINGS * self.period);
        let kind = if best.fits {
            RunKind::Shadow
        } else {
            RunKind::Overlapped
        };
        Some(Shadow {
            runs: best.runs,
            kind,
            perturbed: perturbed.is_some(),
            idle: None,
        })
    }
}

impl Scene<'_> {
    fn candidate(&self, id: CandidateId) -> Option<&Candidate> {
        self.candidates.sound(id)
    }

    /// What slows a candidate down.
    fn slowdown(&self, candidate: &Candidate) -> &Slowdown {
        self.slowdowns.of(candidate.device)
    }

    /// Whether a candidate runs on another device than the active one, which it cannot hold up there.
    fn is_elsewhere(&self, id: CandidateId) -> bool {
        let device = |id: CandidateId| self.candidates.get(id).map(|it| it.device);
        device(id) != device(self.active)
    }

    /// For how long nobody has told of a device, as a share of the time after which somebody should.
    fn silence(&self, device: Device) -> f64 {
        let there = self.candidates.iter().filter(|it| it.device == device);
        let last = there.filter_map(|it| it.last_run).max();
        self.age(last) / LOOK as f64
    }

    /// A candidate that could run beside the active one.
    fn is_free(&self, id: CandidateId) -> bool {
        id != self.active
            && self.candidate(id).is_some()
            && self.available.get(id.0) == Some(&Availability::Ready)
    }

    /// The reference, if its answer on this frame can be had.
    pub(super) fn reference(&self) -> Option<CandidateId> {
        let is_reference = |it: &CandidateId| self.candidate(*it).is_some_and(|it| it.quality.is_reference());
        self.candidates
            .ids()
            .find(is_reference)
            .filter(|it| *it == self.active || self.is_free(*it))
    }

    /// What would refresh the estimates of one candidate: a score, or at least its latency.
    pub(super) fn proposal(&self, id: CandidateId) -> Option<Proposal> {
        let candidate = self.candidate(id)?;
        let itself = self.is_free(id).then_some(id);
        // A rival that is not free cannot be refreshed, whatever the reference says.
        if id != self.active && itself.is_none() {
            return None;
        }
        // The active one gets its baseline by answering.
        if itself.is_some() && !candidate.latency.has_baseline() {
            return self.judged([itself, None], f64::INFINITY, id);
        }
        let alone = || {
            self.judged(
                [itself, None],
                self.age(candidate.last_run) / SCORE_LATEST as f64,
                id,
            )
        };
        // Without a reference, whoever looks at both answers scores them.
        let with = self.reference().filter(|it| *it != id && *it != self.active);
        let runs = if itself.is_some() {
            [itself, with]
        } else {
            [with, None]
        };
        let urgency = self
            .urgency_of_score(candidate)
            .max(self.silence(candidate.device));
        let score = self.judged(runs, urgency, id)?;
        if score.fits || score.is_bearable || with.is_none() {
            return Some(score);
        }
        alone().or(Some(score))
    }

    /// Age of what is known of its answers over the age at which a score is due.
    fn urgency_of_score(&self, candidate: &Candidate) -> f64 {
        // By what was asked, not by what came of it: scores may never come.
        let due = PACE.saturating_mul(1 + candidate.known_since()).min(SCORE_LATEST);
        self.age(candidate.last_asked) / due as f64
    }

    /// Whose score is the most overdue, of the active candidate and the rivals that fit the slack; `None` where none is due.
    pub(super) fn pupil(&self, reference: CandidateId) -> Option<CandidateId> {
        let may_run = |it: &CandidateId| {
            let fits = || self.likely(*it, OVERRUN).is_some_and(|it| it <= self.slack);
            *it == self.active || (self.is_free(*it) && !self.ran_lately(*it) && fits())
        };
        let others = self.candidates.ids().filter(|it| *it != reference);
        let urgency = |it: CandidateId| self.candidate(it).map(|known| (it, self.urgency_of_score(known)));
        let due = others
            .filter(may_run)
            .filter_map(urgency)
            .filter(|it| 1.0 <= it.1);
        due.max_by(|one, other| one.1.total_cmp(&other.1)).map(|it| it.0)
    }

    /// Frames since the last run of a candidate.
    pub(super) fn age_of_run(&self, id: CandidateId) -> Option<u64> {
        let last = self.candidate(id)?.last_run.unwrap_or(0);
        Some(self.frame.saturating_sub(last))
    }

    /// What these runs would cost, and whether they fit.
    fn judged(&self, runs: [Option<CandidateId>; 2], urgency: f64, id: CandidateId) -> Option<Proposal> {
        runs[0]?;
        let ids = || runs.iter().flatten();
        if ids().any(|it| self.ran_lately(*it)) {
            return None;
        }
        let likely = |share: f64| {
            ids().try_fold(Duration::ZERO, |sum, it| {
                self.likely(*it, share).map(|u| sum.saturating_add(u))
            })
        };
        // The longer a look is overdue, the more it may risk.
        let share = (OVERRUN * urgency).clamp(OVERRUN, MOST_RISK);
        Some(Proposal {
            runs,
            fits: likely(OVERRUN).is_some_and(|it| it <= self.slack),
            is_overdue: self.is_worth_a_frame(id),
            is_bearable: ids().all(|it| self.is_elsewhere(*it))
                || likely(share).is_none_or(|it| it <= self.slack + self.room),
            urgency,
            cost: ids().filter_map(|it| self.latency(*it)).sum(),
        })
    }

    /// Whether a look pays that costs frames: a candidate that seems too slow may be untouched by the contention that
    /// slows the others. What it may gain is set against the frames that it costs.
    fn is_worth_a_frame(&self, id: CandidateId) -> bool {
        let (Some(candidate), Some(active)) = (self.candidate(id), self.candidate(self.active)) else {
            return false;
        };
        let is_untested = candidate
            .latency
            .is_untested(self.slowdown(candidate).level_of(&candidate.latency).mean);
        let best = candidate.quality.mean() + candidate.quality.sd();
        let gain = HORIZON * (best / active.quality.mean()).ln();
        let frames = self.latency(id).unwrap_or(0.0) / self.period;
        let is_due = LOOK as f64 <= self.age(candidate.last_run);
        is_due && is_untested && frames * (1.0 + self.price) < UNTOUCHED * gain
    }

    fn age(&self, last: Option<u64>) -> f64 {
        self.frame.saturating_sub(last.unwrap_or(0)) as f64
    }

    fn is_perturbed(&self, id: CandidateId) -> bool {
        let (every, which) = PERTURBED;
        0.0 < self.robustness_weight && self.candidate(id).is_some_and(|it| it.asks % every == which)
    }

    fn ran_lately(&self, id: CandidateId) -> bool {
        let last = self.candidate(id).and_then(|it| it.last_run);
        last.is_some_and(|it| self.frame < it + PACE)
    }

    fn likely(&self, id: CandidateId, share: f64) -> Option<Duration> {
        let candidate = self.candidate(id)?;
        let prospect = self.slowdown(candidate).prospect(&candidate.latency)?;
        Some(prospect.upper(share))
    }

    /// Expected seconds.
    pub(super) fn latency(&self, id: CandidateId) -> Option<f64> {
        let candidate = self.candidate(id)?;
        let latency = &candidate.latency;
        let level = self.slowdown(candidate).level_of(latency).mean;
        Some(latency.latency(level)?.as_secs_f64())
    }
}

#[cfg(test)]
mod tests;
