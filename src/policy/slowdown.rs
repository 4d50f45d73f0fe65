// SPDX-License-Identifier: MPL-2.0

//! What all candidates share: how much slower the machine is now than when they were measured. One clean
//! run of any candidate moves it, and with it the expectation of all.

use std::time::Duration;

use super::CandidateId;
use super::ablation::{Part, is_out};
use super::alarm::{Alarm, Verdict, Verdicts};
use super::contention::{Contention, LEVEL_LIMIT};
use super::latency::Latency;
use super::level::{Exposure, Level};
use super::prospect::{Mixture, Prospect};
use crate::clone_in_place::clone_in_place;

/// Standard deviations of a single run by which two expectations must differ to be told apart by one.
const APART: f64 = 2.0;

/// Slow runs of one candidate after which an alarm is taken for a step even if no other candidate was heard.
const ENOUGH: u32 = 10;

/// Part of an unconfirmed alarm that a run which cannot tell takes back: an alarm that nobody can
/// judge is over after some hundred frames.
const FADE: f64 = 0.01;

/// Probability of a step below which an unconfirmed alarm is over: it weighs less than the scatter that raised it.
const OVER: f64 = 0.05;

/// The shared log-slowdown: a scalar filter with an alarm for what a filter would follow too slowly.
#[derive(Debug)]
pub(super) struct Slowdown {
    pub contention: Contention,
    alarm: Option<Alarm>,
    verdicts: Verdicts,
    /// Slowdown that the last run of the active candidate implies, if it was surprisingly fast.
    fast: Option<f64>,
}

clone_in_place! { Slowdown: contention alarm verdicts fast }

impl Slowdown {
    pub(super) fn new() -> Slowdown {
        Slowdown {
            contention: Contention::new(),
            alarm: None,
            verdicts: Verdicts::new(),
            fast: None,
        }
    }

    /// What is believed most, of the slowdown that long runs meet: the risen level while an alarm is open.
    pub(super) fn level(&self) -> Level {
        self.contention
            .sensed
            .on_top_of(self.unsensed(), || Exposure::FULL)
    }

    /// What is expected of a candidate's runs at it.
    pub(super) fn prospect<'a>(&'a self, of: &'a Latency) -> Option<Prospect<'a>> {
        Prospect::new(of, self.level_of(of), 0.0, &self.contention.residuals)
    }

    /// The same of what a candidate's runs meet.
    pub(super) fn level_of(&self, of: &Latency) -> Level {
        self.contention
            .sensed
            .on_top_of(self.unsensed(), || of.exposure())
    }

    /// What is believed most, without what is sensed: the risen level while an alarm is open.
    pub(super) fn unsensed(&self) -> Level {
        Level {
            mean: self.alarm.map_or(self.contention.level.mean, |it| it.risen),
            ..self.contention.level
        }
    }

    /// The machine says that something waits for this share of the time, 0..1. A suspicion that this explains, or that
    /// rose while more was waiting, is dropped.
    /// Returns whether a load has just gone.
    pub(super) fn waits(&mut self, share: f64) -> bool {
        let is_gone = self.contention.sensed.waits(share);
        if self
            .alarm
            .is_some_and(|it| self.contention.sensed.has_changed(it.depth))
        {
            self.forget();
        }
        is_gone
    }

    /// The runs of a candidate at whatever the slowdown may be: one level, or two while nobody knows whether a slow run was
    /// a spike or a step, and a load that may be back. All are slower by `shift`, in the log domain.
    pub(super) fn runs<'a>(&'a self, of: &'a Latency, shift: f64) -> Mixture<'a> {
        let at = |level: Level, probability: f64| {
            let runs =
                (0.0 < probability).then(|| Prospect::new(of, level, shift, &self.contention.residuals));
            Some((runs.flatten()?, probability))
        };
        let step = self.alarm.map_or(0.0, |it| it.step);
        let (level, hazard) = self.contention.may_return(of);
        Mixture {
            now: [
                at(self.level_of(of), step),
                at(self.contention.now(of), 1.0 - step),
            ],
            then: at(level, hazard),
        }
    }

    /// Who should be looked at beside the active candidate, because no run so far could tell whether its alarm is a
    /// step.
    pub(super) fn suspect(&self) -> Option<CandidateId> {
        self.alarm.filter(Alarm::is_look_due).map(|it| it.by)
    }

    /// While an alarm is open: the probability that it is a step.
    pub(super) fn step_probability(&self) -> Option<f64> {
        self.alarm.map(|it| it.step)
    }

    /// A frame passed.
    pub(super) fn drift(&mut self) {
        self.contention.drift();
    }

    /// Observed minus expected, in the log domain, without an alarm.
    pub(super) fn residual(&self, latency: Duration, of: &Latency) -> f64 {
        self.contention.residual(latency, of)
    }

