// SPDX-License-Identifier: MPL-2.0

use super::*;

const RATE: u32 = 16_000;

/// A voice of sorts: harmonics that swell and fade; the right channel is half the left.
fn sound(milliseconds: u32) -> Vec<Vec<f32>> {
    let left = (0..RATE / 1000 * milliseconds).map(|at| {
        let time = f64::from(at) / f64::from(RATE);
        let tone = |harmonic: u32| (TAU * 140.0 * f64::from(harmonic) * time).sin() / f64::from(harmonic);
        let swell = 0.5 - 0.5 * (TAU * 3.0 * time).cos();
        (0.3 * swell * (1..50).map(tone).sum::<f64>()) as f32
    });
    let left: Vec<f32> = left.collect();
    vec![left.clone(), left.iter().map(|it| it / 2.0).collect()]
}

/// Decibels of the sound to what was changed.
fn ratio(corruption: Corruption, strength: u8, seed: u64) -> f64 {
    // Packets are many, and echoes long to add.
    let milliseconds = if corruption == Corruption::PacketLoss {
        2000
    } else {
        500
    };
    let (clean, mut changed) = (sound(milliseconds), sound(milliseconds));
    corruption.apply(strength, seed, &mut changed, RATE);
    let pairs = clean.iter().zip(&changed);
    let change: Vec<Vec<f32>> = pairs
        .map(|(one, other)| one.iter().zip(other).map(|(a, b)| b - a).collect())
        .collect();
    10.0 * (power(&clean) / power(&change)).log10()
}

#[test]
fn each_strength_is_worse_than_the_one_before() {
    for corruption in Corruption::ALL {
        // Chance evens out over few seeds where each sample has its part.
        let seeds = if corruption == Corruption::PacketLoss {
            8
        } else {
            2
        };
        let ratios: Vec<f64> = (1..=5)
            .map(|strength| {
                let ratios = (0..seeds).map(|seed| ratio(corruption, strength, seed));
                ratios.sum::<f64>() / seeds as f64
            })
            .collect();
        assert!(
            ratios.is_sorted_by(|one, other| other <= one),
            "{corruption:?}: {ratios:?}"
        );
        assert!(ratios[0] < 45.0 && ratios[4] < 14.0, "{corruption:?}: {ratios:?}");
        assert_eq!(Corruption::named(corruption.name()), Some(corruption));
    }
}

#[test]
fn noise_and_clipping_have_the_ratio_of_their_strength() {
    for (at, decibels) in RATIOS.iter().enumerate() {
        for corruption in [Corruption::Noise, Corruption::Babble] {
            let ratio = ratio(corruption, at as u8 + 1, 4);
            assert!(
                (ratio - decibels).abs() < 0.1,
                "{corruption:?}: {ratio} for {decibels}"
            );
        }
    }
    assert!((ratio(Corruption::Clipping, 2, 0) - 15.0).abs() < 0.01);
}

#[test]
fn a_seed_makes_the_same_sound() {
    for corruption in Corruption::ALL {
        let made = |seed| {
            let mut made = sound(500);
            corruption.apply(3, seed, &mut made, RATE);
            made
        };
        assert_eq!(made(1), made(1));
        let is_by_chance =
            ![Corruption::Clipping, Corruption::BandLimit, Corruption::Codec].contains(&corruption);
        assert_eq!(made(1) != made(2), is_by_chance, "{corruption:?}");
        assert!(made(1).iter().flatten().all(|it| it.is_finite()));
    }
}

#[test]
fn a_band_limit_falls_by_three_decibels_at_its_edge() {
    let left = |frequency: f64| {
        let mut tone: Vec<f32> = (0..RATE)
            .map(|at| (TAU * frequency * f64::from(at) / f64::from(RATE)).sin() as f32)
            .collect();
        low_pass(&mut tone, 2000.0, f64::from(RATE));
        10.0 * (2.0 * power(&[tone])).log10()
    };
    assert!(left(500.0).abs() < 0.1 && (left(2000.0) + 3.01).abs() < 0.1 && left(4000.0) < -24.0);
}

#[test]
fn lost_packets_are_as_many_as_told() {
    let mut ones = vec![vec![1.0; 60 * RATE as usize]];
    Corruption::PacketLoss.apply(4, 3, &mut ones, RATE);
    let lost = 1.0 - power(&ones);
    assert!((lost - 0.2).abs() < 0.03, "{lost}");
}

#[test]
fn silence_and_nothing_stay_so() {
    for corruption in Corruption::ALL {
        let mut silence = vec![vec![0.0; 1000], Vec::new()];
        corruption.apply(5, 1, &mut silence, RATE);
        assert!(silence[0].iter().all(|it| *it == 0.0), "{corruption:?}");
        corruption.apply(5, 1, &mut [], RATE);
        corruption.apply(5, 1, &mut [vec![0.5; 10]], 0);
    }
}
