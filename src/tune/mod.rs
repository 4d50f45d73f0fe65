// SPDX-License-Identifier: MPL-2.0

//! Models adapted to a user's material without a training framework: closed forms, checked on time that was held out.
//!
//! [`graph`] changes ONNX files and loses nothing of them; [`ridge`] and [`logistic`] fit the last layer again.

pub mod blocks;
pub mod cells;
mod cholesky;
pub mod gain;
pub mod graph;
pub mod logistic;
pub mod ridge;
pub mod temperature;
