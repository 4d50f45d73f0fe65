// SPDX-License-Identifier: MPL-2.0

//! Models that mean harm, each in `avrec-infer` on both backends, in processes of 8 GB: none may end the process, hold
//! up a change of state, or fail without a word.
//!
//! The test starts itself again with a variable set, as a program that plays some of the models one after another.

mod cases;
mod given_up;
mod onnx;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::support::{alone, init};

/// Set in the program that plays; the models, with semicolons.
const FILES: &str = "AVREC_TEST_CRAFTED";
const BACKEND: &str = "AVREC_TEST_CRAFTED_BACKEND";
/// Set by who wants to try some models only: a part of their names.
const ONLY: &str = "AVREC_TEST_CRAFTED_ONLY";

const NAME: &str = "crafted::no_model_ends_the_process_or_holds_up_a_change_of_state";

/// Memory that a program may map, in KB.
const MEMORY: u64 = 8 << 20;

/// Models that one program plays.
const AT_A_TIME: usize = 8;

/// What an endless model may run before it is stopped.
const GIVEN_UP_AFTER: Duration = Duration::from_millis(700);

/// How long a model may take to run, or to fail: on a machine that has nothing else to do 6 s are the most.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a change of state may take: on such a machine, some ms.
const STOP: Duration = Duration::from_secs(3);

/// What became of a model.
#[derive(Debug)]
struct Outcome {
    name: String,
    backend: &'static str,
    text: String,
}

#[test]
fn no_model_ends_the_process_or_holds_up_a_change_of_state() {
    if let Ok(files) = std::env::var(FILES) {
        files.split(';').for_each(|it| play(Path::new(it)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.data"), [0; 16]).unwrap();
    let only = std::env::var(ONLY).unwrap_or_default();
    let cases = cases::all().into_iter().filter(|it| it.name.contains(&only));
    let files: Vec<PathBuf> = cases
        .map(|case| {
            let end = if case.is_endless { "endless.onnx" } else { "onnx" };
            let path = folder
                .path()
                .join(format!("{}.{end}", case.name.replace([' ', '/', '^'], "_")));
            std::fs::write(&path, case.bytes).unwrap();
            path
        })
        .collect();
    let programs = ["ort", "rten"].into_iter();
    let programs = programs.flat_map(|backend| files.chunks(AT_A_TIME).map(move |it| (backend, it)));
    let (programs, outcomes) = (Mutex::new(programs), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        let work = || {
            loop {
                let next = programs.lock().unwrap().next();
                let Some((backend, files)) = next else { return };
                let told = start(backend, files);
                outcomes.lock().unwrap().extend(told);
            }
        };
        (0..2).for_each(|_| drop(scope.spawn(work)));
    });
    let outcomes = outcomes.into_inner().unwrap();
    outcomes
        .iter()
        .for_each(|it| println!("{:5} {}: {}", it.backend, it.name, it.text));
    let is_bad = |it: &&Outcome| !it.text.starts_with("runs") && !it.text.starts_with("error");
    let bad: Vec<&Outcome> = outcomes.iter().filter(is_bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(outcomes.len(), 2 * files.len());
}

/// Plays models in a program of little memory, and starts it again behind one that ended it.
fn start(backend: &'static str, files: &[PathBuf]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut left = files;
    while let Some(first) = left.first() {
        let list: Vec<&str> = left.iter().filter_map(|it| it.to_str()).collect();
        let program = alone(NAME);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]);
        limited.arg(program.get_program()).args(program.get_args());
        limited.env(FILES, list.join(";")).env(BACKEND, backend);
        let output = limited.stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let told: Vec<&str> = told
            .lines()
            .filter_map(|it| it.strip_prefix("OUTCOME "))
            .collect();
        let outcome = |file: &PathBuf, text: &str| Outcome {
            name: file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            backend,
            text: text.to_owned(),
        };
        outcomes.extend(left.iter().zip(&told).map(|(file, text)| outcome(file, text)));
        left = &left[told.len().min(left.len())..];
        if let Some(culprit) = left.first().filter(|_| !output.status.success()) {
            let told = String::from_utf8_lossy(&output.stderr);
            let last = told.lines().rev().take(5).collect::<Vec<_>>().join(" | ");
            outcomes.push(outcome(
                culprit,
                &format!("ended the process: {} {last}", output.status),
            ));
            left = &left[1..];
        } else if told.is_empty() {
            outcomes.push(outcome(first, "told nothing"));
            left = &left[1..];
        }
    }
    outcomes
}

/// Plays some frames, or sound, through a model, and stops.
fn play(file: &Path) {
    init();
    let start = Instant::now();
    let is_sound = file.to_string_lossy().contains("sound");
    let source = match is_sound {
        true => "audiotestsrc num-buffers=3 ! audio/x-raw,format=F32LE,rate=16000,channels=1",
        false if file.to_string_lossy().contains("white") => {
            "videotestsrc pattern=white num-buffers=3 ! video/x-raw,format=RGB,width=64,height=48"
        }
        false => "videotestsrc num-buffers=3 ! video/x-raw,format=RGB,width=64,height=48",
    };
    let backend = std::env::var(BACKEND).unwrap();
    let rate = if is_sound { "sample-rate=16000" } else { "" };
    let line = format!("{source} ! avrec-infer name=infer backend={backend} {rate} ! fakesink");
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let infer = pipeline.by_name("infer").unwrap();
    infer.set_property("model-file", file.to_str().unwrap());
    let bus = pipeline.bus().unwrap();
    let _ = pipeline.set_state(gst::State::Playing);
    let is_endless = file.to_string_lossy().contains("endless");
    let patience = if is_endless { GIVEN_UP_AFTER } else { PATIENCE };
    let kinds = [gst::MessageType::Error, gst::MessageType::Eos];
    let patience = gst::ClockTime::from_nseconds(patience.as_nanos() as u64);
    let message = bus.timed_pop_filtered(patience, &kinds);
    let text = match message.as_ref().map(|it| it.view()) {
        Some(gst::MessageView::Error(error)) => format!("error: {}", error.error()),
        Some(_) => "runs".to_owned(),
        None if is_endless => "runs until it is given up".to_owned(),
        None => "hangs".to_owned(),
    };
    let took = start.elapsed();
    let stop = Instant::now();
    let _ = pipeline.set_state(gst::State::Null);
    let stopped = stop.elapsed();
    let text = match stopped {
        it if STOP < it => format!("held up NULL for {it:?}: {text}"),
        _ => text,
    };
    println!(
        "OUTCOME {} ({took:.1?}, NULL {stopped:.1?})",
        text.replace('\n', " ")
    );
}
