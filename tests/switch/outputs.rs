// SPDX-License-Identifier: MPL-2.0

//! Candidates whose answers do not look alike are told, and `output-caps` holds all of them to one.

use std::sync::{Arc, Mutex};

use gst::prelude::*;

use crate::support::init;
use crate::support::switch::*;

/// Two that give any size, and one that gives its own.
const THREE: &str = "videoscale name=a videoscale name=b \
    videoscale name=tiny ! capsfilter caps=video/x-raw,width=32,height=18";

const TWICE: &str = "output-caps=video/x-raw,width=128,height=72 late-policy=wait";

/// The warnings that say this, since the last call.
fn warnings(rig: &Rig, what: &str) -> Vec<String> {
    let texts = rig.texts(gst::MessageType::Warning).into_iter();
    texts.filter(|it| it.contains(what)).collect()
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

/// Keeps the caps that leave the switch.
fn log_caps(rig: &Rig) -> Arc<Mutex<Vec<gst::Caps>>> {
    let seen = Arc::<Mutex<Vec<gst::Caps>>>::default();
    let log = seen.clone();
    let pad = rig.switch.static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|it| it.view()) {
            log.lock().unwrap().push(caps.caps_owned());
        }
        gst::PadProbeReturn::Ok
    });
    seen
}

fn size(caps: &gst::Caps) -> (i32, i32) {
    let structure = caps.structure(0).unwrap();
    (structure.get("width").unwrap(), structure.get("height").unwrap())
}

fn swap_often(rig: &mut Rig, names: &[&str]) {
    for round in 0..60 {
        rig.pin(names[round % names.len()]);
        rig.pass();
    }
}

#[test]
fn outputs_that_differ_are_told_once_with_both_caps_and_what_to_add() {
    let mut rig = Rig::new("late-policy=wait", THREE);
    rig.warm_up(&["a", "b", "tiny"]);
    swap_often(&mut rig, &["a", "b", "tiny"]);
    let told = warnings(&rig, "differs");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_says(
        &told[0],
        &[
            " gives video/x-raw,format=I420,width=64,height=36",
            "tiny gives video/x-raw,format=I420,width=32,height=18",
            "mp4mux",
            "output-caps=\\\"video/x-raw,width=64,height=36\\\"",
            "videoconvert ! videoscale",
        ],
    );
}

#[test]
fn every_way_in_which_pictures_can_differ_is_told() {
    for more in [
        "pixel-aspect-ratio=4/3",
        "framerate=50/1",
        "interlace-mode=interleaved",
        "colorimetry=bt2020",
    ] {
        let children = format!("identity name=a identity ! capssetter name=b caps=video/x-raw,{more}");
        let mut rig = Rig::new("late-policy=wait", &children);
        let names: Vec<String> = rig
            .switch
            .downcast_ref::<gst::Bin>()
            .unwrap()
            .children()
            .iter()
            .map(|it| it.name().into())
            .collect();
        let second = names.iter().find(|it| it.starts_with("identity")).unwrap();
        rig.warm_up(&["a", second]);
        assert_eq!(warnings(&rig, "differs").len(), 1, "{more}");
    }
}

#[test]
fn caps_that_only_say_what_is_usual_do_not_differ() {
    let children = "identity name=a capssetter name=b caps=video/x-raw,interlace-mode=progressive,pixel-aspect-ratio=1/1";
    let mut rig = Rig::new("late-policy=wait", children);
    rig.warm_up(&["a", "b"]);
    swap_often(&mut rig, &["a", "b"]);
    assert!(warnings(&rig, "differs").is_empty());
}

#[test]
fn with_output_caps_one_caps_leaves_over_all_swaps_and_who_cannot_give_it_is_told_and_left() {
    let rig = Rig::unstarted(TWICE, THREE);
    let seen = log_caps(&rig);
    let mut rig = rig.start(SMALL);
    rig.warm_up(&["a", "b"]);
    swap_often(&mut rig, &["a", "b", "tiny"]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.iter().map(size).collect::<Vec<_>>(), [(128, 72)]);
    assert_eq!(rig.state_of("tiny"), "failed");
    let told = rig.texts(gst::MessageType::Warning);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_says(
        &told[0],
        &[
            "candidate tiny cannot answer",
            "`output-caps`: width is 32 where 128 is taken, height is 18 where 72 is taken",
            "put videoconvert ! videoscale behind it",
        ],
    );
}

