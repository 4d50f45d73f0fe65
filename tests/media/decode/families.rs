// SPDX-License-Identifier: MPL-2.0

//! Detectors with outputs of each grid, with priors, with key points and with turned boxes, on an input of 128×96: the
//! numbers that are expected are computed by hand from the published formulas.

use gstavrec::answer::{Answer, Detection};
use gstavrec::decode::{Decoder, Settings, Task};
use gstavrec::letterbox::{Letterbox, Size};
use gstavrec::tensor::Tensor;

use crate::support::counting::allocations;
use crate::support::decode::*;

const INPUT: Size = Size {
    width: 128,
    height: 96,
};

/// Cells of the grids with strides 8, 16, 32.
const CELLS: [usize; 3] = [192, 48, 12];

/// An output with zeros but for some places.
struct Output {
    name: &'static str,
    dims: Vec<usize>,
    values: Vec<(usize, f32)>,
}

fn output(name: &'static str, dims: &[usize], values: &[(usize, f32)]) -> Output {
    Output {
        name,
        dims: dims.to_vec(),
        values: values.to_vec(),
    }
}

fn model(outputs: &[Output]) -> (Model, Vec<Tensor>) {
    let named: Vec<(&str, &[usize])> = outputs.iter().map(|it| (it.name, &it.dims[..])).collect();
    let tensors = outputs.iter().map(|it| {
        let mut values = vec![0.0; it.dims.iter().product()];
        it.values.iter().for_each(|&(at, value)| values[at] = value);
        tensor(&it.dims, &values)
    });
    (
        Model::new(&named).input(INPUT.width, INPUT.height),
        tensors.collect(),
    )
}

/// Decodes twice, the second time without an allocation, and gives what was found.
#[track_caller]
fn found(model: &Model, tensors: &[Tensor]) -> Vec<Detection> {
    let mut decoder = Decoder::new(&model.recognize(None).unwrap());
    let place = Letterbox::stretched(INPUT, INPUT);
    let settings = Settings::default();
    decoder.decode(tensors, place, &settings).unwrap();
    let before = allocations();
    decoder.decode(tensors, place, &settings).unwrap();
    assert_eq!(allocations() - before, 0, "the second frame allocates");
    match decoder.decode(tensors, place, &settings).unwrap() {
        Answer::Detections(found) => found.clone(),
        other => panic!("{other:?}"),
    }
}

/// Compares the only object's edges, confidence and key points.
#[track_caller]
fn check(found: &[Detection], region: [f32; 4], confidence: f32, points: &[(f32, f32)]) {
    let [one] = found else { panic!("{found:?}") };
    let given = [
        one.region.left,
        one.region.top,
        one.region.width,
        one.region.height,
    ];
    assert!(
        given.iter().zip(region).all(|(it, to)| (it - to).abs() < 1e-3),
        "{given:?}"
    );
    assert!((one.confidence - confidence).abs() < 1e-5, "{}", one.confidence);
    let near = |(it, to): (&gstavrec::answer::Landmark, &(f32, f32))| {
        (it.x - to.0).abs() < 1e-3 && (it.y - to.1).abs() < 1e-3
    };
    assert_eq!(one.landmarks.len(), points.len());
    assert!(one.landmarks.iter().zip(points).all(near), "{:?}", one.landmarks);
}

