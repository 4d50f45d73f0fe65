// SPDX-License-Identifier: MPL-2.0

//! The choice itself: what forces a switch, what merely invites one, and who is best.

use std::time::Duration;

use super::ablation::{Part, is_out};
use super::estimates::Estimates;
use super::load::Loads;
use super::terms_table::TermsTable;
use super::{Availability, CandidateId, Config, Limit, Reason};

/// Whether the active candidate may be left for anything but its absence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Auto,
    Hold,
}

/// What a choice depends on beside the estimates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    pub config: &'a Config,
    pub available: &'a [Availability],
    /// What is expected of each candidate now.
    pub table: &'a TermsTable,
    pub active: Option<CandidateId>,
    pub pinned: Option<CandidateId>,
    pub mode: Mode,
    /// What is left of the budget.
    pub budget: Duration,
    pub now: Duration,
}

impl Situation<'_> {
    /// Whom to switch to, and why; `None` to stay. The regret of not having chosen a rival grows with it.
    pub(super) fn choose(&self, estimates: &mut Estimates) -> Option<(CandidateId, Reason)> {
        let candidates = &estimates.candidates;
        let is_usable = |it: &CandidateId| candidates.is_usable(*it, self.available);
        if let Some(pinned) = self.pinned.filter(is_usable) {
            return (self.active != Some(pinned)).then_some((pinned, Reason::Pinned));
        }
        if self.mode == Mode::Auto && self.pinned.is_none() {
            let loads = Loads::new(self.available, self.table, self.active, self.config.period);
            loads.go_without(&mut estimates.candidates);
        }
        let candidates = &estimates.candidates;
        let is_usable = |it: &CandidateId| candidates.is_usable(*it, self.available);
        let Some(active) = self.active else {
            return Some((self.best(estimates)?, Reason::Start));
        };
        if !is_usable(&active) {
            let reason = match self.available.get(active.0) {
                Some(Availability::Busy { since }) if candidates.sound(active).is_some() => Reason::Busy {
                    elapsed: self.now.saturating_sub(*since),
                },
                _ if candidates.get(active).is_some_and(|it| it.is_held_back) => Reason::HeldBack,
                _ => Reason::Gone,
            };
            return Some((self.best(estimates)?, reason));
        }
        if self.mode == Mode::Hold {
            return None;
        }
        if !candidates.get(active).is_some_and(|it| it.latency.is_known()) {
            // It answered because nobody was known better; whoever is known is the real start.
            let best = self.best(estimates)?;
            return (best != active).then_some((best, Reason::Start));
        }
        let rival = self.paid_rival(active, estimates)?;
        Some((rival, self.reason(active, rival, estimates)))
    }

    /// The feasible candidate of the smallest cost; without one, that of the smallest cost; without any measured one,
    /// the first.
    fn best(&self, estimates: &Estimates) -> Option<CandidateId> {
        let usable = estimates.candidates.usable(self.available);
        usable.min_by(|one, other| self.table.order(*one, *other))
    }

    /// The rival of the smallest cost whose promise has paid for the switch. One that is feasible where the active one
    /// is not need not pay.
    fn paid_rival(&self, active: CandidateId, estimates: &mut Estimates) -> Option<CandidateId> {
        let cost = self.table.cost(active);
        let may_stay = self.table.is_feasible(active);
        let mut best: Option<(CandidateId, f64)> = None;
        // The regret of a candidate that is busy waits for it.
        let usable = estimates.candidates.usable_mut(self.available);
        for (id, rival) in usable.filter(|it| it.0 != active) {
            let rival_cost = self.table.cost(id);
            rival.regret.grow(cost - rival_cost, self.table.stretch);
            let may_enter = match (may_stay, self.table.is_feasible(id)) {
                (false, true) => true,
                (true, false) => false,
                _ if is_out(Part::Regret) => rival_cost < cost,
                _ => rival.regret.has_paid(),
            };
            if may_enter && best.is_none_or(|(_, least)| rival_cost < least) {
                best = Some((id, rival_cost));
            }
        }
        best.map(|(id, _)| id)
    }

    fn reason(&self, active: CandidateId, rival: CandidateId, estimates: &Estimates) -> Reason {
        let quality = |id| estimates.candidates.get(id).map_or(0.0, |it| it.quality.mean());
        let limit = Limit::of(self.budget, self.config.period, self.table.stride(active));
        let upper = estimates.upper(active, self.config.miss_rate);
        match upper.filter(|it| limit.time() < *it) {
            Some(upper) => Reason::Infeasible { upper, limit },
            None if quality(active) < quality(rival) => Reason::Better {
                quality: quality(rival),
                over: quality(active),
            },
            None => Reason::Cheaper {
                cost: self.table.cost(rival),
                over: self.table.cost(active),
            },
        }
    }
}
