// SPDX-License-Identifier: MPL-2.0

//! What the switch counts: as a whole by the streaming thread, and each lane for itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::messages::Percentiles;
use crate::score::LatencyWindow;

/// Latencies that a window keeps: 12 s at 25 fps, 9 of them beyond the 97th percentile.
pub const WINDOW: usize = 300;

/// Counters of the switch as a whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub frames_in: u64,
    pub frames_out: u64,
    pub dropped: u64,
    pub misses: u64,
    pub swaps: u64,
    pub floor_answers: u64,
    pub held_answers: u64,
    pub budget: Duration,
}

/// The counters, and the latencies of the last frames; they belong to the streaming thread.
#[derive(Debug)]
pub struct Totals {
    pub counts: Counts,
    pub window: LatencyWindow,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            counts: Counts::default(),
            window: LatencyWindow::new(WINDOW),
        }
    }
}

/// A counter that anybody may read at any time.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Percentiles that anybody may read at any time; one may be a sample newer than the next.
#[derive(Debug)]
pub struct SharedPercentiles([AtomicU64; 3]);

/// Stands for none: no latency is that long.
const NONE: u64 = u64::MAX;

impl Default for SharedPercentiles {
    fn default() -> SharedPercentiles {
        SharedPercentiles([NONE; 3].map(AtomicU64::new))
    }
}

impl SharedPercentiles {
    pub fn set(&self, percentiles: Option<Percentiles>) {
        let Some(Percentiles { p50, p95, p99 }) = percentiles else {
            return;
        };
        for (place, percentile) in self.0.iter().zip([p50, p95, p99]) {
            let percentile = u64::try_from(percentile.as_nanos()).unwrap_or(NONE - 1);
            place.store(percentile, Ordering::Relaxed);
        }
    }

    /// `None` without samples.
    pub fn get(&self) -> Option<Percentiles> {
        let [p50, p95, p99] = [0, 1, 2].map(|it: usize| self.0[it].load(Ordering::Relaxed));
        let time = |it: u64| (it != NONE).then(|| Duration::from_nanos(it));
        Some(Percentiles {
            p50: time(p50)?,
            p95: time(p95)?,
            p99: time(p99)?,
        })
    }
}
