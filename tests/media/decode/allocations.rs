// SPDX-License-Identifier: MPL-2.0

//! What decoding allocates per frame: nothing, from the second frame on.

use gstavrec::decode::{Settings, Task};
use gstavrec::tensor::Tensor;

use crate::support::counting::allocations;
use crate::support::decode::*;

/// Numbers of all kinds; the same for each frame.
fn noise(dims: &[usize]) -> Tensor {
    let mut state = 1u32;
    let values: Vec<f32> = (0..dims.iter().product())
        .map(|_| {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (state >> 16) as f32 / 655.36
        })
        .collect();
    tensor(dims, &values)
}

#[test]
fn masks_keep_their_memory_while_instances_come_and_go() {
    let (boxes, masks) = ([1, 9, 400], [1, 2, 40, 30]);
    let model = Model::new(&[("output0", &boxes), ("output1", &masks)]);
    let outputs = [noise(&boxes), noise(&masks)];
    let mut decoder = model.decoder(Task::Segment);
    let mut decode = |max_detections: usize| {
        let settings = Settings {
            max_detections,
            ..Settings::default()
        };
        decoder.decode(&outputs, place(), &settings).unwrap();
    };
    decode(50);
    decode(3);
    let before = allocations();
    decode(50);
    assert_eq!(allocations() - before, 0);
}

#[test]
fn no_family_allocates_after_the_first_frame() {
    let settings = Settings {
        half_life: 2.0,
        classes: Some(vec![0, 1, 2]),
        ..Settings::default()
    };
    for (task, outputs) in [
        (Task::Detect, vec![vec![1, 7, 400]]),
        (Task::Detect, vec![vec![1, 400, 9]]),
        (Task::Detect, vec![vec![1, 300, 6]]),
        (Task::Detect, vec![vec![1, 300, 4], vec![1, 300, 9]]),
        (Task::Detect, vec![vec![1, 2000, 4], vec![1, 2000, 9]]),
        (Task::Segment, vec![vec![1, 9, 400], vec![1, 2, 40, 30]]),
        (Task::Segment, vec![vec![1, 5, 40, 30]]),
        (Task::Segment, vec![vec![1, 1, 40, 30]]),
        (Task::Classify, vec![vec![1, 1000]]),
        (Task::Score, vec![vec![1, 1]]),
        (Task::Detect, vec![vec![1, 1, 40, 30]]),
        (Task::Text, vec![vec![1, 40, 37]]),
        (Task::Text, vec![vec![1, 37, 41]]),
    ] {
        let named: Vec<(&str, &[usize])> = outputs.iter().map(|it| ("output", it.as_slice())).collect();
        let model = Model::new(&named);
        let model = if task == Task::Text {
            model.labels(36)
        } else {
            model
        };
        let full: Vec<Tensor> = outputs.iter().map(|it| noise(it)).collect();
        for outputs in [full.iter().map(halved).collect(), full] {
            let mut decoder = model.decoder(task);
            decoder.decode(&outputs, place(), &settings).unwrap();
            let before = allocations();
            decoder.decode(&outputs, place(), &settings).unwrap();
            assert_eq!(allocations() - before, 0, "{task:?} {named:?}");
        }
    }
}
