// SPDX-License-Identifier: MPL-2.0

//! The choice itself: what forces a switch, what merely invites one, and who is best.

use std::time::Duration;

use super::{Mode, Policy};
use crate::policy::candidate::Candidate;
use crate::policy::config::{Caution, Part};
use crate::policy::objective::{Terms, Weights};
use crate::policy::regret::stretch;
use crate::policy::stride;
use crate::policy::weighing::Weighing;
use crate::policy::{Availability, CandidateId, Reason};

/// Periods of overrun that are told apart; more lose no more than they must.
const OVERRUNS: u32 = 3;

/// Standard deviations of its quality by which a candidate is taken to be worse than it seems: of two that seem
/// alike, the better known one.
const PESSIMISM: f64 = 0.25;

/// Factor on the first run after a switch, for cold caches (specification, section 5).
const FIRST_RUN: f64 = 1.15;

/// Miss probability above which a candidate is not taken while there is another: it is late more often than not.
pub(super) const FEASIBLE: f64 = 0.5;

/// Under what conditions candidates are weighed: now, or in a counterfactual.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    pub budget: Duration,
    /// Added to the log-slowdown.
    pub shift: f64,
}

impl Policy {
    /// Whom to switch to, and why; `None` to stay.
    pub(super) fn choice(&mut self, available: &[Availability]) -> Option<(CandidateId, Reason)> {
        let pinned = self.pinned.filter(|it| self.is_usable(*it, available));
        if let Some(pinned) = pinned {
            return (self.active != Some(pinned)).then_some((pinned, Reason::Pinned));
        }
        let Some(active) = self.active else {
            return Some((self.best(available)?, Reason::Start));
        };
        if !self.is_usable(active, available) {
            let reason = match available.get(active.0) {
                Some(Availability::Busy { since }) if self.is_sound(active) => Reason::Busy {
                    elapsed: self.now.saturating_sub(*since),
                },
                _ => Reason::Gone,
            };
            return Some((self.best(available)?, reason));
        }
        if self.mode == Mode::Hold {
            return None;
        }
        if !self.candidate(active).is_some_and(|it| it.latency.is_known()) {
            // It answered because nobody was known better; whoever is known is the real start.
            let best = self.best(available)?;
            return (best != active).then_some((best, Reason::Start));
        }
        let rival = match self.config.caution {
            Caution::Live => self.paid_rival(active, available)?,
            Caution::Plain => self.best(available).filter(|it| *it != active)?,
        };
        Some((rival, self.reason(active, rival)))
    }

    /// Weighs all candidates by what is known now.
    pub(super) fn weigh(&mut self) {
        let now = Conditions {
            budget: self.limit.at(self.now),
            shift: 0.0,
        };
        let mut weighing = std::mem::take(&mut self.weighing);
        self.weigh_under(now, &mut weighing);
        self.weighing = weighing;
    }

    /// Writes what is expected of each candidate under these conditions.
    pub(super) fn weigh_under(&self, conditions: Conditions, into: &mut Weighing) {
        into.clear();
        into.stretch = self.stretch();
        into.weights = self.weights_on(into.stretch);
        for candidate in &self.candidates {
            match candidate {
                Some(it) => {
                    let terms = self.terms_of(it, conditions, into);
                    into.push(terms, it.robustness.mean());
                }
                None => into.push(Terms::default(), None),
            }
        }
        into.combine(self.config.strategy, self.config.robustness_weight);
    }

    /// What is expected of a candidate on each frame, or, where that costs less, on every k-th one.
    fn terms_of(&self, candidate: &Candidate, conditions: Conditions, weighing: &Weighing) -> Terms {
        let each = self.terms_on_each(candidate, conditions, weighing.stretch);
        if self.config.max_stride == 1 || !candidate.latency.is_known() {
            return each;
        }
        let weights = weighing.weights;
        let strided = (2..=self.config.max_stride).map(|stride| Terms {
            quality: each.quality * stride::worth(stride),
            // Nobody waits for it, so it is late only when it is busy at its next turn.
            miss: self.exceedance(candidate, self.config.period * stride, conditions),
            latency: each.latency / f64::from(stride),
            stride,
            ..each
        });
        strided.fold(each, |best, it| {
            if it.cost(&weights) < best.cost(&weights) {
                it
            } else {
                best
            }
        })
    }

    fn terms_on_each(&self, candidate: &Candidate, conditions: Conditions, stretch: f64) -> Terms {
        let latency = candidate
            .latency
            .latency(self.slowdown.level().mean + conditions.shift);
        let doubt = match self.config.caution {
            // The reference is the scale, so there is nothing to doubt.
            Caution::Live if candidate.quality.is_reference() => 0.0,
            Caution::Live => PESSIMISM * candidate.quality.sd() / stretch,
            Caution::Plain => 0.0,
        };
        Terms {
            quality: candidate.quality.mean() - doubt,
            miss: match self.config.caution {
                Caution::Live => self.miss(candidate, conditions),
                Caution::Plain => 0.0,
            },
            latency: latency.map_or(1.0, |it| {
                it.as_secs_f64() / conditions.budget.as_secs_f64().max(1e-9)
            }),
            floor: self.floor_quality(),
            stride: 1,
            complexity: candidate.complexity,
        }
    }

    /// What leaves in place of a missed answer: the floor's, if it is a candidate.
    fn floor_quality(&self) -> f64 {
        let floor = self.floor.and_then(|it| self.candidate(it));
        floor.map_or(0.0, |it| it.quality.mean())
    }

