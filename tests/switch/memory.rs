// SPDX-License-Identifier: MPL-2.0

//! `memory-limit`: who is in memory, who comes and goes, and that no frame is lost by it.

use std::path::Path;
use std::time::{Duration, Instant};

use gst::prelude::*;

use super::onnx::{FLOAT, Graph, floats, node, port};
use crate::support::switch::*;

/// A model that takes and gives frames, beside others.
const SMALL_MODEL: &str = concat!(
    "avrec-infer name=m task=tensor model-file=",
    env!("CARGO_MANIFEST_DIR"),
    "/models/small.onnx"
);

const INNER: i64 = 1024;
const LAYERS: i64 = 5;

/// Bytes of the weights of a fat model, about.
const FAT: u64 = (4 * LAYERS * INNER * INNER) as u64;

/// Writes a classifier of mean colors that takes [`FAT`] bytes; `seed` makes it another one.
fn fat(folder: &Path, name: &str, seed: f32) {
    let weights = |from: i64, to: i64| -> Vec<f32> {
        let scale = 1.7 / (from as f32).sqrt();
        (0..from * to)
            .map(|it| (seed + it as f32 * 0.37).sin() * scale)
            .collect()
    };
    let mut nodes = vec![
        node("GlobalAveragePool", &["x"], &["mean"], Vec::new()),
        node("Flatten", &["mean"], &["colors"], Vec::new()),
        node("MatMul", &["colors", "first"], &["0"], Vec::new()),
    ];
    let mut constants = vec![
        floats("first", &[3, INNER], &weights(3, INNER)),
        floats("last", &[INNER, 4], &weights(INNER, 4)),
    ];
    for layer in 0..LAYERS {
        let name = format!("weights {layer}");
        constants.push(floats(&name, &[INNER, INNER], &weights(INNER, INNER)));
        nodes.push(node(
            "MatMul",
            &[&layer.to_string(), &name],
            &[&(layer + 1).to_string()],
            Vec::new(),
        ));
    }
    nodes.push(node("MatMul", &[&LAYERS.to_string(), "last"], &["y"], Vec::new()));
    let graph = Graph {
        nodes,
        constants,
        inputs: vec![port("x", FLOAT, &[1, 3, 32, 32])],
        outputs: vec![port("y", FLOAT, &[1, 4])],
        ..Graph::default()
    };
    std::fs::write(folder.join(name).with_extension("onnx"), graph.file(17)).unwrap();
}

/// A folder with the fat models a, b and c.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("a", 0.0), ("b", 1.0), ("c", 2.0)] {
        fat(folder.path(), name, seed);
    }
    folder
}

/// A child of the switch that runs one of them.
fn child(folder: &Path, name: &str) -> String {
    let file = folder.join(name).with_extension("onnx");
    format!(
        "avrec-infer name={name} backend=rten task=classify model-file={} ",
        file.display()
    )
}

fn children(folder: &Path) -> String {
    ["a", "b", "c"].map(|it| child(folder, it)).concat()
}

/// A switch with the three, of which two fit: each takes its weights twice, once more for the kernels.
fn of_two(folder: &Path, properties: &str) -> Rig {
    Rig::new(
        &format!("late-policy=floor memory-limit={LIMIT} {properties}"),
        &children(folder),
    )
}

/// Room for two, whatever else comes and goes in the process while they are measured.
const LIMIT: u64 = 5 * FAT + FAT / 2;

fn in_state(rig: &Rig, state: &str) -> Vec<&'static str> {
    ["a", "b", "c"]
        .into_iter()
        .filter(|it| rig.state_of(it) == state)
        .collect()
}

/// What was told since the last call.
#[derive(Default)]
struct Told {
    structures: Vec<gst::Structure>,
    warnings: Vec<String>,
}

impl Told {
    /// Passes frames, some hundred a second, until `is_done`; the limit holds all along.
    #[track_caller]
    fn pass_until(&mut self, rig: &mut Rig, what: &str, is_done: impl Fn(&Rig, &Told) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !is_done(rig, self) {
            let (memory, limit) = memory(rig);
            assert!(memory <= limit || limit < FAT, "{memory} {limit}");
            assert!(
                Instant::now() < end,
                "{what}: {:#?} {:#?} {:#?}",
                self.structures,
                self.warnings,
                rig.stats()
            );
            rig.pass();
            let moment = gst::ClockTime::from_mseconds(5);
            while let Some(message) = rig.bus.timed_pop(moment) {
                self.hear(&message);
            }
        }
    }

    fn hear(&mut self, message: &gst::Message) {
        if let gst::MessageView::Warning(it) = message.view() {
            self.warnings.push(format!("{} {:?}", it.error(), it.debug()));
        }
        let structure = message
            .structure()
            .filter(|_| message.type_() == gst::MessageType::Element);
        let is_of_frames =
            |it: &&gst::StructureRef| it.name() == "avrec/frame" || it.name() == "avrec/candidate-score";
        let structure = structure.filter(|it| !is_of_frames(it));
        self.structures.extend(structure.map(|it| it.to_owned()));
    }

