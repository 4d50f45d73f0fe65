// SPDX-License-Identifier: MPL-2.0

//! The private elements of the switch: its entry, its exit, and a watch for each lane.
//!
//! They are registered, since applications ask each element inside a bin for its factory, and do not expect that there is
//! none. Entry and exit are two, rather than one, so that the bin has no loop and GStreamer's ordering of state changes
//! stays defined.

use std::sync::LazyLock;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::functions;
use super::holder::PadHolder;
use crate::elements::author::AUTHOR;

/// Defines a part: its types, its factory, what it does, its pads, and what makes those that are always there.
macro_rules! part {
    ($wrapper:ident, $imp:ident, $type_name:literal, $factory:literal, $does:literal,
     [$(($pad:literal, $direction:ident, $presence:ident)),*], $make:expr) => {
        #[derive(Default)]
        pub struct $imp;

        #[glib::object_subclass]
        impl ObjectSubclass for $imp {
            const NAME: &'static str = $type_name;
            type Type = $wrapper;
            type ParentType = PadHolder;
        }

        impl ObjectImpl for $imp {
            fn constructed(&self) {
                self.parent_constructed();
                let is_always = |it: &&gst::PadTemplate| it.presence() == gst::PadPresence::Always;
                for template in Self::pad_templates().iter().filter(is_always) {
                    // Fails only for a second pad of the same name.
                    let _ = self.obj().add_pad(&$make(template));
                }
            }
        }

        impl GstObjectImpl for $imp {}

        impl ElementImpl for $imp {
            fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
                static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                    let name = concat!("Part of avrec-switch (", $does, "), for use inside it only");
                    let text = concat!("Does nothing by itself: avrec-switch makes it. It ", $does);
                    gst::subclass::ElementMetadata::new(name, "Generic", text, AUTHOR)
                });
                Some(&METADATA)
            }

            fn pad_templates() -> &'static [gst::PadTemplate] {
                static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                    let any = gst::Caps::new_any();
                    let all = [$(gst::PadTemplate::new(
                        $pad, gst::PadDirection::$direction, gst::PadPresence::$presence, &any
                    )),*];
                    // Names and directions are valid, so none is refused.
                    all.into_iter().flatten().collect()
                });
                &TEMPLATES
            }
        }

        glib::wrapper! {
            pub struct $wrapper(ObjectSubclass<$imp>) @extends PadHolder, gst::Element, gst::Object;
        }

        impl $wrapper {
            /// Makes one through its factory.
            pub fn make(name: &str) -> PadHolder {
                let made = gst::ElementFactory::make($factory).name(name).build();
                let made = made.ok().and_then(|it| it.downcast().ok());
                // Without a factory only where an application took it out of the registry.
                made.unwrap_or_else(|| glib::Object::builder::<$wrapper>().property("name", name).build().upcast())
            }

            fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
                gst::Element::register(Some(plugin), $factory, gst::Rank::NONE, $wrapper::static_type())
            }
        }
    };
}

part!(
    Entry,
    EntryImp,
    "GstAvrecSwitchEntry",
    "avrec-switch-entry",
    "gives frames to lanes",
    [("sink", Sink, Always), ("src_%u", Src, Request)],
    functions::sink
);

part!(
    Exit,
    ExitImp,
    "GstAvrecSwitchExit",
    "avrec-switch-exit",
    "takes answers from lanes",
    [("src", Src, Always), ("sink_%u", Sink, Request)],
    functions::src
);

part!(
    Watch,
    WatchImp,
    "GstAvrecSwitchWatch",
    "avrec-switch-watch",
    "sees how a candidate returns",
    [("sink", Sink, Always), ("src", Src, Always)],
    functions::watch
);

/// Registers the parts.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    PadHolder::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    Entry::register(plugin)?;
    Exit::register(plugin)?;
    Watch::register(plugin)
}
