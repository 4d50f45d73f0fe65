// SPDX-License-Identifier: MPL-2.0

//! Live quality by what the answers carry: boxes, classes, scores, cut-outs, pictures and sound; with a reference and
//! without; of elements that know nothing of avrec.

use gst::prelude::*;

use crate::support::switch::{Rig, frame};
use crate::support::{init, sayer};

const CAT: &str = "box cat 0.9 4 4 20 20";
const DOG: &str = "box dog 0.8 36 8 16 16";
const CUP: &str = "box cup 0.7 30 28 8 8";

/// Every candidate answers every frame, so that each frame counts.
fn rig(properties: &str, children: &str) -> Rig {
    init();
    sayer::register();
    Rig::new(
        &format!("exhaustive=true late-policy=wait {properties}"),
        children,
    )
}

fn sayer(name: &str, says: &[&str]) -> String {
    format!("avrectestsayer name={name} says=\"{}\" ", says.join("; "))
}

fn evidence(rig: &Rig, name: &str) -> gst::Structure {
    let stats = rig.candidate_stats(name).unwrap();
    stats
        .get::<gst::Structure>("evidence")
        .unwrap_or_else(|_| panic!("no evidence: {stats}"))
}

#[track_caller]
fn assert_figure(rig: &Rig, name: &str, field: &str, expected: f64) {
    let evidence = evidence(rig, name);
    let value = evidence
        .get::<f64>(field)
        .unwrap_or_else(|_| panic!("no {field}: {evidence}"));
    assert!(
        (value - expected).abs() < 1e-3,
        "{name}: {field} is {value}, expected {expected}"
    );
}

fn source(rig: &Rig, name: &str) -> String {
    rig.candidate_stats(name).unwrap().get("quality-source").unwrap()
}

fn quality(rig: &Rig, name: &str) -> f64 {
    rig.candidate_stats(name).unwrap().get("quality").unwrap()
}

/// Passes frames of a picture that stands still, which excuses no change of an answer.
fn pass(rig: &mut Rig, frames: usize) {
    for _ in 0..frames {
        let next = rig.frame();
        let mut still = frame(0, next.size());
        still.get_mut().unwrap().set_pts(next.pts());
        rig.harness.push(still).unwrap();
        rig.pull();
    }
}

#[test]
fn boxes_of_any_element_are_compared_by_f1_and_the_best_answers() {
    let children = sayer("some", &[CAT, DOG])
        + &sayer("wrong", &["box cat 0.9 40 20 20 14"])
        + "identity name=none "
        + &sayer("all", &[CAT, DOG, CUP]);
    let mut rig = rig("reference=all", &children);
    pass(&mut rig, 60);
    // Two of three: 2·2 / (2·2 + 0 + 1). Average precision 1, 1 and 0.
    assert_figure(&rig, "some", "f1", 0.8);
    assert_figure(&rig, "some", "map", 2.0 / 3.0);
    assert_figure(&rig, "wrong", "f1", 0.0);
    assert_figure(&rig, "none", "f1", 0.0);
    assert_eq!(source(&rig, "some"), "agreement");
    assert!((quality(&rig, "some") - 0.8).abs() < 0.01);
    assert!(quality(&rig, "none") < 0.05);
    assert_eq!(rig.active(), "all");
    let score = rig.messages("avrec/candidate-score").pop().unwrap();
    assert_eq!(
        (
            score.get::<&str>("reference"),
            score.get::<&str>("quality-source")
        ),
        (Ok("all"), Ok("agreement"))
    );
    assert!(score.get::<f64>("f1").is_ok(), "{score}");
    // Without the reference's own, two of three are the best that there is.
    rig.switch.set_property("forbidden", "all");
    pass(&mut rig, 40);
    assert_eq!(rig.active(), "some");
    let explanation = rig.switch.emit_by_name::<gst::Structure>("explain", &[]);
    let candidates = explanation.get::<gst::Array>("candidates").unwrap();
    let some = candidates[0].get::<gst::Structure>().unwrap();
    assert_eq!(some.get::<&str>("quality-source"), Ok("agreement"));
    assert!(
        (some
            .get::<gst::Structure>("evidence")
            .unwrap()
            .get::<f64>("f1")
            .unwrap()
            - 0.8)
            .abs()
            < 1e-6
    );
}

#[test]
fn a_frame_on_which_nothing_is_found_counts_as_an_answer() {
    let children = sayer("careful", &[]) + &sayer("eager", &[CAT]) + &sayer("reference", &[CAT]);
    let mut rig = rig("reference=reference", &children);
    pass(&mut rig, 5);
    rig.candidate("reference").set_property("says", "");
    pass(&mut rig, 15);
    // Right on 15 of 20 frames, and on 5.
    assert_figure(&rig, "careful", "f1", 0.75);
    assert_figure(&rig, "eager", "f1", 0.25);
}

