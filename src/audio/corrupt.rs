// SPDX-License-Identifier: MPL-2.0

//! Sound corrupted as rooms, microphones and transmission corrupt it, in five strengths each.
//!
//! The strengths are those at which denoisers and recognizers are usually compared; where they come from stands with each.
//! The same seed makes the same sound, and all channels are treated alike, so that what lies between them stays.

use crate::random::Random;

/// What corruptions have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    Noise,
    /// Room and microphone.
    Acoustics,
    /// Recording and transmission.
    Digital,
}

impl Group {
    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Group::Noise => "noise",
            Group::Acoustics => "acoustics",
            Group::Digital => "digital",
        }
    }
}

/// A kind of corruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Corruption {
    /// White noise at 20 to 0 dB, the ratios of Aurora-2 (Hirsch and Pearce, 2000).
    Noise,
    /// Noise with the spectrum and the syllables of six talkers, at the same ratios.
    Babble,
    /// Peaks cut off, so that 20 to 3 dB of signal to distortion are left, as declipping is compared (Záviška et al., 2021).
    Clipping,
    /// Nothing above 7 (wide band telephony), 4, 3.4 (telephony), 2 and 1 kHz.
    BandLimit,
    /// A room: echoes that fall by 60 dB in 0.3 to 1.8 s, from 6 dB below the direct sound to 6 dB above.
    Reverberation,
    /// Packets of 20 ms that did not arrive, 2 to 30 %, in bursts (Gilbert, 1960).
    PacketLoss,
    /// The μ-law of G.711 with 7 to 3 bits a sample, where it has 8.
    Codec,
}

impl Corruption {
    pub const ALL: [Corruption; 7] = [
        Corruption::Noise,
        Corruption::Babble,
        Corruption::Clipping,
        Corruption::BandLimit,
        Corruption::Reverberation,
        Corruption::PacketLoss,
        Corruption::Codec,
    ];

    /// What tables and settings call it.
    pub fn name(self) -> &'static str {
        match self {
            Corruption::Noise => "noise",
            Corruption::Babble => "babble",
            Corruption::Clipping => "clipping",
            Corruption::BandLimit => "band-limit",
            Corruption::Reverberation => "reverberation",
            Corruption::PacketLoss => "packet-loss",
            Corruption::Codec => "codec",
        }
    }

    /// The corruption of a [`name`](Corruption::name).
    pub fn named(name: &str) -> Option<Corruption> {
        Corruption::ALL.into_iter().find(|it| it.name() == name)
    }

    pub fn group(self) -> Group {
        match self {
            Corruption::Noise | Corruption::Babble => Group::Noise,
            Corruption::Reverberation | Corruption::BandLimit => Group::Acoustics,
            Corruption::Clipping | Corruption::PacketLoss | Corruption::Codec => Group::Digital,
        }
    }

    /// Corrupts samples, each -1 to 1, by channel; `rate` is in samples a second. `strength` is 1 to 5, what lies beyond
    /// counts as the nearest. Silence has no noise ratio and stays silent.
    pub fn apply(self, strength: u8, seed: u64, channels: &mut [Vec<f32>], rate: u32) {
        let of = usize::from(strength.clamp(1, 5)) - 1;
        let mut random = Random::new(seed);
        let length = channels.iter().map(Vec::len).max().unwrap_or_default();
        if length == 0 || rate == 0 {
            return;
        }
        match self {
            Corruption::Noise => {
                let noise: Vec<f32> = (0..length).map(|_| random.normal() as f32).collect();
                add(channels, &noise, RATIOS[of]);
            }
            Corruption::Babble => add(channels, &babble(length, rate, &mut random), RATIOS[of]),
            Corruption::Clipping => clip(channels, [20.0, 15.0, 10.0, 7.0, 3.0][of]),
            Corruption::BandLimit => {
                let edge = [7000.0, 4000.0, 3400.0, 2000.0, 1000.0][of];
                channels
                    .iter_mut()
                    .for_each(|it| low_pass(it, edge, f64::from(rate)));
            }
            Corruption::Reverberation => {
                let (seconds, echoes) = [(0.3, -6.0), (0.6, -3.0), (0.9, 0.0), (1.2, 3.0), (1.8, 6.0)][of];
                let room = Room::new(seconds, echoes, rate, &mut random);
                channels.iter_mut().for_each(|it| room.sound(it));
            }
            Corruption::PacketLoss => lose(channels, [0.02, 0.05, 0.1, 0.2, 0.3][of], rate, &mut random),
            Corruption::Codec => {
                let steps = f32::from([64u8, 32, 16, 8, 4][of]);
                channels
                    .iter_mut()
                    .flatten()
                    .for_each(|it| *it = coded(*it, steps));
            }
        }
    }
}

