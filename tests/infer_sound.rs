// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer` on sound: counts and times of samples, rates, channels, breaks, latency, formats.

mod common;
mod sound_support;

use gst::ClockTime;
use gst::prelude::*;
use sound_support::{Ears, START, error, interleave, sweep, voice};

/// Sizes of buffers that no hop divides, and some that one does.
const SIZES: [usize; 7] = [1, 37, 480, 1024, 999, 160, 4800];

#[test]
fn as_many_samples_come_out_as_went_in_each_at_its_time() {
    for (model, rate) in [
        ("negate_48k", 48_000),
        ("late_48k", 48_000),
        ("late_16k", 16_000),
        ("late_16k", 48_000),
        ("late_16k", 44_100),
        ("late_48k", 32_000),
        ("low_pass", 16_000),
        ("any_length", 16_000),
        ("half_48k", 96_000),
    ] {
        for sizes in [&SIZES[..], &[480], &[441], &[100_000]] {
            for samples in [1, 777, 20_000] {
                let mut ears = Ears::new(model, "", rate, 1);
                ears.pour(&sweep(rate, samples, 50.0, 3000.0), sizes);
                ears.end();
                ears.check_times();
            }
        }
    }
}

#[test]
fn an_answer_stands_where_its_question_stood_whatever_the_delay() {
    let voice = voice();
    for (model, sign) in [
        ("late_48k", 1.0),
        ("later_48k", 1.0),
        ("negate_48k", -1.0),
        ("half_48k", 0.5),
    ] {
        let mut ears = Ears::new(model, "", 48_000, 1);
        ears.pour(&voice, &SIZES);
        ears.end();
        let expected: Vec<f32> = voice.iter().map(|it| sign * it).collect();
        assert!(
            ears.sound == expected,
            "{model}: {}",
            error(&expected, &ears.sound)
        );
    }
}

#[test]
fn a_model_of_another_rate_answers_at_the_same_place() {
    for rate in [48_000, 44_100, 22_050, 8000] {
        let mut ears = Ears::new("late_16k", "", rate, 1);
        // Well below half of either rate.
        let sound = sweep(rate, 30_000, 100.0, 2800.0);
        ears.pour(&sound, &SIZES);
        ears.end();
        // The very ends have less to be made of.
        let inner = 1000..29_000;
        let error = error(&sound[inner.clone()], &ears.sound[inner]);
        assert!(error < 0.002, "{rate}: {error}");
    }
}

/// The filter of `low_pass`, in one go and with more digits.
fn low_pass(sound: &[f32]) -> Vec<f32> {
    let mut last = 0.0;
    let one = |it: &f32| {
        last = 0.9 * last + 0.1 * f64::from(*it);
        last as f32
    };
    sound.iter().map(one).collect()
}

#[test]
fn recurrent_state_goes_from_hop_to_hop_as_if_the_sound_were_one() {
    for backend in ["ort", "rten"] {
        if backend == "ort" && !common::has_ort() {
            continue;
        }
        let voice = voice();
        let mut ears = Ears::new("low_pass", &format!("backend={backend}"), 16_000, 1);
        ears.pour(&voice, &SIZES);
        ears.end();
        let error = error(&low_pass(&voice), &ears.sound);
        assert!(error < 1e-5, "{backend}: {error}");
    }
}

#[test]
fn each_channel_has_state_of_its_own() {
    let channels: Vec<Vec<f32>> = (1..=3)
        .map(|n| sweep(16_000, 8000, 50.0, 900.0 * f64::from(n)))
        .collect();
    let mut ears = Ears::new("low_pass", "", 16_000, 3);
    ears.pour(&interleave(&channels), &SIZES);
    ears.end();
    ears.check_times();
    for (index, channel) in channels.iter().enumerate() {
        assert!(error(&low_pass(channel), &ears.channel(index)) < 1e-5);
    }
}

#[test]
fn a_mix_is_answered_once_for_all_channels() {
    let channels = [
        sweep(16_000, 8000, 50.0, 900.0),
        sweep(16_000, 8000, 300.0, 200.0),
    ];
    let mut ears = Ears::new("low_pass", "channels=mix", 16_000, 2);
    ears.pour(&interleave(&channels), &SIZES);
    ears.end();
    ears.check_times();
    let mean: Vec<f32> = channels[0]
        .iter()
        .zip(&channels[1])
        .map(|(a, b)| 0.5 * (a + b))
        .collect();
    assert!(error(&low_pass(&mean), &ears.channel(0)) < 1e-5);
    assert!(ears.channel(0) == ears.channel(1));
}