#[test]
fn boxes_that_the_frame_had_before_are_nobodys_answer() {
    init();
    sayer::register();
    let line = format!(
        "videotestsrc num-buffers=30 ! video/x-raw,format=I420,width=64,height=36 ! {} ! avrec-switch.( name=s \
         exhaustive=true late-policy=wait reference=right {} {} ) ! fakesink",
        sayer("before", &[CUP]),
        sayer("half", &[CAT]),
        sayer("right", &[CAT, DOG]),
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let end = bus.timed_pop_filtered(
        gst::ClockTime::from_seconds(20),
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    assert_eq!(end.map(|it| it.type_()), Some(gst::MessageType::Eos));
    let stats = pipeline.by_name("s").unwrap().property::<gst::Structure>("stats");
    let candidates = stats.get::<gst::Array>("candidates").unwrap();
    let half = candidates[0].get::<gst::Structure>().unwrap();
    let f1: f64 = half.get::<gst::Structure>("evidence").unwrap().get("f1").unwrap();
    assert!((f1 - 2.0 / 3.0).abs() < 1e-6, "the cup would make it 0.8: {f1}");
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn classes_are_compared_by_total_variation() {
    let children = sayer("near", &["class cat 0.6 dog 0.4"])
        + &sayer("far", &["class cup 1.0"])
        + &sayer("reference", &["class cat 0.8 dog 0.2"]);
    let mut rig = rig("reference=reference", &children);
    pass(&mut rig, 30);
    assert_figure(&rig, "near", "total-variation", 0.2);
    assert_figure(&rig, "far", "total-variation", 1.0);
    assert!((quality(&rig, "near") - 0.8).abs() < 0.01);
    assert!(quality(&rig, "far") < 0.05);
}

#[test]
fn scores_are_compared_by_their_order() {
    let children =
        sayer("same", &["score 0"]) + &sayer("opposite", &["score 0"]) + &sayer("reference", &["score 0"]);
    let mut rig = rig("reference=reference", &children);
    for number in 0..30 {
        let score = f64::from(number * 7 % 30);
        rig.candidate("same")
            .set_property("says", format!("score {}", score * score));
        rig.candidate("opposite")
            .set_property("says", format!("score {}", -score));
        rig.candidate("reference")
            .set_property("says", format!("score {score}"));
        rig.pass();
    }
    assert_figure(&rig, "same", "rank-correlation", 1.0);
    assert_figure(&rig, "opposite", "rank-correlation", -1.0);
    assert!(0.9 < quality(&rig, "same") && quality(&rig, "opposite") < 0.1);
}

/// A frame whose alpha is opaque in the first columns.
fn cut_out(columns: usize) -> Vec<u8> {
    let pixel = |at: usize| [at as u8, 9, 200, if at % 64 < columns { 255 } else { 0 }];
    (0..64 * 36).flat_map(pixel).collect()
}

/// Replaces the pixels that leave a candidate.
fn paint(rig: &Rig, name: &str, bytes: Vec<u8>) {
    let pad = rig.candidate(name).static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let buffer = info.buffer_mut().unwrap().make_mut();
        let mut painted = gst::Buffer::from_slice(bytes.clone());
        let _ = buffer.copy_into(
            painted.get_mut().unwrap(),
            gst::BufferCopyFlags::META | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::FLAGS,
            ..,
        );
        *info.buffer_mut().unwrap() = painted;
        gst::PadProbeReturn::Ok
    });
}

#[test]
fn cut_outs_are_compared_by_what_they_cover() {
    init();
    let properties = "exhaustive=true late-policy=wait reference=reference";
    let rig = Rig::unstarted(
        properties,
        "identity name=half identity name=whole identity name=reference",
    );
    let mut rig = rig.start("video/x-raw,format=RGBA,width=64,height=36,framerate=25/1");
    paint(&rig, "half", cut_out(16));
    paint(&rig, "whole", cut_out(64));
    paint(&rig, "reference", cut_out(32));
    for number in 0..20 {
        rig.harness.push(frame(number, 64 * 36 * 4)).unwrap();
        rig.pull();
    }
    assert_figure(&rig, "half", "mean-iou", 0.5);
    assert_figure(&rig, "whole", "mean-iou", 0.5);
}

#[test]
fn a_reference_of_another_task_is_told_once_and_counts_for_nothing() {
    let children = sayer("a", &[CAT, DOG]) + &sayer("b", &[CAT]) + "videobalance name=bright brightness=0.5";
    let mut rig = rig("reference=bright", &children);
    pass(&mut rig, 40);
    let warnings: Vec<String> = rig
        .texts(gst::MessageType::Warning)
        .into_iter()
        .filter(|it| it.contains("task"))
        .collect();
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}")
    };
    for part in ["reference bright", "only a picture", "boxes", "`reference`"] {
        assert!(warning.contains(part), "{part} is missing: {warning}");
    }
    // What needs no reference counts instead.
    assert!(
        ["confidence", "stability"].contains(&&*source(&rig, "a")),
        "{}",
        source(&rig, "a")
    );
    assert!(evidence(&rig, "a").get::<f64>("f1").is_err());
    assert_figure(&rig, "a", "stability", 1.0);
    // One of the task, and all is well.
    rig.switch.set_property("reference", "a");
    pass(&mut rig, 60);
    assert_figure(&rig, "b", "f1", 2.0 / 3.0);
    assert_eq!(source(&rig, "b"), "agreement");
    // The old one again, and it is told again.
    rig.switch.set_property("reference", "bright");
    pass(&mut rig, 40);
    let told = rig.texts(gst::MessageType::Warning);
    assert_eq!(
        told.iter().filter(|it| it.contains("reference bright")).count(),
        1,
        "{told:?}"
    );
}

