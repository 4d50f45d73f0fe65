// SPDX-License-Identifier: MPL-2.0

//! Models on servers: what goes there and comes back, and what happens where they fail.

#![cfg(feature = "remote")]

mod access;
mod answers;
mod beside;
mod faults;
mod messages;
#[path = "../support/mod.rs"]
mod support;
