// SPDX-License-Identifier: MPL-2.0

//! What is found compared with what tests/reference/boxes.py computed for the same tensors, apart from avrec.
//!
//! The tensors are made by the same generator of integers there and here; a few are a real detector's.

use std::fs;
use std::path::{Path, PathBuf};

use gstavrec::answer::{Answer, Detection, Region};
use gstavrec::decode::{Decoder, Settings, Task};
use gstavrec::letterbox::{Letterbox, Size};
use gstavrec::tensor::{Data, Tensor};
use half::f16;

use crate::support::decode::*;

/// The least overlap of a box with the reference's.
const LEAST_IOU: f32 = 0.999;

/// The last step of MurmurHash3 for 32 bits.
fn mix(mut value: u32) -> u32 {
    value = (value ^ (value >> 16)).wrapping_mul(0x85EB_CA6B);
    value = (value ^ (value >> 13)).wrapping_mul(0xC2B2_AE35);
    value ^ (value >> 16)
}

/// A tensor with what is asked of it, all drawn from integers.
struct Case {
    seed: u32,
    family: String,
    input: Size,
    frame: Size,
    classes: usize,
    rows: usize,
}

impl Case {
    fn new(index: u32, salt: u32, family: &str) -> Self {
        let mut case = Case {
            seed: index * 1000 + salt,
            family: family.into(),
            input: Size { width: 0, height: 0 },
            frame: Size { width: 0, height: 0 },
            classes: 0,
            rows: 0,
        };
        let size = |width, height| Size { width, height };
        case.input = size(32 * (3 + case.one(1, 8)), 32 * (3 + case.one(2, 8)));
        case.frame = size(64 + case.one(3, 1500), 48 + case.one(4, 1000));
        case.classes = 1 + case.one(8, 12) + usize::from(family == "objectness");
        case.rows = match family {
            "cells" => [8, 16, 32]
                .iter()
                .map(|it| (case.input.width / it) * (case.input.height / it))
                .sum(),
            "finished" => 20 + case.one(10, 60),
            _ => 40 + case.one(10, 400),
        };
        case
    }

    fn draw(&self, stream: u32, index: usize, below: u32) -> usize {
        let start = mix(self.seed.wrapping_mul(64).wrapping_add(stream));
        (mix(start.wrapping_add(index as u32)) % below) as usize
    }

    fn one(&self, stream: usize, below: u32) -> usize {
        self.draw(0, stream, below)
    }

    fn place(&self) -> Letterbox {
        match self.one(5, 3) {
            0 => Letterbox::centered(self.frame, self.input),
            1 => Letterbox::cornered(self.frame, self.input),
            _ => Letterbox::stretched(self.frame, self.input),
        }
    }

    fn settings(&self, index: u32) -> Settings {
        Settings {
            confidence: (10 + self.one(6, 60)) as f32 / 100.0,
            iou: (30 + self.one(7, 50)) as f32 / 100.0,
            max_detections: if index < 20 { 300 } else { 1 + self.one(9, 12) },
            ..Settings::default()
        }
    }

    /// Center and size of a row in input pixels.
    fn coordinates(&self, row: usize) -> [f32; 4] {
        let thing = self.draw(1, row, 6);
        let jitter = |axis: u32| (self.draw(4 + axis, row, 256) as f32 - 128.0) / 16.0;
        let center =
            |axis: u32, length: usize| self.draw(2 + axis, thing, length as u32) as f32 + jitter(axis);
        let size = |axis: u32| {
            8.0 + self.draw(6 + axis, thing, 64) as f32 + self.draw(8 + axis, row, 64) as f32 / 8.0
        };
        let mut box_of = [
            center(0, self.input.width),
            center(1, self.input.height),
            size(0),
            size(1),
        ];
        match self.draw(10, row, 40) {
            0 => box_of[0] = f32::NAN,
            1 => box_of[2] = f32::INFINITY,
            _ => {}
        }
        box_of
    }

    /// The same in fractions of the input.
    fn fractions(&self, values: [f32; 4]) -> [f32; 4] {
        let (width, height) = (self.input.width as f32, self.input.height as f32);
        [
            values[0] / width,
            values[1] / height,
            values[2] / width,
            values[3] / height,
        ]
    }

    fn corners(&self, row: usize) -> [f32; 4] {
        let [x, y, width, height] = self.coordinates(row);
        [
            x - width / 2.0,
            y - height / 2.0,
            x + width / 2.0,
            y + height / 2.0,
        ]
    }

