// SPDX-License-Identifier: MPL-2.0

//! The lanes: each is one candidate behind a stock queue.

pub mod builder;
pub mod catalog;
pub mod lane;
pub mod run;
pub mod status;
pub mod supervisor;
pub mod table;
pub mod timed_join;
