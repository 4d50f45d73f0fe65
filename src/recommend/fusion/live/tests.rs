// SPDX-License-Identifier: MPL-2.0

//! Answers that are known, frame by frame.

use super::*;
use crate::recommend::fusion::{Measured, UNFITTED_WEIGHT};

const NAMES: [&str; 6] = ["Bell", "dog", "rain", "bell", "DOG", "wind"];

fn name_of(number: u32) -> String {
    NAMES[number as usize].to_owned()
}

fn classes(shares: &[(u32, f64)]) -> Answer {
    Answer::Classes(shares.to_vec())
}

fn at<'a>(ms: u64, answer: &'a Answer) -> Input<'a> {
    Input {
        answer: Some((Duration::from_millis(ms), answer)),
        trust: 1.0,
    }
}

fn live(fit: Option<Fusion>) -> Live {
    Live::new(fit, Duration::from_secs(3))
}

#[test]
fn names_that_mean_the_same_are_one_class_whatever_their_numbers() {
    let mut live = live(None);
    let picture = classes(&[(0, 0.7), (1, 0.2), (2, 0.1)]);
    let sound = classes(&[(4, 0.8), (3, 0.1), (5, 0.1)]);
    let alone = live.fuse([at(0, &picture), Input::default()], name_of).unwrap();
    assert_eq!(alone.weights, [1.0, 0.0]);
    assert_eq!(alone.combined.best().map(|it| it.0), Some(0));
    let fused = live.fuse([at(0, &picture), at(0, &sound)], name_of).unwrap();
    assert_eq!(fused.labels, ["Bell", "dog"]);
    assert_eq!(fused.weights, [UNFITTED_WEIGHT; 2]);
    let odds: f64 = (0.7f64 / 0.2 * 0.1 / 0.8).powf(UNFITTED_WEIGHT);
    assert!((fused.combined.of(0) - odds / (1.0 + odds)).abs() < 1e-9);
    let neither = live.fuse([Input::default(), Input::default()], name_of).unwrap();
    assert_eq!((neither.weights, neither.combined.of(0)), ([0.0; 2], 0.5));
}

/// As after a seek, and where a stream has the same time twice.
#[test]
fn another_answer_of_the_same_time_counts() {
    let mut live = live(None);
    let answers = [classes(&[(0, 0.9), (1, 0.1)]), classes(&[(0, 0.2), (1, 0.8)])];
    for _ in 0..2 {
        for (class, answer) in answers.iter().enumerate() {
            let fused = live.fuse([at(0, answer), at(0, answer)], name_of).unwrap();
            assert_eq!(fused.combined.best().map(|it| it.0), Some(class));
            assert_eq!(fused.named, [class, 1 - class]);
            // Nor does one that nothing stood beside in between.
            live.fuse([Input::default(), Input::default()], name_of).unwrap();
            let fused = live.fuse([at(0, answer), Input::default()], name_of).unwrap();
            assert_eq!(fused.combined.best().map(|it| it.0), Some(class));
        }
    }
}

#[test]
fn a_flush_forgets_what_a_side_was_worth() {
    let mut fit = Fusion::unfitted(vec!["bell".into(), "dog".into()]);
    let measured = Some(Measured {
        accuracy: 0.9,
        confidence: 0.9,
    });
    fit.sides.iter_mut().for_each(|it| it.measured = measured);
    let mut live = live(Some(fit));
    let (sure, unsure) = (classes(&[(0, 0.95), (1, 0.05)]), classes(&[(0, 0.5), (1, 0.5)]));
    let worth_of = |live: &mut Live, time, answer| {
        let fused = live.fuse([at(time, answer), Input::default()], name_of);
        fused.unwrap().worth[0]
    };
    let spoiled = (0..100).map(|it| worth_of(&mut live, it, &unsure)).last();
    assert!(spoiled.unwrap() < 0.1, "{spoiled:?}");
    live.flush(Side::Sound);
    assert!(worth_of(&mut live, 99, &unsure) < 0.1);
    live.flush(Side::Picture);
    assert_eq!(worth_of(&mut live, 99, &sure), 1.0);
}

