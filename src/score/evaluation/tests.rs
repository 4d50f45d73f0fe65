// SPDX-License-Identifier: MPL-2.0

//! What is at the edges: nothing, one class, ties, doubt, and what is no number.

use super::*;
use crate::answer::{Answer, ClassMap, ClassScore, Detection, Instance, Mask, Region, Text};
use crate::plane::Plane;
use crate::score::{Content, MeanPrecision, Unlike};

fn said(answer: Answer) -> Content {
    Content::Said(answer)
}

fn detection(class: u32, confidence: f32, left: f32, side: f32) -> Detection {
    Detection {
        region: Region {
            left,
            top: 0.0,
            width: side,
            height: side,
        },
        class,
        confidence,
        ..Detection::default()
    }
}

fn boxes(all: &[Detection]) -> Content {
    said(Answer::Detections(all.to_vec()))
}

fn label(class: u32, confidence: f32) -> Content {
    said(Answer::Classes(vec![ClassScore { class, confidence }]))
}

fn text(it: &str) -> Content {
    said(Answer::Text(Text {
        text: it.into(),
        confidence: 1.0,
    }))
}

fn map(classes: &[u8]) -> Content {
    said(Answer::ClassMap(ClassMap {
        width: classes.len(),
        height: 1,
        classes: classes.to_vec(),
    }))
}

fn gray(level: u8, side: usize) -> Content {
    Content::Picture(Plane {
        samples: (0..side * side).map(|it| level + (it % 7) as u8).collect(),
        width: side,
        height: side,
    })
}

#[track_caller]
fn evaluated(items: &[(Option<Content>, Content)]) -> Evaluation {
    evaluate(items, &Terms::default()).unwrap()
}

#[track_caller]
fn value(evaluation: &Evaluation, name: &str) -> Option<f64> {
    evaluation.figure(name).unwrap().value()
}

#[test]
fn answers_of_another_kind_and_no_items_are_refused() {
    assert_eq!(
        evaluate(&[], &Terms::default()).unwrap_err(),
        (0, Unlike::Nothing)
    );
    let mixed = [(Some(text("a")), text("a")), (Some(text("a")), boxes(&[]))];
    let (at, unlike) = evaluate(&mixed, &Terms::default()).unwrap_err();
    assert_eq!((at, unlike), (1, Unlike::Kinds("text", "boxes")));
    let mixed = [(Some(text("a")), text("a")), (None, boxes(&[]))];
    assert!(evaluate(&mixed, &Terms::default()).is_err());
}

#[test]
fn a_missing_answer_is_the_emptiest_of_its_kind() {
    let object = detection(0, 1.0, 0.0, 10.0);
    let instance = Instance {
        detection: object.clone(),
        mask: Mask::default(),
    };
    let half = Mask {
        width: 2,
        height: 1,
        coverage: vec![255, 0],
    };
    let tone = vec![(0..9000).map(|it| (it as f32 * 0.3).sin()).collect::<Vec<f32>>()];
    for (truth, name, worst) in [
        (boxes(&[object]), "map", 0.0),
        (said(Answer::Instances(vec![instance])), "panoptic-quality", 0.0),
        (label(3, 1.0), "balanced-accuracy", 0.0),
        (map(&[1, 1, 2]), "mean-iou", 0.0),
        (said(Answer::Matte(half)), "mae", 0.5),
        (gray(9, 16), "psnr-db", 0.0),
        (gray(9, 16), "ssim", 0.0),
        (Content::Sound(tone), "si-sdr-db", -100.0),
        (text("two words"), "word-error-rate", 1.0),
    ] {
        let right = evaluated(&[(Some(truth.clone()), truth.clone())]);
        let best = right.primary().probability(right.primary().value().unwrap());
        assert!((best - 1.0).abs() < 1e-9, "{right:?}");
        assert_eq!(value(&right, "answered"), Some(1.0));
        let none = evaluated(&[(None, truth)]);
        assert!((value(&none, name).unwrap() - worst).abs() < 1e-9, "{none:?}");
        assert_eq!(value(&none, "answered"), Some(0.0));
        assert_eq!(none.per_item, [Some(0.0)], "{none:?}");
        for figure in &none.figures {
            let value = figure.value().unwrap_or(f64::NAN);
            assert!(figure.probability(value) < 0.76, "{figure:?}");
        }
    }
}