#[test]
fn any_holds_to_what_the_first_answer_is_and_those_that_can_follow() {
    let children = "identity name=first videoscale name=follows \
                    videoscale name=tiny ! capsfilter caps=video/x-raw,width=32,height=18";
    let rig = Rig::unstarted(
        "output-caps=ANY late-policy=wait active-candidate=first",
        children,
    );
    let seen = log_caps(&rig);
    let mut rig = rig.start(SMALL);
    rig.warm_up(&["first", "follows"]);
    swap_often(&mut rig, &["first", "follows", "tiny"]);
    assert_eq!(
        seen.lock().unwrap().iter().map(size).collect::<Vec<_>>(),
        [(64, 36)]
    );
    assert_eq!(rig.state_of("tiny"), "failed");
    assert!(warnings(&rig, "differs").is_empty(), "one cause is told once");
}

#[test]
fn another_value_while_playing_holds_from_then_on_and_gives_another_chance() {
    let rig = Rig::unstarted(TWICE, THREE);
    let seen = log_caps(&rig);
    let mut rig = rig.start(SMALL);
    rig.warm_up(&["a", "b"]);
    rig.pass_until("it does not fit", |rig| rig.state_of("tiny") == "failed");
    let small: gst::Caps = "video/x-raw,width=32,height=18".parse().unwrap();
    rig.switch.set_property("output-caps", small);
    rig.pin("");
    rig.pass_until("all give it", |rig| {
        ["a", "b", "tiny"].iter().all(|it| rig.state_of(it) == "ready")
    });
    swap_often(&mut rig, &["a", "b", "tiny"]);
    assert_eq!(size(seen.lock().unwrap().last().unwrap()), (32, 18));
    assert_eq!(seen.lock().unwrap().len(), 2, "{seen:?}");
    assert_eq!(
        rig.switch.property::<gst::Caps>("output-caps").to_string(),
        "video/x-raw, width=(int)32, height=(int)18"
    );
}

#[test]
fn what_is_held_to_follows_the_rate_of_the_frames() {
    for asked in ["ANY", "video/x-raw,width=64"] {
        let rig = Rig::unstarted(
            &format!("output-caps={asked} late-policy=wait"),
            "identity name=a identity name=b",
        );
        let seen = log_caps(&rig);
        let mut rig = rig.start(SMALL);
        rig.warm_up(&["a", "b"]);
        rig.harness.set_src_caps_str(&SMALL.replace("25/1", "30000/1001"));
        for _ in 0..20 {
            rig.pass();
        }
        assert_eq!(warnings(&rig, "candidate"), <[String; 0]>::default(), "{asked}");
        for name in ["a", "b"] {
            assert_eq!(rig.state_of(name), "ready", "{asked}");
        }
        let rate = |it: &gst::Caps| {
            it.structure(0)
                .unwrap()
                .get::<gst::Fraction>("framerate")
                .unwrap()
        };
        let rates: Vec<_> = seen.lock().unwrap().iter().map(rate).collect();
        assert_eq!(
            rates,
            [gst::Fraction::new(25, 1), gst::Fraction::new(30000, 1001)],
            "{asked}"
        );
    }
}

#[test]
fn other_frames_in_mid_stream_come_out_as_before() {
    let rig = Rig::unstarted(
        "output-caps=ANY late-policy=wait",
        "videoscale name=a identity name=b",
    );
    let seen = log_caps(&rig);
    let mut rig = rig.start(SMALL);
    rig.warm_up(&["a", "b"]);
    rig.harness
        .set_src_caps_str("video/x-raw,format=I420,width=128,height=72,framerate=25/1");
    for number in 0..40 {
        rig.harness.push(frame(number, 128 * 72 * 3 / 2)).unwrap();
        assert_eq!(rig.pull().size(), 64 * 36 * 3 / 2);
    }
    assert_eq!(
        seen.lock().unwrap().iter().map(size).collect::<Vec<_>>(),
        [(64, 36)]
    );
    assert_says(
        &warnings(&rig, "candidate b")[0],
        &["width is 128 where 64 is taken"],
    );
    // With the frames of before the other one is back.
    rig.harness.set_src_caps_str(SMALL);
    rig.pass_until("it is back", |rig| rig.state_of("b") == "ready");
}

