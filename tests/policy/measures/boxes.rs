// SPDX-License-Identifier: MPL-2.0

//! Boxes against `COCOeval`.

use gstavrec::answer::{Answer, Detection, Region};
use gstavrec::score::evaluation::{Observation, Remark, Terms};

use super::{Draw, check, of_class, said};

const CLASSES: u32 = 5;

fn detection([left, top, width, height]: [f32; 4], class: u32, confidence: f32) -> Detection {
    let region = Region {
        left,
        top,
        width,
        height,
    };
    Detection {
        region,
        class,
        confidence,
        ..Detection::default()
    }
}

/// A box of any size, in quarters of a pixel.
fn some_box(draw: &Draw, stream: u32, at: u32) -> [f32; 4] {
    let scale = [1, 4, 16][draw.one(stream, 8 * at, 3) as usize];
    let place = |it: u32| draw.one(stream, 8 * at + it, 2400) as f32 / 4.0;
    let side = |it: u32| ((20 + draw.one(stream, 8 * at + it, 100)) * scale) as f32 / 4.0;
    [place(1), place(2), side(3), side(4)]
}

fn boxes_of(draw: &Draw, case: u32, item: u32) -> Observation {
    let stream = 10 * item;
    let (mut truth, mut remarks, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..draw.one(stream, 0, 12) {
        let place = some_box(draw, stream + 1, at);
        truth.push(detection(place, draw.one(stream + 2, at, CLASSES - 1), 1.0));
        let share = f64::from(50 + draw.one(stream + 3, at, 51));
        remarks.push(Remark {
            is_ignored: draw.one(stream + 4, at, 10) == 0,
            area: Some(f64::from(place[2]) * f64::from(place[3]) * share / 100.0),
        });
    }
    let levels = if case % 3 == 2 { 16 } else { 1 << 20 };
    for at in 0..draw.one(stream + 5, 0, if case == 5 { 1400 } else { 24 }) {
        let mut place = some_box(draw, stream + 6, at);
        let mut class = draw.one(stream + 7, at, CLASSES);
        if !truth.is_empty() && draw.one(stream + 8, 4 * at, 4) != 0 {
            let near = &truth[draw.one(stream + 8, 4 * at + 1, truth.len() as u32) as usize];
            let region = near.region;
            let spread = 1 + draw.one(stream + 8, 4 * at + 2, 12);
            place = [region.left, region.top, region.width, region.height];
            for (it, n) in place.iter_mut().zip(0..) {
                *it += draw.signed(stream + 9, 4 * at + n, spread) as f32 / 4.0;
            }
            if draw.one(stream + 8, 4 * at + 3, 8) != 0 {
                class = near.class;
            }
        }
        let level = draw.one(stream + 6, 8 * at + 5, levels);
        found.push(detection(place, class, level as f32 / levels as f32));
    }
    let terms = Terms {
        remarks: &remarks,
        ..Terms::default()
    };
    said(Answer::Detections(found), Answer::Detections(truth), &terms)
}

#[test]
fn mean_average_precision_is_that_of_pycocotools() {
    let made = |case| {
        (0..16)
            .map(|it| boxes_of(&Draw::new(1, case), case, it))
            .collect()
    };
    check(
        "boxes",
        |_| 1e-9,
        made,
        |evaluation, name| of_class(evaluation, "map", name),
    );
}
