// SPDX-License-Identifier: MPL-2.0

//! `avrec rank`: which of many models belong in the set, measured on the user's own material.

mod answers;
mod args;
mod ask;
mod bench;
mod cache;
mod contenders;
mod energy;
mod findings;
mod material;
mod picture;
mod question;
mod robustness;
mod table;
pub mod worker;
mod write;
