// SPDX-License-Identifier: MPL-2.0

//! How answers are compared, on a thread of its own.

pub mod comparisons;
pub mod evidence;
pub mod rerun;
pub mod thread;
pub mod trial;
