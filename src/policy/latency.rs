// SPDX-License-Identifier: MPL-2.0

//! How long one candidate takes: its baseline, how it reacts to contention, and how its runs scatter. What all
//! candidates share is in `slowdown`.

use std::time::Duration;

use super::ablation::{Part, is_out};
use super::baseline::{Baseline, duration, seconds};
use super::knowledge::KnownLatency;
use super::level::{Exposure, Level, step};
use super::residuals::{Residuals, SCATTER};
use super::slow_streak::SlowStreak;
use super::window::Window;
use crate::clone_in_place::clone_in_place;

/// Part of a frame latency that no slowdown multiplies: the hand-over between threads. It keeps a
/// candidate of a few microseconds, whose latency is all jitter, from claiming that the machine became
/// three times slower. (17 µs median and 107 µs at the 99th percentile, measured.)
pub(super) const HAND_OVER: f64 = 200e-6;

/// Seconds that a busy Linux gives to a process at a time, about.
const TURN: f64 = 4e-3;

/// Variance of a baseline of five runs that scatter by 6 %: 1.57 (the median's) times 0.06² / 5.
const BASELINE_VARIANCE: f64 = 1.1e-3;

/// What the offset's variance gains a frame: candidates change on their own within minutes.
const OFFSET_DRIFT: f64 = 1e-7;

/// Spread of how strongly candidates react to the same contention.
const SENSITIVITY_SD: f64 = 0.12;

/// Largest variance of a candidate's reaction.
const REACTION_DOUBT: f64 = 0.25;

/// How much less or more than usual a candidate may react: not at all, to the power of two and a half.
const SENSITIVITY: (f64, f64) = (-1.0, 1.5);

/// Largest offset, in either direction: a factor of 20. A bound for hostile input, not for models.
const OFFSET_LIMIT: f64 = 3.0;

/// Reaction, as a share of the usual, below which a candidate counts as untouched by contention.
const TOUCHED: f64 = 0.25;

/// Log-slowdown from which on the machine is contended.
const CONTENDED: f64 = 0.15;

/// What one run counts in the mean of what was not known: fifty runs, as many as the residuals need to show a tail.
const USUAL: f64 = 0.02;

/// Latency model of one candidate, in seconds and log-seconds:
///
/// `ln(y + c) = ln(b · e^((1 + r) s + d) + c) + e` where `y` is the frame latency, `b` the baseline, `s` the shared
/// log-slowdown, `r` how much more than usual this candidate reacts to it, `d` its own offset, `c` the hand-over and
/// `e` the residual.
#[derive(Debug)]
pub(super) struct Latency {
    baseline: Baseline,
    offset: f64,
    offset_variance: f64,
    reaction: f64,
    reaction_variance: f64,
    /// Slowdown at the last run: from there on its reaction tells.
    seen_at: f64,
    /// Whether it was ever seen to be slowed down by contention.
    is_touched: bool,
    residuals: Residuals,
    slow: SlowStreak,
    /// Part of the residuals' variance that came of what was not known, in the mean of the last runs.
    usual: f64,
}

clone_in_place! { Latency: baseline offset offset_variance reaction reaction_variance seen_at is_touched residuals slow usual }

impl Latency {
    pub(super) fn new() -> Latency {
        Latency {
            baseline: Baseline::unknown(),
            offset: 0.0,
            // A provisional baseline is no doubt too high already; more doubt would bar the candidate from
            // the clean runs that could tell.
            offset_variance: 0.0,
            reaction: 0.0,
            reaction_variance: if is_out(Part::Reaction) {
                0.0
            } else {
                SENSITIVITY_SD.powi(2)
            },
            seen_at: 0.0,
            is_touched: is_out(Part::Reaction),
            residuals: Residuals::empty(),
            slow: SlowStreak::new(),
            usual: 0.0,
        }
    }

    /// With a baseline that somebody measured beforehand.
    pub(super) fn with_baseline(baseline: Duration) -> Latency {
        Latency {
            baseline: Baseline::given(seconds(baseline)),
            offset_variance: BASELINE_VARIANCE,
            ..Latency::new()
        }
    }

