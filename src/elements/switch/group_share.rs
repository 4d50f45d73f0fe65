// SPDX-License-Identifier: MPL-2.0

//! What the group of switches leaves this one, and what follows from it for what the policy hears and what the user sees.
//!
//! In a group the policy reckons in processor time: what a run would take if the group's other runs left it a processor. It
//! is held against what a run would get of one inside the budget. The user sees times as frames see them.

use std::time::Duration;

use super::bus::Bus;
use crate::clone_in_place::clone_in_place;
use crate::group::{Member, Place, Rung, Share, Wants};
use crate::messages::{GroupPlace, PlaceWord};
use crate::policy::{Availability, CandidateId, Device, Explanation, Limit, Outlook, Policy, Reason};

/// Shortest budget that the policy is given, whatever the group leaves.
const SHORTEST: Duration = Duration::from_micros(100);

/// Smallest quality whose logarithm counts.
const LEAST_QUALITY: f64 = 1e-3;

/// What the stream is like at a frame.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub now: Duration,
    pub period: Duration,
    /// Time that a run may take.
    pub budget: Duration,
    pub miss_rate: f64,
    /// The lane that the user chose; nobody else answers while it can.
    pub chosen: Option<usize>,
    pub availability: &'a [Availability],
}

/// What was told last of the group.
#[derive(Debug, Default)]
pub struct ToldPlace(Option<PlaceWord>);

/// What the group left at the last frame.
#[derive(Debug, Default)]
pub struct GroupShare {
    /// Nothing where the switch is alone.
    share: Option<Share>,
    /// How many times longer a run takes as frames see it than it takes of a processor.
    stretch: Option<f64>,
    rungs: Vec<Rung>,
}

clone_in_place! { GroupShare: share stretch rungs }

impl GroupShare {
    /// Asks the group for this frame's share. `false` where the stream is alone, and was.
    pub fn take(&mut self, group: Option<&Member>, policy: &Policy, wanted: &Wanted) -> bool {
        let Some(group) = group else {
            self.stretch = None;
            return self.share.take().is_some();
        };
        self.rungs.clear();
        let may_answer = |lane: usize| match wanted.chosen {
            Some(chosen) => chosen == lane,
            None => !policy.outlook(CandidateId(lane)).is_forbidden,
        };
        let lanes = wanted.availability.iter().enumerate();
        // One that is not in memory makes no runs: nothing is kept for it.
        let is_there = |it: &Availability| matches!(it, Availability::Ready | Availability::Busy { .. });
        let there = lanes.filter(|it| is_there(it.1) && may_answer(it.0));
        let rung = |(candidate, _): (usize, &Availability)| {
            let outlook = policy.outlook(CandidateId(candidate));
            let on_processor = |it: Duration| match outlook.device {
                Device::PROCESSOR => it.as_secs_f64(),
                _ => 0.0,
            };
            Some(Rung {
                candidate,
                work: on_processor(outlook.latency?),
                upper: on_processor(outlook.upper?),
                value: outlook.quality.max(LEAST_QUALITY).ln(),
            })
        };
        self.rungs.extend(there.filter_map(rung));
        let share = group.frame(&Wants {
            now: wanted.now,
            period: wanted.period,
            budget: wanted.budget,
            miss_rate: wanted.miss_rate,
            rungs: &self.rungs,
        });
        let was_shared = self.is_shared();
        self.share = Some(share);
        let stretch = wanted.budget.as_secs_f64() / self.budget(wanted.budget).as_secs_f64();
        self.stretch = self.is_shared().then_some(stretch);
        was_shared || self.is_shared()
    }

    /// Whether others share the machine with this stream.
    pub fn is_shared(&self) -> bool {
        self.share.is_some_and(|it| 1 < it.streams)
    }

    /// What a run would get of a processor inside `full`.
    pub fn budget(&self, full: Duration) -> Duration {
        let share = self.share.filter(|it| 1 < it.streams);
        share.map_or(full, |it| it.budget.clamp(SHORTEST.min(full), full))
    }

    /// Processor time of a run that the group leaves; `None` where it leaves all.
    pub fn left(&self) -> Option<Duration> {
        self.share?.place.most()
    }