    /// Moves the origin by `shift`, together with all candidates. Refused while an alarm is open.
    pub(super) fn shift_origin(&mut self, shift: f64) -> bool {
        let mean = self.contention.level.mean + shift;
        let is_possible = self.alarm.is_none() && mean.abs() <= LEVEL_LIMIT;
        if is_possible {
            self.contention.level.mean = mean;
            self.fast = None;
        }
        is_possible
    }

    /// Takes the unconfirmed alarm of a candidate back that will not be heard of again.
    pub(super) fn forget_alarm_of(&mut self, id: CandidateId) {
        if self.alarm.is_some_and(|it| it.by == id) {
            self.alarm = None;
        }
    }

    /// Takes back what single runs hinted at: an unconfirmed alarm, and a first fast run.
    pub(super) fn forget(&mut self) {
        (self.alarm, self.fast) = (None, None);
    }

    /// Candidate `id` passed its deadline and took at least `latency`. Returns whether that alone is surprising.
    pub(super) fn missed(&mut self, id: CandidateId, latency: Duration, of: &Latency) -> bool {
        let may_raise =
            !is_out(Part::SharedSlowdown) && !is_out(Part::Alarm) && !self.contention.sensed.is_busy();
        let is_surprising = may_raise
            && self.contention.tolerance(of) < self.contention.residual(latency, of)
            && of.is_informative()
            && self.contention.tells(of);
        if is_surprising {
            self.slow_again(id, of);
            self.raise(id, latency, of);
        }
        is_surprising
    }

    /// A further run was slow while the alarm is open: of another candidate, it is the machine; of the same one, it
    /// may also be a candidate whose slow runs are many, or come in rows.
    fn slow_again(&mut self, id: CandidateId, of: &Latency) {
        let Some(alarm) = &mut self.alarm else { return };
        let otherwise = if alarm.by == id {
            alarm.runs += 1;
            of.slow_again(alarm.residual, &self.contention.residuals)
        } else {
            alarm.runs = ENOUGH;
            0.0
        };
        alarm.step /= alarm.step + (1.0 - alarm.step) * otherwise;
    }

    /// A run that had missed its deadline ended after `latency`. Returns whether its alarm is still open, and
    /// the run therefore not judged yet.
    pub(super) fn ended(&mut self, id: CandidateId, latency: Duration, of: &Latency) -> bool {
        let is_open = self.alarm.is_some_and(|it| it.by == id);
        if is_open {
            self.raise(id, latency, of);
        }
        is_open
    }

    /// A run of a candidate whose baseline does not stand yet: it cannot tell of the machine, only whether an open alarm
    /// is a step. What it found is freed of the slowdown that is certain.
    pub(super) fn first_run(
        &mut self,
        id: CandidateId,
        latency: Duration,
        of: &mut Latency,
        clean: bool,
    ) -> Verdict {
        let verdict = if of.is_known() {
            self.judge(id, latency, of, clean)
        } else {
            Verdict::Nothing
        };
        let met = self.contention.met(latency, of);
        if clean {
            of.found(latency, self.contention.level.mean + met);
        } else {
            of.ran_disturbed(latency, self.contention.level.mean + met);
        }
        verdict
    }

    /// A clean run: moves the slowdown and teaches the candidate. `is_rare` for one that is not run on each frame: the
    /// active one has just told of the machine, so a surprise is the candidate's own.
    pub(super) fn measured(
        &mut self,
        id: CandidateId,
        latency: Duration,
        of: &mut Latency,
        is_rare: bool,
    ) -> Verdict {
        let is_rare = is_rare || !self.contention.tells(of);
        let verdict = self.judge(id, latency, of, true);
        let residual = self.contention.residual(latency, of);
        let tolerance = self.contention.tolerance(of);
        if is_out(Part::SharedSlowdown) {
            of.remember(residual);
            of.learn_own_change(
                residual.clamp(-tolerance, tolerance),
                self.contention.now(of),
                &self.contention.residuals,
            );
        } else if is_out(Part::Alarm) && of.is_informative() {
            of.remember(residual);
            self.contention.share(residual, of);
            self.contention.learn(residual.clamp(-tolerance, tolerance), of);
        } else if self.contention.sensed.is_busy() && self.contention.tells(of) {
            if tolerance < residual.abs() {
                self.contention.sensed.doubt(residual, of.exposure());
            }
            of.remember(residual.clamp(-tolerance, tolerance));
            of.reacts(self.contention.now(of).mean);
            self.contention.learn(residual, of);
            of.normal();
        } else if tolerance < residual {
            if is_rare || !of.is_informative() {
                of.remember(residual);
                of.slow_alone(residual, self.contention.now(of).mean);
            } else if self.alarm.is_none() {
                self.raise(id, latency, of);
            }
        } else if of.is_informative() && residual < -tolerance {
            self.fast(latency, residual, of, is_rare);
            of.normal();
        } else {
            of.remember(residual);
            self.contention.share(residual, of);
            of.reacts(self.contention.now(of).mean);
            self.contention.learn(residual, of);
            of.normal();
            if !is_rare {
                self.fast = None;
            }
        }
        verdict
    }

