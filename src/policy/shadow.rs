// SPDX-License-Identifier: MPL-2.0

//! Which runs beside the active one would teach most. Only proposes; what the runs teach comes back as
//! facts.

use std::time::Duration;

use super::candidate::{Candidate, Standing};
use super::latency::Level;
use super::window::Window;
use super::{Availability, CandidateId, RunKind};

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

/// Frames after which a candidate that became slower on its own may have recovered: demotion must not be for ever
/// (specification, section 2).
const FORGOTTEN: f64 = 500.0;

/// How likely it is taken to be that it did, and that a candidate which nobody saw under contention is untouched by
/// it, for instance because it runs on another device.
const RECOVERED: f64 = 0.2;
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
    pub slowdown: Level,
    pub residuals: &'a Window,
    pub slack: Duration,
    pub limit: Duration,
    pub period: f64,
    pub price: f64,
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
struct Proposal {
    runs: [Option<CandidateId>; 2],
    fits: bool,
    /// Whether the next frame would still be on time after it.
    is_bearable: bool,
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

    /// A frame was late.
    pub(super) fn missed(&mut self, frame: u64) {
        self.calm_from = frame + CALM;
    }

    /// The most urgent runs that fit the slack; else, now and then, the most urgent that do not.
    pub(super) fn next(&mut self, scene: &Scene) -> Option<Shadow> {
        if self.tokens <= 0.0 || scene.frame < self.calm_from {
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
        let (runs, urgency) = match itself {
            // The active one gets its baseline by answering.
            Some(_) if unmeasured => ([itself, None], f64::INFINITY),
            _ => {
                // Without a reference, whoever looks at both answers scores them.
                let with = reference.filter(|it| *it != self.active);
                // By what was asked, not by what came of it: scores may never come.
                let known = candidate.asks.max(candidate.quality.scores());
                let due = PACE.saturating_mul(1 + known).min(SCORE_LATEST);
                ([itself, with], self.age(candidate.last_asked) / due as f64)
            }
        };
        // A rival that is not free cannot be refreshed, whatever the reference says.
        if id != self.active && itself.is_none() {
            return None;
        }
        let runs = if runs[0].is_none() { [runs[1], None] } else { runs };
        runs[0]?;
        if runs.iter().flatten().any(|it| self.ran_lately(*it)) {
            return None;
        }
        // The longer a look is overdue, the more it may risk.
        let share = (OVERRUN * urgency).clamp(OVERRUN, MOST_RISK);
        let likely = |share: f64| {
            runs.iter().flatten().try_fold(Duration::ZERO, |sum, it| {
                self.likely(*it, share).map(|u| sum.saturating_add(u))
            })
        };
        let cost = runs
            .iter()
            .flatten()
            .filter_map(|it| self.latency(*it))
            .sum::<f64>();
        Some(Proposal {
            runs,
            fits: likely(OVERRUN).is_some_and(|it| it <= self.slack),
            is_overdue: self.is_worth_a_frame(id),
            is_bearable: likely(share).is_none_or(|it| it <= self.slack + self.room),
            urgency,
            cost,
        })
    }

    /// Whether a look pays that costs frames: a candidate that seems too slow may be untouched by the contention that
    /// slows the others, or may have become fast again. What it may gain is set against the frames that it costs.
    fn is_worth_a_frame(&self, id: CandidateId) -> bool {
        let (Some(candidate), Some(active)) = (self.candidate(id), self.candidate(self.active)) else {
            return false;
        };
        let (of, age) = (&candidate.latency, self.age(candidate.last_run));
        let chance = if LOOK as f64 <= age && of.is_untested(self.slowdown.mean) {
            UNTOUCHED
        } else if FORGOTTEN <= age && of.would_keep(self.limit, self.slowdown.mean) {
            RECOVERED
        } else {
            return false;
        };
        let best = candidate.quality.mean() + candidate.quality.sd();
        let gain = HORIZON * (best / active.quality.mean()).ln();
        let frames = self.latency(id).unwrap_or(0.0) / self.period;
        frames * (1.0 + self.price) < chance * gain
    }

    fn age(&self, last: Option<u64>) -> f64 {
        self.frame.saturating_sub(last.unwrap_or(0)) as f64
    }

    fn is_perturbed(&self, id: CandidateId) -> bool {
        let (every, which) = PERTURBED;
        self.candidate(id).is_some_and(|it| it.asks % every == which)
    }

    fn ran_lately(&self, id: CandidateId) -> bool {
        let last = self.candidate(id).and_then(|it| it.last_run);
        last.is_some_and(|it| self.frame < it + PACE)
    }

    fn likely(&self, id: CandidateId, share: f64) -> Option<Duration> {
        self.candidate(id)?
            .latency
            .upper(self.slowdown, share, self.residuals)
    }

    fn latency(&self, id: CandidateId) -> Option<f64> {
        Some(
            self.candidate(id)?
                .latency
                .latency(self.slowdown.mean)?
                .as_secs_f64(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Prior;

    const PERIOD: Duration = Duration::from_millis(40);
    const READY: [Availability; 3] = [Availability::Ready; 3];

    /// Candidates of 3, 9 and 27 ms, measured, the last one the reference.
    fn candidates() -> Vec<Option<Candidate>> {
        let candidate = |(index, latency): (usize, u64)| {
            let mut candidate = Candidate::new(Prior {
                quality: Some(0.8),
                is_reference: index == 2,
            });
            (0..5).for_each(|_| candidate.latency.found(Duration::from_millis(latency), 0.0));
            Some(candidate)
        };
        [3, 9, 27].into_iter().enumerate().map(candidate).collect()
    }

    #[track_caller]
    fn check(
        candidates: &[Option<Candidate>],
        active: usize,
        slack: u64,
        expected: Option<(&[usize], RunKind)>,
    ) {
        let shadow = Plan::new(PERIOD).next(&Scene {
            frame: 1000,
            candidates,
            available: &READY,
            active: CandidateId(active),
            slowdown: 0.0,
            slack: Duration::from_millis(slack),
        });
        let actual = shadow.map(|it| (it.ids().map(|id| id.0).collect::<Vec<_>>(), it.kind));
        assert_eq!(actual, expected.map(|(ids, kind)| (ids.to_vec(), kind)));
    }

    #[test]
    fn a_candidate_without_a_baseline_comes_first() {
        let mut candidates = candidates();
        candidates[1] = Some(Candidate::new(Prior {
            quality: None,
            is_reference: false,
        }));
        candidates[1]
            .as_mut()
            .unwrap()
            .latency
            .glimpsed(Duration::from_millis(10), 0.0);
        check(&candidates, 2, 13, Some((&[1], RunKind::Shadow)));
    }

    #[test]
    fn beside_the_reference_a_rival_runs_alone() {
        check(&candidates(), 2, 13, Some((&[0], RunKind::Shadow)));
    }

    #[test]
    fn the_active_candidate_is_scored_by_a_run_of_the_reference() {
        let mut candidates = candidates();
        candidates[1].as_mut().unwrap().last_asked = Some(1000);
        check(&candidates, 0, 37, Some((&[2], RunKind::Shadow)));
    }

    #[test]
    fn a_rival_is_paired_with_the_reference() {
        let mut candidates = candidates();
        candidates[0].as_mut().unwrap().last_asked = Some(1000);
        check(&candidates, 0, 45, Some((&[1, 2], RunKind::Shadow)));
    }

    #[test]
    fn what_fits_no_slack_is_looked_at_now_and_then() {
        let candidates = candidates();
        let mut plan = Plan::new(PERIOD);
        let looks: Vec<u64> = (1000..1500)
            .filter(|frame| {
                plan.earn();
                let slack = Duration::from_millis(1);
                let active = CandidateId(1);
                let scene = Scene {
                    frame: *frame,
                    candidates: &candidates,
                    available: &READY,
                    active,
                    slowdown: 0.0,
                    slack,
                };
                plan.next(&scene).is_some_and(|it| it.kind == RunKind::Overlapped)
            })
            .collect();
        assert_eq!(looks, [1000, 1150, 1300, 1450]);
    }

    #[test]
    fn who_ran_a_moment_ago_is_left_alone() {
        let mut candidates = candidates();
        candidates
            .iter_mut()
            .flatten()
            .for_each(|it| it.last_run = Some(999));
        check(&candidates, 2, 40, None);
    }

    #[test]
    fn after_a_miss_nothing_runs_beside_for_a_while() {
        let candidates = candidates();
        let mut plan = Plan::new(PERIOD);
        plan.missed(1000);
        let mut ask = |frame: u64| {
            plan.next(&Scene {
                frame,
                candidates: &candidates,
                available: &READY,
                active: CandidateId(2),
                slowdown: 0.0,
                slack: Duration::from_millis(13),
            })
        };
        assert_eq!(ask(1000 + CALM - 1), None);
        assert!(ask(1000 + CALM).is_some());
    }

    #[test]
    fn the_share_of_time_is_bounded() {
        let candidates = candidates();
        let mut plan = Plan::new(PERIOD);
        let mut spent = Duration::ZERO;
        for frame in 0..10_000 {
            plan.earn();
            let active = CandidateId(2);
            let scene = Scene {
                frame,
                candidates: &candidates,
                available: &READY,
                active,
                slowdown: 0.0,
                slack: PERIOD,
            };
            // Nobody tells the plan that the runs ended, so it finds all of them due on each frame.
            for id in plan.next(&scene).iter().flat_map(Shadow::ids) {
                spent += Duration::from_millis([3, 9, 27][id.0]);
            }
        }
        let share = spent.as_secs_f64() / (PERIOD * 10_000).as_secs_f64();
        assert!(0.04 < share && share < 0.052, "{share}");
    }
}
