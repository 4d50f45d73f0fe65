// SPDX-License-Identifier: MPL-2.0

//! Who answers the next frame, and why.
//!
//! Facts go in through past-tense methods, each with the time as an argument; a [`Decision`] with its
//! [`Reason`] comes out. The module is fully deterministic: it reads no clock, takes no lock, does no
//! I/O, does not log, and cannot fail after construction. It knows candidates by [`CandidateId`] only.
//!
//! The rule: of what is expected of each candidate, the smallest cost wins, -ln P + λS + C with P the probability that
//! its answer is right and in time, plus a price on misses that rises and falls to keep the promised rate. A switch
//! waits until the regret of staying has paid for it; a gain that is large pays at once. What one run says of the
//! machine (`slowdown`) counts for all candidates on the same device, so a rival need not run to be judged.
//!
//! What the reference specification has and this has not, and what takes its place:
//!
//! - The bound `U <= B`, the conformal step and the miss credit: the price. It orders candidates by what they gain for a
//!   miss, and one dual variable keeps the promise.
//! - The guard frame with its learned chance: between a slow run and the next one the slowdown has two levels, each with
//!   its probability, and the cost does the rest.
//! - The CUSUM: two fast runs in a row are a fall, and what is slow raises an alarm that the next run judges.
//! - One elasticity for all: each candidate's reaction to contention is learned, from zero to two and a half times.
//! - The knowledge gradient: scores follow each other at growing distances, which spent less than 1 % of the time and
//!   found the wrong catalogues as fast.

mod ablation;
mod alarm;
mod baseline;
mod beside;
mod candidate;
mod choice;
mod config;
mod contention;
mod controller;
mod decision;
mod devices;
mod drift;
mod effective_budget;
mod estimates;
mod evidence;
mod explain;
mod explanation;
mod knowledge;
mod latency;
mod lesson;
mod level;
mod limit;
mod load;
mod normal;
mod objective;
mod price;
mod prospect;
mod quality;
mod regret;
mod residuals;
mod robustness;
mod sensed;
mod shadow;
mod slow_streak;
mod slowdown;
mod stride;
mod terms_table;
mod window;

use std::time::Duration;

#[cfg(feature = "ablation")]
pub use ablation::{Part, leave_out};
pub use config::{Config, ConfigError};
pub use controller::Policy;
pub use decision::{Decision, Hold, Reason, Switch};
pub use devices::Device;
pub use drift::{Drift, Range};
pub use evidence::Evidence;
pub use explanation::{Account, Binding, Explanation, Outlook, Source};
pub use knowledge::{Knowledge, KnownLatency, KnownQuality};
pub use lesson::Teaching;
pub use limit::Limit;
pub use load::Wishes;
pub use objective::{Strategy, Terms, Weights};
pub use shadow::Shadow;

/// Position of a candidate in the order in which it was added; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CandidateId(pub usize);

/// What is known of a candidate before it ran.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Prior {
    /// Probability that an answer is right, or normalized quality, 0..1; `None` when nobody measured it:
    /// then 0.5 with a wide doubt, or 1 for the reference, whose answers are the scale.
    pub quality: Option<f64>,
    /// Standard deviation of that, where it was measured with an interval; `None` counts as much as one score.
    pub quality_sd: Option<f64>,
    /// Median latency on a calm machine; `None` when nobody measured it: then the first runs tell.
    pub latency: Option<Duration>,
    /// C of the formula: memory, energy or money, in units of the user's choice.
    pub complexity: f64,
    /// Whether this is the candidate whose answers score the others.
    pub is_reference: bool,
    /// What it runs on.
    pub device: Device,
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
    /// It ran beside at idle priority, for as long as the rest of the machine let it: its latency says nothing.
    Idle,
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
    /// Not in memory, as long as nobody has it loaded, which takes this long, as far as that is known.
    Unloaded { load_time: Option<Duration> },
}
