// SPDX-License-Identifier: MPL-2.0

//! A seeded random walk over what applications, sources and candidates may do to a switch while its stream runs: each frame
//! that goes in goes out once and in order, the bus has no error, and nothing is left at the end.
//!
//! A walk has a process of its own, for what only a whole process shows: criticals, threads, descriptors, and objects that
//! the tracer `leaks` still finds. `AVREC_FUZZ=20 cargo nextest run --test switch random_machine` takes 20 seeds each.

mod machine;
mod stream;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use gst::prelude::*;
use machine::Machine;
use stream::Medium;

use crate::support::{alone, init};

/// What a child walks: the medium and the seed.
const WALK: &str = "AVREC_WALK";

/// Steps of a walk.
const STEPS: u32 = 2000;

/// Steps before anything is counted: by then GStreamer and the inference libraries have what they keep for good.
const BEFORE: u32 = 100;

#[test]
fn no_walk_over_a_stream_of_frames_breaks_it() {
    walk_all("video", 1..=5);
}

#[test]
fn no_other_walk_over_a_stream_of_frames_breaks_it() {
    walk_all("video", 6..=10);
}

#[test]
fn no_walk_over_a_stream_of_sound_breaks_it() {
    walk_all("sound", 1..=5);
}

#[test]
fn no_other_walk_over_a_stream_of_sound_breaks_it() {
    walk_all("sound", 6..=10);
}

/// Walks with these seeds, or with as many as `AVREC_FUZZ` says from 1 on.
#[track_caller]
fn walk_all(medium: &str, seeds: RangeInclusive<u64>) {
    let said = std::env::var("AVREC_FUZZ").ok();
    let more = said.map(|it| 1..=it.parse().expect("AVREC_FUZZ is a number"));
    for seed in more.unwrap_or(seeds) {
        let output = alone("random_machine::walk")
            .env(WALK, format!("{medium} {seed}"))
            .env("G_DEBUG", "fatal-criticals")
            .env("GST_TRACERS", "leaks")
            .env("GST_DEBUG", "GST_TRACER:7")
            .env("GST_DEBUG_NO_COLOR", "1")
            .env("AVREC_THREADS", "2")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let is_tracer = |it: &&str| it.contains("GST_TRACER");
        let others: Vec<&str> = told.lines().filter(|it| !is_tracer(it)).collect();
        assert!(
            output.status.success(),
            "{medium} {seed}: {}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            others.join("\n")
        );
        let alive: Vec<&str> = told
            .lines()
            .filter(|it| it.contains("object-alive, ") && !it.contains("new format string"))
            .collect();
        assert!(alive.is_empty(), "{medium} {seed} leaks\n{}", alive.join("\n"));
    }
}

#[test]
#[ignore = "the other tests run it, in a process of its own"]
fn walk() {
    init();
    let walk = std::env::var(WALK).unwrap();
    let (medium, seed) = walk.split_once(' ').unwrap();
    let medium = match medium {
        "video" => Medium::Video,
        _ => Medium::Sound,
    };
    let seed = seed.parse().unwrap();
    load_library();
    Machine::new(medium, seed).walk(BEFORE);
    let before = settled();
    let told = Machine::new(medium, seed).walk(STEPS);
    println!("{walk}: {told}");
    let end = Instant::now() + Duration::from_secs(20);
    let mut left = more_than(&before);
    while left.is_some() && Instant::now() < end {
        std::thread::yield_now();
        left = more_than(&before);
    }
    // SAFETY: the walk is over and its objects are dropped; nothing of GStreamer is called after this.
    unsafe { gst::deinit() };
    assert_eq!(left, None, "left of {walk}");
}

/// Has ONNX Runtime start what it keeps for good: its threads are called as the one that loaded it.
fn load_library() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/small.onnx");
    let line = format!("videotestsrc num-buffers=1 ! avrec-infer model-file={model} ! fakesink");
    let pipeline = gst::parse::launch(&line).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline
        .bus()
        .unwrap()
        .timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends);
    assert!(end.is_some_and(|it| it.type_() == gst::MessageType::Eos));
    pipeline.set_state(gst::State::Null).unwrap();
}

/// Threads of this process by their names, and what its descriptors lead to, each with how many there are.
fn kept() -> BTreeMap<String, usize> {
    let mut kept = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        // One that ends meanwhile has no name any more.
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let name = name.trim();
        // What GStreamer keeps for any element.
        if !name.is_empty() && !name.starts_with("pool-") && name != "gmain" {
            *kept.entry(format!("thread {name}")).or_default() += 1;
        }
    }
    for descriptor in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
        if let Ok(target) = std::fs::read_link(descriptor.path()) {
            // Pipes and sockets have a number that no other one has.
            let kind = target
                .to_string_lossy()
                .split(":[")
                .next()
                .unwrap_or_default()
                .to_owned();
            *kept.entry(kind).or_default() += 1;
        }
    }
    kept
}

/// The same, once the threads of the switches before have ended.
fn settled() -> BTreeMap<String, usize> {
    let is_passing = |it: &String| {
        ["thread lane-", "thread supervisor"]
            .iter()
            .any(|start| it.starts_with(start))
    };
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let kept = kept();
        if !kept.keys().any(is_passing) {
            return kept;
        }
        assert!(Instant::now() < end, "left: {kept:?}");
        std::thread::yield_now();
    }
}

/// What there is now and was not before.
fn more_than(before: &BTreeMap<String, usize>) -> Option<String> {
    let more: Vec<String> = kept()
        .into_iter()
        .filter(|(name, count)| before.get(name).copied().unwrap_or_default() < *count)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    (!more.is_empty()).then(|| format!("{} after {before:?}", more.join(", ")))
}
