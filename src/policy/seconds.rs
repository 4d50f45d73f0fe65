// SPDX-License-Identifier: MPL-2.0

//! Durations as bounded numbers of seconds and back, so that hostile ones cannot make numbers that are none.

use std::time::Duration;

/// Latencies in seconds that can be told apart from nothing and still be added up.
const RANGE: (f64, f64) = (1e-7, 1e5);

pub(super) fn seconds(latency: Duration) -> f64 {
    latency.as_secs_f64().clamp(RANGE.0, RANGE.1)
}

pub(super) fn duration(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(RANGE.0, RANGE.1))
}
