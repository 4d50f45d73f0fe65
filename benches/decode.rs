// SPDX-License-Identifier: MPL-2.0

//! What it costs to read a detector's outputs, beside a plain loop over the same tensor.
//!
//! Prints the median and the best of many runs on the thread that runs them, in microseconds, and ratios of
//! medians taken in turns. The scene is 25 objects, each proposed by some forty neighboring cells.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use gstavrec::answer::{Answer, Detection, Region};
use gstavrec::decode::{Decoder, Recognition, Settings, Task};
use gstavrec::letterbox::{Letterbox, Size};
use gstavrec::tensor::{Data, Dim, ElementType, Tensor, TensorInfo};
use half::f16;

const INPUT: Size = Size {
    width: 640,
    height: 640,
};
const FRAME: Size = Size {
    width: 1280,
    height: 720,
};
const OBJECTS: usize = 25;
const CLASSES: usize = 80;

fn main() {
    let planes = planes(CLASSES, 0);
    let [plain, ours] = measure([
        ("YOLOv8 84 x 8400: a plain loop", &mut plain_loop(&planes)),
        (
            "YOLOv8 84 x 8400: avrec",
            &mut decode(Task::Detect, vec![planes.clone()]),
        ),
    ]);
    println!("{:>10.2}     avrec / plain loop", ours / plain);
    let half = halved(&planes);
    measure([(
        "YOLOv8 84 x 8400, half precision",
        &mut decode(Task::Detect, vec![half]),
    )]);
    let rows = objectness_rows();
    measure([("YOLOv5 25200 x 85", &mut decode(Task::Detect, vec![rows]))]);
    let masked = vec![crate::planes(CLASSES, 32), noise(&[1, 32, 160, 160])];
    measure([(
        "YOLOv8 segmentation, 25 masks",
        &mut decode(Task::Segment, masked),
    )]);
    let map = vec![noise(&[1, 21, 512, 512])];
    measure([("21 scores for 512 x 512 places", &mut decode(Task::Segment, map))]);
    measure([(
        "1000 classes",
        &mut decode(Task::Classify, vec![noise(&[1, 1000])]),
    )]);
}

/// A decoder that was asked once, so that it has its memory.
fn decode(task: Task, outputs: Vec<Tensor>) -> impl FnMut() {
    let declared: Vec<TensorInfo> = outputs.iter().map(declare).collect();
    let recognition = Recognition::new(Some(task), &declared, Some(INPUT), &BTreeMap::new(), None);
    let mut decoder = Decoder::new(&recognition.expect("an output that is understood"));
    let (place, settings) = (Letterbox::centered(FRAME, INPUT), Settings::default());
    let answer = decoder.decode(&outputs, place, &settings).expect("an answer");
    if let Answer::Detections(detections) = answer {
        assert_eq!(detections.len(), OBJECTS);
    }
    move || {
        black_box(
            decoder
                .decode(black_box(&outputs), place, &settings)
                .expect("an answer"),
        );
    }
}

fn declare(tensor: &Tensor) -> TensorInfo {
    TensorInfo {
        name: "output".into(),
        id: "output".into(),
        element_type: ElementType::F32,
        dims: tensor.dims.iter().map(|&it| Dim::Fixed(it)).collect(),
    }
}

/// What one writes first: for each proposal the best class, a list, a sort and each pair.
fn plain_loop(planes: &Tensor) -> impl FnMut() {
    let Data::F32(values) = planes.data.clone() else {
        unreachable!("made of floats")
    };
    let rows = planes.dims[2];
    let (place, settings) = (Letterbox::centered(FRAME, INPUT), Settings::default());
    move || {
        let values = black_box(&values);
        let mut found: Vec<Detection> = Vec::new();
        for row in 0..rows {
            let (mut class, mut confidence) = (0, 0.0);
            for it in 0..CLASSES {
                let score = values[(4 + it) * rows + row];
                if confidence < score {
                    (class, confidence) = (it as u32, score);
                }
            }
            if settings.confidence <= confidence {
                let [x, y, width, height] = [0, 1, 2, 3].map(|it| values[it * rows + row]);
                let region = Region {
                    left: x - width / 2.0,
                    top: y - height / 2.0,
                    width,
                    height,
                };
                found.push(Detection {
                    region,
                    class,
                    confidence,
                    ..Detection::default()
                });
            }
        }
        found.sort_by(|it, other| other.confidence.total_cmp(&it.confidence));
        let mut kept: Vec<Detection> = Vec::new();
        for it in found {
            let covered =
                |other: &&Detection| other.class == it.class && settings.iou < it.region.iou(&other.region);
            if kept.iter().find(covered).is_none() {
                kept.push(it);
            }
        }
        for it in &mut kept {
            let Region {
                left,
                top,
                width,
                height,
            } = it.region;
            if let Some(region) = place.to_frame(left, top, left + width, top + height) {
                it.region = region;
            }
        }
        assert_eq!(kept.len(), OBJECTS);
        black_box(kept);
    }
}

