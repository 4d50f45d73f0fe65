// SPDX-License-Identifier: MPL-2.0

use super::*;
use crate::policy::{Strategy, Weights};
use crate::random::Random;
use crate::recommend::{Clusters, Item, Resampling};
use crate::score::Statistic;

struct Mean(Vec<f64>);

impl Statistic for Mean {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let sum: f64 = self.0.iter().zip(weights).map(|it| it.0 * it.1).sum();
        (0.0 < total).then(|| sum / total)
    }
}

fn resampling(items: usize) -> Resampling {
    let items: Vec<Item> = (0..items)
        .map(|it| Item {
            clip: it as u32 / 10,
            ..Item::default()
        })
        .collect();
    Resampling::new(Clusters::new(&items), vec![1.0; items.len()], 500, 1)
}

/// A candidate whose scores are `quality` but for what all share of an item and some noise of its own.
fn candidate(quality: f64, latency: f64, complexity: f64, resampling: &Resampling, seed: u64) -> Candidate {
    let items = resampling.weights().len();
    let (mut shared, mut own) = (Random::new(7), Random::new(seed));
    let mut scores: Vec<f64> = (0..items)
        .map(|_| 0.02 * shared.normal() + 0.002 * own.normal())
        .collect();
    let mean = scores.iter().sum::<f64>() / items as f64;
    scores.iter_mut().for_each(|it| *it += quality - mean);
    Candidate {
        measures: vec![resampling.of(&Mean(scores)).unwrap()],
        latency: Latency {
            p50: latency,
            p95: Some(1.2 * latency),
            p99: None,
        },
        in_time: None,
        cpu: latency,
        memory: 1e6 * complexity,
        complexity,
        robustness_drop: 0.0,
        device: 0,
        excluded: None,
    }
}

/// S in seconds: of a budget of one.
fn preferences(lambda: f64) -> Preferences {
    Preferences {
        weights: Weights {
            latency: lambda,
            ..Weights::default()
        },
        budget: 1.0,
        period: 1.0,
        ..Preferences::default()
    }
}

/// Whether it may as well be the first.
fn is_tied_with_best(it: &Place) -> bool {
    it.to_best.as_ref().is_none_or(|it| it.is_tie)
}

fn worked_case(resampling: &Resampling) -> Vec<Candidate> {
    [(0.95, 0.3, 1.5), (0.90, 0.2, 2.0), (0.88, 0.1, 1.0)]
        .iter()
        .zip(10..)
        .map(|(it, seed)| candidate(it.0, it.1, it.2, resampling, seed))
        .collect()
}

#[test]
fn the_worked_case_recommends_c_and_says_what_would_change_it() {
    let resampling = resampling(200);
    let case = worked_case(&resampling);
    let ranking = rank(&case, &preferences(0.5), &resampling);
    let order: Vec<usize> = ranking.places.iter().map(|it| it.candidate).collect();
    assert_eq!(order, [2, 0, 1], "C, A, B");
    let (first, second) = (&ranking.places[0], &ranking.places[1]);
    let loss = first.loss.unwrap();
    assert!((loss.value - (0.05 - 0.88f64.ln())).abs() < 1e-9 && loss.covers(loss.value));
    assert!(first.best.unwrap() > 0.99 && first.to_best.is_none() && !is_tied_with_best(second));
    let versus = first.to_next.as_ref().unwrap();
    assert_eq!(
        (versus.candidate, second.to_best.as_ref().unwrap().candidate),
        (0, 2)
    );
    assert_eq!(
        versus.by.iter().map(|it| it.0).collect::<Vec<_>>(),
        [Term::Latency, Term::Quality]
    );
    // The two are equal where λ · 0.2 is ln(0.95 / 0.88).
    let lambda = f64::ln(0.95 / 0.88) / 0.2;
    assert!(
        versus
            .turns
            .iter()
            .any(|it| matches!(it, Turn::LatencyWeight(at) if (at - lambda).abs() < 1e-9))
    );
    let budget = 0.5 / lambda;
    assert!(
        versus
            .turns
            .iter()
            .any(|it| matches!(it, Turn::Budget(at) if (at - budget).abs() < 1e-9))
    );
    let beyond = |lambda| rank(&case, &preferences(lambda), &resampling).places[0].candidate;
    assert_eq!((beyond(lambda + 0.01), beyond(lambda - 0.01)), (2, 0));
    // B is slower than C and larger, and better; larger than A, faster and worse.
    assert!(ranking.places.iter().all(Place::is_on_front));
}

