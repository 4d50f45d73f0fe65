// SPDX-License-Identifier: MPL-2.0

//! What the machine itself says of waiting, before any run is slow: the part of the slowdown that comes and goes with it.
//!
//! A run that needs the processor for a time t and waits for a share w of its wall time takes t / (1 - w): on a
//! logarithmic scale that is -ln(1 - w) more. How much of it a machine's runs really meet is learned as one gain.

use super::latency::Level;
use crate::clone_in_place::clone_in_place;

/// Gain before anything was learned: threads are not spread over processors evenly, so a run waits a little longer than
/// its fair share. 2.0, 2.5 and 4.6 times where two processors had 2, 4 and 8 other threads to run, for shares of 1.5,
/// 2.5 and 4.5 (measured).
const GAIN: Level = Level {
    mean: 1.15,
    variance: 0.04,
};

/// Bounds of the gain: nothing of what is sensed, to its square.
const GAIN_RANGE: (f64, f64) = (0.0, 2.0);

/// What the gain's variance gains a frame of full waiting: who else runs changes.
const DRIFT: f64 = 4e-4;

/// Largest share of waiting: a factor of ten. Beyond it the share says nothing any more.
const LARGEST: f64 = 0.9;

/// Change of what is sensed that explains a suspicion, or takes its ground away, in the log domain.
const CHANGE: f64 = 0.3;

/// Largest variance of the gain.
const MOST_DOUBT: f64 = 0.25;

/// Frames of calm after which a load counts as gone, at least and, for one that flickers, at most.
const GONE: (u32, u32) = (2, 64);

/// Frames within which a load that comes back was not gone, and frames of calm after which that is half forgotten.
const SOON: u32 = 50;
const FORGET: u32 = 250;

#[derive(Debug)]
pub(super) struct Sensed {
    /// Log-slowdown that the present share of waiting implies, and that of the frame before; zero where nothing is sensed.
    depth: f64,
    before: f64,
    gain: Level,
    /// Whether something waited when it was last told that nothing does any more, and frames of calm since.
    was_busy: bool,
    calm: u32,
    /// Frames of calm after which a load counts as gone.
    patience: u32,
}

clone_in_place! { Sensed: depth before gain was_busy calm patience }

impl Sensed {
    pub(super) fn new() -> Sensed {
        Sensed {
            depth: 0.0,
            before: 0.0,
            gain: GAIN,
            was_busy: false,
            calm: FORGET,
            patience: GONE.0,
        }
    }

    /// The machine says that a run has to expect to wait for this share of the time, 0..1. Returns whether a load is gone: told once, after some frames of calm.
    pub(super) fn waits(&mut self, share: f64) -> bool {
        self.before = self.depth;
        self.depth = -(1.0 - share.clamp(0.0, LARGEST)).ln();
        self.gain.variance += DRIFT * self.depth.min(1.0);
        if self.is_busy() {
            // A load that comes back soon was not gone.
            if !self.was_busy && self.calm < SOON {
                self.patience = (4 * self.patience).min(GONE.1);
            }
            (self.was_busy, self.calm) = (true, 0);
            return false;
        }
        self.calm = self.calm.saturating_add(1);
        if self.calm.is_multiple_of(FORGET) {
            self.patience = (self.patience / 2).max(GONE.0);
        }
        let is_gone = self.was_busy && self.patience <= self.calm;
        self.was_busy &= !is_gone;
        is_gone
    }

    /// Whether so much waits that it counts.
    pub(super) fn is_busy(&self) -> bool {
        CHANGE < self.depth
    }

    /// A run under load was so far from what was expected that the gain is not what it was.
    pub(super) fn doubt(&mut self, residual: f64, exposure: f64) {
        let slope = exposure * self.depth;
        self.gain.variance = self.gain.variance.max((residual / slope).powi(2)).min(MOST_DOUBT);
    }

    pub(super) fn depth(&self) -> f64 {
        self.depth
    }

    /// Whether what is sensed has changed so much since it was `depth` that a suspicion of then says nothing now.
    pub(super) fn has_changed(&self, depth: f64) -> bool {
        CHANGE < (self.depth - depth).abs()
    }

    /// A level with what is sensed on top of the rest, for runs that are exposed to this part of it, 0..1.
    pub(super) fn on_top_of(&self, rest: Level, exposure: f64) -> Level {
        let slope = exposure * self.depth;
        Level {
            mean: rest.mean + slope * self.gain.mean,
            variance: rest.variance + slope * slope * self.gain.variance,
        }
    }

    /// Between the least and the most that a run of the last frame may have met: the sense comes up to a frame late.
    pub(super) fn band(&self, exposure: f64) -> (f64, f64) {
        let at = |depth: f64| exposure * depth * self.gain.mean;
        (at(self.depth.min(self.before)), at(self.depth.max(self.before)))
    }

    /// The whole level moved to `to`: each part by its share of the doubt.
    pub(super) fn moved(&mut self, rest: &mut Level, exposure: f64, to: Level) {
        let from = self.on_top_of(*rest, exposure);
        let slope = exposure * self.depth;
        let own = slope * self.gain.variance;
        let (moved, left) = (to.mean - from.mean, to.variance / from.variance - 1.0);
        let share = |slope_variance: f64| slope_variance / from.variance;
        // A Kalman step of two states with slopes 1 and `slope`, their covariance dropped.
        let mean = self.gain.mean + share(own) * moved;
        self.gain.mean = mean.clamp(GAIN_RANGE.0, GAIN_RANGE.1);
        self.gain.variance *= 1.0 + share(own * slope) * left;
        let of_rest = share(rest.variance);
        rest.mean += of_rest * moved;
        rest.variance *= 1.0 + of_rest * left;
    }
}
