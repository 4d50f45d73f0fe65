// SPDX-License-Identifier: MPL-2.0

//! The logarithmic opinion pool: two answers to one question become one.
//!
//! log p = Σ wₘ log pₘ − ln Z over the classes, with pₘ the calibrated answer of a side (Genest and Zidek, "Combining
//! probability distributions", Statistical Science 1986). A number of each side is the case of two classes, and the pool is
//! that of log-odds. Nothing here allocates but [`Distribution::new`].

/// Σ w at most: the pool takes the sides to be independent, and what one clip says to eye and ear is not quite. Two sides
/// that were copies of each other would want 1, independent ones 2.
pub const MOST_WEIGHT: f64 = 1.5;

/// What each side counts where nothing was fitted.
pub const UNFITTED_WEIGHT: f64 = MOST_WEIGHT / 2.0;

/// Least probability that a class gets: one that no answer named is unlikely, not impossible.
const LEAST: f64 = 1e-4;

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Picture,
    Sound,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::Picture, Side::Sound];

    /// Place in arrays of both.
    pub fn place(self) -> usize {
        self as usize
    }

    pub fn other(self) -> Side {
        match self {
            Side::Picture => Side::Sound,
            Side::Sound => Side::Picture,
        }
    }

    /// As in sentences.
    pub fn word(self) -> &'static str {
        match self {
            Side::Picture => "picture",
            Side::Sound => "sound",
        }
    }
}

/// How an answer of a model becomes a probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// Of classes: pₘ ∝ p^(1/T), which is the softmax of the model's logits over T (Guo, Pleiss, Sun and Weinberger, ICML
    /// 2017).
    Temperature(f64),
    /// Of one number s: the log-odds are slope · s + intercept (Platt, "Probabilistic outputs for support vector machines",
    /// 1999).
    Platt { slope: f64, intercept: f64 },
    /// Of one number that is a probability already.
    Probability,
}

impl Scaling {
    /// The log-odds of one number.
    pub fn log_odds(&self, score: f64) -> f64 {
        match self {
            Scaling::Platt { slope, intercept } => slope * score + intercept,
            Scaling::Probability | Scaling::Temperature(_) => {
                let share = score.clamp(LEAST, 1.0 - LEAST);
                (share / (1.0 - share)).ln()
            }
        }
    }
}

/// Natural logarithms of probabilities, one for each class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution(Vec<f64>);

impl Distribution {
    /// So many classes, equally likely.
    pub fn new(classes: usize) -> Distribution {
        Distribution(vec![-(classes.max(1) as f64).ln(); classes])
    }

    /// ln p of each class.
    pub fn logs(&self) -> &[f64] {
        &self.0
    }

    /// The probability of a class.
    pub fn of(&self, class: usize) -> f64 {
        self.0[class].exp()
    }

    /// The most likely class with its probability; the first one of equal ones, `None` without classes.
    pub fn best(&self) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        for (class, log) in self.0.iter().enumerate() {
            if best.is_none_or(|it| it.1 < *log) {
                best = Some((class, *log));
            }
        }
        best.map(|(class, log)| (class, log.exp()))
    }

    /// Puts classes in order, the most likely first, each once.
    pub fn rank(&self, classes: &mut Vec<usize>) {
        classes.sort_unstable_by(|one, other| self.0[*other].total_cmp(&self.0[*one]).then(one.cmp(other)));
        classes.dedup();
    }

    /// Takes in what a model said of some classes, 0 to 1 each, calibrated with temperature `temperature`. Classes that it
    /// did not name share what is left of one, and none of them more than the least that it named.
    pub fn say(&mut self, said: impl Iterator<Item = (usize, f64)> + Clone, temperature: f64) {
        let named = said.clone().filter(|it| it.1.is_finite());
        let (mut sum, mut least, mut count) = (0.0, 1.0f64, 0usize);
        self.0.fill(f64::NAN);
        for (class, share) in named {
            let share = share.clamp(0.0, 1.0);
            (sum, least, count) = (sum + share, least.min(share), count + 1);
            self.0[class] = share;
        }
        let unnamed = self.0.len().saturating_sub(count).max(1) as f64;
        let left = ((1.0 - sum).max(0.0) / unnamed).min(least);
        for share in &mut self.0 {
            let value = if share.is_nan() { left } else { *share };
            *share = value.max(LEAST).ln() / temperature;
        }
        self.normalize();
    }

    /// The same with all its powers 1/T, calibrated.
    pub fn at(&self, temperature: f64) -> Distribution {
        let mut scaled = Distribution(self.0.iter().map(|it| it / temperature).collect());
        scaled.normalize();
        scaled
    }

    /// Takes in one number as log-odds of the second of two classes.
    pub fn say_log_odds(&mut self, log_odds: f64) {
        self.0.clear();
        self.0
            .extend([0.0, if log_odds.is_finite() { log_odds } else { 0.0 }]);
        self.normalize();
    }

    /// Becomes the pool of both with these weights, each 0 or more; equal probabilities where both are 0.
    pub fn pool(&mut self, sides: [&Distribution; 2], weights: [f64; 2]) {
        self.0.clear();
        let pairs = sides[0].0.iter().zip(&sides[1].0);
        self.0
            .extend(pairs.map(|(one, other)| weights[0] * one + weights[1] * other));
        self.normalize();
    }

    /// Subtracts ln Z.
    fn normalize(&mut self) {
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.0.iter().map(|it| (it - most).exp()).sum();
        let log_z = most + sum.ln();
        self.0.iter_mut().for_each(|it| *it -= log_z);
    }
}

