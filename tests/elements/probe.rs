// SPDX-License-Identifier: MPL-2.0

//! avrec-probe on the harness: what passes, what it measures, and that the reference never holds it up.

use std::time::{Duration, Instant};

use gst::ClockTime;
use gst::prelude::*;
use gstavrec::elements::stamp;
use gstavrec::messages::ProbeMessage;

use crate::support::init;

const CAPS: &str = "video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1";
const FRAME: ClockTime = ClockTime::from_mseconds(40);

/// A probe between two harness pads, on a bus of its own.
struct Rig {
    probe: gst::Element,
    harness: gst_check::Harness,
    reference: Option<gst_check::Harness>,
    bus: gst::Bus,
}

impl Rig {
    fn new() -> Rig {
        Rig::with(|_| ())
    }

    fn with(configure: impl FnOnce(&gst::Element)) -> Rig {
        init();
        let probe = gst::ElementFactory::make("avrec-probe").build().unwrap();
        configure(&probe);
        let bus = gst::Bus::new();
        probe.set_bus(Some(&bus));
        let mut harness = gst_check::Harness::with_element(&probe, Some("sink"), Some("src"));
        harness.set_src_caps_str(CAPS);
        harness.play();
        Rig {
            probe,
            harness,
            reference: None,
            bus,
        }
    }

    fn connect(&mut self, caps: &str) {
        let mut reference = gst_check::Harness::with_element(&self.probe, Some("reference"), None);
        reference.set_src_caps_str(caps);
        reference.play();
        self.reference = Some(reference);
    }

    fn push(&mut self, buffer: gst::Buffer) -> gst::Buffer {
        self.harness.push_and_pull(buffer).unwrap()
    }

    fn push_reference(&mut self, buffer: gst::Buffer) {
        self.reference.as_mut().unwrap().push(buffer).unwrap();
    }

    fn end(&mut self) {
        assert!(self.harness.push_event(gst::event::Eos::new()));
    }

    fn stats(&self) -> gst::Structure {
        self.probe.property("stats")
    }

    fn count(&self, field: &str) -> u64 {
        self.stats().get(field).unwrap()
    }

    /// The messages that are on the bus now, and the number of warnings among the others.
    fn drain(&self) -> (Vec<ProbeMessage>, usize) {
        let (mut messages, mut warnings) = (Vec::new(), 0);
        for message in std::iter::from_fn(|| self.bus.pop()) {
            match message.view() {
                gst::MessageView::Element(element) => {
                    messages.push(ProbeMessage::try_from(element.structure().unwrap()).unwrap());
                }
                gst::MessageView::Warning(_) => warnings += 1,
                gst::MessageView::Error(error) => panic!("{error:?}"),
                _ => (),
            }
        }
        (messages, warnings)
    }

    fn messages(&self) -> Vec<ProbeMessage> {
        self.drain().0
    }

    /// The figures of the whole stream as its last message tells them.
    fn last_message(&self) -> ProbeMessage {
        let message = self.messages().pop().unwrap();
        assert!(message.is_final);
        message
    }
}

/// A frame of slopes and grain with `change` added to each sample.
fn frame(number: u64, change: u8) -> gst::Buffer {
    picture(number, change, 64, 48)
}

fn picture(number: u64, change: u8, width: usize, height: usize) -> gst::Buffer {
    let sample = |at: usize| {
        let (x, y) = (at % width, at / width);
        (40 + x + 2 * y + (at * 7919 + number as usize) % 13) as u8 + change
    };
    let mut buffer = gst::Buffer::from_slice((0..width * height).map(sample).collect::<Vec<u8>>());
    let at = buffer.get_mut().unwrap();
    at.set_pts(FRAME * number);
    at.set_duration(FRAME);
    buffer
}

fn stamped(mut buffer: gst::Buffer, age: ClockTime) -> gst::Buffer {
    stamp::stamp(buffer.get_mut().unwrap(), gst::get_timestamp() - age);
    buffer
}