/// Decibels of signal to noise.
const RATIOS: [f64; 5] = [20.0, 15.0, 10.0, 5.0, 0.0];

/// The mean square of all channels.
fn power(channels: &[Vec<f32>]) -> f64 {
    let samples = channels.iter().flatten();
    let count = channels.iter().map(Vec::len).sum::<usize>().max(1);
    samples.map(|it| f64::from(*it).powi(2)).sum::<f64>() / count as f64
}

/// Adds the same noise to all channels, at this ratio to all of them together.
fn add(channels: &mut [Vec<f32>], noise: &[f32], decibels: f64) {
    let of_noise = noise.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>() / noise.len().max(1) as f64;
    let gain =
        (power(channels) / of_noise.max(f64::MIN_POSITIVE) / 10.0f64.powf(decibels / 10.0)).sqrt() as f32;
    for channel in channels {
        channel
            .iter_mut()
            .zip(noise)
            .for_each(|(to, it)| *to += gain * it);
    }
}

/// Talkers of the babble.
const TALKERS: usize = 6;

/// Noise between 100 Hz and 1 kHz, whose loudness has the pace of syllables, four a second, for each talker.
fn babble(length: usize, rate: u32, random: &mut Random) -> Vec<f32> {
    let rate = f64::from(rate);
    let mut sum = vec![0.0f32; length];
    for _ in 0..TALKERS {
        let (mut low, mut high, mut loudness) = (0.0, 0.0, 0.0);
        let (keep_low, keep_high) = ((-TAU * 1000.0 / rate).exp(), (-TAU * 100.0 / rate).exp());
        // A syllable swells and fades within some 50 ms.
        let keep = (-1.0 / (0.05 * rate)).exp();
        let (mut left, mut goal) = (0.0, 0.0);
        for to in &mut sum {
            if left <= 0.0 {
                left = random.between(0.15, 0.35) * rate;
                goal = if random.chance(0.2) { 0.0 } else { random.unit() };
            }
            left -= 1.0;
            loudness = keep * loudness + (1.0 - keep) * goal;
            low = keep_low * low + (1.0 - keep_low) * random.normal();
            high = keep_high * high + (1.0 - keep_high) * low;
            *to += (loudness * (low - high)) as f32;
        }
    }
    sum
}

const TAU: f64 = std::f64::consts::TAU;

/// Cuts peaks off at the level at which so many decibels of signal to distortion are left.
fn clip(channels: &mut [Vec<f32>], decibels: f64) {
    let signal = power(channels);
    let count = channels.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let distortion = |level: f32| {
        let over = channels
            .iter()
            .flatten()
            .map(|it| f64::from((it.abs() - level).max(0.0)).powi(2));
        over.sum::<f64>() / count
    };
    let aim = signal / 10.0f64.powf(decibels / 10.0);
    let (mut lower, mut upper) = (
        0.0,
        channels
            .iter()
            .flatten()
            .fold(0.0f32, |most, it| most.max(it.abs())),
    );
    // Thirty halvings leave less than a step of 24 bits.
    for _ in 0..30 {
        let middle = f32::midpoint(lower, upper);
        if aim < distortion(middle) {
            lower = middle;
        } else {
            upper = middle;
        }
    }
    channels
        .iter_mut()
        .flatten()
        .for_each(|it| *it = it.clamp(-upper, upper));
}

