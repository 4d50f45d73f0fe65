// SPDX-License-Identifier: MPL-2.0

//! What all candidates share: how much slower the machine is now than when they were measured. One clean
//! run of any candidate moves it, and with it the expectation of all.

use std::time::Duration;

use super::CandidateId;
use super::latency::Latency;

/// Variance that the slowdown gains per frame while nothing is known: contention drifts by 2 % a frame.
const DRIFT: f64 = 4e-4;

/// Largest variance: a factor of 2.7 either way. Beyond it a run is believed as it stands anyway.
const VARIANCE_LIMIT: f64 = 1.0;

/// Standard deviations beyond which a residual is no scatter: 1 frame in 370, if Gaussian.
const SURPRISE: f64 = 3.0;

/// Surprisingly fast runs in a row after which contention is believed to have gone: downwards patience
/// costs a little quality for some frames, upwards it would cost a miss each.
const FAST_RUNS: u32 = 3;

/// Part of an unconfirmed alarm that a run which cannot tell takes back: an alarm that nobody can
/// judge, not even a look, is over after some hundred frames.
const FADE: f64 = 0.005;

/// Largest number of runs that cannot tell between two looks that can.
const LOOK_LATEST: u32 = 64;

/// Bounds of the log-slowdown: a factor of 1,000. A hung candidate implies more, which says nothing.
const LEVEL_LIMIT: f64 = 6.9;

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
struct Alarm {
    by: CandidateId,
    before: f64,
    residual: f64,
    /// Runs that could not tell.
    unclear: u32,
}

/// The shared log-slowdown: a scalar filter with an alarm for what a filter would follow too slowly.
#[derive(Debug, Clone)]
pub(super) struct Slowdown {
    level: f64,
    variance: f64,
    alarm: Option<Alarm>,
    /// Surprisingly fast runs in a row, and the largest slowdown that they implied.
    fast: u32,
    fast_level: f64,
}

impl Slowdown {
    pub(super) fn new() -> Slowdown {
        Slowdown {
            level: 0.0,
            variance: DRIFT,
            alarm: None,
            fast: 0,
            fast_level: f64::NEG_INFINITY,
        }
    }

    /// Natural logarithm of the factor by which latencies are longer than the baselines.
    pub(super) fn level(&self) -> f64 {
        self.level
    }

    /// A frame passed.
    pub(super) fn drift(&mut self) {
        self.variance = (self.variance + DRIFT).min(VARIANCE_LIMIT);
    }

    /// Takes the unconfirmed alarm of a candidate back that will not be heard of again.
    pub(super) fn forget_alarm_of(&mut self, id: CandidateId) {
        if self.alarm.is_some_and(|it| it.by == id) {
            self.forget();
        }
    }

