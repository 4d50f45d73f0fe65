// SPDX-License-Identifier: MPL-2.0

//! The report: one HTML file that needs no network. Text and tables are made here and can be read
//! without JavaScript; the charts are drawn by `page.js` from the record that the page carries.

mod band;
mod course;
mod data;
pub mod numbers;
mod page;
#[cfg(test)]
mod sample;
mod shown;
mod streams;
mod summary_text;
mod table;
mod tables;

pub use page::render;

/// Fonts, colors and tables, which all reports share.
pub const STYLE: &str = concat!(
    include_str!("../../../charts/palette.css"),
    include_str!("page.css")
);
