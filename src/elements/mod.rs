// SPDX-License-Identifier: MPL-2.0

//! The elements: pads, properties, events and messages over the pure cores. The only place that knows both worlds.

mod allocation;
mod author;
pub mod comparable;
pub mod content;
pub mod fuse;
pub mod infer;
mod json;
mod on_demand;
mod pads;
mod preset;
pub mod probe;
pub mod property_text;
pub mod stamp;
pub mod switch;
mod timed_join;
mod unit_mistake;

use gst::glib;

/// Registers the elements with GStreamer.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    infer::register(plugin)?;
    probe::register(plugin)?;
    fuse::register(plugin)?;
    switch::pads::parts::register(plugin)?;
    switch::register(plugin)
}