    /// YOLOX's offset and logarithm of size.
    fn cell_coordinates(&self, row: usize) -> [f32; 4] {
        let offset = |stream| (self.draw(stream, row, 256) as f32 - 128.0) / 128.0;
        let size = |stream| self.draw(stream, row, 4096) as f32 / 2048.0;
        [offset(2), offset(3), size(4), size(5)]
    }

    fn level(&self, stream: u32, row: usize, class: usize, count: usize) -> usize {
        let mut level = self.draw(stream, row * count + class, 65536);
        level = (level * level) >> 16;
        if self.draw(1, row, 6) % count == class {
            level
        } else {
            (level * level) >> 16
        }
    }

    fn confidences(&self, row: usize, count: usize) -> Vec<f32> {
        let level = |class| self.level(20, row, class, count) as f32 / 65536.0;
        let mut scores: Vec<f32> = (0..count).map(level).collect();
        if self.draw(11, row, 50) == 0 {
            scores[0] = f32::NAN;
        }
        scores
    }

    fn logits(&self, row: usize, count: usize) -> Vec<f32> {
        let logit = |class| (self.level(20, row, class, count) as f32 - 40960.0) / 8192.0;
        (0..count).map(logit).collect()
    }

    /// A tensor [1, rows, …] of what a function gives for each row.
    fn table(&self, row: impl Fn(usize) -> Vec<f32>) -> Tensor {
        let values: Vec<Vec<f32>> = (0..self.rows).map(row).collect();
        tensor(&[1, self.rows, values[0].len()], &values.concat())
    }

    fn proposals(&self, row: usize) -> Vec<f32> {
        [&self.coordinates(row)[..], &self.confidences(row, self.classes)].concat()
    }

    fn with_objectness(&self, row: usize, coordinates: [f32; 4]) -> Vec<f32> {
        let objectness = self.level(21, row, 0, 1) as f32 / 65536.0;
        [
            &coordinates[..],
            &[objectness],
            &self.confidences(row, self.classes),
        ]
        .concat()
    }

    /// The model and its outputs.
    fn model(&self) -> (Model, Vec<Tensor>) {
        let number = |row| self.draw(12, row, self.classes as u32) as f32;
        let boxes = || self.table(|row| self.fractions(self.coordinates(row)).to_vec());
        let (names, outputs): (&[&str], _) = match self.family.as_str() {
            "planes" | "planes-half" => {
                let rows: Vec<Vec<f32>> = (0..self.rows).map(|row| self.proposals(row)).collect();
                let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
                (&["yolo-v8-out"], vec![transposed(&rows)])
            }
            "fractions" => {
                let row = |row| {
                    let fractions = self.fractions(self.coordinates(row));
                    [&fractions[..], &self.confidences(row, self.classes)].concat()
                };
                (&["rt-detr"], vec![self.table(row)])
            }
            "objectness" => {
                let row = |row| self.with_objectness(row, self.coordinates(row));
                (&["output"], vec![self.table(row)])
            }
            "cells" => {
                let row = |row| self.with_objectness(row, self.cell_coordinates(row));
                (&["output"], vec![self.table(row)])
            }
            "finished" => {
                let row = |row| {
                    let end = [self.confidences(row, 1)[0], number(row)];
                    [&self.corners(row)[..], &end].concat()
                };
                (&["output"], vec![self.table(row)])
            }
            "tensorflow" => {
                let boxes = self.table(|row| {
                    let [left, top, right, bottom] = self.fractions(self.corners(row));
                    vec![top, left, bottom, right]
                });
                let line = |of: &dyn Fn(usize) -> f32| {
                    let values: Vec<f32> = (0..self.rows).map(of).collect();
                    tensor(&[1, self.rows], &values)
                };
                let scores = line(&|row| self.confidences(row, 1)[0]);
                let count = tensor(&[1], &[self.one(11, self.rows as u32) as f32]);
                let names = &[
                    "detection_boxes",
                    "detection_classes",
                    "detection_scores",
                    "num_detections",
                ];
                (names, vec![boxes, line(&number), scores, count])
            }
            "dense" => {
                let scores = self.table(|row| self.confidences(row, self.classes + 1));
                (
                    &["boxes", "scores"],
                    vec![self.table(|row| self.corners(row).to_vec()), scores],
                )
            }
            "sigmoid" => (
                &["logits", "pred_boxes"],
                vec![self.table(|row| self.logits(row, self.classes)), boxes()],
            ),
            "softmax" => {
                let logits = self.table(|row| self.logits(row, self.classes + 1));
                (&["logits", "pred_boxes"], vec![logits, boxes()])
            }
            other => panic!("{other}"),
        };
        let declared: Vec<(&str, &[usize])> = names
            .iter()
            .zip(&outputs)
            .map(|(name, it)| (*name, it.dims.as_slice()))
            .collect();
        let mut model = Model::new(&declared).labels(self.classes);
        if self.family != "finished" {
            model.input = Some(self.input);
        }
        let outputs = if self.family == "planes-half" {
            outputs.iter().map(halved).collect()
        } else {
            outputs
        };
        (model, outputs)
    }
}

