// SPDX-License-Identifier: MPL-2.0

//! What GStreamer asks of the element: its properties, its pads and its states.

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use once_cell::sync::Lazy;

use super::element::Probe;
use super::settings::Settings;
use super::{CAT, pads};
use crate::elements::author::AUTHOR;
use crate::elements::json;
use crate::elements::preset::keep_settings_only;

#[glib::object_subclass]
impl ObjectSubclass for Probe {
    const NAME: &'static str = "GstAvrecProbe";
    type Type = super::Probe;
    type ParentType = gst::Element;
    type Interfaces = (gst::Preset,);

    fn with_class(class: &Self::Class) -> Self {
        Probe::new(pads::pads(class))
    }
}

// SAFETY: the function that is put in has the interface's signature and keeps its rules of ownership.
unsafe impl glib::subclass::types::IsImplementable<Probe> for gst::Preset {
    fn interface_init(iface: &mut glib::Interface<gst::Preset>) {
        keep_settings_only(iface.as_mut());
    }
}

impl ObjectImpl for Probe {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: Lazy<Vec<glib::ParamSpec>> = Lazy::new(|| {
            let mut properties = Settings::properties();
            properties.push(json::stats_property());
            properties.push(
                glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                    .nick("Statistics")
                    .blurb("Counts since the start, latencies in nanoseconds and rates over the window. Reading never waits.")
                    .read_only()
                    .doc_show_default()
                    .build(),
            );
            properties
        });
        PROPERTIES.as_ref()
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: Lazy<Vec<glib::subclass::Signal>> = Lazy::new(|| vec![json::to_json_signal()]);
        &SIGNALS
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.settings.lock().set(value, pspec);
        if gst::State::Ready < self.obj().current_state() {
            self.check_time(pspec.name());
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => gst::Structure::from(self.stats()).to_value(),
            "stats-json" => json::stats_value(self.stats()),
            _ => self.settings.lock().get(pspec),
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        for pad in [&self.sinkpad, &self.srcpad] {
            // Fails only for a second pad of the same name.
            let _ = self.obj().add_pad(pad);
        }
    }
}

impl GstObjectImpl for Probe {}

impl ElementImpl for Probe {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: Lazy<gst::subclass::ElementMetadata> = Lazy::new(|| {
            gst::subclass::ElementMetadata::new(
                "Latency and quality probe",
                "Filter/Analyzer/Video/Audio",
                "Measures how long the elements before it take, on any media, and how near video and audio come to a reference",
                AUTHOR,
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: Lazy<Vec<gst::PadTemplate>> = Lazy::new(pads::templates);
        TEMPLATES.as_ref()
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        match transition {
            gst::StateChange::ReadyToPaused => self.start()?,
            // Before the pads stop, so that none of them waits for the thread at the end of a stream.
            gst::StateChange::PausedToReady => self.comparator.stop(),
            _ => (),
        }
        let success = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            self.join();
        }
        Ok(success)
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        _name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        if self.comparator.is_connected() {
            gst::warning!(
                CAT,
                imp = self,
                "A probe has one reference pad; a second one is refused"
            );
            return None;
        }
        let pad = pads::reference_pad(template);
        *self.reference.lock() = Default::default();
        self.comparator.connect();
        if let Err(err) = self.ensure_thread() {
            gst::error!(CAT, imp = self, "Cannot start the measuring thread: {err}");
            self.comparator.disconnect();
            return None;
        }
        // Fails only for a second pad of the same name, which was refused above.
        self.obj().add_pad(&pad).ok()?;
        self.ask_allocation_again();
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        // Fails only for a pad that is not the element's any more.
        let _ = pad.set_active(false);
        let _ = self.obj().remove_pad(pad);
        self.comparator.disconnect();
        self.ask_allocation_again();
    }
}
