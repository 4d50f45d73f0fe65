// SPDX-License-Identifier: MPL-2.0

//! Streams that are sought, have no times, end early or run apart.

use super::*;

const SEGMENT: fn(Option<ClockTime>) -> gst::Event = |stop| {
    let mut segment = gst::FormattedSegment::<ClockTime>::new();
    segment.set_stop(stop);
    gst::event::Segment::new(&segment)
};

/// What a source does on a flushing seek.
fn flush(harness: &mut gst_check::Harness) {
    for event in [
        gst::event::FlushStart::new(),
        gst::event::FlushStop::new(true),
        SEGMENT(None),
    ] {
        assert!(harness.push_event(event));
    }
}

fn seek() -> gst::Event {
    let (set, none) = (gst::SeekType::Set, gst::SeekType::None);
    let flags = gst::SeekFlags::FLUSH;
    gst::event::Seek::new(1.0, flags, set, ClockTime::SECOND, none, ClockTime::NONE)
}

fn count_upstream(harness: &mut gst_check::Harness, of: gst::EventType) -> usize {
    let events = std::iter::from_fn(|| harness.try_pull_upstream_event());
    events.filter(|it| it.type_() == of).count()
}

/// The best class of a side, with its share.
fn said(side: &Option<gstavrec::messages::Nested<gstavrec::messages::FusedSide>>) -> Option<(String, i64)> {
    let classes = side.as_ref()?.0.classes.as_ref()?;
    let best = classes.first()?;
    Some((best.label.clone(), (100.0 * best.confidence).round() as i64))
}

#[test]
fn after_a_flushing_seek_of_both_sides_nothing_of_before_counts() {
    let mut rig = Rig::connected();
    rig.hear(sound(0, 1, &[0.9, 0.1]));
    rig.see(frame(1, &[0.6, 0.4]));
    flush(rig.sound.as_mut().unwrap());
    flush(&mut rig.harness);
    rig.hear(sound(0, 1, &[0.2, 0.8]));
    rig.see(frame(1, &[0.3, 0.7]));
    flush(rig.sound.as_mut().unwrap());
    flush(&mut rig.harness);
    rig.hear(sound(0, 2, &[]));
    rig.see(frame(1, &[]));
    let fused = rig.told().fused;
    let both = |it: &Fused| (said(&it.picture), said(&it.sound));
    let (bell, dog) = ("bell".to_owned(), "dog".to_owned());
    assert_eq!(
        both(&fused[0]),
        (Some((bell.clone(), 60)), Some((dog.clone(), 90)))
    );
    assert_eq!(both(&fused[1]), (Some((dog, 70)), Some((bell, 80))));
    assert_eq!(both(&fused[2]), (None, None));
}

#[test]
fn a_seek_and_the_latency_go_up_both_paths_and_what_concerns_frames_goes_up_theirs() {
    let mut rig = Rig::connected();
    let quality = gst::event::Qos::new(gst::QOSType::Overflow, 1.0, 0, FRAME);
    let latency = gst::event::Latency::new(FRAME);
    for (event, heard) in [(seek(), 1), (latency, 1), (quality, 0)] {
        let kind = event.type_();
        assert!(rig.harness.push_upstream_event(event));
        assert_eq!(count_upstream(&mut rig.harness, kind), 1, "{kind:?}");
        let sound = rig.sound.as_mut().unwrap();
        assert_eq!(count_upstream(sound, kind), heard, "{kind:?}");
    }
    rig.sound = None;
    assert!(rig.harness.push_upstream_event(seek()));
}