#[test]
fn scrfd_is_told_by_rows_in_any_order_with_one_or_two_rows_a_cell() {
    for anchors in [1, 2] {
        for batch in [&[][..], &[1]] {
            let dims = |grid: usize, each: usize| [batch, &[anchors * CELLS[grid], each]].concat();
            // Row of the middle grid (8 cells across) in column 3, line 1: (48, 16).
            let row = 11 * anchors;
            let mut outputs: Vec<Output> = Vec::new();
            for grid in [2, 0, 1] {
                let at = |values: &[(usize, f32)]| if grid == 1 { values.to_vec() } else { Vec::new() };
                let edges = [0.5, 1.0, 1.5, 2.0];
                let edges: Vec<_> = edges
                    .iter()
                    .enumerate()
                    .map(|(it, &v)| (4 * row + it, v))
                    .collect();
                outputs.push(output(
                    "p",
                    &dims(grid, 10),
                    &at(&[(10 * row, 0.25), (10 * row + 9, -0.5)]),
                ));
                outputs.push(output("b", &dims(grid, 4), &at(&edges)));
                outputs.push(output("s", &dims(grid, 1), &at(&[(row, 0.75)])));
            }
            let (model, tensors) = model(&outputs);
            let (x, y) = (48.0, 16.0);
            let points = [(x + 4.0, y), (x, y), (x, y), (x, y), (x, y - 8.0)];
            check(&found(&model, &tensors), [40.0, 0.0, 32.0, 48.0], 0.75, &points);
            assert_eq!(model.recognize(None).unwrap().names, ["face"]);
        }
    }
}

#[test]
fn yunet_multiplies_two_scores() {
    let mut outputs: Vec<Output> = Vec::new();
    for grid in [1, 2, 0] {
        let (n, row) = (CELLS[grid], 18);
        let at = |values: &[(usize, f32)]| if grid == 0 { values.to_vec() } else { Vec::new() };
        outputs.push(output("cls", &[1, n, 1], &at(&[(row, 0.81)])));
        outputs.push(output("obj", &[1, n, 1], &at(&[(row, 1.0)])));
        outputs.push(output("kps", &[1, n, 10], &at(&[(10 * row, 0.5)])));
        let size = 2.0f32.ln();
        let values = [
            (4 * row, 0.5),
            (4 * row + 1, 0.25),
            (4 * row + 2, size),
            (4 * row + 3, size),
        ];
        outputs.push(output("bbox", &[1, n, 4], &at(&values)));
    }
    let (model, tensors) = model(&outputs);
    // Column 2, line 1 of 16 across: center (20, 10), size 16.
    let (x, y) = (16.0, 8.0);
    let points = [(x + 4.0, y), (x, y), (x, y), (x, y), (x, y)];
    check(&found(&model, &tensors), [12.0, 2.0, 16.0, 16.0], 0.9, &points);
}

