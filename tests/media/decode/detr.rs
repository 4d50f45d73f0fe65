// SPDX-License-Identifier: MPL-2.0

//! Detectors of the DETR kind.

use gstavrec::decode::{Settings, Task};

use crate::support::decode::*;

/// Center (20, 45), size (10, 20), in fractions of 100×100.
const BOX: [f32; 4] = [0.2, 0.45, 0.1, 0.2];

fn model(classes: usize) -> Model {
    Model::new(&[("logits", &[1, 100, classes]), ("pred_boxes", &[1, 100, 4])])
}

#[test]
fn the_last_logit_may_be_for_no_object() {
    // 3 of 3 + 1 + 1; in the second query no object takes nearly all.
    let logits = tensor(&[1, 2, 3], &[0.0, 3f32.ln(), 0.0, 0.0, 3f32.ln(), 9.0]);
    let outputs = [logits, tensor(&[1, 2, 4], &[BOX, BOX].concat())];
    let found = detections(
        &mut model(3).labels(2).decoder(Task::Detect),
        &outputs,
        &Settings::default(),
    );
    assert_eq!(found.len(), 1);
    let expected = detection(30.0, 20.0, 20.0, 40.0, 1, 0.6);
    assert!((found[0].confidence - 0.6).abs() < 1e-6 && found[0].class == 1);
    assert!(0.9999 < found[0].region.iou(&expected.region));
}

#[test]
fn each_logit_may_be_for_itself_and_nothing_is_suppressed() {
    let logits = tensor(&[1, 2, 3], &[-9.0, 3f32.ln(), 0.0, -9.0, 0.0, -1.0]);
    let outputs = [logits, tensor(&[1, 2, 4], &[BOX, BOX].concat())];
    let found = detections(
        &mut model(3).labels(3).decoder(Task::Detect),
        &outputs,
        &Settings::default(),
    );
    let confidences: Vec<f32> = found.iter().map(|it| it.confidence).collect();
    assert!((confidences[0] - 0.75).abs() < 1e-6, "{confidences:?}");
    assert_eq!(confidences[1], 0.5);
}

#[test]
fn logits_that_are_no_numbers_are_dropped_and_low_ones_are_not() {
    let (nan, low) = (f32::NAN, f32::NEG_INFINITY);
    for (labels, left) in [(3, 1), (2, 1)] {
        let logits = tensor(
            &[1, 3, 3],
            &[nan, 5.0, 0.0, 0.0, f32::INFINITY, 0.0, low, 5.0, low],
        );
        let outputs = [logits, tensor(&[1, 3, 4], &[BOX, BOX, BOX].concat())];
        let mut decoder = model(3).labels(labels).decoder(Task::Detect);
        let found = detections(&mut decoder, &outputs, &Settings::default());
        assert_eq!((found.len(), decoder.dropped()), (left, 2), "{labels} labels");
    }
}

#[test]
fn the_kind_of_logits_is_told_by_labels_or_assumed() {
    for (classes, labels, assumed, known) in [
        (92, None, "softmax", 91),
        (80, None, "sigmoid", 80),
        (80, Some(79), "", 79),
        (80, Some(80), "", 80),
    ] {
        let mut model = model(classes);
        model.labels = labels;
        let recognition = model.recognize(Some(Task::Detect)).unwrap();
        assert_eq!(recognition.classes, Some(known));
        assert!(
            recognition.assumed.concat().contains(assumed),
            "{:?}",
            recognition.assumed
        );
        assert_eq!(recognition.assumed.is_empty(), assumed.is_empty());
    }
    let refusal = model(80).labels(40).refusal(Some(Task::Detect));
    assert!(
        refusal.contains("80 classes") && refusal.contains("40 labels"),
        "{refusal}"
    );
}

#[test]
fn boxes_and_logits_must_be_equally_many() {
    let outputs = [tensor(&[1, 2, 3], &[0.0; 6]), tensor(&[1, 1, 4], &BOX)];
    let text = fault(&mut model(3).labels(3).decoder(Task::Detect), &outputs);
    assert!(text.contains("output 1") && text.contains("[1, 2, 4]"), "{text}");
}
