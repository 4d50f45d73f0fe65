// SPDX-License-Identifier: MPL-2.0

//! `memory`: what was learned is there at the next start, and whatever the file is, the stream goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gst::prelude::*;

use crate::support::switch::*;

/// The better a candidate, the longer it takes; the slowest is the best that fits.
const CATALOG: &str = "
reference = \"best\"
floor = \"fast\"
[[candidate]]
name = \"fast\"
element = \"identity\"
quality = 0.6
[[candidate]]
name = \"middle\"
element = \"identity sleep-time=1000\"
quality = 0.8
[[candidate]]
name = \"other\"
element = \"identity sleep-time=1500\"
quality = 0.85
[[candidate]]
name = \"best\"
element = \"identity sleep-time=3000\"
quality = 0.95
";

/// A folder with a catalog, and the file beside it.
struct Desk {
    folder: tempfile::TempDir,
    memory: PathBuf,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("catalog.toml"), CATALOG).unwrap();
        let memory = folder.path().join("memory.json");
        Desk { folder, memory }
    }

    fn rig(&self, properties: &str) -> Rig {
        let (catalog, memory) = (self.folder.path().join("catalog.toml"), &self.memory);
        let properties = format!(
            "late-policy=floor catalog={} memory={} {properties}",
            catalog.display(),
            memory.display()
        );
        Rig::unstarted(&properties, "")
    }

    /// Lets a switch play until the best candidate is known, and stops it.
    fn learn(&self) {
        let mut rig = self.rig("").start(SMALL);
        rig.pass_until("the best is well known", |rig| {
            let answers = rig
                .candidate_stats("best")
                .map(|it| it.get::<u64>("answers").unwrap());
            answers.is_some_and(|it| 20 <= it)
        });
        rig.switch.set_state(gst::State::Null).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.memory).unwrap()
    }

    /// When each entry of a kind was written, by what it is called.
    fn updated(&self, kind: &str) -> BTreeMap<String, u64> {
        let file: serde_json::Value = serde_json::from_str(&self.text()).unwrap();
        let entries = file[kind].as_array().unwrap().iter();
        let pair = |it: &serde_json::Value| {
            let name = it["name"].as_str().unwrap().to_owned();
            (name, it["updated"].as_u64().unwrap())
        };
        entries.map(pair).collect()
    }

    /// The entries of a kind, each as what it is called.
    fn names(&self, kind: &str) -> Vec<String> {
        let file: serde_json::Value = serde_json::from_str(&self.text()).unwrap();
        let entries = file[kind].as_array().unwrap().iter();
        let mut names: Vec<_> = entries
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }
}

/// Passes the first frame once all are loaded.
fn pass_first(rig: &mut Rig, names: &[&str]) {
    eventually("all are loaded", || {
        names.iter().all(|it| rig.state_of(it) == "warming")
    });
    rig.pass();
}

/// Frames that pass until the best candidate answers, where each run has ended before the next frame comes.
fn frames_to_best(rig: &mut Rig) -> usize {
    let names = ["fast", "middle", "other", "best"];
    eventually("all are loaded", || {
        names.iter().all(|it| rig.state_of(it) == "warming")
    });
    for frame in 0..200 {
        let runs = |rig: &Rig| -> u64 {
            let all = names.iter().map(|it| rig.candidate_stats(it).unwrap());
            all.map(|it| it.get::<u64>("runs").unwrap()).sum()
        };
        let before = runs(rig);
        rig.pass();
        // The one that answered, and the one that warms up.
        let is_warming = names.iter().any(|it| rig.state_of(it) == "warming");
        eventually("the runs end", || before + 1 + u64::from(is_warming) <= runs(rig));
        let answered = rig.messages("avrec/frame").pop().unwrap();
        if answered.get::<&str>("candidate") == Ok("best") {
            return frame;
        }
    }
    panic!("it never answers");
}

#[test]
fn the_best_candidate_answers_within_three_frames_of_the_next_start() {
    let desk = Desk::new();
    let mut fresh = desk.rig("").start(SMALL);
    let without = frames_to_best(&mut fresh);
    fresh.pass_until("the best is well known", |rig| {
        20 <= rig
            .candidate_stats("best")
            .unwrap()
            .get::<u64>("answers")
            .unwrap()
    });
    fresh.switch.set_state(gst::State::Null).unwrap();
    assert!(
        desk.names("latencies").contains(&"best".to_string()),
        "{}",
        desk.text()
    );
    let mut next = desk.rig("").start(SMALL);
    let with = frames_to_best(&mut next);
    assert!(
        with <= 3 && 6 < without,
        "{with} with a memory, {without} without"
    );
}

#[test]
fn what_did_not_run_is_no_newer_than_it_was() {
    let desk = Desk::new();
    desk.learn();
    let before = desk.updated("latencies");
    let mut rig = desk.rig("").start(SMALL);
    let names = ["fast", "middle", "other", "best"];
    let runs = |rig: &Rig, name: &str| -> u64 {
        let stats = rig.candidate_stats(name).unwrap();
        stats.get("runs").unwrap()
    };
    pass_first(&mut rig, &names);
    eventually("a run ends", || names.iter().any(|it| 0 < runs(&rig, it)));
    rig.switch.set_state(gst::State::Null).unwrap();
    let after = desk.updated("latencies");
    let unchanged = before.iter().filter(|it| after.get(it.0) == Some(it.1));
    // One answered, and one warmed up.
    assert!(2 < before.len(), "{before:?}");
    assert!(before.len() <= unchanged.count() + 2, "{before:?} {after:?}");
}