    /// Candidate and reason of the messages of that name.
    fn reasons(&self, name: &str) -> Vec<(String, String)> {
        let all = self.structures.iter().filter(|it| it.name() == name);
        all.map(|it| (it.get("candidate").unwrap(), it.get("reason").unwrap()))
            .collect()
    }
}

/// Bytes that are taken, and that may be.
fn memory(rig: &Rig) -> (u64, u64) {
    let stats = rig.stats();
    (stats.get("memory").unwrap(), stats.get("memory-limit").unwrap())
}

/// Each frame that came has left.
#[track_caller]
fn check_frames(rig: &Rig) {
    let stats = rig.stats();
    let count = |name| stats.get::<u64>(name).unwrap();
    assert_eq!((count("in"), count("dropped")), (count("out"), 0));
}

#[test]
fn the_limit_holds_and_a_pin_loads_one_and_evicts_another() {
    let folder = folder();
    let (mut rig, mut told) = (of_two(folder.path(), ""), Told::default());
    let has_run = |rig: &Rig, name: &str| {
        let stats = rig.candidate_stats(name);
        stats.is_some_and(|it| it.has_field("latency-p50-ns"))
    };
    let two = |rig: &Rig, _: &Told| {
        let ready = in_state(rig, "ready");
        let have_run = ready.len() == 2 && ready.iter().all(|it| has_run(rig, it));
        have_run && in_state(rig, "unloaded").len() == 1
    };
    told.pass_until(&mut rig, "two are there", two);
    let out = in_state(&rig, "unloaded")[0];
    let in_before = in_state(&rig, "ready");
    rig.pin(out);
    told = Told::default();
    told.pass_until(&mut rig, "the pinned one answers", |rig, _| rig.active() == out);
    assert_eq!(
        told.reasons("avrec/model-wanted"),
        [(out.into(), "pinned".into())]
    );
    let evicted = told.reasons("avrec/model-evicted");
    assert_eq!(evicted.len(), 1, "{evicted:?}");
    let (evicted, reason) = &evicted[0];
    assert!(in_before.contains(&&**evicted) && reason == "room");
    assert_eq!(in_state(&rig, "unloaded"), [evicted]);
    // What was learned of it stays.
    let stats = rig.candidate_stats(evicted).unwrap();
    assert!(
        0 < stats.get::<u64>("runs").unwrap() && stats.has_field("latency-p50-ns"),
        "{stats:#?}"
    );
    assert!(
        stats.has_field("load-time-ns") && FAT <= stats.get::<u64>("memory").unwrap(),
        "{stats:#?}"
    );
    check_frames(&rig);
}

#[test]
fn a_limit_below_the_floor_is_told_once_and_the_floor_answers_alone_until_it_is_raised() {
    let folder = folder();
    let (mut rig, mut told) = (of_two(folder.path(), "floor=a"), Told::default());
    told.pass_until(&mut rig, "two are there", |rig, _| {
        in_state(rig, "ready").len() == 2
    });
    told = Told::default();
    rig.switch.set_property("memory-limit", 1_000_000u64);
    told.pass_until(&mut rig, "the floor is alone", |rig, told| {
        in_state(rig, "ready") == ["a"]
            && in_state(rig, "unloaded").len() == 2
            && !told.warnings.is_empty()
            && rig.active() == "a"
    });
    for _ in 0..50 {
        rig.pass();
    }
    let told_twice = rig.texts(gst::MessageType::Warning);
    assert!(
        told.warnings.len() == 1 && told_twice.is_empty(),
        "{:?} {told_twice:?}",
        told.warnings
    );
    let said = &told.warnings[0];
    assert!(
        said.contains("the floor, a, takes about") && said.contains("limit` of 1.0 MB"),
        "{said}"
    );
    assert_eq!(
        told.reasons("avrec/model-evicted")
            .iter()
            .map(|it| &*it.1)
            .collect::<Vec<_>>(),
        ["limit"]
    );
    rig.switch.set_property("memory-limit", 0u64);
    let end = Instant::now() + Duration::from_secs(20);
    while in_state(&rig, "ready").len() < 3 {
        assert!(Instant::now() < end, "{:#?}", rig.stats());
        rig.pass();
    }
    check_frames(&rig);
}

#[test]
fn a_file_that_vanished_fails_its_candidate_with_its_name_and_the_stream_goes_on() {
    let folder = folder();
    let (mut rig, mut told) = (of_two(folder.path(), ""), Told::default());
    told.pass_until(&mut rig, "two are there", |rig, _| {
        in_state(rig, "ready").len() == 2 && in_state(rig, "unloaded").len() == 1
    });
    let out = in_state(&rig, "unloaded")[0];
    let file = folder.path().join(out).with_extension("onnx");
    std::fs::remove_file(&file).unwrap();
    rig.pin(out);
    told = Told::default();
    told.pass_until(&mut rig, "it failed", |rig, _| rig.state_of(out) == "failed");
    let cause: String = rig.candidate_stats(out).unwrap().get("cause").unwrap();
    assert!(cause.contains(file.to_str().unwrap()), "{cause}");
    (0..20).for_each(|_| drop(rig.pass()));
    check_frames(&rig);
}

