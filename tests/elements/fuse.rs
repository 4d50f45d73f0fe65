// SPDX-License-Identifier: MPL-2.0

//! avrec-fuse on the harness: what stands on frames, which answers belong together, and that no frame is lost or held up.

use gst::ClockTime;
use gst::prelude::*;
use gstavrec::answer::{Answer, ClassScore};
use gstavrec::media::metas;
use gstavrec::messages::Fused;

use crate::support::init;

mod streams;

const CAPS: &str = "video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1";
const SOUND: &str = "audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved";
const FRAME: ClockTime = ClockTime::from_mseconds(40);

/// A fusion between two harness pads, on a bus of its own.
struct Rig {
    fuse: gst::Element,
    harness: gst_check::Harness,
    sound: Option<gst_check::Harness>,
    bus: gst::Bus,
}

/// What was heard on the bus.
#[derive(Default)]
struct Heard {
    fused: Vec<Fused>,
    warnings: Vec<String>,
}

impl Rig {
    fn new(configure: impl FnOnce(&gst::Element)) -> Rig {
        init();
        let fuse = gst::ElementFactory::make("avrec-fuse").property("post-messages", true);
        let fuse = fuse.build().unwrap();
        configure(&fuse);
        let bus = gst::Bus::new();
        fuse.set_bus(Some(&bus));
        let mut harness = gst_check::Harness::with_element(&fuse, Some("sink"), Some("src"));
        harness.set_src_caps_str(CAPS);
        harness.play();
        Rig {
            fuse,
            harness,
            sound: None,
            bus,
        }
    }

    fn connected() -> Rig {
        let mut rig = Rig::new(|_| ());
        rig.connect();
        rig
    }

    fn connect(&mut self) {
        let mut sound = gst_check::Harness::with_element(&self.fuse, Some("sound"), None);
        sound.set_src_caps_str(SOUND);
        sound.play();
        self.sound = Some(sound);
    }

    fn see(&mut self, frame: gst::Buffer) -> gst::Buffer {
        self.harness.push_and_pull(frame).unwrap()
    }

    fn hear(&mut self, sound: gst::Buffer) {
        self.sound.as_mut().unwrap().push(sound).unwrap();
    }

    fn told(&self) -> Heard {
        let mut heard = Heard::default();
        for message in std::iter::from_fn(|| self.bus.pop()) {
            match message.view() {
                gst::MessageView::Warning(it) => heard.warnings.push(it.error().message().to_owned()),
                gst::MessageView::Element(it) => heard.fused.extend(Fused::try_from(it.structure().unwrap())),
                _ => (),
            }
        }
        heard
    }

    fn count(&self, name: &str) -> u64 {
        let stats: gst::Structure = self.fuse.property("stats");
        stats.get(name).unwrap()
    }
}

fn classes(shares: &[f32]) -> Answer {
    let mut scores: Vec<ClassScore> = (0..)
        .zip(shares)
        .map(|(class, &confidence)| ClassScore { class, confidence })
        .collect();
    scores.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    Answer::Classes(scores)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| it.to_string()).collect()
}

/// A frame on which `bell` and `dog` have these shares.
fn frame(number: u64, shares: &[f32]) -> gst::Buffer {
    let mut buffer = gst::Buffer::with_size(64 * 48).unwrap();
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(FRAME * number);
    writable.set_duration(FRAME);
    if !shares.is_empty() {
        metas::attach(writable, &classes(shares), &names(&["bell", "dog"]), (64, 48)).unwrap();
    }
    buffer
}

/// Sound up to that frame, with what was heard: `Dog` and `Bell`.
fn sound(from: u64, to: u64, shares: &[f32]) -> gst::Buffer {
    let mut buffer = gst::Buffer::with_size(32).unwrap();
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(FRAME * from);
    writable.set_duration(FRAME * (to - from));
    if let Answer::Classes(scores) = classes(shares)
        && !scores.is_empty()
    {
        metas::attach_to_sound(writable, &scores, &names(&["Dog", "Bell"])).unwrap();
    }
    buffer
}

fn best(buffer: &gst::Buffer) -> (String, f32) {
    let classes = metas::classes(buffer).unwrap();
    (
        metas::label_of_class(classes[0].class).into_owned(),
        classes[0].confidence,
    )
}

