// SPDX-License-Identifier: MPL-2.0

//! The suspicion that the machine became slower, between the run that raised it and the one that settles it. What follows
//! from the verdict stands in `slowdown`.

use super::CandidateId;

/// Largest number of runs that cannot tell between two looks at the suspect.
const LOOK_LATEST: u32 = 64;

/// A run so slow that it is a spike or a step. A late frame has two causes that look alike on one run:
///   #1 a spike: the next frame is normal, and the level before was right;
///   #2 a step: contention rose, and every frame of this size until the switch is late.
/// Until a further run tells, both levels are believed, each with its probability.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alarm {
    pub by: CandidateId,
    /// Level of the slowdown before the alarm, and what the run implies.
    pub before: f64,
    pub risen: f64,
    pub residual: f64,
    /// What was sensed then.
    pub depth: f64,
    /// Probability that it is a step.
    pub step: f64,
    /// Slow runs of the same candidate.
    pub runs: u32,
    /// Runs of others that could not tell.
    pub unclear: u32,
}

impl Alarm {
    /// Whether the suspect should be looked at beside the active candidate, because nobody else can tell. The looks
    /// follow each other at doubling distances.
    pub(super) fn is_look_due(&self) -> bool {
        // The first unclear run is mostly a cold one, and the next will tell.
        1 < self.unclear && (self.unclear.is_power_of_two() || self.unclear.is_multiple_of(LOOK_LATEST))
    }
}
