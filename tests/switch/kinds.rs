// SPDX-License-Identifier: MPL-2.0

//! What candidates answer: those of different tasks are named at the start, and what is measured fits the task.

use gst::prelude::*;

use crate::support::switch::Rig;
use crate::support::{init, sayer};

const CAT: &str = "box cat 0.9 4 4 20 20";
const DOG: &str = "box dog 0.8 36 8 16 16";
const GRAY: &str = "video/x-raw,format=GRAY8,width=256,height=144,framerate=25/1";
const RGBA: &str = "video/x-raw,format=RGBA,width=64,height=48,framerate=25/1";

fn model(name: &str, file: &str, properties: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models");
    format!("avrec-infer name={name} model-file={folder}/{file}.onnx {properties} ")
}

fn sayer(name: &str, says: &[&str]) -> String {
    format!("avrectestsayer name={name} says=\"{}\" ", says.join("; "))
}

/// Every candidate answers every frame.
fn rig(properties: &str, children: &str, caps: &str) -> Rig {
    init();
    sayer::register();
    let rig = Rig::unstarted(
        &format!("exhaustive=true late-policy=wait {properties}"),
        children,
    );
    rig.start(caps)
}

/// A frame of one gray, or with a bright block.
fn gray(number: u64, has_block: bool) -> gst::Buffer {
    let level = |at: usize| match (at % 256, at / 256) {
        (64..96, 40..72) if has_block => 250,
        _ => 25,
    };
    let mut buffer = gst::Buffer::from_slice((0..256 * 144).map(level).collect::<Vec<u8>>());
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(gst::ClockTime::from_mseconds(40 * number));
    writable.set_duration(gst::ClockTime::from_mseconds(40));
    buffer
}

fn pass(rig: &mut Rig, numbers: std::ops::Range<u64>, has_block: bool) {
    for number in numbers {
        rig.harness.push(gray(number, has_block)).unwrap();
        rig.pull();
    }
}

fn evidence(rig: &Rig, name: &str) -> Option<gst::Structure> {
    rig.candidate_stats(name).unwrap().get("evidence").ok()
}

fn gives(rig: &Rig, name: &str) -> Option<String> {
    rig.candidate_stats(name).unwrap().get("gives").ok()
}

/// The messages of that type that say this, since the last call.
fn told(rig: &Rig, kind: gst::MessageType, what: &str) -> Vec<String> {
    let texts = rig.texts(kind).into_iter();
    texts.filter(|it| it.contains(what)).collect()
}

