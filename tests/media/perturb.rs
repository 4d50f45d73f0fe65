// SPDX-License-Identifier: MPL-2.0

//! Perturbed frames differ from the given ones by exactly what was asked for, and by little.

use gst_video::{VideoFormat, VideoFrameRef};
use gstavrec::media::degrade::{Degraded, degrade};
use gstavrec::media::luma::luma_plane;
use gstavrec::media::perturb::Perturbation;
use gstavrec::plane::Plane;

use crate::support::frames::*;

const FORMATS: [VideoFormat; 6] = [
    VideoFormat::Gray8,
    VideoFormat::I420,
    VideoFormat::Nv12,
    VideoFormat::Rgb,
    VideoFormat::Bgra,
    VideoFormat::Xrgb,
];

/// The content under a perturbation, and the frame of it.
fn perturbed(format: VideoFormat, perturbation: Perturbation, seed: u64) -> (Frame, Frame) {
    let (before, mut after) = (
        Frame::new(format, 65, 47, "1:4:0:0", slope),
        Frame::new(format, 65, 47, "1:4:0:0", slope),
    );
    let info = after.info.clone();
    let buffer = after.buffer.make_mut();
    let mut writable = VideoFrameRef::from_buffer_ref_writable(buffer, &info).unwrap();
    perturbation.apply(&mut writable, seed).unwrap();
    drop(writable);
    (before, after)
}

fn luma(frame: &Frame) -> Plane {
    let frame = VideoFrameRef::from_buffer_ref_readable(&frame.buffer, &frame.info).unwrap();
    luma_plane(&frame).unwrap()
}

/// A sample of luma, or of red.
fn sample(frame: &Frame, x: usize, y: usize) -> f64 {
    let (step, red) = match frame.info.format() {
        VideoFormat::Rgb => (3, 0),
        VideoFormat::Bgra => (4, 2),
        VideoFormat::Xrgb => (4, 1),
        _ => (1, 0),
    };
    frame.sample(0, x * step + red, y)
}

fn samples(frame: &Frame) -> Vec<f64> {
    frame.pixels().map(|(x, y)| sample(frame, x, y)).collect()
}

#[test]
fn noise_has_its_deviation_and_is_that_of_its_seed() {
    for format in FORMATS {
        let (before, after) = perturbed(format, Perturbation::Noise, 7);
        let (before, after) = (samples(&before), samples(&after));
        let n = before.len() as f64;
        let differences = || before.iter().zip(&after).map(|(a, b)| b - a);
        let mean = differences().sum::<f64>() / n;
        let sd = (differences().map(|it| it * it).sum::<f64>() / n).sqrt();
        assert!(mean.abs() < 0.15, "{format}: mean {mean}");
        assert!((1.9..2.2).contains(&sd), "{format}: deviation {sd}");
        assert_eq!(after, samples(&perturbed(format, Perturbation::Noise, 7).1));
        assert_ne!(after, samples(&perturbed(format, Perturbation::Noise, 8).1));
    }
}

#[test]
fn brightness_is_three_percent() {
    for format in FORMATS {
        let (before, after) = perturbed(format, Perturbation::Brightness, 0);
        for (before, after) in samples(&before).iter().zip(samples(&after)) {
            assert_eq!(after, (before * 1.03).round().min(255.0), "{format}");
        }
    }
}

#[test]
fn blur_is_the_mean_of_nine() {
    for format in FORMATS {
        let (before, after) = perturbed(format, Perturbation::Blur, 0);
        let at = |x: usize, y: usize| sample(&before, x.min(64), y.min(46));
        for (x, y) in after.pixels() {
            let sum: f64 = (0..9)
                .map(|it| at((x + it % 3).saturating_sub(1), (y + it / 3).saturating_sub(1)))
                .sum();
            assert!(
                (sample(&after, x, y) - sum / 9.0).abs() <= 0.5,
                "{format} {x},{y}"
            );
        }
    }
}

