// SPDX-License-Identifier: MPL-2.0

//! The tracer as GStreamer sees it.

use gst::glib;
use gst::prelude::*;

glib::wrapper! {
    pub struct AvrecMetrics(ObjectSubclass<imp::AvrecMetrics>)
        @extends gst::Tracer, gst::Object;
}

/// Registers the tracer with GStreamer.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Tracer::register(Some(plugin), "avrec-metrics", AvrecMetrics::static_type())
}

mod imp {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::sync::{Arc, LazyLock, OnceLock};

    use gst::glib;
    use gst::prelude::*;
    use gst::subclass::prelude::*;
    use parking_lot::Mutex;
    use prometheus_client::encoding::{prometheus_text, text};
    use prometheus_client::registry::Registry;

    use crate::metrics::reading::Reading;
    use crate::metrics::roster::Roster;
    use crate::metrics::server::{Format, Server, Source};

    /// The port that exporters of OpenTelemetry have.
    const PORT: i32 = 9464;
    const ADDRESS: &str = "127.0.0.1";

    static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
        gst::DebugCategory::new(
            "avrec-metrics",
            gst::DebugColorFlags::empty(),
            Some("avrec metrics"),
        )
    });

    struct Settings {
        address: String,
        port: i32,
    }

    impl Settings {
        fn socket(&self) -> io::Result<SocketAddr> {
            let address = match self.address.as_str() {
                "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
                address => address.parse::<IpAddr>(),
            };
            let invalid = |cause: String| io::Error::new(io::ErrorKind::InvalidInput, cause);
            let address = address.map_err(|_| invalid(format!("'{}' is no IP address", self.address)))?;
            let port = u16::try_from(self.port).map_err(|_| invalid(format!("{} is no port", self.port)))?;
            Ok((address, port).into())
        }
    }

    pub struct AvrecMetrics {
        settings: Mutex<Settings>,
        roster: Arc<Roster>,
        /// None where it could not be started.
        server: OnceLock<Option<Server>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for AvrecMetrics {
        const NAME: &'static str = "GstAvrecMetrics";
        type Type = super::AvrecMetrics;
        type ParentType = gst::Tracer;

        fn new() -> Self {
            let settings = Settings {
                address: ADDRESS.to_owned(),
                port: PORT,
            };
            AvrecMetrics {
                settings: Mutex::new(settings),
                roster: Arc::default(),
                server: OnceLock::new(),
            }
        }
    }

    impl ObjectImpl for AvrecMetrics {
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
                vec![
                    glib::ParamSpecString::builder("address")
                        .nick("Address")
                        .blurb("IP address to listen at; 0.0.0.0 is every one of the machine, for all who reach it")
                        .default_value(ADDRESS)
                        .build(),
                    // Any number is taken, for the bindings panic at one out of range; what is no port is told later.
                    glib::ParamSpecInt::builder("port")
                        .nick("Port")
                        .blurb("Port to listen at, to 65535; 0 is any that is free, which is read here and told at log level INFO")
                        .default_value(PORT)
                        .build(),
                ]
            });
            &PROPERTIES
        }

        fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
            let mut settings = self.settings.lock();
            match pspec.name() {
                "address" => {
                    let address = value.get::<Option<String>>().ok().flatten();
                    settings.address = address.unwrap_or_else(|| ADDRESS.to_owned());
                }
                "port" => settings.port = value.get().unwrap_or(PORT),
                _ => {}
            }
        }

        fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
            let settings = self.settings.lock();
            match pspec.name() {
                "address" => settings.address.to_value(),
                // Where it listens, if it does.
                "port" => match self.server.get() {
                    Some(Some(server)) => i32::from(server.address().port()).to_value(),
                    _ => settings.port.to_value(),
                },
                _ => pspec.default_value().clone(),
            }
        }

        fn constructed(&self) {
            self.parent_constructed();
            self.register_hook(TracerHook::ElementChangeStatePre);
            self.register_hook(TracerHook::ElementPostMessagePre);
        }
    }

    impl GstObjectImpl for AvrecMetrics {}

    impl TracerImpl for AvrecMetrics {
        const USE_STRUCTURE_PARAMS: bool = true;

        /// An element that runs at some time comes by here; one that is only looked at does not.
        fn element_change_state_pre(&self, _: u64, element: &gst::Element, change: gst::StateChange) {
            if change == gst::StateChange::NullToReady && is_ours(element) {
                self.roster.join(element);
                self.serve(element);
            }
        }

        fn element_post_message_pre(&self, _: u64, element: &gst::Element, message: &gst::Message) {
            let gst::MessageView::Element(view) = message.view() else {
                return;
            };
            // Bins pass on what their children post.
            let is_own = || {
                message
                    .src()
                    .is_some_and(|it| it == element.upcast_ref::<gst::Object>())
            };
            match view.structure() {
                Some(structure) if structure.name().starts_with("avrec/") && is_own() => {
                    self.roster.hear(element, structure);
                }
                _ => {}
            }
        }
    }

    /// Whether it is an element of this plugin that has something to say.
    fn is_ours(element: &gst::Element) -> bool {
        let is_named = element
            .factory()
            .is_some_and(|it| it.name().starts_with("avrec-"));
        is_named && element.has_property_with_type("stats", gst::Structure::static_type())
    }

    impl AvrecMetrics {
        /// Starts the server, once. That it cannot be concerns whoever reads, and no pipeline.
        fn serve(&self, element: &gst::Element) {
            let mut failure = None;
            self.server.get_or_init(|| {
                let source = source(self.roster.clone());
                let started = self
                    .settings
                    .lock()
                    .socket()
                    .and_then(|it| Server::start(it, source));
                started.map_err(|it| failure = Some(it)).ok()
            });
            match (failure, self.server.get()) {
                (Some(error), _) => self.warn(element, &error),
                (None, Some(Some(server))) => {
                    gst::info!(CAT, imp = self, "Serving http://{}/metrics", server.address());
                }
                _ => {}
            }
        }

        fn warn(&self, element: &gst::Element, error: &io::Error) {
            let text = {
                let settings = self.settings.lock();
                format!(
                    "no metrics at {} port {}: {error}",
                    settings.address, settings.port
                )
            };
            let remedy = "another port, 0 for any that is free, or address, is set as in \
                GST_TRACERS='avrec-metrics(port=9465)'; the pipeline runs without";
            gst::warning!(CAT, imp = self, "{text}; {remedy}");
            let mut top = element.clone();
            while let Some(parent) = top.parent().and_downcast::<gst::Element>() {
                top = parent;
            }
            gst::element_warning!(top, gst::ResourceError::OpenRead, ("{text}"), ["{remedy}"]);
        }
    }

    /// What the server gives.
    fn source(roster: Arc<Roster>) -> Box<Source> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Reading(roster)));
        Box::new(move |format| {
            let mut page = String::new();
            match format {
                Format::OpenMetrics => text::encode(&mut page, &registry)?,
                Format::Text => prometheus_text::encode(&mut page, &registry)?,
            }
            Ok(page)
        })
    }
}
