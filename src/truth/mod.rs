// SPDX-License-Identifier: MPL-2.0

//! What is known to be right of a user's material, read from the formats that people have.
//!
//! [`Truth::open`] looks at a file or folder, recognizes by its content which format it is (docs/labels.md has an example
//! of each) and reads it; [`Truth::of`] then gives the [`Label`] of one item: a picture, a frame of a clip, a stretch of
//! sound. Classes are names here, which [`Classes`] numbers, since models number theirs in different ways.
//! [`Truth::check`] tells which labels do not fit the material. Files are opened through `bounded_file` only, and each has
//! a largest size; nothing here knows GStreamer, models or measures.

mod by_name;
mod check;
mod class_names;
mod classes;
mod coco;
mod columns;
mod error;
mod folder;
mod item;
mod known;
mod label;
mod mask;
mod open;
mod pairs;
mod sounds;
mod store;
mod table;
#[cfg(test)]
mod tests_support;
mod transcripts;
mod yolo;

pub use check::Doubt;
pub use classes::Classes;
pub use error::TruthError;
pub use item::ItemKey;
pub use label::{Kind, Label, NOT_JUDGED, Object};
pub use open::Truth;
pub use store::Format;