#[test]
fn a_difference_that_the_material_does_not_show_is_a_tie() {
    let resampling = resampling(200);
    let mut pair = vec![
        candidate(0.9000, 0.1, 1.0, &resampling, 1),
        candidate(0.9001, 0.1, 1.0, &resampling, 2),
        candidate(0.7, 0.1, 1.0, &resampling, 3),
    ];
    let ranking = rank(&pair, &preferences(0.0), &resampling);
    assert!(ranking.places[0].to_next.as_ref().unwrap().is_tie);
    assert!(is_tied_with_best(&ranking.places[1]) && !is_tied_with_best(&ranking.places[2]));
    assert_eq!(ranking.places[2].dominated_by, Some(0));
    pair[1].excluded = Some("the licence GPL-3.0 is not among those allowed".to_string());
    let ranking = rank(&pair, &preferences(0.0), &resampling);
    assert_eq!((ranking.places.len(), ranking.excluded[0].0), (2, 1));
    assert!(rank(&[], &preferences(0.0), &resampling).places.is_empty());
}

#[test]
fn two_frames_conclude_nothing() {
    let resampling = resampling(2);
    let case = worked_case(&resampling);
    let ranking = rank(&case, &preferences(0.5), &resampling);
    assert!(
        ranking
            .places
            .iter()
            .all(|it| it.loss.is_err() && is_tied_with_best(it))
    );
    let said = ranking.places[0].quality.unwrap_err().to_string();
    assert!(
        said.starts_with("nothing can be concluded from 2 items in 1 clips"),
        "{said}"
    );
}

#[test]
fn ranks_combine_measures_whose_scales_do_not_compare() {
    let resampling = resampling(200);
    let mut case = worked_case(&resampling);
    // A second measure on which the third is best by far, and the first worst.
    for (it, second) in case.iter_mut().zip([0.1, 0.11, 0.9]) {
        let measure = it.measures[0].map(|it| it / 0.9 * second);
        it.measures.push(measure);
    }
    let wanted = Preferences {
        measures: vec![1.0, 1.0],
        strategy: Strategy::Rank,
        ..preferences(0.0)
    };
    let quality = |it: &Place| it.terms.quality;
    let ranking = rank(&case, &wanted, &resampling);
    // Ranks 3 and 1, 2 and 2, 1 and 3 of three: all the same.
    assert!(ranking.places.iter().all(|it| (quality(it) - 0.5).abs() < 1e-9));
    assert!(ranking.places.iter().all(is_tied_with_best));
}

#[test]
fn damaged_material_and_misses_count_as_much_as_one_says() {
    let resampling = resampling(200);
    let mut case = worked_case(&resampling);
    case[0].robustness_drop = 0.5;
    case[0].in_time = resampling.of(&Mean(vec![0.9; 200]));
    let wanted = Preferences {
        robustness: 0.2,
        ..preferences(0.0)
    };
    let ranking = rank(&case, &wanted, &resampling);
    let first = ranking.places.iter().find(|it| it.candidate == 0).unwrap();
    assert!((first.loss.unwrap().value + (0.95f64 * 0.9 * 0.9).ln()).abs() < 1e-9);
}

/// Qualities and milliseconds of candidates at 25 frames a second.
fn catalog(figures: &[(f64, f64)], resampling: &Resampling) -> Vec<Candidate> {
    let one = |(index, it): (usize, &(f64, f64))| candidate(it.0, it.1 / 1e3, 1.0, resampling, index as u64);
    figures.iter().enumerate().map(one).collect()
}

