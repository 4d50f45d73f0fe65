// SPDX-License-Identifier: MPL-2.0

//! Several streams on one machine: what one chooses slows the others down.

pub mod avrec;
pub mod fixed;
mod simulate;
mod world;

pub use simulate::{Answer, Chooser, Course, Run, simulate};
pub use world::{Arrival, Kind, Stream, World};
