// SPDX-License-Identifier: MPL-2.0

//! Which candidates to deploy: those that a switch would ever choose, each the best for some level of contention, with a floor
//! and a reference.
//!
//! What the switch will meet is not known, so all of it is played through: devices that are slower by 1 to 16 times, each alone
//! and all together, with runs that all feel it alike or long ones more than short ones, and a high or a low price on misses.

use super::candidate::{Candidate, Latency, Preferences, qualities, terms};
use crate::policy::{Terms, Weights};
use crate::recommend::distribution::normal_cdf;

/// The candidates to deploy.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// The best on a calm machine first.
    pub members: Vec<Member>,
    pub left_out: Vec<LeftOut>,
}

/// A candidate of the set.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub candidate: usize,
    /// Slowdowns of its device, from and to, between which it is the best of the set while all devices and all runs are
    /// slowed down alike; `None` where it is so only under other contention, or for another role. One begins where another
    /// ends.
    pub levels: Option<(f64, f64)>,
    pub roles: Vec<Role>,
}

/// What a candidate is in the set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It has the smallest loss at some level of contention.
    Best,
    /// It answers when nobody else can: the one that is in time at the largest slowdown, or the fastest.
    Floor,
    /// The best answers of those that can run beside the stream: it scores the others.
    Reference,
}

/// A candidate that is not in the set.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    pub candidate: usize,
    pub why: WhyNot,
}

/// Why a candidate is not in the set.
#[derive(Debug, Clone, PartialEq)]
pub enum WhyNot {
    /// The conditions exclude it.
    Excluded(String),
    /// There is no contention under which it has the smallest loss.
    Never,
    /// It has, but the set is without it worse by this loss at most, which is not worth its memory.
    Little(f64),
}

/// Slowdowns: 1 to 16 in steps of 9 %, in which a price on misses lets nobody win unseen.
const STEPS: i32 = 32;
const STEPS_PER_DOUBLING: i32 = 8;

/// Prices of a miss that the live switch begins with, and the lowest and highest that it comes to.
const PRICES: [f64; 3] = [1.15, 0.1, 5.0];

/// Spread of latencies, as the standard deviation of their logarithms, where it is not known, and the least.
const SPREAD: (f64, f64) = (0.1, 0.05);

/// By how much the exponent on contention falls as a run is e times shorter than the longest. On a processor that was
/// loaded, runs of 2.6, 8.5 and 27 ms became 1.8, 3.2 and 4.5 times slower: exponents of 0.39, 0.77 and 1.
const SHORTER: f64 = 0.25;

/// The smallest exponent.
const LEAST_EXPONENT: f64 = 0.25;

/// Share of runs beyond the budget up to which one is in time.
const IN_TIME: f64 = 0.05;

/// What a smaller set may lose at some level, in indifferences: 3 % of quality by default. In 100 libraries of 8 models under nine
/// kinds of contention each, this was the most at which no kind cost more than 0.1 % regret. In 100 others the set cost 0.2 %
/// *less* than all models, at half their memory: a switch with fewer candidates tries fewer.
const SPARED: f64 = 6.0;

