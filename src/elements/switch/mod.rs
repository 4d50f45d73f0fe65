// SPDX-License-Identifier: MPL-2.0

//! `avrec-switch`: holds several candidates and lets the best one answer each frame inside the budget.
//!
//! It is a bin. Its children are the candidates: `avrec-infer`, or any other element or bin with one sink
//! and one source pad. One buffer comes out for each that goes in: in order, with the same time stamps,
//! flags and metas. A swap takes effect between two frames.

mod assembly;
mod beside;
mod board;
mod conductor;
mod core;
mod dispatch;
mod imp;
mod keeper;
mod lane;
mod listing;
mod messages;
mod outgoing;
mod pads;
mod port;
mod reaction;
mod scorer;
mod settings;
mod slot;
mod state;
mod traffic;
mod trial;

use gst::glib;
use gst::prelude::*;
use once_cell::sync::Lazy;

pub use settings::LatePolicy;

static CAT: Lazy<gst::DebugCategory> = Lazy::new(|| {
    gst::DebugCategory::new(
        "avrec-switch",
        gst::DebugColorFlags::empty(),
        Some("avrec model switch"),
    )
});

glib::wrapper! {
    pub struct AvrecSwitch(ObjectSubclass<imp::AvrecSwitch>)
        @extends gst::Bin, gst::Element, gst::Object, @implements gst::ChildProxy;
}

pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(
        Some(plugin),
        "avrec-switch",
        gst::Rank::NONE,
        AvrecSwitch::static_type(),
    )
}
