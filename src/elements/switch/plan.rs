// SPDX-License-Identifier: MPL-2.0

//! What is decided for one frame.

use std::time::Duration;

use crate::policy::Switch;

/// Who answers a frame, in terms of lanes.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// The lane to run and to wait for; `None` when only the floor can answer, or a held answer leaves.
    pub answer: Option<usize>,
    pub switch: Option<Switch>,
    /// The lane whose held answer leaves, and whether it begins with this frame.
    pub hold: Option<(usize, bool)>,
}

/// Lanes that somebody named.
#[derive(Debug, Default, Clone, Copy)]
pub struct NamedLanes {
    /// The one that the user pinned.
    pub pinned: Option<usize>,
    /// The one that stands in for one that is late, if the user or the catalogue names one.
    pub floor: Option<usize>,
    /// The one whose answers score the others.
    pub reference: Option<usize>,
}

/// What the policy decided for one frame, and what the user asked for.
#[derive(Debug)]
pub struct Plan {
    /// Number of the frame in the stream, from zero.
    pub number: u64,
    pub choice: Choice,
    pub named: NamedLanes,
    pub budget: Duration,
    /// Time until the next frame is expected, from the entry of this one.
    pub period: Duration,
    /// Share of its time for which a run has to expect to wait, where the machine says so.
    pub waiting: Option<f64>,
}
