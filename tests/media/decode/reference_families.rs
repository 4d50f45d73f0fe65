// SPDX-License-Identifier: MPL-2.0

//! What is found compared with what tests/reference/families.py computed for the same tensors, apart from avrec: boxes,
//! key points and turned boxes of each family, in their order.

use std::fs;
use std::path::Path;

use gstavrec::answer::{Answer, Detection, Landmark, Region};
use gstavrec::decode::{Decoder, Settings, Task};
use gstavrec::letterbox::{Letterbox, Size};
use gstavrec::tensor::{Data, ElementType, Tensor};

use crate::support::decode::*;

/// The least overlap of a box with the reference's, and by how many pixels a point may be off.
const LEAST_IOU: f32 = 0.98;
const MOST_PIXELS: f32 = 0.05;

/// As families.py counts them.
const FAMILIES: [&str; 12] = [
    "scrfd",
    "yunet",
    "nanodet",
    "nanodet-plus",
    "picodet",
    "retinaface",
    "plates",
    "centerface",
    "ultraface",
    "rtdetr",
    "yolo-pose",
    "yolo-obb",
];

/// The last step of MurmurHash3 for 32 bits.
fn mix(mut value: u32) -> u32 {
    value = (value ^ (value >> 16)).wrapping_mul(0x85EB_CA6B);
    value = (value ^ (value >> 13)).wrapping_mul(0xC2B2_AE35);
    value ^ (value >> 16)
}

/// Tensors of a family, all drawn from integers.
struct Case {
    seed: u32,
    family: String,
    input: Size,
    frame: Size,
    classes: usize,
}

/// Output names and tensors.
type Outputs = Vec<(String, Tensor)>;

impl Case {
    fn new(family: &str, seed: u32) -> Self {
        let number = FAMILIES.iter().position(|it| *it == family).unwrap() as u32;
        let empty = Size { width: 0, height: 0 };
        let mut case = Case {
            seed: number * 100_000 + seed,
            family: family.into(),
            input: empty,
            frame: empty,
            classes: 0,
        };
        let one = |index, below| case.draw(0, index, below);
        let input = Size {
            width: 32 * (3 + one(1, 4)),
            height: 32 * (3 + one(2, 4)),
        };
        let frame = Size {
            width: 64 + one(3, 500),
            height: 64 + one(4, 500),
        };
        let twice = Size {
            width: 2 * input.width,
            height: 2 * input.height,
        };
        case.classes = 2 + one(6, 5);
        (case.input, case.frame) = (input, if family == "yolo-obb" { twice } else { frame });
        case
    }

    fn draw(&self, stream: u32, index: usize, below: u32) -> usize {
        let start = mix(self.seed.wrapping_mul(64).wrapping_add(stream));
        (mix(start.wrapping_add(index as u32)) % below) as usize
    }

    fn place(&self) -> Letterbox {
        match self.draw(0, 5, 3) {
            0 => Letterbox::centered(self.frame, self.input),
            1 => Letterbox::cornered(self.frame, self.input),
            _ => Letterbox::stretched(self.frame, self.input),
        }
    }

    /// Numbers from `low` to `low + span`.
    fn values(&self, stream: u32, count: usize, low: f32, span: f32) -> Vec<f32> {
        let value = |index| low + span * (self.draw(stream, index, 65536) as f32 / 65536.0);
        (0..count).map(value).collect()
    }

    fn score(&self, stream: u32, row: usize, classes: usize, class: usize) -> f32 {
        let level = self.draw(stream, row * classes + class, 65536);
        let level = if self.draw(1, row, 40 * classes as u32) == class {
            ((level * 40_000) >> 16) + 22_000
        } else {
            (level * 6_000) >> 16
        };
        level as f32 / 65536.0
    }

    /// Confidences of all classes of each row.
    fn scores(&self, stream: u32, rows: usize, classes: usize) -> Vec<f32> {
        let row = |row| (0..classes).map(move |class| self.score(stream, row, classes, class));
        (0..rows).flat_map(row).collect()
    }

    /// The same behind those for no object.
    fn with_none(&self, rows: usize) -> Vec<f32> {
        let score = |row| self.score(2, row, 1, 0);
        (0..rows).flat_map(|row| [1.0 - score(row), score(row)]).collect()
    }

    fn cells(&self, stride: usize) -> usize {
        self.input.width.div_ceil(stride) * self.input.height.div_ceil(stride)
    }

    /// Outputs of each grid, of what is drawn for the rows of all.
    fn split(&self, name: &str, strides: &[usize], anchors: usize, values: &[f32], each: usize) -> Outputs {
        let mut rest = values;
        let grids = strides.iter().map(|&stride| {
            let rows = anchors * self.cells(stride);
            let (own, others) = rest.split_at(rows * each);
            rest = others;
            (format!("{name}_{stride}"), tensor(&[1, rows, each], own))
        });
        grids.collect()
    }

