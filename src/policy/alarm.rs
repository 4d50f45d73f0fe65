// SPDX-License-Identifier: MPL-2.0

//! The suspicion that the machine became slower, between the run that raised it and the one that settles it.
//! What follows from the verdict stands in `slowdown`.

use std::time::Duration;

use super::CandidateId;
use super::latency::Latency;

/// Largest number of runs that cannot tell between two looks at the suspect.
const LOOK_LATEST: u32 = 64;

/// Standard deviations of a single run by which two expectations must differ to be told apart by one.
const APART: f64 = 2.0;

/// What became of an alarm with a further run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// The run could not tell; the alarm stays open.
    Unclear,
    /// The machine is slow for everybody.
    Step,
    /// It was that one run only.
    Spike { by: CandidateId, residual: f64 },
}

/// A run so slow that it is a spike or a step. A late frame has two causes that look alike on one run:
///   #1 a spike: the next frame is normal, and the level before was right;
///   #2 a step: contention rose, and every frame of this size until the switch is late.
/// The slowdown is taken as risen at once, and the next run, whoever's it is, tells them apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alarm {
    by: CandidateId,
    /// Level of the slowdown before the alarm.
    before: f64,
    residual: f64,
    /// Runs that could not tell.
    unclear: u32,
}

impl Alarm {
    /// An alarm that a run of at least `latency` raised at the level `before`.
    pub(super) fn new(by: CandidateId, before: f64, latency: Duration, of: &Latency) -> Alarm {
        Alarm {
            by,
            before,
            residual: of.residual(latency, before),
            unclear: 0,
        }
    }

    /// The same alarm, with another slow run, or with more known of the same one.
    pub(super) fn raised_again(self, by: CandidateId, latency: Duration, of: &Latency) -> Alarm {
        Alarm {
            by,
            residual: of.residual(latency, self.before),
            ..self
        }
    }

    pub(super) fn by(&self) -> CandidateId {
        self.by
    }

    pub(super) fn before(&self) -> f64 {
        self.before
    }

    /// Judges by a further run while the slowdown is believed to be at `level`; `None` when the rise is so
    /// small that scatter hides it, and there is nothing to judge.
    ///
    /// A disturbed run can only have been slower than a clean one, so it may deny a step but not confirm it.
    pub(super) fn judge(
        &mut self,
        level: f64,
        latency: Duration,
        of: &Latency,
        clean: bool,
    ) -> Option<Verdict> {
        if !of.speaks() {
            return Some(self.unclear());
        }
        let apart = of.expected(level) - of.expected(self.before);
        if apart < APART * of.scatter() {
            return None;
        }
        if of.residual(latency, level) < -apart / 2.0 {
            return Some(Verdict::Spike {
                by: self.by,
                residual: self.residual,
            });
        }
        Some(if clean { Verdict::Step } else { self.unclear() })
    }

    /// Whether the suspect should be looked at beside the active candidate. The looks follow each other at
    /// doubling distances.
    pub(super) fn is_look_due(&self) -> bool {
        // The first unclear run is mostly a cold one, and the next will tell.
        1 < self.unclear && (self.unclear.is_power_of_two() || self.unclear.is_multiple_of(LOOK_LATEST))
    }

    fn unclear(&mut self) -> Verdict {
        self.unclear = self.unclear.saturating_add(1);
        Verdict::Unclear
    }
}