#[test]
fn two_switches_of_a_group_share_models_and_the_limit_of_one() {
    let folder = folder();
    let (mut one, mut told) = (of_two(folder.path(), "group=both"), Told::default());
    told.pass_until(&mut one, "two are there", |rig, _| {
        in_state(rig, "ready").len() == 2
    });
    let mut other = Rig::new("late-policy=floor group=both", &children(folder.path()));
    let names = in_state(&one, "ready");
    Told::default().pass_until(&mut other, "it has the same two", |rig, _| {
        in_state(rig, "ready") == names
    });
    assert_eq!(memory(&other), memory(&one));
    let each = names
        .iter()
        .map(|it| one.candidate_stats(it).unwrap().get::<u64>("memory").unwrap());
    assert_eq!(memory(&one).0, each.sum::<u64>(), "they count once");
    // What one wants, the other gives.
    let out = in_state(&other, "unloaded")[0];
    other.pin(out);
    let end = Instant::now() + Duration::from_secs(20);
    while other.active() != out {
        assert!(Instant::now() < end, "{:#?} {:#?}", one.stats(), other.stats());
        assert!(memory(&one).0 <= LIMIT);
        one.pass();
        other.pass();
        while one.bus.timed_pop(gst::ClockTime::from_mseconds(5)).is_some() || other.bus.pop().is_some() {}
    }
    check_frames(&one);
    check_frames(&other);
}

#[test]
fn a_stream_that_stops_and_starts_again_keeps_to_the_limit() {
    let folder = folder();
    let (mut rig, mut told) = (of_two(folder.path(), ""), Told::default());
    let two = |rig: &Rig, _: &Told| in_state(rig, "ready").len() == 2 && in_state(rig, "unloaded").len() == 1;
    told.pass_until(&mut rig, "two are there", two);
    for state in [gst::State::Ready, gst::State::Playing] {
        rig.switch.set_state(state).unwrap();
    }
    rig.harness.play();
    rig.harness.set_src_caps_str(SMALL);
    rig.harness.push_event(gst::event::Segment::new(
        &gst::FormattedSegment::<gst::ClockTime>::new(),
    ));
    told.pass_until(&mut rig, "two are there again", two);
    rig.switch.set_state(gst::State::Null).unwrap();
}

#[test]
fn one_that_would_be_better_is_loaded_in_the_place_of_one_that_is_not_in_time() {
    let folder = folder();
    let candidate = |name: &str, quality: f64, latency: u32| {
        let file = folder.path().join(name).with_extension("onnx");
        format!(
            "[[candidate]]\nname = \"{name}\"\nmodel = \"{}\"\nbackend = \"rten\"\ntask = \"classify\"\nquality = {quality}\n\
             latency-ms = {latency}\n",
            file.display()
        )
    };
    let catalog = folder.path().join("catalog.toml");
    let text = [
        "floor = \"a\"\n".to_string(),
        candidate("a", 0.5, 2),
        candidate("b", 0.7, 3),
        candidate("c", 0.9, 500),
    ];
    std::fs::write(&catalog, text.concat()).unwrap();
    let properties = format!(
        "late-policy=floor memory-limit={LIMIT} quality-source=prior catalog={}",
        catalog.display()
    );
    let (mut rig, mut told) = (Rig::new(&properties, ""), Told::default());
    told.pass_until(&mut rig, "it answers", |rig, _| rig.active() == "b");
    println!(
        "{:?} {:?}",
        told.reasons("avrec/model-wanted"),
        told.reasons("avrec/model-evicted")
    );
    check_frames(&rig);
}

#[test]
fn under_a_limit_that_nobody_keeps_frames_pass_without_a_deadline_too() {
    let mut rig = Rig::new("late-policy=wait", &format!("identity name=a {SMALL_MODEL}"));
    rig.warm_up(&["a", "m"]);
    for _ in 0..20 {
        // Nobody is in memory then, and whom the user wants comes again.
        rig.switch.set_property("memory-limit", 1u64);
        (0..5).for_each(|_| drop(rig.pass()));
        rig.switch.set_property("memory-limit", 0u64);
        rig.warm_up(&["a", "m"]);
    }
}

#[test]
fn nobody_waits_for_a_candidate_for_which_another_stream_leaves_no_room() {
    let mut other = Rig::new("late-policy=floor memory-limit=1000000000 floor=m", SMALL_MODEL);
    other.pass_until("its floor is there", |rig| rig.state_of("m") == "ready");
    // It takes nothing itself, but more than that is in memory already, and a floor stays.
    let mut rig = Rig::new("late-policy=floor memory-limit=1", "identity name=a");
    eventually("that it is not to come is known", || {
        rig.state_of("a") == "unloaded"
    });
    rig.pass();
    other.pass();
}
