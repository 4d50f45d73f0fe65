// SPDX-License-Identifier: MPL-2.0

//! What was measured of a candidate, once: a section `[[candidate.measured]]`.

use std::time::Duration;

/// One measurement; each part may be absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// What was measured, such as `psnr-db` or `map`.
    pub measure: Option<String>,
    /// In the unit of the measure.
    pub value: Option<f64>,
    /// Between which two values it lies with 95 %, in this order.
    pub interval: Option<(f64, f64)>,
    /// Frames, sounds or other items that it rests on.
    pub items: Option<u64>,
    /// On what, in words.
    pub material: Option<String>,
    /// What it was held against: labels, or the answers of which model.
    pub truth: Option<String>,
    /// As `2026-11-28`.
    pub date: Option<String>,
    /// Median.
    pub latency: Option<Duration>,
    pub latency_p95: Option<Duration>,
    pub latency_p99: Option<Duration>,
    /// Which processor or device, in words.
    pub machine: Option<String>,
    /// Execution provider, such as `cpu`.
    pub provider: Option<String>,
}

impl Measured {
    /// What tells it apart from other measurements of the same candidate: a new one takes the place of the old one.
    pub fn subject(&self) -> [&Option<String>; 5] {
        [
            &self.measure,
            &self.material,
            &self.truth,
            &self.machine,
            &self.provider,
        ]
    }
}