#[test]
fn a_shift_moves_every_plane_and_can_be_undone() {
    for format in FORMATS {
        let (before, after) = perturbed(format, Perturbation::Shift, 0);
        assert_eq!(Perturbation::Shift.columns(), 1);
        for (x, y) in after.pixels() {
            let expected = sample(&before, x.saturating_sub(1), y);
            assert_eq!(sample(&after, x, y), expected, "{format} {x},{y}");
        }
        let (before, after) = (luma(&before), luma(&after));
        for (before, after) in before.samples.chunks(65).zip(after.samples.chunks(65)) {
            assert_eq!(before[..64], after[1..], "{format}");
        }
    }
}

#[test]
fn what_is_not_read_is_not_perturbed() {
    gst::init().unwrap();
    let info = gst_video::VideoInfo::builder(VideoFormat::V210, 64, 48)
        .build()
        .unwrap();
    let mut buffer = gst::Buffer::from_mut_slice(vec![0x5au8; info.size()]);
    let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &info).unwrap();
    assert!(Perturbation::Noise.apply(&mut frame, 1).is_err());
}

/// A frame degraded for an answer of this size, and what should show it again.
fn degraded(
    content: Content,
    format: VideoFormat,
    size: (u32, u32),
    answer: (usize, usize),
) -> (Frame, Frame, Option<Degraded>) {
    let (before, mut after) = (
        Frame::new(format, size.0, size.1, "1:4:0:0", content),
        Frame::new(format, size.0, size.1, "1:4:0:0", content),
    );
    let info = after.info.clone();
    let buffer = after.buffer.make_mut();
    let mut writable = VideoFrameRef::from_buffer_ref_writable(buffer, &info).unwrap();
    let degraded = degrade(&mut writable, answer, 7).unwrap();
    drop(writable);
    (before, after, degraded)
}

#[test]
fn for_an_upscaler_the_frame_becomes_mirrored_tiles_of_its_smaller_self() {
    for format in FORMATS {
        let (before, after, what) = degraded(gentle, format, (64, 48), (128, 96));
        assert_eq!(
            what,
            Some(Degraded {
                part: (64, 48),
                answer: (128, 96)
            })
        );
        // A tile's pixel is the mean around four of the frame, and a slope has its middle's value there.
        for (x, y) in [(5, 7), (20, 11), (31, 23)] {
            let mean =
                [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| sample(&before, 2 * x + dx, 2 * y + dy));
            let mean = mean.iter().sum::<f64>() / 4.0;
            let got = sample(&after, x, y);
            assert!(
                (got - mean).abs() < 12.0,
                "{format}: {got}, expected about {mean}"
            );
            assert_eq!(got, sample(&after, 63 - x, y), "{format}: mirrored");
            assert_eq!(got, sample(&after, x, 47 - y), "{format}: mirrored");
        }
    }
}

#[test]
fn for_an_answer_of_the_frames_size_it_gets_noise_of_a_known_level() {
    for format in FORMATS {
        let (before, after, what) = degraded(slope, format, (64, 48), (64, 48));
        assert_eq!(what.map(|it| it.part), Some((64, 48)));
        let differences: Vec<f64> = samples(&before)
            .iter()
            .zip(samples(&after))
            .map(|(a, b)| b - a)
            .collect();
        let power = differences.iter().map(|it| it * it).sum::<f64>() / differences.len() as f64;
        // A little less than 15, for what is clipped.
        assert!((11.0..16.0).contains(&power.sqrt()), "{format}: {}", power.sqrt());
    }
}

#[test]
fn what_could_say_nothing_is_not_tried() {
    assert_eq!(
        degraded(slope, VideoFormat::I420, (64, 48), (32, 24)).2,
        None,
        "the answer is smaller"
    );
    assert_eq!(
        degraded(slope, VideoFormat::I420, (64, 48), (512, 384)).2,
        None,
        "the tile is too small"
    );
}
