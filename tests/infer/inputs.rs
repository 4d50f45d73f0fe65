// SPDX-License-Identifier: MPL-2.0

//! How a picture goes into a model: what is said of it, by whom, what is assumed and told, and models of any size.

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gst_video::VideoRegionOfInterestMeta;
use gstavrec::media::metas;

use crate::support::infer::Bench;
use crate::support::models::model;

/// Pixels of one color.
const COLOR: [u8; 3] = [204, 102, 51];

/// The model of a test, alone in a folder of its own, where others may say things of it.
fn alone(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::copy(model(name), &path).unwrap();
    (folder, path)
}

/// Adds an entry to the metadata of an ONNX file: repeated fields of a message may be appended to it.
fn add_metadata(path: &Path, entries: &[(&str, &str)]) {
    let mut bytes = std::fs::read(path).unwrap();
    for (key, value) in entries {
        let mut entry = Vec::new();
        for (tag, text) in [(0x0a, key), (0x12, value)] {
            entry.extend([tag, u8::try_from(text.len()).unwrap()]);
            entry.extend(text.as_bytes());
        }
        bytes.extend([0x72, u8::try_from(entry.len()).unwrap()]);
        bytes.extend(entry);
    }
    std::fs::write(path, bytes).unwrap();
}

fn bench(path: &Path, properties: &str) -> Bench {
    Bench::new(path.to_str().unwrap(), &format!("top-k=3 {properties}"))
}

/// Confidences of red, green and blue that `main_color` has for frames of [`COLOR`].
#[track_caller]
fn colors(bench: &mut Bench) -> [f32; 3] {
    let info = bench.caps("RGB", 32, 32);
    let mut buffer = gst::Buffer::from_slice(COLOR.repeat(32 * 32));
    buffer.make_mut().set_pts(gst::ClockTime::ZERO);
    assert_eq!(info.size(), buffer.size());
    let output = bench.harness.push_and_pull(buffer).unwrap();
    let classes = metas::classes(&output).unwrap();
    ["red", "green", "blue"].map(|label| {
        let class = classes.iter().find(|it| it.class == metas::class_of(label));
        class.map_or(f32::NAN, |it| it.confidence)
    })
}

/// What is stated of a key: its value, and who said it.
#[track_caller]
fn stated(bench: &Bench, key: &str) -> (String, String) {
    let loaded = bench.message("avrec/model-loaded");
    let statements = loaded.get::<gst::Array>("statements").unwrap();
    let statements = statements
        .as_slice()
        .iter()
        .map(|it| it.get::<gst::Structure>().unwrap());
    let mut found = statements.filter(|it| it.get::<&str>("key").unwrap() == key);
    let found = found.next().unwrap_or_else(|| panic!("no {key} in {loaded}"));
    let text = |field: &str| found.get::<String>(field).unwrap();
    (text("value"), text("origin"))
}

#[track_caller]
fn check(found: [f32; 3], expect: [f32; 3]) {
    let near = found
        .iter()
        .zip(expect)
        .all(|(one, other)| (one - other).abs() < 0.01);
    assert!(near, "{found:?} instead of {expect:?}");
}

/// What the model of colors sees, by the properties.
const WAYS: [(&str, [f32; 3]); 6] = [
    ("", [0.8, 0.4, 0.2]),
    ("channel-order=bgr", [0.2, 0.4, 0.8]),
    ("input-range=0,0.5", [0.4, 0.2, 0.1]),
    ("input-range=0,1;0,0.5;0,0.25", [0.8, 0.2, 0.05]),
    ("channel-order=bgr input-range=0,1;0,0.5;0,0.25", [0.2, 0.2, 0.2]),
    ("input-mean=0.1 input-std=2", [0.35, 0.15, 0.05]),
];

#[test]
fn properties_say_what_a_model_gets() {
    for (properties, expect) in &WAYS[..5] {
        check(colors(&mut bench(&model("main_color"), properties)), *expect);
    }
    // 204 - 25.5 of 255.
    check(
        colors(&mut bench(&model("main_color"), "input-mean=25.5 input-std=255")),
        [0.7, 0.3, 0.1],
    );
}

