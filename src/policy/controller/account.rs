// SPDX-License-Identifier: MPL-2.0

//! Draws up the explanation of the present choice, with its counterfactuals.

use super::choice::{Conditions, FEASIBLE};
use super::{Mode, Policy};
use crate::policy::candidate::Candidate;
use crate::policy::explanation::{Account, Binding, Explanation, Source};
use crate::policy::objective::{Terms, Weights};
use crate::policy::regret::pays_soon;
use crate::policy::weighing::Weighing;
use crate::policy::{Availability, CandidateId};

/// Largest change of budget or slowdown that is looked at: a factor of eight.
const FURTHEST: f64 = 8.0;

/// Ratio of neighbouring steps of the search, and halvings of the step in which the choice changes.
const STEP: f64 = 1.1;
const HALVINGS: u32 = 12;

impl Policy {
    /// Why it is this candidate, what stands behind it, and what would change it. Allocates; for a switch, and for
    /// whoever asks.
    pub fn explain(&self, available: &[Availability]) -> Explanation {
        let active = self.active();
        let budget = self.limit.at(self.now);
        let here = Conditions { budget, shift: 0.0 };
        let mut weighing = Weighing::default();
        self.weigh_under(here, &mut weighing);
        let candidates: Vec<Account> = self
            .ids()
            .filter_map(|id| Some(self.account(id, self.candidate(id)?, available, &weighing)))
            .collect();
        let runner_up = active.and_then(|it| self.runner_up(it, &candidates));
        let level = self.slowdown.level();
        Explanation {
            frame: self.frame,
            active,
            since: self.since,
            budget,
            slowdown: level.mean.exp(),
            slowdown_sd: level.variance.sqrt(),
            step_probability: self.slowdown.step_probability(),
            weights: weighing.weights,
            binding: self.binding(active, &candidates, &weighing.weights),
            flips_at: active.and_then(|it| self.flips_at(it, here, available)),
            survives: active.map_or(f64::INFINITY, |it| self.survives(it, here, available)),
            runner_up,
            candidates,
        }
    }

    fn account(
        &self,
        id: CandidateId,
        candidate: &Candidate,
        available: &[Availability],
        weighing: &Weighing,
    ) -> Account {
        let age = |last: Option<u64>| last.map(|it| self.frame.saturating_sub(it));
        let terms = weighing.terms.get(id.0).copied().unwrap_or_default();
        Account {
            id,
            is_usable: self.is_usable(id, available),
            is_forbidden: candidate.is_forbidden,
            is_feasible: candidate.latency.is_known() && terms.miss <= FEASIBLE,
            latency: candidate.latency.latency(self.slowdown.level().mean),
            upper: self.upper(candidate),
            latency_source: match (candidate.last_run, self.active == Some(id)) {
                _ if !candidate.latency.is_known() => Source::Unknown,
                (None, _) => Source::Catalogue,
                (Some(_), true) => Source::Measured,
                (Some(last), false) if self.frame < last + RECENT => Source::Shadow,
                (Some(_), false) => Source::Shared,
            },
            latency_age: age(candidate.last_run),
            quality: candidate.quality.mean(),
            quality_sd: candidate.quality.sd(),
            quality_source: candidate.quality.source(),
            quality_age: age(candidate.last_scored),
            robustness: candidate.robustness.mean(),
            terms,
            cost: self.cost_in(weighing, id),
            regret: candidate.regret.paid(),
        }
    }

    fn runner_up(&self, active: CandidateId, candidates: &[Account]) -> Option<(CandidateId, f64)> {
        let own = candidates.iter().find(|it| it.id == active)?.cost;
        let rivals = candidates
            .iter()
            .filter(|it| it.id != active && it.is_usable && it.cost.is_finite());
        let next = rivals.min_by(|one, other| one.cost.total_cmp(&other.cost))?;
        Some((next.id, next.cost - own))
    }

    fn binding(&self, active: Option<CandidateId>, candidates: &[Account], weights: &Weights) -> Binding {
        let own = candidates.iter().find(|it| Some(it.id) == active);
        let rivals = || {
            candidates
                .iter()
                .filter(|it| Some(it.id) != active && it.is_usable)
        };
        let Some(own) = own.filter(|_| rivals().next().is_some()) else {
            return Binding::Alone;
        };
        if self.pinned == active || self.mode == Mode::Hold {
            return Binding::User;
        }
        let better = rivals().filter(|it| own.quality < it.quality);
        let Some(best) = better.max_by(|one, other| one.quality.total_cmp(&other.quality)) else {
            return Binding::Nothing;
        };
        if best.cost < own.cost {
            return Binding::Switching(best.id);
        }
        // What would it cost if it never missed?
        let in_time = Terms {
            miss: 0.0,
            ..best.terms
        };
        if in_time.cost(weights) < own.cost {
            Binding::Time(best.id)
        } else if best.terms.quality <= own.terms.quality {
            Binding::Doubt(best.id)
        } else {
            Binding::Preference(best.id)
        }
    }

    /// The smallest larger budget at which another candidate would win, and which.
    fn flips_at(
        &self,
        active: CandidateId,
        here: Conditions,
        available: &[Availability],
    ) -> Option<(std::time::Duration, CandidateId)> {
        let at = |factor: f64| Conditions {
            budget: here.budget.mul_f64(factor),
            ..here
        };
        let factor = first_change(|it| self.winner_under(at(it), active, available) != active)?;
        let winner = self.winner_under(at(factor), active, available);
        // The user sets the whole budget; what the sink asked for by QoS comes off it.
        Some((self.limit.budget_for(self.now, at(factor).budget), winner))
    }

    /// How many times slower the machine may become while the active candidate still wins.
    fn survives(&self, active: CandidateId, here: Conditions, available: &[Availability]) -> f64 {
        let at = |factor: f64| Conditions {
            shift: factor.ln(),
            ..here
        };
        first_change(|it| self.winner_under(at(it), active, available) != active).unwrap_or(f64::INFINITY)
    }

    /// Who would answer soon under these conditions: the active one, unless a rival is better by enough.
    fn winner_under(
        &self,
        conditions: Conditions,
        active: CandidateId,
        available: &[Availability],
    ) -> CandidateId {
        let mut weighing = Weighing::default();
        self.weigh_under(conditions, &mut weighing);
        let terms = &weighing.terms;
        let infeasible = |id: CandidateId| terms.get(id.0).is_none_or(|it| FEASIBLE < it.miss);
        let cost = |id| self.cost_in(&weighing, id);
        let stretch = weighing.stretch;
        let better = |id: &CandidateId| match (infeasible(active), infeasible(*id)) {
            (true, false) => true,
            (false, true) => false,
            _ => pays_soon(cost(active) - cost(*id), stretch),
        };
        let rivals = self
            .ids()
            .filter(|it| *it != active && self.is_usable(*it, available));
        rivals
            .filter(better)
            .min_by(|one, other| {
                infeasible(*one)
                    .cmp(&infeasible(*other))
                    .then(cost(*one).total_cmp(&cost(*other)))
            })
            .unwrap_or(active)
    }
}

/// Frames for which a shadow run counts as fresh: 10 s at 25 fps.
const RECENT: u64 = 250;

/// The smallest factor above one at which `has_changed`; `None` if it has not by [`FURTHEST`].
fn first_change(has_changed: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (1.0, STEP);
    while !has_changed(high) {
        if FURTHEST < high {
            return None;
        }
        (low, high) = (high, high * STEP);
    }
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if has_changed(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
