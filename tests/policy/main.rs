// SPDX-License-Identifier: MPL-2.0

//! The policy and what it stands on: scenarios and laws, its replay over recordings, and the laws of the measures.

mod content;
mod devices;
mod drift;
mod group;
mod laws;
mod lessons;
mod loads;
mod measures;
mod replay;
mod scenarios;
mod score_laws;
mod set;
mod shares;
#[path = "../support/mod.rs"]
mod support;
