// SPDX-License-Identifier: MPL-2.0

//! What the user asked for, and why it may be refused. How the wish becomes a limit stands in `effective_budget`.

use std::time::Duration;

use super::objective::Strategy;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Time one frame may take.
    pub budget: Duration,
    /// Time from one frame to the next.
    pub period: Duration,
    /// Share of frames that may be missed, 0..1.
    pub miss_rate: f64,
    /// Cost of a latency of one whole budget, in log-quality; ties go to the faster one.
    pub lambda_latency: f64,
    /// Cost of one unit of a candidate's complexity, in log-quality.
    pub lambda_complexity: f64,
    /// How quality and robustness become one.
    pub strategy: Strategy,
    /// Share of robustness in what counts as quality, 0..1.
    pub robustness_weight: f64,
    /// Longest distance between the frames that a candidate may answer, its answer held in between; 1 for every frame.
    pub max_stride: u32,
}

impl Default for Config {
    /// One frame of 25 a second, three misses in a hundred: what holds until the caps are known.
    fn default() -> Config {
        let frame = Duration::from_millis(40);
        Config {
            budget: frame,
            period: frame,
            miss_rate: 0.03,
            lambda_latency: 0.002,
            lambda_complexity: 0.0,
            strategy: Strategy::Weighted,
            robustness_weight: 0.0,
            max_stride: 1,
        }
    }
}

impl Config {
    pub(super) fn checked(self) -> Result<Config, ConfigError> {
        if self.budget.is_zero() {
            return Err(ConfigError::NoBudget);
        }
        if self.period.is_zero() {
            return Err(ConfigError::NoPeriod);
        }
        if self.max_stride == 0 {
            return Err(ConfigError::NoStride);
        }
        let shares = [
            ("miss rate", self.miss_rate),
            ("robustness weight", self.robustness_weight),
        ];
        if let Some((name, given)) = shares.into_iter().find(|it| !(0.0..=1.0).contains(&it.1)) {
            return Err(ConfigError::Share { name, given });
        }
        let weights = [
            ("lambda-latency", self.lambda_latency),
            ("lambda-complexity", self.lambda_complexity),
        ];
        let is_weight = |it: f64| it.is_finite() && 0.0 <= it;
        if let Some((name, given)) = weights.into_iter().find(|it| !is_weight(it.1)) {
            return Err(ConfigError::Weight { name, given });
        }
        Ok(self)
    }
}

/// Why a [`Config`] was refused; the text says what to change.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ConfigError {
    #[error("the budget is zero; give the time that one frame may take")]
    NoBudget,
    #[error("the period is zero; give the time between two frames")]
    NoPeriod,
    #[error("the largest stride is 0; give 1 for every frame")]
    NoStride,
    #[error("the {name} {given} is no share; give a value from 0 to 1")]
    Share { name: &'static str, given: f64 },
    #[error("{name} is {given}; give a weight of 0 or more")]
    Weight { name: &'static str, given: f64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensible_wish_is_taken_as_it_is() {
        let fine = Config::default();
        assert_eq!(fine.checked(), Ok(fine));
    }

    #[test]
    fn an_impossible_wish_is_refused_with_its_remedy() {
        let fine = Config::default();
        let cases = [
            (
                Config {
                    budget: Duration::ZERO,
                    ..fine
                },
                "budget is zero",
            ),
            (
                Config {
                    period: Duration::ZERO,
                    ..fine
                },
                "period is zero",
            ),
            (
                Config {
                    miss_rate: 1.5,
                    ..fine
                },
                "miss rate 1.5",
            ),
            (
                Config {
                    miss_rate: f64::NAN,
                    ..fine
                },
                "miss rate NaN",
            ),
            (
                Config {
                    lambda_latency: -1.0,
                    ..fine
                },
                "lambda-latency is -1",
            ),
            (
                Config {
                    robustness_weight: 2.0,
                    ..fine
                },
                "robustness weight 2",
            ),
        ];
        for (config, expected) in cases {
            let text = config.checked().unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
    }
}
