// SPDX-License-Identifier: MPL-2.0

//! Stretches of sound to see and to hear.

use std::time::Duration;

use super::item::Clip;
use crate::tap;

/// Samples a second of what can be listened to, at most.
const RATE: u32 = 16_000;

/// Columns of the wave.
const COLUMNS: usize = 300;

/// All channels as one.
pub fn clip(channels: &[Vec<f32>], rate: u32) -> Clip {
    let length = channels.iter().map(Vec::len).min().unwrap_or(0);
    let mixed: Vec<f32> = (0..length)
        .map(|at| {
            let sum: f32 = channels.iter().map(|it| it[at]).sum();
            let mean = sum / channels.len() as f32;
            if mean.is_finite() {
                mean.clamp(-1.0, 1.0)
            } else {
                0.0
            }
        })
        .collect();
    let factor = rate.div_ceil(RATE).max(1) as usize;
    // The mean of neighbors is filter enough for a sample of a page.
    let samples = mixed.chunks(factor).map(|it| {
        let mean = it.iter().sum::<f32>() / it.len() as f32;
        (mean * f32::from(i16::MAX)).round() as i16
    });
    let rate = rate / factor as u32;
    let file = tap::Clip {
        what: String::new(),
        start: Duration::ZERO,
        rate,
        samples: samples.collect(),
    };
    Clip {
        wave: wave(&mixed),
        wav: file.wav(),
        rate,
    }
}

fn wave(samples: &[f32]) -> Vec<(f32, f32)> {
    let part = samples.len().div_ceil(COLUMNS).max(1);
    let ends = |it: &[f32]| {
        it.iter()
            .fold((0f32, 0f32), |(low, high), it| (low.min(*it), high.max(*it)))
    };
    samples.chunks(part).map(ends).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_becomes_one_channel_of_a_file_that_plays() {
        let left: Vec<f32> = (0..48_000).map(|it| (it as f32 * 0.05).sin()).collect();
        let right = vec![0.0; 48_000];
        let clip = clip(&[left, right], 48_000);
        assert_eq!(
            (clip.rate, clip.wav.len(), clip.wave.len()),
            (16_000, 44 + 2 * 16_000, 300)
        );
        assert!(
            clip.wave
                .iter()
                .all(|it| -0.51 < it.0 && it.1 < 0.51 && it.0 < it.1)
        );
    }

    #[test]
    fn what_is_no_sound_is_silence() {
        assert!(clip(&[], 16_000).wave.is_empty());
        let odd = clip(&[vec![f32::NAN, f32::INFINITY, 9.0]], 0);
        assert_eq!(odd.wave, [(0.0, 0.0), (0.0, 0.0), (0.0, 1.0)]);
    }
}