#[test]
fn a_fit_of_many_classes_keeps_them_all() {
    let labels: Vec<String> = (0..5000).map(|it| format!("class {it}")).collect();
    let mut live = live(Some(Fusion::unfitted(labels.clone())));
    let shares: Vec<(u32, f64)> = (0..5000)
        .map(|it| (it, if it == 4999 { 0.5 } else { 1e-4 }))
        .collect();
    let answer = classes(&shares);
    let inputs = [at(0, &answer), at(0, &answer)];
    let fused = live.fuse(inputs, |it| labels[it as usize].clone()).unwrap();
    assert_eq!(fused.combined.best().map(|it| it.0), Some(4999));
}

#[test]
fn classes_may_follow_on_numbers() {
    let mut live = live(None);
    let (number, classes) = (Answer::Score(0.9), classes(&[(0, 0.7), (1, 0.3)]));
    for answer in [&classes, &number, &classes] {
        let fused = live.fuse([at(0, answer), at(0, answer)], name_of).unwrap();
        assert_eq!(fused.labels.is_empty(), *answer == number);
    }
}

#[test]
fn what_cannot_be_fused_is_said() {
    let (classes_of, number, boxes) = (classes(&[(0, 0.7)]), Answer::Score(0.4), Answer::Other("boxes"));
    let other = classes(&[(5, 1.0)]);
    let text = |inputs: [Input; 2]| live(None).fuse(inputs, name_of).unwrap_err().to_string();
    assert!(text([at(0, &boxes), at(0, &number)]).contains("picture model answers with boxes"));
    assert!(text([at(0, &classes_of), at(0, &number)]).contains("classes and the sound model with numbers"));
    assert!(text([at(0, &classes_of), at(0, &other)]).contains("pictures are told as Bell, sound as wind"));
    let fit = Fusion::unfitted(vec!["cat".into(), "cow".into()]);
    let error = live(Some(fit.clone()))
        .fuse([at(0, &classes_of), Input::default()], name_of)
        .unwrap_err();
    assert!(error.to_string().contains("fitted to cat, cow"), "{error}");
    let error = live(Some(fit))
        .fuse([at(0, &number), Input::default()], name_of)
        .unwrap_err();
    assert!(error.to_string().contains("fitted to classes"), "{error}");
}

#[test]
fn numbers_are_fused_by_their_log_odds() {
    let mut live = live(None);
    let (one, other) = (Answer::Score(0.9), Answer::Score(0.2));
    let fused = live.fuse([at(0, &one), at(0, &other)], name_of).unwrap();
    let odds = (9.0f64 * 0.25).powf(UNFITTED_WEIGHT);
    assert!((fused.combined.of(1) - odds / (1.0 + odds)).abs() < 1e-9);
    assert!(fused.labels.is_empty());
}

#[test]
fn a_side_that_is_less_sure_than_where_it_was_fitted_loses_its_weight_to_the_other() {
    let mut fit = Fusion::unfitted(vec!["bell".into(), "dog".into(), "rain".into()]);
    let measured = Some(Measured {
        accuracy: 0.9,
        confidence: 0.9,
    });
    fit.sides.iter_mut().for_each(|it| it.measured = measured);
    let mut live = live(Some(fit));
    let (sure, unsure) = (
        classes(&[(0, 0.9), (1, 0.1)]),
        classes(&[(1, 0.5), (0, 0.4), (2, 0.1)]),
    );
    let mut last = [0.0; 2];
    for frame in 0..200 {
        let fused = live
            .fuse([at(40 * frame, &sure), at(40 * frame, &unsure)], name_of)
            .unwrap();
        last = fused.weights;
    }
    assert!(0.8 < last[0] && last[1] < 0.4, "{last:?}");
    let ignored = Input {
        trust: 0.0,
        ..at(9000, &sure)
    };
    let fused = live.fuse([ignored, at(9000, &unsure)], name_of).unwrap();
    assert_eq!(fused.weights[0], 0.0);
}
