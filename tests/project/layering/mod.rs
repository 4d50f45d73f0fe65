// SPDX-License-Identifier: MPL-2.0

//! The architecture as a test: which part of the crate may mention what. A folder that is still empty
//! passes; one that is missing does not.

mod circles;
mod owners;
mod sources;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use sources::{root, rust_files};

/// The crates of GStreamer.
const GSTREAMER: &[&str] = &[
    "gst::",
    "gst_base::",
    "gst_audio::",
    "gst_video::",
    "gst_analytics::",
    "glib::",
];

/// The inference libraries.
const LIBRARIES: &[&str] = &["ort::", "rten::", "rten_tensor::"];

/// Folder or file under `src`, and the paths that its code may not mention.
const FORBIDDEN: &[(&str, &[&[&str]])] = &[
    (
        "policy",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "once_cell::",
                "parking_lot::",
                "serde::",
                "crate::runtime",
                "crate::media",
                "crate::score",
                "crate::audio",
                "crate::elements",
                "crate::messages",
                "crate::tensor",
                "std::fs",
                "std::io",
                "std::thread",
                "std::sync",
                "Instant::now",
                "SystemTime",
                "Mutex",
                "println!",
                "eprintln!",
                "dbg!",
            ],
        ],
    ),
    (
        "score",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "crate::runtime",
                "crate::media",
                "crate::policy",
                "crate::elements",
                "crate::messages",
                "Instant::now",
                "std::fs",
            ],
        ],
    ),
    (
        "runtime",
        &[
            GSTREAMER,
            &[
                "crate::media",
                "crate::policy",
                "crate::score",
                "crate::audio",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    (
        "media",
        &[
            LIBRARIES,
            &[
                "crate::runtime",
                "crate::policy",
                "crate::score",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    (
        "decode",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "std::fs",
                "std::io",
                "std::thread",
                "parking_lot::",
                "Instant::now",
                "crate::runtime",
                "crate::media",
                "crate::policy",
                "crate::score",
                "crate::audio",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    (
        "group",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "std::fs",
                "std::thread",
                "Instant::now",
                "crate::runtime",
                "crate::media",
                "crate::score",
                "crate::audio",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    (
        "machine",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "crate::runtime",
                "crate::media",
                "crate::score",
                "crate::audio",
                "crate::policy",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    (
        "replay",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "std::fs",
                "std::thread",
                "crate::runtime",
                "crate::media",
                "crate::score",
                "crate::audio",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    (
        "recommend",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "std::fs",
                "std::thread",
                "Instant::now",
                "Mutex",
                "crate::runtime",
                "crate::media",
                "crate::audio",
                "crate::truth",
                "crate::tune",
                "crate::replay",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    (
        "truth",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "std::thread",
                "Instant::now",
                "crate::runtime",
                "crate::media",
                "crate::score",
                "crate::audio",
                "crate::policy",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    (
        "tune",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "std::fs",
                "std::thread",
                "Instant::now",
                "crate::runtime",
                "crate::media",
                "crate::audio",
                "crate::policy",
                "crate::elements",
                "crate::messages",
            ],
        ],
    ),
    ("elements", &[LIBRARIES]),
    // The streaming thread must not wait for a thread of the lowest priority.
    (
        "elements/switch/scoring",
        &[&[
            "lanes::table",
            "lanes::state",
            "switch::policy_adapter",
            "switch::shared",
            "switch::stream",
            "switch::view",
            "mpsc",
            "Condvar",
        ]],
    ),
    ("answer.rs", &[GSTREAMER, LIBRARIES, &["crate::"]]),
    (
        "letterbox.rs",
        &[GSTREAMER, LIBRARIES, &["crate::media", "crate::decode"]],
    ),
    // Continuity and slicing of audio come from GStreamer's own; elements, pads and messages stay outside.
    (
        "audio",
        &[
            LIBRARIES,
            &[
                "gst::Element",
                "gst::Pad",
                "gst::Bus",
                "gst::Event",
                "gst::Message",
                "gst::Query",
                "gst_video::",
                "gst_analytics::",
                "glib::",
                "crate::runtime",
                "crate::media",
                "crate::decode",
                "crate::policy",
                "crate::score",
                "crate::replay",
                "crate::messages",
                "crate::elements",
                "std::fs",
                "std::thread",
                "Instant::now",
                "Mutex",
            ],
        ],
    ),
    // What messages say comes from the parts below in plain values; nothing decides or runs here.
    (
        "messages",
        &[
            LIBRARIES,
            &[
                "gst_video::",
                "gst_audio::",
                "gst_base::",
                "policy::Policy",
                "policy::Config",
                "runtime::LoadedModel",
                "runtime::Runner",
                "crate::media",
                "crate::audio",
                "crate::decode",
                "crate::replay",
                "crate::elements",
                "std::fs",
                "std::thread",
                "Instant::now",
                "Mutex",
            ],
        ],
    ),
    // It sees the elements as any application does.
    (
        "metrics",
        &[
            LIBRARIES,
            &[
                "gst_video::",
                "gst_audio::",
                "gst_base::",
                "crate::elements",
                "crate::runtime",
                "crate::media",
                "crate::audio",
                "crate::policy",
                "crate::group",
                "std::fs",
                "Instant::now",
            ],
        ],
    ),
    (
        "library",
        &[
            GSTREAMER,
            LIBRARIES,
            &[
                "crate::elements",
                "crate::messages",
                "crate::policy",
                "std::fs",
                "bounded_file",
                "Instant::now",
                "SystemTime",
            ],
        ],
    ),
    (
        "profile.rs",
        &[
            GSTREAMER,
            LIBRARIES,
            &["crate::elements", "crate::messages", "crate::policy"],
        ],
    ),
    ("tensor.rs", &[GSTREAMER, LIBRARIES, &["crate::"]]),
    ("bounded_file.rs", &[GSTREAMER, LIBRARIES, &["crate::"]]),
];

/// Lines that a file of the policy may have: one concept each, tests included.
const POLICY_LINES: usize = 400;

#[test]
fn no_part_mentions_what_it_must_not_know() {
    let mut found = Vec::new();
    for (part, words) in FORBIDDEN {
        for file in rust_files(&source().join(part)) {
            for (number, line) in code_lines(&file) {
                let mentioned = words.iter().copied().flatten().filter(|it| mentions(&line, it));
                found.extend(mentioned.map(|it| format!("{}:{number}: {it}", file.display())));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What opens a file: whatever the path leads to, for as long as it takes, and up to whatever it holds.
const OPENS: &[&str] = &[
    "File::open(",
    "File::create(",
    "File::options(",
    "OpenOptions::new(",
    "fs::read(",
    "fs::read_to_string(",
    "fs::write(",
    "fs::copy(",
];

#[test]
fn files_are_opened_in_one_place_that_bounds_them() {
    let mut found = Vec::new();
    for file in rust_files(&source()) {
        if file.ends_with("src/bounded_file.rs") || file.ends_with("tests.rs") {
            continue;
        }
        // Tests stand at the end of a file.
        let lines = code_lines(&file).into_iter();
        let lines = lines.take_while(|(_, line)| !line.contains("mod tests {"));
        for (number, line) in lines {
            let opened = OPENS.iter().filter(|it| mentions(&line, it));
            let opened = opened.filter(|_| !line.contains("bounded_file::"));
            found.extend(opened.map(|it| format!("{}:{number}: {it}", file.display())));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn policy_files_hold_one_concept_each() {
    for file in rust_files(&source().join("policy")) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(
            lines <= POLICY_LINES,
            "{} has {lines} lines, more than {POLICY_LINES}",
            file.display()
        );
    }
}

#[test]
fn no_test_sleeps() {
    let mut files = rust_files(&root().join("tests"));
    files.retain(|it| !it.ends_with("layering/mod.rs"));
    // A test inside `src` stands at the end of its file, behind `mod tests`.
    let inline = rust_files(&source());
    let in_tests = inline.iter().flat_map(|file| {
        let lines: Vec<_> = code_lines(file);
        let start = lines
            .iter()
            .position(|(_, line)| line.contains("mod tests {"))
            .unwrap_or(lines.len());
        lines[start..]
            .iter()
            .map(|(number, line)| (file, *number, line.clone()))
            .collect::<Vec<_>>()
    });
    let in_files = files.iter().flat_map(|file| {
        code_lines(file)
            .into_iter()
            .map(move |(number, line)| (file, number, line))
    });
    let found: Vec<String> = in_tests
        .chain(in_files)
        .filter(|(_, _, line)| mentions(line, "sleep("))
        .map(|(file, number, _)| format!("{}:{number}", file.display()))
        .collect();
    assert!(
        found.is_empty(),
        "a test that sleeps is slow or flaky:\n{}",
        found.join("\n")
    );
}

/// Cargo.toml switches documentation tests off, for there are none.
#[test]
fn no_example_in_the_documentation_is_rust_code_that_nobody_runs() {
    let found = rust_files(&source()).into_iter().flat_map(|file| {
        let text = fs::read_to_string(&file).unwrap();
        let fences = text
            .lines()
            .filter_map(|it| it.trim_start().strip_prefix("//")?.split_once("```"));
        let opened: Vec<String> = fences
            .step_by(2)
            .map(|(_, language)| language.to_owned())
            .collect();
        let run = opened
            .into_iter()
            .filter(|it| !["text", "sh"].contains(&it.as_str()));
        run.map(move |it| format!("{}: ```{it}", file.display()))
            .collect::<Vec<_>>()
    });
    assert_eq!(found.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_check_itself_can_fail() {
    assert!(mentions("use gst::glib;", "gst::"));
    assert!(mentions("    let x = ::ort::session();", "ort::"));
    assert!(mentions("thread::sleep(pause);", "sleep("));
    assert!(
        !mentions("slice::sort::stable(x);", "ort::"),
        "whole path segments only"
    );
    assert!(!mentions("let nosleep(x) = y;", "sleep("));
    assert!(code("let a = 1; // gst::init()").ends_with("1; "));
    assert_eq!(code("/// As gst::Buffer does."), "");
    assert!(3 <= rust_files(&source().join("policy")).len());
}

fn source() -> PathBuf {
    root().join("src")
}

/// The lines of a file with their numbers, without comments.
fn code_lines(file: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, code(line).to_owned()))
        .collect()
}

/// A line up to its comment. (One inside a string cuts the line short, which can only overlook something.)
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

/// Whether a line mentions a word that no longer word ends with.
fn mentions(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|it| it.is_alphanumeric() || it == '_')
    })
}