#[test]
fn distances_of_distributions_are_their_means() {
    // Row 10 of the middle grid: column 2, line 1; the left edge is 1 stride off, the others 3.5.
    let pico = |grid: usize| {
        let at = |values: &[(usize, f32)]| if grid == 1 { values.to_vec() } else { Vec::new() };
        let dis = output("dis", &[1, CELLS[grid], 32], &at(&[(32 * 10 + 1, 90.0)]));
        [
            dis,
            output("cls", &[1, CELLS[grid], 7], &at(&[(7 * 10 + 3, 0.5)])),
        ]
    };
    let (model_of_grids, tensors) = model(
        &[pico(0), pico(2), pico(1)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>(),
    );
    let boxes = found(&model_of_grids, &tensors);
    check(&boxes, [24.0, 0.0, 72.0, 80.0], 0.5, &[]);
    assert_eq!(boxes[0].class, 3);
    // The same of NanoDet: row 192 + 10 of all.
    let rows: usize = CELLS.iter().sum();
    let row = 34 * (192 + 10);
    let (model, tensors) = model(&[output(
        "output",
        &[1, rows, 34],
        &[(row, 0.5), (row + 2 + 1, 90.0)],
    )]);
    check(&found(&model, &tensors), [24.0, 0.0, 72.0, 80.0], 0.5, &[]);
}

#[test]
fn retinaface_adds_to_priors_and_takes_other_ones() {
    let rows = 2 * CELLS.iter().sum::<usize>();
    // The larger prior of the finest grid's cell at column 3, line 1: (28, 12), 32 wide.
    let row = 2 * 19 + 1;
    let mut conf: Vec<(usize, f32)> = (0..rows).map(|it| (2 * it, 1.0)).collect();
    conf.extend([(2 * row, 0.25), (2 * row + 1, 0.75)]);
    let outputs = [
        output("a", &[1, rows, 10], &[(10 * row, 1.0)]),
        output("b", &[1, rows, 2], &conf),
        output(
            "c",
            &[1, rows, 4],
            &[(4 * row, 2.5), (4 * row + 2, 5.0 * 0.5f32.ln())],
        ),
    ];
    let (model, tensors) = model(&outputs);
    let points = [
        (31.2, 12.0),
        (28.0, 12.0),
        (28.0, 12.0),
        (28.0, 12.0),
        (28.0, 12.0),
    ];
    check(&found(&model, &tensors), [28.0, 0.0, 16.0, 28.0], 0.75, &points);
    let told = model.metadata("priors", "8:16,64;16:64,128;32:256,512");
    let boxes = found(&told, &tensors);
    // 64 wide: center 28 + 0.1 · 2.5 · 64, width 32.
    assert_eq!((boxes[0].region.left, boxes[0].region.width), (28.0, 32.0));
    let wrong = told.metadata("priors", "8:16").recognize(None).unwrap();
    let place = Letterbox::stretched(INPUT, INPUT);
    let fault = Decoder::new(&wrong)
        .decode(&tensors, place, &Settings::default())
        .unwrap_err();
    assert!(fault.to_string().contains("priors="), "{fault}");
}

#[test]
fn poses_have_points_and_turned_boxes_angles() {
    let rows = CELLS.iter().sum::<usize>();
    let plane = |attribute: usize, value: f32| (attribute * rows + 7, value);
    let mut values = vec![
        plane(0, 60.0),
        plane(1, 40.0),
        plane(2, 20.0),
        plane(3, 10.0),
        plane(4, 0.5),
    ];
    values.extend([
        plane(5, 55.0),
        plane(6, 38.0),
        plane(7, 0.25),
        plane(8, 62.0),
        plane(9, 41.0),
    ]);
    let (pose, tensors) = model(&[output("output0", &[1, 11, rows], &values)]);
    let pose = pose.metadata("task", "pose").metadata("kpt_shape", "[2, 3]");
    let boxes = found(&pose, &tensors);
    check(
        &boxes,
        [50.0, 35.0, 20.0, 10.0],
        0.5,
        &[(55.0, 38.0), (62.0, 41.0)],
    );
    assert_eq!((boxes[0].landmarks[0].confidence, boxes[0].class), (0.25, 0));
    values.truncate(5);
    values.push(plane(6, std::f32::consts::FRAC_PI_2));
    let (turned, tensors) = model(&[output("output0", &[1, 7, rows], &values)]);
    let boxes = found(&turned.metadata("task", "obb"), &tensors);
    check(&boxes, [55.0, 30.0, 10.0, 20.0], 0.5, &[]);
    let turned = boxes[0].turned.unwrap();
    assert_eq!((turned.x, turned.width, turned.height), (60.0, 20.0, 10.0));
}

#[test]
fn key_points_alone_are_doubted_until_the_family_says_so() {
    let (plain, tensors) = model(&[output(
        "out",
        &[1, 136],
        &[(0, 0.5), (1, 0.25), (2, 0.75), (3, 0.5)],
    )]);
    let doubt = plain.refusal(None);
    assert!(doubt.contains("family=landmarks"), "{doubt}");
    let boxes = found(&plain.clone().metadata("family", "landmarks"), &tensors);
    assert_eq!((boxes[0].landmarks.len(), boxes[0].landmarks[1].x), (68, 96.0));
    let wrong = plain.metadata("family", "scrfd").refusal(Some(Task::Detect));
    assert!(wrong.contains("family=scrfd needs"), "{wrong}");
}

#[test]
fn single_nets_of_a_cascade_are_no_detectors() {
    for outputs in [
        &[("a", &[1, 4][..]), ("b", &[1, 2][..])][..],
        &[("a", &[1, 4]), ("b", &[1, 10]), ("c", &[1, 2])],
        &[("a", &[1, 20, 30, 4]), ("b", &[1, 20, 30, 2])],
    ] {
        let refusal = Model::new(outputs).refusal(None);
        assert!(refusal.contains("cascade"), "{refusal}");
    }
}
