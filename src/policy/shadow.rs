// SPDX-License-Identifier: MPL-2.0

//! Which runs beside the active one would teach most. Only proposes; what the runs teach comes back as
//! facts.

use std::time::Duration;

use super::candidate::{Candidate, Standing};
use super::{Availability, CandidateId, RunKind};

/// Share of the frame time that shadow runs may take in the long run.
const SHARE: f64 = 0.05;

/// Periods that can be saved up: enough for a large rival and the reference on one frame.
const SAVINGS: f64 = 3.0;

/// Share of shadow runs that may overrun their slack a little: a stricter bound would leave a large
/// candidate without a clean run for ever.
const OVERRUN: f64 = 0.1;

/// Frames after a miss without a shadow run: the machine is busy enough, and nothing that is learned then
/// holds for long.
const CALM: u64 = 10;

/// Frames until the first score of a candidate is due, and by which each further one comes later: what is
/// well known need not be asked often.
const SCORE_PACE: u64 = 8;

/// Frames after which a score is due at the latest: 10 s at 25 fps.
const SCORE_LATEST: u64 = 250;

/// Frames between two looks at candidates that fit no slack: demotion must not be for ever, and a look that
/// overlaps the next frame must be rare (specification, section 2).
const LOOK: u64 = 150;

/// Runs beside the active one on the current frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shadow {
    /// To be run one after the other on the same frame, the first always set. With the reference among them,
    /// or the reference active, the frame's other answers can be scored.
    pub runs: [Option<CandidateId>; 2],
    /// `Shadow` when all of it fits the slack; `Overlapped` when it is a forced look that may still run when the
    /// next frame comes.
    pub kind: RunKind,
}

impl Shadow {
    /// The runs in their order.
    pub fn ids(&self) -> impl Iterator<Item = CandidateId> {
        self.runs.into_iter().flatten()
    }
}

/// What the plan looks at.
pub(super) struct Scene<'a> {
    pub frame: u64,
    pub candidates: &'a [Option<Candidate>],
    pub available: &'a [Availability],
    pub active: CandidateId,
    pub slowdown: f64,
    pub slack: Duration,
}

/// Keeps everything fresh at a bounded cost.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Seconds that may be spent: a token bucket.
    tokens: f64,
    period: f64,
    calm_from: u64,
    next_look: u64,
}

/// A proposal before it is chosen.
#[derive(Debug, Clone, Copy)]
struct Proposal {
    runs: [Option<CandidateId>; 2],
    fits: bool,
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
            next_look: 0,
        }
    }

    pub(super) fn set_period(&mut self, period: Duration) {
        self.period = period.as_secs_f64();
    }

    /// A frame passed.
    pub(super) fn earn(&mut self) {
        self.tokens = (self.tokens + SHARE * self.period).min(SAVINGS * self.period);
    }

    /// A frame was late.
    pub(super) fn missed(&mut self, frame: u64) {
        self.calm_from = frame + CALM;
    }

    /// The most urgent runs that fit the slack; else, now and then, the most urgent that do not.
    pub(super) fn next(&mut self, scene: &Scene) -> Option<Shadow> {
        if self.tokens <= 0.0 || scene.frame < self.calm_from {
            return None;
        }
        let may_look = self.next_look <= scene.frame;
        let best = scene
            .ids()
            .filter_map(|id| scene.proposal(id))
            .filter(|it| 1.0 <= it.urgency && (it.fits || may_look))
            .reduce(|best, it| {
                if (best.fits, best.urgency) < (it.fits, it.urgency) {
                    it
                } else {
                    best
                }
            })?;
        if !best.fits {
            self.next_look = scene.frame + LOOK;
        }
        self.tokens -= best.cost;
        let kind = if best.fits {
            RunKind::Shadow
        } else {
            RunKind::Overlapped
        };
        Some(Shadow {
            runs: best.runs,
            kind,
        })
    }
}

impl Scene<'_> {
    fn ids(&self) -> impl Iterator<Item = CandidateId> {
        (0..self.candidates.len()).map(CandidateId)
    }

    fn candidate(&self, id: CandidateId) -> Option<&Candidate> {
        self.candidates
            .get(id.0)?
            .as_ref()
            .filter(|it| it.standing == Standing::Sound)
    }

    /// A candidate that could run beside the active one.
    fn is_free(&self, id: CandidateId) -> bool {
        id != self.active
            && self.candidate(id).is_some()
            && self.available.get(id.0) == Some(&Availability::Ready)
    }

    /// The reference, if its answer on this frame can be had.
    fn reference(&self) -> Option<CandidateId> {
        let is_reference = |it: &CandidateId| self.candidate(*it).is_some_and(|it| it.quality.is_reference());
        self.ids()
            .find(is_reference)
            .filter(|it| *it == self.active || self.is_free(*it))
    }

    /// What would refresh the estimates of one candidate.
    fn proposal(&self, id: CandidateId) -> Option<Proposal> {
        let candidate = self.candidate(id)?;
        let reference = self.reference().filter(|it| *it != id);
        let itself = self.is_free(id).then_some(id);
        let unmeasured = !candidate.latency.has_baseline();
        let (runs, urgency) = match reference {
            // The active one gets its baseline by answering.
            _ if unmeasured && itself.is_some() => ([itself, None], f64::INFINITY),
            Some(reference) => {
                let with = (reference != self.active).then_some(reference);
                let due = (SCORE_PACE * (1 + candidate.quality.scores())).min(SCORE_LATEST);
                ([itself, with], self.age(candidate.last_score) / due as f64)
            }
            None => ([itself, None], self.age(candidate.last_run) / SCORE_LATEST as f64),
        };
        // A rival that is not free cannot be refreshed, whatever the reference says.
        if id != self.active && itself.is_none() {
            return None;
        }
        let runs = if runs[0].is_none() { [runs[1], None] } else { runs };
        runs[0]?;
        let likely = runs.iter().flatten().try_fold(Duration::ZERO, |sum, it| {
            self.likely(*it).map(|u| sum.saturating_add(u))
        });
        let cost = runs
            .iter()
            .flatten()
            .filter_map(|it| self.latency(*it))
            .sum::<f64>();
        Some(Proposal {
            runs,
            fits: likely.is_some_and(|it| it <= self.slack),
            urgency,
            cost,
        })
    }

    fn age(&self, last: Option<u64>) -> f64 {
        self.frame.saturating_sub(last.unwrap_or(0)) as f64
    }

    fn likely(&self, id: CandidateId) -> Option<Duration> {
        self.candidate(id)?.latency.likely(self.slowdown, OVERRUN)
    }

    fn latency(&self, id: CandidateId) -> Option<f64> {
        Some(self.candidate(id)?.latency.latency(self.slowdown)?.as_secs_f64())
    }
}
