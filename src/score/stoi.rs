// SPDX-License-Identifier: MPL-2.0

//! How much of speech can be understood.
//!
//! C. H. Taal, R. C. Hendriks, R. Heusdens and J. Jensen, "An Algorithm for Intelligibility Prediction of Time-Frequency Weighted
//! Noisy Speech", IEEE Transactions on Audio, Speech, and Language Processing 19(7), 2011, as the authors' MATLAB and `pystoi`
//! compute it, in double precision.

use realfft::RealFftPlanner;

use super::sound::Energies;

/// Samples per second that the measure is defined at.
const RATE: u32 = 10_000;

/// Rates that sound has.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Samples of a frame; frames overlap by half.
const FRAME: usize = 256;
const HOP: usize = FRAME / 2;
const FFT: usize = 512;

/// Third-octave bands, from this centre frequency in hertz on.
const BANDS: usize = 15;
const LOWEST: f64 = 150.0;

/// Frames whose envelopes are compared: 384 ms.
const SEGMENT: usize = 30;

/// Frames that are quieter than the loudest by more decibels than this are pauses.
const RANGE_DB: f64 = 40.0;

/// Signal-to-distortion ratio in decibels below which a cell of time and frequency is lost anyway.
const CLIP_DB: f64 = -15.0;

/// Short-time objective intelligibility of `answer` against clean speech, about 0 to 1: monotonic in the share of words that
/// listeners understand. Both are aligned, at `rate` samples a second; what one has more is left out.
///
/// `None` where the truth has less than 30 frames (about 0.4 s) that are no pause, for samples that are no numbers, and for rates
/// outside of 1 to 768 kHz. About 10 ms for a second at 48 kHz; allocates.
pub fn stoi(answer: &[f32], truth: &[f32], rate: u32) -> Option<f64> {
    let length = answer.len().min(truth.len());
    let (answer, truth) = (&answer[..length], &truth[..length]);
    if !RATES.contains(&rate) || !Energies::of(answer, truth).has_reference() {
        return None;
    }
    let both = [truth, answer].map(|it| resampled(it, rate));
    let [truth, answer] = without_pauses(&both).map(|it| envelopes(&it));
    let segments = truth.len().checked_sub(SEGMENT)? + 1;
    let mut sum = 0.0;
    for at in 0..segments {
        for band in 0..BANDS {
            let of = |all: &[[f64; BANDS]]| std::array::from_fn(|it| all[at + it][band]);
            sum += correlation(of(&truth), of(&answer));
        }
    }
    Some(sum / (segments * BANDS) as f64).filter(|it| it.is_finite())
}

/// Correlation of two envelopes of one band, after the answer's was made as loud and clipped (equations 3 to 5).
fn correlation(truth: [f64; SEGMENT], answer: [f64; SEGMENT]) -> f64 {
    let norm = |it: &[f64; SEGMENT]| it.iter().map(|it| it * it).sum::<f64>().sqrt();
    let gain = norm(&truth) / (norm(&answer) + f64::EPSILON);
    let most = 1.0 + 10f64.powf(-CLIP_DB / 20.0);
    let clipped = std::array::from_fn(|it| (answer[it] * gain).min(truth[it] * most));
    let centred = |it: [f64; SEGMENT]| {
        let mean = it.iter().sum::<f64>() / SEGMENT as f64;
        let it = it.map(|it| it - mean);
        let norm = norm(&it) + f64::EPSILON;
        it.map(|it| it / norm)
    };
    let pairs = centred(truth).into_iter().zip(centred(clipped));
    pairs.map(|(one, other)| one * other).sum()
}

/// The Hann window without its zeros.
fn window() -> [f64; FRAME] {
    let step = std::f64::consts::TAU / (FRAME + 1) as f64;
    std::array::from_fn(|at| 0.5 - 0.5 * (step * (at + 1) as f64).cos())
}

/// Where frames begin; the last sample begins none.
fn starts(length: usize) -> impl Iterator<Item = usize> + Clone {
    (0..length.saturating_sub(FRAME)).step_by(HOP)
}

/// The frames in which the first has sound, of both, windowed and put together again.
fn without_pauses(both: &[Vec<f64>; 2]) -> [Vec<f64>; 2] {
    let window = window();
    let windowed = |samples: &[f64], start: usize| -> [f64; FRAME] {
        std::array::from_fn(|at| window[at] * samples[start + at])
    };
    let level = |start: usize| {
        let frame = windowed(&both[0], start);
        let norm = frame.iter().map(|it| it * it).sum::<f64>().sqrt();
        20.0 * (norm + f64::EPSILON).log10()
    };
    let levels: Vec<(usize, f64)> = starts(both[0].len()).map(|it| (it, level(it))).collect();
    let loudest = levels.iter().map(|it| it.1).fold(f64::NEG_INFINITY, f64::max);
    let kept: Vec<usize> = levels
        .iter()
        .filter(|it| loudest - RANGE_DB < it.1)
        .map(|it| it.0)
        .collect();
    both.each_ref().map(|samples| {
        let mut joined = vec![0.0; (kept.len() + 1) * HOP];
        for (at, start) in kept.iter().enumerate() {
            let place = &mut joined[at * HOP..][..FRAME];
            let frame = windowed(samples, *start);
            place.iter_mut().zip(frame).for_each(|(sum, it)| *sum += it);
        }
        joined
    })
}

