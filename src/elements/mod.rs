// SPDX-License-Identifier: MPL-2.0

//! The three elements: pads, properties, events and messages over the pure cores. The only place that knows both worlds.

mod allocation;
pub mod comparable;
pub mod content;
pub mod infer;
pub mod probe;
pub mod property_text;
pub mod stamp;
pub mod switch;
mod unit_mistake;

use gst::glib;

/// Author in the metadata of each element.
const AUTHOR: &str = concat!("The avrec authors <", env!("CARGO_PKG_REPOSITORY"), ">");

/// Registers the elements with GStreamer.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    infer::register(plugin)?;
    probe::register(plugin)?;
    switch::register(plugin)
}
