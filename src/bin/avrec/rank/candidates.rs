// SPDX-License-Identifier: MPL-2.0

//! Models as the arithmetic of recommendation knows them.

use gstavrec::library::conditions::{Conditions, Subject};
use gstavrec::quantile::median;
use gstavrec::recommend::{Candidate, Latency, Resampled, Resampling, percentile};
use gstavrec::score::Statistic;
use gstavrec::score::evaluation::Evaluation;

use super::bench::Bench;
use super::cache::Entry;
use super::contenders::Contender;
use super::contest::{Drawn, Results};

/// A model's figures on the first items that it was measured on.
pub struct Measured {
    pub model: usize,
    pub evaluation: Evaluation,
    pub latencies: Vec<f64>,
}

/// What all models have in common.
pub struct Ground<'a> {
    pub bench: &'a Bench,
    pub results: &'a Results,
    pub drawn: &'a Drawn,
    /// Of the items that the longest was measured on.
    pub whole: &'a Resampling,
    /// Of measures, by their names.
    pub weights: &'a [(String, f64)],
    /// Time that a frame may take, in seconds.
    pub budget: f64,
}

impl Measured {
    /// Items that it was measured on.
    pub fn count(&self) -> usize {
        self.evaluation.per_item.len()
    }
}

/// All figures of a model on its first items; `None` where they say nothing.
pub fn measured(model: usize, results: &Results, count: usize) -> Option<Measured> {
    let evaluation = Evaluation::new(&results.observations(model, count)).ok()?;
    let entries = results.entries[model].iter().take(count);
    let latencies = entries.flat_map(|it| &it.latencies_ns).map(|it| *it as f64 / 1e9);
    Some(Measured {
        model,
        evaluation,
        latencies: latencies.collect(),
    })
}

impl Ground<'_> {
    /// A model as it was measured; `longest` was measured on all items.
    pub fn candidate(&self, measured: &Measured, longest: &Measured) -> Candidate {
        let Ground {
            bench,
            results,
            drawn,
            whole,
            weights,
            budget,
        } = *self;
        let contender = &bench.contenders[measured.model];
        // A figure of which nothing is known is as bad as can be.
        let nothing = || {
            whole.of(&Nothing(whole.weights().len())).unwrap_or(Resampled {
                value: 0.0,
                without: Vec::new(),
                draws: vec![0.0; whole.draws()],
            })
        };
        let of = |it: &'_ Measured, name: Option<&str>| match name {
            Some(name) => it.evaluation.figures.iter().position(|it| it.name == name),
            None => Some(0),
        };
        let probability = |name: Option<&str>| {
            let at = of(measured, name)?;
            let (own, longest) = (
                measured.evaluation.figures.get(at)?,
                longest.evaluation.figures.get(at)?,
            );
            let resampled = match measured.count() == whole.weights().len() {
                true => whole.of(&*own.statistic),
                false => whole.of_fewer(
                    &*own.statistic,
                    &drawn.order.weights(measured.count()),
                    &*longest.statistic,
                ),
            };
            Some(resampled?.map(|it| own.probability(it)))
        };
        let measures = match weights {
            [] => vec![probability(None).unwrap_or_else(nothing)],
            some => some
                .iter()
                .map(|it| probability(Some(&it.0)).unwrap_or_else(nothing))
                .collect(),
        };
        let at = |share| percentile(&measured.latencies, share).seconds();
        let entries = &results.entries[measured.model];
        let mean = |of: fn(&Entry) -> f64| entries.iter().map(of).sum::<f64>() / entries.len().max(1) as f64;
        let within = measured.latencies.iter().filter(|it| **it <= budget).count();
        Candidate {
            measures,
            latency: Latency {
                p50: median(measured.latencies.iter().copied()).unwrap_or(0.0),
                p95: at(0.95),
                p99: at(0.99),
            },
            in_budget: within as f64 / measured.latencies.len().max(1) as f64,
            cpu: mean(|it| it.processor_ns as f64 / 1e9),
            memory: entries.iter().map(|it| it.memory as f64).fold(0.0, f64::max),
            complexity: contender.candidate.cost,
            robustness_drop: results.robustness[measured.model]
                .as_ref()
                .map_or(0.0, |it| it.mean_drop),
            device: 0,
            excluded: None,
        }
    }
}

/// Why the memory that was measured excludes it.
pub fn too_large(candidate: &Candidate, contender: &Contender, conditions: &Conditions) -> Option<String> {
    let mut subject = Subject::from(&contender.candidate);
    subject.memory = Some(candidate.memory as u64);
    conditions.exclusion(subject).map(|it| it.to_string())
}

/// A figure that is 0 whatever the items weigh.
struct Nothing(usize);

impl Statistic for Nothing {
    fn len(&self) -> usize {
        self.0
    }

    fn value(&self, _: &[f64]) -> Option<f64> {
        Some(0.0)
    }
}