#[test]
fn both_answers_become_one_on_the_frame_and_the_message_explains_it() {
    let mut rig = Rig::connected();
    rig.hear(sound(0, 1, &[0.9, 0.1]));
    let out = rig.see(frame(1, &[0.6, 0.4]));
    let odds = (0.4f64 / 0.6 * 9.0).powf(0.75);
    let (label, confidence) = best(&out);
    assert_eq!(label, "dog");
    assert!(
        (f64::from(confidence) - odds / (1.0 + odds)).abs() < 1e-4,
        "{confidence}"
    );
    let meta = gst::meta::CustomMeta::from_buffer(&out, metas::SOUND).unwrap();
    assert_eq!(meta.structure().get::<&str>("label"), Ok("Dog"));
    assert_eq!(meta.structure().get::<u64>("age-ns"), Ok(0));

    let told = rig.told();
    let fused = &told.fused[0];
    assert_eq!((fused.picture_weight, fused.sound_weight), (0.75, 0.75));
    assert_eq!(fused.pts, Some(FRAME));
    let side = |it: &Option<gstavrec::messages::Nested<_>>| -> Vec<(String, f64)> {
        let side: &gstavrec::messages::FusedSide = &it.as_ref().unwrap().0;
        let classes = side.classes.as_ref().unwrap().iter();
        classes
            .map(|it| (it.label.clone(), (100.0 * it.confidence).round() / 100.0))
            .collect()
    };
    assert_eq!(side(&fused.picture), [("bell".into(), 0.6), ("dog".into(), 0.4)]);
    assert_eq!(side(&fused.sound), [("dog".into(), 0.9), ("bell".into(), 0.1)]);
    let combined = fused.combined.classes.as_ref().unwrap();
    assert!((combined[0].confidence - odds / (1.0 + odds)).abs() < 1e-6);
    assert_eq!(told.warnings, <[String; 0]>::default());
}

#[test]
fn an_answer_is_held_until_it_is_stale_and_a_side_alone_is_taken_at_its_word() {
    let mut rig = Rig::new(|fuse| fuse.set_property("stale-after", (FRAME * 3).nseconds()));
    rig.connect();
    rig.hear(sound(0, 1, &[0.9, 0.1]));
    rig.hear(sound(1, 20, &[]));
    for number in 0..=6 {
        rig.see(frame(number, if number == 6 { &[] } else { &[0.6, 0.4] }));
    }
    let fused = rig.told().fused;
    let weights: Vec<_> = fused
        .iter()
        .map(|it| (it.picture_weight, it.sound_weight))
        .collect();
    let (alone, both) = ((1.0, 0.0), (0.75, 0.75));
    // Nothing of the future counts for the first one.
    assert_eq!(weights, [alone, both, both, both, both, alone, alone]);
    assert_eq!(
        fused[6].picture.as_ref().unwrap().0.age,
        FRAME.into(),
        "the picture's answer is held too"
    );
    assert_eq!(
        (rig.count("both"), rig.count("picture-only"), rig.count("frames")),
        (4, 3, 7)
    );
    let out = rig.see(frame(7, &[0.6, 0.4]));
    assert!((best(&out).1 - 0.6).abs() < 1e-4);
}

#[test]
fn without_sound_and_after_its_end_nothing_waits_and_without_any_answer_nothing_is_said() {
    let mut rig = Rig::new(|_| ());
    let out = rig.see(frame(0, &[]));
    assert_eq!(metas::classes(&out), None);
    let fused = rig.told().fused.remove(0);
    assert_eq!((fused.picture_weight, fused.sound_weight), (0.0, 0.0));
    assert_eq!((fused.combined.classes, fused.combined.score), (None, None));
    rig.connect();
    rig.hear(sound(0, 1, &[]));
    assert!(rig.sound.as_mut().unwrap().push_event(gst::event::Eos::new()));
    for number in 1..100 {
        rig.see(frame(number, &[0.6, 0.4]));
    }
    assert_eq!((rig.count("sound-late"), rig.count("picture-only")), (0, 99));
    // The pad may go and come while frames pass.
    let pad = rig.fuse.static_pad("sound").unwrap();
    rig.sound = None;
    if rig.fuse.static_pad("sound").is_some() {
        rig.fuse.release_request_pad(&pad);
    }
    rig.see(frame(100, &[0.6, 0.4]));
    rig.connect();
    rig.hear(sound(90, 101, &[0.9, 0.1]));
    rig.see(frame(101, &[0.6, 0.4]));
    assert_eq!(rig.count("both"), 1);
    let template = rig.fuse.pad_template("sound").unwrap();
    assert!(
        rig.fuse.request_pad(&template, None, None).is_none(),
        "one is enough"
    );
}