#[test]
fn sound_that_cannot_be_sought_stays_and_pictures_that_cannot_leave_the_sound_where_it_is() {
    init();
    let of = |picture: &str, sound: &str| {
        let text = format!("{picture} ! {CAPS} ! avrec-fuse name=f ! fakesink {sound} ! {SOUND} ! f.sound");
        let pipeline = gst::parse::launch(&text).unwrap().downcast::<gst::Pipeline>();
        let pipeline = pipeline.unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let (src, sound) = {
            let fuse = pipeline.by_name("f").unwrap();
            (fuse.static_pad("src").unwrap(), fuse.static_pad("sound").unwrap())
        };
        let flushes = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = flushes.clone();
        sound.add_probe(gst::PadProbeType::EVENT_FLUSH, move |_, info| {
            if let Some(gst::PadProbeData::Event(event)) = &info.data
                && event.type_() == gst::EventType::FlushStop
            {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            gst::PadProbeReturn::Ok
        });
        let is_sought = src.send_event(seek());
        pipeline.set_state(gst::State::Null).unwrap();
        (is_sought, flushes.load(std::sync::atomic::Ordering::SeqCst))
    };
    let (still, moving) = ("appsrc format=time", ["videotestsrc", "audiotestsrc"]);
    assert_eq!(of(moving[0], moving[1]), (true, 1));
    assert_eq!(of(moving[0], still), (true, 0));
    assert_eq!(of(still, moving[1]), (false, 0));
}

#[test]
fn a_live_frame_far_ahead_of_its_time_is_not_held_up_for_long() {
    init();
    let pipeline = gst::parse::launch(&format!(
        "appsrc name=s is-live=true format=time caps={CAPS} ! avrec-fuse name=f ! fakesink sync=false async=false \
         audiotestsrc is-live=true ! {SOUND} ! f.sound"
    ));
    let pipeline = pipeline.unwrap().downcast::<gst::Pipeline>().unwrap();
    let source = pipeline.by_name("s").unwrap().downcast::<gst_app::AppSrc>();
    let source = source.unwrap();
    for day in [0, 1, 365, 200_000] {
        let mut frame = frame(0, &[0.6, 0.4]);
        let pts = ClockTime::from_seconds(86_400 * day);
        frame.get_mut().unwrap().set_pts(pts);
        source.push_buffer(frame).unwrap();
    }
    source.end_of_stream().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let warning = bus.timed_pop_filtered(ClockTime::from_seconds(30), &[gst::MessageType::Warning]);
    let warning = warning.expect("a warning");
    let gst::MessageView::Warning(warning) = warning.view() else {
        panic!("a warning");
    };
    let text = warning.error().message().to_owned();
    assert!(text.contains("more than a second before its time"), "{text}");
    let end = bus.timed_pop_filtered(ClockTime::from_seconds(30), &[gst::MessageType::Eos]);
    assert!(end.is_some());
    let stats: gst::Structure = pipeline.by_name("f").unwrap().property("stats");
    assert_eq!(stats.get::<u64>("frames"), Ok(4));
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn sound_without_times_follows_on_what_came_before() {
    let mut rig = Rig::connected();
    for number in 0..5 {
        // 40 ms of it, with nothing that says so but the caps.
        let mut untimed = gst::Buffer::with_size(1280).unwrap();
        let shares = [ClassScore {
            class: 0,
            confidence: 0.9,
        }];
        metas::attach_to_sound(untimed.get_mut().unwrap(), &shares, &names(&["Dog"])).unwrap();
        rig.hear(untimed);
        rig.see(frame(number + 1, &[0.6, 0.4]));
    }
    assert_eq!((rig.count("both"), rig.count("sound-late")), (5, 0));
    let told = rig.told();
    let ages = told.fused.iter().map(|it| it.sound.as_ref().unwrap().0.age);
    assert!(ages.into_iter().all(|it| it.is_zero()));
    assert_eq!(told.warnings, <[String; 0]>::default());
}

#[test]
fn what_has_no_time_is_not_waited_for_and_that_is_told_once() {
    let mut rig = Rig::connected();
    let bytes = gst::FormattedSegment::<gst::format::Bytes>::new();
    let of_bytes = gst::event::Segment::new(&bytes);
    assert!(rig.sound.as_mut().unwrap().push_event(of_bytes));
    rig.hear(sound(0, 1, &[0.9, 0.1]));
    for number in 1..4 {
        rig.see(frame(number, &[0.6, 0.4]));
    }
    assert_eq!((rig.count("picture-only"), rig.count("sound-late")), (3, 0));
    let warnings = rig.told().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("Sound does not come in a segment in time"));

    let mut rig = Rig::connected();
    for number in 1..4 {
        let mut untimed = frame(number, &[0.6, 0.4]);
        untimed.get_mut().unwrap().set_pts(None);
        rig.see(untimed);
    }
    let warnings = rig.told().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("Frames come without PTS"));
}

#[test]
fn a_gap_ends_with_the_segment() {
    let mut rig = Rig::connected();
    let sound = rig.sound.as_mut().unwrap();
    assert!(sound.push_event(SEGMENT(Some(FRAME * 5))));
    for duration in [FRAME * 100, ClockTime::MAX] {
        let gap = gst::event::Gap::builder(FRAME * 4).duration(duration);
        assert!(sound.push_event(gap.build()));
    }
    rig.see(frame(5, &[0.6, 0.4]));
    assert_eq!((rig.count("frames"), rig.count("sound-late")), (1, 0));
}

#[test]
fn latency_is_added_only_while_sound_is_linked_and_the_pipeline_hears_of_it() {
    let mut rig = Rig::new(|_| ());
    let own = ClockTime::from_mseconds(200);
    rig.fuse.set_property("latency", own.nseconds());
    rig.harness.set_upstream_latency(FRAME);
    let (fuse, bus) = (rig.fuse.clone(), rig.bus.clone());
    let latency = || {
        let mut query = gst::query::Latency::new();
        assert!(fuse.static_pad("src").unwrap().query(&mut query));
        query.result().1
    };
    let was_told = || bus.pop_filtered(&[gst::MessageType::Latency]).is_some();
    assert!(was_told());
    assert_eq!(latency(), FRAME);
    rig.connect();
    assert!(was_told());
    rig.sound.as_mut().unwrap().set_upstream_latency(FRAME * 3);
    assert_eq!(latency(), FRAME * 3 + own);
    rig.sound = None;
    assert!(was_told());
    assert_eq!(latency(), FRAME);
    // What no clock can hold is as much as one can.
    rig.connect();
    rig.fuse.set_property("latency", i64::MAX as u64);
    rig.sound
        .as_mut()
        .unwrap()
        .set_upstream_latency(ClockTime::from_nseconds(u64::MAX - 9));
    assert_eq!(latency(), ClockTime::MAX);
}

#[test]
fn a_frame_carries_the_classes_that_an_answer_named() {
    let mut rig = Rig::connected();
    rig.hear(sound(0, 1, &[0.9, 0.1]));
    let classes = |it: &gst::Buffer| metas::classes(it).unwrap().len();
    assert_eq!(classes(&rig.see(frame(1, &[0.6, 0.4]))), 2);
    let mut only_bell = sound(1, 2, &[]);
    let bell = ClassScore {
        class: 0,
        confidence: 0.9,
    };
    metas::attach_to_sound(only_bell.get_mut().unwrap(), &[bell], &names(&["Bell"])).unwrap();
    rig.hear(only_bell);
    assert_eq!(classes(&rig.see(frame(2, &[0.6]))), 1);
}