#[test]
fn a_model_for_stereo_hears_both_channels() {
    let channels = [voice(), voice().into_iter().rev().collect::<Vec<_>>()];
    let mut ears = Ears::new("swap_stereo", "", 48_000, 2);
    ears.pour(&interleave(&channels), &SIZES);
    ears.end();
    assert!(ears.channel(0) == channels[1] && ears.channel(1) == channels[0]);
}

#[test]
fn half_floats_are_as_good_as_they_are() {
    if !common::has_ort() {
        return;
    }
    let sound = sweep(16_000, 5000, 100.0, 4000.0);
    let mut ears = Ears::new("late_half", "", 16_000, 1);
    ears.pour(&sound, &SIZES);
    ears.end();
    assert!(error(&sound, &ears.sound) < 1e-3);
}

#[test]
fn once_the_delay_is_filled_each_buffer_comes_out_as_long_as_one_went_in() {
    // 720 samples of delay, and hops of 480 made of buffers of 480.
    let mut ears = Ears::new("late_48k", "", 48_000, 1);
    for _ in 0..10 {
        ears.push(&[0.25; 480]);
    }
    let lengths: Vec<_> = ears.pieces.iter().map(|it| it.samples).collect();
    assert_eq!(lengths, [240, 480, 480, 480, 480, 480, 480, 480, 480]);
    // Buffers of 1024 share 32 with the hop, so that 448 more must wait.
    let mut ears = Ears::new("late_48k", "", 48_000, 1);
    for _ in 0..6 {
        ears.push(&[0.25; 1024]);
    }
    let lengths: Vec<_> = ears.pieces.iter().map(|it| it.samples).collect();
    assert_eq!(lengths, [2 * 1024 - 720 - 448, 1024, 1024, 1024, 1024]);
    assert_eq!(ears.pieces[1].pts, Some(ears.time(2 * 1024 - 720 - 448)));
}

#[test]
fn the_latency_is_the_delay_and_what_it_takes_to_gather_a_hop() {
    let latency = |model: &str, rate| {
        let mut ears = Ears::new(model, "", rate, 1);
        ears.push(&[0.1; 10]);
        let delay = ears
            .bench
            .element
            .property::<gst::Structure>("stats")
            .get::<u64>("algorithmic-delay-ns");
        let mut query = gst::query::Latency::new();
        let pad = ears.bench.element.static_pad("src").unwrap();
        assert!(pad.query(&mut query));
        let (_, min, _) = query.result();
        (delay.unwrap(), min.nseconds())
    };
    assert_eq!(
        latency("late_48k", 48_000),
        (15_000_000, (720 + 479) * 1_000_000 / 48 + 1)
    );
    assert_eq!(latency("negate_48k", 48_000), (0, 479 * 1_000_000 / 48 + 1));
    // 100 samples at 16 kHz, and a block of the resampler there and back.
    assert_eq!(latency("late_16k", 48_000).0, 6_250_000 + 10_000_000);
}

#[test]
fn a_break_drains_what_waits_and_forgets_state() {
    let sound = sweep(16_000, 1000, 200.0, 300.0);
    for is_flagged in [true, false] {
        let mut ears = Ears::new("low_pass", "", 16_000, 1);
        ears.pour(&sound, &[100]);
        let mut buffer = ears.buffer(&sound);
        let later = START + ClockTime::from_mseconds(500);
        let buffer_ref = buffer.get_mut().unwrap();
        if is_flagged {
            buffer_ref.set_flags(gst::BufferFlags::DISCONT);
        } else {
            buffer_ref.set_pts(later);
        }
        ears.push_buffer(buffer);
        ears.end();
        let expected = low_pass(&sound);
        assert!(error(&expected, &ears.sound[..1000]) < 1e-5);
        assert!(error(&expected, &ears.sound[1000..]) < 1e-5);
        let start = ears.pieces.iter().rposition(|it| it.is_discont).unwrap();
        let before: usize = ears.pieces[..start].iter().map(|it| it.samples).sum();
        assert_eq!(before, 1000);
        let expected = if is_flagged { ears.time(1000) } else { later };
        assert_eq!(ears.pieces[start].pts, Some(expected));
    }
}

