// SPDX-License-Identifier: MPL-2.0

//! The pads of the switch: what passes, what is answered, what leaves.

pub mod events;
pub mod functions;
pub mod holder;
pub mod lane_pads;
pub mod output;
pub mod parts;
pub mod queries;
