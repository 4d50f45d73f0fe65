// SPDX-License-Identifier: MPL-2.0

//! The message and the `stats` of `avrec-probe`.

use std::time::Duration;

use gst::structure::Builder;
use gst::{ClockTime, StructureRef};

use super::doc::FieldDoc;
use super::field::{Field, FieldError, Nested};
use super::table::{group, structure};

structure! {
    /// What a probe measured since its last message, each `interval` and at the end of the stream. Percentiles are taken over
    /// at most `window` buffers.
    #[derive(Copy)]
    ProbeMessage = "avrec/probe" {
        /// PTS of the buffer that caused the message. Absent at the end of the stream, and where the buffer has none.
        pts: Option<ClockTime> = "pts",
        /// Running time of that buffer. Absent at the end of the stream, and where the buffer has no PTS.
        running_time: Option<ClockTime> = "running-time",
        /// Whether the stream has ended with it.
        is_final: bool = "final",
        summary: Summary = "",
        /// Absent without a reference.
        fidelity: Option<Fidelity> = "",
        /// What was measured in all. Absent before the end of the stream.
        total: Option<Nested<ProbeStats>> = "total",
    }
}

structure! {
    /// `stats` of `avrec-probe`: counts and means since the start, `fps` and percentiles over the last `window` buffers.
    #[derive(Copy)]
    ProbeStats = "avrec/probe-stats" {
        summary: Summary = "",
        /// Absent without a reference.
        fidelity: Option<Fidelity> = "",
        /// Mean of `psnr-db` over the last `window` pairs, in dB. Absent where no pictures were compared.
        window_psnr_db: Option<f64> = "window-psnr-db",
        /// Mean of `ssim` over the last `window` pairs. Absent where no pictures were compared.
        window_ssim: Option<f64> = "window-ssim",
    }
}

group! {
    /// Counts of frames, and their latencies.
    #[derive(Copy, Default)]
    Summary {
        /// Buffers that passed.
        frames: u64 = "frames",
        /// Those without a stamp, which have no latency.
        unstamped: u64 = "unstamped",
        /// Those whose latency was above the budget.
        misses: u64 = "misses",
        /// Buffers a second on the monotonic clock; 0 before the second one, so that every reader may count on it.
        fps: f64 = "fps",
        /// Absent where no buffer had a stamp.
        latencies: Option<Latencies> = "",
        /// The budget in force. Absent where none is set and the stream has no frame rate.
        budget: Option<ClockTime> = "budget-ns",
    }
}

group! {
    /// Nearest-rank percentiles of frame latency.
    #[derive(Copy, Eq)]
    Latencies {
        /// Median of the time since the stamp.
        p50: Duration = "latency-p50-ns",
        /// 95th percentile of the time since the stamp.
        p95: Duration = "latency-p95-ns",
        /// 99th percentile of the time since the stamp.
        p99: Duration = "latency-p99-ns",
        /// Longest time since the stamp.
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

/// What a figure of that name says.
pub(super) fn meaning_of(figure: &str) -> &'static str {
    match figure {
        "psnr-db" => "PSNR of the mean squared error of luma, in dB, at most 100.",
        "ssim" => "Mean SSIM of luma, at most 1.",
        "f1" => "F1 of boxes at an IoU of 0.5, 0 to 1.",
        "map" => "Mean average precision of boxes over the last 256 frames, 0 to 1.",
        "class-agreement" => "Agreement of classes, 0 to 1: one less `total-variation`.",
        "total-variation" => "Total variation between classes, 0 to 1.",
        "mean-iou" => "Mean IoU of masks, 0 to 1.",
        "panoptic-quality" => "Panoptic quality of objects with masks, 0 to 1.",
        "si-sdr-db" => "SI-SDR of sound, in dB, of all stretches together.",
        "rank-correlation" => "Rank correlation of the last 60 scores, -1 to 1.",
        "edit-distance" => "Edit distance of texts, as a share of the longer one.",
        "agreement" => "How far answers agree, 0 to 1, whatever they are.",
        _ => "",
    }
}

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

    fn documented(_: &str, doc: &str) -> Vec<FieldDoc> {
        let counts = [
            ("pairs", "Frames, or stretches of sound, that were compared."),
            (
                "unmatched",
                "Those that were not: no partner, another size or kind, or measuring fell behind.",
            ),
        ];
        let counts = counts
            .into_iter()
            .map(|(name, meaning)| FieldDoc::new::<u64>(name, meaning));
        let figures = ["psnr-db", "ssim"].into_iter().chain(FIGURES);
        let absent = "Absent where nothing of the kind was compared.";
        let figures = figures.map(|it| {
            FieldDoc::new::<f64>(it, meaning_of(it))
                .besides(absent)
                .optional()
        });
        counts.chain(figures).map(|it| it.besides(doc)).collect()
    }
}
