// SPDX-License-Identifier: MPL-2.0

//! Switches of one process that share its machine: who belongs together, and what they know of each other.

mod registry;

pub use registry::{Group, Member};

/// The group of all switches that say nothing else.
pub const DEFAULT: &str = "default";
