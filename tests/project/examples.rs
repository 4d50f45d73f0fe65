// SPDX-License-Identifier: MPL-2.0

//! The examples in C and Python run as their heads say, and tell what they promise.

use std::path::Path;
use std::process::Command;

use crate::support::host::{gstreamer_flags, plugin_folder, python};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/upscale.toml");

/// What a program prints that ends well; its own registry does not know of other plugins' places.
#[track_caller]
fn said(program: &mut Command) -> String {
    let folder = plugin_folder();
    let output = program
        .env("GST_PLUGIN_PATH", folder.path())
        .env("GST_REGISTRY", folder.path().join("registry.bin"))
        .output()
        .unwrap();
    let [text, errors] = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(output.status.success(), "{}\n{text}{errors}", output.status);
    text
}

#[test]
fn the_example_in_c_compiles_without_a_warning_and_watches_a_switch() {
    let Some(flags) = gstreamer_flags(&["--cflags", "--libs"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("monitor");
    let compiler = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&program)
        .arg(Path::new(ROOT).join("examples/c/monitor.c"))
        .args(flags)
        .output();
    // A machine that links Rust usually has one.
    let Ok(compiler) = compiler else { return };
    let told = String::from_utf8_lossy(&compiler.stderr);
    assert!(compiler.status.success(), "{told}");

    let text = said(Command::new(&program).args([CATALOG, "3"]));
    assert!(text.contains(" answers: "), "the signal: {text}");
    assert_eq!(text.matches(" frames, ").count(), 3, "stats: {text}");
    let candidates = text
        .lines()
        .filter(|it| it.starts_with("    ") && it.contains(" answers"));
    assert!(9 <= candidates.count(), "{text}");

    let output = Command::new(&program).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_example_in_python_reads_everything_as_json() {
    let Some(python) = python() else { return };
    let script = Path::new(ROOT).join("examples/as_json.py");
    let text = said(Command::new(python).arg(script).arg("2"));
    assert!(text.contains("avrec/switch: "), "{text}");
    assert!(text.contains("avrec/candidate-ready: "), "{text}");
    assert_eq!(text.matches(" misses of ").count(), 2, "{text}");
    let compared = text.lines().last().unwrap();
    assert!(
        compared.starts_with("compared: ") && compared.contains("bilinear, small"),
        "{text}"
    );
}
