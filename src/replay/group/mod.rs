// SPDX-License-Identifier: MPL-2.0

//! Several streams on one machine: what one chooses slows the others down.
//!
//! A [`World`] has the machine and its streams, a [`Chooser`] answers for all of them and sees what it could see live.
//! [`simulate`] plays one against the other; [`avrec`] has ours, [`fixed`] those to compare with and the best joint choice in
//! hindsight, and [`GroupFigures`] tell what came of it.

pub mod avrec;
mod figures;
pub mod fixed;
mod policy_name;
mod simulate;
#[cfg(test)]
mod tests;
mod world;

pub use figures::{GroupFigures, GroupSummary};
pub use policy_name::{GroupPolicy, Outcome};
pub use simulate::{Answer, Chooser, Course, Run, simulate};
pub use world::{Arrival, Kind, Load, Stream, World};
