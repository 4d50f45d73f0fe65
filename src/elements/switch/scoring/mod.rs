// SPDX-License-Identifier: MPL-2.0

//! How answers are compared, on a thread of its own.
//!
//! The thread runs at the lowest priority, so the streaming thread must never wait for it. Everything that is handed over
//! goes by value, and no part of this folder can reach the table of lanes, the policy, or what belongs to the streaming
//! thread (`tests/layering.rs` holds that).

pub mod comparisons;
mod hard_frames;
pub mod judge;
pub mod rerun;
pub mod thread;
pub mod trial;