fn segment(base: ClockTime, start: ClockTime) -> gst::event::Event {
    let mut segment = gst::FormattedSegment::<ClockTime>::new();
    segment.set_base(base);
    segment.set_start(start);
    segment.set_time(start);
    gst::event::Segment::new(&segment)
}

#[test]
fn frames_pass_as_they_are_with_a_new_stamp() {
    let mut rig = Rig::new();
    for number in 0..5 {
        let old = gst::get_timestamp() - ClockTime::from_mseconds(3);
        let mut sent = frame(number, 0);
        stamp::stamp(sent.get_mut().unwrap(), old);
        let memory = sent.peek_memory(0).as_ptr();
        let got = rig.push(sent);
        assert_eq!((got.pts(), got.duration()), (Some(FRAME * number), Some(FRAME)));
        assert_eq!(got.peek_memory(0).as_ptr(), memory);
        assert_eq!(got.iter_meta::<gst::ReferenceTimestampMeta>().count(), 1);
        assert!(old + ClockTime::from_mseconds(3) <= stamp::read(&got).unwrap());
    }
    let stats = rig.stats();
    assert_eq!(
        (stats.get::<u64>("frames"), stats.get::<u64>("unstamped")),
        (Ok(5), Ok(0))
    );
    let latency = |field| Duration::from_nanos(stats.get::<u64>(field).unwrap());
    assert!(Duration::from_millis(3) <= latency("latency-p50-ns"));
    assert!(latency("latency-p50-ns") <= latency("latency-p99-ns"));
    assert!(latency("latency-p99-ns") <= latency("latency-max-ns"));
}

#[test]
fn frames_without_a_stamp_have_no_latency_but_count() {
    let mut rig = Rig::new();
    rig.push(frame(0, 0));
    assert_eq!((rig.count("frames"), rig.count("unstamped")), (1, 1));
    assert!(!rig.stats().has_field("latency-p50-ns"));
    rig.push(stamped(frame(1, 0), ClockTime::MSECOND));
    assert_eq!((rig.count("frames"), rig.count("unstamped")), (2, 1));
    assert!(rig.stats().has_field("latency-p50-ns"));
}

#[test]
fn latency_above_the_budget_is_a_miss() {
    let mut rig = Rig::with(|probe| probe.set_property("budget", ClockTime::from_seconds(60).nseconds()));
    rig.push(stamped(frame(0, 0), ClockTime::from_seconds(50)));
    rig.push(stamped(frame(1, 0), ClockTime::from_seconds(70)));
    assert_eq!((rig.count("misses"), rig.count("budget-ns")), (1, 60_000_000_000));

    // While playing; the frame duration is 40 ms by the caps.
    rig.probe.set_property("budget", 0u64);
    rig.push(stamped(frame(2, 0), ClockTime::from_mseconds(41)));
    assert_eq!((rig.count("misses"), rig.count("budget-ns")), (2, 40_000_000));
}

#[test]
fn a_message_comes_each_interval_of_running_time() {
    let mut rig = Rig::with(|probe| probe.set_property("interval", (FRAME * 5).nseconds()));
    for number in 0..12 {
        rig.push(stamped(frame(number, 0), ClockTime::MSECOND));
    }
    let messages = rig.messages();
    let frames: Vec<_> = messages
        .iter()
        .map(|it| (it.pts.unwrap() / FRAME, it.summary.frames))
        .collect();
    assert_eq!(frames, [(5, 6), (10, 5)]);
    assert_eq!(messages[0].running_time, messages[0].pts);
    assert!(messages[0].summary.latencies.is_some() && messages[0].fidelity.is_none());

    rig.probe.set_property("interval", 0u64);
    rig.push(frame(12, 0));
    rig.push(frame(13, 0));
    let frames: Vec<_> = rig.messages().iter().map(|it| it.summary.frames).collect();
    assert_eq!(frames, [2, 1]);
    rig.end();
    assert_eq!(rig.last_message().summary.frames, 0);
}