    /// Expected share of missed frames: its own when it is late, and those that arrive while it still runs.
    fn miss(&self, candidate: &Candidate, conditions: Conditions) -> f64 {
        let exceedance = |limit: Duration| self.exceedance(candidate, limit, conditions);
        let late = exceedance(conditions.budget);
        let mut lost = 0.0;
        for overrun in 1..=OVERRUNS {
            let share = exceedance(self.config.period * overrun);
            lost += share;
            if share == 0.0 {
                break;
            }
        }
        (late + lost) / (1.0 + lost)
    }

    /// Probability that a run takes longer than `limit`, whatever the slowdown may be.
    fn exceedance(&self, candidate: &Candidate, limit: Duration, conditions: Conditions) -> f64 {
        let (levels, shared) = (self.slowdown.levels(), self.slowdown.residuals());
        let likely = levels.iter().filter(|it| 0.0 < it.1);
        likely
            .map(|(level, weight)| {
                weight
                    * candidate
                        .latency
                        .exceedance(limit, *level, conditions.shift, shared)
            })
            .sum()
    }

    /// What the terms weigh now, on a scale of qualities that is stretched so far.
    pub(super) fn weights_on(&self, stretch: f64) -> Weights {
        Weights {
            latency: self.config.lambda_latency,
            complexity: self.config.lambda_complexity,
            // On a narrow scale of qualities a miss would outweigh everything else.
            miss: self.price.per_miss() / stretch,
        }
    }

    /// What a candidate costs by the last weighing; infinite while its latency is unknown.
    pub(super) fn cost(&self, id: CandidateId) -> f64 {
        self.cost_in(&self.weighing, id)
    }

    pub(super) fn cost_in(&self, weighing: &Weighing, id: CandidateId) -> f64 {
        let is_known = self.candidate(id).is_some_and(|it| it.latency.is_known());
        match weighing.terms.get(id.0) {
            Some(terms) if is_known => terms.cost(&weighing.weights),
            _ => f64::INFINITY,
        }
    }

    pub(super) fn is_feasible(&self, id: CandidateId) -> bool {
        let is_known = self.candidate(id).is_some_and(|it| it.latency.is_known());
        is_known
            && self
                .weighing
                .terms
                .get(id.0)
                .is_some_and(|it| it.miss <= FEASIBLE)
    }

    /// The feasible candidate of the smallest cost; without one, that of the smallest cost; without any measured one,
    /// the first.
    pub(super) fn best(&self, available: &[Availability]) -> Option<CandidateId> {
        let usable = self.ids().filter(|it| self.is_usable(*it, available));
        usable.min_by(|one, other| {
            let infeasible = |it: CandidateId| !self.is_feasible(it);
            infeasible(*one)
                .cmp(&infeasible(*other))
                .then(self.cost(*one).total_cmp(&self.cost(*other)))
        })
    }

    /// The rival of the smallest cost whose promise has paid for the switch. One that is feasible where the active one
    /// is not need not pay.
    fn paid_rival(&mut self, active: CandidateId, available: &[Availability]) -> Option<CandidateId> {
        let stretch = self.weighing.stretch;
        let cost = self.cost(active);
        let may_stay = self.is_feasible(active);
        let pays_at_once = self.config.without == Some(Part::Regret);
        let mut best: Option<(CandidateId, f64)> = None;
        for index in 0..self.candidates.len() {
            let id = CandidateId(index);
            // The regret of a candidate that is busy waits for it.
            if id == active || !self.is_usable(id, available) {
                continue;
            }
            let (rival_cost, risk, is_feasible) =
                (self.cost(id), self.risk_of_entry(id), self.is_feasible(id));
            let Some(rival) = self.candidate_mut(id) else {
                continue;
            };
            rival.regret.grow(cost - rival_cost, stretch);
            let may_enter = match (may_stay, is_feasible) {
                (false, true) => true,
                (true, false) => false,
                _ if pays_at_once => cost > rival_cost,
                _ => rival.regret.has_paid(risk),
            };
            if may_enter && best.is_none_or(|(_, least)| rival_cost < least) {
                best = Some((id, rival_cost));
            }
        }
        best.map(|(id, _)| id)
    }

    /// How far the scale of qualities is stretched for regret.
    fn stretch(&self) -> f64 {
        let qualities = || self.candidates.iter().flatten().map(|it| it.quality.mean());
        stretch(qualities().fold(1.0, f64::min), qualities().fold(1e-3, f64::max))
    }

    /// What the first run after a switch may lose beyond the usual.
    fn risk_of_entry(&self, id: CandidateId) -> f64 {
        let Some(candidate) = self.candidate(id).filter(|it| it.latency.is_known()) else {
            return 0.0;
        };
        let (limit, level) = (self.limit.at(self.now), self.slowdown.level());
        let late = |limit| {
            candidate
                .latency
                .exceedance(limit, level, 0.0, self.slowdown.residuals())
        };
        (late(limit.div_f64(FIRST_RUN)) - late(limit)) * (1.0 + self.weighing.weights.miss)
    }

    fn reason(&self, active: CandidateId, rival: CandidateId) -> Reason {
        let quality = |id| self.candidate(id).map_or(0.0, |it| it.quality.mean());
        let budget = self.limit.at(self.now).min(self.config.period);
        let upper = self.candidate(active).and_then(|it| self.upper(it));
        match upper.filter(|it| budget < *it) {
            Some(upper) => Reason::Infeasible { upper, budget },
            None if quality(active) < quality(rival) => Reason::Better {
                quality: quality(rival),
                over: quality(active),
            },
            None => Reason::Cheaper {
                cost: self.cost(rival),
                over: self.cost(active),
            },
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = CandidateId> + use<> {
        (0..self.candidates.len()).map(CandidateId)
    }
}