/// What the switch may meet.
#[derive(Debug, Clone, Copy)]
struct Contention {
    slowdown: f64,
    /// The device that is slowed down; all where it is `None`.
    device: Option<u32>,
    reaction: Reaction,
    price: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reaction {
    Alike,
    /// Long runs are slowed down more than short ones, as where all wait for memory or for a turn.
    LongMore,
}

/// The set to deploy; empty where no candidate is admitted.
pub fn set(candidates: &[Candidate], preferences: &Preferences) -> Set {
    let admitted: Vec<usize> = (0..candidates.len())
        .filter(|it| candidates[*it].excluded.is_none())
        .collect();
    let qualities = qualities(candidates, &admitted, preferences);
    let values = qualities.iter().map(|it| it.value);
    let calm: Vec<Terms> = (admitted.iter().zip(values))
        .map(|(it, quality)| terms(&candidates[*it], quality, preferences))
        .collect();
    let played = Played::new(candidates, &admitted, &calm, preferences);
    let winners = played.winners();
    let memory: Vec<f64> = admitted.iter().map(|it| candidates[*it].memory).collect();
    let kept = played.thinned(&winners, &memory, SPARED * preferences.indifference);
    let floor = played.floor(candidates, &admitted);
    let reference = reference(candidates, &admitted, &calm, preferences);
    let mut chosen: Vec<usize> = kept.iter().copied().chain(floor).chain(reference).collect();
    chosen.sort_by(|one, other| {
        played.losses[0][*one]
            .total_cmp(&played.losses[0][*other])
            .then(one.cmp(other))
    });
    chosen.dedup();
    let member = |it: &usize| {
        let roles = [
            (kept.contains(it), Role::Best),
            (floor == Some(*it), Role::Floor),
            (reference == Some(*it), Role::Reference),
        ];
        Member {
            candidate: admitted[*it],
            levels: played.levels(*it, &chosen),
            roles: roles.iter().filter(|it| it.0).map(|it| it.1).collect(),
        }
    };
    let excluded = candidates.iter().enumerate().filter_map(|(candidate, it)| {
        let why = WhyNot::Excluded(it.excluded.clone()?);
        Some(LeftOut { candidate, why })
    });
    let others = (0..admitted.len())
        .filter(|it| !chosen.contains(it))
        .map(|it| LeftOut {
            candidate: admitted[it],
            why: match winners.contains(&it) {
                true => WhyNot::Little(played.more_without(it, &chosen)),
                false => WhyNot::Never,
            },
        });
    Set {
        members: chosen.iter().map(member).collect(),
        left_out: others.chain(excluded).collect(),
    }
}

/// The losses of all candidates under all that may be met.
struct Played {
    contentions: Vec<Contention>,
    /// By contention and candidate.
    losses: Vec<Vec<f64>>,
    /// Expected shares of misses, alike.
    misses: Vec<Vec<f64>>,
}

impl Played {
    fn new(
        candidates: &[Candidate],
        admitted: &[usize],
        calm: &[Terms],
        preferences: &Preferences,
    ) -> Played {
        let longest = admitted
            .iter()
            .map(|it| candidates[*it].latency.p50)
            .fold(0.0, f64::max);
        let mut devices: Vec<u32> = admitted.iter().map(|it| candidates[*it].device).collect();
        devices.sort_unstable();
        devices.dedup();
        let alone = devices.iter().copied().map(Some).filter(|_| 1 < devices.len());
        let loaded: Vec<Option<u32>> = std::iter::once(None).chain(alone).collect();
        let mut contentions = Vec::new();
        for price in PRICES {
            for reaction in [Reaction::Alike, Reaction::LongMore] {
                for device in &loaded {
                    contentions.extend((0..=STEPS).map(|step| Contention {
                        slowdown: f64::powf(2.0, f64::from(step) / f64::from(STEPS_PER_DOUBLING)),
                        device: *device,
                        reaction,
                        price,
                    }));
                }
            }
        }
        let table = |of: &dyn Fn(&Contention, usize) -> f64| -> Vec<Vec<f64>> {
            let row = |it: &Contention| (0..admitted.len()).map(|index| of(it, index)).collect();
            contentions.iter().map(row).collect()
        };
        let misses = table(&|it, index| it.misses(&candidates[admitted[index]], longest, preferences));
        let losses = table(&|it, index| {
            let candidate = &candidates[admitted[index]];
            let miss = it.misses(candidate, longest, preferences).max(calm[index].miss);
            let weights = Weights {
                miss: it.price,
                ..preferences.weights
            };
            let terms = Terms {
                miss,
                latency: calm[index].latency * it.factor(candidate, longest),
                ..calm[index]
            };
            terms.cost(&weights)
        });
        Played {
            contentions,
            losses,
            misses,
        }
    }

    /// Those with the smallest loss under something that may be met.
    fn winners(&self) -> Vec<usize> {
        let mut winners: Vec<usize> = self
            .losses
            .iter()
            .filter_map(|it| best_of(it, 0..it.len()))
            .collect();
        winners.sort_unstable();
        winners.dedup();
        winners
    }

    /// Without those that nobody would miss, the largest first: nothing becomes worse by more than this loss.
    fn thinned(&self, winners: &[usize], memory: &[f64], loss: f64) -> Vec<usize> {
        let mut kept = winners.to_vec();
        loop {
            let without =
                |it: usize| -> Vec<usize> { kept.iter().copied().filter(|other| *other != it).collect() };
            let spare = kept
                .iter()
                .copied()
                .filter(|it| 1 < kept.len() && self.more(&without(*it)) <= loss);
            match spare.max_by(|one, other| memory[*one].total_cmp(&memory[*other])) {
                Some(largest) => kept = without(largest),
                None => return kept,
            }
        }
    }

    /// By how much the smallest loss is larger with these alone, at most.
    fn more(&self, with: &[usize]) -> f64 {
        let more = self
            .losses
            .iter()
            .map(|losses| least(losses, with.iter().copied()) - least(losses, 0..losses.len()));
        more.fold(0.0, f64::max)
    }