/// The center of an object, on a grid of five by five over the middle of the input.
fn center(object: usize) -> (f32, f32) {
    (
        90.0 + 110.0 * (object % 5) as f32,
        170.0 + 70.0 * (object / 5) as f32,
    )
}

/// The best score of a proposal and the object that it is for; high around the centers.
fn proposal(x: f32, y: f32) -> (usize, f32) {
    let distance = |object: usize| {
        let (at_x, at_y) = center(object);
        (x - at_x).abs().max((y - at_y).abs())
    };
    let nearest = (0..OBJECTS).min_by(|it, other| distance(*it).total_cmp(&distance(*other)));
    let object = nearest.unwrap_or(0);
    (object, 0.95 - 0.03 * distance(object))
}

/// Centers of the cells of the three grids, `each` times.
fn cells(each: usize) -> impl Iterator<Item = (f32, f32)> {
    [8, 16, 32].into_iter().flat_map(move |stride| {
        let side = 640 / stride;
        let half = stride as f32 / 2.0;
        (0..each * side * side).map(move |it| {
            let cell = it / each;
            (
                (cell % side * stride) as f32 + half,
                (cell / side * stride) as f32 + half,
            )
        })
    })
}

fn planes(classes: usize, coefficients: usize) -> Tensor {
    let rows = 8400;
    let mut tensor = noise(&[1, 4 + classes + coefficients, rows]);
    let Data::F32(values) = &mut tensor.data else {
        unreachable!("made of floats")
    };
    for (row, (x, y)) in cells(1).enumerate() {
        let (object, score) = proposal(x, y);
        let (at_x, at_y) = center(object);
        for (attribute, value) in [at_x + (x - at_x) * 0.1, at_y + (y - at_y) * 0.1, 60.0, 50.0]
            .into_iter()
            .enumerate()
        {
            values[attribute * rows + row] = value;
        }
        if 0.25 < score {
            values[(4 + object * 3) * rows + row] = score;
        }
    }
    tensor
}

fn objectness_rows() -> Tensor {
    let mut tensor = noise(&[1, 25200, 5 + CLASSES]);
    let Data::F32(values) = &mut tensor.data else {
        unreachable!("made of floats")
    };
    for ((x, y), row) in cells(3).zip(values.chunks_exact_mut(5 + CLASSES)) {
        let (object, score) = proposal(x, y);
        let (at_x, at_y) = center(object);
        row[..4].copy_from_slice(&[at_x + (x - at_x) * 0.1, at_y + (y - at_y) * 0.1, 60.0, 50.0]);
        if 0.25 < score {
            (row[4], row[5 + object * 3]) = (score, 1.0);
        }
    }
    tensor
}

/// Low confidences, as a model gives for what it does not see.
fn noise(dims: &[usize]) -> Tensor {
    let mut state = 1u32;
    let values = (0..dims.iter().product()).map(|_| {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        (state >> 8) as f32 / 16_777_216.0 * 0.05
    });
    Tensor {
        dims: dims.to_vec(),
        data: Data::F32(values.collect()),
    }
}

fn halved(tensor: &Tensor) -> Tensor {
    let Data::F32(values) = &tensor.data else {
        unreachable!("made of floats")
    };
    Tensor {
        dims: tensor.dims.clone(),
        data: Data::F16(values.iter().map(|&it| f16::from_f32(it)).collect()),
    }
}

/// Runs the jobs in turns; prints and returns their medians in microseconds.
fn measure<const JOBS: usize>(mut jobs: [(&str, &mut dyn FnMut()); JOBS]) -> [f64; JOBS] {
    let mut times = [const { Vec::new() }; JOBS];
    for turn in 0..320 {
        for ((_, job), times) in jobs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            job();
            // The first turns warm caches and predictors.
            if 20 <= turn {
                times.push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    let mut medians = [0.0; JOBS];
    for (((name, _), times), median) in jobs.iter().zip(&mut times).zip(&mut medians) {
        times.sort_by(f64::total_cmp);
        *median = times[times.len() / 2];
        println!("{median:>10.1} us  {name} (best {:.1})", times[0]);
    }
    medians
}
