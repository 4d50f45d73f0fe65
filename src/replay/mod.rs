// SPDX-License-Identifier: MPL-2.0

//! Policies run over recorded matrices: what would each have chosen, and what would that have been worth?
//!
//! A [`Matrix`] tells what every candidate would have done on every frame. A [`Selector`] sees only what it
//! could see live: the latency of whom it ran, the quality of the frames that it sampled, never the future.
//! [`simulate`] plays one against the other, [`oracle`] tells what was possible, and [`Figures`] what came of it.

pub mod avrec;
pub mod baseline;
mod figures;
pub mod generate;
pub mod group;
mod matrix;
mod matrix_csv;
pub mod oracle;
mod policy_name;
mod simulate;
mod summary;
mod words;

pub use crate::random::Random;
pub use figures::{Figures, Interval, mean_of};
pub use matrix::{Cell, Column, Matrix};
pub use matrix_csv::{MatrixError, Timing, read, read_timed, write};
pub use policy_name::PolicyName;
pub use simulate::{Outcome, Run, Selector, ShadowRun, simulate};
pub use summary::{Frames, Summary};
