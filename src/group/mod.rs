// SPDX-License-Identifier: MPL-2.0

//! Switches of one process that share its machine: who belongs together, and what they know of each other.

mod memory;
mod model;
mod registry;
mod residency;
mod step;

pub use memory::Memory;
pub use model::{Account, Candidate, Place, Report, Wish};
pub use registry::{Group, Member};
pub use residency::Residency;
pub use step::{Cause, Refusal, Step, Urgency, User};

/// The group of all switches that say nothing else.
pub const DEFAULT: &str = "default";
