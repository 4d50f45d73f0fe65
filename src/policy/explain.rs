// SPDX-License-Identifier: MPL-2.0

//! Draws up the explanation of the present choice, with its counterfactuals.

use std::time::Duration;

use super::candidate::Candidate;
use super::effective_budget::EffectiveBudget;
use super::explanation::{Account, Binding, Explanation, Outlook, Source};
use super::objective::{Terms, Weights};
use super::regret::pays_soon;
use super::terms_table::{Conditions, TermsTable};
use super::{Availability, CandidateId, Reason};

/// Largest change of budget or slowdown that is looked at: a factor of eight.
const FURTHEST: f64 = 8.0;

/// Ratio of neighbouring steps of the search, and halvings of the step in which the choice changes.
const STEP: f64 = 1.1;
const HALVINGS: u32 = 12;

/// Frames for which a shadow run counts as fresh: 10 s at 25 fps.
const RECENT: u64 = 250;

/// The choice that is explained.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present<'a> {
    pub conditions: Conditions<'a>,
    pub available: &'a [Availability],
    pub active: Option<CandidateId>,
    pub since: Option<(Reason, u64)>,
    /// Whether the user chose it.
    pub is_chosen: bool,
    /// What the machine says.
    pub waiting: Option<f64>,
    /// Processor time of a run that others leave, if not all.
    pub left: Option<Duration>,
    pub frame: u64,
    pub now: Duration,
    pub effective_budget: &'a EffectiveBudget,
}

