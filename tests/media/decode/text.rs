// SPDX-License-Identifier: MPL-2.0

//! Text: found in maps, and read out of steps.

use gstavrec::answer::{Answer, Region, Text};
use gstavrec::decode::{Blank, Decoder, Family, Settings, Steps, Table, Task};
use gstavrec::letterbox::{Letterbox, Placement, Size};
use gstavrec::tensor::Tensor;

use crate::support::decode::*;

const MAP: (usize, usize) = (160, 96);

/// An upright line, one that is turned by 26 degrees, one that is not likely enough, and one that is too thin.
fn likelihood(x: usize, y: usize) -> f32 {
    let (across, down) = (x as f64 - 90.0, y as f64 - 56.0);
    let (along, aside) = (across * 0.9 + down * 0.436, -across * 0.436 + down * 0.9);
    match (x, y) {
        (100..=140, 5) => 0.9,
        (5..=15, 70..=78) => 0.4,
        _ if along.abs() < 40.0 && aside.abs() < 5.0 => 0.75,
        (20..=60, 10..=18) => 0.875,
        _ => 0.0,
    }
}

fn map(likelihood: impl Fn(usize, usize) -> f32) -> Tensor {
    let (width, height) = MAP;
    let cells = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let values: Vec<f32> = cells.map(|(x, y)| likelihood(x, y)).collect();
    tensor(&[1, 1, height, width], &values)
}

/// A frame of twice the size of the map.
fn place() -> Letterbox {
    let size = |scale| Size {
        width: scale * MAP.0,
        height: scale * MAP.1,
    };
    Letterbox::stretched(size(2), size(1))
}

/// Left, top, right, bottom and confidence.
fn found(decoder: &mut Decoder, output: Tensor, settings: &Settings) -> Vec<([f32; 4], f32)> {
    let answer = decoder.decode(&[output], place(), settings).unwrap();
    let Answer::Detections(found) = answer else {
        panic!("{answer:?}")
    };
    let edges = |it: &Region| [it.left, it.top, it.left + it.width, it.top + it.height];
    found
        .iter()
        .map(|it| (edges(&it.region), it.confidence))
        .collect()
}

fn finder() -> Decoder {
    Model::new(&[("map", &[1, 1, 0, 0])]).decoder(Task::Detect)
}

/// What RapidOCR 1.4.4 makes of the same map (`DBPostProcess` with its own settings).
const REFERENCE: [([f32; 4], f32); 2] = [
    ([26.0, 6.0, 132.0, 48.0], 0.76875),
    // Around the corners (105, 44), (280, 131), (255, 180) and (80, 93).
    ([80.0, 44.0, 280.0, 180.0], 0.605_885_3),
];

#[test]
fn boxes_are_those_of_the_reference() {
    let boxes = found(&mut finder(), map(likelihood), &Settings::default());
    assert_eq!(boxes.len(), REFERENCE.len(), "{boxes:?}");
    for ((edges, confidence), (expected, sure)) in boxes.into_iter().zip(REFERENCE) {
        // OpenCV's rectangle of the upright one is 19.999998 where 20 is meant, which is cut to a whole cell less: two
        // pixels of the frame.
        let near = |(a, b): (f32, f32)| (a - b).abs() <= 2.0;
        assert!(
            edges.into_iter().zip(expected).all(near),
            "{edges:?} {expected:?}"
        );
        assert!((confidence - sure).abs() < 1e-3, "{confidence} {sure}");
    }
}

#[test]
fn a_threshold_that_is_asked_for_holds_and_logits_are_likelihoods_too() {
    let asked = Settings {
        confidence: 0.25,
        is_confidence_asked: true,
        ..Settings::default()
    };
    assert_eq!(found(&mut finder(), map(likelihood), &asked).len(), 3);
    let logit = |x: usize, y: usize| {
        let it = likelihood(x, y).clamp(0.01, 0.99);
        (it / (1.0 - it)).ln()
    };
    let boxes = found(&mut finder(), map(logit), &Settings::default());
    let edges: Vec<_> = boxes.iter().map(|it| it.0).collect();
    let plain = found(&mut finder(), map(likelihood), &Settings::default());
    assert_eq!(edges, plain.iter().map(|it| it.0).collect::<Vec<_>>());
}