#[test]
fn the_description_the_file_and_its_companion_say_it_in_this_order() {
    let (folder, path) = alone("main_color");
    let say = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    check(colors(&mut bench(&path, "")), [0.8, 0.4, 0.2]);
    assert_eq!(
        stated(&bench(&path, ""), "input-range"),
        ("0,1".into(), "nobody; assumed".into())
    );

    say(
        "preprocessor_config.json",
        r#"{"image_mean": [0.1, 0.1, 0.1], "image_std": [1, 1, 1], "size": 32, "do_flip_channel_order": true}"#,
    );
    check(colors(&mut bench(&path, "")), [0.1, 0.3, 0.7]);
    let (_, origin) = stated(&bench(&path, ""), "channel-order");
    assert_eq!(origin, "the file (preprocessor_config.json)");

    add_metadata(
        &path,
        &[
            ("Image.BitmapPixelFormat", "Rgb8"),
            ("Image.NominalPixelRange", "NominalRange_0_255"),
        ],
    );
    let (range, origin) = stated(&bench(&path, ""), "input-range");
    assert_eq!(
        (range.as_str(), origin.as_str()),
        ("0,255", "the file (Image.NominalPixelRange)")
    );

    say(
        "m.onnx.modelinfo",
        "[modelinfo]\nversion=1.0\n[x]\ndir=input\nchannel-order=bgr\nranges=0,0.5\n",
    );
    check(colors(&mut bench(&path, "")), [0.1, 0.2, 0.4]);
    check(colors(&mut bench(&path, "channel-order=rgb")), [0.4, 0.2, 0.1]);
    assert_eq!(
        stated(&bench(&path, "channel-order=rgb"), "channel-order").1,
        "a property"
    );
    assert_eq!(stated(&bench(&path, ""), "input-range").1, "the .modelinfo");
}

#[test]
fn a_picture_that_comes_out_has_the_order_that_goes_in() {
    for format in ["RGB", "BGRx"] {
        for (name, properties) in [
            ("invert_rgb", ""),
            ("invert_nhwc", ""),
            ("grid_of_8", "input-range=-1,1"),
        ] {
            let answer = |order: &str| {
                let mut bench = Bench::new(name, &format!("{properties} channel-order={order}"));
                let info = bench.caps(format, 24, 16);
                bench.push(&info).unwrap();
                bench.harness.pull().unwrap().map_readable().unwrap().to_vec()
            };
            // These models treat all channels alike.
            assert!(answer("bgr") == answer("rgb"), "{name} {format}");
        }
    }
}

/// The texts of the INFO messages until a model was loaded.
fn infos(bench: &Bench) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let message = bench
            .bus
            .timed_pop(gst::ClockTime::from_seconds(60))
            .expect("no avrec/model-loaded");
        match message.view() {
            // `gst-launch-1.0` prints the details only.
            gst::MessageView::Info(info) => texts.push(info.debug().unwrap().to_string()),
            gst::MessageView::Element(_) if message.has_name("avrec/model-loaded") => return texts,
            _ => {}
        }
    }
}

