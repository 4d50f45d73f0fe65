// SPDX-License-Identifier: MPL-2.0

//! A private element that only holds pads: the switch's entry and its exit inside the bin.
//!
//! It is not registered. Two of them, rather than one, so that the bin has no loop and GStreamer's
//! ordering of state changes stays defined.

use std::sync::{Arc, Weak};

use gst::glib;
use gst::subclass::prelude::*;
use once_cell::sync::{Lazy, OnceCell};

use super::core::Core;
use crate::elements::AUTHOR;

#[derive(Default)]
pub struct PortImp {
    core: OnceCell<Weak<Core>>,
}

impl PortImp {
    /// What the pads serve; `None` once the switch is gone.
    pub fn core(&self) -> Option<Arc<Core>> {
        self.core.get()?.upgrade()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for PortImp {
    const NAME: &'static str = "GstAvrecSwitchPort";
    type Type = Port;
    type ParentType = gst::Element;
}

impl ObjectImpl for PortImp {}
impl GstObjectImpl for PortImp {}
impl ElementImpl for PortImp {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: Lazy<gst::subclass::ElementMetadata> = Lazy::new(|| {
            gst::subclass::ElementMetadata::new(
                "avrec-switch port",
                "Generic",
                "Holds the pads of avrec-switch's entry or exit",
                AUTHOR,
            )
        });
        Some(&METADATA)
    }
}

glib::wrapper! {
    pub struct Port(ObjectSubclass<PortImp>) @extends gst::Element, gst::Object;
}

impl Port {
    pub fn new(name: &str) -> Port {
        glib::Object::builder().property("name", name).build()
    }

    /// Tells the port whom its pads serve; only the first call counts.
    pub fn serve(&self, core: &Arc<Core>) {
        let _ = self.imp().core.set(Arc::downgrade(core));
    }
}