#[test]
fn a_candidate_that_has_changed_loses_what_was_learned_and_no_other_one_does() {
    let desk = Desk::new();
    desk.learn();
    let path = desk.folder.path().join("catalog.toml");
    let catalog = CATALOG.replace("sleep-time=1000", "sleep-time=1001");
    std::fs::write(
        &path,
        catalog
            .replace("name = \"best\"", "name = \"renamed\"")
            .replace("= \"best\"", "= \"renamed\""),
    )
    .unwrap();
    let mut rig = desk.rig("").start(SMALL);
    pass_first(&mut rig, &["fast", "middle", "other", "renamed"]);
    let known = |name: &str| {
        let stats = rig.candidate_stats(name).unwrap();
        stats.has_field("latency-ns")
    };
    assert!(known("renamed"), "{}", rig.stats());
    assert!(!known("middle"), "{}", rig.stats());
}

#[test]
fn what_is_no_memory_is_told_once_and_left_as_it_is() {
    for (content, words) in [
        ("[[candidate]]\nname = \"a\"", "is not what was learned"),
        (
            "{\"format\": \"avrec-memory\", \"version\": 1, \"latencies\": [{\"sd\": NaN}]}",
            "is not what was learned",
        ),
        (
            "{\"format\": \"avrec-memory\", \"version\": 99}",
            "a later version",
        ),
        ("\u{0}\u{1}", "is not what was learned"),
    ] {
        let desk = Desk::new();
        std::fs::write(&desk.memory, content).unwrap();
        let mut rig = desk.rig("").start(SMALL);
        rig.pass_until("the best answers", |rig| rig.active() == "best");
        rig.switch.set_state(gst::State::Null).unwrap();
        let told = rig.texts(gst::MessageType::Warning);
        let told: Vec<_> = told.iter().filter(|it| it.contains("`memory`")).collect();
        assert!(
            told.len() == 1 && told[0].contains(words) && told[0].contains("nothing is remembered"),
            "{told:?}"
        );
        assert_eq!(desk.text(), content);
    }
}

#[test]
fn files_that_are_none_and_folders_that_are_not_there_are_told_once() {
    let desk = Desk::new();
    let folder = desk.folder.path();
    for (path, words) in [
        (folder.to_owned(), "it is a folder"),
        (PathBuf::from("/dev/zero"), "it is a device"),
        (folder.join("absent/memory.json"), "cannot be written"),
    ] {
        let mut rig = Desk {
            folder: tempfile::tempdir_in(folder).unwrap(),
            memory: path,
        };
        std::fs::write(rig.folder.path().join("catalog.toml"), CATALOG).unwrap();
        let mut rig = std::mem::replace(&mut rig, Desk::new()).rig("").start(SMALL);
        rig.pass_until("the best answers", |rig| rig.active() == "best");
        rig.switch.set_state(gst::State::Null).unwrap();
        let told = rig.texts(gst::MessageType::Warning);
        let told: Vec<_> = told.iter().filter(|it| it.contains("`memory`")).collect();
        assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    }
}

#[test]
fn entries_that_cannot_be_are_left_out_and_the_others_hold() {
    let desk = Desk::new();
    desk.learn();
    let mut file: serde_json::Value = serde_json::from_str(&desk.text()).unwrap();
    let entries = file["latencies"].as_array_mut().unwrap();
    let middle = entries.iter_mut().find(|it| it["name"] == "fast").unwrap();
    middle["calm-ms"] = serde_json::json!(-3.0);
    std::fs::write(&desk.memory, file.to_string()).unwrap();
    let mut rig = desk.rig("").start(SMALL);
    pass_first(&mut rig, &["fast", "middle", "other", "best"]);
    let told = rig.texts(gst::MessageType::Warning);
    assert!(told.iter().any(|it| it.contains("1 of its entries")), "{told:?}");
    assert!(rig.candidate_stats("best").unwrap().has_field("latency-ns"));
}

#[test]
fn two_switches_share_a_file_and_lose_nothing() {
    let desk = Desk::new();
    let rigs = ["", "reference=middle"].map(|it| desk.rig(it).start(SMALL));
    let sizes = [SMALL.to_string(), SMALL.replace("I420", "NV12")];
    for (mut rig, caps) in rigs.into_iter().zip(sizes) {
        rig.harness.set_src_caps_str(&caps);
        rig.pass_until("the best is known", |rig| {
            20 <= rig
                .candidate_stats("best")
                .unwrap()
                .get::<u64>("answers")
                .unwrap()
        });
        rig.switch.set_state(gst::State::Null).unwrap();
    }
    let text = desk.text();
    assert!(text.contains("I420 64x36"), "{text}");
    let left = std::fs::read_dir(desk.folder.path()).unwrap();
    let left: Vec<_> = left.map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn nothing_is_written_where_nothing_was_learned() {
    let desk = Desk::new();
    let rig = desk.rig("").start(SMALL);
    rig.switch.set_state(gst::State::Null).unwrap();
    assert!(!Path::new(&desk.memory).exists());
}
