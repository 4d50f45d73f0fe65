// SPDX-License-Identifier: MPL-2.0

//! Noise of single samples.

use super::rgb::Rgb;
use crate::media::perturb;
use crate::random::Random;

/// Adds normal noise; its deviation is a share of white.
pub(super) fn gaussian(picture: &mut Rgb, deviation: f32, seed: u64) {
    let mut state = Random::new(seed).bits() | 1;
    for sample in picture.rows().flatten() {
        let noise = 255.0 * deviation * perturb::normal(&mut state);
        // `as` clips to 0..=255.
        *sample = (f32::from(*sample) + noise).round() as u8;
    }
}

/// Draws that a value of a sample has in the table.
const DRAWS: usize = 4096;

/// Each sample is a count of photons, of which white has as many on average.
pub(super) fn shot(picture: &mut Rgb, photons: f64, seed: u64) {
    // What becomes of a sample depends on its value alone, so the quantiles of all 256 distributions are enough.
    let table: Vec<u8> = (0..=u8::MAX)
        .flat_map(|it| quantiles(f64::from(it) / 255.0 * photons, photons))
        .collect();
    let mut random = Random::new(seed);
    for sample in picture.rows().flatten() {
        let draw = random.bits() as usize % DRAWS;
        *sample = table[usize::from(*sample) * DRAWS + draw];
    }
}

/// The quantiles of a Poisson distribution of this mean, as samples of which white has `photons`.
fn quantiles(mean: f64, photons: f64) -> Vec<u8> {
    let mut count = 0.0;
    let mut probability = (-mean).exp();
    let mut below = probability;
    let draw = |index: usize| (index as f64 + 0.5) / DRAWS as f64;
    let values = (0..DRAWS).map(|index| {
        while below < draw(index) && count < 20.0 + 10.0 * photons {
            count += 1.0;
            probability *= mean / count;
            below += probability;
        }
        (count / photons * 255.0).round() as u8
    });
    values.collect()
}

/// Makes a share of the samples black or white.
pub(super) fn impulse(picture: &mut Rgb, share: f64, seed: u64) {
    let mut random = Random::new(seed);
    for sample in picture.rows().flatten() {
        let place = random.unit();
        if place < share {
            *sample = if place < share / 2.0 { 0 } else { u8::MAX };
        }
    }
}
