// SPDX-License-Identifier: MPL-2.0

//! The policies by name.

use std::fmt;
use std::str::FromStr;

use super::avrec::Avrec;
use super::baseline::{Alert, Exp3, Ladder, LiteReconfig, PressureLadder, Static};
use super::oracle::{self, Ideal};
use super::words::{choice, word};
use super::{Matrix, Outcome, simulate};
use crate::policy::{Config, ConfigError};

/// A policy that can be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyName {
    Avrec,
    /// The same without what the machine says.
    AvrecBlind,
    StaticBest,
    StaticSafe,
    Ladder,
    PressureLadder,
    Alert,
    LiteReconfig,
    Exp3,
    Oracle,
    OracleSwitch,
}

impl PolicyName {
    pub const ALL: [(PolicyName, &'static str); 11] = [
        (PolicyName::Avrec, "avrec"),
        (PolicyName::AvrecBlind, "avrec-blind"),
        (PolicyName::StaticBest, "static-best"),
        (PolicyName::StaticSafe, "static-safe"),
        (PolicyName::Ladder, "ladder"),
        (PolicyName::PressureLadder, "pressure-ladder"),
        (PolicyName::Alert, "alert"),
        (PolicyName::LiteReconfig, "litereconfig"),
        (PolicyName::Exp3, "exp3"),
        (PolicyName::Oracle, "oracle"),
        (PolicyName::OracleSwitch, "oracle-switch"),
    ];

    /// Plays this policy over a matrix; `config` is for ours only.
    pub fn play(self, matrix: &Matrix, config: Config) -> Result<Outcome, ConfigError> {
        Ok(match self {
            PolicyName::Avrec => simulate(matrix, &mut Avrec::new(matrix, config)?),
            PolicyName::AvrecBlind => {
                let blind = matrix.clone().without_sense();
                simulate(&blind, &mut Avrec::new(&blind, config)?)
            }
            PolicyName::StaticBest => simulate(matrix, &mut Static::best(matrix)),
            PolicyName::StaticSafe => simulate(matrix, &mut Static::safe(matrix)),
            PolicyName::Ladder => simulate(matrix, &mut Ladder::new(matrix)),
            PolicyName::PressureLadder => simulate(matrix, &mut PressureLadder::new(matrix)),
            PolicyName::Alert => simulate(matrix, &mut Alert::new(matrix)),
            PolicyName::LiteReconfig => simulate(matrix, &mut LiteReconfig::new(matrix)),
            PolicyName::Exp3 => simulate(matrix, &mut Exp3::new(matrix)),
            PolicyName::Oracle => foretold(oracle::clairvoyant(matrix)),
            PolicyName::OracleSwitch => foretold(oracle::switch_aware(matrix)),
        })
    }
}

/// An oracle as an outcome.
fn foretold(ideal: Ideal) -> Outcome {
    Outcome {
        swaps: ideal.swaps(),
        missed: vec![false; ideal.worth.len()],
        decisions: ideal.worth.len(),
        picks: ideal.picks,
        worth: ideal.worth,
        ..Outcome::default()
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(word(&PolicyName::ALL, self))
    }
}

impl FromStr for PolicyName {
    type Err = String;

    fn from_str(text: &str) -> Result<PolicyName, String> {
        choice(&PolicyName::ALL, "policy", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::generate::{Kind, generate};

    #[test]
    fn avrec_blind_hears_nothing_of_the_machine() {
        let world = |kind: &str| generate(kind.parse::<Kind>().unwrap(), 1);
        let picks = |policy: PolicyName, matrix: &Matrix| {
            let played = policy.play(matrix, Config::default());
            played.unwrap().picks
        };
        let sensed = world("sensed");
        assert!(sensed.is_sensed());
        let blind = picks(PolicyName::AvrecBlind, &sensed);
        assert_eq!(blind, picks(PolicyName::Avrec, &sensed.clone().without_sense()));
        assert_ne!(blind, picks(PolicyName::Avrec, &sensed));
        let silent = world("step");
        assert_eq!(
            picks(PolicyName::AvrecBlind, &silent),
            picks(PolicyName::Avrec, &silent)
        );
    }
}