#[test]
fn a_finder_of_text_has_a_label_and_fills_its_input() {
    let recognition = Model::new(&[("map", &[0, 1, 0, 0])])
        .recognize(Some(Task::Detect))
        .unwrap();
    assert_eq!(recognition.names, ["text"]);
    assert_eq!(recognition.placement, Placement::Stretched);
    assert!(
        recognition.assumed[0].contains("where text is"),
        "{recognition:?}"
    );
}

#[test]
fn a_table_of_characters_makes_a_reader() {
    let two = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj";
    let reader = |dims: &[usize], labels: Option<usize>, character: Option<&str>| {
        let mut model = Model::new(&[("softmax", dims)]);
        model.labels = labels;
        let model = match character {
            Some(text) => model.metadata("character", text),
            None => model,
        };
        let recognition = model.recognize(None).unwrap();
        match recognition.family {
            Family::Text(ctc) => Some((ctc.steps, ctc.classes, ctc.table, recognition.assumed.len())),
            _ => None,
        }
    };
    let paddle = Some((Steps::Rows, 12, Table::WithoutBlankAndSpace, 0));
    assert_eq!(reader(&[0, 0, 12], None, Some(two)), paddle);
    assert_eq!(reader(&[40, 1, 12], None, Some(two)), paddle);
    assert_eq!(
        reader(&[1, 12, 40], None, Some(two)),
        Some((Steps::Planes, 12, Table::WithoutBlankAndSpace, 0))
    );
    // Labels of the user: what it is taken for and where the blank is are assumed.
    assert_eq!(
        reader(&[1, 0, 37], Some(36), None),
        Some((Steps::Rows, 37, Table::WithoutBlank, 2))
    );
    assert_eq!(
        reader(&[1, 0, 36], Some(36), None),
        Some((Steps::Rows, 36, Table::Whole, 2))
    );
    // Classes of objects are no characters.
    assert_eq!(reader(&[1, 8400, 84], Some(80), None), None);
    assert_eq!(reader(&[1, 84, 8400], Some(80), None), None);
}

#[test]
fn what_is_missing_to_read_is_said() {
    let reader = Model::new(&[("softmax", &[1, 0, 37])]);
    let refusal = reader.refusal(Some(Task::Text));
    assert!(
        refusal.contains("labels-file with one character a line"),
        "{refusal}"
    );
    let refusal = reader.clone().labels(40).refusal(Some(Task::Text));
    assert!(
        refusal.contains("softmax [1, ?, 37]") && refusal.contains("from 40 to 42"),
        "{refusal}"
    );
    let refusal = reader
        .labels(36)
        .metadata("blank", "middle")
        .refusal(Some(Task::Text));
    assert!(refusal.contains("write first or last"), "{refusal}");
}

#[test]
fn a_line_is_spelled_by_the_labels_that_the_user_gave() {
    let model = Model::new(&[("logits", &[0, 1, 3])])
        .labels(2)
        .metadata("blank", "last");
    let recognition = model.recognize(Some(Task::Text)).unwrap();
    assert!(matches!(recognition.family, Family::Text(it) if it.blank == Blank::Last));
    let mut decoder = Decoder::labeled(&recognition, &["x".into(), "yz".into()]);
    let steps = tensor(
        &[4, 1, 3],
        &[9.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0, 9.0, 0.0],
    );
    let answer = decoder.decode(&[steps], place(), &Settings::default()).unwrap();
    let Answer::Text(Text { text, confidence }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(text, "xyz");
    let sure = 1.0 / (1.0 + 2.0 * (-9.0f32).exp());
    assert!((confidence - sure).abs() < 1e-6, "{confidence}");
}
