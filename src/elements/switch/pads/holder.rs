// SPDX-License-Identifier: MPL-2.0

//! What the private elements of the switch have in common: they hold pads that serve a switch, and by themselves do
//! nothing and say so.

use std::sync::{Arc, OnceLock, Weak};

use gst::glib;
use gst::glib::subclass::types::IsSubclassable;
use gst::prelude::*;
use gst::subclass::prelude::*;

use crate::elements::switch::shared::Shared;

/// Whom the pads serve.
struct Duty {
    core: Weak<Shared>,
    /// The lane of a watch.
    lane: Option<usize>,
}

#[derive(Default)]
pub struct PadHolderBase {
    duty: OnceLock<Duty>,
}

impl PadHolderBase {
    /// What the pads serve; `None` once the switch is gone.
    pub fn core(&self) -> Option<Arc<Shared>> {
        self.duty.get()?.core.upgrade()
    }

    /// The lane of a watch that is in one.
    pub fn lane(&self) -> Option<usize> {
        self.duty.get()?.lane
    }
}

#[glib::object_subclass]
impl ObjectSubclass for PadHolderBase {
    const NAME: &'static str = "GstAvrecSwitchPart";
    const ABSTRACT: bool = true;
    type Type = PadHolder;
    type ParentType = gst::Element;
}

impl ObjectImpl for PadHolderBase {}
impl GstObjectImpl for PadHolderBase {}
impl ElementImpl for PadHolderBase {
    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::NullToReady && self.duty.get().is_none() {
            gst::element_imp_error!(
                self,
                gst::LibraryError::Settings,
                ("this element is a part of avrec-switch and does nothing by itself; use avrec-switch"),
                ["avrec-switch makes its parts by itself; remove this one from the pipeline"]
            );
            return Err(gst::StateChangeError);
        }
        self.parent_change_state(transition)
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        if self.duty.get().is_some() {
            // The pads of lanes come and go with them.
            return None;
        }
        // It links, so that the change of state is what fails, and says why.
        let pad = gst::Pad::builder_from_template(template);
        let pad = match name {
            Some(name) => pad.name(name).build(),
            None => pad.generated_name().build(),
        };
        self.obj().add_pad(&pad).ok().map(|()| pad)
    }
}

glib::wrapper! {
    pub struct PadHolder(ObjectSubclass<PadHolderBase>) @extends gst::Element, gst::Object;
}

// SAFETY: the class has no functions of its own that a subclass would have to put in.
unsafe impl<T: ElementImpl> IsSubclassable<T> for PadHolder {}

impl PadHolder {
    /// Says whom its pads serve; only the first call counts.
    pub fn serve(&self, core: &Arc<Shared>, lane: Option<usize>) {
        let core = Arc::downgrade(core);
        let _ = self.imp().duty.set(Duty { core, lane });
    }
}