#[test]
fn what_was_assumed_is_told_once_with_what_changes_it() {
    let bench = Bench::new("main_color", "");
    let [text] = &infos(&bench)[..] else {
        panic!("one message")
    };
    for words in [
        "main_color.onnx",
        "channel-order=rgb",
        "input-range=0,1",
        "channel-order=bgr",
        "input-range=0,255",
        "'x'",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for properties in ["channel-order=rgb input-range=0,1", "channel-order=rgb"] {
        let text = infos(&Bench::new("main_color", properties)).join("");
        assert!(
            !text.contains("channel-order=") && text.contains("fit=stretch"),
            "{text}"
        );
    }
    let said = "channel-order=rgb input-range=0,1 fit=stretch";
    assert_eq!(infos(&Bench::new("main_color", said)), [""; 0]);
}

#[test]
fn a_model_that_is_loaded_again_is_not_told_of_again_and_properties_take_effect() {
    let mut bench = bench(&model("main_color"), "");
    assert_eq!(infos(&bench).len(), 1);
    check(colors(&mut bench), [0.8, 0.4, 0.2]);
    let reload = |bench: &mut Bench| {
        bench
            .element
            .set_property("model-file", model("main_color").to_str().unwrap());
        let info = bench.caps("RGB", 32, 32);
        for _ in 0..1_000_000 {
            bench.push(&info).unwrap();
            bench.harness.pull().unwrap();
            let told: Vec<_> = bench.bus.iter().collect();
            if told.iter().any(|it| it.has_name("avrec/model-loaded")) {
                return told
                    .iter()
                    .filter(|it| it.type_() == gst::MessageType::Info)
                    .count();
            }
        }
        panic!("no model takes over");
    };
    assert_eq!(reload(&mut bench), 0);
    bench.element.set_property_from_str("channel-order", "bgr");
    assert_eq!(reload(&mut bench), 1, "less is assumed, which is another text");
    check(colors(&mut bench), [0.2, 0.4, 0.8]);
}

#[test]
fn nothing_is_assumed_of_the_inputs_of_the_models_that_come_along() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let files = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let files: Vec<_> = files
        .filter(|it| it.extension().is_some_and(|it| it == "onnx"))
        .collect();
    assert!(8 <= files.len(), "{files:?}");
    for path in files {
        let bench = Bench::new(path.to_str().unwrap(), "");
        let texts = infos(&bench).join("");
        assert!(
            !texts.contains("input-") && !texts.contains("fit="),
            "{}: {texts}",
            path.display()
        );
    }
}

#[test]
fn each_mistake_in_a_property_says_what_to_write() {
    for (name, properties, words) in [
        (
            "main_color",
            "input-range=255",
            "values of black and white, such as 0,255",
        ),
        ("main_color", "input-range=0,1;0,1", "one pair"),
        (
            "main_color",
            "input-range=0,1 input-mean=0.5",
            "leave one of them out",
        ),
        ("main_color", "input-mean=a", "write a number"),
        ("main_color", "input-std=0", "deviations above 0"),
        (
            "main_color",
            "input-mean=104 input-std=0.017",
            "one over the deviation",
        ),
        ("main_color", "input-size=64x64", "set input-size=auto"),
        ("main_color", "input-size=large", "WxH"),
        ("main_color", "channel-order=gray", "set channel-order=rgb or bgr"),
        ("invert_luma", "channel-order=bgr", "set channel-order=gray"),
        ("invert_byte", "input-mean=0.5 input-std=0.5", "uint8"),
        ("dynamic_channels", "", "set channel-order"),
        ("main_color", "input-layout=nhwc", "input-layout=auto"),
    ] {
        let text = Bench::new(name, properties).complaint(gst::MessageType::Error);
        assert!(text.contains(words), "{name} {properties}: {text}");
    }
}

#[test]
fn channels_that_the_shape_leaves_open_are_said() {
    for (properties, order) in [
        ("channel-order=rgb", "rgb"),
        ("channel-order=gray", "gray"),
        ("input-layout=nchw", "rgb"),
    ] {
        let mut bench = Bench::new("dynamic_channels", properties);
        assert_eq!(stated(&bench, "channel-order").0, order);
        let info = bench.caps("RGB", 24, 16);
        let buffer = bench.frame(&info);
        let frame = buffer.map_readable().unwrap().to_vec();
        let output = bench.harness.push_and_pull(buffer).unwrap();
        assert_eq!(output.size(), frame.len(), "{properties}");
    }
}

#[test]
fn an_export_of_transformers_says_all_by_its_companion() {
    let (folder, path) = alone("dynamic_channels");
    let text = r#"{"do_resize": true, "size": {"height": 16, "width": 24}, "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5], "do_normalize": true}"#;
    std::fs::write(folder.path().join("preprocessor_config.json"), text).unwrap();
    for (key, value) in [
        ("channel-order", "rgb"),
        ("input-range", "-1,1"),
        ("input-layout", "nchw"),
        ("input-size", "24x16"),
    ] {
        let said = (value.into(), "the file (preprocessor_config.json)".into());
        assert_eq!(stated(&Bench::new(path.to_str().unwrap(), ""), key), said);
    }
    let told = infos(&Bench::new(path.to_str().unwrap(), "")).concat();
    assert!(
        !told.contains("channel-order") && !told.contains("input-range"),
        "{told}"
    );
    std::fs::write(folder.path().join("preprocessor_config.json"), "{").unwrap();
    let text = Bench::new(path.to_str().unwrap(), "").complaint(gst::MessageType::Error);
    assert!(
        text.contains("preprocessor_config.json") && text.contains("JSON"),
        "{text}"
    );
}