/// Of each frame, the root of the energy in each band (equation 1).
fn envelopes(samples: &[f64]) -> Vec<[f64; BANDS]> {
    let window = window();
    let transform = RealFftPlanner::<f64>::new().plan_fft_forward(FFT);
    let (mut input, mut spectrum) = (transform.make_input_vec(), transform.make_output_vec());
    let edge = |band: f64| {
        let frequency = LOWEST * 2f64.powf((2.0 * band + 1.0) / 6.0);
        (frequency * FFT as f64 / f64::from(RATE)).round() as usize
    };
    let bands: [_; BANDS] = std::array::from_fn(|it| edge(it as f64 - 1.0)..edge(it as f64));
    let frame = |start: usize| {
        input.fill(0.0);
        for (at, place) in input[..FRAME].iter_mut().enumerate() {
            *place = window[at] * samples[start + at];
        }
        // Buffers of its own length: there is nothing that could fail.
        let _ = transform.process(&mut input, &mut spectrum);
        bands
            .clone()
            .map(|it| spectrum[it].iter().map(|it| it.norm_sqr()).sum::<f64>().sqrt())
    };
    starts(samples.len()).map(frame).collect()
}

/// At ten thousand samples a second, by a windowed sinc with 60 dB of rejection: Octave's `resample`, which the measure's published
/// figures rest on.
fn resampled(samples: &[f32], rate: u32) -> Vec<f64> {
    if rate == RATE {
        return samples.iter().map(|it| f64::from(*it)).collect();
    }
    let common = common_divisor(RATE, rate);
    let (up, down) = ((RATE / common) as usize, (rate / common) as usize);
    let cutoff = 1.0 / (2 * up.max(down)) as f64;
    let half = ((60.0 - 8.0) / (28.714 * cutoff / 10.0)).ceil() as usize;
    let (beta, scale) = (0.1102 * (60.0 - 8.7), 1.0 / half as f64);
    let tap = |at: usize| {
        let place = at as f64 - half as f64;
        let angle = std::f64::consts::TAU * cutoff * place;
        let sinc = if place == 0.0 { 1.0 } else { angle.sin() / angle };
        sinc * bessel(beta * (1.0 - (place * scale).powi(2)).max(0.0).sqrt())
    };
    let taps: Vec<f64> = (0..=2 * half).map(tap).collect();
    let gain = up as f64 / taps.iter().sum::<f64>();
    let output = |at: usize| {
        // The sum over samples of x[k] h[at·down + half - k·up].
        let end = at * down + half;
        let first = end.saturating_sub(2 * half).div_ceil(up);
        let last = (end / up + 1).min(samples.len()).max(first);
        let inner = (first..last).map(|it| f64::from(samples[it]) * taps[end - it * up]);
        gain * inner.sum::<f64>()
    };
    (0..(samples.len() * up).div_ceil(down)).map(output).collect()
}

/// The modified Bessel function of the first kind and order zero, by its power series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut at) = (1.0, 1.0, 1.0);
    while sum * f64::EPSILON < term {
        term *= (x / (2.0 * at)).powi(2);
        sum += term;
        at += 1.0;
    }
    sum
}

fn common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 {
        one
    } else {
        common_divisor(other, one % other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds of something that rises and falls as speech does, and noise.
    fn speech_and_noise(rate: u32) -> (Vec<f32>, Vec<f32>) {
        let mut state = 7u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let length = 2 * rate;
        let time = |at: u32| at as f32 / rate as f32;
        let loudness = |at: u32| (time(at) * 17.0).sin().max(0.0);
        let speech = (0..length).map(|at| loudness(at) * noise()).collect();
        (speech, (0..length).map(|_| noise()).collect())
    }

    fn mixed(speech: &[f32], noise: &[f32], gain: f32) -> Vec<f32> {
        speech
            .iter()
            .zip(noise)
            .map(|(it, noise)| it + gain * noise)
            .collect()
    }

    #[test]
    fn noise_takes_intelligibility_and_loudness_does_not() {
        for rate in [10_000, 16_000, 44_100] {
            let (speech, noise) = speech_and_noise(rate);
            let of = |answer: &[f32]| stoi(answer, &speech, rate).unwrap();
            assert!((of(&speech) - 1.0).abs() < 1e-9);
            let louder: Vec<f32> = speech.iter().map(|it| 3.0 * it).collect();
            assert!((of(&louder) - 1.0).abs() < 1e-9);
            let (some, much) = (of(&mixed(&speech, &noise, 0.3)), of(&mixed(&speech, &noise, 3.0)));
            assert!(much < some && some < 1.0, "{rate}: {some} {much}");
            assert!(of(&vec![0.0; speech.len()]).abs() < 1e-9);
        }
    }

    #[test]
    fn what_is_too_short_silent_or_no_number_has_none() {
        let (speech, _) = speech_and_noise(10_000);
        assert_eq!(stoi(&speech[..3000], &speech, 10_000), None);
        assert_eq!(stoi(&[], &[], 10_000), None);
        assert_eq!(stoi(&speech, &vec![0.0; speech.len()], 10_000), None);
        assert_eq!(stoi(&speech, &speech, 0), None);
        assert_eq!(stoi(&speech, &speech, u32::MAX), None);
        let mut broken = speech.clone();
        broken[50] = f32::NAN;
        assert_eq!(stoi(&broken, &speech, 10_000), None);
        assert_eq!(stoi(&speech, &broken, 10_000), None);
    }
}
