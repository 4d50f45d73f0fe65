// SPDX-License-Identifier: MPL-2.0

//! Percentiles of latency, as several structures have them.

use std::time::Duration;

use gst::StructureRef;
use gst::structure::Builder;

use super::doc::FieldDoc;
use super::field::{Field, FieldError};
use crate::score::LatencyWindow;

/// Nearest-rank percentiles; a field `latency` of them is `latency-p50-ns`, `latency-p95-ns` and `latency-p99-ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
}

impl Percentiles {
    /// `None` without samples.
    pub fn of(window: &LatencyWindow) -> Option<Percentiles> {
        Some(Percentiles {
            p50: window.percentile(50.0)?,
            p95: window.percentile(95.0)?,
            p99: window.percentile(99.0)?,
        })
    }
}

impl Field for Percentiles {
    fn write(self, name: &str, builder: Builder) -> Builder {
        let builder = self.p50.write(&format!("{name}-p50-ns"), builder);
        let builder = self.p95.write(&format!("{name}-p95-ns"), builder);
        self.p99.write(&format!("{name}-p99-ns"), builder)
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        Ok(Percentiles {
            p50: Field::read(&format!("{name}-p50-ns"), structure)?,
            p95: Field::read(&format!("{name}-p95-ns"), structure)?,
            p99: Field::read(&format!("{name}-p99-ns"), structure)?,
        })
    }

    fn is_in(name: &str, structure: &StructureRef) -> bool {
        structure.has_field(format!("{name}-p50-ns"))
    }

    fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
        let parts = [
            ("p50", "Median."),
            ("p95", "95th percentile."),
            ("p99", "99th percentile."),
        ];
        let field = |(part, meaning): (&str, &str)| {
            let field = FieldDoc::new::<u64>(&format!("{name}-{part}-ns"), meaning);
            field.in_nanoseconds().besides(doc)
        };
        parts.into_iter().map(field).collect()
    }
}
