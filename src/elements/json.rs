// SPDX-License-Identifier: MPL-2.0

//! What each element tells as JSON: `stats-json`, and `to-json` for any structure. Both are made where they are asked for, so
//! that the streaming thread does nothing for them.

use gst::glib;
use gst::glib::subclass::Signal;
use gst::prelude::*;

use crate::messages;

/// `stats` as text.
pub fn stats_property() -> glib::ParamSpec {
    glib::ParamSpecString::builder("stats-json")
        .nick("Statistics as JSON")
        .blurb("The structure that stats is, as JSON. Reading never waits for an inference.")
        .read_only()
        .doc_show_default()
        .build()
}

/// The value of `stats-json`.
pub fn stats_value(stats: impl Into<gst::Structure>) -> glib::Value {
    text(&stats.into()).to_value()
}

/// The action signal `to-json(GstStructure) → gchararray`: a message of the element, or any other structure, as JSON; nothing
/// for nothing. Callable from any thread at any time.
pub fn to_json_signal() -> Signal {
    Signal::builder("to-json")
        .action()
        .param_types([gst::Structure::static_type()])
        .return_type::<String>()
        .class_handler(|values| {
            let structure = values.get(1)?.get::<Option<gst::Structure>>().ok()?;
            Some(structure.map(|it| text(&it)).to_value())
        })
        .build()
}

fn text(structure: &gst::StructureRef) -> String {
    messages::json(structure).to_string()
}
