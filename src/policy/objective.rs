// SPDX-License-Identifier: MPL-2.0

//! What a choice costs: the recommendation formula, cost = -ln P + λS + C, with P the probability that the answer is
//! right *and in time*, and a price on each frame that is missed. Without lateness it is the plain formula.

use std::fmt;
use std::str::FromStr;

/// Quality below which a logarithm says nothing any more.
const SMALLEST: f64 = 1e-3;

/// What is expected of one candidate on the next frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// P of an answer in time, 0..1, by the [`Strategy`].
    pub quality: f64,
    /// Expected share of the frames in its charge that are late or lost to its overrun, 0..1.
    pub miss: f64,
    /// What leaves instead when it is missed is worth this, 0..1.
    pub floor: f64,
    /// S: expected latency over the budget.
    pub latency: f64,
    /// On each how many-th frame it would run, its answer held in between.
    pub stride: u32,
    /// C: what the catalogue says that it costs, in units of the user's choice.
    pub complexity: f64,
}

/// What the terms weigh, in log-quality.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Weights {
    /// λ: per budget of latency.
    pub latency: f64,
    /// Per unit of complexity.
    pub complexity: f64,
    /// Per missed frame, beyond what the frame itself was worth.
    pub miss: f64,
}

impl Default for Terms {
    /// Nothing is expected.
    fn default() -> Terms {
        Terms {
            quality: 0.0,
            miss: 0.0,
            floor: 0.0,
            latency: 0.0,
            stride: 1,
            complexity: 0.0,
        }
    }
}

impl Terms {
    /// The cost; the smallest is chosen.
    pub fn cost(&self, weights: &Weights) -> f64 {
        let right_in_time = (self.quality * (1.0 - self.miss) + self.floor * self.miss).max(SMALLEST);
        -right_in_time.ln()
            + weights.miss * self.miss
            + weights.latency * self.latency
            + weights.complexity * self.complexity
    }
}

/// How several measures of quality become one P.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Their weighted average: for measures that share a meaning.
    #[default]
    Weighted,
    /// The weighted average of their Borda ranks, (K - rank + ½) / K among K candidates: for scales that do not
    /// compare, and robust to one broken measure. Needs three candidates to say anything, and is noisy on near ties.
    Rank,
}

impl Strategy {
    /// P of each candidate: `measures` holds, for each measure, its weight and its value for each candidate in
    /// 0..1. Writes to `into`, which is as long as the values.
    pub fn combine(self, measures: &[(f64, &[f64])], into: &mut [f64]) {
        let total: f64 = measures.iter().map(|it| it.0).sum();
        into.fill(0.0);
        for (weight, values) in measures {
            for (index, out) in into.iter_mut().enumerate() {
                let value = match self {
                    Strategy::Weighted => values[index],
                    Strategy::Rank => borda(values, index),
                };
                *out += weight / total * value;
            }
        }
    }
}

/// Borda score of one value among all, ties shared: the share of the candidates that it beats, plus half of those
/// that it equals, itself included.
fn borda(values: &[f64], index: usize) -> f64 {
    let own = values[index];
    let beaten = values.iter().filter(|it| **it < own).count() as f64;
    let equal = values.iter().filter(|it| **it == own).count() as f64;
    (beaten + 0.5 * equal) / values.len() as f64
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Strategy::Weighted => "weighted",
            Strategy::Rank => "rank",
        })
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Strategy, String> {
        match text {
            "weighted" => Ok(Strategy::Weighted),
            "rank" => Ok(Strategy::Rank),
            _ => Err(format!("'{text}' is no strategy; give weighted or rank")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P, seconds and complexity of the worked case.
    const CASE: [(&str, f64, f64, f64); 3] = [
        ("A", 0.95, 0.3, 1.5),
        ("B", 0.90, 0.2, 2.0),
        ("C", 0.88, 0.1, 1.0),
    ];

    fn recommended(weights: &Weights) -> &'static str {
        let cost = |it: &(&str, f64, f64, f64)| {
            let terms = Terms {
                quality: it.1,
                miss: 0.0,
                floor: 0.0,
                latency: it.2,
                stride: 1,
                complexity: it.3,
            };
            terms.cost(weights)
        };
        CASE.iter()
            .min_by(|one, other| cost(one).total_cmp(&cost(other)))
            .unwrap()
            .0
    }

    #[test]
    fn the_worked_case_recommends_c() {
        let weights = Weights {
            latency: 0.5,
            ..Weights::default()
        };
        assert_eq!(recommended(&weights), "C");
        assert_eq!(
            recommended(&Weights::default()),
            "A",
            "without a price on latency the best answer wins"
        );
    }

    #[test]
    fn the_cost_is_the_formula() {
        let terms = Terms {
            quality: 0.9,
            miss: 0.1,
            floor: 0.5,
            latency: 0.5,
            stride: 1,
            complexity: 2.0,
        };
        let weights = Weights {
            latency: 0.2,
            complexity: 0.3,
            miss: 4.0,
        };
        let expected = -(0.9f64 * 0.9 + 0.5 * 0.1).ln() + 4.0 * 0.1 + 0.2 * 0.5 + 0.3 * 2.0;
        assert!((terms.cost(&weights) - expected).abs() < 1e-12);
    }

    #[test]
    fn ranks_ignore_scales_and_share_ties() {
        let mut p = [0.0; 3];
        Strategy::Rank.combine(&[(1.0, &[0.2, 0.9, 0.21]), (1.0, &[10.0, 30.0, 30.0])], &mut p);
        // First measure: 1/6, 5/6, 3/6; second: 1/6 and twice (1 + ½·2) / 3.
        let expected = [1.0 / 6.0, 3.0 / 4.0, 7.0 / 12.0];
        for (p, expected) in p.iter().zip(expected) {
            assert!((p - expected).abs() < 1e-12, "{p}, expected {expected}");
        }
    }

    #[test]
    fn an_average_weighs_its_measures() {
        let mut p = [0.0; 2];
        Strategy::Weighted.combine(&[(3.0, &[0.8, 0.4]), (1.0, &[0.0, 1.0])], &mut p);
        assert!((p[0] - 0.6).abs() < 1e-12 && (p[1] - 0.55).abs() < 1e-12, "{p:?}");
    }
}
