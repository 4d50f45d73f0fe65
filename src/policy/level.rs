// SPDX-License-Identifier: MPL-2.0

//! A log-slowdown as it is believed, how much of what is sensed runs meet, and how a belief learns.

/// What is believed of the shared slowdown: level and variance, in the log domain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub mean: f64,
    pub variance: f64,
    /// Variance of what single runs meet of it.
    pub scatter: f64,
}

/// How much of what is sensed runs meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exposure {
    /// Share, 0..1: one that fits into a turn of the scheduler hardly waits.
    pub share: f64,
    /// Length in turns.
    pub turns: f64,
}

impl Exposure {
    /// Of runs that are long against a turn.
    pub(super) const FULL: Exposure = Exposure {
        share: 1.0,
        turns: f64::INFINITY,
    };
}

/// One state of a Kalman filter: how far it moves, and its variance then. `total` is the variance of the residual.
pub(super) fn step(residual: f64, variance: f64, slope: f64, total: f64) -> (f64, f64) {
    let gain = slope * variance / total;
    (gain * residual, (variance * (1.0 - slope * gain)).max(0.0))
}
