// SPDX-License-Identifier: MPL-2.0

//! What the switch counts: as a whole by the streaming thread, and each lane for itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::messages::{Percentiles, SwitchStats};
use crate::score::LatencyWindow;

/// Latencies that a window keeps: 12 s at 25 fps, 9 of them beyond the 97th percentile.
pub const WINDOW: usize = 300;

/// The counters of the switch as a whole, and the latencies of the last frames; they belong to the streaming thread.
#[derive(Debug)]
pub struct Totals {
    /// Only what is counted; the rest is filled in when somebody asks.
    pub counts: SwitchStats,
    pub window: LatencyWindow,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            counts: SwitchStats::default(),
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

/// Percentiles that anybody may read at any time; one may be a sample newer than the next. Zero stands for none.
#[derive(Debug, Default)]
pub struct SharedPercentiles([AtomicU64; 3]);

impl SharedPercentiles {
    pub fn set(&self, percentiles: &Percentiles) {
        let Percentiles { p50, p95, p99 } = *percentiles;
        for (place, percentile) in self.0.iter().zip([p50, p95, p99]) {
            let percentile = u64::try_from(percentile.as_nanos()).unwrap_or(u64::MAX);
            place.store(percentile.max(1), Ordering::Relaxed);
        }
    }

    /// `None` without samples.
    pub fn get(&self) -> Option<Percentiles> {
        let times = self.0.each_ref().map(|it| it.load(Ordering::Relaxed));
        let [p50, p95, p99] = times.map(Duration::from_nanos);
        (!p50.is_zero()).then_some(Percentiles { p50, p95, p99 })
    }
}
