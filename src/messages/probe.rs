// SPDX-License-Identifier: MPL-2.0

//! The message and the `stats` of `avrec-probe`.

use std::time::Duration;

use gst::structure::Builder;
use gst::{ClockTime, StructureRef};

use super::field::{Field, FieldError, Nested, group, structure};

structure! {
    /// What a probe measured since its last message.
    #[derive(Copy)]
    ProbeMessage = "avrec/probe" {
        /// Of the buffer that caused the message; `None` at the end of the stream or without time.
        pts: Option<ClockTime> = "pts",
        running_time: Option<ClockTime> = "running-time",
        /// Whether the stream has ended with it.
        is_final: bool = "final",
        summary: Summary = "",
        /// `None` without a reference.
        fidelity: Option<Fidelity> = "",
        /// What it measured in all; at the end of the stream only.
        total: Option<Nested<ProbeStats>> = "total",
    }
}

structure! {
    /// What a probe measured since the start, and over its last pairs.
    #[derive(Copy)]
    ProbeStats = "avrec/probe-stats" {
        summary: Summary = "",
        /// `None` without a reference.
        fidelity: Option<Fidelity> = "",
        window_psnr_db: Option<f64> = "window-psnr-db",
        window_ssim: Option<f64> = "window-ssim",
    }
}

group! {
    /// Counts of frames, and their latencies.
    #[derive(Copy, Default)]
    Summary {
        frames: u64 = "frames",
        unstamped: u64 = "unstamped",
        misses: u64 = "misses",
        /// Frames a second on the monotonic clock; 0 before the second frame, so that every reader may count on it.
        fps: f64 = "fps",
        latencies: Option<Latencies> = "",
        budget: Option<ClockTime> = "budget-ns",
    }
}

group! {
    /// Nearest-rank percentiles of frame latency.
    #[derive(Copy, Eq)]
    Latencies {
        p50: Duration = "latency-p50-ns",
        p95: Duration = "latency-p95-ns",
        p99: Duration = "latency-p99-ns",
        max: Duration = "latency-max-ns",
    }
}

/// Names of the figures of what is no plain picture, with units.
pub const FIGURES: [&str; 10] = [
    "f1",
    "map",
    "class-agreement",
    "total-variation",
    "mean-iou",
    "panoptic-quality",
    "si-sdr-db",
    "rank-correlation",
    "edit-distance",
    "agreement",
];

/// How near frames came to their references.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Fidelity {
    /// Frames that were compared.
    pub pairs: u64,
    /// Frames that were not.
    pub unmatched: u64,
    /// PSNR of the mean squared error in decibels, at most 100, and mean SSIM; `None` without pairs.
    pub means: Option<(f64, f64)>,
    /// In the order of [`FIGURES`]; `None` for what was not measured.
    pub figures: [Option<f64>; FIGURES.len()],
}

impl Fidelity {
    /// The figure of that name, `psnr-db` and `ssim` among them.
    pub fn figure(&self, name: &str) -> Option<f64> {
        match name {
            "psnr-db" => self.means.map(|it| it.0),
            "ssim" => self.means.map(|it| it.1),
            _ => self.figures[FIGURES.iter().position(|it| *it == name)?],
        }
    }
}

impl Field for Fidelity {
    fn write(self, _: &str, builder: Builder) -> Builder {
        let (psnr, ssim) = self.means.unzip();
        let builder = self.pairs.write("pairs", builder);
        let builder = self.unmatched.write("unmatched", builder);
        let builder = psnr.write("psnr-db", builder);
        let builder = ssim.write("ssim", builder);
        let named = FIGURES.into_iter().zip(self.figures);
        named.fold(builder, |builder, (name, value)| value.write(name, builder))
    }

    fn read(_: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        let psnr: Option<f64> = Field::read("psnr-db", structure)?;
        let mut figures = [None; FIGURES.len()];
        for (figure, name) in figures.iter_mut().zip(FIGURES) {
            *figure = Field::read(name, structure)?;
        }
        Ok(Fidelity {
            pairs: Field::read("pairs", structure)?,
            unmatched: Field::read("unmatched", structure)?,
            means: psnr.zip(Field::read("ssim", structure)?),
            figures,
        })
    }

    fn is_in(_: &str, structure: &StructureRef) -> bool {
        structure.has_field("pairs")
    }
}