#[test]
fn lists_queries_and_events_pass() {
    let mut rig = Rig::new();
    let list: gst::BufferList = (0..3)
        .map(|number| stamped(frame(number, 0), ClockTime::MSECOND))
        .collect();
    let sink = rig.probe.static_pad("sink").unwrap();
    let peer = sink.peer().unwrap();
    peer.push_list(list).unwrap();
    let pts: Vec<_> = (0..3)
        .map(|_| rig.harness.pull().unwrap().pts().unwrap() / FRAME)
        .collect();
    assert_eq!((pts, rig.count("frames")), (vec![0, 1, 2], 3));

    rig.connect(CAPS);
    rig.harness
        .set_sink_caps_str("video/x-raw,format=NV12,width=[2,99]");
    let mut query = gst::query::Caps::new(None);
    assert!(sink.query(&mut query));
    assert_eq!(
        query.result_owned().unwrap(),
        "video/x-raw,format=NV12,width=[2,99]"
            .parse::<gst::Caps>()
            .unwrap()
    );
    let custom = gst::event::CustomDownstream::new(gst::Structure::new_empty("told"));
    assert!(rig.harness.push_event(custom));
    let events = std::iter::from_fn(|| rig.harness.try_pull_event());
    assert!(
        events
            .into_iter()
            .any(|event| event.structure().is_some_and(|it| it.name() == "told"))
    );
    assert!(rig.harness.push_upstream_event(gst::event::Reconfigure::new()));
}

#[test]
fn audio_has_latency_and_its_buffer_duration_for_a_budget() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    let caps = "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved";
    rig.harness.set_src_caps_str(caps);
    rig.push(stamped(frame(0, 0), ClockTime::from_mseconds(50)));
    rig.end();
    let message = rig.last_message();
    assert_eq!((message.summary.misses, message.summary.budget), (1, Some(FRAME)));
    assert_eq!(message.fidelity.map(|it| (it.pairs, it.unmatched)), Some((0, 1)));
}

#[test]
fn equal_frames_have_the_best_quality() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    for number in 0..4 {
        rig.push_reference(frame(number, 0));
        rig.push(frame(number, 0));
    }
    rig.end();
    let fidelity = rig.last_message().fidelity.unwrap();
    assert_eq!((fidelity.pairs, fidelity.unmatched), (4, 0));
    let (psnr, ssim) = fidelity.means.unwrap();
    assert!(psnr == 100.0 && 0.9999 < ssim, "{psnr} {ssim}");
}

#[test]
fn a_known_error_has_its_psnr_in_message_and_stats() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    // The frame may come before its reference.
    for number in 0..4 {
        rig.push(frame(number, 5));
        rig.push_reference(frame(number, 0));
    }
    rig.end();
    let (psnr, ssim) = rig.last_message().fidelity.unwrap().means.unwrap();
    // GRAY8 is of full range; 20 log10(255 / 5).
    assert!(
        (psnr - 34.1514).abs() < 1e-3 && 0.9 < ssim && ssim < 1.0,
        "{psnr} {ssim}"
    );
    let stats = rig.stats();
    assert_eq!(stats.get::<f64>("psnr-db").unwrap(), psnr);
    assert_eq!(stats.get::<f64>("window-psnr-db").unwrap(), psnr);
    assert_eq!(stats.get::<f64>("window-ssim").unwrap(), ssim);
    assert_eq!((rig.count("pairs"), rig.count("unmatched")), (4, 0));
}

#[test]
fn frames_are_matched_by_running_time_over_segments_and_loops() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    // The reference's own time is an hour ahead.
    let hour = ClockTime::from_seconds(3600);
    for (turn, base) in [ClockTime::ZERO, FRAME * 3].into_iter().enumerate() {
        assert!(rig.harness.push_event(segment(base, ClockTime::ZERO)));
        assert!(rig.reference.as_mut().unwrap().push_event(segment(base, hour)));
        for number in 0..3 {
            let mut reference = frame(number, 0);
            reference.get_mut().unwrap().set_pts(hour + FRAME * number);
            rig.push_reference(reference);
            rig.push(frame(number, turn as u8));
        }
    }
    rig.end();
    let fidelity = rig.last_message().fidelity.unwrap();
    assert_eq!((fidelity.pairs, fidelity.unmatched), (6, 0));
}

