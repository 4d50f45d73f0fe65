// SPDX-License-Identifier: MPL-2.0

//! Percentiles of latency, as several structures have them.

use std::time::Duration;

use gst::StructureRef;
use gst::glib::types::StaticType;
use gst::structure::Builder;

use super::doc::{FieldDoc, Inner};
use super::field::{Field, FieldError};
use crate::score::{BOUNDS_MS, BUCKETS, LatencyHistogram, LatencyWindow};

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

/// A field `latency` of counts is `latency-buckets` and `latency-sum-ns`.
impl Field for LatencyHistogram {
    fn write(self, name: &str, builder: Builder) -> Builder {
        let builder = self.counts().to_vec().write(&format!("{name}-buckets"), builder);
        self.sum().write(&format!("{name}-sum-ns"), builder)
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        let field = format!("{name}-buckets");
        let counts = Vec::<u64>::read(&field, structure)?;
        let found = counts.len();
        let counts = <[u64; BUCKETS]>::try_from(counts);
        let counts = counts.map_err(|_| {
            FieldError::of_type(structure, &field, format!("{found} buckets and not {BUCKETS}"))
        })?;
        let sum = Field::read(&format!("{name}-sum-ns"), structure)?;
        Ok(LatencyHistogram::new(counts, sum))
    }

    fn is_in(name: &str, structure: &StructureRef) -> bool {
        structure.has_field(format!("{name}-buckets"))
    }

    fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
        let bounds: Vec<String> = BOUNDS_MS.iter().map(u16::to_string).collect();
        let meaning = format!(
            "How many were longer than the bound before and not longer than {} ms, and how many were longer.",
            bounds.join(", ")
        );
        let buckets = FieldDoc::new::<gst::Array>(&format!("{name}-buckets"), &meaning);
        let sum = FieldDoc::new::<u64>(&format!("{name}-sum-ns"), "All of them together.").in_nanoseconds();
        let fields = [buckets.holding(Inner::Values(u64::static_type().name())), sum];
        fields.into_iter().map(|it| it.besides(doc)).collect()
    }
}