    /// With what was learned before.
    pub(super) fn recalled(known: &KnownLatency) -> Latency {
        let (least, most) = SENSITIVITY;
        Latency {
            offset_variance: known.sd.powi(2).max(BASELINE_VARIANCE),
            reaction: known.reaction.clamp(least, most),
            reaction_variance: known.reaction_sd.powi(2).min(REACTION_DOUBT),
            is_touched: known.is_touched,
            ..Latency::with_baseline(known.calm)
        }
    }

    /// What is known of it, on a machine that is calm at this slowdown; `None` while the baseline does not stand.
    pub(super) fn known(&self, calm: f64) -> Option<KnownLatency> {
        self.has_baseline().then(|| KnownLatency {
            calm: duration(self.scaled(calm)),
            sd: self.doubt(calm).sqrt(),
            reaction: self.reaction,
            reaction_sd: self.reaction_variance.sqrt(),
            is_touched: self.is_touched,
        })
    }

    /// Whether anything is known, be it from disturbed runs only.
    pub(super) fn is_known(&self) -> bool {
        self.baseline.seconds().is_some()
    }

    /// Whether the baseline stands, so that a run tells of the slowdown.
    pub(super) fn has_baseline(&self) -> bool {
        self.baseline.stands()
    }

    /// A clean run before the baseline stands.
    pub(super) fn found(&mut self, latency: Duration, slowdown: f64) {
        self.baseline.found(seconds(latency) / slowdown.exp());
        self.offset = -self.reaction * slowdown;
        self.offset_variance = BASELINE_VARIANCE;
        self.seen_at = slowdown;
    }

    /// A disturbed run before the baseline stands. It can only have been slower than a clean run, so the best
    /// of them is the provisional baseline.
    pub(super) fn ran_disturbed(&mut self, latency: Duration, slowdown: f64) {
        self.baseline.ran_disturbed(seconds(latency) / slowdown.exp());
    }

    /// A frame passed.
    pub(super) fn drift(&mut self) {
        self.offset_variance += OFFSET_DRIFT;
        self.residuals.fade();
        self.slow.fade();
    }

    /// Expected log of latency plus hand-over at a slowdown; infinite when nothing is known.
    pub(super) fn expected(&self, slowdown: f64) -> f64 {
        (self.scaled(slowdown) + HAND_OVER).ln()
    }

    /// The slowdown at which this latency would be the expected one.
    pub(super) fn implied(&self, latency: Duration) -> f64 {
        let own = (seconds(latency) / self.baseline.seconds().unwrap_or(f64::INFINITY))
            .max(1e-6)
            .ln()
            - self.offset;
        own / (1.0 + self.reaction).max(0.5)
    }

    /// How the expectation moves with the slowdown: its derivative, from 0 to 2.5.
    pub(super) fn sensitivity(&self, slowdown: f64) -> f64 {
        (1.0 + self.reaction) * self.share(slowdown)
    }

    /// Share of the latency that is the candidate's own work, 0..1.
    fn share(&self, slowdown: f64) -> f64 {
        let scaled = self.scaled(slowdown);
        if scaled.is_finite() {
            scaled / (scaled + HAND_OVER)
        } else {
            1.0
        }
    }

    /// Whether a run tells of the machine: one that is mostly hand-over, or that contention does not touch, hardly
    /// moves with the slowdown, and of one whose latency is unknown nothing can be expected.
    pub(super) fn is_informative(&self) -> bool {
        let is_own_work = self.baseline.seconds().is_some_and(|it| HAND_OVER < it);
        is_own_work && TOUCHED < 1.0 + self.reaction
    }

    /// How much of what is sensed its runs meet.
    pub(super) fn exposure(&self) -> Exposure {
        let turns = self.baseline.seconds().map_or(f64::INFINITY, |it| it / TURN);
        Exposure {
            share: 1.0 - (-turns).exp(),
            turns,
        }
    }

