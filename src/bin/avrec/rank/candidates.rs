// SPDX-License-Identifier: MPL-2.0

//! Models as the arithmetic of recommendation knows them.

use gstavrec::library::conditions::{Conditions, Subject};
use gstavrec::quantile::median;
use gstavrec::recommend::{Candidate, Latency, Resampling, percentile};
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
        // On the items that the longest was measured on.
        let resampled =
            |own: &dyn Statistic, longest: &dyn Statistic| match measured.count() == whole.weights().len() {
                true => whole.of(own),
                false => whole.of_fewer(own, &drawn.order.weights(measured.count()), longest),
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
            let resampled = resampled(&*own.statistic, &*longest.statistic)?;
            Some(resampled.map(|it| own.probability(it)))
        };
        // A figure of which nothing is known is as bad as can be.
        let nothing = Share(vec![(0.0, 1.0); whole.weights().len()]);
        let known = |name| probability(name).or_else(|| whole.of(&nothing));
        let measures = match weights {
            [] => known(None).into_iter().collect(),
            some => some.iter().filter_map(|it| known(Some(&it.0))).collect(),
        };
        let at = |share| percentile(&measured.latencies, share).seconds();
        let entries = &results.entries[measured.model];
        let mean = |of: fn(&Entry) -> f64| entries.iter().map(of).sum::<f64>() / entries.len().max(1) as f64;
        let own = Share::in_time(entries, measured.count(), budget);
        let in_time = match own.0.iter().all(|it| it.0 == it.1) {
            true => None,
            false => {
                let longest = Share::in_time(&results.entries[longest.model], longest.count(), budget);
                resampled(&own, &longest).map(|it| it.map(|it| it.clamp(0.0, 1.0)))
            }
        };
        Candidate {
            measures,
            latency: Latency {
                p50: median(measured.latencies.iter().copied()).unwrap_or(0.0),
                p95: at(0.95),
                p99: at(0.99),
            },
            in_time,
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

/// What items have of what they could have: each with both numbers. 0 of nothing.
struct Share(Vec<(f64, f64)>);

impl Share {
    /// Runs within the budget, in seconds, of all runs of the first `count` items.
    fn in_time(entries: &[Entry], count: usize, budget: f64) -> Share {
        let within = |it: &u64| *it as f64 / 1e9 <= budget;
        let item = |it: &Entry| {
            let runs = &it.latencies_ns;
            let in_time = runs.iter().filter(|it| within(it)).count();
            (in_time as f64, runs.len() as f64)
        };
        Share(entries.iter().take(count).map(item).collect())
    }
}

impl Statistic for Share {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let (mut part, mut whole) = (0.0, 0.0);
        for (item, weight) in self.0.iter().zip(weights) {
            part += weight * item.0;
            whole += weight * item.1;
        }
        Some(if 0.0 < whole { part / whole } else { 0.0 })
    }
}
