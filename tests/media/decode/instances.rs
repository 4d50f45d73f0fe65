// SPDX-License-Identifier: MPL-2.0

//! Boxes with masks of YOLO models.

use gstavrec::answer::{Answer, Instance};
use gstavrec::decode::{Decoder, Settings, Task};
use gstavrec::tensor::Tensor;

use crate::support::decode::*;

/// One class, two prototypes of 10×10 over an input of 100×100.
fn model() -> Model {
    Model::new(&[("output0", &[1, 7, 500]), ("output1", &[1, 2, 10, 10])])
}

/// The first prototype is high on the left half, the second everywhere.
fn prototypes() -> Tensor {
    let left = (0..100).map(|it| if it % 10 < 5 { 20.0 } else { -20.0 });
    let values: Vec<f32> = left.chain([20.0; 100]).collect();
    tensor(&[1, 2, 10, 10], &values)
}

#[track_caller]
fn instances(decoder: &mut Decoder, outputs: &[Tensor]) -> Vec<Instance> {
    match decoder.decode(outputs, place(), &Settings::default()).unwrap() {
        Answer::Instances(instances) => instances.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn coefficients_weigh_the_prototypes_inside_the_box() {
    let boxes = transposed(&[
        &[50.0, 50.0, 40.0, 20.0, 0.9, 1.0, 0.0],
        &[50.0, 35.0, 20.0, 20.0, 0.8, 0.0, -1.0],
        &[50.0, 65.0, 20.0, 10.0, 0.7, 0.0, 0.0],
    ]);
    let mut decoder = model().decoder(Task::Segment);
    let found = instances(&mut decoder, &[boxes, prototypes()]);
    // From 30 to 70 there are four places across, each cell on one of them; from 40 to 60 two down.
    assert_eq!(found[0].detection, detection(60.0, 30.0, 80.0, 40.0, 0, 0.9));
    assert_eq!((found[0].mask.width, found[0].mask.height), (4, 2));
    assert_eq!(found[0].mask.coverage, [255, 255, 0, 0, 255, 255, 0, 0]);
    assert_eq!(
        found[1].mask.coverage, [0; 4],
        "the second prototype counts against it"
    );
    assert_eq!(found[2].mask.coverage, [128; 2], "a logit of 0 is half");
}

#[test]
fn between_places_the_logit_is_interpolated() {
    // From 45 to 55: one cell, whose center is in the middle of the fifth and sixth place, at +20 and -20.
    let boxes = transposed(&[&[50.0, 50.0, 10.0, 10.0, 0.9, 1.0, 0.0]]);
    let found = instances(&mut model().decoder(Task::Segment), &[boxes, prototypes()]);
    assert_eq!(found[0].mask.coverage, [128]);
}

#[test]
fn a_mask_is_clipped_with_its_box_and_holds_no_garbage() {
    let boxes = transposed(&[
        &[0.0, 50.0, 40.0, 20.0, 0.9, 0.0, 1.0],
        &[90.0, 50.0, 10.0, 20.0, 0.8, f32::NAN, 1.0],
    ]);
    let mut decoder = model().decoder(Task::Segment);
    let found = instances(&mut decoder, &[boxes, prototypes()]);
    assert_eq!((found[0].detection.region.width, found[0].mask.width), (40.0, 2));
    assert_eq!(found[0].mask.coverage, [255; 4]);
    assert_eq!(
        found[1].mask.coverage, [0; 2],
        "a logit that is no number is outside"
    );
}

#[test]
fn finished_boxes_have_masks_too() {
    let model = Model::new(&[("output0", &[1, 300, 8]), ("output1", &[1, 2, 10, 10])]);
    let boxes = rows(&[&[30.0, 40.0, 70.0, 60.0, 0.9, 0.0, 1.0, 0.0]]);
    let found = instances(&mut model.decoder(Task::Segment), &[boxes, prototypes()]);
    assert_eq!(found[0].mask.coverage, [255, 255, 0, 0, 255, 255, 0, 0]);
}

#[test]
fn prototypes_of_another_size_or_count_than_recognized() {
    let boxes = transposed(&[&[50.0, 50.0, 40.0, 20.0, 0.9, 0.0, 1.0]]);
    let mut decoder = model().decoder(Task::Segment);
    for dims in [[1, 3, 10, 10], [1, 2, 0, 10]] {
        let values = vec![0.0; dims.iter().product()];
        let text = fault(&mut decoder, &[boxes.clone(), tensor(&dims, &values)]);
        assert!(
            text.contains("output 1") && text.contains("[1, 2, h, w]"),
            "{text}"
        );
    }
    // Any size covers the input: 3×2 over 100×100, of which the box takes 1.2 by 0.4.
    let found = instances(&mut decoder, &[boxes, tensor(&[1, 2, 2, 3], &[20.0; 12])]);
    assert_eq!((found[0].mask.width, found[0].mask.height), (2, 1));
    assert_eq!(found[0].mask.coverage, [255; 2]);
}
