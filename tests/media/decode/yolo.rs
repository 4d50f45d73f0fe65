// SPDX-License-Identifier: MPL-2.0

//! Dense and finished outputs of YOLO models.

use gstavrec::answer::Detection;
use gstavrec::decode::{Decoder, Settings, Task};

use crate::support::decode::*;

/// Two classes, proposals as center, size and classes, in an input of 100×100 with 25 rows of padding.
const PROPOSALS: &[&[f32]] = &[
    &[20.0, 45.0, 10.0, 20.0, 0.1, 0.9],
    &[21.0, 45.0, 10.0, 20.0, 0.2, 0.8],
    &[60.0, 50.0, 20.0, 10.0, 0.6, 0.5],
    &[60.0, 50.0, 20.0, 10.0, 0.1, 0.2],
    &[5.0, 30.0, 20.0, 20.0, 0.4, 0.4],
];

/// Left (20 - 5) · 2, top (45 - 10 - 25) · 2; the second proposal overlaps the first by 180 of 220; the last
/// one has its corner outside.
fn expected() -> Vec<Detection> {
    vec![
        detection(30.0, 20.0, 20.0, 40.0, 1, 0.9),
        detection(100.0, 40.0, 40.0, 20.0, 0, 0.6),
        detection(0.0, 0.0, 30.0, 30.0, 0, 0.4),
    ]
}

fn planes(count: usize) -> Decoder {
    Model::new(&[("output0", &[1, 6, count])]).decoder(Task::Detect)
}

#[test]
fn planes_of_proposals_become_boxes_in_the_frame() {
    let mut decoder = planes(525);
    let outputs = [transposed(PROPOSALS)];
    assert_eq!(
        detections(&mut decoder, &outputs, &Settings::default()),
        expected()
    );
    assert_eq!(decoder.dropped(), 0);
}

#[test]
fn half_precision_is_read_as_well() {
    let outputs = [halved(&transposed(PROPOSALS))];
    let found = detections(&mut planes(525), &outputs, &Settings::default());
    for (found, expected) in found.iter().zip(expected()) {
        assert_eq!((found.region, found.class), (expected.region, expected.class));
        assert!((found.confidence - expected.confidence).abs() < 1e-3);
    }
    assert_eq!(found.len(), 3);
}

#[test]
fn settings_limit_what_is_found() {
    let outputs = [transposed(PROPOSALS)];
    let mut decoder = planes(525);
    let mut found = |settings: Settings| {
        let found = detections(&mut decoder, &outputs, &settings);
        found.iter().map(|it| it.confidence).collect::<Vec<_>>()
    };
    let defaults = Settings::default();
    let confidence = 0.6;
    assert_eq!(
        found(Settings {
            confidence,
            ..defaults.clone()
        }),
        [0.9, 0.6],
        "not below"
    );
    let iou = 0.82;
    assert_eq!(
        found(Settings {
            iou,
            ..defaults.clone()
        }),
        [0.9, 0.8, 0.6, 0.4],
        "180 / 220 = 0.818"
    );
    let max_detections = 1;
    assert_eq!(
        found(Settings {
            max_detections,
            ..defaults.clone()
        }),
        [0.9]
    );
    let classes = Some(vec![0]);
    assert_eq!(
        found(Settings {
            classes,
            ..defaults.clone()
        }),
        [0.6, 0.4]
    );
}

#[test]
fn boxes_that_are_no_boxes_are_dropped_and_counted() {
    let nan = f32::NAN;
    let outputs = [transposed(&[
        &[nan, 45.0, 10.0, 20.0, 0.1, 0.9],
        &[20.0, 45.0, f32::INFINITY, 20.0, 0.1, 0.9],
        &[20.0, 45.0, 10.0, 20.0, nan, 0.9],
        &[20.0, 45.0, 10.0, 20.0, 0.9, f32::INFINITY],
        &[50.0, 10.0, 10.0, 20.0, 0.1, 0.9],
        &[20.0, 45.0, -10.0, 20.0, 0.1, 0.9],
        &[3e38, 45.0, 3e38, 20.0, 0.1, 0.9],
        &[nan, nan, nan, nan, 0.1, 0.2],
        &[60.0, 50.0, 20.0, 10.0, 0.6, 0.5],
    ])];
    let mut decoder = planes(525);
    let found = detections(&mut decoder, &outputs, &Settings::default());
    assert_eq!(found, [detection(100.0, 40.0, 40.0, 20.0, 0, 0.6)]);
    assert_eq!(
        decoder.dropped(),
        7,
        "the one before the last is below the threshold"
    );
}

