// SPDX-License-Identifier: MPL-2.0

//! How fast and how good an answer was: slices in, numbers out.
//!
//! [`LatencyWindow`] keeps exact percentiles of the last frames, [`fidelity`] compares a frame with the
//! truth, [`agreement`] compares the answers of two candidates. Nothing here reads a clock, knows GStreamer
//! or starts a thread; the caller chooses where the cost (stated with each function) is paid.

mod agreement;
pub mod fidelity;
mod latency;

pub use crate::plane::Plane;
pub use agreement::{Agreement, agreement};
pub use fidelity::{decibels, mse, psnr, ssim};
pub use latency::LatencyWindow;
