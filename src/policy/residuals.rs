// SPDX-License-Identifier: MPL-2.0

//! How single runs of a candidate scatter around what was expected: its own last residuals, and beside them those of all
//! candidates, which it has before it has some itself.

use super::window::Window;
use crate::clone_in_place::clone_in_place;

/// Bounds of the scatter of single runs, as a standard deviation in the log domain. Below, one late
/// frame would look like an alarm; above, none would.
pub(super) const SCATTER: (f64, f64) = (0.02, 0.3);

/// Residuals of all candidates that count beside a candidate's own, as if they were so many.
const SHARED_RESIDUALS: f64 = 200.0;

/// What a frame without a run leaves of the weight of the own residuals: half of it after 350.
const FORGETTING: f64 = 0.998;

/// Own residuals from which on a candidate's scatter is its own.
const OWN_SCATTER: usize = 16;

#[derive(Debug)]
pub(super) struct Residuals {
    own: Window,
    /// What they still count, from one right after a run: a candidate that nobody runs is not judged by its outliers for
    /// ever.
    freshness: f64,
}

clone_in_place! { Residuals: own freshness }

impl Residuals {
    pub(super) fn empty() -> Residuals {
        Residuals {
            own: Window::empty(),
            freshness: 1.0,
        }
    }

    pub(super) fn push(&mut self, residual: f64) {
        self.own.push(residual);
        self.freshness = 1.0;
    }

    /// A frame passed.
    pub(super) fn fade(&mut self) {
        self.freshness *= FORGETTING;
    }

    /// Standard deviation of single runs in the log domain, without outliers.
    pub(super) fn scatter(&self, shared: &Window) -> f64 {
        let window = if self.own.len() < OWN_SCATTER {
            shared
        } else {
            &self.own
        };
        window.spread().clamp(SCATTER.0, SCATTER.1)
    }

    /// Share of the runs whose residual is larger than this.
    pub(super) fn tail(&self, residual: f64, shared: &Window) -> f64 {
        let others = shared.above(residual) as f64 / shared.len() as f64;
        let own = self.own.above(residual) as f64 / self.own.len().max(1) as f64;
        let weight = self.shared_weight();
        weight * others + (1.0 - weight) * own
    }

    /// The residual that all but `share` of the runs keep.
    pub(super) fn percentile(&self, share: f64, shared: &Window) -> f64 {
        let weight = self.shared_weight();
        weight * shared.percentile(share) + (1.0 - weight) * self.own.percentile(share)
    }

    /// The largest residual that is remembered.
    pub(super) fn largest(&self, shared: &Window) -> f64 {
        self.own.percentile(1.0).max(shared.percentile(1.0))
    }

    /// What the residuals of all candidates count beside its own, 0..1.
    fn shared_weight(&self) -> f64 {
        SHARED_RESIDUALS / (self.freshness * self.own.len() as f64 + SHARED_RESIDUALS)
    }
}
