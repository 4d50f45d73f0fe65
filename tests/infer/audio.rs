// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer` on sound: counts and times of samples, rates, channels, breaks, latency, formats.

use gst::ClockTime;
use gst::prelude::*;

use crate::support::infer::Bench;
use crate::support::infer_audio::{Ears, START, caps, error, interleave, sweep, voice};
use crate::support::models::{self, has_ort};

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
        if backend == "ort" && !has_ort() {
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
    if !has_ort() {
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
fn jitter_of_5_ms_neither_drains_nor_resets_and_is_smoothed() {
    let sound = sweep(16_000, 8000, 200.0, 300.0);
    let mut ears = Ears::new("low_pass", "", 16_000, 1);
    for (index, part) in sound.chunks(160).enumerate() {
        let mut buffer = ears.buffer(part);
        let jitter = ClockTime::from_mseconds([0, 5, 2, 4, 1][index % 5]);
        let pts = buffer.pts().unwrap() + jitter;
        buffer.get_mut().unwrap().set_pts(pts);
        ears.push_buffer(buffer);
    }
    ears.end();
    assert_eq!(ears.pieces.iter().filter(|it| it.is_discont).count(), 1);
    assert!(error(&low_pass(&sound), &ears.sound) < 1e-5, "the state goes on");
    ears.check_times();
}

#[test]
fn time_stamps_below_zero_or_earlier_than_before_leave_as_they_came() {
    const MS: u64 = 1_000_000;
    // Test sources make time stamps below zero after seeks, which come as ones near 2^64.
    let below_zero = 0u64.wrapping_sub(25 * MS);
    for starts in [
        [below_zero, 5000 * MS],
        [5000 * MS, 3000 * MS],
        [5000 * MS, below_zero],
    ] {
        let mut ears = Ears::new("low_pass", "", 16_000, 1);
        let sound = sweep(16_000, 1600, 200.0, 300.0);
        let mut expected = Vec::new();
        for start in starts {
            for (index, part) in sound.chunks(160).enumerate() {
                let mut buffer = ears.buffer(part);
                let pts = start.wrapping_add(index as u64 * 10 * MS);
                buffer.get_mut().unwrap().set_pts(ClockTime::from_nseconds(pts));
                ears.push_buffer(buffer);
                expected.extend((0..160).map(|it| pts.wrapping_add(it * 62_500)));
            }
        }
        ears.end();
        assert_eq!(ears.sound.len(), expected.len());
        let mut count = 0;
        for piece in &ears.pieces {
            let pts = piece.pts.expect("none is lost").nseconds();
            assert_eq!(pts, expected[count], "{piece:?} at {count}, from {starts:?}");
            count += piece.samples;
        }
        // Each stretch was answered as if it were the only one, so there was one new alignment and no more.
        for part in ears.sound.chunks(1600) {
            assert!(error(&low_pass(&sound), part) < 1e-5, "{starts:?}");
        }
        assert_eq!(ears.pieces.iter().filter(|it| it.is_discont).count(), 2);
    }
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
    ears.bench.harness.set_src_caps(caps("F32LE", 16_000, 2));
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
    type Spell = fn(f32) -> Vec<u8>;
    let spell: [(&str, Spell); 3] = [
        ("S16LE", |it| ((it * 32_768.0) as i16).to_le_bytes().into()),
        ("S32LE", |it| {
            ((f64::from(it) * 2_147_483_648.0) as i32).to_le_bytes().into()
        }),
        ("F64LE", |it| f64::from(it).to_le_bytes().into()),
    ];
    for (format, spell) in spell {
        let mut bench = Bench::new("late_48k", "");
        bench.harness.set_src_caps(caps(format, 48_000, 1));
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

/// Sets another model and pushes sound until it has taken over for good.
fn replace(ears: &mut Ears, model: &str, mut next: impl FnMut(u64) -> Vec<f32>) {
    let path = models::model(model);
    ears.bench
        .element
        .set_property("model-file", path.to_str().unwrap());
    let wait = ClockTime::from_mseconds(1);
    loop {
        let sound = next(ears.pushed);
        ears.push(&sound);
        let message = ears
            .bench
            .bus
            .timed_pop_filtered(wait, &[gst::MessageType::Element]);
        if message.is_some_and(|it| it.has_name("avrec/model-loaded")) {
            break;
        }
    }
    // The old model is heard until the new one is warm.
    for _ in 0..10 {
        let sound = next(ears.pushed);
        ears.push(&sound);
    }
}

#[test]
fn a_swap_between_delays_loses_nothing_and_makes_no_step() {
    let tone = |first: u64| -> Vec<f32> {
        let sample = |index: u64| (std::f64::consts::TAU * 441.7 * index as f64 / 48_000.0).sin() as f32;
        (first..first + 1000).map(sample).collect()
    };
    let mut ears = Ears::new("late_48k", "", 48_000, 1);
    ears.bench.message("avrec/model-loaded");
    ears.push(&tone(0));
    for model in ["later_48k", "late_48k", "later_48k"] {
        replace(&mut ears, model, tone);
    }
    ears.end();
    ears.check_times();
    let expected: Vec<f32> = (0..ears.pushed / 1000).flat_map(|it| tone(1000 * it)).collect();
    assert!(
        error(&expected, &ears.sound) < 1e-6,
        "{}",
        error(&expected, &ears.sound)
    );
    assert_eq!(
        ears.bench
            .element
            .property::<gst::Structure>("stats")
            .get::<u64>("swaps"),
        Ok(3)
    );
}

#[test]
fn a_swap_between_unlike_models_fades_from_one_to_the_other() {
    let mut ears = Ears::new("negate_48k", "", 48_000, 1);
    ears.bench.message("avrec/model-loaded");
    ears.push(&[0.5; 480]);
    replace(&mut ears, "half_48k", |_| vec![0.5; 480]);
    ears.end();
    ears.check_times();
    assert_eq!(
        (ears.sound.first(), ears.sound.last()),
        (Some(&-0.5), Some(&0.25))
    );
    // 0.75 within 480 samples.
    let steps = ears.sound.windows(2).map(|it| it[1] - it[0]);
    assert!(steps.clone().all(|it| (0.0..0.75 / 470.0).contains(&it)));
    assert_eq!(steps.filter(|it| *it != 0.0).count(), 481);
}

#[test]
fn a_model_that_leaves_the_sound_alone_may_take_over_and_give_back() {
    let mut ears = Ears::new("late_48k", "", 48_000, 1);
    ears.bench.message("avrec/model-loaded");
    let sound = sweep(48_000, 960, 100.0, 900.0);
    let next = |_| sound.clone();
    ears.push(&sound);
    replace(&mut ears, "pitch", next);
    replace(&mut ears, "late_48k", next);
    ears.end();
    ears.check_times();
    assert!(ears.sound.chunks(960).all(|it| it == sound));
}

#[test]
fn a_model_that_cannot_take_over_leaves_the_old_one_running() {
    let mut ears = Ears::new("negate_48k", "", 48_000, 1);
    ears.bench.message("avrec/model-loaded");
    ears.push(&[0.5; 480]);
    for (model, words) in [
        ("unsaid_rate", "sample_rate=16000"),
        ("twice_luma", "the model is for frames"),
        ("swap_stereo", "channels=2"),
    ] {
        let path = models::model(model);
        ears.bench
            .element
            .set_property("model-file", path.to_str().unwrap());
        let warning = ears.bench.complaint(gst::MessageType::Warning);
        assert!(warning.contains(words), "{warning}");
    }
    ears.push(&[0.25; 480]);
    ears.end();
    ears.check_times();
    assert_eq!(ears.sound[480..], [-0.25; 480]);
}

#[test]
fn a_classifier_tells_what_is_heard_when_and_the_sound_passes() {
    let silence = vec![0.0; 16_000];
    let tone = |frequency: f64| sweep(16_000, 16_000, frequency, frequency);
    let sound = [silence, tone(200.0), tone(5000.0)].concat();
    for (rate, channels, sizes) in [
        (16_000, 1, [333, 1024, 7000]),
        (48_000, 2, [333, 1024, 7000]),
        (48_000, 2, [100; 3]),
    ] {
        let factor = rate as usize / 16_000;
        let sound: Vec<f32> = match factor {
            1 => sound.clone(),
            _ => [
                vec![0.0; 48_000],
                sweep(48_000, 48_000, 200.0, 200.0),
                sweep(48_000, 48_000, 5000.0, 5000.0),
            ]
            .concat(),
        };
        let sound = interleave(&vec![sound; channels]);
        let mut ears = Ears::new("pitch", "post-messages=true", rate, channels);
        ears.pour(&sound, &sizes);
        ears.end();
        assert!(ears.sound == sound);
        ears.check_times();
        let mut count = 0;
        while let Some(message) = ears.bench.bus.pop_filtered(&[gst::MessageType::Element]) {
            let Some(structure) = message.structure().filter(|it| it.name() == "avrec/classes") else {
                continue;
            };
            let (pts, duration) = (
                structure.get::<ClockTime>("pts").unwrap(),
                structure.get::<ClockTime>("duration"),
            );
            // Windows of 100 ms, each half over the one before.
            let expected = START + count * ClockTime::from_mseconds(50);
            assert!(
                pts.nseconds().abs_diff(expected.nseconds()) <= 1,
                "{pts} at {count}"
            );
            assert!(duration.unwrap().nseconds().abs_diff(100_000_000) <= 1);
            let classes = structure.get::<gst::Array>("classes").unwrap();
            let best = classes[0].get::<gst::Structure>().unwrap();
            let heard = count / 20;
            // A window over a change may be either, and the resampler rings there.
            if (2..18).contains(&(count % 20)) {
                let label = ["silence", "low", "high"][heard as usize];
                assert_eq!(best.get::<&str>("label"), Ok(label), "{count}");
                assert!(0.9 < best.get::<f64>("confidence").unwrap());
            }
            count += 1;
        }
        assert!((57..=59).contains(&count), "{count}");
    }
}

#[test]
fn a_stride_of_windows_leaves_out_those_between() {
    let mut ears = Ears::new("pitch", "post-messages=true inference-interval=4", 16_000, 1);
    ears.pour(&[0.1; 16_000], &[500]);
    let mut times = Vec::new();
    while let Some(message) = ears.bench.bus.pop_filtered(&[gst::MessageType::Element]) {
        if let Some(structure) = message.structure().filter(|it| it.name() == "avrec/classes") {
            times.push(structure.get::<ClockTime>("pts").unwrap() - START);
        }
    }
    let expected: Vec<_> = (0..5).map(|it| ClockTime::from_mseconds(200 * it)).collect();
    assert_eq!(times, expected);
}

#[test]
fn what_is_heard_stands_on_the_buffer_that_ends_the_window() {
    let mut ears = Ears::new("pitch", "", 16_000, 1);
    let mut answers = Vec::new();
    for part in sweep(16_000, 4800, 200.0, 200.0).chunks(800) {
        let buffer = ears.buffer(part);
        let buffer = ears.bench.harness.push_and_pull(buffer).unwrap();
        answers.push(gstavrec::media::metas::classes(&buffer).map(|it| it[0].class));
    }
    // Class numbers of metas stand for labels; what counts is that they are there and agree.
    assert_eq!(answers[0], None);
    assert!(answers[1].is_some() && answers[1..].iter().all(|it| *it == answers[1]));
}

#[test]
fn each_misfit_of_sound_and_model_says_what_to_change() {
    type Feed = fn(&mut Bench);
    let feed_odd: Feed = |it| it.harness.set_src_caps(caps("F32LE", 44_101, 1));
    let feed_mono: Feed = |it| it.harness.set_src_caps(caps("F32LE", 48_000, 1));
    let feed_video: Feed = |it| {
        it.caps("I420", 32, 16);
    };
    let feed_part: Feed = |it| {
        it.harness.set_src_caps(caps("F32LE", 48_000, 1));
        let _ = it
            .harness
            .push(gst::Buffer::from_mut_slice(vec![0u8; 4 * 480 + 2]));
    };
    let feed_negative: Feed = |it| {
        it.harness.set_src_caps(caps("F32LE", 16_000, 1));
        let bytes: Vec<u8> = (0..320).flat_map(|_| (-0.5f32).to_le_bytes()).collect();
        let _ = it.harness.push(gst::Buffer::from_mut_slice(bytes));
    };
    for (model, properties, feed, words) in [
        (
            "late_16k",
            "",
            feed_odd,
            &["44101 Hz", "16000 Hz", "audioresample"][..],
        ),
        (
            "swap_stereo",
            "",
            feed_mono,
            &["1 channel(s)", "channels=2", "audioconvert"],
        ),
        ("twice_luma", "", feed_mono, &["is for frames", "for sound"]),
        ("negate_48k", "", feed_video, &["is for sound", "for frames"]),
        ("negate_48k", "", feed_part, &["1922 bytes", "4-byte"]),
        ("root", "", feed_negative, &["root.onnx", "NaN"]),
        (
            "unsaid_rate",
            "",
            feed_mono,
            &["sample rate", "'sample_rate=16000' to section [x]", "modelinfo"],
        ),
        ("pitch", "task=audio", feed_mono, &["'logits'", "task=tensor"]),
        (
            "negate_48k",
            "task=image",
            feed_mono,
            &["for sound", "task=audio"],
        ),
        (
            "pitch",
            "output=overlay",
            feed_mono,
            &["output=overlay", "output=meta"],
        ),
    ] {
        let mut bench = Bench::new(model, properties);
        feed(&mut bench);
        let error = bench.complaint(gst::MessageType::Error);
        for word in words {
            assert!(error.contains(word), "{model} {properties}: {error}");
        }
    }
}

/// Scale-invariant ratio of signal to distortion in dB (Le Roux et al. 2019).
fn si_sdr(truth: &[f32], got: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum::<f64>()
    };
    let scale = dot(truth, got) / dot(truth, truth);
    let rest: f64 = truth
        .iter()
        .zip(got)
        .map(|(a, b)| (f64::from(*b) - scale * f64::from(*a)).powi(2))
        .sum();
    10.0 * (scale * scale * dot(truth, truth) / rest).log10()
}

#[test]
fn the_denoisers_take_noise_from_a_voice_and_leave_it_where_it_was() {
    let voice = voice();
    let mut seed = 1u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let level = (voice.iter().map(|it| it * it).sum::<f32>() / voice.len() as f32).sqrt();
    // 5 dB below the voice; the power of the noise is a third.
    let gain = level * 3f32.sqrt() * 10f32.powf(-5.0 / 20.0);
    let noisy: Vec<f32> = voice.iter().map(|it| it + gain * noise()).collect();
    let before = si_sdr(&voice, &noisy);
    assert!((4.0..6.0).contains(&before), "{before}");
    for name in ["denoise-small", "denoise-medium", "denoise-large"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("models")
            .join(name);
        let mut ears = Ears::new(path.with_extension("onnx").to_str().unwrap(), "", 48_000, 1);
        ears.pour(&noisy, &SIZES);
        ears.end();
        ears.check_times();
        let after = si_sdr(&voice, &ears.sound);
        assert!(before + 3.0 < after, "{name}: {before} dB to {after} dB");
    }
}

#[test]
fn a_nan_costs_its_window_and_does_not_stay_in_recurrent_state() {
    let mut ears = Ears::new("voice_form", "post-messages=true", 16_000, 1);
    let mut sound = vec![0.0f32; 512 * 6];
    sound[700] = f32::NAN;
    ears.pour(&sound, &[300]);
    ears.end();
    let mut scores = Vec::new();
    while let Some(message) = ears.bench.bus.pop_filtered(&[gst::MessageType::Element]) {
        if let Some(structure) = message.structure().filter(|it| it.name() == "avrec/score") {
            let window = (structure.get::<ClockTime>("pts").unwrap() - START) / ClockTime::from_mseconds(32);
            scores.push((window, structure.get::<f64>("score").unwrap()));
        }
    }
    // The rate, and 1000 for each run that the state has seen.
    let expected = [
        (0, 16_000.0),
        (2, 16_000.0),
        (3, 17_000.0),
        (4, 18_000.0),
        (5, 19_000.0),
    ];
    assert_eq!(scores, expected);
}
