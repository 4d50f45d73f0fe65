// SPDX-License-Identifier: MPL-2.0

//! `avrec-probe`, `avrec-fuse`, and what is asked of all elements: their interface, and that nothing of them is left.

mod allocation;
mod blurbs;
mod fuse;
mod hosts;
mod interface;
mod leaks;
mod messages;
#[cfg(feature = "metrics")]
mod metrics;
mod page;
mod plugins_cache;
mod presets;
mod probe;
mod properties;
mod schema;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod told;
