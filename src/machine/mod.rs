// SPDX-License-Identifier: MPL-2.0

//! What the machine says of its own load, before any run is slow: how many threads could run, how long something waits for
//! a processor (Linux's pressure stall information), and how long a quota stops the own group of processes. Where the
//! kernel says nothing, it is absent, and everything works without.

pub mod memory;
mod monitor;
pub mod processor;
mod runs;
mod sense;
mod source;

pub use monitor::Monitor;
pub use runs::OwnRun;
pub use sense::Sense;
pub use source::Scope;
