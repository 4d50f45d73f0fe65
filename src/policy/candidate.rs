// SPDX-License-Identifier: MPL-2.0

//! One candidate's estimates side by side. Who uses them how stands in `controller`.

use super::Prior;
use super::latency::Latency;
use super::quality::Quality;
use super::regret::Regret;
use super::robustness::Robustness;

/// Whether a candidate may be considered at all, whatever its lane says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Sound,
    Failed,
}

/// What a miss said before the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Nothing: so long a run is not unusual.
    Plausible,
    /// It raised an alarm, which is judged without waiting for the run's end.
    Alarming,
}

#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub standing: Standing,
    pub latency: Latency,
    pub quality: Quality,
    pub robustness: Robustness,
    /// C of the formula.
    pub complexity: f64,
    /// The user does not want it to answer.
    pub is_forbidden: bool,
    pub regret: Regret,
    /// Runs of any kind.
    pub runs: u64,
    /// Frame of the last run of any kind; `None` before the first.
    pub last_run: Option<u64>,
    /// Shadow runs that could have led to a score, the frame of the last of them, and that of the last score.
    pub asks: u64,
    pub last_asked: Option<u64>,
    pub last_scored: Option<u64>,
    /// A run that has not ended yet missed its deadline.
    pub overdue: Option<Overdue>,
}

impl Candidate {
    pub(super) fn new(prior: Prior) -> Candidate {
        Candidate {
            standing: Standing::Sound,
            latency: prior.latency.map_or_else(Latency::new, Latency::with_baseline),
            quality: Quality::new(prior),
            robustness: Robustness::default(),
            complexity: prior.complexity,
            is_forbidden: false,
            regret: Regret::default(),
            runs: 0,
            last_run: None,
            asks: 0,
            last_asked: None,
            last_scored: None,
            overdue: None,
        }
    }
}
