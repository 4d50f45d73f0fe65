// SPDX-License-Identifier: MPL-2.0

//! What a user meets first, the command and the README, and the rules that the sources keep.

mod check;
mod command;
mod examples;
mod layering;
mod library;
mod providers;
mod rank;
mod readme;
mod release;
mod replay;
mod run;
#[path = "../support/mod.rs"]
mod support;
mod tune;