#[test]
fn where_nothing_is_to_be_found_precision_says_nothing() {
    let empty = evaluated(&[(Some(boxes(&[])), boxes(&[])), (None, boxes(&[]))]);
    assert_eq!(
        (
            value(&empty, "map"),
            value(&empty, "f1"),
            value(&empty, "best-f1")
        ),
        (None, None, None)
    );
    assert_eq!(empty.per_item, [Some(1.0); 2]);
    let invented = evaluated(&[(Some(boxes(&[detection(0, 0.9, 0.0, 10.0)])), boxes(&[]))]);
    assert_eq!(
        (value(&invented, "map"), value(&invented, "f1")),
        (None, Some(0.0))
    );
    let map = invented.primary();
    assert_eq!(map.statistic.value(&[0.0]), None);
    assert_eq!((map.per_class.len(), map.per_class[0].support), (1, 0.0));
}

#[test]
fn a_doubtful_truth_counts_by_its_confidence() {
    let both = [detection(0, 0.25, 0.0, 10.0), detection(0, 1.0, 50.0, 10.0)];
    let items = [(Some(boxes(&both[1..])), boxes(&both))];
    let mut live = MeanPrecision::default();
    live.push(&both[1..], &both);
    assert_eq!(live.mean(), Some(0.8));
    // Recalls 0, 0.01 … 0.8 of 101.
    assert_eq!(value(&evaluated(&items), "map-50"), Some(81.0 / 101.0));
    assert_eq!(value(&evaluated(&items), "f1"), Some(2.0 / 2.25));
    let labels = [
        (Some(label(1, 0.9)), label(1, 0.5)),
        (Some(label(1, 0.9)), label(2, 1.0)),
    ];
    let evaluation = evaluated(&labels);
    assert_eq!(value(&evaluation, "top-1"), Some(0.5 / 1.5));
    assert_eq!(value(&evaluation, "balanced-accuracy"), Some(0.5));
}

#[test]
fn a_constant_is_no_good_classifier_however_common_its_class() {
    let item = |truth: u32| (Some(label(0, 0.9)), label(truth, 1.0));
    let items: Vec<_> = (0..100).map(|it| item(u32::from(it % 20 == 0))).collect();
    let evaluation = evaluated(&items);
    assert_eq!(value(&evaluation, "top-1"), Some(0.95));
    assert_eq!(evaluation.primary().value(), Some(0.5));
    let classes = &evaluation.primary().per_class;
    assert_eq!((classes[0].support, classes[1].support), (95.0, 5.0));
    assert_eq!(classes[1].statistic.value(&[1.0; 100]), Some(0.0));
    assert_eq!(evaluation.confusion.len(), 2);
    // Of one class alone, balanced accuracy is accuracy.
    assert_eq!(evaluated(&items[1..9]).primary().value(), Some(1.0));
}

#[test]
fn no_number_is_worse_than_any() {
    let broken = detection(0, f32::NAN, f32::NAN, 10.0);
    let good = detection(0, 0.1, 0.0, 10.0);
    let doubtful = detection(0, f32::NAN, 0.0, 10.0);
    let truth = boxes(&[detection(0, 1.0, 0.0, 10.0)]);
    let of = |found: &[Detection]| value(&evaluated(&[(Some(boxes(found)), truth.clone())]), "map");
    assert_eq!(
        of(&[broken.clone(), good]),
        Some(1.0),
        "what is no number comes last"
    );
    assert_eq!(of(&[doubtful]), Some(1.0));
    assert_eq!(of(&[broken]), Some(0.0));
    let scores = |answers: &[f32]| {
        let item = |(at, it): (usize, &f32)| (Some(said(Answer::Score(*it))), said(Answer::Score(at as f32)));
        value(
            &evaluated(&answers.iter().enumerate().map(item).collect::<Vec<_>>()),
            "rank-correlation",
        )
    };
    assert_eq!(scores(&[f32::NAN, f32::NAN]), None);
    assert_eq!(scores(&[1.0, 2.0, f32::INFINITY]), Some(1.0));
    assert!(scores(&[1.0, 2.0, f32::NAN]).unwrap() < 1.0);
    let nothing = evaluated(&[(Some(label(0, f32::NAN)), label(0, f32::NAN))]);
    assert_eq!((value(&nothing, "top-1"), nothing.per_item[0]), (None, None));
    assert_eq!(nothing.primary().probability(f64::NAN), 0.0);
}

