// SPDX-License-Identifier: MPL-2.0

//! Files beside and behind a model that are none, never end, lead elsewhere, or are others than were meant.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use gst::prelude::*;

use crate::support::infer::Bench;
use crate::support::init;
use crate::support::models::model;

/// A folder with a model `m.onnx` in it.
fn folder(of: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(model(of), folder.path().join("m.onnx")).unwrap();
    folder
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The SHA-256 of a file as another program counts it.
pub fn sum(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

/// The one error that a model with these properties ends in.
fn error_of(model: &Path, properties: &str) -> String {
    init();
    let line = format!("avrec-infer model-file={} {properties}", model.display());
    let element = gst::parse::launch(&line).unwrap();
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    // What can be told at once fails at once.
    let _ = element.set_state(gst::State::Paused);
    let kinds = [gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds);
    element.set_state(gst::State::Null).unwrap();
    match message.unwrap().view() {
        gst::MessageView::Error(error) => error.error().to_string(),
        _ => unreachable!(),
    }
}

/// Ways for a file to be none, each with what is told of it.
type Way = (fn(&Path), &'static str);

const WAYS: [Way; 5] = [
    (|path| symlink("/dev/zero", path).unwrap(), "it is a device"),
    (|path| symlink("/dev/urandom", path).unwrap(), "it is a device"),
    (fifo, "it is a FIFO"),
    (|path| std::fs::create_dir(path).unwrap(), "a folder"),
    (
        |path| std::fs::File::create(path).unwrap().set_len(1 << 42).unwrap(),
        "4398046511104 bytes|more than",
    ),
];

#[test]
fn what_is_no_file_is_refused_in_every_place_and_nobody_waits_for_it() {
    for (make, words) in WAYS {
        for name in ["m.onnx.modelinfo", "preprocessor_config.json", "m.onnx", "names"] {
            let folder = folder("invert_luma");
            let path = folder.path().join(name);
            let _ = std::fs::remove_file(&path);
            make(&path);
            let properties = match name {
                "names" => format!("task=classify labels-file={}", path.display()),
                _ => String::new(),
            };
            let error = error_of(&folder.path().join("m.onnx"), &properties);
            let is_told = words.split('|').any(|it| error.contains(it));
            assert!(is_told, "{name}: {error}");
        }
    }
}

#[test]
fn a_list_of_labels_that_is_none_is_a_warning_and_the_model_runs() {
    for (make, words) in WAYS {
        let folder = folder("main_color");
        make(&folder.path().join("classes.txt"));
        let mut bench = Bench::new(folder.path().join("m.onnx").to_str().unwrap(), "");
        let info = bench.caps("RGB", 16, 8);
        bench.push(&info).unwrap();
        let warning = bench.complaint(gst::MessageType::Warning);
        let is_told = words.split('|').any(|it| warning.contains(it));
        assert!(is_told && warning.contains("classes.txt"), "{warning}");
    }
}

#[test]
fn what_describes_a_model_must_lie_in_its_folder_or_where_the_model_itself_does() {
    let outer = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { outer.path().join(name) };
    for folder in ["blobs", "snapshot", "plain"] {
        std::fs::create_dir(at(folder)).unwrap();
    }
    std::fs::copy(model("invert_luma"), at("blobs/model")).unwrap();
    std::fs::copy(model("invert_luma"), at("plain/m.onnx")).unwrap();
    std::fs::write(at("blobs/info"), "[modelinfo]\nversion=1.0\n").unwrap();
    symlink("../blobs/model", at("snapshot/m.onnx")).unwrap();
    for folder in ["snapshot", "plain"] {
        symlink("../blobs/info", at(folder).join("m.onnx.modelinfo")).unwrap();
    }
    let error = error_of(&at("plain/m.onnx"), "");
    assert!(error.contains("leads out of the model's folder"), "{error}");
    let bench = Bench::new(at("snapshot/m.onnx").to_str().unwrap(), "");
    bench.message("avrec/model-loaded");
}

#[test]
fn text_of_windows_is_read_and_utf_16_is_told() {
    let folder = folder("invert_luma");
    let path = folder.path().join("m.onnx.modelinfo");
    let text = "\u{feff}[modelinfo]\r\nversion=1.0\r\n";
    std::fs::write(&path, text).unwrap();
    let bench = Bench::new(folder.path().join("m.onnx").to_str().unwrap(), "");
    bench.message("avrec/model-loaded");
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, wide).unwrap();
    let error = error_of(&folder.path().join("m.onnx"), "");
    assert!(error.contains("UTF-16; save it as UTF-8"), "{error}");
}

#[test]
fn a_file_of_holes_that_could_be_a_model_by_its_size_is_not_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::File::create(&path)
        .unwrap()
        .set_len((1 << 31) - 1)
        .unwrap();
    let error = error_of(&path, "");
    assert!(error.contains("not an ONNX model"), "{error}");
}

#[test]
fn another_sum_than_was_asked_for_is_refused_each_time_a_model_is_loaded() {
    let folder = folder("invert_luma");
    let path = folder.path().join("m.onnx");
    let (right, other) = (sum(&path), sum(&model("twice_luma")));
    let error = error_of(&path, &format!("sha256={other}"));
    for words in [
        format!("has the sha256 {right}, not {other}"),
        "fetch the right file".into(),
    ] {
        assert!(error.contains(&words), "{error}");
    }
    let error = error_of(&path, "sha256=abc");
    assert!(error.contains("write what sha256sum prints"), "{error}");

    // The same model is in memory already, without a sum.
    let first = Bench::new(path.to_str().unwrap(), "");
    first.message("avrec/model-loaded");
    let error = error_of(&path, &format!("sha256={other}"));
    assert!(error.contains(&right), "{error}");

    let bench = Bench::new(
        path.to_str().unwrap(),
        &format!("sha256={}", right.to_uppercase()),
    );
    bench.message("avrec/model-loaded");
    bench
        .element
        .set_property("model-file", model("twice_luma").to_str().unwrap());
    let warning = bench.complaint(gst::MessageType::Warning);
    assert!(warning.contains(&format!("has the sha256 {other}")), "{warning}");
    assert_eq!(
        bench.element.property::<String>("model-file"),
        path.to_str().unwrap()
    );

    // READY and PAUSED again, with another file in its place.
    bench.element.set_state(gst::State::Ready).unwrap();
    std::fs::copy(model("twice_luma"), &path).unwrap();
    while bench.bus.pop().is_some() {}
    let _ = bench.element.set_state(gst::State::Paused);
    let error = bench.complaint(gst::MessageType::Error);
    assert!(error.contains(&format!("not {right}")), "{error}");
}

#[test]
fn a_candidate_of_a_catalogue_is_the_file_that_its_author_meant_or_cannot_answer() {
    init();
    let folder = folder("invert_luma");
    let catalog = folder.path().join("c.toml");
    let text = |sum: &str| {
        format!(
            "[[candidate]]\nname = \"plain\"\nelement = \"identity\"\n[[candidate]]\nname = \"model\"\n\
             model = \"m.onnx\"\nsha256 = \"{sum}\"\n"
        )
    };
    let right = sum(&folder.path().join("m.onnx"));
    let line = format!(
        "videotestsrc ! video/x-raw,format=GRAY8,width=16,height=8 ! avrec-switch name=switch catalog={} ! fakesink",
        catalog.display()
    );
    let run = |sum: &str, wanted: gst::MessageType, words: &str| {
        std::fs::write(&catalog, text(sum)).unwrap();
        let pipeline = gst::parse::launch(&line).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let bus = pipeline.bus().unwrap();
        let told = std::iter::from_fn(|| bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &[wanted]));
        let told = told.map(|it| match it.view() {
            gst::MessageView::Warning(it) => it.error().to_string(),
            _ => it.structure().map(|it| it.to_string()).unwrap_or_default(),
        });
        let found = told.into_iter().find(|it| it.contains(words));
        pipeline.set_state(gst::State::Null).unwrap();
        assert!(found.is_some(), "{words}");
    };
    run(
        &"0".repeat(64),
        gst::MessageType::Warning,
        &format!(
            "candidate model cannot answer: {}",
            folder.path().join("m.onnx").display()
        ),
    );
    run(
        &right.to_uppercase(),
        gst::MessageType::Element,
        "avrec/model-loaded",
    );
}

