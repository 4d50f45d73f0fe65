// SPDX-License-Identifier: MPL-2.0

//! Makes of what was measured what is told: figures with intervals, places with reasons, and the set.

use gstavrec::policy::Weights;
use gstavrec::quantile::median;
use gstavrec::recommend::{
    Candidate, Clusters, DRAWS, FEWEST_ITEMS, Grouping, Percentile, Preferences, Ranking, Resampling, Role,
    Scale, Set, Standing, percentile, rank, rate, set,
};
use gstavrec::score::evaluation::{ClassFigure, Evaluation};

use super::args::Wishes;
use super::bench::{Bench, Question};
use super::candidates::{Ground, Measured, measured, too_large};
use super::contest::{Drawn, Results};
use super::findings::{
    ClassFindings, Excluded, Figure, Findings, LatencyFindings, MeasureTold, Member, ModelFindings, WorstItem,
};
use super::{promise, reasons, wrong};

/// Instances below which nothing is said of a class.
const FEWEST_INSTANCES: f64 = 10.0;

/// Items that are told as the worst ones.
const WORST: usize = 5;

/// Figures that are no quality of answers but say how they were given.
const BESIDE: [&str; 2] = ["agreement", "answered"];

/// Everything that is told of the models: measures, places, set.
pub fn summarize(wanted: &Wishes, bench: &Bench, drawn: &Drawn, results: &Results, findings: &mut Findings) {
    let seed = findings.settings.seed;
    let budget = findings.settings.budget_ms / 1e3;
    let mut counts: Vec<usize> = results.entries.iter().map(Vec::len).collect();
    for (model, cause) in results.failed.iter().enumerate() {
        if cause.is_some() {
            counts[model] = 0;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let measured: Vec<Measured> = (0..counts.len())
        .filter_map(|it| measured(it, results, counts[it]))
        .collect();
    let Some(longest) = measured.iter().find(|it| it.count() == most) else {
        return;
    };
    let (weights, wishes) = (&wanted.measures, preferences(wanted, budget));
    let whole = resampling(drawn, most, seed);
    findings.measures = measures(&measured, weights);
    findings.notes.extend(grouping(&whole, most));
    let ground = Ground {
        bench,
        results,
        drawn,
        whole: &whole,
        weights,
        budget,
    };
    let mut candidates: Vec<Candidate> = measured.iter().map(|it| ground.candidate(it, longest)).collect();
    for (candidate, it) in candidates.iter_mut().zip(&measured) {
        let too_large = || too_large(candidate, &bench.contenders[it.model], &wanted.conditions);
        candidate.excluded = wrong::always(it, weights, bench).or_else(too_large);
    }
    findings.notes.extend(wrong::unfound(&measured, bench));
    let names: Vec<&str> = measured
        .iter()
        .map(|it| bench.contenders[it.model].candidate.name.as_str())
        .collect();
    let ranking = rank(&candidates, &wishes, &whole);
    let excluded = ranking.excluded.iter().map(|(it, reason)| Excluded {
        name: names[*it].to_string(),
        reason: reason.clone(),
    });
    findings.excluded.extend(excluded);
    let mut place = 0;
    for (position, of) in ranking.places.iter().enumerate() {
        let it = &measured[of.candidate];
        if of.shared_with.is_none() {
            place = position + 1;
        }
        let leads = |it: &gstavrec::recommend::Place| it.shared_with == Some(of.candidate);
        let own = resampling(drawn, it.count(), seed);
        let mut told = model(it, bench, drawn, results, &own, &findings.measures, budget);
        told.place = place;
        told.is_tied = of.shared_with.is_some() || ranking.places.iter().any(leads);
        told.loss = Figure::of(&of.loss, cost(&ranking, position), it.count());
        told.quality = Figure::of(&of.quality, of.terms.quality, it.count());
        if is_reference(bench, it) {
            forget_intervals(&mut told);
        }
        told.behind = of.to_best.as_ref().and_then(|versus| {
            let it = versus.difference.as_ref().ok()?;
            Some(Figure::of(&Ok(*it), it.value, it.items))
        });
        told.best = of.best.unwrap_or(0.0);
        told.is_on_front = of.is_on_front();
        told.dominated_by = of.dominated_by.map(|it| names[it].to_string());
        told.reasons = reasons::of(&ranking, position, &names, budget);
        told.reasons.extend(stopped(results, it, bench));
        findings.models.push(told);
    }
    let set = set(&candidates, &wishes);
    findings.set = members(&set, &candidates, &measured, bench);
    promise::promise(
        &measured,
        &candidates,
        &wishes,
        (drawn, most),
        &whole,
        |it| is_reference(bench, it),
        findings,
    );
}

/// Whether it was compared with itself.
fn is_reference(bench: &Bench, measured: &Measured) -> bool {
    matches!(bench.question(), Some(Question::Agreement(it)) if *it == measured.model)
}

/// That a model agrees with itself is sure, and says nothing.
fn forget_intervals(told: &mut ModelFindings) {
    told.quality.interval = None;
    let classes = told.classes.iter_mut().map(|it| &mut it.figure);
    for figure in told.figures.iter_mut().chain(classes).flatten() {
        figure.interval = None;
    }
}

/// Why a model was not measured on all items.
fn stopped(results: &Results, measured: &Measured, bench: &Bench) -> Option<String> {
    let count = measured.count();
    Some(match results.standings.get(measured.model)? {
        Standing::Out { by } => format!(
            "it was stopped after {count} items: {} is surely better, and at least as fast and small.",
            bench.contenders[*by].candidate.name
        ),
        Standing::Halved => {
            format!("it was stopped after {count} items, to spend the rest on others; its place is not sure.")
        }
        _ => return None,
    })
}

fn cost(ranking: &Ranking, position: usize) -> f64 {
    let place = &ranking.places[position];
    place
        .loss
        .as_ref()
        .map_or_else(|it| it.value.unwrap_or(0.0), |it| it.value)
}

fn preferences(wishes: &Wishes, budget: f64) -> Preferences {
    let usual = Preferences::default();
    let measures = wishes.measures.iter().map(|it| it.1).collect::<Vec<_>>();
    Preferences {
        measures: if measures.is_empty() {
            usual.measures.clone()
        } else {
            measures
        },
        weights: Weights {
            latency: wishes.lambda_latency,
            complexity: wishes.lambda_cost,
            ..usual.weights
        },
        strategy: wishes.strategy,
        budget,
        period: budget,
        robustness: wishes.robustness,
        ..usual
    }
}

/// Resamples of the first `count` items of the order.
fn resampling(drawn: &Drawn, count: usize, seed: u64) -> Resampling {
    let clusters = Clusters::new(&drawn.items[..count]);
    Resampling::new(clusters, drawn.order.weights(count), DRAWS, seed)
}

/// Of what the intervals are, where that is less than one would think.
fn grouping(resampling: &Resampling, items: usize) -> Option<String> {
    match resampling.clusters().by() {
        Grouping::Clips => None,
        _ if items < FEWEST_ITEMS => Some(format!(
            "nothing can be concluded from {items} items; give more material"
        )),
        Grouping::Blocks { seconds } => Some(format!(
            "intervals are made of stretches of {seconds:.1} s: they hold for more of these clips, not for others; give several \
             clips for that"
        )),
        _ => Some("intervals are made of single items, as if these were independent of each other".into()),
    }
}

/// The task's measures, those that somebody weighs first.
fn measures(measured: &[Measured], weights: &[(String, f64)]) -> Vec<MeasureTold> {
    let Some(first) = measured.first() else {
        return Vec::new();
    };
    let figures = first
        .evaluation
        .figures
        .iter()
        .filter(|it| !BESIDE.contains(&it.name));
    let mut told: Vec<MeasureTold> = figures
        .map(|it| MeasureTold {
            name: it.name.to_string(),
            unit: it.unit.to_string(),
            higher_is_better: it.higher_is_better,
        })
        .collect();
    let weight = |it: &MeasureTold| {
        weights
            .iter()
            .find(|(name, _)| *name == it.name)
            .map_or(0.0, |it| it.1)
    };
    told.sort_by(|one, other| weight(other).total_cmp(&weight(one)));
    told
}

fn model(
    measured: &Measured,
    bench: &Bench,
    drawn: &Drawn,
    results: &Results,
    resampling: &Resampling,
    measures: &[MeasureTold],
    budget: f64,
) -> ModelFindings {
    let contender = &bench.contenders[measured.model];
    let entries = &results.entries[measured.model][..measured.evaluation.per_item.len()];
    let told = |measure: &MeasureTold| {
        let it = measured.evaluation.figure(&measure.name)?;
        let resampled = resampling.of(&*it.statistic)?;
        let scale = if it.unit.is_empty() {
            Scale::Share
        } else {
            Scale::Real
        };
        Some(Figure::of(
            &resampling.estimate(&resampled, scale),
            resampled.value,
            entries.len(),
        ))
    };
    let count = entries.len().max(1) as f64;
    let energies: Option<Vec<u64>> = entries.iter().map(|it| it.energy_uj).collect();
    let source = match contender.candidate.model() {
        Some(path) => path.display().to_string(),
        None => contender.key.clone(),
    };
    ModelFindings {
        name: contender.candidate.name.clone(),
        source,
        sha256: contender.sha256.clone(),
        license: contender.candidate.license.clone(),
        figures: measures.iter().map(told).collect(),
        classes: classes(&measured.evaluation, bench, resampling),
        latency: latency(&measured.latencies, budget),
        processor_ms: entries.iter().map(|it| it.processor_ns as f64 / 1e6).sum::<f64>() / count,
        memory: entries.iter().map(|it| it.memory).max().unwrap_or(0),
        energy: energies.map(|it| it.iter().sum::<u64>() as f64 / 1e6 / count),
        cost: contender.candidate.cost,
        unanswered: entries.iter().filter(|it| !it.observation.is_answered).count(),
        robustness: results.robustness[measured.model].clone(),
        adversarial: results.adversarial[measured.model].clone(),
        worst: worst(&measured.evaluation, bench, drawn),
        ..ModelFindings::default()
    }
}

fn latency(latencies: &[f64], budget: f64) -> LatencyFindings {
    let told = |share| match percentile(latencies, share) {
        Percentile::Known(it) => Some(Figure {
            value: 1e3 * it.value,
            interval: Some((1e3 * it.low, 1e3 * it.high)),
            items: it.items,
        }),
        Percentile::TooFew { .. } => None,
    };
    let median = median(latencies.iter().copied()).unwrap_or(0.0);
    let within = latencies.iter().filter(|it| **it <= budget).count();
    LatencyFindings {
        runs: latencies.len(),
        p50: told(0.5).unwrap_or(Figure {
            value: 1e3 * median,
            interval: None,
            items: latencies.len(),
        }),
        p95: told(0.95),
        p99: told(0.99),
        within: within as f64 / latencies.len().max(1) as f64,
        rate: if 0.0 < median { 1.0 / median } else { 0.0 },
    }
}

/// The first measure that tells classes apart.
fn classes(evaluation: &Evaluation, bench: &Bench, resampling: &Resampling) -> Vec<ClassFindings> {
    let Some(measure) = evaluation.figures.iter().find(|it| !it.per_class.is_empty()) else {
        return Vec::new();
    };
    let is_recall = ["recall", "balanced-accuracy"].contains(&measure.name);
    let told = |it: &ClassFigure| {
        let value = it.statistic.value(resampling.weights());
        let figure = value.filter(|_| FEWEST_INSTANCES <= it.support).map(|value| {
            let hits = (value * it.support).round() as usize;
            let wilson = rate(hits, it.support as usize).filter(|_| is_recall);
            let interval = wilson.map(|it| (it.low, it.high)).or_else(|| {
                let resampled = resampling.of(&*it.statistic)?;
                let estimate = resampling.estimate(&resampled, Scale::Share).ok()?;
                Some((estimate.low, estimate.high))
            });
            Figure {
                value,
                interval,
                items: it.support as usize,
            }
        });
        ClassFindings {
            name: bench.classes.name(it.class).into_owned(),
            support: it.support,
            measure: measure.name.to_string(),
            figure,
        }
    };
    measure
        .per_class
        .iter()
        .filter(|it| 0.0 < it.support)
        .map(told)
        .collect()
}

fn worst(evaluation: &Evaluation, bench: &Bench, drawn: &Drawn) -> Vec<WorstItem> {
    let mut items: Vec<(usize, f64)> = evaluation
        .per_item
        .iter()
        .enumerate()
        .filter_map(|(at, it)| Some((at, (*it)?)))
        .collect();
    items.sort_by(|one, other| one.1.total_cmp(&other.1));
    let told = |&(at, agreement): &(usize, f64)| {
        let place = drawn.places[at];
        WorstItem {
            path: bench.material.clips[place.clip].path.display().to_string(),
            index: place.index,
            seconds: bench.material.seen(place).time.as_secs_f64(),
            agreement,
        }
    };
    items.iter().take(WORST).map(told).collect()
}

fn members(set: &Set, candidates: &[Candidate], measured: &[Measured], bench: &Bench) -> Vec<Member> {
    let told = |it: &gstavrec::recommend::Member| {
        let has = |role: Role| it.roles.contains(&role);
        let roles = [(Role::Floor, "floor"), (Role::Reference, "reference")];
        Member {
            name: bench.contenders[measured[it.candidate].model]
                .candidate
                .name
                .clone(),
            roles: roles
                .iter()
                .filter(|it| has(it.0))
                .map(|it| it.1.to_string())
                .collect(),
            slowdown: it.levels,
            reason: reasons::of_member(it),
        }
    };
    let mut members: Vec<(f64, Member)> = set
        .members
        .iter()
        .map(|it| (candidates[it.candidate].latency.p50, told(it)))
        .collect();
    members.sort_by(|one, other| one.0.total_cmp(&other.0));
    members.into_iter().map(|it| it.1).collect()
}
