// SPDX-License-Identifier: MPL-2.0

//! What who reads a console hears of a model: answers in words, and doubts about what it is.

use crate::support::infer::Bench;
use crate::support::infer_audio::Ears;
use crate::support::models::model;

/// Details of the INFO messages so far: what `gst-launch-1.0` prints of them.
fn told(bus: &gst::Bus) -> Vec<String> {
    let messages = std::iter::from_fn(|| bus.pop_filtered(&[gst::MessageType::Info]));
    let details = messages.filter_map(|it| match it.view() {
        gst::MessageView::Info(info) => info.debug().map(|it| it.to_string()),
        _ => None,
    });
    details.collect()
}

/// The answers among them, to so many frames at 25 a second.
fn answers(name: &str, properties: &str, frames: usize) -> Vec<String> {
    let mut bench = Bench::new(name, properties);
    let info = bench.caps("RGB", 32, 16);
    for _ in 0..frames {
        bench.push(&info).unwrap();
    }
    let mut told = told(&bench.bus);
    told.retain(|it| it.starts_with(&format!("{name}.onnx at ")));
    told
}

#[test]
fn an_answer_a_second_is_told_in_words_where_that_is_wanted() {
    let told = answers("main_color", "info-messages=true", 60);
    assert_eq!(told.len(), 3, "{told:?}");
    for (line, at) in told.iter().zip(["0.000", "1.000", "2.000"]) {
        assert!(
            line.starts_with(&format!("main_color.onnx at {at} s: ")),
            "{line}"
        );
    }
    assert_eq!(answers("main_color", "", 60), [""; 0]);
    let told = answers("means", "task=tensor info-messages=true", 2);
    assert!(told.len() == 1 && told[0].contains("] 0."), "{told:?}");
}

#[test]
fn an_answer_to_sound_is_told_by_its_own_time() {
    let mut ears = Ears::new("pitch", "info-messages=true", 16_000, 1);
    ears.pour(&vec![0.1; 40_000], &[1000]);
    let mut told = told(&ears.bench.bus);
    told.retain(|it| it.starts_with("pitch.onnx at "));
    assert!((2..=3).contains(&told.len()), "{told:?}");
}

/// A model with a description beside it, and its warnings and assumptions once it is loaded.
fn loaded(name: &str, description: &str, properties: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::copy(model(name), &path).unwrap();
    std::fs::write(folder.path().join("m.onnx.modelinfo"), description).unwrap();
    let bench = Bench::new(path.to_str().unwrap(), properties);
    let mut warnings = Vec::new();
    loop {
        let message = bench.bus.timed_pop(gst::ClockTime::from_seconds(60)).unwrap();
        match message.view() {
            gst::MessageView::Warning(it) => warnings.push(it.error().to_string()),
            gst::MessageView::Error(it) => panic!("{}", it.error()),
            gst::MessageView::Element(it) if it.has_name("avrec/model-loaded") => {
                return (warnings, it.structure().unwrap().get("assumed").unwrap());
            }
            _ => {}
        }
    }
}

#[test]
fn an_input_that_may_be_features_is_doubted_unless_somebody_says_that_it_is_a_picture() {
    let table = "[modelinfo]\nversion=1.0\n[x]\ndir=input\ndims=1,1,16,96\n";
    let (warnings, _) = loaded("mean_luma", table, "");
    assert!(warnings[0].contains("16 rows of 96 numbers"), "{warnings:?}");
    for (description, properties) in [
        (table.to_owned(), "channel-order=gray"),
        (format!("{table}channel-order=gray\n"), ""),
        (table.replace("96", "16"), ""),
    ] {
        let (warnings, _) = loaded("mean_luma", &description, properties);
        assert_eq!(warnings, [""; 0], "{description} {properties}");
    }
}

#[test]
fn a_section_that_is_called_otherwise_than_its_tensor_is_told() {
    let description = "[modelinfo]\nversion=1.0\n[inputs]\ndir=input\nchannel-order=gray\nranges=0,255\n";
    let (_, assumed) = loaded("mean_luma", description, "");
    assert!(
        assumed.contains("section=[inputs]") && assumed.contains("[x]"),
        "{assumed}"
    );
    let (_, assumed) = loaded("mean_luma", &description.replace("[inputs]", "[x]"), "");
    assert!(!assumed.contains("section="), "{assumed}");
}

#[test]
fn a_number_of_means_that_is_not_that_of_the_channels_is_told_by_its_own_name() {
    for (properties, words) in [
        (
            "input-mean=0.5,0.4",
            "input-mean=0.5,0.4 has 2 numbers, and the model has 3",
        ),
        ("input-std=0.5,0.4", "input-std=0.5,0.4 has 2 numbers"),
        ("input-range=0,1;0,2", "input-range=0,1;0,2 has 2 pairs"),
    ] {
        let bench = Bench::new("invert_rgb", properties);
        let error = bench.complaint(gst::MessageType::Error);
        assert!(error.contains(words), "{error}");
    }
}