#[test]
fn frames_of_any_size_go_through_a_model_that_takes_multiples_only() {
    for format in ["RGB", "BGR", "ARGB"] {
        for (width, height) in [(64, 48), (33, 47), (7, 5), (130, 9)] {
            let mut bench = Bench::new("grid_of_8", "");
            assert_eq!(
                stated(&bench, "input-size"),
                ("grid:8".into(), "the file (runs at load)".into())
            );
            let info = bench.caps(format, width, height);
            let buffer = bench.frame(&info);
            let frame = buffer.map_readable().unwrap().to_vec();
            let output = bench.harness.push_and_pull(buffer).unwrap();
            let output = output.map_readable().unwrap();
            let (row, stride) = (
                info.comp_pstride(0) as usize * width as usize,
                info.stride()[0] as usize,
            );
            for (got, put) in output.chunks(stride).zip(frame.chunks(stride)) {
                // The fourth byte of this model's answers is the frame's own.
                assert!(got[..row] == put[..row], "{format} {width}x{height}");
            }
        }
    }
}

#[test]
fn a_model_that_loses_columns_is_given_whole_patches() {
    let mut bench = Bench::new("patches_of_6", "");
    assert_eq!(stated(&bench, "input-size").0, "grid:6");
    let info = bench.caps("GRAY8", 40, 20);
    bench.push(&info).unwrap();
    let caps = bench
        .harness
        .pull()
        .map(|_| bench.harness.sinkpad().unwrap().current_caps().unwrap());
    let caps = caps.unwrap();
    let size = |field| caps.structure(0).unwrap().get::<i32>(field).unwrap();
    assert_eq!((size("width"), size("height")), (20, 10));
}

#[test]
fn a_size_that_the_model_does_not_take_is_an_error_with_the_multiple() {
    let mut bench = Bench::new("grid_of_8", "input-size=frame");
    bench.caps("RGB", 33, 47);
    let text = bench.complaint(gst::MessageType::Error);
    assert!(
        text.contains("multiples of 8") && text.contains("33x47"),
        "{text}"
    );
    for (properties, said) in [
        ("input-size=grid:16", "grid:16"),
        ("input-size=40x32", "40x32"),
        ("input-size=-1x32", "-1x32"),
    ] {
        let mut bench = Bench::new("grid_of_8", properties);
        assert_eq!(stated(&bench, "input-size"), (said.into(), "a property".into()));
        let info = bench.caps("RGB", 32, 32);
        bench.push(&info).unwrap();
        assert_eq!(bench.harness.pull().unwrap().size(), info.size(), "{properties}");
    }
}

#[test]
fn a_family_that_is_recognized_says_how_it_is_fed() {
    let blue = |properties: &str| {
        let mut bench = Bench::new("raw_cells", &format!("task=detect {properties}"));
        let info = bench.caps("RGB", 64, 64);
        let buffer = gst::Buffer::from_slice([0u8, 0, 255].repeat(64 * 64));
        assert_eq!(buffer.size(), info.size());
        let output = bench.harness.push_and_pull(buffer).unwrap();
        let rects: Vec<_> = output
            .iter_meta::<VideoRegionOfInterestMeta>()
            .map(|it| it.rect())
            .collect();
        rects
    };
    let bench = Bench::new("raw_cells", "task=detect");
    assert_eq!(
        stated(&bench, "input-range"),
        ("0,255".into(), "the family YOLOX".into())
    );
    for (key, value) in [("channel-order", "bgr"), ("fit", "corner"), ("padding", "114")] {
        let bench = Bench::new("raw_cells", "task=detect");
        assert_eq!(stated(&bench, key), (value.into(), "the family YOLOX".into()));
    }
    assert_eq!(infos(&Bench::new("raw_cells", "task=detect")), [""; 0]);
    // A box of 16x16 around (4, 4), cut at the edges.
    assert_eq!(blue(""), [(0, 0, 12, 12)]);
    assert_eq!(blue("channel-order=rgb"), []);
    assert_eq!(blue("input-range=0,1"), []);
}
