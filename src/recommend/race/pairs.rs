// SPDX-License-Identifier: MPL-2.0

//! What is known of each two models of a race.

use super::rules::{Entrant, Rules};
use crate::policy::Terms;
use crate::recommend::{Clusters, Order, Resampled, Resampling, Scale};
use crate::score::Statistic;

/// Log-quality and loss of a model on the items of a look.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    quality: Resampled,
    loss: Resampled,
}

/// How two figures of which smaller ones are better lie to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Relation {
    #[default]
    Open,
    /// The first is surely better, or surely worse.
    Better,
    Worse,
    /// They differ by less than the indifference.
    Equal,
}

impl Relation {
    fn reversed(self) -> Relation {
        match self {
            Relation::Better => Relation::Worse,
            Relation::Worse => Relation::Better,
            other => other,
        }
    }
}

/// The first items of an order as a sample of all of them.
pub(super) struct Sample {
    resampling: Resampling,
    /// Probability of an error in one comparison.
    error: f64,
}

impl Sample {
    pub(super) fn new(order: &Order, items: usize, seed: u64, error: f64) -> Sample {
        let clusters = Clusters::of_each(items);
        let resampling = Resampling::new(clusters, order.weights(items), 0, seed);
        Sample {
            resampling: resampling.from_population(order.len()),
            error,
        }
    }

    /// What a model's answers to the sample come to; `None` where they say nothing.
    pub(super) fn of(
        &self,
        quality: Option<&dyn Statistic>,
        entrant: Entrant,
        rules: &Rules,
    ) -> Option<Seen> {
        let quality = quality.filter(|it| it.len() == self.resampling.weights().len())?;
        let quality = self.resampling.of(quality)?;
        let cost = |quality: f64, weighed: bool| {
            let terms = Terms {
                quality,
                latency: entrant.latency / rules.budget.max(1e-9),
                complexity: entrant.complexity,
                ..Terms::default()
            };
            match weighed {
                true => terms.cost(&rules.weights),
                false => terms.cost(&Default::default()),
            }
        };
        Some(Seen {
            loss: quality.map(|it| cost(it, true)),
            quality: quality.map(|it| cost(it, false)),
        })
    }

    fn relation(&self, one: &Resampled, other: &Resampled, indifference: f64) -> Relation {
        let difference = one.less(other);
        match self
            .resampling
            .estimate_with(&difference, Scale::Real, self.error)
        {
            Ok(it) if it.high < 0.0 => Relation::Better,
            Ok(it) if 0.0 < it.low => Relation::Worse,
            Ok(it) if -indifference < it.low && it.high < indifference => Relation::Equal,
            _ => Relation::Open,
        }
    }
}

/// All pairs of the models of a race. What was once decided stays.
pub(super) struct Pairs {
    seen: Vec<Option<Seen>>,
    /// Of qualities and of losses, by the first and the second.
    qualities: Vec<Vec<Relation>>,
    losses: Vec<Vec<Relation>>,
}

impl Pairs {
    pub(super) fn new(models: usize) -> Pairs {
        Pairs {
            seen: vec![None; models],
            qualities: vec![vec![Relation::Open; models]; models],
            losses: vec![vec![Relation::Open; models]; models],
        }
    }

    pub(super) fn saw(&mut self, model: usize, seen: Seen) {
        self.seen[model] = Some(seen);
    }

    /// Compares each two of these models, which saw the same sample.
    pub(super) fn decide(&mut self, models: &[usize], sample: &Sample, indifference: f64) {
        for (at, one) in models.iter().enumerate() {
            for other in &models[at + 1..] {
                let (Some(a), Some(b)) = (&self.seen[*one], &self.seen[*other]) else {
                    continue;
                };
                for (relations, a, b) in [
                    (&mut self.qualities, &a.quality, &b.quality),
                    (&mut self.losses, &a.loss, &b.loss),
                ] {
                    if relations[*one][*other] == Relation::Open {
                        let relation = sample.relation(a, b, indifference);
                        relations[*one][*other] = relation;
                        relations[*other][*one] = relation.reversed();
                    }
                }
            }
        }
    }

    /// Whether the first is surely better in quality.
    pub(super) fn is_better(&self, one: usize, other: usize) -> bool {
        self.qualities[one][other] == Relation::Better
    }

    /// Whether the first has surely the smaller loss.
    pub(super) fn is_cheaper(&self, one: usize, other: usize) -> bool {
        self.losses[one][other] == Relation::Better
    }

    pub(super) fn is_quality_known(&self, one: usize, other: usize) -> bool {
        self.qualities[one][other] != Relation::Open
    }

    pub(super) fn is_cost_known(&self, one: usize, other: usize) -> bool {
        self.losses[one][other] != Relation::Open
    }

    /// The model of the smallest loss.
    pub(super) fn best(&self, among: &[usize]) -> Option<usize> {
        let mut among = among.to_vec();
        self.sort_by_cost(&mut among);
        among.first().copied()
    }

    /// The smallest loss first.
    pub(super) fn sort_by_cost(&self, models: &mut [usize]) {
        let loss = |it: &usize| self.seen[*it].as_ref().map_or(f64::INFINITY, |it| it.loss.value);
        models.sort_by(|one, other| loss(one).total_cmp(&loss(other)));
    }
}
