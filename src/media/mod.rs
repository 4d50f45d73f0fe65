// SPDX-License-Identifier: MPL-2.0

//! Frames to tensors and answers to frames, in one pass and without allocation per frame (but for the tables
//! of the general scaler, where sizes differ by another factor than two).
//!
//! [`picture`] serves models whose input or answer is a picture, [`luma`] gives the plane that quality is
//! measured on. Colors and scaling are done by `yuv` and `fast_image_resize`; the loops of `kernel` do
//! what those leave over: normalization and layout. Nothing here knows a model runtime.

#[cfg(feature = "analytics")]
pub mod analytics;
pub mod corrupt;
pub mod cut;
pub mod degrade;
pub mod draw;
mod element;
mod error;
mod format;
mod kernel;
pub mod luma;
pub mod metas;
mod mix;
pub mod perturb;
pub mod picture;
mod plane;
mod rgb;
mod scale;
mod triangle;

pub use error::Error;