#[test]
fn objectness_multiplies_the_classes() {
    let model = Model::new(&[("output", &[1, 0, 7])]).labels(2);
    let outputs = [rows(&[
        &[20.0, 45.0, 10.0, 20.0, 0.5, 0.25, 0.75],
        &[60.0, 50.0, 20.0, 10.0, 0.5, 0.25, 0.375],
        &[60.0, 50.0, 20.0, 10.0, 0.125, 1.0, 1.0],
    ])];
    let found = detections(&mut model.decoder(Task::Detect), &outputs, &Settings::default());
    assert_eq!(found, [detection(30.0, 20.0, 20.0, 40.0, 1, 0.375)]);
}

#[test]
fn a_transposed_output_without_objectness_is_told_by_its_labels() {
    let model = Model::new(&[("output", &[1, 3000, 6])]).labels(2);
    let found = detections(
        &mut model.decoder(Task::Detect),
        &[rows(PROPOSALS)],
        &Settings::default(),
    );
    assert_eq!(found, expected());
}

#[test]
fn finished_rows_are_taken_as_they_are() {
    let model = Model::new(&[("output0", &[1, 300, 6])]);
    let outputs = [rows(&[
        &[60.0, 45.0, 80.0, 55.0, 0.5, 7.0],
        &[15.0, 35.0, 25.0, 55.0, 0.75, 3.0],
        &[15.0, 35.0, 25.0, 55.0, 0.75, 3.0],
        &[15.0, 35.0, 25.0, 55.0, 0.75, 3.5],
        &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ])];
    let mut decoder = model.decoder(Task::Detect);
    let one = detection(30.0, 20.0, 20.0, 40.0, 3, 0.75);
    assert_eq!(
        detections(&mut decoder, &outputs, &Settings::default()),
        [one.clone(), one, detection(120.0, 40.0, 40.0, 20.0, 7, 0.5)]
    );
    assert_eq!(decoder.dropped(), 1, "3.5 is no class");
    assert_eq!(
        detections(&mut decoder, &[tensor(&[1, 0, 6], &[])], &Settings::default()),
        [],
        "nothing found"
    );
}

#[test]
fn a_class_without_a_label_is_a_fault() {
    let model = Model::new(&[("output0", &[1, 300, 6])]).labels(3);
    let outputs = [rows(&[&[15.0, 35.0, 25.0, 55.0, 0.75, 3.0]])];
    let fault = fault(&mut model.decoder(Task::Detect), &outputs);
    assert!(
        fault.contains("class 3") && fault.contains("labels-file"),
        "{fault}"
    );
}

#[test]
fn yolox_boxes_are_counted_in_cells_of_their_grid() {
    // An input of 32×32 has 16 + 4 + 1 cells; the row of index 17 is the second cell of stride 16.
    let model = Model::new(&[("output", &[1, 21, 6])]).input(32, 32).labels(1);
    let mut values = vec![[0.0; 6]; 21];
    values[17] = [0.25, 0.5, 8f32.ln() - 16f32.ln(), 0.0, 0.5, 1.0];
    let flat: Vec<&[f32]> = values.iter().map(|it| it.as_slice()).collect();
    let size = |width, height| gstavrec::letterbox::Size { width, height };
    let place = gstavrec::letterbox::Letterbox::cornered(size(64, 64), size(32, 32));
    let mut decoder = model.decoder(Task::Detect);
    let answer = decoder
        .decode(&[rows(&flat)], place, &Settings::default())
        .unwrap()
        .clone();
    // Center (16 · 1.25, 16 · 0.5), size (8, 16), all twice.
    let gstavrec::answer::Answer::Detections(found) = answer else {
        panic!()
    };
    let Detection {
        region,
        class,
        confidence,
        ..
    } = found[0];
    assert!(
        (region.left - 32.0).abs() < 1e-4 && (region.width - 16.0).abs() < 1e-4,
        "{region:?}"
    );
    assert_eq!(
        (region.top, region.height, class, confidence),
        (0.0, 32.0, 0, 0.5)
    );
    assert_eq!(found.len(), 1);
}

#[test]
fn outputs_of_another_shape_than_recognized_are_a_fault() {
    let mut decoder = planes(525);
    for outputs in [
        vec![],
        vec![tensor(&[1, 7, 5], &[0.0; 35])],
        vec![tensor(&[6, 5], &[0.0; 30])],
        vec![tensor(&[1, 6, 5], &[0.0; 29])],
        vec![tensor(&[1, 6, usize::MAX], &[0.0; 29])],
    ] {
        let fault = fault(&mut decoder, &outputs);
        assert!(fault.contains("output 0"), "{fault}");
    }
    let outputs = [transposed(PROPOSALS)];
    assert_eq!(
        detections(&mut decoder, &outputs, &Settings::default()),
        expected(),
        "still usable"
    );
}
