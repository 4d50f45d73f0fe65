// SPDX-License-Identifier: MPL-2.0

//! A private element that only holds pads: the switch's entry and its exit inside the bin.
//!
//! It is not registered. Two of them, rather than one, so that the bin has no loop and GStreamer's
//! ordering of state changes stays defined.

use std::sync::{Arc, LazyLock, OnceLock, Weak};

use gst::glib;
use gst::subclass::prelude::*;

use crate::elements::AUTHOR;
use crate::elements::switch::shared::Shared;

#[derive(Default)]
pub struct PadHolderImp {
    core: OnceLock<Weak<Shared>>,
}

impl PadHolderImp {
    /// What the pads serve; `None` once the switch is gone.
    pub fn core(&self) -> Option<Arc<Shared>> {
        self.core.get()?.upgrade()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for PadHolderImp {
    const NAME: &'static str = "GstAvrecSwitchPort";
    type Type = PadHolder;
    type ParentType = gst::Element;
}

impl ObjectImpl for PadHolderImp {}
impl GstObjectImpl for PadHolderImp {}
impl ElementImpl for PadHolderImp {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
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
    pub struct PadHolder(ObjectSubclass<PadHolderImp>) @extends gst::Element, gst::Object;
}

impl PadHolder {
    pub fn new(name: &str) -> PadHolder {
        glib::Object::builder().property("name", name).build()
    }

    /// Says whom its pads serve; only the first call counts.
    pub fn serve(&self, core: &Arc<Shared>) {
        let _ = self.imp().core.set(Arc::downgrade(core));
    }
}
