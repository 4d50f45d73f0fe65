// SPDX-License-Identifier: MPL-2.0

//! The real `avrec tune` on real models: what it prints and writes, what it refuses, and its exit codes.

use std::path::Path;
use std::process::{Command, Output};

use gstavrec::runtime::catalog::Catalog;
use gstavrec::tune::graph::file::OnnxFile;

use crate::command::{copied, told};

fn tune(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avrec"));
    command.arg("tune").args(words).output().unwrap()
}

/// A copy of a model with its description, in a folder of its own.
fn described(name: &str) -> (tempfile::TempDir, String) {
    let (folder, to) = copied(name);
    let info = format!("{name}.modelinfo");
    if Path::new(&info).exists() {
        std::fs::copy(info, format!("{to}.modelinfo")).unwrap();
    }
    (folder, to)
}

#[test]
fn an_upscaler_learns_from_a_clip_and_becomes_a_candidate_of_its_own() {
    let (folder, model) = described("models/small.onnx");
    let catalog = folder.path().join("library.toml");
    let text = "task = \"image\"\n# Kept.\n[[candidate]]\nname = \"small\"\nmodel = \"small.onnx\"\nlicense = \"CC0-1.0\"\n";
    std::fs::write(&catalog, text).unwrap();
    let clip = "examples/media/scene.webm";
    let output = tune(&[
        &catalog.to_string_lossy(),
        "--candidate",
        "small",
        "--on",
        clip,
        "--frames",
        "10",
    ]);
    let said = told(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(" dB on the held-out half (+0."), "{said}");
    assert!(said.contains("candidate small-tuned"), "{said}");
    let tuned = folder.path().join("small-tuned.onnx");
    assert!(Path::new(&format!("{}.modelinfo", tuned.display())).exists());
    let written = std::fs::read(&tuned).unwrap();
    let [old, new] = [std::fs::read(&model).unwrap(), written.clone()].map(|it| OnnxFile::read(it).unwrap());
    let nodes = old.nodes().unwrap();
    for name in ["weight0", "bias0"] {
        assert_eq!(old.constant(name, &nodes), new.constant(name, &nodes), "{name}");
    }
    assert_ne!(old.constant("weight1", &nodes), new.constant("weight1", &nodes));
    let text = String::from_utf8_lossy(&written);
    for key in [
        "avrec.tuned-from",
        "avrec.tuned-on",
        "scene.webm",
        "avrec.tuned-gain",
    ] {
        assert!(text.contains(key), "{key}");
    }
    let listed = Catalog::load(&catalog, &[]).unwrap();
    let candidate = listed.candidate("small-tuned").unwrap();
    assert!(candidate.parent.is_some() && candidate.license.as_deref() == Some("CC0-1.0"));
    assert!(std::fs::read_to_string(&catalog).unwrap().contains("# Kept."));
    // Nothing is written over.
    let output = tune(&[&model, "--on", clip, "--frames", "10"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("is there already"));
}

#[test]
fn what_teaches_nothing_is_refused_with_the_numbers() {
    let (folder, model) = described("models/small.onnx");
    for seed in ["1", "2"] {
        let clip = "examples/media/scene.webm";
        let output = tune(&[
            &model,
            "--on",
            clip,
            "--frames",
            "10",
            "--shuffle",
            "--seed",
            seed,
        ]);
        assert_eq!(output.status.code(), Some(4), "{}", told(&output));
        assert!(told(&output).contains("no gain"), "{}", told(&output));
    }
    assert!(!folder.path().join("small-tuned.onnx").exists());
}

#[test]
fn variants_are_measured_both_ways() {
    let (_folder, model) = described("models/small.onnx");
    let output = tune(&[
        &model,
        "--on",
        "examples/media/scene.webm",
        "--frames",
        "10",
        "--variants",
    ]);
    let said = told(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let row = |name: &str| said.lines().find(|it| it.starts_with(name)).unwrap().to_owned();
    for name in ["int8", "float16"] {
        assert!(row(name).contains(" dB ") && row(name).contains(" ms "), "{said}");
    }
    // Eight bits lose something, and not all.
    let quality = |name: &str| {
        row(name)
            .split('→')
            .nth(1)
            .unwrap()
            .trim()
            .split(' ')
            .next()
            .unwrap()
            .parse::<f64>()
    };
    let [int8, half] = ["int8", "float16"].map(|it| quality(it).unwrap());
    assert!(30.0 < int8 && int8 < half, "{said}");
}

#[test]
fn what_cannot_be_tuned_is_said_in_a_sentence() {
    let clip = "examples/media/scene.webm";
    let cases: [(&str, &[&str], &str); 6] = [
        ("tests/models/invert_luma.onnx", &["--on", clip], "Sub 'y'"),
        (
            "models/detect-small.onnx",
            &["--on", clip],
            "--teacher MODEL or --labels FILE",
        ),
        (
            "models/detect-small.onnx",
            &["--on", clip, "--teacher", "models/small.onnx"],
            "task=image",
        ),
        (
            "models/picture.onnx",
            &["--on", clip, "--frames", "20"],
            "nothing says its class",
        ),
        (
            "models/small.onnx",
            &["--on", "no-such-clip.mp4"],
            "no-such-clip.mp4",
        ),
        ("models/denoise-small.onnx", &["--on", clip], "are not tuned"),
    ];
    for (model, words, part) in cases {
        let (_folder, model) = described(model);
        let output = tune(&[&[model.as_str()], words].concat());
        let said = told(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part), "{part} is missing in {said}");
    }
}

#[test]
fn from_two_frames_nothing_is_concluded() {
    let (folder, model) = described("models/small.onnx");
    let pictures = folder.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    for name in ["a.png", "b.png"] {
        std::fs::copy("docs/report.png", pictures.join(name)).unwrap();
    }
    let output = tune(&[&model, "--on", &pictures.to_string_lossy()]);
    let said = told(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("nothing can be concluded"), "{said}");
}

#[test]
fn files_are_written_as_they_were_read() {
    let folders = ["models", "tests/models"].map(|it| std::fs::read_dir(it).unwrap());
    let paths = folders.into_iter().flatten().map(|it| it.unwrap().path());
    let mut count = 0;
    for path in paths.filter(|it| it.extension().is_some_and(|it| it == "onnx")) {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(mut file) = OnnxFile::read(bytes.clone()) else {
            continue;
        };
        assert!(file.write() == bytes, "{}", path.display());
        let nodes = file.nodes().unwrap();
        file.set_nodes(&nodes).unwrap();
        assert!(file.write() == bytes, "{}", path.display());
        count += 1;
    }
    assert!(70 <= count, "{count}");
}
