// SPDX-License-Identifier: MPL-2.0

//! A video frame's way through the switch.

pub mod chain;
pub mod convert;
pub mod cuts;
pub mod exhaustive;
pub mod floor;
pub mod shadow;