/// What a live stream of small frames through a switch warns of, or fails with.
fn told_live(properties: &str, children: &str, behind: &str) -> Vec<String> {
    init();
    let line = format!(
        "videotestsrc num-buffers=50 is-live=true ! video/x-raw,format=I420,width=64,height=36,framerate=100/1 ! \
         avrec-switch.( name=s sense-machine=false {properties} {children} ) ! {behind} fakesink name=sink"
    );
    let pipeline = gst::parse::launch(&line).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let mut told = Vec::new();
    loop {
        let message = bus.timed_pop(gst::ClockTime::from_seconds(20)).unwrap();
        match message.view() {
            gst::MessageView::Warning(it) => told.push(format!("{} {:?}", it.error(), it.debug())),
            gst::MessageView::Error(it) => {
                told.push(format!("{} {:?}", it.error(), it.debug()));
                break;
            }
            gst::MessageView::Eos(_) => break,
            _ => {}
        }
    }
    pipeline.set_state(gst::State::Null).unwrap();
    told
}

#[test]
fn frames_that_are_not_what_is_held_to_do_not_pass_as_they_are() {
    let told = told_live(
        "output-caps=video/x-raw,width=128,height=72",
        "identity name=a",
        "",
    );
    assert_says(&told[0], &["candidate a cannot answer", "width is 64 where 128"]);
    assert_says(
        &told[1],
        &["no candidate can answer", "a: ", "width is 64 where 128"],
    );
}

#[test]
fn what_is_behind_the_switch_refuses_by_field() {
    let told = told_live(
        "",
        "videoscale name=a identity name=b",
        "queue ! video/x-raw,width=128,height=72 !",
    );
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_says(
        &told[0],
        &[
            "candidate b cannot answer: what is behind the switch does not take its answers",
            "width is 64 where 128 is taken",
            "videoscale behind it",
        ],
    );
}

#[test]
fn buffers_that_contradict_their_caps_take_a_candidate_out_and_are_told() {
    let mut rig = Rig::new("late-policy=floor", "identity name=liar identity name=other");
    rig.warm_up(&["liar", "other"]);
    rig.pin("liar");
    let pad = rig.candidate("liar").static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        let buffer = info.buffer_mut().unwrap();
        let mut small = gst::Buffer::with_size(100).unwrap();
        buffer
            .copy_into(small.get_mut().unwrap(), gst::BUFFER_COPY_METADATA, ..)
            .unwrap();
        *buffer = small;
        gst::PadProbeReturn::Ok
    });
    for _ in 0..20 {
        assert_eq!(rig.pass().size(), 64 * 36 * 3 / 2);
    }
    let told = rig.texts(gst::MessageType::Warning);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_says(
        &told[0],
        &[
            "liar",
            "contradict its caps",
            "100 bytes",
            "64 x 36 in I420",
            "3456",
        ],
    );
    assert_eq!(rig.state_of("liar"), "failed");
}

#[test]
fn a_catalogue_may_say_what_every_answer_has_to_be() {
    init();
    let path = std::env::temp_dir().join(format!("avrec-{}-outputs.toml", std::process::id()));
    let candidate = |name: &str| format!("[[candidate]]\nname = \"{name}\"\nelement = \"videoscale\"\n");
    let text = |caps: &str| format!("output-caps = \"{caps}\"\n{}{}", candidate("a"), candidate("b"));
    std::fs::write(&path, text("video/x-raw,width=128,height=72")).unwrap();
    let properties = format!("late-policy=wait catalog={}", path.display());
    let mut rig = Rig::new(&properties, "");
    rig.warm_up(&["a", "b"]);
    assert_eq!(rig.pass().size(), 128 * 72 * 3 / 2);
    // What is no caps is told with what to write.
    std::fs::write(&path, text("video/x-raw,width=")).unwrap();
    let switch = gst::ElementFactory::make("avrec-switch")
        .property("catalog", path.to_str().unwrap())
        .build()
        .unwrap();
    let bus = gst::Bus::new();
    switch.set_bus(Some(&bus));
    assert!(switch.set_state(gst::State::Ready).is_err());
    let error = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = error.view() else {
        unreachable!()
    };
    assert_says(
        error.error().message(),
        &["output-caps = \"video/x-raw,width=\" is no caps", "write such as"],
    );
    switch.set_bus(None);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn sound_that_cannot_leave_as_asked_is_an_error_that_says_what_to_put_before() {
    let rig = Rig::unstarted("output-caps=audio/x-raw,rate=16000", "identity name=a");
    let mut rig = rig.start("audio/x-raw,format=F32LE,layout=interleaved,rate=48000,channels=1");
    assert!(
        rig.harness
            .push(gst::Buffer::with_size(4 * 480).unwrap())
            .is_err()
    );
    let told = rig.texts(gst::MessageType::Error);
    assert_says(
        &told[0],
        &[
            "rate is 48000 where 16000 is taken",
            "audioresample before the switch",
        ],
    );
}