#[test]
fn a_frame_waits_for_its_sound_and_a_flush_or_a_gap_lets_it_go() {
    let mut rig = Rig::connected();
    rig.hear(sound(0, 1, &[0.9, 0.1]));
    let (sink, sound_pad) = (
        rig.fuse.static_pad("sink").unwrap(),
        rig.fuse.static_pad("sound").unwrap(),
    );
    let wait_for = |number: u64, act: &dyn Fn()| {
        let frame = frame(number, &[0.6, 0.4]);
        let sink = sink.clone();
        std::thread::scope(|scope| {
            let pushed = scope.spawn(move || sink.chain(frame));
            act();
            pushed.join().unwrap()
        })
    };
    let more = sound(1, 5, &[0.2, 0.8]);
    assert!(wait_for(5, &|| assert!(sound_pad.chain(more.copy()).is_ok())).is_ok());
    assert_eq!(
        rig.told().fused[0].sound.as_ref().unwrap().0.age,
        std::time::Duration::ZERO
    );
    let gap = gst::event::Gap::builder(FRAME * 5).duration(FRAME * 5).build();
    assert!(wait_for(10, &|| assert!(sound_pad.send_event(gap.clone()))).is_ok());
    let flush = || {
        assert!(sound_pad.send_event(gst::event::FlushStart::new()));
    };
    assert!(wait_for(20, &flush).is_ok());
    assert!(sound_pad.send_event(gst::event::FlushStop::new(true)));
    let stop = || {
        assert!(sink.send_event(gst::event::FlushStart::new()));
    };
    let _ = wait_for(30, &stop);
    assert!(sink.send_event(gst::event::FlushStop::new(true)));
}

#[test]
fn a_live_frame_whose_time_is_up_goes_on_without_its_sound() {
    // The harness is live, and its clock has passed this frame's time.
    let mut rig = Rig::connected();
    rig.see(frame(0, &[0.6, 0.4]));
    assert_eq!((rig.count("sound-late"), rig.count("picture-only")), (1, 1));
}

#[test]
fn frames_pass_where_nothing_is_heard_any_more_and_that_is_told_once() {
    init();
    let pipeline = gst::parse::launch(&format!(
        "videotestsrc num-buffers=50 ! {CAPS} ! avrec-fuse name=f ! fakesink appsrc name=s caps={SOUND} format=time ! f.sound"
    ));
    let pipeline = pipeline.unwrap().downcast::<gst::Pipeline>().unwrap();
    let source = pipeline
        .by_name("s")
        .unwrap()
        .downcast::<gst_app::AppSrc>()
        .unwrap();
    source.push_buffer(sound(0, 10, &[])).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let passed = || pipeline.by_name("f").unwrap().property::<gst::Structure>("stats");
    // The first frame beyond waits as long as the element has patience, the others not at all.
    let warning = bus.timed_pop_filtered(ClockTime::from_seconds(30), &[gst::MessageType::Warning]);
    let warning = warning.expect("a warning");
    let gst::MessageView::Warning(warning) = warning.view() else {
        panic!("a warning");
    };
    let text = warning.error().message().to_owned();
    assert!(text.contains("No sound has come"), "{text}");
    // Its end leaves nothing to wait for; the end of the frames comes in any case.
    source.end_of_stream().unwrap();
    let mut others = Vec::new();
    loop {
        let types = [gst::MessageType::Eos, gst::MessageType::Warning];
        let message = bus
            .timed_pop_filtered(ClockTime::from_seconds(30), &types)
            .expect("an end");
        match message.view() {
            gst::MessageView::Warning(it) => others.push(it.error().message().to_owned()),
            _ => break,
        }
    }
    assert!(
        !others.iter().any(|it| it.contains("No sound has come")),
        "{others:?}"
    );
    // Neither side said anything.
    for side in ["picture", "sound"] {
        let words = format!("No answer about the {side}");
        assert!(others.iter().any(|it| it.contains(&words)), "{others:?}");
    }
    let stats = passed();
    assert_eq!(stats.get::<u64>("frames"), Ok(50));
    assert!(1 <= stats.get::<u64>("sound-late").unwrap(), "{stats}");
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn sound_that_is_far_ahead_waits_for_its_frames() {
    let mut rig = Rig::connected();
    for number in 0..2000 {
        rig.hear(sound(number, number + 1, &[0.9, 0.1]));
    }
    rig.see(frame(1, &[0.6, 0.4]));
    let fused = rig.told().fused.remove(0);
    assert_eq!(fused.sound.unwrap().0.age, std::time::Duration::ZERO);
}

#[test]
fn what_cannot_be_fused_is_told_once_and_frames_pass_as_they_are() {
    let mut rig = Rig::connected();
    let mut other = sound(0, 1, &[]);
    let score = ClassScore {
        class: 0,
        confidence: 1.0,
    };
    metas::attach_to_sound(other.get_mut().unwrap(), &[score], &names(&["thunder"])).unwrap();
    rig.hear(other);
    for number in 1..4 {
        rig.hear(sound(number, number + 1, &[]));
        let out = rig.see(frame(number, &[0.6, 0.4]));
        assert_eq!(best(&out).0, "bell");
    }
    let told = rig.told();
    assert_eq!(
        (told.fused.len(), told.warnings.len()),
        (0, 1),
        "{:?}",
        told.warnings
    );
    assert!(
        told.warnings[0].contains("told as bell, dog, sound as thunder"),
        "{:?}",
        told.warnings
    );
}

#[test]
fn numbers_become_one_number_in_the_place_of_the_score() {
    let mut rig = Rig::connected();
    let mut heard = sound(0, 1, &[]);
    metas::attach_score(heard.get_mut().unwrap(), 0.9).unwrap();
    rig.hear(heard);
    let mut seen = frame(1, &[]);
    metas::attach_score(seen.get_mut().unwrap(), 0.4).unwrap();
    let out = rig.see(seen);
    let odds = (0.4f64 / 0.6 * 9.0).powf(0.75);
    let score = f64::from(metas::score(&out).unwrap());
    assert!((score - odds / (1.0 + odds)).abs() < 1e-6, "{score}");
    assert_eq!(
        rig.told().fused[0].combined.score.map(|it| it as f32),
        metas::score(&out)
    );
}

#[test]
fn a_fit_weighs_the_sides_and_a_file_that_is_none_is_an_error_that_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fit.toml");
    let text = "version = 1\nlabels = [\"bell\", \"dog\"]\n[picture]\nweight = 0.3\ntemperature = 1.0\n\
                [sound]\nweight = 1.2\ntemperature = 2.0\n";
    std::fs::write(&file, text).unwrap();
    let mut rig = Rig::new(|fuse| fuse.set_property("fusion-file", file.to_str()));
    rig.connect();
    rig.hear(sound(0, 1, &[0.9, 0.1]));
    rig.see(frame(1, &[0.6, 0.4]));
    let fused = rig.told().fused.remove(0);
    assert_eq!((fused.picture_weight, fused.sound_weight), (0.3, 1.2));
    let heard = &fused.sound.unwrap().0.classes.unwrap()[0];
    assert!((heard.confidence - 0.75).abs() < 1e-4, "cooled by 2: {heard:?}");

    std::fs::write(&file, text.replace("temperature = 2.0", "temperature = 0")).unwrap();
    let fuse = gst::ElementFactory::make("avrec-fuse").property("fusion-file", file.to_str());
    let fuse = fuse.build().unwrap();
    let bus = gst::Bus::new();
    fuse.set_bus(Some(&bus));
    assert!(fuse.set_state(gst::State::Paused).is_err());
    let error = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
    let gst::MessageView::Error(error) = error.view() else {
        panic!()
    };
    let text = error.error().message().to_owned();
    assert!(
        text.contains("fit.toml") && text.contains("[sound] has a temperature of 0; write 0.01 to 100"),
        "{text}"
    );
    fuse.set_state(gst::State::Null).unwrap();
}

