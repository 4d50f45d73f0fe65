// SPDX-License-Identifier: MPL-2.0

//! Who answers the next frame, and why.
//!
//! Facts go in through past-tense methods, each with the time as an argument; a [`Decision`] with its
//! [`Reason`] comes out. The module is fully deterministic: it reads no clock, takes no lock, does no
//! I/O, does not log, and cannot fail after construction. It knows candidates by [`CandidateId`] only.
//!
//! The rule: a candidate is feasible when its upper latency bound keeps the effective budget; of the
//! feasible ones the best quality answers. A switch that is forced is immediate; a switch for quality
//! waits until the regret of staying has paid for it. What one run says of the machine (`slowdown`) counts
//! for all candidates, so a rival need not run to be judged.

mod alarm;
mod candidate;
mod config;
mod controller;
mod decision;
mod latency;
mod limit;
mod quality;
mod regret;
mod shadow;
mod slowdown;
mod window;

use std::time::Duration;

pub use config::{Config, ConfigError};
pub use controller::Policy;
pub use decision::{Decision, Reason, Switch};
pub use shadow::Shadow;

/// Position of a candidate in the order in which it was added; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CandidateId(pub usize);

/// What is known of a candidate before it ran.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Probability that an answer is right, or normalized quality, 0..1; `None` when nobody measured it:
    /// then 0.5 with a wide doubt, or 1 for the reference, whose answers are the scale.
    pub quality: Option<f64>,
    /// Whether this is the candidate whose answers score the others.
    pub is_reference: bool,
}

/// How a run came about; decides what its latency may teach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// It answered a frame.
    Active,
    /// It ran beside, in the slack, undisturbed: its latency counts.
    Shadow,
    /// It ran beside and overlapped an active run: its latency is not representative.
    Overlapped,
    /// First runs after load, or the first run after a swap: caches are cold.
    WarmUp,
}

/// Whether a candidate could take a frame now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Warm and free.
    Ready,
    /// Running: its frame, begun at `since` on the clock of `now`, is not finished.
    Busy { since: Duration },
    /// Loading, warming, failed or removed.
    Absent,
}

/// What the policy believes of a candidate now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// Predicted frame latency, if it was ever measured.
    pub latency: Option<Duration>,
    /// Upper bound used for feasibility.
    pub upper: Option<Duration>,
    /// Posterior quality and its standard deviation.
    pub quality: f64,
    pub quality_sd: f64,
    /// Latency samples and quality samples that went in.
    pub runs: u64,
    pub scores: u64,
    pub feasible: bool,
}