    /// Takes an unconfirmed alarm back.
    pub(super) fn forget(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            self.level = alarm.before;
        }
        self.calm_down();
    }

    /// Candidate `id` passed its deadline and took at least `latency`.
    pub(super) fn missed(&mut self, id: CandidateId, latency: Duration, of: &Latency) {
        if 0.0 < of.residual(latency, self.level) && self.speaks(of) {
            self.raise(id, latency, of);
        }
    }

    /// A run that had missed its deadline ended after `latency`. Returns whether its alarm is still open, and
    /// the run therefore not judged yet.
    pub(super) fn ended(&mut self, id: CandidateId, latency: Duration, of: &Latency) -> bool {
        match self.alarm {
            Some(alarm) if alarm.by == id => {
                self.raise(id, latency, of);
                true
            }
            _ => false,
        }
    }

    /// A clean run: moves the slowdown and teaches the candidate its offset.
    pub(super) fn measured(&mut self, id: CandidateId, latency: Duration, of: &mut Latency) {
        let residual = of.residual(latency, self.level);
        let tolerance = SURPRISE * self.innovation_variance(of).sqrt();
        if tolerance < residual && self.speaks(of) {
            self.raise(id, latency, of);
            return;
        }
        if residual < -tolerance {
            self.fast += 1;
            self.fast_level = self.fast_level.max(of.implied(latency));
            if FAST_RUNS <= self.fast {
                self.jump(self.fast_level, of);
            }
            return;
        }
        self.calm_down();
        of.remember(residual);
        self.update(residual.min(tolerance), of);
    }

    /// A run that something disturbed: it can only have been slower than a clean one, so it counts
    /// when it was faster than expected.
    pub(super) fn glimpsed(&mut self, latency: Duration, of: &mut Latency) {
        let residual = of.residual(latency, self.level);
        of.pardon(residual);
        if residual < 0.0 {
            self.update(residual, of);
        }
    }

    /// Judges an open alarm by a further run of any candidate; `None` when there is none to judge. A disturbed
    /// run can only have been slower than a clean one, so it may deny a step but not confirm it.
    pub(super) fn judge(&mut self, latency: Duration, of: &mut Latency, clean: bool) -> Option<Verdict> {
        let alarm = self.alarm?;
        let rise = self.level - alarm.before;
        if !of.is_known() || !self.speaks(of) {
            self.level -= FADE * rise;
            return self.unclear();
        }
        let apart = of.expected(self.level) - of.expected(alarm.before);
        if apart < 2.0 * of.scatter() {
            // The rise is so small that scatter hides it: nothing to judge, the filter follows by itself.
            self.alarm = None;
            self.variance = (self.variance + rise * rise).min(VARIANCE_LIMIT);
            return None;
        }
        if of.residual(latency, self.level) < -apart / 2.0 {
            self.alarm = None;
            self.level = alarm.before;
            return Some(Verdict::Spike {
                by: alarm.by,
                residual: alarm.residual,
            });
        }
        if !clean {
            return self.unclear();
        }
        self.alarm = None;
        self.jump(of.implied(latency), of);
        Some(Verdict::Step)
    }

    /// Whether a run tells of the machine: one that is mostly hand-over hardly moves with the slowdown.
    fn speaks(&self, of: &Latency) -> bool {
        0.5 < of.sensitivity(self.level.min(0.0))
    }

    /// Who should be looked at beside the active candidate, because no run so far could tell whether its
    /// alarm is a step. The first looks follow at once, the next ones at doubling distances.
    pub(super) fn suspect(&self) -> Option<CandidateId> {
        let alarm = self.alarm?;
        let is_due =
            alarm.unclear.is_power_of_two() || (0 < alarm.unclear && alarm.unclear % LOOK_LATEST == 0);
        is_due.then_some(alarm.by)
    }

    fn unclear(&mut self) -> Option<Verdict> {
        if let Some(alarm) = &mut self.alarm {
            alarm.unclear = alarm.unclear.saturating_add(1);
        }
        Some(Verdict::Unclear)
    }

    fn raise(&mut self, id: CandidateId, latency: Duration, of: &Latency) {
        let (before, unclear) = self.alarm.map_or((self.level, 0), |it| (it.before, it.unclear));
        let residual = of.residual(latency, before);
        self.alarm = Some(Alarm {
            by: id,
            before,
            residual,
            unclear,
        });
        self.level = self.level.max(of.implied(latency).min(LEVEL_LIMIT));
        self.calm_down();
    }

    /// Takes a level that runs of this candidate have told, as uncertain as one run is. A jump is the machine's:
    /// the candidate's offset has no part in it, or it would be wrong when the machine jumps back.
    fn jump(&mut self, level: f64, of: &mut Latency) {
        self.level = level.clamp(-LEVEL_LIMIT, LEVEL_LIMIT);
        self.variance = (self.variance + of.scatter().powi(2)).min(VARIANCE_LIMIT);
        of.carried(self.level);
        self.calm_down();
    }

    fn calm_down(&mut self) {
        self.fast = 0;
        self.fast_level = f64::NEG_INFINITY;
    }

    fn innovation_variance(&self, of: &Latency) -> f64 {
        let sensitivity = of.sensitivity(self.level);
        let scatter = of.scatter();
        sensitivity * sensitivity * (self.variance + of.doubt(self.level)) + scatter * scatter
    }

    /// One step of the filter (specification, section 3.1), with `w` the sensitivity, `P` the slowdown's
    /// variance, `V` the candidate's doubt and `S` the variance of the residual `nu`:
    /// `s += w P / S · nu`, `d += w V / S · nu`, `P *= 1 - w² P / S`, `V *= 1 - w² V / S`.
    fn update(&mut self, residual: f64, of: &mut Latency) {
        let sensitivity = of.sensitivity(self.level);
        let doubt = of.doubt(self.level);
        let total = self.innovation_variance(of);
        let (gain, own_gain) = (sensitivity * self.variance / total, sensitivity * doubt / total);
        self.level = (self.level + gain * residual).clamp(-LEVEL_LIMIT, LEVEL_LIMIT);
        self.variance *= 1.0 - sensitivity * gain;
        of.learn(
            own_gain * residual,
            doubt * (1.0 - sensitivity * own_gain),
            self.level,
        );
    }
}