#[test]
fn a_candidate_of_another_task_is_told_once_and_keeps_its_prior() {
    let children =
        sayer("classifier", &["class cat 0.9"]) + &sayer("good", &[CAT]) + &sayer("reference", &[CAT, DOG]);
    let mut rig = rig("reference=reference", &children);
    pass(&mut rig, 40);
    let warnings = rig.texts(gst::MessageType::Warning);
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}")
    };
    for part in ["boxes from good, reference", "classes from classifier"] {
        assert!(warning.contains(part), "{part} is missing: {warning}");
    }
    assert_eq!(source(&rig, "classifier"), "unknown");
    assert_eq!(source(&rig, "good"), "agreement");
}

#[test]
fn without_a_reference_a_steady_detector_is_told_from_a_fluttering_one() {
    let children = sayer("steady", &[CAT, DOG]) + &sayer("fluttering", &[CAT, DOG]);
    let mut rig = rig("quality-source=stability", &children);
    for number in 0..60 {
        let says = if number % 2 == 0 { CAT } else { "" };
        rig.candidate("fluttering").set_property("says", says);
        pass(&mut rig, 1);
    }
    assert_figure(&rig, "steady", "stability", 1.0);
    assert_figure(&rig, "fluttering", "stability", 0.0);
    assert_eq!(source(&rig, "steady"), "stability");
    assert!(quality(&rig, "fluttering") + 0.3 < quality(&rig, "steady"));
    assert!(
        evidence(&rig, "steady").get::<f64>("f1").is_err(),
        "nobody is the reference"
    );
}

#[test]
fn confidence_counts_as_what_comparisons_have_shown_it_to_be_worth() {
    let children = sayer("honest", &["class cat 0.8"])
        + &sayer("boastful", &["class dog 0.95"])
        + &sayer("reference", &["class cat 0.9"]);
    let mut rig = rig("quality-source=confidence reference=reference", &children);
    pass(&mut rig, 200);
    // Four fifths sure and always right, and nearly certain and always wrong.
    assert_eq!(source(&rig, "boastful"), "confidence");
    assert!(
        quality(&rig, "boastful") < 0.4 && 0.8 < quality(&rig, "honest"),
        "{}",
        rig.stats()
    );
    let error: f64 = evidence(&rig, "boastful").get("calibration-error").unwrap();
    assert!(0.9 < error, "{error}");
}

#[test]
fn with_the_prior_as_source_nothing_is_measured() {
    let children = sayer("some", &[CAT]) + &sayer("all", &[CAT, DOG]);
    let mut rig = rig("quality-source=prior reference=all", &children);
    pass(&mut rig, 20);
    assert_eq!(source(&rig, "some"), "unknown");
    assert!(
        rig.candidate_stats("some")
            .unwrap()
            .get::<gst::Structure>("evidence")
            .is_err()
    );
    assert_eq!(rig.messages("avrec/candidate-score").len(), 0);
}

#[test]
fn a_name_that_no_candidate_has_leaves_no_reference() {
    let children = sayer("some", &[CAT]) + &sayer("all", &[CAT, DOG]);
    let mut rig = rig("reference=nobody", &children);
    pass(&mut rig, 20);
    let warnings = rig.texts(gst::MessageType::Warning);
    assert!(
        warnings
            .iter()
            .any(|it| it.contains("names no candidate: nobody")),
        "{warnings:?}"
    );
    assert_ne!(source(&rig, "all"), "agreement");
    assert_ne!(source(&rig, "some"), "agreement");
    assert!(evidence(&rig, "some").get::<f64>("stability").is_ok());
}

