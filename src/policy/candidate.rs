// SPDX-License-Identifier: MPL-2.0

//! One candidate's estimates side by side. Only data; who uses them how stands in `controller`.

use super::Prior;
use super::latency::Latency;
use super::quality::Quality;
use super::regret::Regret;

/// Whether a candidate may be considered at all, whatever its lane says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Sound,
    Failed,
}

#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub standing: Standing,
    pub latency: Latency,
    pub quality: Quality,
    pub regret: Regret,
    /// Runs of any kind.
    pub runs: u64,
    /// Frame of the last run and of the last score; `None` before the first.
    pub last_run: Option<u64>,
    pub last_score: Option<u64>,
    /// A miss was told of a run that has not ended yet.
    pub overdue: bool,
}

impl Candidate {
    pub(super) fn new(prior: Prior) -> Candidate {
        Candidate {
            standing: Standing::Sound,
            latency: Latency::new(),
            quality: Quality::new(prior),
            regret: Regret::default(),
            runs: 0,
            last_run: None,
            last_score: None,
            overdue: false,
        }
    }
}
