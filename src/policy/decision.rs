// SPDX-License-Identifier: MPL-2.0

//! What the policy answers, with the numbers that were compared.

use std::time::Duration;

use super::CandidateId;

/// Who answers the next frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// The candidate to run; `None` when nobody is available and the floor must answer.
    pub answer: Option<CandidateId>,
    /// Set when the active candidate changed with this decision.
    pub switch: Option<Switch>,
}

/// A change of the active candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Switch {
    pub from: Option<CandidateId>,
    pub to: CandidateId,
    pub reason: Reason,
}

/// Why the active candidate changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// The first candidate became able to answer.
    Start,
    /// The active candidate's upper latency bound passed the budget.
    Infeasible { upper: Duration, budget: Duration },
    /// A feasible rival promises better quality.
    Better { quality: f64, over: f64 },
    /// The active candidate is still busy with an earlier frame.
    Busy { since: Duration },
    /// The active candidate failed or was removed.
    Gone,
    /// The user pinned it.
    Pinned,
}
