// SPDX-License-Identifier: MPL-2.0

//! The order of candidates, and how sure it is.

use super::candidate::{Candidate, Preferences, loss, qualities, terms};
use super::versus::Versus;
use crate::policy::Terms;
use crate::recommend::{Estimate, Resampled, Resampling, Scale, TooLittle};

/// All candidates in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// The smallest loss first.
    pub places: Vec<Place>,
    /// Those that conditions exclude, with the reasons.
    pub excluded: Vec<(usize, String)>,
}

/// One candidate's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// By its position in what was ranked.
    pub candidate: usize,
    /// What its loss is made of.
    pub terms: Terms,
    /// P, by the strategy.
    pub quality: Result<Estimate, TooLittle>,
    pub loss: Result<Estimate, TooLittle>,
    /// Share of the resamples in which it has the smallest loss; `None` without resamples.
    pub best: Option<f64>,
    /// Against the one at the first place; `None` of the first.
    pub to_best: Option<Versus>,
    /// Against the one at the next place, which is what its own place rests on; `None` of the last.
    pub to_next: Option<Versus>,
    /// The one whose place it shares, since it is tied with that: the first one before it that shares nobody's. Ties make no
    /// chain: of three of which each is tied with the next, the last may be behind the first.
    pub shared_with: Option<usize>,
    /// One that is no worse in quality, latency and memory and better in one of them.
    pub dominated_by: Option<usize>,
}

impl Place {
    /// Whether nobody dominates it: it is on the Pareto front of quality, latency and memory.
    pub fn is_on_front(&self) -> bool {
        self.dominated_by.is_none()
    }
}

/// Puts candidates into the order of their losses.
pub fn rank(candidates: &[Candidate], preferences: &Preferences, resampling: &Resampling) -> Ranking {
    let admitted: Vec<usize> = (0..candidates.len())
        .filter(|it| candidates[*it].excluded.is_none())
        .collect();
    let qualities = qualities(candidates, &admitted, preferences);
    let terms: Vec<Terms> = (admitted.iter().zip(&qualities))
        .map(|(it, quality)| terms(&candidates[*it], quality.value, preferences))
        .collect();
    let losses: Vec<Resampled> = (admitted.iter().zip(&qualities).zip(&terms))
        .map(|((it, quality), terms)| loss(&candidates[*it], quality, terms, &preferences.weights))
        .collect();
    let best = shares_of_best(&losses, resampling.draws());
    let mut order: Vec<usize> = (0..admitted.len()).collect();
    order.sort_by(|one, other| losses[*one].value.total_cmp(&losses[*other].value));
    let against = |one: usize, other: usize| {
        let (terms, losses) = ([&terms[one], &terms[other]], [&losses[one], &losses[other]]);
        let difference = resampling.difference(losses[1], losses[0]);
        Versus::new(admitted[other], difference, terms, preferences)
    };
    let mut leader = 0;
    let shared_with = (0..order.len()).map(|rank| {
        let is_shared = leader < rank && against(order[leader], order[rank]).is_tie;
        leader = if is_shared { leader } else { rank };
        is_shared.then(|| admitted[order[leader]])
    });
    let shared_with: Vec<Option<usize>> = shared_with.collect();
    let place = |(rank, it): (usize, &usize)| Place {
        candidate: admitted[*it],
        terms: terms[*it],
        quality: resampling.estimate(&qualities[*it], Scale::Share),
        loss: resampling.estimate(&losses[*it], Scale::Real),
        best: best.get(*it).copied(),
        to_best: (0 < rank).then(|| against(order[0], *it)).map(|versus| Versus {
            candidate: admitted[order[0]],
            ..versus
        }),
        to_next: order.get(rank + 1).map(|next| against(*it, *next)),
        shared_with: shared_with[rank],
        dominated_by: dominating(candidates, &admitted, &qualities, *it),
    };
    let is_excluded = |(index, it): (usize, &Candidate)| Some((index, it.excluded.clone()?));
    Ranking {
        places: order.iter().enumerate().map(place).collect(),
        excluded: candidates.iter().enumerate().filter_map(is_excluded).collect(),
    }
}

/// For each candidate, the share of the resamples in which its loss is the smallest.
fn shares_of_best(losses: &[Resampled], draws: usize) -> Vec<f64> {
    if draws == 0 {
        return Vec::new();
    }
    let mut counts = vec![0.0; losses.len()];
    let mut judged = 0.0;
    for draw in 0..draws {
        let known = losses
            .iter()
            .map(|it| it.draws[draw])
            .enumerate()
            .filter(|it| it.1.is_finite());
        if let Some((best, _)) = known.min_by(|one, other| one.1.total_cmp(&other.1)) {
            counts[best] += 1.0;
            judged += 1.0;
        }
    }
    counts.iter().map(|it| it / f64::max(judged, 1.0)).collect()
}

/// The candidate of the smallest latency that dominates this one.
fn dominating(
    candidates: &[Candidate],
    admitted: &[usize],
    qualities: &[Resampled],
    index: usize,
) -> Option<usize> {
    let figures = |it: usize| {
        let candidate = &candidates[admitted[it]];
        [-qualities[it].value, candidate.latency.p50, candidate.memory]
    };
    let own = figures(index);
    let dominates = |it: &usize| {
        let other = figures(*it);
        let mut pairs = other.iter().zip(&own);
        pairs.all(|(other, own)| other <= own) && other != own
    };
    let others = (0..admitted.len()).filter(dominates);
    let latency = |it: &usize| candidates[admitted[*it]].latency.p50;
    others
        .min_by(|one, other| latency(one).total_cmp(&latency(other)))
        .map(|it| admitted[it])
}
