// SPDX-License-Identifier: MPL-2.0

use super::Evidence::{Agreement, Claimed, Restoration, Stability};
use super::*;

fn quality(prior: Option<f64>) -> Quality {
    Quality::new(Prior {
        quality: prior,
        ..Prior::default()
    })
}

#[test]
fn the_prior_weighs_one_sample() {
    let mut it = quality(Some(0.9));
    it.scored(0.5, 1.0, Agreement);
    assert!((it.mean() - 0.7).abs() < 1e-9);
}

#[test]
fn a_prior_with_an_interval_weighs_what_it_is_worth() {
    for (sd, weight) in [
        (0.05, 1.0),
        (0.025, 4.0),
        (0.1, 0.25),
        (0.001, 10.0),
        (0.0, 10.0),
        (9.0, 0.04),
        (f64::NAN, 1.0),
    ] {
        let it = Quality::new(Prior {
            quality: Some(0.9),
            quality_sd: Some(sd),
            ..Prior::default()
        });
        assert!((it.weight - weight).abs() < 1e-9, "{sd}: {}", it.weight);
    }
}

#[test]
fn what_was_learned_before_counts_until_live_scores_outweigh_it() {
    let known = KnownQuality {
        mean: 0.7,
        score_sd: 0.03,
        weight: 10.0,
    };
    let mut it = quality(Some(0.9));
    it.recall(&known);
    assert_eq!(
        (it.mean(), it.source(), it.known()),
        (0.7, Source::Recalled, None)
    );
    for _ in 0..20 {
        it.scored(0.9, 1.0, Agreement);
    }
    assert!((it.mean() - 0.83).abs() < 0.01, "{}", it.mean());
    assert_eq!(it.source(), Source::Scored(Agreement));
    it.recall(&known);
    assert!(0.8 < it.mean(), "what is seen now counts");
    let mut sure = Quality::new(Prior {
        quality: Some(0.9),
        quality_sd: Some(0.01),
        ..Prior::default()
    });
    sure.recall(&KnownQuality { weight: 2.0, ..known });
    assert_eq!((sure.mean(), sure.known()), (0.9, None));
}

#[test]
fn a_score_is_agreement_times_the_quality_of_the_reference() {
    let mut it = quality(None);
    for _ in 0..200 {
        it.scored(0.9, 0.8, Agreement);
    }
    assert!((it.mean() - 0.72).abs() < 1e-3, "{}", it.mean());
    assert_eq!(it.scores(), 200);
}

#[test]
fn an_unknown_quality_is_the_middle_with_a_wide_doubt_and_learns_at_once() {
    let mut it = quality(None);
    assert_eq!(it.mean(), 0.5);
    assert!((it.sd() - 0.25).abs() < 1e-9);
    it.scored(0.9, 1.0, Agreement);
    assert!((it.mean() - 0.885).abs() < 0.001, "{}", it.mean()); // (0.04 * 0.5 + 0.9) / 1.04
    assert!(it.sd() < 0.06);
}

#[test]
fn the_reference_keeps_its_catalogue_value() {
    let mut it = Quality::new(Prior {
        quality: Some(0.92),
        is_reference: true,
        ..Prior::default()
    });
    it.scored(1.0, 0.92, Agreement);
    assert_eq!((it.mean(), it.scores()), (0.92, 0));
    assert_eq!(
        Quality::new(Prior {
            is_reference: true,
            ..Prior::default()
        })
        .mean(),
        1.0
    );
}

#[test]
fn old_scores_fade_after_sixty_samples() {
    let mut it = quality(Some(0.9));
    (0..500).for_each(|_| it.scored(0.9, 1.0, Agreement));
    (0..180).for_each(|_| it.scored(0.6, 1.0, Agreement));
    assert!(it.mean() < 0.62, "{}", it.mean());
}

#[test]
fn scattering_scores_leave_more_doubt_than_steady_ones() {
    let (mut steady, mut scattered) = (quality(Some(0.8)), quality(Some(0.8)));
    for i in 0..60 {
        steady.scored(0.8, 1.0, Agreement);
        scattered.scored(if i % 2 == 0 { 0.6 } else { 1.0 }, 1.0, Agreement);
    }
    assert!(3.0 * steady.sd() < scattered.sd());
}

#[test]
fn an_operators_word_outweighs_single_scores_and_corrects_the_reference() {
    let mut it = Quality::new(Prior {
        quality: Some(0.9),
        is_reference: true,
        ..Prior::default()
    });
    it.rated(0.2);
    assert!(it.mean() < 0.3, "{}", it.mean());
    (0..60).for_each(|_| it.scored(1.0, 1.0, Agreement));
    assert!(it.mean() < 0.3, "that it agrees with itself is no evidence");
}

#[test]
fn a_score_that_is_no_number_changes_nothing() {
    let mut it = quality(Some(0.8));
    it.scored(f64::NAN, 1.0, Agreement);
    assert_eq!((it.mean(), it.scores()), (0.8, 0));
}

#[test]
fn weaker_evidence_moves_the_mean_by_its_weight() {
    let mut it = quality(Some(0.9));
    it.scored(0.5, 1.0, Restoration);
    // A weight of 1 against one of 0.25.
    assert!(
        (it.mean() - (0.9 + 0.25 * 0.5) / 1.25).abs() < 1e-9,
        "{}",
        it.mean()
    );
    it.scored(0.1, 1.0, Stability);
    assert!(
        (it.mean() - (0.9 + 0.25 * 0.5 + 0.04 * 0.1) / 1.29).abs() < 1e-9,
        "{}",
        it.mean()
    );
}

#[test]
fn what_does_not_rest_on_the_reference_does_not_inherit_its_faults() {
    let (mut absolute, mut relative) = (quality(None), quality(None));
    for _ in 0..500 {
        absolute.scored(0.9, 0.5, Restoration);
        relative.scored(0.9, 0.5, Evidence::Calibrated);
    }
    assert!((absolute.mean() - 0.9).abs() < 0.01, "{}", absolute.mean());
    assert!((relative.mean() - 0.45).abs() < 0.01, "{}", relative.mean());
}

#[test]
fn one_good_comparison_outweighs_many_claims() {
    let mut it = quality(None);
    (0..10).for_each(|_| it.scored(1.0, 1.0, Claimed));
    it.scored(0.4, 1.0, Agreement);
    assert!(it.mean() < 0.6, "{}", it.mean());
}

#[test]
fn weak_evidence_leaves_its_doubt_however_steady_it_is() {
    let mut it = quality(None);
    (0..59).for_each(|_| it.scored(1.0, 1.0, Stability));
    // 60 times (0.05 / 0.25)², the prior included, are 2.4 comparisons.
    assert!(0.05 / 2.4f64.sqrt() - 1e-9 <= it.sd(), "{}", it.sd());
}

#[test]
fn the_source_is_what_the_mean_mostly_rests_on() {
    let mut it = quality(None);
    assert_eq!(it.source(), Source::Unknown);
    assert_eq!(quality(Some(0.5)).source(), Source::Catalogue);
    it.scored(0.9, 1.0, Stability);
    assert_eq!(it.source(), Source::Scored(Stability));
    it.scored(0.9, 1.0, Agreement);
    assert_eq!(it.source(), Source::Scored(Agreement));
    it.rated(0.9);
    assert_eq!(it.source(), Source::Operator);
    (0..200).for_each(|_| it.scored(0.9, 1.0, Agreement));
    assert_eq!(it.source(), Source::Scored(Agreement), "an old word fades");
}
