// SPDX-License-Identifier: MPL-2.0

//! Classifiers and models that give one number.

use gstavrec::answer::{Answer, ClassScore};
use gstavrec::decode::{Activation, Family, Settings, Task};

use crate::support::decode::*;

fn score(class: u32, confidence: f32) -> ClassScore {
    ClassScore { class, confidence }
}

fn model(classes: usize) -> Model {
    Model::new(&[("output", &[1, classes])])
}

#[track_caller]
fn check(model: &Model, values: &[f32], settings: Settings, expected: &[ClassScore]) {
    let outputs = [tensor(&[1, values.len()], values)];
    let found = classes(&mut model.decoder(Task::Classify), &outputs, &settings);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.class, expected.class);
        assert!((found.confidence - expected.confidence).abs() < 1e-6, "{found:?}");
    }
}

#[test]
fn confidences_stay_and_logits_compete() {
    let all = Settings::default();
    let confidences = [score(1, 0.7), score(2, 0.2), score(0, 0.1)];
    check(&model(3), &[0.1, 0.7, 0.2], all.clone(), &confidences);
    // e^ln 3 = 3 of 3 + 1 + 1 + 0.
    let logits = [3f32.ln() - 5.0, -5.0, -5.0, f32::NEG_INFINITY];
    let expected = [score(0, 0.6), score(1, 0.2), score(2, 0.2), score(3, 0.0)];
    check(&model(4), &logits, all.clone(), &expected);
    check(&model(1), &[3f32.ln()], all.clone(), &[score(0, 0.75)]);
    let sigmoid = model(2).metadata("activation", "sigmoid");
    check(&sigmoid, &[0.0, 3f32.ln()], all, &[score(1, 0.75), score(0, 0.5)]);
}

#[test]
fn logits_that_look_like_confidences_are_told_by_a_hint_or_a_run_at_load() {
    let answer = [score(0, 0.5), score(1, 0.5)];
    let softmax = model(2).metadata("activation", "softmax");
    check(&softmax, &[0.5, 0.5], Settings::default(), &answer);
    let seen = model(2).seen(&[tensor(&[1, 2], &[3.0, 1.0])]);
    check(&seen, &[0.0, 0.0], Settings::default(), &answer);
    let made = model(2).made_by(&["Gemm"]);
    check(&made, &[0.0, 0.0], Settings::default(), &answer);
    // What an operator made is believed before what a run gave.
    let made = model(2)
        .made_by(&["Softmax"])
        .seen(&[tensor(&[1, 2], &[0.5, 0.5])]);
    check(
        &made,
        &[0.0, 0.0],
        Settings::default(),
        &[score(0, 0.0), score(1, 0.0)],
    );
}

#[test]
fn the_same_numbers_give_the_same_classes_whatever_came_before() {
    let mut decoder = model(2).decoder(Task::Classify);
    let mut answer = |values: &[f32]| classes(&mut decoder, &[tensor(&[1, 2], values)], &Settings::default());
    let before = answer(&[0.25, 0.75]);
    answer(&[3.0, 1.0]);
    assert_eq!(answer(&[0.25, 0.75]), before);
    assert_eq!(before, [score(1, 0.75), score(0, 0.25)]);
}

#[test]
fn only_the_best_and_the_wanted_classes_are_told() {
    let values = [0.1, 0.3, 0.3, 0.2, 0.1];
    let top_k = 2;
    let settings = Settings {
        top_k,
        ..Settings::default()
    };
    check(
        &model(5),
        &values,
        settings.clone(),
        &[score(1, 0.3), score(2, 0.3)],
    );
    let classes = Some(vec![2, 4, 0]);
    check(
        &model(5),
        &values,
        Settings { classes, ..settings },
        &[score(2, 0.3), score(0, 0.1)],
    );
    let settings = Settings {
        top_k: 0,
        ..Settings::default()
    };
    check(&model(5), &values, settings, &[]);
}

#[test]
fn classes_without_a_number_are_dropped_and_counted() {
    let mut decoder = model(4).decoder(Task::Classify);
    let outputs = [tensor(&[1, 4], &[f32::NAN, 2.0, f32::INFINITY, 2.0])];
    let found = classes(&mut decoder, &outputs, &Settings::default());
    assert_eq!(found, [score(1, 0.5), score(3, 0.5)]);
    assert_eq!(decoder.dropped(), 2);
}

#[test]
fn smoothing_follows_half_of_a_step_in_its_half_life() {
    let mut decoder = model(2).decoder(Task::Classify);
    let settings = Settings {
        half_life: 3.0,
        ..Settings::default()
    };
    let mut first = |values: [f32; 2], settings: &Settings| {
        let found = classes(&mut decoder, &[tensor(&[1, 2], &values)], settings);
        found.iter().find(|it| it.class == 0).unwrap().confidence
    };
    assert_eq!(first([1.0, 0.0], &settings), 1.0, "nothing to smooth with");
    first([0.0, 1.0], &settings);
    first([f32::NAN, 1.0], &settings);
    first([0.0, 1.0], &settings);
    let after_three = first([0.0, 1.0], &settings);
    assert!(
        (after_three - 0.5).abs() < 1e-6,
        "the one without a number changed nothing: {after_three}"
    );
    assert_eq!(first([0.0, 1.0], &Settings::default()), 0.0, "off");
    assert_eq!(first([1.0, 0.0], &settings), 1.0, "begun anew");
    decoder.reset();
    let found = classes(&mut decoder, &[tensor(&[1, 2], &[0.0, 1.0])], &settings);
    assert_eq!(found, [score(1, 1.0), score(0, 0.0)]);
}

#[test]
fn the_activation_is_taken_from_identifiers_and_names() {
    for (name, expected) in [
        ("classification-generic-softmaxed-out", Some(Activation::None)),
        ("logits", Some(Activation::Softmax)),
        ("probabilities", Some(Activation::None)),
        ("output", None),
    ] {
        let recognition = Model::new(&[(name, &[1, 10])])
            .recognize(Some(Task::Classify))
            .unwrap();
        let Family::Classes(classes) = recognition.family else {
            panic!()
        };
        assert_eq!(classes.activation, expected, "{name}");
        assert_eq!(
            recognition.assumed.is_empty(),
            expected.is_some(),
            "says what it assumed"
        );
    }
    let refusal = model(3)
        .metadata("activation", "tanh")
        .refusal(Some(Task::Classify));
    assert!(
        refusal.contains("activation=tanh") && refusal.contains("sigmoid"),
        "{refusal}"
    );
}

#[test]
fn one_number_is_the_score_if_it_is_a_number() {
    let model = Model::new(&[("importance", &[1, 1])]);
    let mut decoder = model.decoder(Task::Score);
    let outputs = [tensor(&[1, 1], &[7.5])];
    let answer = decoder.decode(&outputs, place(), &Settings::default());
    assert_eq!(answer, Ok(&Answer::Score(7.5)));
    let text = fault(&mut decoder, &[tensor(&[1, 1], &[f32::NAN])]);
    assert!(text.contains("NaN"), "{text}");
    let text = fault(&mut decoder, &[tensor(&[1, 2], &[1.0, 2.0])]);
    assert!(text.contains("one number"), "{text}");
}