/// A Butterworth low-pass of fourth order: two biquads (Bristow-Johnson's cookbook). An edge above 0.45 of the rate leaves
/// all as it is.
fn low_pass(samples: &mut [f32], edge: f64, rate: f64) {
    if 0.45 * rate < edge {
        return;
    }
    let (sin, cos) = (TAU * edge / rate).sin_cos();
    for quality in [0.541_196_1, 1.306_563] {
        let alpha = sin / (2.0 * quality);
        let scale = 1.0 + alpha;
        let ahead = [(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0].map(|it| it / scale);
        let back = [-2.0 * cos / scale, (1.0 - alpha) / scale];
        let mut state = [0.0f64; 2];
        for sample in samples.iter_mut() {
            let from = f64::from(*sample);
            let to = ahead[0] * from + state[0];
            state = [
                ahead[1] * from - back[0] * to + state[1],
                ahead[2] * from - back[1] * to,
            ];
            *sample = to as f32;
        }
    }
}

/// The echoes of a room as sparse pulses of either sign ("velvet noise", Järveläinen and Karjalainen, 2007), whose
/// loudness falls exponentially (Polack, 1988).
struct Room {
    echoes: Vec<(usize, f32)>,
}

/// Echoes a second; from some 1500 on they sound like noise.
const ECHOES: f64 = 1500.0;

impl Room {
    fn new(seconds: f64, decibels: f64, rate: u32, random: &mut Random) -> Room {
        let rate = f64::from(rate);
        let count = (ECHOES * seconds) as usize;
        let echoes = (0..count).map(|it| {
            let time = (it as f64 + random.unit()) / ECHOES;
            let sign = if random.chance(0.5) { 1.0 } else { -1.0 };
            // 60 dB are a factor of 1000.
            (
                ((time * rate) as usize).max(1),
                sign * 1000.0f64.powf(-time / seconds),
            )
        });
        let echoes: Vec<(usize, f64)> = echoes.collect();
        let energy: f64 = echoes.iter().map(|it| it.1.powi(2)).sum();
        let gain = (10.0f64.powf(decibels / 10.0) / energy.max(f64::MIN_POSITIVE)).sqrt();
        Room {
            echoes: echoes
                .into_iter()
                .map(|(at, it)| (at, (gain * it) as f32))
                .collect(),
        }
    }

    /// Adds the echoes, and keeps the loudness.
    fn sound(&self, samples: &mut Vec<f32>) {
        let dry = samples.clone();
        for &(at, gain) in &self.echoes {
            let later = samples.get_mut(at..).unwrap_or_default();
            later.iter_mut().zip(&dry).for_each(|(to, it)| *to += gain * it);
        }
        let (before, after) = (power(&[dry]), power(std::slice::from_ref(samples)));
        let gain = (before / after.max(f64::MIN_POSITIVE)).sqrt() as f32;
        samples.iter_mut().for_each(|it| *it *= gain);
    }
}

/// Packets a second, and how many are lost in a row on average.
const PACKETS: u32 = 50;
const BURST: f64 = 2.0;

/// Packets of which none need be lost; of more, at least one is.
const FEW: usize = 10;

/// Silences this share of the packets.
fn lose(channels: &mut [Vec<f32>], share: f64, rate: u32, random: &mut Random) {
    let packet = (rate / PACKETS).max(1) as usize;
    let length = channels.iter().map(Vec::len).max().unwrap_or_default();
    let mut is_lost = random.chance(share);
    let mut lost = vec![false; length.div_ceil(packet)];
    for it in &mut lost {
        *it = is_lost;
        is_lost = match is_lost {
            true => !random.chance(1.0 / BURST),
            false => random.chance(share / (1.0 - share) / BURST),
        };
    }
    if FEW < lost.len() && !lost.contains(&true) {
        let one = random.whole(0, lost.len() - 1);
        lost[one] = true;
    }
    for (number, _) in lost.iter().enumerate().filter(|it| *it.1) {
        for channel in channels.iter_mut() {
            let packet = channel.iter_mut().skip(number * packet).take(packet);
            packet.for_each(|it| *it = 0.0);
        }
    }
}

/// A sample in steps of the μ-law (ITU-T G.711), so many for each sign.
fn coded(sample: f32, steps: f32) -> f32 {
    const MU: f32 = 255.0;
    let level = (MU * sample.abs().min(1.0)).ln_1p() / MU.ln_1p();
    let rounded = (level * steps).round() / steps;
    ((rounded * MU.ln_1p()).exp_m1() / MU).copysign(sample)
}

#[cfg(test)]
mod tests;
