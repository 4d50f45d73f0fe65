// SPDX-License-Identifier: MPL-2.0

//! Two candidates beside each other: by what the one is ahead of the other, and what would turn that round.

use crate::policy::Terms;
use crate::recommend::{Estimate, TooLittle};

use super::candidate::Preferences;

/// A candidate that is behind, seen from the one that is ahead of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Versus {
    /// The other of the two.
    pub candidate: usize,
    /// Loss of the one behind less that of the one ahead.
    pub difference: Result<Estimate, TooLittle>,
    /// Whether the two are told as equal: nothing can be concluded, the interval has 0, or all of it is within the
    /// indifference.
    pub is_tie: bool,
    /// What each term adds to the difference, the largest first; below 0 where the one behind is better.
    pub by: Vec<(Term, f64)>,
    /// What would make the two equal, each alone.
    pub turns: Vec<Turn>,
}

/// A term of the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// -ln of the probability that an answer is right.
    Quality,
    /// Frames that are not answered in time: what they take from that probability, and the price on them.
    Misses,
    /// λS.
    Latency,
    /// C.
    Complexity,
}

/// A wish or a figure at which two candidates are equal, the others as they are; beyond it the one behind wins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn {
    /// λ at this value.
    LatencyWeight(f64),
    /// The weight of complexity at this value.
    ComplexityWeight(f64),
    /// The budget at so many seconds, if as many runs were inside it.
    Budget(f64),
    /// So much more quality of the one behind.
    Quality(f64),
}

impl Versus {
    /// `terms` of the one ahead and of the one behind.
    pub(super) fn new(
        candidate: usize,
        difference: Result<Estimate, TooLittle>,
        terms: [&Terms; 2],
        preferences: &Preferences,
    ) -> Versus {
        let is_tie = match &difference {
            Err(_) => true,
            Ok(it) => it.covers(0.0) || it.low.abs().max(it.high.abs()) <= preferences.indifference,
        };
        Versus {
            candidate,
            difference,
            is_tie,
            by: by(terms, preferences),
            turns: turns(terms, preferences),
        }
    }
}

fn by([ahead, behind]: [&Terms; 2], preferences: &Preferences) -> Vec<(Term, f64)> {
    let weights = &preferences.weights;
    let plain = |it: &Terms| it.cost(&Default::default());
    let right = |it: &Terms| plain(&Terms { miss: 0.0, ..*it });
    let late = |it: &Terms| plain(it) - right(it) + weights.miss * it.miss;
    let mut by = vec![
        (Term::Quality, right(behind) - right(ahead)),
        (Term::Misses, late(behind) - late(ahead)),
        (Term::Latency, weights.latency * (behind.latency - ahead.latency)),
        (
            Term::Complexity,
            weights.complexity * (behind.complexity - ahead.complexity),
        ),
    ];
    by.retain(|it| it.1 != 0.0);
    by.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()));
    by
}

fn turns([ahead, behind]: [&Terms; 2], preferences: &Preferences) -> Vec<Turn> {
    let weights = &preferences.weights;
    let difference = behind.cost(weights) - ahead.cost(weights);
    let mut turns = Vec::new();
    // The weight of a term at which the losses are equal.
    let weight = |now: f64, ahead: f64, behind: f64| {
        let at = now - difference / (behind - ahead);
        (at.is_finite() && 0.0 <= at).then_some(at)
    };
    turns.extend(weight(weights.latency, ahead.latency, behind.latency).map(Turn::LatencyWeight));
    turns.extend(weight(weights.complexity, ahead.complexity, behind.complexity).map(Turn::ComplexityWeight));
    let latency = weights.latency * (behind.latency - ahead.latency);
    let budget = -preferences.budget * latency / (difference - latency);
    turns.extend((budget.is_finite() && 0.0 < budget).then_some(Turn::Budget(budget)));
    let in_time = 1.0 - behind.miss;
    let right = behind.quality * in_time + behind.floor * behind.miss;
    let more = right * difference.exp_m1() / in_time;
    turns.extend((more.is_finite() && behind.quality + more <= 1.0).then_some(Turn::Quality(more)));
    turns
}
