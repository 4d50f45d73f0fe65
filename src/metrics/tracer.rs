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

    use crate::metrics::roster::Roster;
    use crate::metrics::server::Server;
    use crate::metrics::service::Service;
    use crate::metrics::settings::Settings;

    static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
        gst::DebugCategory::new(
            "avrec-metrics",
            gst::DebugColorFlags::empty(),
            Some("avrec metrics"),
        )
    });

    #[derive(Default)]
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
    }

    impl ObjectImpl for AvrecMetrics {
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(Settings::properties);
            &PROPERTIES
        }

        fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
            self.settings.lock().set(value, pspec);
        }

        fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
            match (pspec.name(), self.server.get()) {
                // Where it listens, if it does.
                ("port", Some(Some(server))) => i32::from(server.address().port()).to_value(),
                _ => self.settings.lock().get(pspec),
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
                    self.roster.hear(element, message, structure);
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
            self.server
                .get_or_init(|| self.start(element).map_err(|it| failure = Some(it)).ok());
            if let Some(error) = failure {
                self.warn(element, &error);
            }
        }

        fn start(&self, element: &gst::Element) -> io::Result<Server> {
            let (settings, offer, is_chosen) = {
                let mut settings = self.settings.lock();
                let is_chosen = settings.has_token();
                let offer = settings.offer()?;
                (settings.clone(), offer, is_chosen)
            };
            let token = offer.control.clone().filter(|_| !is_chosen);
            let server = Server::start(settings.socket()?, Service::new(self.roster.clone(), offer))?;
            let address = server.address();
            gst::info!(CAT, imp = self, "Serving http://{address}/metrics");
            if let Some(token) = token {
                self.tell_token(element, address, token.text());
            }
            Ok(server)
        }

        /// Tells a token that nobody knows yet, where the user sees it: gst-launch-1.0 prints INFO messages.
        fn tell_token(&self, element: &gst::Element, address: SocketAddr, token: &str) {
            let host = match address.ip() {
                it if it.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
                it => it,
            };
            let page = SocketAddr::new(host, address.port());
            let text =
                format!("whoever opens http://{page}/#token={token} can pin, forbid and weigh candidates");
            let details = "the token holds until this program ends; another one is set by token=…";
            gst::warning!(CAT, imp = self, "{text}; {details}");
            // Of an INFO message, gst-launch-1.0 prints the details alone.
            gst::element_info!(
                top(element),
                gst::ResourceError::Settings,
                ("{text}"),
                ["{text}; {details}"]
            );
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
            gst::element_warning!(
                top(element),
                gst::ResourceError::OpenRead,
                ("{text}"),
                ["{remedy}"]
            );
        }
    }

    /// The pipeline of an element, which has the bus that the user hears.
    fn top(element: &gst::Element) -> gst::Element {
        let mut top = element.clone();
        while let Some(parent) = top.parent().and_downcast::<gst::Element>() {
            top = parent;
        }
        top
    }
}
