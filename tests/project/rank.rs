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
    // Objects of the scene are of all three sizes, in pixels.
    let names: Vec<_> = found["measures"].as_array().unwrap().iter().collect();
    let of_size = |size: &str| {
        let at = names.iter().position(|it| it["name"] == size).unwrap();
        found["models"][0]["figures"][at]["value"].as_f64().unwrap()
    };
    let sizes = ["map-small", "map-medium", "map-large"].map(of_size);
    assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    let quality = &found["models"][0]["quality"];
    let low = quality["interval"][0].as_f64().unwrap();
    let value = quality["value"].as_f64().unwrap();
    assert!(0.0 < low && low < value, "{quality}");
    let written = std::fs::read_to_string(catalog).unwrap();
    assert!(
        written.contains("quality-interval")
            && written.contains("reference = \"large\"")
            && written.contains("truth = \"labels\""),
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
    let (_folder, several) = library(
        "[[candidate]]\nname = \"small\"\ntask = \"detect\"\nmodel = \"HERE/models/detect-small.onnx\"\n\
         [[candidate]]\nname = \"upscaler\"\ntask = \"image\"\nmodel = \"HERE/models/small.onnx\"\n",
    );
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
            &[
                "models/detect.toml",
                "--on",
                "examples/media/scene.webm",
                "--degrade",
                "fog:2",
            ],
            "answers boxes",
        ),
        (
            &[
                "models/detect.toml",
                "--on",
                "examples/media/scene.webm",
                "--licence",
                "MIT",
            ],
            "no model is left to rank:\n  small: ",
        ),
        (
            &[several.as_str(), "--on", "examples/media/scene.webm"],
            "add --task detect or --task image",
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
        "docs/plugins/../report.png",
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

#[test]
fn who_is_never_right_is_not_recommended() {
    let folder = tempfile::tempdir().unwrap();
    let [labels, best] = ["labels.csv", "best.toml"].map(|it| folder.path().join(it));
    let right = std::fs::read_to_string("examples/media/scene.csv").unwrap();
    let (head, rows) = right.split_once('\n').unwrap();
    // As of another language.
    let renamed = rows
        .replace(",b", ",xb")
        .replace(",c", ",xc")
        .replace(",a", ",xa");
    std::fs::write(&labels, format!("{head}\n{}", renamed.replace(",s", ",xs"))).unwrap();
    let words = [
        "models/detect.toml",
        "--on",
        "examples/media/scene.webm",
        "--labels",
    ];
    let more = [
        labels.to_str().unwrap(),
        "--items",
        "12",
        "--write",
        best.to_str().unwrap(),
    ];
    let output = rank(&[&words[..], &more].concat());
    let text = told(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for expected in [
        "small: none of its answers is right",
        "no model is recommended",
        "no model finds xcone, xsign, xcup, xball, xbox, xarrow of the labels",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!best.exists());
}

#[test]
fn what_was_assumed_of_a_model_is_told_also_by_what_is_known_from_before() {
    let (_folder, library) =
        library("[[candidate]]\nname = \"main\"\nmodel = \"HERE/tests/models/main_color.onnx\"\n");
    let pictures = tempfile::tempdir().unwrap();
    std::fs::copy("docs/report.png", pictures.path().join("report.png")).unwrap();
    // What a switch keeps beside a hard frame.
    std::fs::write(pictures.path().join("report.json"), "{}").unwrap();
    let cache = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let words = [
            library.as_str(),
            "--on",
            pictures.path().to_str().unwrap(),
            "--json",
            "-",
        ];
        let found = findings(&rank_in(cache.path(), &words));
        let notes = found["notes"].to_string();
        assert!(
            notes.contains("main: Nobody says how a picture goes into"),
            "{notes}"
        );
        assert!(!notes.contains("no material"), "{notes}");
        assert_eq!(notes.matches("Nobody says").count(), 1, "{notes}");
    }
}

#[test]
fn a_reference_is_not_sure_of_itself_and_changes_that_mislead_make_nothing_better() {
    let words = [
        "models/detect.toml",
        "--on",
        "examples/media/scene.webm",
        "--items",
        "24",
    ];
    let more = ["--full", "--adversarial", "2", "--json", "-"];
    let found = findings(&rank(&[&words[..], &more].concat()));
    let told = found["question"]["told"].as_str().unwrap();
    assert!(
        told.contains("large, which count as right: it is the library's reference"),
        "{told}"
    );
    for model in found["models"].as_array().unwrap() {
        let is_reference = model["name"] == "large";
        assert_eq!(model["quality"]["interval"].is_null(), is_reference, "{model}");
        assert_eq!(model["figures"][0]["interval"].is_null(), is_reference, "{model}");
        let attack = &model["adversarial"];
        let [before, after] = ["before", "after"].map(|it| attack[it].as_f64().unwrap());
        assert!(after <= before && attack["items"] == 16, "{attack}");
    }
    assert!(
        found["promised"].is_null() || found["models"][0]["name"] != "large",
        "{found}"
    );
}

/// A clip of five seconds with picture and sound.
fn clip(folder: &Path, name: &str, pattern: &str, frequency: u32) {
    let path = folder.join(name);
    let line = format!(
        "videotestsrc pattern={pattern} num-buffers=50 ! video/x-raw,width=64,height=64,framerate=10/1 ! jpegenc ! m. \
         audiotestsrc freq={frequency} num-buffers=250 samplesperbuffer=320 ! audio/x-raw,rate=16000,channels=1 ! flacenc ! m. \
         matroskamux name=m ! filesink location={}",
        path.display()
    );
    let played = Command::new("gst-launch-1.0")
        .arg("-q")
        .args(line.split_whitespace())
        .output();
    let played = played.unwrap();
    assert!(
        played.status.success(),
        "{}",
        String::from_utf8_lossy(&played.stderr)
    );
}

#[test]
fn a_race_that_ends_early_leaves_enough_to_fuse_with_sound() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clips = folder.path().join("clips");
    std::fs::create_dir(&clips).unwrap();
    let mut labels = "file,class\n".to_string();
    let classes = [
        ("red", 200, "bell"),
        ("snow", 900, "rain"),
        ("black", 60, "engine"),
        ("blue", 3000, "bird"),
    ];
    for (pattern, frequency, class) in classes {
        for number in 0..2 {
            let name = format!("{class}{number}.mkv");
            clip(&clips, &name, pattern, frequency + number);
            labels += &format!("{name},{class}\n");
        }
    }
    let table = folder.path().join("labels.csv");
    std::fs::write(&table, labels).unwrap();
    let one = |name: &str| {
        library(&format!(
            "[[candidate]]\nname = \"{name}\"\nmodel = \"HERE/models/events-{name}.onnx\"\n"
        ))
    };
    let [(_one, pictures), (_other, sounds)] = ["picture", "sound"].map(one);
    let fusion = folder.path().join("fusion.toml");
    let words = [
        &*pictures,
        "--on",
        clips.to_str().unwrap(),
        "--labels",
        table.to_str().unwrap(),
        "--fuse",
        &*sounds,
        "--write-fusion",
        fusion.to_str().unwrap(),
    ];
    let output = rank_in(cache.path(), &words);
    let text = told(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let runs = text.lines().find(|it| it.contains(" runs of ")).unwrap();
    assert!(runs.contains("1 model stopped early"), "{text}");
    let written = std::fs::read_to_string(&fusion).unwrap();
    let gains: Vec<f64> = written
        .lines()
        .filter(|it| it.starts_with("accuracy-gain"))
        .flat_map(|it| {
            it.split(['[', ',', ']'])
                .filter_map(|it| it.trim().parse().ok())
                .collect::<Vec<f64>>()
        })
        .collect();
    assert!(
        !gains.is_empty() && gains.iter().all(|it| it.abs() <= 1.0),
        "{written}"
    );
}

#[test]
fn names_and_order_of_files_change_nothing() {
    let (_folder, library) = library(
        "[[candidate]]\nname = \"as it is\"\nelement = \"identity\"\n\
         [[candidate]]\nname = \"paler\"\nelement = \"videobalance contrast=0.9\"\n",
    );
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path(), "a.mkv", "snow", 440);
    clip(folder.path(), "b.mkv", "ball", 440);
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for (from, to) in [("a.mkv", "z.mkv"), ("b.mkv", "c.mkv")] {
        std::fs::copy(path(from), path(to)).unwrap();
    }
    let figures = |names: [&str; 2]| {
        let [one, other] = names.map(path);
        let words = [&*library, "--on", &*one, &*other, "--degrade", "gaussian-noise:2"];
        let found = findings(&rank(
            &[&words[..], &["--items", "16", "--full", "--json", "-"]].concat(),
        ));
        let models = found["models"].as_array().unwrap().iter();
        models.map(|it| it["figures"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(figures(["a.mkv", "b.mkv"]), figures(["c.mkv", "z.mkv"]));
}
