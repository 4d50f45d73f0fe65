// SPDX-License-Identifier: MPL-2.0

//! What a user's profile does, and catalogues of several tasks.

use std::fs;
use std::path::PathBuf;

use gst::prelude::*;

use crate::support::init;
use crate::support::switch::*;

const CATALOG: &str = r#"
reference = "own"
[[candidate]]
name = "own"
element = "identity"
quality = 0.9
license = "MIT"
privacy = "local"
[[candidate]]
name = "theirs"
element = "identity"
quality = 0.95
license = "AGPL-3.0-only"
privacy = "uploads-frames"
[[candidate]]
name = "plain"
element = "identity"
quality = 0.9
license = "CC0-1.0"
privacy = "local"
"#;

/// A folder with a catalogue and a profile, and the properties that name them.
fn files(catalog: &str, profile: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(at("c.toml"), catalog).unwrap();
    fs::write(at("p.toml"), profile).unwrap();
    let properties = format!(
        "late-policy=wait catalog={} profile={}",
        at("c.toml").display(),
        at("p.toml").display()
    );
    (folder, properties)
}

/// A switch that is not started, with its bus.
fn unstarted(properties: &str) -> (gst::Element, gst::Bus) {
    init();
    let switch = gst::parse::launch(&format!("avrec-switch {properties}")).unwrap();
    let bus = gst::Bus::new();
    switch.set_bus(Some(&bus));
    (switch, bus)
}

/// Errors and INFO messages since the last call.
fn told(bus: &gst::Bus) -> String {
    let mut told = String::new();
    while let Some(message) = bus.pop() {
        match message.view() {
            gst::MessageView::Error(it) => told += &it.error().to_string(),
            gst::MessageView::Info(it) => told += &it.error().to_string(),
            _ => {}
        }
    }
    told
}

fn number(rig: &Rig, name: &str) -> f64 {
    rig.switch.property(name)
}

#[test]
fn weights_become_settings_unless_these_are_written() {
    let profile = "strategy = \"rank\"\n[weights]\nquality = 2\nlatency = 1\ncost = 3\nrobustness = 2\n";
    let (_folder, properties) = files(CATALOG, profile);
    let mut rig = Rig::new(&format!("{properties} lambda-cost=0.25"), "");
    assert_eq!(
        ["lambda-latency", "lambda-cost", "robustness-weight"].map(|it| number(&rig, it)),
        [0.5, 0.25, 0.5]
    );
    let strategy = rig.switch.property_value("strategy");
    let (_, strategy) = gst::glib::EnumValue::from_value(&strategy).unwrap();
    assert_eq!(strategy.nick(), "rank");
    rig.warm_up(&["own"]);
}

#[test]
fn conditions_leave_candidates_out_and_say_why() {
    let profile = "forbidden = [\"plain\", \"child\"]\n[conditions]\nlicence = \"MIT OR CC0-1.0\"\nprivacy = \"local\"\n";
    let (_folder, properties) = files(CATALOG, profile);
    let mut rig = Rig::new(&properties, "identity name=child");
    let told = rig.texts(gst::MessageType::Info);
    for words in [
        "candidate theirs is licensed under AGPL-3.0-only, and only MIT OR CC0-1.0 is allowed",
        "candidate plain is forbidden",
    ] {
        assert!(told.iter().any(|it| it.contains(words)), "{words}: {told:#?}");
    }
    rig.warm_up(&["own", "child"]);
    assert!(rig.candidate_stats("theirs").is_none() && rig.candidate_stats("plain").is_none());
    rig.pin("child");
    for _ in 0..5 {
        rig.pass();
        assert_eq!(rig.active(), "own");
    }
}

#[test]
fn feedback_of_the_profile_counts_from_the_first_frame_on() {
    let rating = |it: f64| format!("[[feedback]]\ncandidate = \"plain\"\nrating = {it}\n");
    let quality = |profile: &str| {
        let (_folder, properties) = files(CATALOG, profile);
        let mut rig = Rig::new(&format!("{properties} quality-source=prior"), "");
        rig.warm_up(&["own", "plain"]);
        rig.pass();
        let stats = rig.candidate_stats("plain").unwrap();
        stats.get::<f64>("quality").unwrap()
    };
    let gone = "[[feedback]]\ncandidate = \"gone\"\nrating = 0\n";
    let (calm, disliked) = (
        quality(gone),
        quality(&[rating(0.1), rating(0.2), gone.into()].concat()),
    );
    assert!(disliked < calm - 0.2, "{calm} {disliked}");
}

#[test]
fn a_profile_that_is_none_stops_the_start_with_its_line() {
    for (profile, words) in [
        ("[wieghts]\n", "p.toml:1: unknown field `wieghts`"),
        ("\n[weights]\nlatency = -1\n", "p.toml:3: -1 is no weight"),
        (
            "[conditions]\nlicence = \"openrail\"\n",
            "write LicenseRef-openrail",
        ),
    ] {
        let (folder, properties) = files(CATALOG, profile);
        let (switch, bus) = unstarted(&properties);
        assert!(switch.set_state(gst::State::Ready).is_err());
        let told = told(&bus);
        assert!(told.contains(words), "{told}");
        // Mended, it starts.
        fs::write(folder.path().join("p.toml"), "").unwrap();
        assert!(switch.set_state(gst::State::Ready).is_ok());
        switch.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn of_several_tasks_the_switch_takes_one() {
    let two = "[[candidate]]\nname = \"a\"\nelement = \"identity\"\ntask = \"image\"\n\
        [[candidate]]\nname = \"b\"\nelement = \"identity\"\ntask = \"detect\"\n";
    let (folder, properties) = files(two, "");
    let (switch, bus) = unstarted(&properties);
    assert!(switch.set_state(gst::State::Ready).is_err());
    let error = told(&bus);
    assert!(error.contains("several tasks (image, detect)"), "{error}");
    fs::write(folder.path().join("c.toml"), format!("task = \"image\"\n{two}")).unwrap();
    switch.set_state(gst::State::Ready).unwrap();
    let left = told(&bus);
    assert!(
        left.contains("candidates of another task are left out: b"),
        "{left}"
    );
    switch.set_state(gst::State::Null).unwrap();
}