    fn outputs(&self) -> Outputs {
        let rows = |strides: &[usize]| strides.iter().map(|&it| self.cells(it)).sum::<usize>();
        let (three, four) = (&[8, 16, 32][..], &[8, 16, 32, 64][..]);
        let classes = self.classes;
        match self.family.as_str() {
            "scrfd" => {
                let rows = 2 * rows(three);
                [
                    self.split("score", three, 2, &self.scores(2, rows, 1), 1),
                    self.split("bbox", three, 2, &self.values(3, 4 * rows, 0.5, 3.0), 4),
                    self.split("kps", three, 2, &self.values(4, 10 * rows, -2.0, 4.0), 10),
                ]
                .concat()
            }
            "yunet" => {
                let rows = rows(three);
                let (offsets, sizes) = (
                    self.values(4, 2 * rows, 0.0, 1.0),
                    self.values(5, 2 * rows, -0.5, 2.0),
                );
                [
                    self.split("cls", three, 1, &self.scores(2, rows, 1), 1),
                    self.split("obj", three, 1, &self.scores(3, rows, 1), 1),
                    self.split("bbox", three, 1, &side_by_side(&[(&offsets, 2), (&sizes, 2)]), 4),
                    self.split("kps", three, 1, &self.values(6, 10 * rows, -2.0, 4.0), 10),
                ]
                .concat()
            }
            "nanodet" | "nanodet-plus" => {
                let rows = rows(if self.family == "nanodet" { three } else { four });
                let (scores, bins) = (
                    self.scores(2, rows, classes),
                    self.values(3, 32 * rows, -4.0, 8.0),
                );
                let values = side_by_side(&[(&scores, classes), (&bins, 32)]);
                vec![("output".into(), tensor(&[1, rows, classes + 32], &values))]
            }
            "picodet" => {
                let rows = rows(four);
                let scores = self.scores(2, rows, classes);
                let bins = self.values(3, 32 * rows, -4.0, 8.0);
                [
                    self.split("cls", four, 1, &scores, classes),
                    self.split("dis", four, 1, &bins, 32),
                ]
                .concat()
            }
            "retinaface" | "plates" => self.with_priors(2 * rows(three)),
            "centerface" => self.maps(),
            "ultraface" => self.fractions(400),
            "rtdetr" => self.queries(300),
            _ => self.planes(rows(three)),
        }
    }

    fn with_priors(&self, rows: usize) -> Outputs {
        let each = if self.family == "plates" { 8 } else { 10 };
        vec![
            (
                "loc".into(),
                tensor(&[1, rows, 4], &self.values(3, 4 * rows, -2.0, 4.0)),
            ),
            ("conf".into(), tensor(&[1, rows, 2], &self.with_none(rows))),
            (
                "landms".into(),
                tensor(&[1, rows, each], &self.values(4, each * rows, -2.0, 4.0)),
            ),
        ]
    }

    fn maps(&self) -> Outputs {
        let cells = self.cells(4);
        let map = |planes, values: &[f32]| {
            let dims = [1, planes, self.input.height / 4, self.input.width / 4];
            (format!("map_{planes}_{}", values[0]), tensor(&dims, values))
        };
        vec![
            map(1, &self.scores(2, cells, 1)),
            map(2, &self.values(3, 2 * cells, 0.0, 2.0)),
            map(2, &self.values(4, 2 * cells, 0.0, 1.0)),
            map(10, &self.values(5, 10 * cells, 0.0, 1.0)),
        ]
    }

    /// Left, top, right and bottom of centers and sizes.
    fn edges(&self, rows: usize, middles: (f32, f32), sizes: (f32, f32)) -> Vec<f32> {
        let middle = self.values(3, 2 * rows, middles.0, middles.1);
        let size = self.values(4, 2 * rows, sizes.0, sizes.1);
        let row = |row: usize| {
            let edge = |axis: usize, side: f32| middle[2 * row + axis] + side * size[2 * row + axis];
            [edge(0, -0.5), edge(1, -0.5), edge(0, 0.5), edge(1, 0.5)]
        };
        (0..rows).flat_map(row).collect()
    }

    fn fractions(&self, rows: usize) -> Outputs {
        let edges = self.edges(rows, (0.0, 1.0), (0.125, 0.25));
        vec![
            ("scores".into(), tensor(&[1, rows, 2], &self.with_none(rows))),
            ("boxes".into(), tensor(&[1, rows, 4], &edges)),
        ]
    }

    fn queries(&self, rows: usize) -> Outputs {
        let kinds = (0..rows).map(|row| self.draw(5, row, self.classes as u32) as i64);
        let kinds = Tensor {
            dims: vec![1, rows],
            data: Data::I64(kinds.collect()),
        };
        let edges = self.edges(rows, (0.0, 64.0), (8.0, 32.0));
        vec![
            ("labels".into(), kinds),
            ("boxes".into(), tensor(&[1, rows, 4], &edges)),
            ("scores".into(), tensor(&[1, rows], &self.scores(2, rows, 1))),
        ]
    }