#[test]
fn a_map_or_picture_that_cannot_be_read_is_none() {
    let torn = ClassMap {
        width: 4,
        height: 4,
        classes: vec![0; 3],
    };
    let evaluation = evaluated(&[(Some(said(Answer::ClassMap(torn.clone()))), map(&[1, 2]))]);
    assert_eq!(
        (evaluation.primary().value(), value(&evaluation, "answered")),
        (Some(0.0), Some(1.0))
    );
    let no_truth = evaluated(&[(Some(map(&[1])), said(Answer::ClassMap(torn)))]);
    assert_eq!((no_truth.primary().value(), no_truth.per_item[0]), (None, None));
    let small = evaluated(&[(Some(gray(9, 8)), gray(9, 16))]);
    assert!(0.9 < small.primary().value().unwrap(), "{small:?}");
    let empty = evaluated(&[(Some(gray(9, 16)), Content::Picture(Plane::default()))]);
    assert_eq!((empty.primary().value(), value(&empty, "psnr-db")), (None, None));
}

#[test]
fn silence_says_nothing_and_a_void_place_does_not_count() {
    let silence = Content::Sound(vec![vec![0.0; 800]]);
    let evaluation = evaluated(&[(Some(silence.clone()), silence.clone())]);
    assert_eq!(
        (evaluation.primary().value(), evaluation.per_item[0]),
        (None, None)
    );
    let tone = Content::Sound(vec![vec![0.5; 800]]);
    let noisy = evaluated(&[(Some(tone.clone()), silence), (Some(tone.clone()), tone)]);
    assert!(
        (noisy.primary().value().unwrap() - 0.0).abs() < 1e-9,
        "half of the energy is wrong: {noisy:?}"
    );
    assert_eq!(value(&noisy, "mean-si-sdr-db"), Some(100.0));
    let terms = Terms {
        void: Some(255),
        ..Terms::default()
    };
    let observation = observe(Some(&map(&[1, 2, 2])), &map(&[1, 2, 255]), &terms).unwrap();
    assert_eq!(observation.agreement, Some(1.0));
    assert_eq!(
        Evaluation::new(&[observation]).unwrap().primary().value(),
        Some(1.0)
    );
}

#[test]
fn where_nothing_is_to_be_read_each_insertion_is_an_error() {
    let evaluation = evaluated(&[(Some(text("two words")), text("")), (Some(text(" ")), text(""))]);
    assert_eq!(value(&evaluation, "word-error-rate"), Some(2.0));
    assert_eq!(value(&evaluation, "exact-match"), Some(0.5));
    assert_eq!(
        evaluation.figure("word-error-rate").unwrap().probability(2.0),
        0.0
    );
    assert_eq!(
        value(&evaluated(&[(None, text(""))]), "word-error-rate"),
        Some(0.0)
    );
}

#[test]
fn an_item_of_weight_two_counts_twice_and_one_of_none_not_at_all() {
    let object = [detection(0, 1.0, 0.0, 10.0)];
    let items: Vec<(Option<Content>, Content)> = vec![
        (Some(boxes(&[detection(0, 0.6, 1.0, 10.0)])), boxes(&object)),
        (Some(boxes(&[detection(0, 0.9, 30.0, 10.0)])), boxes(&object)),
        (
            Some(boxes(&[detection(1, 0.7, 0.0, 10.0)])),
            boxes(&[detection(1, 1.0, 0.0, 40.0)]),
        ),
    ];
    let repeated = [0, 0, 2].map(|it: usize| items[it].clone());
    let (weighted, repeated) = (evaluated(&items), evaluated(&repeated));
    for figure in weighted.figures.iter().filter(|it| it.per_class.len() < 3) {
        let (name, got) = (figure.name, figure.statistic.value(&[2.0, 0.0, 1.0]));
        assert_eq!(got, value(&repeated, name), "{name}");
        assert_eq!(figure.statistic.value(&[0.0; 3]), None, "{name}");
        assert_eq!(figure.statistic.value(&[]), None, "{name}: too few weights");
    }
}

#[test]
fn an_observation_can_be_written_and_read_again() {
    let observations = [
        observe(
            Some(&boxes(&[detection(0, f32::NAN, f32::INFINITY, 9.0)])),
            &boxes(&[detection(0, f32::NAN, 0.0, f32::NAN)]),
            &Terms::default(),
        ),
        observe(
            Some(&said(Answer::Score(f32::INFINITY))),
            &said(Answer::Score(1.0)),
            &Terms::default(),
        ),
        observe(None, &gray(3, 16), &Terms::default()),
        observe(Some(&label(2, f32::INFINITY)), &label(2, 1.0), &Terms::default()),
    ];
    for observation in observations.map(Result::unwrap) {
        let written = serde_json::to_string(&observation).unwrap();
        assert_eq!(
            serde_json::from_str::<Observation>(&written).unwrap(),
            observation,
            "{written}"
        );
    }
}
