// SPDX-License-Identifier: MPL-2.0

//! What is believed of how much slower a device is now than when its candidates were measured, and what their runs meet of
//! it: a part that comes and goes with what is sensed, and a rest. What single runs hint at stands in `slowdown`.

use std::time::Duration;

use super::latency::Latency;
use super::level::Level;
use super::sensed::Sensed;
use super::window::Window;
use crate::clone_in_place::clone_in_place;

/// Variance that the slowdown gains per frame while nothing is known: contention drifts by 4 % a frame.
const DRIFT: f64 = 16e-4;

/// Largest variance: a factor of 2.7 either way. Beyond it a run is believed as it stands anyway.
const VARIANCE_LIMIT: f64 = 1.0;

/// Standard deviations beyond which a residual is no scatter: 1 frame in 370, if Gaussian.
const SURPRISE: f64 = 3.0;

/// Bounds of the log-slowdown: a factor of 1,000. A hung candidate implies more, which says nothing.
pub(super) const LEVEL_LIMIT: f64 = 6.9;

#[derive(Debug)]
pub(super) struct Contention {
    /// Without what is sensed.
    pub level: Level,
    pub sensed: Sensed,
    /// Residuals of all candidates.
    pub residuals: Window,
}

clone_in_place! { Contention: level sensed residuals }

impl Contention {
    pub(super) fn new() -> Contention {
        Contention {
            level: Level {
                mean: 0.0,
                variance: DRIFT,
                scatter: 0.0,
            },
            sensed: Sensed::new(),
            residuals: Window::assumed(),
        }
    }

    /// A frame passed.
    pub(super) fn drift(&mut self) {
        // What rises with what is sensed is not the rest's.
        let drift = DRIFT * (-2.0 * self.sensed.depth()).exp();
        self.level.variance = (self.level.variance + drift).min(VARIANCE_LIMIT);
    }

    /// What a run met of what is sensed: that which explains it best, between the least and the most of the last frame.
    pub(super) fn met(&self, latency: Duration, of: &Latency) -> f64 {
        let (least, most) = self.sensed.band(of.exposure());
        (of.implied(latency) - self.level.mean).clamp(least, most)
    }

    /// Observed minus expected, in the log domain.
    pub(super) fn residual(&self, latency: Duration, of: &Latency) -> f64 {
        of.residual(latency, self.level.mean + self.met(latency, of))
    }

    /// The slowdown, without what is sensed, at which this latency would be the expected one.
    pub(super) fn implied(&self, latency: Duration, of: &Latency) -> f64 {
        of.implied(latency) - self.met(latency, of)
    }

    /// Lets all candidates know how a run scattered, if it was long enough to say something of theirs.
    pub(super) fn share(&mut self, residual: f64, of: &Latency) {
        if of.is_long() {
            self.residuals.push(residual);
        } else {
            self.residuals.fade();
        }
    }

    /// Residual beyond which a run is no scatter.
    pub(super) fn tolerance(&self, of: &Latency) -> f64 {
        SURPRISE * of.innovation(self.now(of), &self.residuals).sqrt()
    }

    /// An unsurprising run of a candidate.
    pub(super) fn learn(&mut self, residual: f64, of: &mut Latency) {
        let level = of.learn(residual, self.now(of), &self.residuals);
        if self.tells(of) {
            self.moved(of, level);
        }
    }

    /// Whether a run tells of others: not one that fits into a turn of the scheduler while something waits, and so waits not
    /// at all or for a whole turn of the others.
    pub(super) fn tells(&self, of: &Latency) -> bool {
        of.is_long() || !self.sensed.is_busy()
    }

    /// What a candidate's runs meet is believed to be this now.
    pub(super) fn moved(&mut self, of: &Latency, to: Level) {
        self.sensed.moved(&mut self.level, of.exposure(), to);
        self.level.mean = self.level.mean.clamp(-LEVEL_LIMIT, LEVEL_LIMIT);
        self.level.variance = self.level.variance.min(VARIANCE_LIMIT);
    }

    /// What the slowdown is under a load that may be back on the next frame, with the probability that it is.
    pub(super) fn may_return(&self, of: &Latency) -> (Level, f64) {
        let level = self.sensed.under_load(self.level, || of.exposure());
        (level, self.sensed.hazard())
    }

    /// The level without an alarm, as a candidate's runs meet it.
    pub(super) fn now(&self, of: &Latency) -> Level {
        self.sensed.on_top_of(self.level, || of.exposure())
    }
}
