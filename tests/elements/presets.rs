// SPDX-License-Identifier: MPL-2.0

//! Presets hold what a user set, of the element itself, whatever it is doing; and load in every state.

use std::path::PathBuf;

use gst::prelude::*;

use crate::support::{alone, init};

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/small.onnx");
const MEDIUM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/medium.onnx");

/// Runs a test of this file where presets are kept in an empty folder: GStreamer looks for it once.
#[track_caller]
fn in_own_folder(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = alone(&format!("presets::{test}"))
        .env("XDG_DATA_HOME", folder.path())
        .env("AVREC_THREADS", "2")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{told}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn file_of(type_name: &str) -> PathBuf {
    let folder = PathBuf::from(std::env::var_os("XDG_DATA_HOME").unwrap());
    folder.join(format!("gstreamer-1.0/presets/{type_name}.prs"))
}

/// Keys of a preset of that type, without GStreamer's own.
fn saved(type_name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(file_of(type_name)).unwrap();
    let group = text.lines().skip_while(|it| *it != "[mine]").skip(1);
    let keys = group
        .take_while(|it| !it.starts_with('['))
        .filter_map(|it| it.split_once('='));
    keys.map(|it| it.0.to_string()).collect()
}

/// A playing pipeline around one element, which has answered a frame.
fn playing(element: &str) -> (gst::Pipeline, gst::Element) {
    let line = format!(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=50/1 ! {element} \
         ! fakesink name=out"
    );
    let pipeline: gst::Pipeline = gst::parse::launch(&line).unwrap().downcast().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    pipeline.state(gst::ClockTime::from_seconds(60)).0.unwrap();
    let element = pipeline.by_name("x").unwrap();
    (pipeline, element)
}

fn presets(element: &gst::Element) -> &gst::Preset {
    element.dynamic_cast_ref().unwrap()
}

const SWITCH: &str = "avrec-switch.( name=x identity name=a identity name=b )";

#[test]
fn a_preset_of_a_playing_switch_neither_pins_nor_renames_nor_sets_its_children() {
    in_own_folder("playing_switch");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn playing_switch() {
    init();
    let (pipeline, switch) = playing(SWITCH);
    switch.set_property("active-candidate", "a");
    switch.set_property("miss-rate", 0.2);
    switch.set_property("floor", "b");
    let child: gst::Element = pipeline.by_name("a").unwrap();
    presets(&switch).save_preset("mine").unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    let keys = saved("GstAvrecSwitch");
    let is_own = |it: &String| {
        !it.contains(':')
            && switch
                .find_property(it)
                .is_some_and(|it| it.owner_type() == switch.type_())
    };
    assert!(keys.iter().all(is_own), "{keys:?}");
    for key in ["name", "parent", "active-candidate", "auto-switch", "stats"] {
        assert!(!keys.iter().any(|it| it == key), "{keys:?}");
    }
    child.set_property("silent", false);

    for state in [
        gst::State::Null,
        gst::State::Ready,
        gst::State::Paused,
        gst::State::Playing,
    ] {
        let (pipeline, switch) = playing(&SWITCH.replace("name=x", "name=x floor=a"));
        pipeline.set_state(state).unwrap();
        let child = pipeline.by_name("a").unwrap();
        child.set_property("silent", false);
        presets(&switch).load_preset("mine").unwrap();
        assert_eq!(switch.name(), "x");
        assert!(switch.property::<bool>("auto-switch"), "{state:?}: it pins");
        assert!(!child.property::<bool>("silent"), "{state:?}: it sets a child");
        assert_eq!(switch.property::<f64>("miss-rate"), 0.2);
        assert_eq!(switch.property::<String>("floor"), "b");
        pipeline.set_state(gst::State::Null).unwrap();
        let bus = pipeline.bus().unwrap();
        let complaint = bus.pop_filtered(&[gst::MessageType::Warning, gst::MessageType::Error]);
        assert!(complaint.is_none(), "{state:?}: {complaint:?}");
    }
}

#[test]
fn a_preset_of_avrec_infer_brings_its_model_with_the_other_settings() {
    in_own_folder("infer");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn infer() {
    init();
    let line = |model| format!("avrec-infer name=x model-file={model}");
    let (pipeline, element) = playing(&format!("{} threads=2 task=tensor top-k=3", line(SMALL)));
    presets(&element).save_preset("mine").unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    let keys = saved("GstAvrecInfer");
    assert!(
        !keys
            .iter()
            .any(|it| matches!(it.as_str(), "name" | "parent" | "stats")),
        "{keys:?}"
    );
    assert_eq!(
        keys.last().map(String::as_str),
        Some("model-file"),
        "what it needs comes before"
    );

    let (pipeline, element) = playing(&format!("{} task=tensor", line(MEDIUM)));
    presets(&element).load_preset("mine").unwrap();
    let bus = pipeline.bus().unwrap();
    loop {
        let message = bus
            .timed_pop(gst::ClockTime::from_seconds(60))
            .expect("the model comes");
        assert!(
            !matches!(
                message.type_(),
                gst::MessageType::Warning | gst::MessageType::Error
            ),
            "{message:?}"
        );
        let loaded = message.structure().filter(|it| it.name() == "avrec/model-loaded");
        if let Some(loaded) =
            loaded.filter(|it| it.get::<&str>("model") == Ok(SMALL) || it.to_string().contains("small.onnx"))
        {
            assert!(loaded.to_string().contains("threads=(uint)2"), "{loaded}");
            break;
        }
    }
    assert_eq!(element.property::<u32>("top-k"), 3);
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_preset_of_avrec_probe_holds_its_settings() {
    in_own_folder("probe");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn probe() {
    init();
    let (pipeline, element) = playing("avrec-probe name=x window=7 interval=40000000");
    presets(&element).save_preset("mine").unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    let (pipeline, element) = playing("avrec-probe name=x");
    presets(&element).load_preset("mine").unwrap();
    assert_eq!(
        (
            element.property::<u32>("window"),
            element.property::<u64>("interval")
        ),
        (7, 40_000_000)
    );
    assert_eq!(element.name(), "x");
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_preset_of_somebody_else_sets_what_it_can_and_nothing_more() {
    in_own_folder("foreign");
}

#[test]
#[ignore = "another test runs it, in a process of its own"]
fn foreign() {
    let file = file_of("GstAvrecSwitch");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(
        &file,
        "[_presets_]\nversion=1.22.0\nelement-name=GstAvrecSwitch\n\n[mine]\n_meta/comment=of an older version\n\
         name=other\nactive-candidate=a\nauto-switch=false\na::silent=false\nunknown=1\nstats=x\nmax-stride=9999\n\
         miss-rate=not a number\nlate-policy=never\nlambda-cost=0.5\nfloor=\n",
    )
    .unwrap();
    init();
    let (pipeline, switch) = playing(SWITCH);
    presets(&switch).load_preset("mine").unwrap();
    assert_eq!(switch.name(), "x");
    assert!(switch.property::<bool>("auto-switch"));
    assert!(pipeline.by_name("a").unwrap().property::<bool>("silent"));
    assert_eq!(switch.property::<f64>("lambda-cost"), 0.5);
    assert_eq!(switch.property::<f64>("miss-rate"), 0.03);
    assert!(switch.property::<u32>("max-stride") <= 4);
    pipeline.set_state(gst::State::Null).unwrap();
}