#[track_caller]
fn assert_told_once(told: &[String], parts: &[&str]) {
    let [text] = told else {
        panic!("{} times: {told:#?}", told.len())
    };
    for part in parts {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[test]
fn models_of_different_tasks_are_named_at_the_start_with_what_they_give() {
    let children = model("finder", "detect_bright", "")
        + &model("namer", "main_color", "task=classify")
        + &model("other", "detect_bright", "confidence-threshold=0.6");
    let mut rig = rig("reference=other", &children, GRAY);
    pass(&mut rig, 0..20, true);
    assert_told_once(
        &told(&rig, gst::MessageType::Warning, "task"),
        &[
            "boxes from finder, other",
            "classes from namer",
            "`forbidden`",
            "switch of its own",
        ],
    );
    assert_eq!(gives(&rig, "namer").as_deref(), Some("classes"));
    // Those of the task are compared, the other one keeps its prior.
    assert!(evidence(&rig, "finder").is_some_and(|it| it.has_field("f1")));
    assert_eq!(evidence(&rig, "namer"), None);
    let namer = rig.candidate_stats("namer").unwrap();
    assert_eq!(namer.get::<&str>("quality-source"), Ok("unknown"));
    // Without it all is well; with it again, it is told again.
    rig.switch.set_property("forbidden", "namer");
    pass(&mut rig, 20..25, true);
    assert!(told(&rig, gst::MessageType::Warning, "task").is_empty());
    rig.switch.set_property("forbidden", "");
    assert_eq!(told(&rig, gst::MessageType::Warning, "task").len(), 1);
}

#[test]
fn one_of_two_tasks_is_not_ranked_before_the_other_by_how_sure_it_is() {
    let children = model("finder", "detect_bright", "") + &model("namer", "main_color", "task=classify");
    let mut rig = rig("quality-source=confidence", &children, GRAY);
    pass(&mut rig, 0..20, true);
    for name in ["finder", "namer"] {
        let stats = rig.candidate_stats(name).unwrap();
        assert_eq!(stats.get::<&str>("quality-source"), Ok("unknown"), "{stats}");
    }
    assert_eq!(told(&rig, gst::MessageType::Warning, "one task").len(), 1);
}

#[test]
fn models_of_one_task_are_warned_of_nowhere() {
    let children = model("a", "detect_bright", "") + &model("b", "detect_bright", "confidence-threshold=0.6");
    let mut rig = rig("", &children, GRAY);
    pass(&mut rig, 0..20, true);
    let warnings = rig.texts(gst::MessageType::Warning);
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn detectors_of_different_things_are_named_and_not_scored_as_if_one_were_always_wrong() {
    let path = std::env::temp_dir().join(format!("avrec-{}-kinds.txt", std::process::id()));
    std::fs::write(&path, "lamp\nwindow\n").unwrap();
    let labels = format!("labels-file={}", path.display());
    let children = model("a", "detect_bright", &labels) + &model("b", "detect_bright", "");
    let mut rig = rig("reference=b", &children, GRAY);
    pass(&mut rig, 0..20, true);
    std::fs::remove_file(&path).unwrap();
    assert_told_once(
        &told(&rig, gst::MessageType::Warning, "label"),
        &[
            "a and b have no label in common",
            "a has lamp, window",
            "`labels-file`",
        ],
    );
    assert_eq!(evidence(&rig, "a"), None);
    let stats = rig.candidate_stats("a").unwrap();
    assert_eq!(stats.get::<&str>("quality-source"), Ok("unknown"));
}

#[test]
fn detectors_that_find_nothing_agree_on_that_and_not_on_the_picture() {
    let children = model("a", "detect_bright", "confidence-threshold=0.8")
        + &model("b", "detect_bright", "confidence-threshold=0.9");
    let mut rig = rig("reference=b", &children, GRAY);
    pass(&mut rig, 0..20, false);
    let found = evidence(&rig, "a").expect("that there is no object is an answer");
    assert_eq!(found.get::<f64>("f1"), Ok(1.0), "{found}");
    assert!(!found.has_field("ssim"), "{found}");
    let stats = rig.candidate_stats("a").unwrap();
    assert_eq!(stats.get::<&str>("quality-source"), Ok("agreement"));
}

#[test]
fn a_detector_beside_a_plain_element_is_the_reference_where_nobody_names_one() {
    let children = sayer("a", &[CAT]) + &sayer("b", &[CAT, DOG]) + "videobalance name=bright brightness=0.5";
    let mut rig = rig(
        "",
        &children,
        "video/x-raw,format=I420,width=64,height=36,framerate=25/1",
    );
    rig.pass();
    assert_eq!(
        rig.stats().get::<&str>("reference"),
        Ok("bright"),
        "the last of equals"
    );
    (0..40).for_each(|_| drop(rig.pass()));
    assert_eq!(rig.stats().get::<&str>("reference"), Ok("b"));
    let found = evidence(&rig, "a").unwrap();
    assert!(
        (found.get::<f64>("f1").unwrap() - 2.0 / 3.0).abs() < 1e-6,
        "{found}"
    );
    assert_told_once(
        &told(&rig, gst::MessageType::Warning, "reference"),
        &[
            "the reference bright is not of the task of the others",
            "is replaced",
        ],
    );
}

#[test]
fn a_plain_element_among_detectors_is_told_to_count_as_one_that_finds_nothing() {
    let children = "identity name=plain ".to_string() + &sayer("a", &[CAT]) + &sayer("b", &[CAT, DOG]);
    let mut rig = rig(
        "reference=b",
        &children,
        "video/x-raw,format=I420,width=64,height=36,framerate=25/1",
    );
    (0..40).for_each(|_| drop(rig.pass()));
    assert_told_once(
        &told(&rig, gst::MessageType::Info, "plain"),
        &["candidate plain", "without boxes", "finds nothing"],
    );
    assert_eq!(gives(&rig, "plain"), None);
    assert_eq!(gives(&rig, "a").as_deref(), Some("boxes"));
}

#[test]
fn raw_tensors_are_told_not_to_compare() {
    let children = model("a", "detect_bright", "task=tensor") + &model("b", "detect_bright", "task=tensor");
    let mut rig = rig("", &children, GRAY);
    pass(&mut rig, 0..20, true);
    assert_told_once(
        &told(&rig, gst::MessageType::Warning, "cannot be compared"),
        &["the answers of a, b", "priors alone", "set `task`"],
    );
    assert!(evidence(&rig, "a").is_none(), "equal frames are no equal answers");
}

#[test]
fn a_source_of_quality_that_does_not_fit_is_told_and_counts_for_nothing() {
    let children = model("finder", "detect_bright", "") + &model("other", "detect_bright", "");
    let mut rig = rig("quality-source=restore", &children, GRAY);
    pass(&mut rig, 0..10, true);
    assert_told_once(
        &told(&rig, gst::MessageType::Warning, "quality-source"),
        &[
            "quality-source=restore counts for nothing",
            "finder, other are boxes",
            "agreement",
        ],
    );
    rig.switch.set_property_from_str("quality-source", "agreement");
    rig.switch.set_property_from_str("quality-source", "confidence");
    pass(&mut rig, 10..20, true);
    assert!(told(&rig, gst::MessageType::Warning, "quality-source").is_empty());
}

#[test]
fn restoring_a_picture_is_no_merit_of_a_detector_nor_of_who_never_looks() {
    init();
    let detector = model("finder", "detect_bright", "");
    let line = format!(
        "videotestsrc is-live=true num-buffers=150 pattern=zone-plate kx2=20 ky2=20 ! \
         video/x-raw,format=GRAY8,width=256,height=144,framerate=100/1 ! \
         avrec-switch.( name=s sense-machine=false quality-source=restore {detector} identity name=blind ) ! fakesink"
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = bus.timed_pop_filtered(gst::ClockTime::from_seconds(30), &kinds);
    assert_eq!(end.map(|it| it.type_()), Some(gst::MessageType::Eos));
    let stats: gst::Structure = pipeline.by_name("s").unwrap().property("stats");
    let candidates = stats.get::<gst::Array>("candidates").unwrap();
    for candidate in candidates.iter().map(|it| it.get::<gst::Structure>().unwrap()) {
        assert_eq!(
            candidate.get::<&str>("quality-source"),
            Ok("unknown"),
            "{candidate}"
        );
        assert_eq!(candidate.get::<u64>("scores"), Ok(0), "{candidate}");
    }
    pipeline.set_state(gst::State::Null).unwrap();
}

/// Masks that are drawn into the picture cannot be read from it, in a build that has no metas for them.
#[cfg(not(feature = "analytics"))]
#[test]
fn masks_that_are_not_on_the_frames_are_told_and_not_compared_as_pictures() {
    let one = |name: &str| model(name, "segment_bright", "task=segment output=overlay");
    let children = one("a") + &one("b");
    let mut rig = rig("reference=b", &children, RGBA);
    for number in 0..20 {
        let frame = crate::support::switch::frame(number, 64 * 48 * 4);
        rig.harness.push(frame).unwrap();
        rig.pull();
    }
    assert_told_once(
        &told(&rig, gst::MessageType::Warning, "cannot be compared"),
        &["the answers of a, b", "output=alpha"],
    );
    assert!(evidence(&rig, "a").is_none(), "{:?}", evidence(&rig, "a"));
}

#[test]
fn masks_in_the_alpha_are_compared_by_what_they_cover() {
    let one = |name: &str| model(name, "segment_bright", "task=segment output=alpha");
    let mut rig = rig("reference=b", &(one("a") + &one("b")), RGBA);
    // Dark on the left, bright on the right.
    let level = |at: usize| if at / 4 % 64 < 32 { 20 } else { 240 };
    for number in 0..20 {
        let mut buffer = gst::Buffer::from_slice((0..64 * 48 * 4).map(level).collect::<Vec<u8>>());
        buffer
            .get_mut()
            .unwrap()
            .set_pts(gst::ClockTime::from_mseconds(40 * number));
        rig.harness.push(buffer).unwrap();
        rig.pull();
    }
    let found = evidence(&rig, "a").expect("masks that can be seen");
    assert_eq!(found.get::<f64>("mean-iou"), Ok(1.0), "{found}");
    let warnings = rig.texts(gst::MessageType::Warning);
    assert!(warnings.is_empty(), "{warnings:?}");
}