#[test]
fn the_set_has_each_that_is_best_at_some_slowdown_and_no_other() {
    let resampling = resampling(200);
    let figures = [
        (0.62, 1.0),
        (0.80, 6.0),
        (0.79, 8.0),
        (0.90, 24.0),
        (0.802, 6.2),
        (0.93, 60.0),
    ];
    let mut candidates = catalog(&figures, &resampling);
    candidates.push(Candidate {
        excluded: Some("it needs 3 GB".to_string()),
        ..candidates[3].clone()
    });
    let set = set(&candidates, &Preferences::default());
    let members: Vec<usize> = set.members.iter().map(|it| it.candidate).collect();
    assert!(
        members.contains(&0) && members.contains(&3) && members.contains(&5),
        "{set:?}"
    );
    assert_eq!(members.len(), 4, "{set:?}");
    let of = |candidate| set.members.iter().find(|it| it.candidate == candidate).unwrap();
    assert_eq!(of(0).roles, [Role::Best, Role::Floor]);
    assert_eq!(
        (of(5).roles.as_slice(), of(5).levels),
        (&[Role::Reference][..], None),
        "60 ms are never in time"
    );
    let (from, to) = of(3).levels.unwrap();
    assert!(from == 1.0 && (1.2..1.7).contains(&to), "{from} to {to}");
    let why = |candidate| {
        &set.left_out
            .iter()
            .find(|it| it.candidate == candidate)
            .unwrap()
            .why
    };
    assert_eq!(*why(2), WhyNot::Never, "slower and worse than another");
    assert!(matches!(why(6), WhyNot::Excluded(_)));
    let double = if members.contains(&1) { 4 } else { 1 };
    assert!(
        matches!(why(double), WhyNot::Little(more) if *more <= 0.005),
        "{set:?}"
    );
}

#[test]
fn devices_that_are_loaded_apart_both_have_their_own() {
    let resampling = resampling(200);
    let mut candidates = catalog(&[(0.9, 10.0), (0.85, 10.0)], &resampling);
    let alone = set(&candidates, &Preferences::default());
    assert_eq!(alone.members.len(), 1);
    candidates[1].device = 1;
    assert_eq!(set(&candidates, &Preferences::default()).members.len(), 2);
    assert!(set(&[], &Preferences::default()).members.is_empty());
}

#[test]
fn lateness_is_in_the_interval_of_the_loss_and_a_term_of_its_own() {
    let resampling = resampling(200);
    let mut pair = vec![
        candidate(0.9, 0.1, 1.0, &resampling, 1),
        candidate(0.9, 0.1, 1.0, &resampling, 1),
    ];
    let without = rank(&pair, &preferences(0.0), &resampling);
    // It is late in three clips of twenty.
    let in_time = (0..200).map(|it| if it < 30 { 0.0 } else { 1.0 }).collect();
    pair[1].in_time = resampling.of(&Mean(in_time));
    let ranking = rank(&pair, &preferences(0.0), &resampling);
    let order: Vec<usize> = ranking.places.iter().map(|it| it.candidate).collect();
    assert_eq!(order, [0, 1]);
    let [own, late] = [&without.places[1], &ranking.places[1]].map(|it| it.loss.unwrap());
    assert!((late.value - own.value + 0.85f64.ln()).abs() < 1e-9);
    // 0.15 ± 0.17 of the frames, on the logarithm of 0.85.
    assert!(
        10.0 * own.half_width() < late.half_width() && 0.1 < late.half_width(),
        "{own:?} {late:?}"
    );
    let versus = ranking.places[0].to_next.as_ref().unwrap();
    assert!(
        matches!(versus.by[..], [(Term::Misses, by)] if (by + 0.85f64.ln()).abs() < 1e-9),
        "{versus:?}"
    );
}

/// Of three in a row of which each two neighbours cannot be told apart, the ends can.
#[test]
fn ties_make_no_chain() {
    let resampling = resampling(200);
    let mut indifferent = preferences(0.0);
    indifferent.indifference = 0.04;
    let row = [0.90, 0.87, 0.84].map(|it| candidate(it, 0.1, 1.0, &resampling, 1));
    let ranking = rank(&row, &indifferent, &resampling);
    let is_tie = |it: &Place| it.to_next.as_ref().map(|it| it.is_tie);
    assert_eq!(
        ranking.places.iter().map(is_tie).collect::<Vec<_>>(),
        [Some(true), Some(true), None]
    );
    let shared: Vec<_> = ranking.places.iter().map(|it| it.shared_with).collect();
    assert_eq!(shared, [None, Some(0), None]);
}

#[test]
fn one_member_of_the_set_begins_where_another_ends() {
    let resampling = resampling(200);
    let candidates = catalog(&[(0.6, 1.0), (0.8, 6.0), (0.93, 24.0)], &resampling);
    let set = set(&candidates, &Preferences::default());
    let mut levels: Vec<(f64, f64)> = set.members.iter().filter_map(|it| it.levels).collect();
    levels.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(1 < levels.len(), "{set:?}");
    assert_eq!(levels[0].0, 1.0);
    assert!((levels.last().unwrap().1 - 16.0).abs() < 1e-9, "{levels:?}");
    assert!(levels.windows(2).all(|it| it[0].1 == it[1].0), "{levels:?}");
}
