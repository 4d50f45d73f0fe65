// SPDX-License-Identifier: MPL-2.0

//! The launch lines of the README run: as they stand, but with the demo's clip, a test picture for the
//! camera and no window, and only until some frames have come out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use gst::glib;
use gst::prelude::*;

use crate::support::init;

/// Frames after which a line has shown that it runs.
const FRAMES: u32 = 12;

#[test]
fn each_launch_line_of_the_readme_runs() {
    init();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let lines = launch_lines(&readme);
    assert!(
        6 <= lines.len(),
        "only {} launch lines in the README",
        lines.len()
    );
    let failed: Vec<String> = lines.iter().filter_map(|line| run(line).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_line_that_fails_is_told() {
    init();
    let lines = launch_lines(
        "```sh\ngst-launch-1.0 -m filesrc location=/no/such/file \\\n ! fakesink\n```\n```text\ngst-launch-1.0 x\n```",
    );
    assert_eq!(lines.len(), 1);
    let failure = run(&lines[0]).unwrap_err();
    assert!(failure.contains("/no/such/file"), "{failure}");
    let failure = run(&["no-such-element".to_owned()]).unwrap_err();
    assert!(failure.contains("no-such-element"), "{failure}");
}

#[test]
fn files_that_the_readme_links_to_exist() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let links = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let broken: Vec<&str> = links
        .filter(|it| !it.starts_with("http") && !it.starts_with('#') && !root().join(it).exists())
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn the_options_of_the_command_are_those_of_the_readme() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["run", "replay"] {
        let section = readme.split(&format!("\n## avrec {command}\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let told = section.lines().filter_map(|it| it.strip_prefix("| `--"));
        let told: BTreeSet<&str> = told.filter_map(|it| it.split([' ', '`']).next()).collect();

        let help = Command::new(env!("CARGO_BIN_EXE_avrec"))
            .args([command, "--help"])
            .output()
            .unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        // An option stands at the start of its line; what follows the list mentions some of them again.
        let lines = help.lines().map(str::trim_start);
        let options = lines.map(|it| it.strip_prefix("-q, ").unwrap_or(it));
        let options: BTreeSet<&str> = options
            .filter_map(|it| it.strip_prefix("--"))
            .filter_map(|it| it.split([' ', '=']).next())
            .filter(|it| *it != "help")
            .collect();
        assert_eq!(told, options, "avrec {command}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The descriptions in the shell blocks of a Markdown text, as words, without `gst-launch-1.0` and its options.
fn launch_lines(markdown: &str) -> Vec<Vec<String>> {
    let blocks = markdown
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let commands = blocks.flat_map(|block| {
        let joined = block.replace("\\\n", " ");
        joined.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    commands
        .filter(|it| it.contains("gst-launch-1.0"))
        .map(|it| {
            let words = glib::shell_parse_argv(&it).unwrap();
            words
                .into_iter()
                .map(|it| it.into_string().unwrap())
                .skip_while(|it| it != "gst-launch-1.0")
                .skip(1)
                .skip_while(|it| it.starts_with('-'))
                .collect()
        })
        .collect()
}

/// Runs a description until some frames have reached a sink, or the stream ends; an error names the line.
fn run(words: &[String]) -> Result<(), String> {
    let adapted: Vec<String> = words.iter().map(|it| adapt(it)).collect();
    let line = adapted.join(" ");
    let words: Vec<&str> = adapted.iter().map(String::as_str).collect();
    let parsed = gst::parse::launchv(&words).map_err(|error| format!("{line}\n{error}"))?;
    let pipeline = parsed
        .downcast::<gst::Pipeline>()
        .map_err(|_| format!("{line}\nis no pipeline"))?;
    let sinks = pipeline.iterate_sinks().into_iter().filter_map(Result::ok);
    for pad in sinks.flat_map(|it| it.sink_pads()) {
        count(&pad, &pipeline);
    }
    let started = pipeline.set_state(gst::State::Playing);
    let ended = wait(&pipeline.bus().unwrap());
    // Stopping cannot fail.
    let _ = pipeline.set_state(gst::State::Null);
    match started {
        Ok(_) => ended.map_err(|error| format!("{line}\n{error}")),
        Err(_) => Err(format!("{line}\n{}", ended.err().unwrap_or_default())),
    }
}

/// Replaces what a test machine does not have.
fn adapt(word: &str) -> String {
    match word {
        "autovideosink" => "fakesink".to_owned(),
        "v4l2src" => "videotestsrc".to_owned(),
        "location=in.mp4" => format!("location={}", clip().display()),
        _ => match word.split_once("models/") {
            Some(_) => word.replace("models/", &format!("{}/models/", root().display())),
            None => word.to_owned(),
        },
    }
}

fn clip() -> PathBuf {
    let clip =
        std::env::var_os("AVREC_CLIP").map_or_else(|| root().join(".cache/bigbuckbunny.mp4"), PathBuf::from);
    assert!(
        clip.is_file(),
        "{} is missing; `make setup` fetches it",
        clip.display()
    );
    clip
}

/// Posts an application message when enough frames have come.
fn count(pad: &gst::Pad, pipeline: &gst::Pipeline) {
    let seen = AtomicU32::new(0);
    let pipeline = pipeline.downgrade();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        if seen.fetch_add(1, Ordering::Relaxed) + 1 == FRAMES
            && let Some(pipeline) = pipeline.upgrade()
        {
            let structure = gst::Structure::new_empty("enough");
            // Refused only when the pipeline stops, and then nobody waits.
            let _ = pipeline.post_message(gst::message::Application::new(structure));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Waits for enough frames, or for the end of a stream that has fewer.
fn wait(bus: &gst::Bus) -> Result<(), String> {
    while let Some(message) = bus.timed_pop(gst::ClockTime::from_seconds(60)) {
        match message.view() {
            gst::MessageView::Application(_) | gst::MessageView::Eos(_) => return Ok(()),
            gst::MessageView::Error(it) => {
                return Err(format!("{} {}", it.error(), it.debug().unwrap_or_default()));
            }
            gst::MessageView::Element(it) => match it.structure() {
                Some(structure) if structure.name() == "avrec/candidate-failed" => {
                    return Err(structure.to_string());
                }
                _ => {}
            },
            _ => {}
        }
    }
    Err("no frames within a minute".to_owned())
}
