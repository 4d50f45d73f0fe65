// SPDX-License-Identifier: MPL-2.0

//! The choice itself: what forces a switch, what merely invites one, and who is best.

use super::{Mode, Policy};
use crate::policy::regret::stretch;
use crate::policy::{Availability, CandidateId, Reason};

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
        let limit = self.limit.at(self.now);
        let Some(upper) = self.candidate(active).and_then(|it| self.upper(it)) else {
            // It answered because nobody was known better; whoever is known is the real start.
            let best = self.best(available)?;
            return (best != active).then_some((best, Reason::Start));
        };
        if limit < upper {
            let best = self.best(available)?;
            let reason = Reason::Infeasible { upper, budget: limit };
            return (best != active).then_some((best, reason));
        }
        self.better(active, available)
    }

    /// The feasible candidate of the best quality; without one, that of the smallest upper bound; without any
    /// measured one, the first.
    fn best(&self, available: &[Availability]) -> Option<CandidateId> {
        let limit = self.limit.at(self.now);
        let usable = || self.ids().filter(|it| self.is_usable(*it, available));
        let measured = || usable().filter_map(|id| Some((id, self.upper(self.candidate(id)?)?)));
        let quality = |id: &CandidateId| self.candidate(*id).map_or(0.0, |it| it.quality.mean());
        let feasible = measured().filter(|(_, upper)| *upper <= limit);
        feasible
            .reduce(|best, it| {
                let order = quality(&it.0)
                    .total_cmp(&quality(&best.0))
                    .then(best.1.cmp(&it.1));
                if order.is_gt() { it } else { best }
            })
            .or_else(|| measured().min_by_key(|(_, upper)| *upper))
            .map(|(id, _)| id)
            .or_else(|| usable().next())
    }

    /// A feasible rival whose promise has paid for the switch.
    fn better(&mut self, active: CandidateId, available: &[Availability]) -> Option<(CandidateId, Reason)> {
        let limit = self.limit.at(self.now);
        let level = self.slowdown.level();
        let over = self.candidate(active)?.quality.mean();
        let qualities = || {
            self.ids()
                .filter_map(|it| Some(self.candidate(it)?.quality.mean()))
        };
        let stretch = stretch(qualities().fold(over, f64::min), qualities().fold(over, f64::max));
        let mut best: Option<(CandidateId, f64)> = None;
        for index in 0..self.candidates.len() {
            let id = CandidateId(index);
            // The regret of a candidate that is busy waits for it.
            if id == active || !self.is_usable(id, available) {
                continue;
            }
            let miss_rate = self.config.miss_rate;
            let Some(rival) = self.candidate_mut(id) else {
                continue;
            };
            let fits = rival
                .latency
                .upper_to_enter(level, miss_rate)
                .is_some_and(|it| it <= limit);
            if !fits {
                rival.regret.forget();
                continue;
            }
            let quality = rival.quality.mean();
            rival.regret.grow(quality, over, stretch);
            if rival.regret.has_paid() && best.is_none_or(|(_, most)| most < quality) {
                best = Some((id, quality));
            }
        }
        best.map(|(id, quality)| (id, Reason::Better { quality, over }))
    }

    fn ids(&self) -> impl Iterator<Item = CandidateId> {
        (0..self.candidates.len()).map(CandidateId)
    }
}
