// SPDX-License-Identifier: MPL-2.0

//! What the machine itself says of waiting, before any run is slow: the part of the slowdown that comes and goes with it.
//!
//! A run that needs the processor for a time t and waits for a share w of its wall time takes t / (1 - w): on a
//! logarithmic scale that is -ln(1 - w) more. How much of it a machine's runs really meet is learned as one gain.

use super::level::{Exposure, Level};
use crate::clone_in_place::clone_in_place;

/// Gain before anything was learned: what is waited for is met.
const GAIN: Level = Level {
    mean: 1.0,
    variance: 0.02,
    scatter: 0.0,
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

/// Frames of calm after which a load counts as gone: the sense comes up to a frame late.
const GONE: u32 = 2;

/// Frames after which it counts as one that came.
const LASTS: u32 = 2;

/// Frames of calm after which a load is as unlikely as after a long calm: 1 s at 25 fps. One that flickers is back sooner.
const YOUNG: u32 = 25;

/// Weight of the newest frame in the depth of a load that is expected back.
const NEWEST: f64 = 0.1;

/// Variance of the part of a single run that is waiting, of as many turns of the scheduler as one: the more turns, the
/// nearer to the mean. Runs of 5, 12 and 27 ms scatter by 0.18, 0.16 and 0.11 in the log domain beside four busy threads on
/// two processors, where 0.6 of them is waiting (measured on Linux 6.18).
const SCATTER: f64 = 0.15;

/// How likely a load comes on the next frame, by how often one did.
#[derive(Debug, Clone, Copy)]
struct Hazard {
    /// Loads that came, and frames of calm in which they might have, both fading.
    came: f64,
    might: f64,
}

/// Before anything was seen: one load in 400 frames of young calm, and in 2,000 of old.
const YOUNG_CALM: Hazard = Hazard {
    came: 0.05,
    might: 20.0,
};
const OLD_CALM: Hazard = Hazard {
    came: 0.1,
    might: 200.0,
};

/// Share of what was seen that a frame of calm forgets.
const FORGETTING: f64 = 0.01;

impl Hazard {
    /// A frame of calm, in which it `might` have come.
    fn calm(&mut self, before: Hazard, might: bool) {
        self.came += FORGETTING * (before.came - self.came);
        self.might += FORGETTING * (before.might - self.might) + f64::from(u8::from(might));
    }

    fn probability(&self) -> f64 {
        (self.came / self.might).min(1.0)
    }
}

#[derive(Debug)]
pub(super) struct Sensed {
    /// Log-slowdown that the present share of waiting implies, and that of the frame before; zero where nothing is sensed.
    depth: f64,
    before: f64,
    gain: Level,
    /// Frames since something waits, and frames of calm since something did.
    busy: u32,
    calm: u32,
    /// How likely a load comes in young calm, and in old; and how deep loads are.
    young: Hazard,
    old: Hazard,
    usual: f64,
}

clone_in_place! { Sensed: depth before gain busy calm young old usual }

impl Sensed {
    pub(super) fn new() -> Sensed {
        Sensed {
            depth: 0.0,
            before: 0.0,
            gain: GAIN,
            busy: 0,
            calm: YOUNG,
            young: YOUNG_CALM,
            old: OLD_CALM,
            usual: 0.0,
        }
    }

    /// The machine says that a run has to expect to wait for this share of the time, 0..1. Returns whether a load is gone: told once, after some frames of calm.
    pub(super) fn waits(&mut self, share: f64) -> bool {
        self.before = self.depth;
        self.depth = -(1.0 - share.clamp(0.0, LARGEST)).ln();
        let doubt = self.gain.variance + DRIFT * self.depth.min(1.0);
        self.gain.variance = doubt.min(GAIN.variance.max(self.gain.variance));
        if self.is_busy() {
            self.busy = self.busy.saturating_add(1);
            // One frame, or a little, may be the own work beside the runs.
            if self.busy == LASTS && self.usual < 2.0 * self.depth {
                self.hazard_mut().came += 1.0;
            }
            self.usual = match self.usual {
                0.0 => self.depth,
                usual => usual + NEWEST * (self.depth - usual),
            };
            if LASTS <= self.busy {
                self.calm = 0;
            }
            return false;
        }
        self.busy = 0;
        self.calm = self.calm.saturating_add(1);
        let is_young = self.calm < YOUNG;
        self.young.calm(YOUNG_CALM, is_young);
        self.old.calm(OLD_CALM, !is_young);
        self.calm == GONE || self.calm == YOUNG
    }

    /// Probability that something waits on the next frame though nothing does now, by how often that was so.
    pub(super) fn hazard(&self) -> f64 {
        match self.is_busy() || self.usual == 0.0 {
            true => 0.0,
            false => match self.calm < YOUNG {
                true => self.young.probability(),
                false => self.old.probability(),
            },
        }
    }

    fn hazard_mut(&mut self) -> &mut Hazard {
        match self.calm < YOUNG {
            true => &mut self.young,
            false => &mut self.old,
        }
    }

    /// Whether so much waits that it counts.
    pub(super) fn is_busy(&self) -> bool {
        CHANGE < self.depth
    }

    /// A run under load was so far from what was expected that the gain is not what it was.
    pub(super) fn doubt(&mut self, residual: f64, exposure: Exposure) {
        let slope = exposure.share * self.depth;
        self.gain.variance = self.gain.variance.max((residual / slope).powi(2)).min(MOST_DOUBT);
    }

    pub(super) fn depth(&self) -> f64 {
        self.depth
    }

    /// Whether what is sensed has changed so much since it was `depth` that a suspicion of then says nothing now.
    pub(super) fn has_changed(&self, depth: f64) -> bool {
        CHANGE < (self.depth - depth).abs()
    }

    /// A level with what is sensed on top of the rest, for runs that are exposed to it so far.
    pub(super) fn on_top_of(&self, rest: Level, exposure: impl FnOnce() -> Exposure) -> Level {
        self.at(self.depth, rest, exposure)
    }

    /// The same as it is under a load that is expected back.
    pub(super) fn under_load(&self, rest: Level, exposure: impl FnOnce() -> Exposure) -> Level {
        self.at(self.usual, rest, exposure)
    }

    fn at(&self, depth: f64, rest: Level, exposure: impl FnOnce() -> Exposure) -> Level {
        if depth == 0.0 {
            return rest;
        }
        let exposure = exposure();
        let slope = exposure.share * depth;
        let waiting = 1.0 - (-slope * self.gain.mean).exp();
        Level {
            mean: rest.mean + slope * self.gain.mean,
            variance: rest.variance + slope * slope * self.gain.variance,
            scatter: rest.scatter + SCATTER * waiting * waiting / exposure.turns.max(1.0),
        }
    }

    /// Between the least and the most that a run of the last frame may have met: the sense comes up to a frame late.
    pub(super) fn band(&self, exposure: Exposure) -> (f64, f64) {
        let at = |depth: f64| exposure.share * depth * self.gain.mean;
        (at(self.depth.min(self.before)), at(self.depth.max(self.before)))
    }

    /// The whole level moved to `to`: each part by its share of the doubt.
    pub(super) fn moved(&mut self, rest: &mut Level, exposure: Exposure, to: Level) {
        let from = self.on_top_of(*rest, || exposure);
        let slope = exposure.share * self.depth;
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
