// SPDX-License-Identifier: MPL-2.0

//! Laws of the measures: ranges, symmetry, and what is equal agrees.

use gstavrec::answer::{Answer, ClassMap, ClassScore, Detection, Instance, Mask, Region, Text};
use gstavrec::score::distribution::total_variation;
use gstavrec::score::evaluation::{Terms, evaluate};
use gstavrec::score::overlap::{coverage_iou, mean_iou, panoptic_quality};
use gstavrec::score::rank::rank_correlation;
use gstavrec::score::sound::Energies;
use gstavrec::score::stability::{of_detections, stability};
use gstavrec::score::{Calibration, Content, MeanPrecision, Plane, Record, average_precision, detection};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::counting::allocations;

/// Any bits: infinities, NaN and subnormal numbers too.
fn any_float() -> impl Strategy<Value = f32> {
    prop_oneof![3 => 0.0f32..1.0, 1 => any::<u32>().prop_map(f32::from_bits)]
}

/// Boxes that overlap now and then; now and then one that is no box.
fn boxes() -> impl Strategy<Value = Vec<Detection>> {
    let place = || prop_oneof![9 => 0.0f32..60.0, 1 => any_float()];
    let one = (place(), place(), place(), place(), 0u32..3, any_float());
    vec(
        one.prop_map(|(left, top, width, height, class, confidence)| Detection {
            region: Region {
                left,
                top,
                width,
                height,
            },
            class,
            confidence,
            ..Detection::default()
        }),
        0..12,
    )
}

/// Boxes that could be found, no two of like confidence.
fn proper_boxes() -> impl Strategy<Value = Vec<Detection>> {
    let one = (0.0f32..60.0, 0.0f32..60.0, 4.0f32..40.0, 4.0f32..40.0, 0u32..3);
    vec(one, 0..12).prop_map(|all| {
        let confidence = |at: usize| 1.0 - at as f32 / 16.0;
        let detection =
            |(at, (left, top, width, height, class)): (usize, (f32, f32, f32, f32, u32))| Detection {
                region: Region {
                    left,
                    top,
                    width,
                    height,
                },
                class,
                confidence: confidence(at),
                ..Detection::default()
            };
        all.into_iter().enumerate().map(detection).collect()
    })
}

fn classes() -> impl Strategy<Value = Vec<ClassScore>> {
    let one = (0u32..5, any_float()).prop_map(|(class, confidence)| ClassScore { class, confidence });
    vec(one, 0..6)
}

fn map() -> impl Strategy<Value = ClassMap> {
    (1usize..9, 1usize..9).prop_flat_map(|(width, height)| {
        vec(0u8..4, width * height).prop_map(move |classes| ClassMap {
            width,
            height,
            classes,
        })
    })
}

fn plane() -> impl Strategy<Value = Plane> {
    (1usize..20, 1usize..20).prop_flat_map(|(width, height)| {
        vec(any::<u8>(), width * height).prop_map(move |samples| Plane {
            samples,
            width,
            height,
        })
    })
}

fn instances() -> impl Strategy<Value = Vec<Instance>> {
    (boxes(), vec(any::<u8>(), 4)).prop_map(|(boxes, coverage)| {
        let instance = |detection: &Detection| Instance {
            detection: detection.clone(),
            mask: Mask {
                width: 2,
                height: 2,
                coverage: coverage.clone(),
            },
        };
        boxes.iter().map(instance).collect()
    })
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        boxes().prop_map(|it| Content::Said(Answer::Detections(it))),
        classes().prop_map(|it| Content::Said(Answer::Classes(it))),
        map().prop_map(|it| Content::Said(Answer::ClassMap(it))),
        instances().prop_map(|it| Content::Said(Answer::Instances(it))),
        any_float().prop_map(|it| Content::Said(Answer::Score(it))),
        ("[a-cäü ]{0,9}", any_float())
            .prop_map(|(text, confidence)| Content::Said(Answer::Text(Text { text, confidence }))),
        plane().prop_map(Content::Picture),
        plane().prop_map(Content::Coverage),
        vec(vec(any_float(), 0..9), 0..3).prop_map(Content::Sound),
    ]
}

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