#[test]
fn times_that_are_rounded_to_a_millisecond_break_nothing_and_stay_as_they_are() {
    let sound = sweep(44_100, 40_960, 200.0, 300.0);
    let mut ears = Ears::new("late_16k", "", 44_100, 1);
    for part in sound.chunks(1024) {
        let mut buffer = ears.buffer(part);
        let pts = buffer.pts().unwrap().mseconds();
        buffer.get_mut().unwrap().set_pts(ClockTime::from_mseconds(pts));
        ears.push_buffer(buffer);
    }
    ears.end();
    assert_eq!(ears.sound.len(), sound.len());
    assert_eq!(ears.pieces.iter().filter(|it| it.is_discont).count(), 1);
    assert!(error(&sound[2000..38_000], &ears.sound[2000..38_000]) < 0.002);
}

#[test]
fn a_gap_is_silence_whatever_stands_in_it() {
    let mut ears = Ears::new("negate_48k", "", 48_000, 1);
    ears.push(&[0.25; 480]);
    let mut gap = ears.buffer(&[0.25; 480]);
    gap.get_mut().unwrap().set_flags(gst::BufferFlags::GAP);
    ears.push_buffer(gap);
    ears.push(&[0.25; 480]);
    ears.end();
    ears.check_times();
    assert_eq!(ears.sound[..480], [-0.25; 480]);
    assert!(ears.sound[480..960].iter().all(|it| *it == 0.0));
}

#[test]
fn a_flush_drops_what_waits_and_state() {
    let sound = sweep(16_000, 1000, 200.0, 300.0);
    let mut ears = Ears::new("low_pass", "", 16_000, 1);
    ears.pour(&sound, &[100]);
    let before = ears.sound.len();
    assert!(before < 1000);
    ears.bench.harness.push_event(gst::event::FlushStart::new());
    ears.bench.harness.push_event(gst::event::FlushStop::new(true));
    ears.take();
    assert_eq!(ears.sound.len(), before);
    let segment = gst::FormattedSegment::<ClockTime>::new();
    ears.bench.harness.push_event(gst::event::Segment::new(&segment));
    ears.pour(&sound, &[100]);
    ears.end();
    assert!(error(&low_pass(&sound), &ears.sound[before..]) < 1e-5);
}

#[test]
fn other_caps_and_other_segments_drain_first() {
    let sound = sweep(16_000, 1000, 200.0, 300.0);
    let mut ears = Ears::new("low_pass", "", 16_000, 1);
    ears.pour(&sound, &[100]);
    ears.bench
        .harness
        .set_src_caps(sound_support::caps("F32LE", 16_000, 2));
    ears.take();
    assert_eq!(ears.sound.len(), 1000);
    ears.channels = 2;
    ears.pour(&interleave(&[sound.clone(), sound.clone()]), &[100]);
    let segment = gst::FormattedSegment::<ClockTime>::new();
    ears.bench.harness.push_event(gst::event::Segment::new(&segment));
    ears.take();
    assert_eq!(ears.sound.len(), 3000);
    assert!(error(&low_pass(&sound), &ears.sound[..1000]) < 1e-5);
}

#[test]
fn integers_and_doubles_go_in_and_come_out() {
    let voice = voice();
    let spell: [(&str, fn(f32) -> Vec<u8>); 3] = [
        ("S16LE", |it| ((it * 32_768.0) as i16).to_le_bytes().into()),
        ("S32LE", |it| {
            ((f64::from(it) * 2_147_483_648.0) as i32).to_le_bytes().into()
        }),
        ("F64LE", |it| f64::from(it).to_le_bytes().into()),
    ];
    for (format, spell) in spell {
        let mut bench = common::Bench::new("late_48k", "");
        bench.harness.set_src_caps(sound_support::caps(format, 48_000, 1));
        let bytes: Vec<u8> = voice.iter().flat_map(|it| spell(*it)).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes.clone());
        buffer.get_mut().unwrap().set_pts(START);
        bench.harness.push(buffer).unwrap();
        bench.harness.push_event(gst::event::Eos::new());
        let mut got = Vec::new();
        while let Some(buffer) = bench.harness.try_pull() {
            got.extend_from_slice(&buffer.map_readable().unwrap());
        }
        assert!(got == bytes, "{format}");
    }
}