/// A line with what was computed, and the boxes below it.
struct Expected {
    words: Vec<String>,
    boxes: Vec<Detection>,
}

impl Expected {
    fn number<T: std::str::FromStr>(&self, word: usize) -> T {
        self.words[word].parse().ok().unwrap()
    }

    fn dropped(&self) -> u64 {
        self.number(self.words.len() - 1)
    }

    #[track_caller]
    fn check(&self, decoder: &mut Decoder, outputs: &[Tensor], place: Letterbox, settings: &Settings) {
        let answer = decoder.decode(outputs, place, settings).unwrap().clone();
        let Answer::Detections(mut found) = answer else {
            panic!()
        };
        assert_eq!(decoder.dropped(), self.dropped(), "{:?}", self.words);
        assert_eq!(found.len(), self.boxes.len(), "{:?}", self.words);
        for expected in &self.boxes {
            let same = |it: &Detection| {
                it.class == expected.class
                    && (it.confidence - expected.confidence).abs() < 1e-4
                    && LEAST_IOU <= it.region.iou(&expected.region)
            };
            let at = found.iter().position(same);
            let at = at.unwrap_or_else(|| panic!("{:?}: {expected:?} is not in {found:#?}", self.words));
            found.swap_remove(at);
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference")
}

/// What boxes.txt says of the cases of one kind.
fn expected(kind: &str) -> Vec<Expected> {
    let text = fs::read_to_string(folder().join("boxes.txt")).unwrap();
    let mut all: Vec<Expected> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0].parse::<u32>().is_err() {
            all.push(Expected {
                words: words.into_iter().map(str::to_owned).collect(),
                boxes: Vec::new(),
            });
            continue;
        }
        let numbers: Vec<f32> = words.iter().map(|it| it.parse().unwrap()).collect();
        let [class, confidence, left, top, right, bottom] = numbers[..] else {
            panic!("{line}")
        };
        let region = Region {
            left,
            top,
            width: right - left,
            height: bottom - top,
        };
        all.last_mut().unwrap().boxes.push(Detection {
            region,
            class: class as u32,
            confidence,
            ..Detection::default()
        });
    }
    all.retain(|it| it.words[0] == kind);
    all
}

#[test]
fn made_tensors_of_ten_families_give_the_reference_s_boxes() {
    let cases = expected("case");
    assert_eq!(cases.len(), 200);
    for expected in &cases {
        let index = expected.number(1);
        let case = Case::new(index, expected.number(2), &expected.words[3]);
        let (model, outputs) = case.model();
        let mut decoder = model.decoder(Task::Detect);
        expected.check(&mut decoder, &outputs, case.place(), &case.settings(index));
    }
}

#[test]
fn a_real_detector_s_tensors_give_the_reference_s_boxes() {
    let cases = expected("real");
    assert_eq!(cases.len(), 2);
    for expected in &cases {
        let bytes = fs::read(folder().join(&expected.words[1])).unwrap();
        let values = bytes.as_chunks::<2>().0.iter().map(|it| f16::from_le_bytes(*it));
        let output = Tensor {
            dims: vec![1, 3549, 6],
            data: Data::F16(values.collect()),
        };
        let size = |word| Size {
            width: expected.number(word),
            height: expected.number(word + 1),
        };
        let (input, frame) = (size(2), size(4));
        let model = Model::new(&[("output", &[1, 3549, 6])]).input(input.width, input.height);
        let settings = Settings {
            iou: 0.45,
            ..Settings::default()
        };
        let place = Letterbox::cornered(frame, input);
        expected.check(&mut model.decoder(Task::Detect), &[output], place, &settings);
    }
}