impl Present<'_> {
    pub(super) fn explain(&self) -> Explanation {
        let Conditions {
            estimates, budget, ..
        } = self.conditions;
        let table = TermsTable::new(&self.conditions);
        let all = estimates.candidates.numbered();
        let candidates: Vec<Account> = all.map(|(id, it)| self.account(id, it, &table)).collect();
        let slowdown = estimates.slowdown_of(self.active);
        let level = slowdown.level();
        Explanation {
            frame: self.frame,
            active: self.active,
            since: self.since,
            budget,
            period: self.conditions.config.period,
            slowdown: level.mean.exp(),
            slowdown_sd: level.variance.sqrt(),
            waiting: self.waiting,
            left: self.left,
            step_probability: slowdown.step_probability(),
            weights: table.weights,
            binding: self.binding(&candidates, &table.weights),
            flips_at: self.active.and_then(|it| self.flips_at(it)),
            survives: self.active.map_or(f64::INFINITY, |it| self.survives(it)),
            runner_up: self.active.and_then(|it| runner_up(it, &candidates)),
            candidates,
        }
    }

    fn account(&self, id: CandidateId, candidate: &Candidate, table: &TermsTable) -> Account {
        let estimates = self.conditions.estimates;
        let age = |last: Option<u64>| last.map(|it| self.frame.saturating_sub(it));
        Account {
            id,
            is_usable: estimates.candidates.is_usable(id, self.available),
            unloaded: match self.available.get(id.0) {
                Some(Availability::Unloaded { load_time }) => Some(*load_time),
                _ => None,
            },
            outlook: outlook(id, &self.conditions, table),
            latency_source: match (candidate.last_run, self.active == Some(id)) {
                _ if !candidate.latency.is_known() => Source::Unknown,
                (None, _) if candidate.is_recalled => Source::Recalled,
                (None, _) => Source::Catalogue,
                (Some(_), true) => Source::Measured,
                (Some(last), false) if self.frame < last + RECENT => Source::Shadow,
                (Some(_), false) => Source::Shared,
            },
            latency_age: age(candidate.last_run),
            quality_age: age(candidate.last_scored),
            terms: table.terms(id).copied().unwrap_or_default(),
            cost: table.cost(id),
            regret: candidate.regret.paid(),
        }
    }

    fn binding(&self, candidates: &[Account], weights: &Weights) -> Binding {
        let own = candidates.iter().find(|it| Some(it.id) == self.active);
        let quality = |it: &Account| it.outlook.quality;
        let held_back = candidates.iter().filter(|it| it.outlook.is_held_back);
        let best = held_back.max_by(|one, other| quality(one).total_cmp(&quality(other)));
        if let (Some(best), false) = (best, self.is_chosen)
            && own.is_none_or(|it| quality(it) < quality(best))
        {
            return Binding::Group(best.id);
        }
        let rivals = || {
            candidates
                .iter()
                .filter(|it| Some(it.id) != self.active && (it.is_usable || could_be_loaded(it)))
        };
        let Some(own) = own.filter(|_| rivals().next().is_some()) else {
            return Binding::Alone;
        };
        if self.is_chosen {
            return Binding::User;
        }
        let better = rivals().filter(|it| quality(own) < quality(it));
        let Some(best) = better.max_by(|one, other| quality(one).total_cmp(&quality(other))) else {
            return Binding::Nothing;
        };
        if best.cost < own.cost {
            return match best.unloaded {
                Some(_) => Binding::Load(best.id),
                None => Binding::Switching(best.id),
            };
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
    fn flips_at(&self, active: CandidateId) -> Option<(Duration, CandidateId)> {
        let at = |factor: f64| Conditions {
            budget: self.conditions.budget.mul_f64(factor),
            ..self.conditions
        };
        let factor = first_change(|it| self.winner(active, &at(it)) != active)?;
        // The user sets the whole budget; what the sink asked for by QoS comes off it.
        let budget = self.effective_budget.budget_for(self.now, at(factor).budget);
        Some((budget, self.winner(active, &at(factor))))
    }

    /// How many times slower the machine may become while the active candidate still wins.
    fn survives(&self, active: CandidateId) -> f64 {
        let at = |factor: f64| Conditions {
            shift: factor.ln(),
            ..self.conditions
        };
        first_change(|it| self.winner(active, &at(it)) != active).unwrap_or(f64::INFINITY)
    }

    /// Who would answer soon under these conditions: the active one, unless a rival is better by enough.
    fn winner(&self, active: CandidateId, conditions: &Conditions) -> CandidateId {
        let table = TermsTable::new(conditions);
        let is_better = |id: &CandidateId| match (table.is_feasible(active), table.is_feasible(*id)) {
            (false, true) => true,
            (true, false) => false,
            _ => pays_soon(table.cost(active) - table.cost(*id), table.stretch),
        };
        let usable = conditions.estimates.candidates.usable(self.available);
        usable
            .filter(|it| *it != active && is_better(it))
            .min_by(|one, other| table.order(*one, *other))
            .unwrap_or(active)
    }
}

/// Whether a candidate could answer, were it in memory.
fn could_be_loaded(account: &Account) -> bool {
    account.unloaded.is_some() && !account.outlook.is_forbidden
}

/// What is believed of a candidate, and nothing of one that was removed; `table` is the one of the last decision.
pub(super) fn outlook(id: CandidateId, conditions: &Conditions, table: &TermsTable) -> Outlook {
    let Conditions {
        estimates, config, ..
    } = conditions;
    let Some(candidate) = estimates.candidates.get(id) else {
        return Outlook {
            miss: 1.0,
            ..Outlook::default()
        };
    };
    Outlook {
        latency: estimates.latency(id),
        device: candidate.device,
        slowdown: estimates.slowdown_of(Some(id)).level().mean.exp(),
        work: estimates.work(id),
        upper: estimates.upper(id, config.miss_rate),
        quality: candidate.quality.mean(),
        quality_sd: candidate.quality.sd(),
        quality_source: candidate.quality.source(),
        runs: candidate.runs,
        scores: candidate.quality.scores(),
        miss: table.terms(id).map_or(1.0, |it| it.miss),
        feasible: table.is_feasible(id),
        robustness: candidate.robustness.mean(),
        is_forbidden: candidate.is_forbidden,
        is_held_back: candidate.is_held_back,
    }
}

fn runner_up(active: CandidateId, candidates: &[Account]) -> Option<(CandidateId, f64)> {
    let own = candidates.iter().find(|it| it.id == active)?.cost;
    let rivals = candidates
        .iter()
        .filter(|it| it.id != active && it.is_usable && it.cost.is_finite());
    let next = rivals.min_by(|one, other| one.cost.total_cmp(&other.cost))?;
    Some((next.id, next.cost - own))
}

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
