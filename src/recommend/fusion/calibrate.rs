// SPDX-License-Identifier: MPL-2.0

//! How answers of one side become probabilities that hold, and what the two count: each the minimum of the logarithmic loss.

use super::pool::{Distribution, MOST_WEIGHT};

/// Log-likelihood is told in natural units. The prior of ln T is N(0, 1): it decides where some answers are all right, and
/// vanishes beside a hundred of others.
const LOG_TEMPERATURE: (f64, f64) = (-3.0, 3.0);

/// Steps of the search by golden section, each of which leaves 0.618 of the interval: 6 · 0.618^40 is 3·10⁻⁸.
const STEPS: usize = 40;

/// The temperature of classes; `answers` at temperature 1, each with its true class.
pub fn temperature(answers: &[(&Distribution, usize)]) -> f64 {
    let loss = |log_t: f64| {
        let sum: f64 = answers
            .iter()
            .map(|(it, class)| loss_at(it.logs(), 1.0 / log_t.exp(), *class))
            .sum();
        sum + 0.5 * log_t * log_t
    };
    golden(LOG_TEMPERATURE.0, LOG_TEMPERATURE.1, loss).exp()
}

/// −ln of the probability of a class when all log-probabilities are multiplied by `power`.
fn loss_at(logs: &[f64], power: f64, class: usize) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|it| (power * (it - most)).exp()).sum();
    sum.ln() - power * (logs[class] - most)
}

