// SPDX-License-Identifier: MPL-2.0

//! What a preset of GstPreset holds: the settings of an element, and not what it is doing, how it is called, or what
//! its children are set to, all of which GStreamer would save too.

use std::ffi::c_char;

use gst::glib;
use gst::glib::translate::{Borrowed, ToGlibPtr, from_glib_borrow};
use gst::prelude::*;

/// Properties that say who shall answer just now: a preset that pinned would do so for ever.
const OF_THE_MOMENT: [&str; 2] = ["active-candidate", "auto-switch"];

/// Written after the others, since writing it loads a model with them.
const LAST: &str = "model-file";

/// Lets presets of the class that this interface belongs to hold its own settings only.
pub fn keep_settings_only(interface: &mut gst::ffi::GstPresetInterface) {
    interface.get_property_names = Some(get_property_names);
}

unsafe extern "C" fn get_property_names(preset: *mut gst::ffi::GstPreset) -> *mut *mut c_char {
    // SAFETY: GStreamer calls this with an element that implements the interface.
    let preset: Borrowed<gst::Preset> = unsafe { from_glib_borrow(preset) };
    settings_of(preset.upcast_ref()).to_glib_full()
}

/// Names of the properties that a preset holds, in the order in which they are written.
fn settings_of(element: &glib::Object) -> Vec<glib::GString> {
    let is_setting = |it: &&glib::ParamSpec| {
        it.owner_type() == element.type_()
            && it.flags().contains(glib::ParamFlags::READWRITE)
            && !OF_THE_MOMENT.contains(&it.name())
    };
    let properties = element.list_properties();
    let mut names: Vec<_> = properties.iter().filter(is_setting).map(|it| it.name()).collect();
    names.sort_by_key(|it| *it == LAST);
    names.into_iter().map(glib::GString::from).collect()
}
