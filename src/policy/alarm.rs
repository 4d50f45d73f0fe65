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

/// What a run turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// As expected, or it could not tell.
    Nothing,
    /// The run that raised the alarm was this candidate's own affair, with this residual.
    Spike { by: CandidateId, residual: f64 },
}

/// Smallest probability of a step that an alarm begins with, however many were spikes before: one run may always be
/// the first of a step, and two further ones then confirm it.
const LEAST_STEP: f64 = 0.02;

/// What an alarm's verdict keeps of the verdicts before it.
const MEMORY: f64 = 0.98;

/// How alarms turned out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdicts {
    /// Alarms that were steps, and that were spikes, fading.
    steps: f64,
    spikes: f64,
}

impl Verdicts {
    pub(super) fn new() -> Verdicts {
        Verdicts {
            steps: 1.0,
            spikes: 1.0,
        }
    }

    /// An alarm was a step with this probability.
    pub(super) fn was(&mut self, step: f64) {
        self.steps = MEMORY * self.steps + step;
        self.spikes = MEMORY * self.spikes + 1.0 - step;
    }

    /// Probability that the next alarm is a step.
    pub(super) fn likely_step(&self) -> f64 {
        (self.steps / (self.steps + self.spikes)).max(LEAST_STEP)
    }
}
