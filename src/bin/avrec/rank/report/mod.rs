// SPDX-License-Identifier: MPL-2.0

//! The report of a ranking: one HTML file that needs no network and no script.

mod examples;
mod figures;
mod front;
mod grid;
mod heat;
mod intervals;
mod labels;
mod method;
mod page;
#[cfg(test)]
mod sample;
mod tables;
mod words;

pub use page::page;
