// SPDX-License-Identifier: MPL-2.0

use super::*;
use crate::random::Random;

const WIDTH: usize = 90;
const HEIGHT: usize = 70;
const STRIDE: usize = 3 * WIDTH + 2;
/// What pads rows, and must stay.
const PADDING: u8 = 77;

/// Soft shapes of all levels, with some grain.
fn picture() -> Vec<u8> {
    let mut random = Random::new(3);
    let mut samples = vec![PADDING; STRIDE * HEIGHT];
    for (y, row) in samples.chunks_mut(STRIDE).enumerate() {
        for (at, sample) in row[..3 * WIDTH].iter_mut().enumerate() {
            let (x, channel) = (at as f64 / 3.0, (at % 3) as f64);
            let wave = (x / 9.0 + channel).sin() + (y as f64 / 7.0).cos();
            *sample = (120.0 + 50.0 * wave + 4.0 * random.normal()).round() as u8;
        }
    }
    samples
}

fn corrupted(corruption: Corruption, strength: u8, seed: u64) -> Vec<u8> {
    let mut samples = picture();
    let picture = Rgb {
        samples: &mut samples,
        width: WIDTH,
        height: HEIGHT,
        stride: STRIDE,
    };
    corruption.apply(strength, seed, picture);
    samples
}

fn mean_square(one: &[u8], other: &[u8]) -> f64 {
    let squares = one
        .iter()
        .zip(other)
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    squares.sum::<f64>() / one.len() as f64
}

#[test]
fn each_strength_is_worse_than_the_one_before_and_leaves_the_padding() {
    for corruption in Corruption::ALL {
        // A mean over seeds, since where rows are lost, or where a blur leads, is chance.
        let errors = (1..=5).map(|strength| {
            let errors = (0..4).map(|seed| mean_square(&corrupted(corruption, strength, seed), &picture()));
            errors.sum::<f64>() / 4.0
        });
        let errors: Vec<f64> = errors.collect();
        assert!(
            errors.is_sorted() && 1.0 < errors[0],
            "{}: {errors:?}",
            corruption.name()
        );
        let samples = corrupted(corruption, 5, 1);
        assert!(
            samples.chunks(STRIDE).all(|row| row[3 * WIDTH..] == [PADDING; 2]),
            "{corruption:?}"
        );
    }
}

#[test]
fn a_seed_makes_the_same_picture_and_another_one_another() {
    use Corruption::*;
    for corruption in Corruption::ALL {
        assert_eq!(corrupted(corruption, 3, 5), corrupted(corruption, 3, 5));
        let by_chance = [GaussianNoise, ShotNoise, ImpulseNoise, MotionBlur, Fog, LostRows];
        assert_eq!(
            corrupted(corruption, 3, 5) != corrupted(corruption, 3, 6),
            by_chance.contains(&corruption),
            "{corruption:?}"
        );
        assert_eq!(Corruption::named(corruption.name()), Some(corruption));
    }
}

#[test]
fn noise_has_the_deviation_of_its_strength() {
    let flat = |corruption: Corruption, value: u8, strength| {
        let mut samples = vec![value; 3 * 200 * 200];
        let picture = Rgb {
            samples: &mut samples,
            width: 200,
            height: 200,
            stride: 600,
        };
        corruption.apply(strength, 1, picture);
        let count = samples.len() as f64;
        let mean = samples.iter().map(|it| f64::from(*it)).sum::<f64>() / count;
        let square = samples
            .iter()
            .map(|it| (f64::from(*it) - mean).powi(2))
            .sum::<f64>()
            / count;
        (mean, square.sqrt())
    };
    let (mean, deviation) = flat(Corruption::GaussianNoise, 128, 1);
    assert!(
        (mean - 128.0).abs() < 0.5 && (deviation - 20.4).abs() < 0.3,
        "{mean} {deviation}"
    );
    // Of 30 photons on average, the deviation is √30; 60 are white.
    let (mean, deviation) = flat(Corruption::ShotNoise, 128, 1);
    let right = 255.0 / 60.0 * (128.0f64 / 255.0 * 60.0).sqrt();
    assert!(
        (mean - 128.0).abs() < 0.5 && (deviation - right).abs() < 0.3,
        "{mean} {deviation} {right}"
    );
    // 3 % at a distance of 128 or 127.
    let (_, deviation) = flat(Corruption::ImpulseNoise, 128, 1);
    assert!((deviation - 127.5 * 0.03f64.sqrt()).abs() < 0.5, "{deviation}");
}

#[test]
fn blur_keeps_what_is_even_and_the_light() {
    for corruption in [Corruption::DefocusBlur, Corruption::MotionBlur] {
        let mut samples = vec![200; 3 * 40 * 30];
        fn small(samples: &mut [u8]) -> Rgb<'_> {
            Rgb {
                samples,
                width: 40,
                height: 30,
                stride: 120,
            }
        }
        corruption.apply(5, 2, small(&mut samples));
        assert!(samples.iter().all(|it| *it == 200), "{corruption:?}");
        samples.fill(0);
        // One bright block in the middle.
        for y in 13..17 {
            samples[120 * y + 54..][..12].fill(255);
        }
        let sum = |samples: &[u8]| samples.iter().map(|it| f64::from(*it)).sum::<f64>();
        let before = sum(&samples);
        corruption.apply(1, 2, small(&mut samples));
        assert!(
            (sum(&samples) / before - 1.0).abs() < 0.1,
            "{corruption:?}: {}",
            sum(&samples) / before
        );
    }
}

#[test]
fn what_does_not_fit_is_left_alone() {
    let mut samples = vec![9; 100];
    for (width, height, stride) in [(40, 2, 120), (0, 3, 9), (3, 0, 9), (3, 3, 8)] {
        for corruption in Corruption::ALL {
            let picture = Rgb {
                samples: &mut samples,
                width,
                height,
                stride,
            };
            corruption.apply(3, 1, picture);
        }
    }
    assert_eq!(samples, [9; 100]);
    // A picture of one pixel is a picture.
    for corruption in Corruption::ALL {
        let picture = Rgb {
            samples: &mut samples,
            width: 1,
            height: 1,
            stride: 3,
        };
        corruption.apply(9, 1, picture);
    }
    assert_eq!(samples[3..], [9; 97]);
}