    /// A surprisingly fast run. One of the active candidate may be chance; a second one of anybody means that
    /// contention has gone, by the more cautious of the two. One beside a normal one is the candidate's own.
    fn fast(&mut self, latency: Duration, residual: f64, of: &mut Latency, is_rare: bool) {
        let implied = self.contention.implied(latency, of);
        match self.fast.take() {
            Some(before) => self.jump(before.max(implied), of),
            None if is_rare => {
                of.learn_own_change(residual, self.contention.now(of), &self.contention.residuals)
            }
            None => self.fast = Some(implied),
        }
    }

    /// Takes a level that a run has told, as uncertain as one run is.
    fn jump(&mut self, level: f64, of: &mut Latency) {
        let scatter = of.scatter(&self.contention.residuals);
        let now = self.contention.now(of);
        self.contention.moved(
            of,
            Level {
                mean: now.mean + level - self.contention.level.mean,
                variance: now.variance + scatter * scatter,
                ..now
            },
        );
        of.carried(self.contention.now(of).mean);
    }

    /// A run that something disturbed: it can only have been slower than a clean one, so it counts
    /// when it was faster than expected.
    pub(super) fn ran_disturbed(
        &mut self,
        id: CandidateId,
        latency: Duration,
        of: &mut Latency,
        is_rare: bool,
    ) -> Verdict {
        let is_rare = is_rare || !self.contention.tells(of);
        let verdict = self.judge(id, latency, of, false);
        let residual = self.contention.residual(latency, of);
        if of.is_informative()
            && residual < -self.contention.tolerance(of)
            && !self.contention.sensed.is_busy()
        {
            self.fast(latency, residual, of, is_rare);
        } else if residual < 0.0 {
            self.contention.learn(residual, of);
        } else if residual < self.contention.tolerance(of) {
            of.confirmed(self.contention.now(of), &self.contention.residuals);
        }
        if -self.contention.tolerance(of) < residual {
            of.reacts(self.contention.now(of).mean);
        }
        if residual < self.contention.tolerance(of) {
            of.normal();
        }
        verdict
    }

    /// Judges an open alarm by a further run of any candidate.
    ///
    /// A disturbed run can only have been slower than a clean one, so it may deny a step but not confirm it.
    fn judge(&mut self, id: CandidateId, latency: Duration, of: &mut Latency, clean: bool) -> Verdict {
        let (met, implied, tells) = (
            self.contention.met(latency, of),
            self.contention.implied(latency, of),
            self.contention.tells(of),
        );
        let Some(alarm) = self.alarm.as_mut() else {
            return Verdict::Nothing;
        };
        let apart = of.expected(alarm.risen + met) - of.expected(alarm.before + met);
        if !of.is_informative() || !tells || apart < APART * of.scatter(&self.contention.residuals) {
            alarm.step *= 1.0 - FADE;
            alarm.unclear = alarm.unclear.saturating_add(1);
            if alarm.step < OVER {
                self.alarm = None;
            }
            return Verdict::Nothing;
        }
        let Alarm { by, residual, .. } = *alarm;
        if of.residual(latency, alarm.risen + met) < -apart / 2.0 {
            self.settle(0.0);
            return Verdict::Spike { by, residual };
        }
        if clean {
            alarm.risen = implied.min(LEVEL_LIMIT);
            self.slow_again(id, of);
        }
        if clean && self.alarm.is_some_and(|it| ENOUGH <= it.runs) {
            self.settle(1.0);
            self.jump(implied, of);
        }
        Verdict::Nothing
    }

    fn settle(&mut self, step: f64) {
        self.alarm = None;
        self.verdicts.was(step);
    }

    fn raise(&mut self, id: CandidateId, latency: Duration, of: &Latency) {
        let before = self.contention.level.mean;
        let residual = self.contention.residual(latency, of);
        let risen = (self.contention)
            .implied(latency, of)
            .min(LEVEL_LIMIT)
            .max(self.alarm.map_or(before, |it| it.risen));
        let likely = self.verdicts.likely_step();
        let step = self.alarm.map_or(likely, |it| it.step);
        self.alarm = Some(Alarm {
            by: id,
            before,
            risen,
            residual,
            depth: self.contention.sensed.depth(),
            step,
            runs: self.alarm.map_or(1, |it| it.runs),
            unclear: self.alarm.map_or(0, |it| it.unclear),
        });
    }
}

#[cfg(test)]
mod tests;