    /// Whether its runs scatter as those of others do: one that fits into a turn of the scheduler is disturbed not at all
    /// or by a whole turn of the others.
    pub(super) fn is_long(&self) -> bool {
        self.baseline.seconds().is_some_and(|it| TURN < it)
    }

    /// Observed minus expected, in the log domain.
    pub(super) fn residual(&self, latency: Duration, slowdown: f64) -> f64 {
        (seconds(latency) + HAND_OVER).ln() - self.expected(slowdown)
    }

    /// Standard deviation of single runs in the log domain, without outliers.
    pub(super) fn scatter(&self, shared: &Window) -> f64 {
        self.residuals.scatter(shared)
    }

    /// Variance of what is believed of this candidate apart from the shared slowdown.
    pub(super) fn doubt(&self, slowdown: f64) -> f64 {
        self.offset_variance + (slowdown - self.seen_at).powi(2) * self.reaction_variance
    }

    /// Variance that a residual should have.
    pub(super) fn innovation(&self, level: Level, shared: &Window) -> f64 {
        self.unknown(level) + self.scatter(shared).powi(2)
    }

    /// The part of it that comes of what is not known.
    fn unknown(&self, level: Level) -> f64 {
        let (sensitivity, share) = (self.sensitivity(level.mean), self.share(level.mean));
        sensitivity * sensitivity * (level.variance + level.scatter) + share * share * self.doubt(level.mean)
    }

    /// One step of an extended Kalman filter over the slowdown, this candidate's offset and its reaction, their
    /// covariances dropped. Returns the new level.
    pub(super) fn learn(&mut self, residual: f64, level: Level, shared: &Window) -> Level {
        let total = self.innovation(level, shared);
        let sensitivity = self.sensitivity(level.mean);
        self.usual += USUAL * (self.unknown(level) - self.usual);
        let (moved, variance) = step(residual, level.variance, sensitivity, total);
        self.learn_own(residual, level.mean, total);
        self.seen_at = level.mean + moved;
        Level {
            mean: level.mean + moved,
            variance,
            ..level
        }
    }

    /// The same for a surprise that is all this candidate's: what exceeds the expected variance inflates what is not
    /// known of it, so the surprise is believed.
    pub(super) fn learn_own_change(&mut self, residual: f64, level: Level, shared: &Window) {
        let scatter = self.scatter(shared).powi(2);
        let share = self.share(level.mean);
        let unknown = (share * share * self.doubt(level.mean)).max(1e-9);
        let inflation = ((residual * residual - scatter) / unknown).max(1.0);
        self.offset_variance *= inflation;
        self.reaction_variance *= inflation;
        self.learn_own(residual, level.mean, inflation * unknown + scatter);
        self.reaction_variance = self.reaction_variance.min(REACTION_DOUBT);
        // One run is believed, but so that a second one that denies it is no surprise.
        self.offset_variance = self.offset_variance.max((residual / 3.0).powi(2));
        self.seen_at = level.mean;
    }

    /// A disturbed run was about as slow as expected, so it is not slower than that.
    pub(super) fn confirmed(&mut self, level: Level, shared: &Window) {
        self.learn_own(0.0, level.mean, self.innovation(level, shared));
    }

    fn learn_own(&mut self, residual: f64, slowdown: f64, total: f64) {
        let share = self.share(slowdown);
        let slope = share * (slowdown - self.seen_at);
        let (offset, offset_variance) = step(residual, self.offset_variance, share, total);
        let (reaction, reaction_variance) = step(residual, self.reaction_variance, slope, total);
        let turned = (self.reaction + reaction).clamp(SENSITIVITY.0, SENSITIVITY.1);
        // The line turns about the point that was seen last.
        self.offset += offset - (turned - self.reaction) * self.seen_at;
        self.offset = self.offset.clamp(-OFFSET_LIMIT, OFFSET_LIMIT);
        self.reaction = turned;
        (self.offset_variance, self.reaction_variance) = (offset_variance, reaction_variance);
    }