    /// YOLO's attributes, a plane each.
    fn planes(&self, rows: usize) -> Outputs {
        let turns = self.family == "yolo-obb";
        let classes = if turns { self.classes } else { 1 };
        let scores = self.scores(2, rows, classes);
        let plane = |class: usize| scores.iter().skip(class).step_by(classes).copied();
        let mut values = self.values(3, 2 * rows, 0.0, 128.0);
        values.extend(self.values(4, 2 * rows, 8.0, 32.0));
        values.extend((0..classes).flat_map(plane));
        if turns {
            values.extend(self.values(5, rows, -0.75, 2.0));
        } else {
            let points = self.values(5, 51 * rows, 0.0, 1.0);
            let is_seen = |plane: usize| plane % 3 == 2;
            let points = points.iter().enumerate();
            values.extend(points.map(|(at, it)| if is_seen(at / rows) { *it } else { 128.0 * it }));
        }
        let attributes = values.len() / rows;
        vec![("output0".into(), tensor(&[1, attributes, rows], &values))]
    }

    fn model(&self, outputs: &Outputs) -> Model {
        let declared: Vec<(&str, &[usize])> = outputs
            .iter()
            .map(|(name, it)| (name.as_str(), it.dims.as_slice()))
            .collect();
        let model = Model::new(&declared).input(self.input.width, self.input.height);
        match self.family.as_str() {
            "nanodet" | "nanodet-plus" => model.labels(self.classes),
            "ultraface" => model.metadata("family", "ultraface"),
            "rtdetr" => model
                .element_type(0, ElementType::I64)
                .metadata("boxes", "pixels"),
            "yolo-pose" => model.metadata("task", "pose").metadata("kpt_shape", "[17, 3]"),
            "yolo-obb" => model.metadata("task", "obb"),
            _ => model,
        }
    }
}

/// Rows of several tables, next to each other; each with its numbers of a row.
fn side_by_side(tables: &[(&[f32], usize)]) -> Vec<f32> {
    let rows = tables[0].0.len() / tables[0].1;
    let row = |row: usize| {
        tables
            .iter()
            .flat_map(move |(values, each)| &values[row * each..][..*each])
    };
    (0..rows).flat_map(row).copied().collect()
}

/// What families.txt says of an object, behind its class: confidence, edges, and key points or a turned box.
#[track_caller]
fn check(found: &Detection, line: &str) {
    let numbers: Vec<f32> = line.split(' ').map(|it| it.parse().unwrap()).collect();
    let [class, confidence, left, top, right, bottom, ref rest @ ..] = numbers[..] else {
        panic!("{line}")
    };
    let region = Region {
        left,
        top,
        width: right - left,
        height: bottom - top,
    };
    assert_eq!(found.class, class as u32, "{line}: {found:?}");
    assert!((found.confidence - confidence).abs() < 1e-4, "{line}: {found:?}");
    assert!(LEAST_IOU <= found.region.iou(&region), "{line}: {found:?}");
    if let Some(turned) = found.turned {
        let own = [turned.x, turned.y, turned.width, turned.height, turned.angle];
        let near = |(one, other): (&f32, &f32)| (one - other).abs() < MOST_PIXELS;
        assert!(
            rest.len() == 5 && own.iter().zip(rest).all(near),
            "{line}: {found:?}"
        );
        return;
    }
    let (points, odd) = rest.as_chunks::<3>();
    let near = |(own, [x, y, confidence]): (&Landmark, &[f32; 3])| {
        (own.x - x).abs() < MOST_PIXELS
            && (own.y - y).abs() < MOST_PIXELS
            && (own.confidence - confidence).abs() < 1e-4
    };
    assert!(
        odd.is_empty() && points.len() == found.landmarks.len(),
        "{line}: {found:?}"
    );
    assert!(found.landmarks.iter().zip(points).all(near), "{line}: {found:?}");
}

#[test]
fn made_tensors_of_twelve_families_give_the_reference_s_objects_in_its_order() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/families.txt");
    let text = fs::read_to_string(path).unwrap();
    let cases: Vec<&str> = text.split("case ").filter(|it| !it.is_empty()).collect();
    assert_eq!(cases.len(), 4 * FAMILIES.len());
    for text in cases {
        let mut lines = text.lines();
        let head = lines.next().unwrap();
        let (family, seed) = head.split_once(' ').unwrap();
        let case = Case::new(family, seed.parse().unwrap());
        let outputs = case.outputs();
        let model = case.model(&outputs);
        let tensors: Vec<Tensor> = outputs.into_iter().map(|(_, it)| it).collect();
        let recognition = model.recognize(Some(Task::Detect)).unwrap();
        let settings = Settings {
            confidence: 0.25,
            iou: 0.5,
            ..Settings::default()
        };
        let mut decoder = Decoder::new(&recognition);
        let answer = decoder.decode(&tensors, case.place(), &settings);
        let Answer::Detections(found) = answer.unwrap_or_else(|fault| panic!("{head}: {fault}")) else {
            panic!("{head}")
        };
        let lines: Vec<&str> = lines.collect();
        assert_eq!(found.len(), lines.len(), "{head}: {found:#?}");
        found.iter().zip(lines).for_each(|(one, line)| check(one, line));
    }
}
