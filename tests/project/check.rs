// SPDX-License-Identifier: MPL-2.0

//! The real `avrec check` on real models: what it prints, draws and drafts, and its exit codes.

use std::process::{Command, Output};

use crate::command::{copied, told};

fn check(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avrec"));
    command.arg("check").args(words).output().unwrap()
}

#[test]
fn a_detector_is_described_run_and_drawn() {
    let (_folder, model) = copied("models/detect-small.onnx");
    let output = check(&[&model, "--on", "examples/media/scene.webm"]);
    let text = told(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "[1, 3, 160, 160]",
        "task=detect",
        "in the median",
        "answer: ",
        "drawn: ",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let png = std::fs::read(format!("{model}.png")).unwrap();
    assert_eq!(png[..4], *b"\x89PNG");
    // The clip's size stands in the header.
    assert_eq!(png[16..24], [0, 0, 2, 128, 0, 0, 1, 104], "{:?}", &png[16..24]);
}

#[test]
fn a_model_that_does_not_look_at_its_input_is_doubted() {
    let (_folder, model) = copied("tests/models/constant.onnx");
    let output = check(&[&model]);
    let text = told(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("doubt: its outputs are the same"), "{text}");
}

#[test]
fn a_draft_is_read_again_and_never_written_over() {
    let (_folder, model) = copied("models/detect-small.onnx");
    assert_eq!(check(&[&model, "--write"]).status.code(), Some(0));
    let draft = std::fs::read_to_string(format!("{model}.modelinfo")).unwrap();
    assert!(
        draft.contains("[images]\ndir=input\ntype=float32\ndims=1,3,160,160\n"),
        "{draft}"
    );
    let again = check(&[&model]);
    assert_eq!(again.status.code(), Some(0), "{}", told(&again));
    let refused = check(&[&model, "--write"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(told(&refused).contains("move it away"), "{}", told(&refused));
}

#[test]
fn what_is_no_model_gets_its_own_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    for (path, words) in [
        (
            write("a.onnx", b"version https://git-lfs.github.com/spec/v1\n"),
            "git lfs pull",
        ),
        (
            write("b.tflite", b"\x1c\0\0\0TFL3\x14\0\x20\0"),
            "TensorFlow Lite",
        ),
        (write("c.onnx", b""), "an empty file"),
        (folder.path().to_string_lossy().into_owned(), "is a folder"),
        (format!("{}/none.onnx", folder.path().display()), "does not exist"),
    ] {
        let output = check(&[&path]);
        let text = told(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_wrong_option_is_told_before_anything_runs() {
    let model = "models/small.onnx";
    for (words, text) in [
        (&[model, "--set", "no-such-property=1"][..], "no-such-property"),
        (&[model, "--set", "threads"], "PROPERTY=VALUE"),
        (&[model, "--on", "/no/such/picture.png"], "/no/such/picture.png"),
    ] {
        let output = check(words);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert!(told(&output).contains(text), "{}", told(&output));
    }
}

#[test]
fn material_of_the_other_medium_is_told_with_what_to_give() {
    for (name, material, words) in [
        (
            "models/detect-small.onnx",
            "examples/media/speech.flac",
            &["speech.flac: it has no pictures", "sample-rate"][..],
        ),
        (
            "models/denoise-large.onnx",
            "examples/media/scene.webm",
            &["scene.webm: it has no sound", "give a sound"],
        ),
        ("models/detect-small.onnx", "/dev/zero", &["it is a device"]),
    ] {
        let (_folder, model) = copied(name);
        let output = check(&[&model, "--on", material]);
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        for word in words {
            assert!(told(&output).contains(word), "{}", told(&output));
        }
    }
}
