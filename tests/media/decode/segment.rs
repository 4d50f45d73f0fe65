// SPDX-License-Identifier: MPL-2.0

//! Maps of classes.

use gstavrec::answer::{Answer, ClassMap};
use gstavrec::decode::{Settings, Task, VOID};
use gstavrec::letterbox::{Letterbox, Size};
use gstavrec::tensor::{Data, ElementType, Tensor};

use crate::support::decode::*;

/// A frame of 8×4 in the middle of an input of 8×8.
fn place() -> Letterbox {
    let size = |width, height| Size { width, height };
    Letterbox::centered(size(8, 4), size(8, 8))
}

#[track_caller]
fn check(model: &Model, output: Tensor, width: usize, classes: &[u8]) {
    let mut decoder = model.decoder(Task::Segment);
    let answer = decoder.decode(&[output], place(), &Settings::default());
    let expected = ClassMap {
        width,
        height: classes.len() / width,
        classes: classes.to_vec(),
    };
    assert_eq!(answer, Ok(&Answer::ClassMap(expected)));
}

#[test]
fn the_padding_is_cut_off() {
    // A map of half the input's size: of its four rows the middle two are the frame.
    let map = [9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9];
    let model = Model::new(&[("map", &[1, 4, 4])]).element_type(0, ElementType::I32);
    for data in [
        Data::I32(map.to_vec()),
        Data::I64(map.iter().map(|&it| i64::from(it)).collect()),
        Data::U8(map.iter().map(|&it| it as u8).collect()),
    ] {
        let output = Tensor {
            dims: vec![1, 4, 4],
            data,
        };
        check(&model, output, 4, &[1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

#[test]
fn a_map_of_another_size_than_the_input_still_covers_the_frame() {
    // Three rows for eight of the input: the frame is covered by the 1.5 in the middle, that is two cells at
    // 0.75 + 0.375 and 0.75 + 1.125.
    let model = Model::new(&[("map", &[1, 1, 3, 2])]).element_type(0, ElementType::I64);
    let output = Tensor {
        dims: vec![1, 1, 3, 2],
        data: Data::I64(vec![1, 2, 3, 4, 5, 6]),
    };
    check(&model, output, 2, &[3, 4, 3, 4]);
}

#[test]
fn the_highest_score_decides_and_the_lower_class_of_equals() {
    let (nan, low) = (f32::NAN, f32::NEG_INFINITY);
    // Two places in one row, three classes.
    let planes = [0.1, nan, 0.3, 0.5, 0.3, low];
    let model = Model::new(&[("scores", &[1, 3, 0, 0])]);
    check(&model, tensor(&[1, 3, 1, 2], &planes), 2, &[1, 1]);
    let interleaved = [0.1, 0.3, 0.3, nan, 0.5, low];
    let model = Model::new(&[("scores", &[1, 0, 0, 3])]);
    check(&model, tensor(&[1, 1, 2, 3], &interleaved), 2, &[1, 1]);
}

#[test]
fn places_without_a_class_are_void_and_counted() {
    let model = Model::new(&[("scores", &[1, 2, 0, 0])]);
    let mut decoder = model.decoder(Task::Segment);
    let output = tensor(&[1, 2, 1, 2], &[f32::NAN, 1.0, f32::NAN, 0.0]);
    let answer = decoder.decode(&[output], place(), &Settings::default()).unwrap();
    let Answer::ClassMap(map) = answer else { panic!() };
    assert_eq!(map.classes, [VOID, 0]);
    assert_eq!(decoder.dropped(), 1);
    let model = Model::new(&[("map", &[1, 1, 4])]).element_type(0, ElementType::I64);
    let output = Tensor {
        dims: vec![1, 1, 4],
        data: Data::I64(vec![-1, 254, 255, i64::MAX]),
    };
    check(&model, output, 4, &[VOID, 254, VOID, VOID]);
}

#[test]
fn a_single_plane_of_floats_is_the_foreground() {
    let model = Model::new(&[("mask", &[1, 1, 0, 0])]);
    check(
        &model,
        tensor(&[1, 1, 1, 4], &[0.4, 0.6, 0.5, f32::NAN]),
        4,
        &[0, 1, 0, VOID],
    );
    check(
        &model,
        tensor(&[1, 1, 1, 4], &[0.4, -0.6, 3.5, 0.0]),
        4,
        &[1, 0, 1, 0],
    );
    assert!(model.recognize(Some(Task::Segment)).unwrap().assumed[0].contains("foreground"));
}

#[test]
fn the_foreground_begins_at_the_threshold_for_masks_and_each_answer_counts_alone() {
    let settings = Settings {
        mask_threshold: 0.25,
        ..Settings::default()
    };
    let model = Model::new(&[("mask", &[1, 1, 0, 0])]);
    let mut decoder = model.decoder(Task::Segment);
    let mut classes = |values: &[f32]| {
        let size = Size { width: 4, height: 1 };
        let place = Letterbox::stretched(size, size);
        match decoder.decode(&[tensor(&[1, 1, 1, 4], values)], place, &settings) {
            Ok(Answer::ClassMap(map)) => map.classes.clone(),
            other => panic!("{other:?}"),
        }
    };
    let confidences = [0.2, 0.3, 0.5, 0.0];
    assert_eq!(classes(&confidences), [0, 1, 1, 0]);
    // The logit of 0.25 is -1.1.
    assert_eq!(classes(&[-1.0, -1.2, 0.0, 4.0]), [1, 0, 1, 1]);
    assert_eq!(classes(&confidences), [0, 1, 1, 0], "and not logits for good");
}

#[test]
fn a_mask_of_another_kind_is_a_fault() {
    let model = Model::new(&[("scores", &[1, 3, 4, 4])]);
    for dims in [&[1, 2, 4, 4][..], &[1, 3, 0, 4], &[4, 4], &[2, 3, 4, 4]] {
        let values = vec![0.0; dims.iter().product()];
        let text = fault(&mut model.decoder(Task::Segment), &[tensor(dims, &values)]);
        assert!(text.contains("[1, 3, H, W]"), "{text}");
    }
    let refusal = Model::new(&[("scores", &[1, 300, 512, 512])]).refusal(Some(Task::Segment));
    assert!(
        refusal.contains("300 classes") && refusal.contains("task=tensor"),
        "{refusal}"
    );
}
