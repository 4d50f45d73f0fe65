// SPDX-License-Identifier: MPL-2.0

//! How fast and how good an answer was: slices in, numbers out.
//!
//! [`LatencyWindow`] keeps exact percentiles of the last frames. [`fidelity`] compares a frame with the truth,
//! [`Agreement`] the pictures of two candidates, [`detection`], [`distribution`], [`overlap`], [`sound`] and [`rank`] what
//! they say. A [`Record`] puts these together: two answers of any one kind in, the task's figures out. Without a
//! reference, [`stability`] and [`Calibration`] say the little that can be said. Nothing here reads a clock, knows GStreamer
//! or starts a thread; the caller chooses where the cost (stated with each function) is paid.

mod agreement;
mod calibration;
mod content;
pub mod detection;
pub mod distribution;
mod edit_distance;
pub mod evaluation;
pub mod fidelity;
mod histogram;
mod latency;
mod mean_precision;
pub mod overlap;
pub mod rank;
mod record;
mod similarity;
pub mod sound;
pub mod stability;
mod statistic;
mod stoi;

pub use crate::plane::Plane;
pub use agreement::Agreement;
pub use calibration::Calibration;
pub use content::{Content, Measure, kind_of};
pub use edit_distance::edit_distance;
pub use fidelity::{decibels, mse, psnr, ssim};
pub use histogram::{BOUNDS_MS, BUCKETS, LatencyHistogram};
pub use latency::LatencyWindow;
pub use mean_precision::{MeanPrecision, average_precision};
pub use record::{Comparison, Record, Unlike};
pub use sound::Energies;
pub use statistic::Statistic;
pub use stoi::stoi;