#[test]
fn a_reference_of_another_size_is_told_once_and_the_stream_goes_on() {
    let mut rig = Rig::new();
    rig.connect("video/x-raw,format=GRAY8,width=32,height=24,framerate=25/1");
    for number in 0..4 {
        rig.push(frame(number, 0));
        rig.push_reference(picture(number, 0, 32, 24));
    }
    rig.end();
    let (messages, warnings) = rig.drain();
    let fidelity = messages.last().unwrap().fidelity.unwrap();
    assert_eq!((fidelity.pairs, fidelity.unmatched, fidelity.means), (0, 4, None));
    assert_eq!(warnings, 1);
}

#[test]
fn a_flush_forgets_what_waited() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    rig.push(frame(0, 0));
    rig.push_reference(frame(1, 0));
    assert!(rig.harness.push_event(gst::event::FlushStart::new()));
    assert!(rig.harness.push_event(gst::event::FlushStop::new(true)));
    assert!(rig.harness.push_event(segment(ClockTime::ZERO, ClockTime::ZERO)));
    rig.push(frame(1, 0));
    rig.end();
    let fidelity = rig.last_message().fidelity.unwrap();
    assert_eq!((fidelity.pairs, fidelity.unmatched), (0, 2));
}

#[test]
fn the_end_waits_for_a_missing_reference_no_longer_than_it_says() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    rig.push(frame(0, 0));
    let start = Instant::now();
    rig.end();
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(
        rig.last_message().fidelity.map(|it| (it.pairs, it.unmatched)),
        Some((0, 1))
    );

    // With the reference at its end there is nothing to wait for.
    let mut rig = Rig::new();
    rig.connect(CAPS);
    rig.push(frame(0, 0));
    assert!(rig.reference.as_mut().unwrap().push_event(gst::event::Eos::new()));
    let start = Instant::now();
    rig.end();
    assert!(start.elapsed() < Duration::from_millis(400));
}

#[test]
fn what_happens_on_the_reference_stays_there() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    rig.push(frame(0, 0));
    while rig.harness.try_pull_event().is_some() {}
    let reference = rig.reference.as_mut().unwrap();
    assert!(reference.push_event(segment(FRAME, FRAME)));
    assert!(reference.push_event(gst::event::Eos::new()));
    assert!(rig.harness.try_pull_event().is_none());
    rig.push(frame(1, 0));
    assert_eq!(rig.count("frames"), 2);
}

#[test]
fn a_reference_pad_may_go_and_come_while_playing() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    let pad = rig.probe.static_pad("reference").unwrap();
    rig.push(frame(0, 0));
    rig.reference = None;
    if rig.probe.static_pad("reference").is_some() {
        rig.probe.release_request_pad(&pad);
    }
    assert!(rig.probe.static_pad("reference").is_none());
    assert!(!rig.stats().has_field("pairs"));
    rig.push(frame(1, 0));
    rig.connect(CAPS);
    rig.push_reference(frame(2, 0));
    rig.push(frame(2, 0));
    rig.end();
    assert_eq!(rig.last_message().fidelity.map(|it| it.pairs), Some(1));
}

