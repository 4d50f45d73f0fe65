// SPDX-License-Identifier: MPL-2.0

//! The tracer as GStreamer sees it.

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    pub struct AvrecSpans(ObjectSubclass<imp::AvrecSpans>)
        @extends gst::Tracer, gst::Object;
}

/// Registers the tracer with GStreamer.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Tracer::register(Some(plugin), "avrec-spans", AvrecSpans::static_type())
}

mod imp {
    use std::sync::{Arc, LazyLock, OnceLock};

    use gst::glib;
    use gst::prelude::*;
    use gst::subclass::prelude::*;
    use parking_lot::Mutex;

    use crate::elements::switch::AvrecSwitch;
    use crate::place::place;
    use crate::spans::exporter::Exporter;
    use crate::spans::herald::{Fault, Herald};
    use crate::spans::outbox::Outbox;
    use crate::spans::settings::Settings;
    use crate::spans::source::{Record, Source};

    /// What was said as a parameter or a property.
    #[derive(Debug, Default)]
    struct Said {
        endpoint: Option<String>,
        ratio: Option<f64>,
    }

    /// Where what is seen goes, and who sends it.
    struct Export {
        outbox: Arc<Outbox<Record>>,
        _exporter: Exporter,
    }

    #[derive(Default)]
    pub struct AvrecSpans {
        said: Mutex<Said>,
        herald: Arc<Herald>,
        /// None where it could not be started.
        export: OnceLock<Option<Export>>,
        /// The switches that are observed, and which they are.
        sources: Mutex<Vec<(glib::WeakRef<AvrecSwitch>, Arc<Source>)>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AvrecSpans {
        const NAME: &'static str = "GstAvrecSpans";
        type Type = super::AvrecSpans;
        type ParentType = gst::Tracer;
    }

    impl ObjectImpl for AvrecSpans {
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
                vec![
                    glib::ParamSpecString::builder("endpoint")
                        .nick("Endpoint")
                        .blurb(
                            "Address of the collector for OTLP over HTTP (unset = OTEL_EXPORTER_OTLP_ENDPOINT, else \
                             http://localhost:4318)",
                        )
                        .build(),
                    // Any number is taken, for the bindings panic at one out of range; what is no share is told later.
                    glib::ParamSpecDouble::builder("ratio")
                        .nick("Ratio")
                        .blurb("Share of the frames that are sampled, 0 to 1 (-1 = OTEL_TRACES_SAMPLER_ARG, else 1)")
                        .default_value(-1.0)
                        .build(),
                ]
            });
            &PROPERTIES
        }

        fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
            let mut said = self.said.lock();
            match pspec.name() {
                "endpoint" => said.endpoint = value.get().ok().flatten(),
                "ratio" => said.ratio = value.get().ok().filter(|it| *it != -1.0),
                _ => {}
            }
        }

        fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
            let said = self.said.lock();
            match pspec.name() {
                "endpoint" => said.endpoint.to_value(),
                "ratio" => said.ratio.unwrap_or(-1.0).to_value(),
                _ => pspec.default_value().clone(),
            }
        }

        fn constructed(&self) {
            self.parent_constructed();
            let parameters = self.obj().property::<Option<String>>("params");
            if let Some(parameters) = parameters.filter(|it| !it.trim().is_empty()) {
                self.hear(&parameters);
            }
            self.register_hook(TracerHook::ElementChangeStatePre);
        }
    }

    impl GstObjectImpl for AvrecSpans {}

    impl TracerImpl for AvrecSpans {
        /// A switch that runs at some time comes by here; one that is only looked at does not.
        fn element_change_state_pre(&self, _: u64, element: &gst::Element, change: gst::StateChange) {
            let Some(switch) = element.downcast_ref::<AvrecSwitch>() else {
                return;
            };
            match (change, self.export.get()) {
                (gst::StateChange::NullToReady, _) => self.observe(switch),
                // Many programs end right after.
                (gst::StateChange::ReadyToNull, Some(Some(export))) => export.outbox.wake(),
                _ => {}
            }
        }
    }

    impl AvrecSpans {
        /// Takes in `endpoint=…,ratio=…`. A number may be written as any.
        fn hear(&self, parameters: &str) {
            let wrong = |what: &str| {
                let remedy = "parameters are as in GST_TRACERS='avrec-spans(endpoint=http://127.0.0.1:4318,ratio=0.01)'";
                self.herald.warn(Fault::Parameters, what, remedy);
            };
            let Ok(structure) = format!("avrec-spans,{parameters}").parse::<gst::Structure>() else {
                return wrong(&format!("'{parameters}' are no parameters"));
            };
            let mut said = self.said.lock();
            for (name, value) in structure.iter() {
                let text = || value.get::<String>().ok();
                let number = || {
                    let whole = value.get::<i32>().ok().map(f64::from);
                    value.get::<f64>().ok().or(whole).or_else(|| text()?.parse().ok())
                };
                match name.as_str() {
                    "endpoint" if text().is_some() => said.endpoint = text(),
                    "ratio" if number().is_some() => said.ratio = number(),
                    "endpoint" | "ratio" => wrong(&format!("{name} is not understood in '{parameters}'")),
                    _ => wrong(&format!("there is no parameter {name}")),
                }
            }
        }

        fn observe(&self, switch: &AvrecSwitch) {
            self.herald.listens(switch.upcast_ref());
            let (settings, faults) = {
                let said = self.said.lock();
                Settings::new(said.endpoint.as_deref(), said.ratio, |it| std::env::var(it).ok())
            };
            if !faults.is_empty() {
                let remedy = "what is left out is as if it were not set; set it to such a value, or unset it";
                self.herald.warn(Fault::Settings, &faults.join(", "), remedy);
            }
            let Some(export) = self.export.get_or_init(|| self.start(&settings)) else {
                return;
            };
            let mut sources = self.sources.lock();
            sources.retain(|it| it.0.upgrade().is_some());
            let is_known = sources.iter().find(|it| it.0.upgrade().as_ref() == Some(switch));
            match is_known {
                // It may stand elsewhere now.
                Some((_, source)) => source.place.store(Arc::new(place(switch.upcast_ref()))),
                None => {
                    let source = Arc::new(Source::new(
                        place(switch.upcast_ref()),
                        settings.ratio,
                        export.outbox.clone(),
                    ));
                    switch.observe(source.clone());
                    sources.push((switch.downgrade(), source));
                }
            }
        }

        /// Starts the thread that sends, once. That it cannot be concerns whoever reads, and no pipeline.
        fn start(&self, settings: &Settings) -> Option<Export> {
            let outbox = Arc::new(Outbox::new(settings.queue, settings.batch));
            match Exporter::start(&outbox, settings, &self.herald) {
                Ok(exporter) => Some(Export {
                    outbox,
                    _exporter: exporter,
                }),
                Err(error) => {
                    let text = format!("no spans are sent: {error}");
                    let remedy = "an address is as in GST_TRACERS='avrec-spans(endpoint=http://127.0.0.1:4318)'; the \
                        pipeline runs without";
                    self.herald.warn(Fault::Start, &text, remedy);
                    None
                }
            }
        }
    }
}
