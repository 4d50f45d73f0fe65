// SPDX-License-Identifier: MPL-2.0

//! The real `avrec library` on real models, cards and mistakes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn library(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avrec"));
    command
        .arg("library")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Runs a command that ends with this code and says these parts.
#[track_caller]
fn expect(folder: &Path, words: &[&str], code: i32, parts: &[&str]) -> String {
    let output = library(folder, words);
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&both).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    text
}

fn copy(from: &str, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(from), to).unwrap();
}

/// Models as people keep them: with cards, without, and some that are none.
fn models() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    copy("tests/models/mean_luma.onnx", &at("m/luma/onnx/model.onnx"));
    fs::write(
        at("m/luma/README.md"),
        "---\nlicense: apache-2.0\ndatasets:\n- coco\n---\n# Luma\n",
    )
    .unwrap();
    copy("models/detect-small.onnx", &at("m/flat/detector.onnx"));
    copy("tests/models/twice_luma.onnx", &at("m/other/twice.onnx"));
    fs::write(at("m/other/twice.md"), "---\nlicense: openrail\n---\n").unwrap();
    fs::write(at("m/other/LICENSE"), "All rights").unwrap();
    folder
}

#[test]
fn a_folder_becomes_a_library_that_conditions_filter() {
    let folder = models();
    let at = folder.path();
    let told = expect(
        at,
        &["add", "lib.toml", "m", "--origin", "https://example.org"],
        0,
        &[
            "added luma: score, Apache-2.0",
            "README.md says 'apache-2.0', taken for Apache-2.0",
            "added detector: detect, CC0-1.0",
            "twice.md says 'openrail', taken for LicenseRef-openrail",
            "3 of 3 written",
        ],
    );
    assert!(!told.contains("not said: licence"), "{told}");
    let text = fs::read_to_string(at.join("lib.toml")).unwrap();
    for part in [
        "model = \"m/luma/onnx/model.onnx\"",
        "trained-on = \"coco\"",
        "origin = \"https://example.org\"",
        "license = \"LicenseRef-openrail\"",
        "memory = ",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    expect(
        at,
        &["list", "lib.toml", "--license", "Apache-2.0 OR MIT"],
        0,
        &[
            "luma",
            "left out: detector is licensed under CC0-1.0, and only Apache-2.0 OR MIT is allowed",
        ],
    );
    let json = library(at, &["list", "lib.toml", "--json", "--forbid", "luma"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["left_out"][0]["reason"], "is forbidden");
    assert_eq!(json["candidates"][0]["name"], "detector");
    expect(
        at,
        &["show", "lib.toml", "detector"],
        0,
        &["CC0-1.0", "[1, 3, 160, 160]"],
    );
    expect(at, &["check", "lib.toml"], 0, &["luma: ok", "twice: ok"]);
    // What is there already keeps its name and what others wrote.
    fs::write(at.join("lib.toml"), format!("# Ours.\n{text}")).unwrap();
    expect(
        at,
        &["add", "lib.toml", "m/luma", "--licence", "MIT"],
        0,
        &["updated luma"],
    );
    let text = fs::read_to_string(at.join("lib.toml")).unwrap();
    assert!(
        text.starts_with("# Ours.\n") && text.contains("license = \"MIT\""),
        "{text}"
    );
    expect(
        at,
        &["remove", "lib.toml", "twice"],
        0,
        &["its file stays where it is"],
    );
    assert!(at.join("m/other/twice.onnx").exists());
}

#[test]
fn a_bare_folder_is_a_library_too() {
    let folder = models();
    let told = expect(folder.path(), &["list", "m"], 0, &["detector", "detect", "luma"]);
    assert!(!folder.path().join("m/library.toml").exists(), "{told}");
}

#[test]
fn what_is_wrong_is_told_and_the_others_go_on() {
    let folder = models();
    let at = folder.path();
    for file in ["truncated", "throws_in_trial"] {
        copy(
            &format!("tests/models/{file}.onnx"),
            &at.join(format!("bad/{file}.onnx")),
        );
    }
    fs::write(at.join("bad/text.onnx"), "hello").unwrap();
    copy("tests/models/twice_luma.onnx", &at.join("bad/good.onnx"));
    fs::create_dir(at.join("empty")).unwrap();
    expect(
        at,
        &["add", "lib.toml", "bad"],
        1,
        &[
            "added good",
            "truncated.onnx is not added",
            "text.onnx is not added",
            "1 of 4 written",
        ],
    );
    let before = fs::read_to_string(at.join("lib.toml")).unwrap();
    let another = at.join("another/good.onnx");
    copy("tests/models/mean_luma.onnx", &another);
    for (words, code, parts) in [
        (
            &["add", "lib.toml", "empty"][..],
            2,
            &["empty: the folder has no .onnx files"][..],
        ),
        (&["add", "lib.toml", "absent.onnx"], 2, &["absent.onnx"]),
        (
            &["add", "bad/good.onnx", "bad"],
            2,
            &["a library is a TOML file, and comes first"],
        ),
        (&["add", "no/lib.toml", "bad"], 2, &["'no' does not exist"]),
        (
            &["add", "lib.toml", "bad", "--licence", "openrail"],
            2,
            &["write LicenseRef-openrail"],
        ),
        (
            &["add", "lib.toml", "bad", "--name", "one"],
            2,
            &["these are 4 models"],
        ),
        (
            &["add", "lib.toml", "another", "--name", "good"],
            1,
            &["is called good already"],
        ),
        (&["show", "lib.toml", "bad"], 2, &["it has good"]),
        (&["remove", "lib.toml", "bad"], 2, &["it has good"]),
        (
            &["list", "lib.toml", "--licence", "MIT AND ISC"],
            2,
            &["write OR"],
        ),
        (
            &["list", "lib.toml", "--forbid", "bad"],
            2,
            &["no candidate is called so"],
        ),
        (
            &["list", "lib.toml", "--max-memory", "much"],
            2,
            &["write such as 500M"],
        ),
        (&["list", "absent.toml"], 2, &["cannot read it"]),
        (&["list", "empty"], 2, &["has no .onnx files"]),
    ] {
        expect(at, words, code, parts);
        assert_eq!(
            fs::read_to_string(at.join("lib.toml")).unwrap(),
            before,
            "{words:?}"
        );
    }
}

#[test]
fn a_check_finds_files_that_are_others_and_figures_that_cannot_be() {
    let folder = models();
    let at = folder.path();
    expect(at, &["add", "lib.toml", "m/flat", "m/other"], 0, &[]);
    copy("tests/models/mean_luma.onnx", &at.join("m/flat/detector.onnx"));
    let text = fs::read_to_string(at.join("lib.toml")).unwrap();
    let text = text.replace("LicenseRef-openrail", "openrail");
    let measured =
        "\n[[candidate.measured]]\nvalue = 0.5\ninterval = [0.6, 0.7]\nlatency-ms = 9\nlatency-p95-ms = 8\n";
    fs::write(at.join("lib.toml"), format!("{text}{measured}")).unwrap();
    expect(
        at,
        &["check", "lib.toml"],
        1,
        &[
            "detector: wrong\n  sha256: ",
            "it does not load: ",
            "twice: wrong\n  licence: 'openrail' is no SPDX expression",
            "a later percentile of the latency is below",
            "0.5 lies outside of its interval",
            "something is wrong with detector, twice",
        ],
    );
    fs::remove_file(at.join("m/other/twice.onnx")).unwrap();
    expect(
        at,
        &["check", "lib.toml"],
        1,
        &["model file m/other/twice.onnx does not exist"],
    );
    for hostile in ["[[candidate]]\n", "candidate = [1]\n", "\u{0}", "a = [[[[[[[["] {
        fs::write(at.join("bad.toml"), hostile).unwrap();
        expect(at, &["check", "bad.toml"], 1, &["bad.toml:1: "]);
        expect(at, &["add", "bad.toml", "m/flat"], 2, &["bad.toml:1: "]);
        assert_eq!(fs::read_to_string(at.join("bad.toml")).unwrap(), hostile);
    }
}