#[test]
fn pictures_on_a_model_for_sound_and_sound_on_one_for_pictures_are_told_whenever_they_come() {
    init();
    let pictures = "videotestsrc ! video/x-raw,format=RGB,width=16,height=8";
    let sound = "audiotestsrc ! audio/x-raw,format=F32LE,rate=16000,channels=1";
    for (source, name, words) in [
        (pictures, "late_16k", "the model is for sound"),
        (sound, "invert_luma", "the model is for frames"),
    ] {
        // With the model loaded long before the caps are settled, and after.
        for is_early in [true, false] {
            let line = format!(
                "{source} ! valve name=valve ! avrec-infer name=infer model-file={} ! fakesink async=false",
                model(name).display()
            );
            let pipeline = gst::parse::launch(&line).unwrap();
            let bus = pipeline.bus().unwrap();
            let infer = pipeline
                .downcast_ref::<gst::Bin>()
                .unwrap()
                .by_name("infer")
                .unwrap();
            if is_early {
                infer.set_state(gst::State::Paused).unwrap();
                let loaded = bus
                    .iter_timed(gst::ClockTime::from_seconds(60))
                    .find(|it| it.structure().is_some_and(|it| it.name() == "avrec/model-loaded"));
                assert!(loaded.is_some());
            }
            pipeline.set_state(gst::State::Playing).unwrap();
            let kinds = [gst::MessageType::Error];
            let error = bus
                .timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds)
                .unwrap();
            let gst::MessageView::Error(error) = error.view() else {
                unreachable!()
            };
            assert!(
                error.error().to_string().contains(words),
                "{name} {is_early}: {error:?}"
            );
            pipeline.set_state(gst::State::Null).unwrap();
        }
    }
}

#[test]
fn candidates_for_the_other_medium_are_told_by_the_switch_that_ends() {
    init();
    for (source, models, words) in [
        (
            "videotestsrc ! video/x-raw,format=RGB,width=16,height=8",
            ["late_16k", "pitch"],
            "the model is for sound",
        ),
        (
            "audiotestsrc ! audio/x-raw,format=F32LE,rate=16000,channels=1",
            ["invert_luma", "means"],
            "the model is for frames",
        ),
    ] {
        let models = models.map(|it| model(it).display().to_string()).join(",");
        let line = format!("{source} ! avrec-switch models={models} ! fakesink");
        let pipeline = gst::parse::launch(&line).unwrap();
        let bus = pipeline.bus().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let kinds = [gst::MessageType::Error];
        let error = bus
            .timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds)
            .unwrap();
        let gst::MessageView::Error(error) = error.view() else {
            unreachable!()
        };
        let text = error.error().to_string();
        pipeline.set_state(gst::State::Null).unwrap();
        assert!(text.contains(words), "{text}");
    }
}
