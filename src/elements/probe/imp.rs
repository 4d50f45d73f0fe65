// SPDX-License-Identifier: MPL-2.0

//! The element: its pads, its properties, and the life of its thread.

use std::sync::Arc;
use std::thread::JoinHandle;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use once_cell::sync::Lazy;
use parking_lot::Mutex;

use super::CAT;
use super::compare::Comparator;
use super::settings::Settings;
use super::stream::{self, Reference, Stream};
use super::worker;
use crate::elements::AUTHOR;
use crate::messages::ProbeStats;

/// Locks are taken one at a time, never one inside another. Each is held for a few microseconds: no push,
/// post, query, measurement or release of a buffer happens under one.
pub struct Probe {
    pub sinkpad: gst::Pad,
    pub srcpad: gst::Pad,
    pub settings: Mutex<Settings>,
    /// The first stream and its figures.
    pub stream: Mutex<Stream>,
    /// What the reference pad was told of its stream.
    pub reference: Mutex<Reference>,
    pub comparator: Arc<Comparator>,
    worker: Mutex<Worker>,
}

/// The thread exists while the element is PAUSED or PLAYING and has a reference pad.
#[derive(Default)]
struct Worker {
    wanted: Wanted,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    #[default]
    Stopped,
    Running,
}

#[glib::object_subclass]
impl ObjectSubclass for Probe {
    const NAME: &'static str = "GstAvrecProbe";
    type Type = super::Probe;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let (sinkpad, srcpad) = stream::pads(class);
        let settings = Settings::default();
        Probe {
            sinkpad,
            srcpad,
            settings: Mutex::new(settings),
            stream: Mutex::new(Stream::new(settings.window as usize)),
            reference: Mutex::default(),
            comparator: Arc::new(Comparator::new(settings.window as usize)),
            worker: Mutex::default(),
        }
    }
}

impl ObjectImpl for Probe {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: Lazy<Vec<glib::ParamSpec>> = Lazy::new(|| {
            let mut properties = Settings::properties();
            properties.push(
                glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                    .nick("Statistics")
                    .blurb("Counts since the start; latencies in nanoseconds and rates over the window; never waits")
                    .read_only()
                    .build(),
            );
            properties
        });
        PROPERTIES.as_ref()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.settings.lock().set(value, pspec);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        if pspec.name() == "stats" {
            return self.stats().to_value();
        }
        self.settings.lock().get(pspec)
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
                "Generic/Analyzer",
                "Measures how long the elements before it take, and how near video comes to a reference",
                AUTHOR,
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: Lazy<Vec<gst::PadTemplate>> = Lazy::new(stream::templates);
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
        let pad = stream::reference_pad(template);
        *self.reference.lock() = Reference::default();
        self.comparator.connect();
        if let Err(err) = self.ensure_thread() {
            gst::error!(CAT, imp = self, "Cannot start the measuring thread: {err}");
            self.comparator.disconnect();
            return None;
        }
        // Fails only for a second pad of the same name, which was refused above.
        self.obj().add_pad(&pad).ok()?;
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        // Fails only for a pad that is not the element's any more.
        let _ = pad.set_active(false);
        let _ = self.obj().remove_pad(pad);
        self.comparator.disconnect();
    }
}

impl Probe {
    fn stats(&self) -> gst::Structure {
        let summary = self.stream.lock().meter.total();
        let (fidelity, window) = self.comparator.total().unzip();
        let (window_psnr_db, window_ssim) = window.flatten().unzip();
        let stats = ProbeStats {
            summary,
            fidelity,
            window_psnr_db,
            window_ssim,
        };
        stats.into()
    }

    fn start(&self) -> Result<(), gst::StateChangeError> {
        let window = self.settings.lock().window as usize;
        *self.stream.lock() = Stream::new(window);
        self.comparator.start(window);
        self.worker.lock().wanted = Wanted::Running;
        self.ensure_thread().map_err(|err| {
            gst::element_imp_error!(
                self,
                gst::ResourceError::Failed,
                ("Cannot start the measuring thread; the system allows no more threads"),
                ["{err}"]
            );
            self.comparator.stop();
            gst::StateChangeError
        })
    }

    /// Starts the thread if there is work for it and it does not run.
    fn ensure_thread(&self) -> std::io::Result<()> {
        let connected = self.comparator.is_connected();
        let mut worker = self.worker.lock();
        if connected && worker.wanted == Wanted::Running && worker.thread.is_none() {
            worker.thread = Some(worker::spawn(self.comparator.clone(), self.obj().downgrade())?);
        }
        Ok(())
    }

    /// Waits for the end of the measurement that runs, if one does.
    fn join(&self) {
        let thread = {
            let mut worker = self.worker.lock();
            worker.wanted = Wanted::Stopped;
            worker.thread.take()
        };
        if thread.is_some_and(|thread| thread.join().is_err()) {
            gst::error!(CAT, imp = self, "The measuring thread panicked");
        }
    }
}