/// Slope and intercept of Platt's scaling: logistic regression on one number, with his smoothed targets, by Newton's method
/// with halved steps (Lin, Lin and Weng, "A note on Platt's probabilistic outputs", 2007).
pub fn platt(scores: &[(f64, bool)]) -> (f64, f64) {
    let count = scores.len().max(1) as f64;
    let mean = scores.iter().map(|it| it.0).sum::<f64>() / count;
    let deviation = (scores.iter().map(|it| (it.0 - mean).powi(2)).sum::<f64>() / count).sqrt();
    let positive = scores.iter().filter(|it| it.1).count() as f64;
    let negative = count - positive;
    let target = |yes: bool| match yes {
        true => (positive + 1.0) / (positive + 2.0),
        false => 1.0 / (negative + 2.0),
    };
    if deviation <= f64::EPSILON * mean.abs().max(1.0) {
        return (0.0, ((positive + 1.0) / (negative + 1.0)).ln());
    }
    let standard = |score: f64| (score - mean) / deviation;
    let loss = |(slope, intercept): (f64, f64)| -> f64 {
        let of = |(score, yes): &(f64, bool)| {
            let z = slope * standard(*score) + intercept;
            let softplus = z.max(0.0) + (-z.abs()).exp().ln_1p();
            softplus - target(*yes) * z
        };
        scores.iter().map(of).sum()
    };
    let mut at = (0.0, ((positive + 1.0) / (negative + 1.0)).ln());
    let mut now = loss(at);
    for _ in 0..STEPS {
        let (mut gradient, mut hessian) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for (score, yes) in scores {
            let x = standard(*score);
            let p = 1.0 / (1.0 + (-(at.0 * x + at.1)).exp());
            let (error, curve) = (p - target(*yes), p * (1.0 - p));
            gradient = [gradient[0] + error * x, gradient[1] + error];
            hessian = [
                hessian[0] + curve * x * x,
                hessian[1] + curve * x,
                hessian[2] + curve,
            ];
        }
        let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
        let step = (
            (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant,
            (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant,
        );
        let mut share = 1.0;
        let next = loop {
            let next = (at.0 - share * step.0, at.1 - share * step.1);
            let then = loss(next);
            if then < now - 1e-12 {
                break Some((next, then));
            }
            share *= 0.5;
            if share < 1e-6 {
                break None;
            }
        };
        match next {
            Some((next, then)) => (at, now) = (next, then),
            None => break,
        }
    }
    (at.0 / deviation, at.1 - at.0 * mean / deviation)
}

/// The weights of two calibrated sides: those with the least logarithmic loss of the pool, each 0 or more and together at
/// most [`MOST_WEIGHT`]. The loss is convex in them, so steps that halve find its minimum.
pub fn weights(pairs: &[([&Distribution; 2], usize)]) -> [f64; 2] {
    const DIRECTIONS: [[f64; 2]; 8] = [
        [1.0, 0.0],
        [-1.0, 0.0],
        [0.0, 1.0],
        [0.0, -1.0],
        [1.0, 1.0],
        [-1.0, -1.0],
        // Along the bound on the sum.
        [1.0, -1.0],
        [-1.0, 1.0],
    ];
    let loss = |weights: [f64; 2]| -> f64 {
        let mut pooled = Distribution::default();
        let of = |(sides, class): &([&Distribution; 2], usize)| {
            pooled.pool(*sides, weights);
            -pooled.logs()[*class]
        };
        // As much as an answer or two say, so that a side that knows nothing gets nothing.
        pairs.iter().map(of).sum::<f64>() + weights.iter().map(|it| it * it).sum::<f64>()
    };
    let mut at = [MOST_WEIGHT / 2.0; 2];
    let mut now = loss(at);
    let mut step = 0.25;
    // A thousandth of a weight changes no answer that was not a tie.
    while 1e-3 < step {
        let next = DIRECTIONS.iter().filter_map(|direction| {
            let next = [0, 1].map(|it| (at[it] + step * direction[it]).max(0.0));
            let surplus = (next[0] + next[1] - MOST_WEIGHT).max(0.0);
            let next = next.map(|it| (it - surplus / 2.0).max(0.0));
            (next != at && next[0] + next[1] <= MOST_WEIGHT + 1e-9).then(|| (next, loss(next)))
        });
        match next.min_by(|one, other| one.1.total_cmp(&other.1)) {
            Some((next, then)) if then < now - 1e-12 => (at, now) = (next, then),
            _ => step *= 0.5,
        }
    }
    at
}

/// Where a function with one minimum has it.
fn golden(low: f64, high: f64, loss: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (low, high);
    let (mut one, mut other) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut loss_one, mut loss_other) = (loss(one), loss(other));
    for _ in 0..STEPS {
        if loss_one <= loss_other {
            (high, other, loss_other) = (other, one, loss_one);
            one = high - ratio * (high - low);
            loss_one = loss(one);
        } else {
            (low, one, loss_one) = (one, other, loss_other);
            other = low + ratio * (high - low);
            loss_other = loss(other);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Answers that are right as often as they say, then made too sure by a power.
    fn overconfident(power: f64, count: usize) -> Vec<(Distribution, usize)> {
        let mut random = Random::new(1);
        let answer = |_| {
            let logits: Vec<f64> = (0..4).map(|_| 3.0 * random.unit()).collect();
            let mut honest = Distribution::new(4);
            let sum: f64 = logits.iter().map(|it| it.exp()).sum();
            honest.say(logits.iter().map(|it| it.exp() / sum).enumerate(), 1.0);
            let mut left = random.unit();
            let class = (0..3).find(|it| {
                left -= honest.of(*it);
                left < 0.0
            });
            (honest.at(1.0 / power), class.unwrap_or(3))
        };
        (0..count).map(answer).collect()
    }

    #[test]
    fn the_temperature_undoes_too_much_confidence() {
        let answers = overconfident(2.5, 20_000);
        let answers: Vec<_> = answers.iter().map(|(it, class)| (it, *class)).collect();
        let found = temperature(&answers);
        assert!((found - 2.5).abs() < 0.1, "{found}");
        assert!((temperature(&[]) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn platt_finds_the_line_of_the_log_odds() {
        let mut random = Random::new(3);
        let score = |_| {
            let score = 100.0 + 20.0 * random.unit();
            let p = 1.0 / (1.0 + (-(0.5 * score - 55.0f64)).exp());
            (score, random.unit() < p)
        };
        let scores: Vec<(f64, bool)> = (0..20_000).map(score).collect();
        let (slope, intercept) = platt(&scores);
        assert!((slope - 0.5).abs() < 0.02, "{slope}");
        assert!((-intercept / slope - 110.0).abs() < 0.1, "{intercept}");
        // Neither numbers that are all the same nor such as part without an error run away.
        assert_eq!(platt(&[(2.0, true), (2.0, false)]), (0.0, 0.0));
        let (slope, _) = platt(&[(0.0, false), (0.0, false), (1.0, true), (1.0, true)]);
        assert!(0.0 < slope && slope < 10.0, "{slope}");
    }

    #[test]
    fn weights_are_those_with_the_least_loss_and_bounded() {
        let answers = overconfident(1.0, 4000);
        let flat = Distribution::new(4);
        let alone: Vec<_> = answers.iter().map(|(it, class)| ([it, &flat], *class)).collect();
        let found = weights(&alone);
        assert!((found[0] - 1.0).abs() < 0.05, "{found:?}");
        let doubled: Vec<_> = answers.iter().map(|(it, class)| ([it, it], *class)).collect();
        let found = weights(&doubled);
        assert!(
            (found[0] + found[1] - 1.0).abs() < 0.05,
            "copies share one weight: {found:?}"
        );
        let shy: Vec<_> = answers.iter().map(|(it, class)| (it.at(4.0), *class)).collect();
        let shy: Vec<_> = shy.iter().map(|(it, class)| ([it, &flat], *class)).collect();
        let found = weights(&shy);
        assert!(
            (found[0] - MOST_WEIGHT).abs() < 5e-3 && found[1] < 5e-3,
            "{found:?}"
        );
    }
}
