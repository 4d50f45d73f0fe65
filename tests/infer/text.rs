// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer` with models that read a line of text, and with one that finds text.

use gst_video::VideoRegionOfInterestMeta;
use gstavrec::answer::{Answer, Region, Text};
use gstavrec::media::metas;
use gstavrec::messages::{Message, ModelAnswer, Place, Said};

use crate::support::infer::Bench;
use crate::support::models::model;

/// A frame whose columns of 16 pixels have these colors, at a height of 48.
fn columns(bench: &mut Bench, colors: &[[u8; 3]], scale: usize) -> gst::Buffer {
    let (width, height) = (16 * colors.len() * scale, 48 * scale);
    let info = bench.caps("RGB", width as u32, height as u32);
    let stride = info.stride()[0] as usize;
    let mut bytes = vec![0; info.size()];
    for row in bytes.chunks_exact_mut(stride) {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().take(width).enumerate() {
            *pixel = colors[x / (16 * scale)];
        }
    }
    gst::Buffer::from_mut_slice(bytes)
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const BLACK: [u8; 3] = [0, 0, 0];
const WHITE: [u8; 3] = [255, 255, 255];

#[track_caller]
fn text(buffer: &gst::BufferRef) -> Text {
    match metas::read(buffer) {
        Some(Answer::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_is_read_whatever_its_length_and_padded_where_it_is_short() {
    // Blue comes first in such models: it is an a, green a b and red a c.
    // One that is as long as the least input, one that is shorter, one that is longer, and one that is made smaller.
    let word = [RED, RED, BLACK, RED, GREEN, WHITE, BLUE];
    let long = [word, word, word, word].concat();
    for (colors, scale, expected) in [
        (&word[..], 1, "ccb a"),
        (&long, 1, "ccb accb accb accb a"),
        (&word, 2, "ccb a"),
    ] {
        let mut bench = Bench::new("read_colors", "post-messages=true");
        let frame = columns(&mut bench, colors, scale);
        let output = bench.harness.push_and_pull(frame).unwrap();
        let read = text(&output);
        assert_eq!(read.text, expected, "{} columns", colors.len());
        assert!(0.99 < read.confidence && read.confidence <= 1.0, "{read:?}");
        let told = bench.message("avrec/text");
        let Ok(Message::Answer(ModelAnswer { place, said, .. })) = Message::try_from(&*told) else {
            panic!("{told}")
        };
        let size = (16 * (colors.len() * scale) as u32, 48 * scale as u32);
        assert_eq!(
            place,
            Place::Frame {
                width: size.0,
                height: size.1
            }
        );
        let confidence = f64::from(read.confidence);
        let text = expected.to_owned();
        assert_eq!(said, Said::Text { text, confidence });
    }
}

#[test]
fn what_a_reader_is_fed_is_told_with_the_line_that_changes_it() {
    let mut bench = Bench::new("read_colors", "");
    let frame = columns(&mut bench, &[RED, GREEN], 1);
    bench.harness.push_and_pull(frame).unwrap();
    let loaded = bench.message("avrec/model-loaded");
    let Ok(Message::ModelLoaded(loaded)) = Message::try_from(&*loaded) else {
        panic!("{loaded}")
    };
    assert_eq!(loaded.model.task.name(), "text");
    assert_eq!(loaded.model.assumed, "");
    let range = loaded.model.statements.iter().find(|it| it.key == "input-range");
    let range = range.unwrap_or_else(|| panic!("{:?}", loaded.model.statements));
    assert_eq!((range.tensor.as_str(), range.value.as_str()), ("x", "-1,1"));
    assert_eq!(range.origin, "the family PaddleOCR");
    assert_eq!(range.line, "input-range=0,1");
}

#[test]
fn a_table_of_the_user_reads_a_model_that_says_nothing() {
    let table = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(table.path(), "1\n2\n \n").unwrap();
    let properties = format!("task=text labels-file={}", table.path().display());
    let mut bench = Bench::new("read_grays", &properties);
    let gray = |level: u8| [level; 3];
    let colors = [gray(85), gray(0), gray(85), gray(255), gray(170)];
    let frame = columns(&mut bench, &colors, 1);
    let output = bench.harness.push_and_pull(frame).unwrap();
    // The input is 64 high, and 106 wide: a step is 12 of these pixels.
    assert_eq!(text(&output).text, "11 2");

    let mut bench = Bench::new("read_grays", "task=text");
    let frame = columns(&mut bench, &colors, 1);
    assert!(bench.harness.push(frame).is_err());
    let complaint = bench.complaint(gst::MessageType::Error);
    assert!(
        complaint.contains("labels-file with one character a line"),
        "{complaint}"
    );
}

#[test]
fn the_modelinfo_says_which_class_is_no_character() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read_grays.onnx");
    std::fs::copy(model("read_grays"), &path).unwrap();
    let info = "[modelinfo]\nversion=1.0\n[logits]\nblank=last\n";
    std::fs::write(folder.path().join("read_grays.onnx.modelinfo"), info).unwrap();
    let table = folder.path().join("table");
    std::fs::write(&table, "0\n1\n2\n").unwrap();
    let properties = format!("task=text labels-file={}", table.display());
    let mut bench = Bench::new(path.to_str().unwrap(), &properties);
    let gray = |level: u8| [level; 3];
    let frame = columns(&mut bench, &[gray(0), gray(255), gray(0), gray(170)], 1);
    let output = bench.harness.push_and_pull(frame).unwrap();
    // A step is 12 of these pixels: 0, two thirds of white, the same, 0, and 170.
    assert_eq!(text(&output).text, "0202");
}

#[test]
fn bright_places_are_found_as_text_by_the_name_of_the_model() {
    let mut bench = Bench::new("text_det_bright", "post-messages=true");
    let info = bench.caps("RGB", 96, 72);
    let stride = info.stride()[0] as usize;
    let mut bytes = vec![0u8; info.size()];
    for (y, row) in bytes.chunks_exact_mut(stride).enumerate() {
        if (30..40).contains(&y) {
            row[3 * 20..3 * 60].fill(255);
        }
    }
    let output = bench
        .harness
        .push_and_pull(gst::Buffer::from_mut_slice(bytes))
        .unwrap();
    let Some(Answer::Detections(found)) = metas::read(&output) else {
        panic!("{:?}", metas::read(&output))
    };
    // Widened by 40 · 10 · 1.6 / 100 = 6.4 pixels each way.
    let expected = Region {
        left: 13.6,
        top: 23.6,
        width: 52.8,
        height: 22.8,
    };
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(0.9 < found[0].region.iou(&expected), "{found:?}");
    let region = output.iter_meta::<VideoRegionOfInterestMeta>().next().unwrap();
    assert_eq!(region.roi_type(), "text");
    let loaded = bench.message("avrec/model-loaded");
    let assumed = loaded.get::<String>("assumed").unwrap();
    assert!(assumed.contains("where text is"), "{assumed}");
}