proptest! {
    #[test]
    fn figures_of_any_boxes_are_shares(items in vec((boxes(), boxes()), 0..4), weight in 0.0f64..3.0) {
        let boxes = |all: Vec<Detection>| Content::Said(Answer::Detections(all));
        let items: Vec<_> = items.into_iter().map(|(found, truth)| (Some(boxes(found)), boxes(truth))).collect();
        if let Ok(evaluation) = evaluate(&items, &Terms::default()) {
            for figure in &evaluation.figures {
                let value = figure.statistic.value(&vec![weight; items.len()]);
                prop_assert!(value.is_none_or(|it| (0.0..=1.0 + 1e-9).contains(&it)), "{:?} {:?}", figure, value);
            }
        }
    }

    #[test]
    fn whatever_is_compared_agreement_is_a_share(pairs in vec((content(), content()), 1..12)) {
        let mut record = Record::default();
        for (answer, reference) in &pairs {
            if let Ok(comparison) = record.compare(answer, reference) {
                prop_assert!(is_share(comparison.agreement), "{comparison:?}");
                prop_assert!(comparison.figure.is_finite(), "{comparison:?}");
            }
            if let Some((quality, _)) = record.confidence(answer) {
                prop_assert!(is_share(quality), "{quality}");
            }
            if let Some(steadiness) = stability(answer, reference, 0.03) {
                prop_assert!(is_share(steadiness), "{steadiness}");
            }
        }
        for (name, value) in record.figures() {
            prop_assert!(value.is_finite(), "{name}: {value}");
        }
    }

    #[test]
    fn an_answer_agrees_with_itself(found in proper_boxes(), map in map(), samples in vec(-1.0f32..1.0, 1..64)) {
        prop_assert_eq!(detection::matching(&found, &found).f1(), 1.0);
        prop_assert_eq!(of_detections(&found, &found), 1.0);
        let mut precision = MeanPrecision::default();
        precision.push(&found, &found);
        if let Some(mean) = precision.mean() {
            prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
        }
        prop_assert_eq!(mean_iou(&map, &map), Some(1.0));
        if let Some(agreement) = Energies::of(&samples, &samples).agreement() {
            prop_assert!((agreement - 1.0).abs() < 1e-9, "{agreement}");
        }
    }

    #[test]
    fn overlaps_and_distances_are_symmetric(
        (a, b) in (map(), map()),
        (p, q) in (classes(), classes()),
        (one, other) in (plane(), plane()),
    ) {
        prop_assert_eq!(mean_iou(&a, &b), mean_iou(&b, &a));
        prop_assert_eq!(coverage_iou(&one, &other), coverage_iou(&other, &one));
        prop_assert!((total_variation(&p, &q) - total_variation(&q, &p)).abs() < 1e-9);
    }

    #[test]
    fn total_variation_is_a_metric((p, q, r) in (classes(), classes(), classes())) {
        prop_assert!(total_variation(&p, &p) < 1e-6);
        prop_assert!(total_variation(&p, &r) <= total_variation(&p, &q) + total_variation(&q, &r) + 1e-6);
    }

    #[test]
    fn no_object_is_counted_twice(found in boxes(), truth in boxes()) {
        let counted = detection::matching(&found, &truth);
        prop_assert_eq!(counted.hits + counted.invented, found.len());
        prop_assert_eq!(counted.hits + counted.overlooked, truth.len());
        prop_assert!(is_share(counted.f1()));
        prop_assert!(is_share(of_detections(&found, &truth)));
    }

    #[test]
    fn precision_is_the_same_whatever_the_monotone_scale_of_confidence(
        frames in vec((proper_boxes(), proper_boxes()), 1..6),
    ) {
        let (mut plain, mut squashed) = (MeanPrecision::default(), MeanPrecision::default());
        for (found, truth) in &frames {
            plain.push(found, truth);
            let squash = |it: &Detection| Detection { confidence: it.confidence.powi(2) / 2.0, ..it.clone() };
            squashed.push(&found.iter().map(squash).collect::<Vec<_>>(), truth);
        }
        prop_assert_eq!(plain.mean(), squashed.mean());
    }

    #[test]
    fn a_further_false_alarm_at_the_end_costs_no_precision(hits in vec(any::<bool>(), 0..30)) {
        let mut ranked: Vec<Option<f64>> = hits.iter().map(|it| it.then_some(1.0)).collect();
        let before = average_precision(&ranked, 30.0);
        ranked.push(None);
        prop_assert!(is_share(before));
        prop_assert_eq!(average_precision(&ranked, 30.0), before);
    }

    #[test]
    fn an_order_turned_round_has_the_opposite_correlation(pairs in vec((-9i32..9, -9i32..9), 2..30)) {
        let of = |sign: f64| {
            let pairs: Vec<(f64, f64)> = pairs.iter().map(|it| (it.0.into(), sign * f64::from(it.1))).collect();
            rank_correlation(&pairs)
        };
        match (of(1.0), of(-1.0)) {
            (Some(one), Some(other)) => prop_assert!((one + other).abs() < 1e-9 && one.abs() <= 1.0),
            (one, other) => prop_assert_eq!(one, other),
        }
    }

    #[test]
    fn the_ratio_and_the_agreement_of_sound_rise_together(
        samples in vec((-1.0f32..1.0, -1.0f32..1.0), 2..64),
        (less, more) in (0.0f32..2.0, 0.0f32..2.0),
    ) {
        let clean: Vec<f32> = samples.iter().map(|it| it.0).collect();
        let of = |gain: f32| {
            let noisy: Vec<f32> = samples.iter().map(|it| it.0 + gain * it.1).collect();
            let energies = Energies::of(&noisy, &clean);
            energies.si_sdr_db().zip(energies.agreement())
        };
        if let (Some(one), Some(other)) = (of(less), of(more)) {
            prop_assert!(is_share(one.1) && one.0.abs() <= 100.0);
            prop_assert_eq!(one.0 < other.0, one.1 < other.1 && one.0 < 100.0);
        }
    }

    #[test]
    fn a_more_confident_answer_is_never_less_likely(
        observed in vec((any_float(), any::<bool>()), 0..200),
        confidences in vec(0.0f32..1.0, 2..20),
    ) {
        let mut calibration = Calibration::default();
        observed.iter().for_each(|it| calibration.observe(it.0, it.1));
        let mut confidences = confidences;
        confidences.sort_by(f32::total_cmp);
        let levels: Vec<f64> = confidences.iter().map(|it| calibration.probability(*it)).collect();
        prop_assert!(levels.iter().all(|it| is_share(*it)), "{levels:?}");
        prop_assert!(levels.is_sorted_by(|one, other| *one <= other + 1e-12), "{levels:?}");
    }

    #[test]
    fn panoptic_quality_is_a_share(found in instances(), truth in instances()) {
        prop_assert!(is_share(panoptic_quality(&found, &truth)));
    }
}

#[test]
fn a_comparison_of_class_maps_allocates_nothing() {
    let map = |width: usize, offset: usize| ClassMap {
        width,
        height: 64,
        classes: (0..64 * width).map(|it| ((it + offset) / 7) as u8).collect(),
    };
    let (fine, other, coarse) = (map(128, 0), map(128, 5), map(32, 0));
    let before = allocations();
    let (near, far) = (mean_iou(&fine, &other), mean_iou(&fine, &coarse));
    assert_eq!(allocations() - before, 0);
    assert!(far < near && near < Some(1.0), "{far:?} {near:?}");
}
