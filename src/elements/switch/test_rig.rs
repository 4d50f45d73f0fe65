// SPDX-License-Identifier: MPL-2.0

//! A switch for tests that look inside of it.

use gst::glib;
use gst::prelude::*;

use super::AvrecSwitch;

/// A switch with an `identity`, that plays between two test pads and waits for its answers.
pub fn around_identity(caps: &str) -> (AvrecSwitch, gst_check::Harness) {
    gst::init().unwrap();
    // Its parts come from their factories; those of an installed plugin would be of other types.
    crate::plugin_register_static().unwrap();
    let switch = glib::Object::new::<AvrecSwitch>();
    switch.set_property_from_str("late-policy", "wait");
    switch
        .add(&gst::ElementFactory::make("identity").build().unwrap())
        .unwrap();
    let mut harness = gst_check::Harness::with_element(&switch, Some("sink"), Some("src"));
    harness.play();
    harness.set_src_caps_str(caps);
    (switch, harness)
}
