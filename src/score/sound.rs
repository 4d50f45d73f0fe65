// SPDX-License-Identifier: MPL-2.0

//! How near a stretch of sound comes to another one.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Power below which a sample says nothing: -80 dB of full scale, under the noise of any room and of 16 bits with dither.
const SILENCE: f64 = 1e-8;

/// Decibels at which a ratio is cut: an equal stretch has no finite one, and 32-bit samples carry no more.
const LIMIT_DB: f64 = 100.0;

/// Sums over pairs of samples, from which every measure follows; stretches and channels add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Energies {
    /// Σ ŝ s.
    shared: f64,
    /// Σ ŝ².
    answer: f64,
    /// Σ s².
    reference: f64,
    samples: u64,
}

impl Energies {
    /// Of two stretches of one channel, aligned and equally long; what one has more is left out. A sample that is
    /// not finite makes the stretch worthless: nothing is counted.
    pub fn of(answer: &[f32], reference: &[f32]) -> Energies {
        let mut sums = Energies::default();
        for (&answer, &reference) in answer.iter().zip(reference) {
            let (answer, reference) = (f64::from(answer), f64::from(reference));
            sums.shared += answer * reference;
            sums.answer += answer * answer;
            sums.reference += reference * reference;
            sums.samples += 1;
        }
        if sums.answer.is_finite() && sums.reference.is_finite() {
            sums
        } else {
            Energies::default()
        }
    }

    /// SI-SDR in decibels, -100 to 100: 10 log10(‖αs‖² / ‖αs - ŝ‖²) with α = ŝᵀs / ‖s‖² (Le Roux, Wisdom, Erdogan and
    /// Hershey, "SDR – half-baked or well done?", ICASSP 2019, equation 3; the mean is not taken away). It does not
    /// change when either stretch is made louder or is inverted. `None` where both are silent, or nothing was compared.
    pub fn si_sdr_db(&self) -> Option<f64> {
        let agreement = self.agreement()?;
        // ‖αs‖² / ‖αs - ŝ‖² = ρ² / (1 - ρ²), ρ the cosine between the two.
        let ratio = 10.0 * (agreement / (1.0 - agreement)).log10();
        Some(ratio.clamp(-LIMIT_DB, LIMIT_DB))
    }

    /// SI-SDR as agreement, 0 to 1: with the ratio r in plain units r / (1 + r), the share of the energy that both have
    /// in common, which is the squared cosine (ŝᵀs)² / (‖ŝ‖² ‖s‖²). So 0 dB is 0.5, 10 dB is 0.909 and 20 dB is 0.990; symmetric. 0
    /// where just one is silent, `None` where both are: silence says nothing.
    pub fn agreement(&self) -> Option<f64> {
        let floor = SILENCE * self.samples as f64;
        match (self.answer <= floor, self.reference <= floor) {
            (true, true) => None,
            (false, false) => {
                let squared = self.shared / self.answer * (self.shared / self.reference);
                Some(squared.clamp(0.0, 1.0))
            }
            _ => Some(0.0),
        }
    }

    /// Whether the reference has sound.
    pub(super) fn has_reference(&self) -> bool {
        SILENCE * (self.samples as f64) < self.reference
    }

    /// What adds up, for sums that are weighted: with [`Energies::from_sums`] of them.
    pub(super) fn sums(&self) -> [f64; 4] {
        [self.shared, self.answer, self.reference, self.samples as f64]
    }

    pub(super) fn from_sums([shared, answer, reference, samples]: [f64; 4]) -> Energies {
        Energies {
            shared,
            answer,
            reference,
            samples: samples as u64,
        }
    }

    /// Samples that were compared.
    pub fn samples(&self) -> u64 {
        self.samples
    }
}

impl AddAssign for Energies {
    fn add_assign(&mut self, other: Energies) {
        self.shared += other.shared;
        self.answer += other.answer;
        self.reference += other.reference;
        self.samples += other.samples;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine of amplitude one with a whole number of periods.
    fn sine(periods: f64) -> Vec<f32> {
        (0..4800)
            .map(|it| (std::f64::consts::TAU * periods * f64::from(it) / 4800.0).sin() as f32)
            .collect()
    }

    fn mix(a: &[f32], b: &[f32], gain: f32) -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| a + gain * b).collect()
    }

    #[test]
    fn orthogonal_noise_of_a_known_level_has_the_ratio_of_the_levels() {
        let (clean, noise) = (sine(10.0), sine(37.0));
        for (gain, db) in [(1.0, 0.0), (0.1, 20.0), (10.0, -20.0)] {
            let energies = Energies::of(&mix(&clean, &noise, gain), &clean);
            assert!((energies.si_sdr_db().unwrap() - db).abs() < 1e-3, "{energies:?}");
        }
        let half = Energies::of(&mix(&clean, &noise, 1.0), &clean);
        assert!((half.agreement().unwrap() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_worked_case_of_three_samples() {
        // ŝ = (2.5, 0, 2), s = (3, -0.5, 2): ŝᵀs = 11.5, ‖ŝ‖² = 10.25, ‖s‖² = 13.25.
        let energies = Energies::of(&[2.5, 0.0, 2.0], &[3.0, -0.5, 2.0]);
        let alpha = 11.5 / 13.25;
        let (target, noise) = (
            alpha * alpha * 13.25,
            10.25 - 2.0 * alpha * 11.5 + alpha * alpha * 13.25,
        );
        let expected = 10.0 * f64::log10(target / noise);
        assert!((energies.si_sdr_db().unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn neither_loudness_nor_order_matters() {
        let (a, b) = (mix(&sine(10.0), &sine(37.0), 0.3), sine(10.0));
        let louder: Vec<f32> = a.iter().map(|it| -7.5 * it).collect();
        let ratio = |a: &[f32], b: &[f32]| Energies::of(a, b).si_sdr_db().unwrap();
        assert!((ratio(&a, &b) - ratio(&louder, &b)).abs() < 1e-4);
        assert!((ratio(&a, &b) - ratio(&b, &a)).abs() < 1e-9);
    }

    #[test]
    fn equal_is_the_limit_and_silence_is_no_answer() {
        let (tone, silence) = (sine(5.0), vec![0.0; 4800]);
        assert_eq!(Energies::of(&tone, &tone).si_sdr_db(), Some(LIMIT_DB));
        assert_eq!(Energies::of(&silence, &silence).agreement(), None);
        assert_eq!(Energies::of(&silence, &tone).agreement(), Some(0.0));
        assert_eq!(Energies::of(&tone, &silence).si_sdr_db(), Some(-LIMIT_DB));
        assert_eq!(Energies::of(&[], &[]).agreement(), None);
    }

    #[test]
    fn samples_that_are_no_numbers_count_for_nothing() {
        let mut tone = sine(5.0);
        tone[7] = f32::NAN;
        assert_eq!(Energies::of(&tone, &sine(5.0)), Energies::default());
    }

    #[test]
    fn stretches_add_up() {
        let (a, b) = (mix(&sine(10.0), &sine(37.0), 0.5), sine(10.0));
        let mut sum = Energies::of(&a[..1000], &b[..1000]);
        sum += Energies::of(&a[1000..], &b[1000..]);
        let whole = Energies::of(&a, &b);
        assert!((sum.si_sdr_db().unwrap() - whole.si_sdr_db().unwrap()).abs() < 1e-9);
        assert_eq!(sum.samples(), 4800);
    }
}
