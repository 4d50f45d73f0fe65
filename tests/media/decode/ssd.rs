// SPDX-License-Identifier: MPL-2.0

//! Detectors that write boxes, scores and classes as outputs of their own.

use gstavrec::answer::Detection;
use gstavrec::decode::{Settings, Task};
use gstavrec::tensor::{Data, ElementType, Tensor};

use crate::support::decode::*;

/// Of the input of 100×100: left 15, top 35, right 25, bottom 55.
const FIRST: [f32; 4] = [0.15, 0.35, 0.25, 0.55];

fn first(class: u32, confidence: f32) -> Detection {
    detection(30.0, 20.0, 20.0, 40.0, class, confidence)
}

/// Fractions are rounded on the way.
#[track_caller]
fn assert_near(found: &[Detection], expected: &[Detection]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(
            (found.class, found.confidence),
            (expected.class, expected.confidence)
        );
        assert!(0.9999 < found.region.iou(&expected.region), "{found:?}");
    }
}

fn flipped([left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
    [top, left, bottom, right]
}

#[test]
fn tensorflow_s_four_outputs_have_the_top_first_and_a_count() {
    let model = Model::new(&[
        ("detection_boxes:0", &[1, 100, 4]),
        ("detection_classes:0", &[1, 100]),
        ("detection_scores:0", &[1, 100]),
        ("num_detections:0", &[1]),
    ]);
    let boxes = [flipped(FIRST), flipped([0.6, 0.45, 0.8, 0.55]), flipped(FIRST)].concat();
    let mut outputs = [
        tensor(&[1, 3, 4], &boxes),
        tensor(&[1, 3], &[7.0, 3.0, 9.0]),
        tensor(&[1, 3], &[0.5, 0.75, 0.9]),
        tensor(&[1], &[2.0]),
    ];
    let mut decoder = model.decoder(Task::Detect);
    let second = detection(120.0, 40.0, 40.0, 20.0, 3, 0.75);
    let found = detections(&mut decoder, &outputs, &Settings::default());
    assert_near(&found, &[second, first(7, 0.5)]);
    for (count, expected) in [(0.0, 0), (-3.0, 0), (99.0, 3), (f32::NAN, 3)] {
        outputs[3] = tensor(&[1], &[count]);
        let found = detections(&mut decoder, &outputs, &Settings::default());
        assert_eq!(found.len(), expected, "count {count}");
    }
    outputs[2] = tensor(&[1, 2], &[0.5, 0.75]);
    let text = fault(&mut decoder, &outputs);
    assert!(text.contains("output 2") && text.contains("3 numbers"), "{text}");
}

#[test]
fn registry_identifiers_and_the_lite_operator_are_known_too() {
    let registry = Model::new(&[
        ("generic-variant-1-out-count", &[1]),
        ("ssd-mobilenet-v1-variant-1-out-scores", &[1, 0]),
        ("ssd-mobilenet-v1-variant-1-out-classes", &[1, 0]),
        ("ssd-mobilenet-v1-variant-1-out-boxes", &[1, 0, 4]),
    ]);
    let (boxes, class, score) = (
        tensor(&[1, 1, 4], &flipped(FIRST)),
        tensor(&[1, 1], &[7.0]),
        tensor(&[1, 1], &[0.5]),
    );
    let count = tensor(&[1], &[1.0]);
    let outputs = [count.clone(), score.clone(), class.clone(), boxes.clone()];
    let recognition = registry.recognize(None).unwrap();
    assert!(recognition.assumed.is_empty(), "{:?}", recognition.assumed);
    assert_near(
        &detections(
            &mut registry.decoder(Task::Detect),
            &outputs,
            &Settings::default(),
        ),
        &[first(7, 0.5)],
    );
    let lite = Model::new(&[
        ("TFLite_Detection_PostProcess", &[1, 10, 4]),
        ("TFLite_Detection_PostProcess:1", &[1, 10]),
        ("TFLite_Detection_PostProcess:2", &[1, 10]),
        ("TFLite_Detection_PostProcess:3", &[1]),
    ]);
    let outputs = [boxes, class, score, count];
    assert_near(
        &detections(&mut lite.decoder(Task::Detect), &outputs, &Settings::default()),
        &[first(7, 0.5)],
    );
}

#[test]
fn three_outputs_count_pixels_or_fractions_as_their_values_show() {
    let model = Model::new(&[("boxes", &[0, 4]), ("labels", &[0]), ("scores", &[0])])
        .element_type(1, ElementType::I64);
    let labels = Tensor {
        dims: vec![1],
        data: Data::I64(vec![2]),
    };
    let mut decoder = model.decoder(Task::Detect);
    for values in [FIRST, FIRST.map(|it| it * 100.0)] {
        let outputs = [tensor(&[1, 4], &values), labels.clone(), tensor(&[1], &[0.5])];
        let found = detections(&mut decoder, &outputs, &Settings::default());
        assert_near(&found, &[first(2, 0.5)]);
    }
    assert!(model.recognize(Some(Task::Detect)).unwrap().assumed[0].contains("fractions"));
}

#[test]
fn dense_scores_are_suppressed_and_their_background_is_no_class() {
    let model = Model::new(&[("boxes", &[1, 4420, 4]), ("scores", &[1, 4420, 3])]);
    let shifted = [0.16, 0.35, 0.26, 0.55];
    let outputs = [
        tensor(&[1, 3, 4], &[FIRST, shifted, shifted].concat()),
        tensor(&[1, 3, 3], &[0.9, 0.1, 0.5, 0.2, 0.3, 0.8, 0.9, 0.1, 0.1]),
    ];
    let found = detections(&mut model.decoder(Task::Detect), &outputs, &Settings::default());
    assert_near(&found, &[detection(32.0, 20.0, 20.0, 40.0, 1, 0.8)]);
    let all = model.clone().labels(3);
    let found = detections(&mut all.decoder(Task::Detect), &outputs, &Settings::default());
    assert_near(
        &found,
        &[first(0, 0.9), detection(32.0, 20.0, 20.0, 40.0, 2, 0.8)],
    );
}
