// SPDX-License-Identifier: MPL-2.0

//! The presets `quality`, `balanced` and `strict`, which come with the element itself.
//!
//! GstPreset reads presets from files beside GStreamer's own or in the user's folder, and a plugin is often just one
//! library. So the interface's functions are overridden: these three are added to what the files hold, and a preset
//! that a user saved under one of their names is the one that is loaded.

use std::ffi::{CStr, c_char};

use gst::glib;
use gst::glib::translate::{Borrowed, IntoGlib, ToGlibPtr, from_glib_borrow};
use gst::prelude::*;

use super::AvrecSwitch;
use super::imp;
use super::settings::Settings;
use crate::elements::preset::keep_settings_only;

/// A choice between quality and promptness.
struct BuiltIn {
    name: &'static str,
    comment: &'static str,
    miss_rate: f64,
    lambda_latency: f64,
    lambda_cost: f64,
}

/// What `gst-inspect-1.0` and an application list, in the order of the alphabet, as files are.
fn built_in() -> [BuiltIn; 3] {
    let default = Settings::default();
    [
        BuiltIn {
            name: "balanced",
            comment: "The defaults: good answers, and of two alike the faster",
            miss_rate: default.miss_rate,
            lambda_latency: default.lambda_latency,
            lambda_cost: default.lambda_cost,
        },
        BuiltIn {
            name: "quality",
            comment: "The best answers, at one miss in twenty and whatever they cost",
            miss_rate: 0.05,
            lambda_latency: 0.0,
            lambda_cost: 0.0,
        },
        BuiltIn {
            name: "strict",
            comment: "One miss in a hundred, and a preference for the fast",
            miss_rate: 0.01,
            lambda_latency: 0.05,
            lambda_cost: default.lambda_cost,
        },
    ]
}

impl BuiltIn {
    fn find(name: &CStr) -> Option<BuiltIn> {
        built_in()
            .into_iter()
            .find(|it| it.name.as_bytes() == name.to_bytes())
    }

    fn load(&self, switch: &AvrecSwitch) {
        switch.set_property("miss-rate", self.miss_rate);
        switch.set_property("lambda-latency", self.lambda_latency);
        switch.set_property("lambda-cost", self.lambda_cost);
    }
}

// SAFETY: the functions that are put in have the interface's signatures, keep its rules of ownership, and go on to
// its own where they have nothing to say.
unsafe impl glib::subclass::types::IsImplementable<imp::AvrecSwitch> for gst::Preset {
    fn interface_init(iface: &mut glib::Interface<gst::Preset>) {
        let iface = iface.as_mut();
        iface.get_preset_names = Some(get_preset_names);
        iface.load_preset = Some(load_preset);
        iface.get_meta = Some(get_meta);
        keep_settings_only(iface);
    }
}

/// The interface as GStreamer implements it, with presets in files.
fn with_files() -> &'static gst::ffi::GstPresetInterface {
    // SAFETY: the interface is loaded, since a class that implements it exists, and interfaces are never unloaded.
    unsafe {
        let interface = glib::gobject_ffi::g_type_default_interface_peek(gst::ffi::gst_preset_get_type());
        &*interface.cast::<gst::ffi::GstPresetInterface>()
    }
}

/// Names of the presets in files.
///
/// # Safety
///
/// `preset` is a valid switch.
unsafe fn names_in_files(preset: *mut gst::ffi::GstPreset) -> Vec<glib::GString> {
    let Some(get) = with_files().get_preset_names else {
        return Vec::new();
    };
    // SAFETY: as of this function; the array is ours and ends with a null pointer, or is one.
    unsafe { glib::StrV::from_glib_full(get(preset)) }
        .into_iter()
        .collect()
}

unsafe extern "C" fn get_preset_names(preset: *mut gst::ffi::GstPreset) -> *mut *mut c_char {
    // SAFETY: GStreamer calls this with an element of this class.
    let mut names = unsafe { names_in_files(preset) };
    names.extend(built_in().iter().map(|it| glib::GString::from(it.name)));
    names.sort();
    names.dedup();
    names.to_glib_full()
}

unsafe extern "C" fn load_preset(
    preset: *mut gst::ffi::GstPreset,
    name: *const c_char,
) -> glib::ffi::gboolean {
    // SAFETY: GStreamer calls this with an element of this class, and a name that is a string.
    unsafe {
        let built_in = BuiltIn::find(CStr::from_ptr(name));
        match built_in.filter(|it| !names_in_files(preset).iter().any(|name| name == it.name)) {
            Some(built_in) => {
                let preset: Borrowed<gst::Preset> = from_glib_borrow(preset);
                let switch = preset.downcast_ref::<AvrecSwitch>();
                switch.inspect(|it| built_in.load(it)).is_some().into_glib()
            }
            None => with_files()
                .load_preset
                .map_or(false.into_glib(), |load| load(preset, name)),
        }
    }
}

unsafe extern "C" fn get_meta(
    preset: *mut gst::ffi::GstPreset,
    name: *const c_char,
    tag: *const c_char,
    value: *mut *mut c_char,
) -> glib::ffi::gboolean {
    // SAFETY: GStreamer calls this with an element of this class, two strings, and a place for the value.
    unsafe {
        let found = with_files()
            .get_meta
            .is_some_and(|get| get(preset, name, tag, value) != false.into_glib() && !(*value).is_null());
        let built_in = BuiltIn::find(CStr::from_ptr(name));
        match built_in.filter(|_| !found && CStr::from_ptr(tag) == c"comment") {
            Some(built_in) => {
                *value = built_in.comment.to_glib_full();
                true.into_glib()
            }
            None => found.into_glib(),
        }
    }
}
