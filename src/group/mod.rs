// SPDX-License-Identifier: MPL-2.0

//! Switches of one process that share its machine: who belongs together, and what they know of each other.

mod demand;
mod evidence;
mod plan;
mod registry;
pub mod residency;
mod schedule;
mod shares;
mod sharing;
mod stream;

pub use demand::{Demand, Rung};
pub use plan::{Plan, plan};
pub use registry::{Group, Member};
pub use shares::{Due, Share, Shares};
pub use stream::{Place, Wants};

/// The group of all switches that say nothing else.
pub const DEFAULT: &str = "default";