    /// By how much it is smaller with one that is left out, at most.
    fn more_without(&self, left_out: usize, set: &[usize]) -> f64 {
        let more = self
            .losses
            .iter()
            .map(|losses| least(losses, set.iter().copied()) - losses[left_out]);
        more.fold(0.0, f64::max)
    }

    /// The part with all devices and runs slowed down alike at the usual price, in order of the slowdown.
    fn alike(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let is_usual = |it: &(usize, &Contention)| {
            it.1.price == PRICES[0] && it.1.device.is_none() && it.1.reaction == Reaction::Alike
        };
        self.contentions
            .iter()
            .enumerate()
            .filter(is_usual)
            .map(|it| (it.0, it.1.slowdown))
    }

    fn levels(&self, candidate: usize, set: &[usize]) -> Option<(f64, f64)> {
        let all: Vec<(usize, f64)> = self.alike().collect();
        let wins = |it: &(usize, f64)| best_of(&self.losses[it.0], set.iter().copied()) == Some(candidate);
        let first = all.iter().position(wins)?;
        let last = all.iter().rposition(wins)?;
        // Between two slowdowns that were played through, the middle: where one hands over to the next.
        let between = |one: usize, other: usize| (all[one].1 * all[other].1).sqrt();
        let from = if first == 0 {
            all[0].1
        } else {
            between(first - 1, first)
        };
        let next = last + 1;
        Some((
            from,
            if next == all.len() {
                all[last].1
            } else {
                between(last, next)
            },
        ))
    }

    /// Of those that are in time at the largest slowdown the best, otherwise the fastest.
    fn floor(&self, candidates: &[Candidate], admitted: &[usize]) -> Option<usize> {
        let last = self.alike().last()?.0;
        let in_time = (0..admitted.len()).filter(|it| self.misses[last][*it] <= IN_TIME);
        let fastest = (0..admitted.len()).min_by(|one, other| {
            let latency = |it: &usize| candidates[admitted[*it]].latency.p50;
            latency(one).total_cmp(&latency(other))
        });
        best_of(&self.losses[last], in_time).or(fastest)
    }
}

impl Contention {
    /// So many times longer a candidate's runs are.
    fn factor(&self, candidate: &Candidate, longest: f64) -> f64 {
        if self.device.is_some_and(|it| it != candidate.device) {
            return 1.0;
        }
        let exponent = match self.reaction {
            Reaction::Alike => 1.0,
            Reaction::LongMore => {
                let shorter = (longest / candidate.latency.p50.max(1e-6)).ln();
                (1.0 - SHORTER * shorter).max(LEAST_EXPONENT)
            }
        };
        self.slowdown.powf(exponent)
    }

    /// Expected share of the frames in its charge that are late or lost to its overruns, with latencies that are log-normal.
    fn misses(&self, candidate: &Candidate, longest: f64, preferences: &Preferences) -> f64 {
        let median = candidate.latency.p50.max(1e-6) * self.factor(candidate, longest);
        let spread = spread(&candidate.latency);
        let beyond = |limit: f64| normal_cdf((median / limit.max(1e-9)).ln() / spread);
        let late = beyond(preferences.budget);
        let lost: f64 = (1..=3).map(|it| beyond(f64::from(it) * preferences.period)).sum();
        (late + lost) / (1.0 + lost)
    }
}

/// Standard deviation of the logarithm of a run.
fn spread(of: &Latency) -> f64 {
    // 1.645 of them lie between the median and the 95th percentile.
    let known = of.p95.map(|it| (it / of.p50.max(1e-9)).ln() / 1.645);
    known.unwrap_or(SPREAD.0).max(SPREAD.1)
}

/// The best quality of those whose runs are short enough to be compared with; nobody where all are longer.
fn reference(
    candidates: &[Candidate],
    admitted: &[usize],
    calm: &[Terms],
    preferences: &Preferences,
) -> Option<usize> {
    let affordable = (0..admitted.len())
        .filter(|it| candidates[admitted[*it]].latency.p50 <= preferences.longest_comparison);
    affordable.max_by(|one, other| calm[*one].quality.total_cmp(&calm[*other].quality))
}

fn best_of(losses: &[f64], among: impl Iterator<Item = usize>) -> Option<usize> {
    among.min_by(|one, other| losses[*one].total_cmp(&losses[*other]))
}

fn least(losses: &[f64], among: impl Iterator<Item = usize>) -> f64 {
    among.map(|it| losses[it]).fold(f64::INFINITY, f64::min)
}