    /// Half of what it has become slower or faster by is forgotten, and not known any more.
    pub(super) fn half_forget(&mut self) {
        self.offset /= 2.0;
        self.offset_variance = self.offset_variance.max((self.offset / 2.0).powi(2));
    }

    /// What this candidate adds to the slowdown, in the log domain.
    pub(super) fn deviation(&self, slowdown: f64) -> f64 {
        self.reaction * slowdown + self.offset
    }

    /// Moves the origin of the slowdown by `shift`; what is expected stays.
    pub(super) fn shift_origin(&mut self, shift: f64) {
        self.seen_at += shift;
        if self.has_baseline() {
            self.offset -= (1.0 + self.reaction) * shift;
        } else {
            self.baseline.scale((-shift).exp());
        }
    }

    /// The slowdown jumped to a level that this candidate itself told.
    pub(super) fn carried(&mut self, slowdown: f64) {
        self.seen_at = slowdown;
    }

    pub(super) fn remember(&mut self, residual: f64) {
        self.residuals.push(residual);
    }

    /// The last run was slow for reasons of its own.
    pub(super) fn slow(&mut self, residual: f64) {
        self.slow.slow(residual);
    }

    /// The same, seen beside a normal run of another candidate: several in a row, and it has become slower.
    pub(super) fn slow_alone(&mut self, residual: f64, slowdown: f64) {
        self.slow.slow(residual);
        if let Some(slower) = self.slow.lasting() {
            let offset = self.offset + slower / self.share(slowdown).max(0.1);
            self.offset = offset.clamp(-OFFSET_LIMIT, OFFSET_LIMIT);
            self.offset_variance += SCATTER.1 * SCATTER.1;
        }
    }

    /// The last run was as expected.
    pub(super) fn normal(&mut self) {
        self.slow.normal();
    }

    /// Probability that a further run of this candidate is as slow as `residual` though the machine is not.
    pub(super) fn slow_again(&self, residual: f64, shared: &Window) -> f64 {
        // A little less counts too, for slow runs scatter as others do.
        self.slow.again().max(self.tail(0.8 * residual, shared))
    }

    /// A run under contention was as slow as expected: contention does touch this candidate.
    pub(super) fn reacts(&mut self, slowdown: f64) {
        self.is_touched |= CONTENDED < slowdown;
    }

    /// Whether nobody has seen it slowed down by contention, so that it may run elsewhere.
    pub(super) fn is_untested(&self, slowdown: f64) -> bool {
        !self.is_touched && 2.0 * CONTENDED < slowdown
    }

    /// Expected latency.
    pub(super) fn latency(&self, slowdown: f64) -> Option<Duration> {
        self.baseline.seconds().map(|_| duration(self.scaled(slowdown)))
    }

    /// Variance of what is not known now beyond what the residuals show already: they scattered by it, too.
    pub(super) fn further_doubt(&self, level: Level) -> f64 {
        (self.unknown(level) - self.usual).max(0.0)
    }

    /// Share of the runs whose residual is larger than this.
    pub(super) fn tail(&self, residual: f64, shared: &Window) -> f64 {
        self.residuals.tail(residual, shared)
    }

    /// The residual that all but `share` of the runs keep.
    pub(super) fn percentile(&self, share: f64, shared: &Window) -> f64 {
        self.residuals.percentile(share, shared)
    }

    /// The largest residual that is remembered.
    pub(super) fn largest(&self, shared: &Window) -> f64 {
        self.residuals.largest(shared)
    }

    /// Whether slow runs are believed to come in a row now: the probability of another, and its residual.
    pub(super) fn suspicion(&self) -> Option<(f64, f64)> {
        self.slow.suspicion()
    }

    fn scaled(&self, slowdown: f64) -> f64 {
        self.baseline.seconds().unwrap_or(f64::INFINITY)
            * ((1.0 + self.reaction) * slowdown + self.offset).exp()
    }
}

#[cfg(test)]
mod tests;