#[test]
fn restorers_are_told_apart_by_frames_that_were_degraded_beside_the_stream() {
    init();
    let larger = "capsfilter caps=video/x-raw,width=256,height=192";
    let line = format!(
        "videotestsrc is-live=true pattern=zone-plate kx2=20 ky2=20 ! video/x-raw,format=I420,width=128,height=96,framerate=50/1 \
         ! avrec-switch.( name=s sense-machine=false quality-source=restore videoscale name=sharp method=lanczos ! {larger} \
         videoscale name=coarse method=nearest-neighbour ! {larger} ) ! fakesink"
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let switch = pipeline.by_name("s").unwrap();
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let restored = |name: &str| {
        let stats: gst::Structure = switch.property("stats");
        let candidates = stats.get::<gst::Array>("candidates").unwrap();
        let mut all = candidates.iter().map(|it| it.get::<gst::Structure>().unwrap());
        let found = all.find(|it| it.get::<&str>("name") == Ok(name))?;
        let likeness = found
            .get::<gst::Structure>("evidence")
            .ok()?
            .get("restored-ssim")
            .ok()?;
        Some((likeness, found.get::<String>("quality-source").unwrap()))
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    // What a comparison shows is published first, and the policy takes it in with the next frame.
    let is_taken_in =
        |name: &str| restored(name).is_some_and(|(_, source): (f64, String)| source == "restore");
    while !is_taken_in("sharp") || !is_taken_in("coarse") {
        assert!(
            std::time::Instant::now() < end,
            "{}",
            switch.property::<gst::Structure>("stats")
        );
        // A loop that spins takes the slack in which candidates run beside the active one.
        bus.timed_pop(gst::ClockTime::from_mseconds(20));
    }
    let (sharp, coarse) = (restored("sharp").unwrap().0, restored("coarse").unwrap().0);
    assert!(coarse < sharp && sharp < 1.0, "{sharp} {coarse}");
    pipeline.set_state(gst::State::Null).unwrap();
}

/// A scene in which the model finds two bright blocks.
fn two_blocks(number: u64) -> gst::Buffer {
    let level = |at: usize| match (at % 256, at / 256) {
        (64..96, 40..72) | (160..192, 72..104) => 250,
        _ => 25,
    };
    let mut buffer = gst::Buffer::from_slice((0..256 * 144).map(level).collect::<Vec<u8>>());
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(gst::ClockTime::from_mseconds(40 * number));
    writable.set_duration(gst::ClockTime::from_mseconds(40));
    buffer
}

#[test]
fn a_detector_of_ours_and_a_plain_element_answer_by_turns_and_are_measured_alike() {
    init();
    sayer::register();
    let model = format!("{}/tests/models/detect_bright.onnx", env!("CARGO_MANIFEST_DIR"));
    let children = format!(
        "{} avrec-infer name=ours confidence-threshold=0.6 model-file={model}",
        sayer("plain", &[])
    );
    let rig = Rig::unstarted("exhaustive=true late-policy=wait reference=ours", &children);
    let mut rig = rig.start("video/x-raw,format=GRAY8,width=256,height=144,framerate=25/1");
    let answered = |rig: &mut Rig, number: u64| {
        rig.harness.push(two_blocks(number)).unwrap();
        let buffer = rig.pull();
        let regions = buffer.iter_meta::<gst_video::VideoRegionOfInterestMeta>();
        let found: Vec<_> = regions.map(|it| (it.roi_type().to_string(), it.rect())).collect();
        found
    };
    let found = answered(&mut rig, 0);
    assert_eq!(found.len(), 2, "{found:?}");
    // The plain element knows one of the two.
    let (label, (x, y, width, height)) = &found[0];
    let says = format!("box {label} 0.9 {x} {y} {width} {height}");
    rig.candidate("plain").set_property("says", &says);
    for number in 1..61 {
        let name = if number % 2 == 0 { "ours" } else { "plain" };
        rig.pin(name);
        let expected = if number % 2 == 0 { 2 } else { 1 };
        assert_eq!(
            answered(&mut rig, number).len(),
            expected,
            "frame {number} is {name}'s"
        );
    }
    let stats = rig.stats();
    assert_eq!(
        (stats.get::<u64>("in"), stats.get::<u64>("out")),
        (Ok(61), Ok(61))
    );
    assert!(50 < stats.get::<u64>("swaps").unwrap(), "{stats}");
    let f1: f64 = evidence(&rig, "plain").get("f1").unwrap();
    assert!((f1 - 2.0 / 3.0).abs() < 0.02, "{f1}");
    assert!(
        (quality(&rig, "plain") - 2.0 / 3.0).abs() < 0.05,
        "{}",
        quality(&rig, "plain")
    );
    assert_eq!(source(&rig, "plain"), "agreement");
}