#[test]
fn streams_of_two_threads_are_compared_while_states_change() {
    init();
    // The pattern counts frames, so a wrong match would show.
    let pipeline = gst::parse::launch(
        "videotestsrc num-buffers=60 pattern=ball ! video/x-raw,format=I420,width=160,height=90 ! tee name=t \
         t. ! queue ! avrec-probe ! identity ! avrec-probe name=p interval=400000000 ! fakesink \
         t. ! queue ! p.reference",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let bus = pipeline.bus().unwrap();
    for _ in 0..3 {
        pipeline.set_state(gst::State::Playing).unwrap();
        let end = [gst::MessageType::Eos, gst::MessageType::Error];
        let end = bus
            .timed_pop_filtered(ClockTime::from_seconds(20), &end)
            .expect("an end");
        assert_eq!(end.type_(), gst::MessageType::Eos);
        let probe = pipeline.by_name("p").unwrap();
        let stats = || probe.property::<gst::Structure>("stats");
        let count = |field| stats().get::<u64>(field).unwrap();
        assert_eq!((count("frames"), count("unstamped")), (60, 0));
        // The pipeline ends with its sink; the reference, which has none, and the comparison may come after that.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while count("pairs") + count("unmatched") < 60 {
            assert!(std::time::Instant::now() < end, "{}", stats());
            std::thread::yield_now();
        }
        assert_eq!(count("pairs") + count("unmatched"), 60);
        assert!(0 < count("pairs"));
        let stats = stats();
        assert_eq!(stats.get::<f64>("psnr-db").unwrap(), 100.0);
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

/// Label, confidence, and left, top, width and height.
type Labeled<'a> = (&'a str, f64, (u32, u32, u32, u32));

/// A frame with regions of interest.
fn with_boxes(number: u64, boxes: &[Labeled]) -> gst::Buffer {
    let mut buffer = frame(number, 0);
    for (label, confidence, rect) in boxes {
        let buffer = buffer.get_mut().unwrap();
        let mut meta = gst_video::VideoRegionOfInterestMeta::add(buffer, label, *rect);
        let detection = gst::Structure::builder("detection").field("confidence", *confidence);
        meta.add_param(detection.build());
    }
    buffer
}

const CAT: (&str, f64, (u32, u32, u32, u32)) = ("cat", 0.9, (4, 4, 20, 20));
const DOG: (&str, f64, (u32, u32, u32, u32)) = ("dog", 1.0, (36, 8, 16, 16));

#[test]
fn the_last_message_tells_of_the_whole_stream() {
    let mut rig = Rig::new();
    rig.probe.set_property("interval", (FRAME * 3).nseconds());
    rig.probe.set_property("info-messages", true);
    for number in 0..8 {
        rig.push(stamped(frame(number, 0), ClockTime::from_mseconds(2)));
    }
    rig.end();
    let mut lines = Vec::new();
    let mut last = None;
    for message in std::iter::from_fn(|| rig.bus.pop()) {
        match message.view() {
            gst::MessageView::Info(info) => lines.push(info.error().message().to_owned()),
            gst::MessageView::Element(it) => last = ProbeMessage::try_from(it.structure().unwrap()).ok(),
            _ => (),
        }
    }
    let last = last.unwrap();
    assert!(last.summary.frames < 8, "{last:?}");
    assert_eq!(last.total.unwrap().0.summary.frames, 8);
    let told = lines.pop().unwrap();
    assert!(told.starts_with("in all: 8 frames, 0 missed"), "{told}");
    assert!(told.contains("ms median"), "{told}");
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[test]
fn boxes_are_compared_by_f1_and_average_precision() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    for number in 0..4 {
        rig.push_reference(with_boxes(number, &[("cat", 1.0, CAT.2), DOG]));
        // On every second frame the cat alone is found, and on the others both.
        rig.push(with_boxes(
            number,
            if number % 2 == 0 { &[CAT] } else { &[CAT, DOG] },
        ));
    }
    rig.end();
    let (mut messages, warnings) = rig.drain();
    let structure = gst::Structure::from(messages.pop().unwrap());
    assert_eq!((structure.get::<u64>("pairs"), warnings), (Ok(4), 0));
    let f1: f64 = structure.get("f1").unwrap();
    assert!((f1 - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-9, "{f1}");
    // Of the cat 1, of the dog half of the recall at full precision.
    assert!(
        (structure.get::<f64>("map").unwrap() - 0.75).abs() < 1e-9,
        "{structure}"
    );
    assert!(
        structure.get::<f64>("ssim").is_err(),
        "the pixels are the same whatever was found"
    );
    assert_eq!(rig.stats().get::<f64>("f1").unwrap(), f1);
}

#[test]
fn a_reference_that_says_something_else_is_told_once() {
    let mut rig = Rig::new();
    rig.connect(CAPS);
    for number in 0..8 {
        rig.push_reference(frame(number, 0));
        rig.push(with_boxes(number, &[CAT]));
    }
    rig.end();
    let (messages, warnings) = rig.drain();
    let fidelity = messages.last().unwrap().fidelity.unwrap();
    assert_eq!((fidelity.pairs, fidelity.unmatched, warnings), (0, 8, 1));
}

/// Samples of sound from a place in the stream on: a tone, and noise that is orthogonal to it over 160 samples.
fn sound(start: u64, samples: u64, noise: f32) -> gst::Buffer {
    let wave = |at: u64, period: f32| (std::f32::consts::TAU * at as f32 / period).sin();
    let sample = |at: u64| 0.5 * wave(at, 40.0) + noise * wave(at, 16.0);
    let bytes: Vec<u8> = (start..start + samples)
        .flat_map(|at| sample(at).to_le_bytes())
        .collect();
    let mut buffer = gst::Buffer::from_slice(bytes);
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(ClockTime::from_useconds(start * 125));
    writable.set_duration(ClockTime::from_useconds(samples * 125));
    buffer
}

#[test]
fn sound_is_compared_where_it_lies_at_the_same_time_however_it_is_cut() {
    const SOUND: &str = "audio/x-raw,format=F32LE,rate=8000,channels=1,layout=interleaved";
    let mut rig = Rig::new();
    rig.connect(SOUND);
    rig.harness.set_src_caps_str(SOUND);
    let reference = |rig: &mut Rig, number: u64| rig.push_reference(sound(number * 240, 240, 0.0));
    for number in 0..6 {
        rig.push(stamped(
            sound(number * 160, 160, 0.05),
            ClockTime::from_mseconds(2),
        ));
        if number < 4 {
            reference(&mut rig, number);
        }
    }
    rig.end();
    let message = rig.last_message();
    assert!(message.summary.latencies.is_some(), "sound has latency too");
    let structure = gst::Structure::from(message);
    let (pairs, unmatched) = (
        structure.get::<u64>("pairs").unwrap(),
        structure.get::<u64>("unmatched").unwrap(),
    );
    // Two of three buffers of the answer meet a border between two of the reference.
    assert_eq!((pairs, unmatched), (8, 0), "{structure}");
    let ratio: f64 = structure.get("si-sdr-db").unwrap();
    assert!((ratio - 20.0).abs() < 0.5, "{ratio}");
    assert_eq!(rig.stats().get::<f64>("si-sdr-db").unwrap(), ratio);
}

#[test]
fn times_that_are_milliseconds_by_mistake_are_told_with_what_to_write() {
    gst::init().unwrap();
    gstavrec::plugin_register_static().unwrap();
    let probe = gst::ElementFactory::make("avrec-probe")
        .property("budget", 30u64)
        .build()
        .unwrap();
    let bus = gst::Bus::new();
    probe.set_bus(Some(&bus));
    probe.set_state(gst::State::Paused).unwrap();
    probe.set_property("interval", 1_000u64);
    probe.set_property("interval", 0u64);
    let warnings: Vec<String> = bus
        .iter_filtered(&[gst::MessageType::Warning])
        .map(|it| match it.view() {
            gst::MessageView::Warning(it) => format!("{} {:?}", it.error(), it.debug()),
            _ => String::new(),
        })
        .collect();
    probe.set_state(gst::State::Null).unwrap();
    let [budget, interval] = &warnings[..] else {
        panic!("{warnings:#?}")
    };
    assert!(
        budget.contains("30 nanoseconds") && budget.contains("budget=30000000"),
        "{budget}"
    );
    assert!(interval.contains("interval=1000000000"), "{interval}");
}