#[test]
fn the_latency_is_that_of_the_slower_path_and_its_own() {
    let mut rig = Rig::connected();
    let own = ClockTime::from_mseconds(200);
    rig.fuse.set_property("latency", own.nseconds());
    rig.harness.set_upstream_latency(FRAME);
    let sound = rig.sound.as_mut().unwrap();
    sound.set_upstream_latency(FRAME * 3);
    let mut query = gst::query::Latency::new();
    assert!(rig.fuse.static_pad("src").unwrap().query(&mut query));
    assert!(query.result().0);
    assert_eq!(query.result().1, FRAME * 3 + own);
}

#[test]
fn two_models_of_one_question_are_fused_in_a_pipeline() {
    init();
    let (picture, sound) = ("models/events-picture.onnx", "models/events-sound.onnx");
    let pipeline = gst::parse::launch(&format!(
        "videotestsrc num-buffers=50 ! video/x-raw,format=RGB,width=96,height=64,framerate=25/1 \
         ! avrec-infer model-file={picture} top-k=6 ! queue ! avrec-fuse name=f ! fakesink \
         audiotestsrc num-buffers=100 samplesperbuffer=320 ! audio/x-raw,format=F32LE,rate=16000,channels=1 \
         ! avrec-infer model-file={sound} top-k=6 ! queue ! f.sound"
    ));
    let pipeline = pipeline.unwrap().downcast::<gst::Pipeline>().unwrap();
    let bus = pipeline.bus().unwrap();
    for _ in 0..2 {
        pipeline.set_state(gst::State::Playing).unwrap();
        let end = [gst::MessageType::Eos, gst::MessageType::Error];
        let end = bus
            .timed_pop_filtered(ClockTime::from_seconds(60), &end)
            .expect("an end");
        assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
        let stats: gst::Structure = pipeline.by_name("f").unwrap().property("stats");
        let count = |field| stats.get::<u64>(field).unwrap();
        // The model hears half a second before it says something.
        assert_eq!(
            (count("frames"), count("both"), count("sound-late")),
            (50, 37, 0),
            "{stats}"
        );
        assert_eq!(count("picture-only"), 13);
        pipeline.set_state(gst::State::Null).unwrap();
    }
}