/// What each side counts now: wₘ = rₘ (fₘ + (1 − fₘ)(1 − rₙ)), with fₘ as fitted for both at their best and r what each is
/// worth now, 0 (missing, or no better than chance) to 1 (as good as where it was fitted).
///
/// With both at their best these are the fitted weights, a side that is alone counts rₘ, and in between it is linear in
/// each: a calibrated answer that nothing stands beside needs no discount. Σ w stays at or below [`MOST_WEIGHT`] wherever
/// Σ f is, since it is linear in each r.
pub fn weights(fitted: [f64; 2], worth: [f64; 2]) -> [f64; 2] {
    let worth = worth.map(|it| if it.is_nan() { 0.0 } else { it.clamp(0.0, 1.0) });
    Side::BOTH.map(|side| {
        let (own, other) = (side.place(), side.other().place());
        worth[own] * (fitted[own] + (1.0 - fitted[own]) * (1.0 - worth[other]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(shares: &[f64], temperature: f64) -> Distribution {
        let mut it = Distribution::new(shares.len());
        it.say(shares.iter().copied().enumerate(), temperature);
        it
    }

    #[test]
    fn the_pool_is_the_normalized_product_of_powers() {
        let (one, other) = (said(&[0.7, 0.2, 0.1], 1.0), said(&[0.3, 0.6, 0.1], 1.0));
        let mut pooled = Distribution::default();
        pooled.pool([&one, &other], [0.8, 0.5]);
        let powers: Vec<f64> = [(0.7, 0.3), (0.2, 0.6), (0.1, 0.1f64)]
            .iter()
            .map(|(one, other): &(f64, f64)| one.powf(0.8) * other.powf(0.5))
            .collect();
        let sum: f64 = powers.iter().sum();
        for (class, power) in powers.iter().enumerate() {
            assert!((pooled.of(class) - power / sum).abs() < 1e-12);
        }
        pooled.pool([&one, &other], [0.0, 0.0]);
        assert!((pooled.of(0) - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_temperature_flattens_and_what_was_not_named_shares_the_rest() {
        let flat = said(&[0.9, 0.1], 2.0);
        assert!((flat.of(0) - 0.75).abs() < 1e-9, "3 : 1 is the root of 9 : 1");
        let mut it = Distribution::new(4);
        it.say([(1, 0.8), (0, 0.1)].into_iter(), 1.0);
        assert_eq!(it.best().map(|it| it.0), Some(1));
        assert!((it.of(2) - 0.05).abs() < 1e-9 && (it.of(3) - 0.05).abs() < 1e-9);
        // Independent classes may sum to more than one, and no number is no share.
        it.say([(1, 0.9), (0, 0.9), (2, f64::NAN)].into_iter(), 1.0);
        assert!((it.of(1) - 0.5).abs() < 1e-3);
    }

    #[test]
    fn two_numbers_add_their_log_odds() {
        let (mut one, mut other, mut both) =
            (Distribution::new(2), Distribution::new(2), Distribution::new(2));
        one.say_log_odds(1.5);
        other.say_log_odds(-0.5);
        both.pool([&one, &other], [1.0, 0.5]);
        assert!((both.of(1) - 1.0 / (1.0 + (-1.25f64).exp())).abs() < 1e-12);
        one.say_log_odds(f64::NAN);
        assert_eq!(one.of(1), 0.5);
    }

    #[test]
    fn a_side_that_is_missing_counts_nothing_and_the_sum_is_bounded() {
        assert_eq!(weights([0.9, 0.6], [1.0, 1.0]), [0.9, 0.6]);
        assert_eq!(weights([0.9, 0.6], [1.0, 0.0]), [1.0, 0.0]);
        assert_eq!(weights([0.9, 0.6], [0.0, 0.5]), [0.0, 0.5]);
        assert_eq!(weights([0.9, 0.6], [f64::NAN, 0.0]), [0.0, 0.0]);
        for one in 0..=10 {
            for other in 0..=10 {
                let now = weights([1.5, 0.0], [f64::from(one) / 10.0, f64::from(other) / 10.0]);
                assert!(now[0] + now[1] <= MOST_WEIGHT + 1e-12 && 0.0 <= now[1]);
            }
        }
    }
}