    /// Tells what is another place than before.
    pub fn tell(&self, told: &mut ToldPlace, bus: &Bus, group: Option<&Member>) {
        let (Some(group), Some(share)) = (group, self.share) else {
            return;
        };
        let place = match share.place {
            Place::Free => PlaceWord::Free,
            Place::HeldBack { .. } => PlaceWord::HeldBack,
            Place::None => PlaceWord::None,
        };
        if told.0.unwrap_or(PlaceWord::Free) == place {
            return;
        }
        told.0 = Some(place);
        bus.post(GroupPlace {
            group: group.group().to_string(),
            streams: share.streams as u64,
            weight: group.weight(),
            place,
            share: self.left().filter(|_| place == PlaceWord::HeldBack),
        });
        if place == PlaceWord::None {
            bus.warn(
                &format!(
                    "the {} streams of the group `{}` need more processor time than there is, even with the fastest candidate \
                     of each; this one, of weight {}, gets none and leaves its frames to the floor",
                    share.streams,
                    group.group(),
                    group.weight()
                ),
                "raise `weight` here or lower it elsewhere, add a faster candidate, or run fewer streams on this machine",
            );
        }
    }

    /// A time as frames see it.
    fn seen(&self, time: Duration) -> Duration {
        self.stretch.map_or(time, |it| time.mul_f64(it))
    }

    /// What is believed of a candidate, in times as frames see them.
    pub fn as_seen(&self, outlook: Outlook) -> Outlook {
        if outlook.device != Device::PROCESSOR {
            return outlook;
        }
        Outlook {
            latency: outlook.latency.map(|it| self.seen(it)),
            upper: outlook.upper.map(|it| self.seen(it)),
            ..outlook
        }
    }

    /// A reason, in times as frames see them.
    pub fn reason_as_seen(&self, reason: Reason) -> Reason {
        match reason {
            Reason::Infeasible { upper, limit } => Reason::Infeasible {
                upper: self.seen(upper),
                limit: match limit {
                    Limit::Budget(budget) => Limit::Budget(self.seen(budget)),
                    period => period,
                },
            },
            other => other,
        }
    }

    /// An explanation, in times as frames see them.
    pub fn explanation_as_seen(&self, mut explanation: Explanation) -> Explanation {
        if self.stretch.is_none() {
            return explanation;
        }
        explanation.budget = self.seen(explanation.budget);
        explanation.since = explanation
            .since
            .map(|(reason, frame)| (self.reason_as_seen(reason), frame));
        explanation.flips_at = explanation.flips_at.map(|(budget, id)| (self.seen(budget), id));
        for account in &mut explanation.candidates {
            account.outlook = self.as_seen(account.outlook);
        }
        explanation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Prior;

    const PERIOD: Duration = Duration::from_millis(40);

    /// A policy that knows a quick and a long candidate.
    fn policy() -> Policy {
        let mut policy = Policy::default();
        for (quality, latency) in [(0.6, 5), (0.9, 25)] {
            policy.add(Prior {
                quality: Some(quality),
                latency: Some(Duration::from_millis(latency)),
                ..Prior::default()
            });
        }
        policy
    }

    /// Whether the second of two streams on one processor is held back, where the first one's long candidate is so.
    fn is_second_held_back(group: &str, first: Availability) -> bool {
        let members = [4.0, 1.0].map(|weight| Member::join(group, weight, 1).unwrap());
        let (policy, mut shares) = (policy(), [GroupShare::default(), GroupShare::default()]);
        for frame in 0..50 {
            let long = [first, Availability::Ready];
            for ((share, member), long) in shares.iter_mut().zip(&members).zip(long) {
                let wanted = Wanted {
                    now: PERIOD * frame,
                    period: PERIOD,
                    budget: Duration::from_millis(38),
                    miss_rate: 0.03,
                    chosen: None,
                    availability: &[Availability::Ready, long],
                };
                share.take(Some(member), &policy, &wanted);
            }
        }
        shares[1].left().is_some()
    }

    #[test]
    fn nothing_is_kept_for_a_candidate_that_is_not_in_memory() {
        let unloaded = Availability::Unloaded { load_time: None };
        assert!(is_second_held_back("in memory", Availability::Ready));
        assert!(!is_second_held_back("not in memory", unloaded));
    }
}
