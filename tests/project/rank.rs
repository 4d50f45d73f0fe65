// SPDX-License-Identifier: MPL-2.0

//! The real `avrec rank` on real models: what it finds and writes, and what it says of what is wrong.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::command::told;

fn rank(words: &[&str]) -> Output {
    let cache = tempfile::tempdir().unwrap();
    rank_in(cache.path(), words)
}

fn rank_in(cache: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avrec"));
    let command = command.arg("rank").args(words).arg("--cache").arg(cache);
    command.output().unwrap()
}

fn findings(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", told(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

const SCENE: [&str; 5] = [
    "models/detect.toml",
    "--on",
    "examples/media/scene.webm",
    "--labels",
    "examples/media/scene.csv",
];

/// A library of some candidates, in a folder of its own.
fn library(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.toml");
    let here = std::env::current_dir().unwrap();
    std::fs::write(&path, text.replace("HERE", &here.to_string_lossy())).unwrap();
    (folder, path.to_string_lossy().into_owned())
}

#[test]
fn the_best_detector_wins_by_labels_and_the_set_is_a_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = folder.path().join("best.toml");
    let report = folder.path().join("rank.html");
    let (catalog, report) = (catalog.to_str().unwrap(), report.to_str().unwrap());
    let more = ["--items", "48", "--budget-ms", "1000", "--full", "--json", "-"];
    let files = ["--write", catalog, "--report", report];
    let output = rank(&[&SCENE[..], &more, &files].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let end = text.rfind('}').unwrap();
    let found: Value = serde_json::from_str(&text[..=end]).unwrap();
    assert_eq!(found["models"][0]["name"], "large");
    assert_eq!(found["models"][0]["place"], 1);
    assert_eq!(found["question"]["kind"], "labels");
    assert_eq!(found["measures"][0]["name"], "map");
    let quality = &found["models"][0]["quality"];
    let low = quality["interval"][0].as_f64().unwrap();
    let value = quality["value"].as_f64().unwrap();
    assert!(0.0 < low && low < value, "{quality}");
    let written = std::fs::read_to_string(catalog).unwrap();
    assert!(
        written.contains("quality-interval") && written.contains("reference = \"large\""),
        "{written}"
    );
    let html = std::fs::read_to_string(report).unwrap();
    assert!(html.contains("</html>") && html.contains("data:image/jpeg"));
    // What was written is a library again.
    let (_, again) = (folder, rank(&[catalog, "--on", "nowhere.mp4"]));
    assert_eq!(again.status.code(), Some(2));
    assert!(told(&again).contains("nowhere.mp4"), "{}", told(&again));
}

#[test]
fn a_second_run_is_answered_by_the_first() {
    let cache = tempfile::tempdir().unwrap();
    let words = [&SCENE[..], &["--items", "24", "--full", "--json", "-"]].concat();
    let first = findings(&rank_in(cache.path(), &words));
    let second = findings(&rank_in(cache.path(), &words));
    assert_eq!(first["effort"]["cached"], 0);
    assert_eq!(second["effort"]["cached"], second["effort"]["runs"]);
    assert_eq!(first["models"][0]["figures"], second["models"][0]["figures"]);
    let (one, other) = (&first["models"][0], &second["models"][0]);
    assert_eq!(
        (&one["loss"], &one["reasons"]),
        (&other["loss"], &other["reasons"])
    );
}

#[test]
fn pictures_that_grow_are_compared_with_themselves() {
    let words = [
        "models/upscale.toml",
        "--on",
        "examples/media/scene.webm",
        "--size",
        "320x180",
    ];
    let found = findings(&rank(&[&words[..], &["--items", "12", "--json", "-"]].concat()));
    assert_eq!(found["question"]["kind"], "restoration");
    assert_eq!(found["models"].as_array().unwrap().len(), 4);
    let quality = |name: &str| {
        let models = found["models"].as_array().unwrap();
        let model = models.iter().find(|it| it["name"] == name).unwrap();
        model["figures"][0]["value"].as_f64().unwrap()
    };
    assert!(quality("bilinear") < quality("large"), "{found}");
}

#[test]
fn who_breaks_is_left_out_and_the_others_go_on() {
    let (_folder, library) = library(
        "task = \"detect\"\n\
         [[candidate]]\nname = \"small\"\nmodel = \"HERE/models/detect-small.onnx\"\n\
         [[candidate]]\nname = \"upscaler\"\nmodel = \"HERE/models/small.onnx\"\n\
         [[candidate]]\nname = \"broken\"\nmodel = \"HERE/tests/models/truncated.onnx\"\n\
         [[candidate]]\nname = \"gone\"\nelement = \"fakesrc\"\n",
    );
    let words = [
        "--on",
        "examples/media/scene.webm",
        "--labels",
        "examples/media/scene.csv",
    ];
    let found = findings(&rank(
        &[&[library.as_str()][..], &words, &["--items", "12", "--json", "-"]].concat(),
    ));
    assert_eq!(found["models"].as_array().unwrap().len(), 1, "{found}");
    let excluded = found["excluded"].as_array().unwrap();
    let reason = |name: &str| {
        let it = excluded.iter().find(|it| it["name"] == name).unwrap();
        it["reason"].as_str().unwrap().to_string()
    };
    assert!(
        reason("upscaler").contains("rank models of one task"),
        "{excluded:?}"
    );
    assert!(reason("gone").contains("sink pads"), "{excluded:?}");
    assert!(!reason("broken").is_empty());
}

#[test]
fn what_is_wrong_is_told_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.csv");
    std::fs::write(
        &labels,
        "file,class\nnobody.png,cat\nnowhere.png,dog\nnothing.png,cat\n",
    )
    .unwrap();
    let labels = labels.to_str().unwrap();
    for (words, expected) in [
        (&["models/detect.toml"][..], "--on"),
        (
            &["nowhere.toml", "--on", "examples/media/scene.webm"],
            "nowhere.toml",
        ),
        (
            &["models/detect.toml", "--on", "models/detect.toml"],
            "models/detect.toml",
        ),
        (
            &[
                "models/detect.toml",
                "--on",
                "examples/media/scene.webm",
                "--labels",
                labels,
            ],
            "labels",
        ),
        (
            &[
                "models/detect.toml",
                "--on",
                "examples/media/scene.webm",
                "--licence",
                "whatever I like",
            ],
            "whatever",
        ),
        (
            &[
                "models/detect.toml",
                "--on",
                "examples/media/scene.webm",
                "--reference",
                "nobody",
            ],
            "small, medium, large",
        ),
        (
            &[
                "models/detect.toml",
                "--on",
                "examples/media/scene.webm",
                "--degrade",
                "rust",
            ],
            "gaussian-noise",
        ),
        (
            &["models/denoise.toml", "--on", "examples/media/scene.webm"],
            "no sound",
        ),
    ] {
        let output = rank(words);
        let text = told(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
        assert!(text.contains(expected), "{words:?}: {text}");
    }
}

#[test]
fn two_pictures_conclude_nothing() {
    let found = findings(&rank(&[
        "models/detect.toml",
        "--on",
        "tests/golden/../../docs/report.png",
        "--json",
        "-",
    ]));
    let notes = found["notes"].to_string();
    assert!(notes.contains("nothing can be concluded"), "{notes}");
    assert!(found["models"][0]["quality"]["interval"].is_null(), "{found}");
}

#[test]
fn sounds_and_pictures_stand_side_by_side_in_a_report_of_bounded_size() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("rank.html");
    let report = report.to_str().unwrap();
    let sound = [
        "models/denoise.toml",
        "--on",
        "examples/media/speech.flac",
        "--degrade",
        "noise:3",
    ];
    let picture = [
        "models/upscale.toml",
        "--on",
        "examples/media/scene.webm",
        "--size",
        "320x180",
        "--items",
        "10",
    ];
    let cases: [(&[&str], &str); 2] = [
        (&sound, "src=\"data:audio/wav;base64,UklGR"),
        (&picture, "no model, scaled"),
    ];
    for (words, shown) in cases {
        let output = rank(&[words, &["--report", report]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        let html = std::fs::read_to_string(report).unwrap();
        assert!(
            html.contains(shown) && html.len() < 1_500_000,
            "{shown} {}",
            html.len()
        );
    }
}
