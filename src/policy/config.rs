// SPDX-License-Identifier: MPL-2.0

//! What the user asked for, and why it may be refused. How the wish becomes a limit stands in `limit`.

use std::fmt;
use std::time::Duration;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Time one frame may take.
    pub budget: Duration,
    /// Time from one frame to the next.
    pub period: Duration,
    /// Share of frames that may be late, 0..1.
    pub miss_rate: f64,
}

impl Default for Config {
    /// One frame of 25 a second, three misses in a hundred: what holds until the caps are known.
    fn default() -> Config {
        let frame = Duration::from_millis(40);
        Config {
            budget: frame,
            period: frame,
            miss_rate: 0.03,
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
        if !(0.0..=1.0).contains(&self.miss_rate) {
            return Err(ConfigError::MissRate {
                given: self.miss_rate,
            });
        }
        Ok(self)
    }
}

/// Why a [`Config`] was refused; the text says what to change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ConfigError {
    /// Nothing can be ready in no time: give the budget, or one frame period for it.
    NoBudget,
    /// Frames cannot follow each other in no time: give the frame period, or the budget for it.
    NoPeriod,
    /// A share lies in 0..=1: give 0.03 for three frames in a hundred.
    MissRate { given: f64 },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::NoBudget => write!(f, "the budget is zero; give the time that one frame may take"),
            ConfigError::NoPeriod => write!(f, "the period is zero; give the time between two frames"),
            ConfigError::MissRate { given } => {
                write!(f, "the miss rate {given} is no share; give a value from 0 to 1")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Config = Config {
        budget: Duration::from_millis(40),
        period: Duration::from_millis(40),
        miss_rate: 0.03,
    };

    #[test]
    fn a_sensible_wish_is_taken_as_it_is() {
        assert_eq!(FINE.checked(), Ok(FINE));
    }

    #[test]
    fn an_impossible_wish_is_refused_with_its_remedy() {
        let cases = [
            (
                Config {
                    budget: Duration::ZERO,
                    ..FINE
                },
                "budget is zero",
            ),
            (
                Config {
                    period: Duration::ZERO,
                    ..FINE
                },
                "period is zero",
            ),
            (
                Config {
                    miss_rate: 1.5,
                    ..FINE
                },
                "miss rate 1.5",
            ),
            (
                Config {
                    miss_rate: f64::NAN,
                    ..FINE
                },
                "miss rate NaN",
            ),
        ];
        for (config, expected) in cases {
            let text = config.checked().unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
    }
}
