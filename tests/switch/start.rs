// SPDX-License-Identifier: MPL-2.0

//! `start=wait`: nothing leaves before a candidate is ready, and no frame is lost that could have waited.

use gst::prelude::*;

use crate::support::init;
use crate::support::switch::*;

/// Who answered each frame, since the last call.
fn answers(rig: &Rig) -> Vec<String> {
    let frames = rig.messages("avrec/frame").into_iter();
    frames.map(|it| it.get::<String>("answer").unwrap()).collect()
}

#[test]
fn the_first_frame_waits_until_a_candidate_is_warm_and_every_frame_is_answered() {
    let mut rig = Rig::new("late-policy=wait start=wait", "identity name=a identity name=b");
    rig.pass();
    let ready = ["a", "b"].iter().filter(|it| rig.state_of(it) == "ready").count();
    assert!(0 < ready, "{:#?}", rig.stats());
    (0..10).for_each(|_| drop(rig.pass()));
    let answers = answers(&rig);
    assert!(answers.iter().all(|it| it != "passthrough"), "{answers:?}");
    assert_eq!(rig.stats().get::<u64>("in"), Ok(11));
}

#[test]
fn a_candidate_that_is_not_ready_keeps_the_stream_from_starting_no_longer_than_it_may() {
    // Three runs of 400 ms make it warm.
    let told = live("start-timeout=300000000", "identity name=slow sleep-time=400000").1;
    let told: Vec<_> = told.iter().filter(|it| it.contains("start-timeout")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("0.3 s"), "{told:?}");
}

#[test]
fn where_all_candidates_fail_the_stream_starts_at_once() {
    let mut rig = Rig::unstarted("late-policy=floor start=wait", "identity name=a");
    fail_on_demand(&rig.candidate("a")).store(true, std::sync::atomic::Ordering::SeqCst);
    rig = rig.start(SMALL);
    let begin = std::time::Instant::now();
    while rig.push().is_ok() && rig.harness.try_pull().is_none() {
        assert!(begin.elapsed() < std::time::Duration::from_secs(5));
    }
}

#[test]
fn in_a_live_pipeline_candidates_are_ready_in_paused_and_the_first_frame_is_answered() {
    init();
    let line = "videotestsrc num-buffers=20 is-live=true ! video/x-raw,format=I420,width=64,height=36,framerate=50/1 ! \
                avrec-switch name=s start=wait frame-messages=true catalog=CATALOG ! fakesink name=sink";
    let path = std::env::temp_dir().join(format!("avrec-{}-start.toml", std::process::id()));
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/small.onnx");
    let text = format!("[[candidate]]\nname = \"small\"\nmodel = \"{model}\"\n");
    std::fs::write(&path, text).unwrap();
    let line = line.replace("CATALOG", path.to_str().unwrap());
    let pipeline = gst::parse::launch(&line).unwrap();
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Paused).unwrap();
    let wait_for = |name: &str| {
        let end = gst::ClockTime::from_seconds(20);
        while let Some(message) = bus.timed_pop(end) {
            if message.structure().is_some_and(|it| it.name() == name) {
                return message.structure().unwrap().to_owned();
            }
        }
        panic!("{name} does not come");
    };
    wait_for("avrec/candidate-ready");
    pipeline.set_state(gst::State::Playing).unwrap();
    let first = wait_for("avrec/frame");
    assert_eq!(first.get::<u64>("frame"), Ok(0), "{first}");
    assert_eq!(first.get::<&str>("candidate"), Ok("small"), "{first}");
    pipeline.set_state(gst::State::Null).unwrap();
    std::fs::remove_file(&path).unwrap();
}

/// Who answered the frames of a live stream that left, and what was warned of.
fn live(properties: &str, children: &str) -> (Vec<String>, Vec<String>) {
    let source = "videotestsrc num-buffers=50 is-live=true ! video/x-raw,format=I420,width=64,height=36,framerate=50/1";
    live_from(source, properties, children)
}

fn live_from(source: &str, properties: &str, children: &str) -> (Vec<String>, Vec<String>) {
    init();
    let line = format!(
        "{source} ! \
         avrec-switch.( name=s start=wait frame-messages=true sense-machine=false {properties} {children} ) ! fakesink"
    );
    let pipeline = gst::parse::launch(&line).unwrap();
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let (mut answers, mut warnings) = (Vec::new(), Vec::new());
    loop {
        let message = bus.timed_pop(gst::ClockTime::from_seconds(20)).unwrap();
        match message.view() {
            gst::MessageView::Eos(_) => break,
            gst::MessageView::Error(error) => panic!("{error:?}"),
            gst::MessageView::Warning(warning) => warnings.push(warning.error().to_string()),
            _ => {}
        }
        if let Some(frame) = message.structure().filter(|it| it.name() == "avrec/frame") {
            answers.push(frame.get::<String>("candidate").unwrap());
        }
    }
    pipeline.set_state(gst::State::Null).unwrap();
    (answers, warnings)
}

#[test]
fn a_live_stream_begins_with_an_answer_and_what_came_before_is_not_shown() {
    let answers = live("", "identity name=a sleep-time=2000 identity name=b").0;
    assert!(!answers.is_empty() && answers[0] != "passthrough", "{answers:?}");
}

#[test]
fn a_live_sound_begins_with_a_candidate() {
    let source = "audiotestsrc num-buffers=100 samplesperbuffer=480 is-live=true ! \
                  audio/x-raw,format=F32LE,rate=48000,channels=1";
    let answers = live_from(source, "", "identity name=a identity name=b").0;
    let heard: Vec<_> = answers.iter().filter(|it| !it.is_empty()).collect();
    assert!(!heard.is_empty() && heard[0] != "passthrough", "{answers:?}");
}

#[test]
fn where_all_are_forbidden_from_the_start_frames_leave_as_they_came() {
    for policy in ["floor", "wait"] {
        let properties = format!("late-policy={policy} forbidden=a,b");
        let mut rig = Rig::new(&properties, "identity name=a identity name=b");
        for _ in 0..5 {
            let frame = rig.pass();
            assert_eq!(frame.size(), 64 * 36 * 3 / 2, "{policy}");
        }
        rig.switch.set_property("forbidden", "a");
        rig.pass_until("b answers", |rig| rig.active() == "b");
    }
}
