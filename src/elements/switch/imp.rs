// SPDX-License-Identifier: MPL-2.0

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::glib;
use gst::glib::translate::{IntoGlib, ToGlibPtr, TryFromGlib};
use gst::prelude::*;
use gst::subclass::prelude::*;
use once_cell::sync::Lazy;
use parking_lot::Mutex;

use super::CAT;
use super::audio::latency;
use super::lanes::builder;
use super::lanes::catalog;
use super::lanes::elements::LaneElements;
use super::lanes::supervisor::StateRequest;
use super::lanes::watchdog;
use super::messages;
use super::pads::functions;
use super::pads::holder::PadHolder;
use super::policy_adapter::CatalogNames;
use super::scoring::thread::Scorer;
use super::settings::Settings;
use super::shared::Shared;
use crate::elements::AUTHOR;
use crate::policy::Prior;

/// How long a change of state waits for lanes to stop; a hung one is then finished in the background.
/// Two steps down (PAUSED to READY to NULL) stay well below the second that an operator would notice.
const STOP_PATIENCE: Duration = Duration::from_millis(300);

pub struct AvrecSwitch {
    pub(super) core: Arc<Shared>,
    entry: PadHolder,
    exit: PadHolder,
    sink: gst::GhostPad,
    src: gst::GhostPad,
    /// Children that the user or the catalogue added, in that order.
    candidates: Mutex<Vec<gst::Element>>,
}

#[glib::object_subclass]
impl ObjectSubclass for AvrecSwitch {
    const NAME: &'static str = "GstAvrecSwitch";
    type Type = super::AvrecSwitch;
    type ParentType = gst::Bin;
    type Interfaces = (gst::ChildProxy, gst::Preset);

    fn with_class(_klass: &Self::Class) -> Self {
        let template = |name: &str| Self::pad_templates().iter().find(|it| it.name_template() == name);
        let ghost = |name: &str, direction| match template(name) {
            Some(template) => gst::GhostPad::builder_from_template(template).name(name).build(),
            None => gst::GhostPad::builder(direction).name(name).build(),
        };
        let settings = Arc::new(Settings::default());
        let core = Arc::new(Shared::new(settings, functions::sink(), functions::src()));
        Self {
            core,
            entry: PadHolder::new("entry"),
            exit: PadHolder::new("exit"),
            sink: ghost("sink", gst::PadDirection::Sink),
            src: ghost("src", gst::PadDirection::Src),
            candidates: Mutex::default(),
        }
    }
}

impl ObjectImpl for AvrecSwitch {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: Lazy<Vec<glib::ParamSpec>> = Lazy::new(Settings::properties);
        &PROPERTIES
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: Lazy<Vec<glib::subclass::Signal>> = Lazy::new(|| {
            // From, to, and why as a sentence; emitted on the streaming thread, so handlers must be short.
            let types = [
                String::static_type(),
                String::static_type(),
                String::static_type(),
            ];
            vec![
                glib::subclass::Signal::builder("candidate-changed")
                    .param_types(types)
                    .build(),
                // Callable from any thread at any time; waits for no inference.
                glib::subclass::Signal::builder("explain")
                    .action()
                    .return_type::<gst::Structure>()
                    .class_handler(|values| {
                        let switch = values.first()?.get::<super::AvrecSwitch>().ok()?;
                        Some(switch.imp().core.explain().structure().to_value())
                    })
                    .build(),
                // Candidate (none = the active one) and what its answers are worth, 0 to 1.
                glib::subclass::Signal::builder("feedback")
                    .action()
                    .param_types([String::static_type(), f64::static_type()])
                    .return_type::<bool>()
                    .class_handler(|values| {
                        let [switch, candidate, score] = values else {
                            return None;
                        };
                        let switch = switch.get::<super::AvrecSwitch>().ok()?;
                        let candidate = candidate.get::<Option<String>>().ok()?;
                        Some(
                            switch
                                .imp()
                                .feedback(candidate.as_deref(), score.get().ok()?)
                                .to_value(),
                        )
                    })
                    .build(),
            ]
        });
        &SIGNALS
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.core.settings.rcu(|settings| {
            let mut settings = Settings::clone(settings);
            settings.set(value, pspec);
            settings
        });
        let settings = self.core.settings.load_full();
        self.core.setting_changed(pspec.name(), &settings);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => messages::stats(&self.core).to_value(),
            "active-candidate" => self.core.active_name().to_value(),
            _ => self
                .core
                .settings
                .load()
                .get(pspec)
                .unwrap_or_else(|| pspec.default_value().clone()),
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        self.core.switch.set(Some(&self.obj()));
        if let Err(error) = self.build() {
            gst::error!(CAT, imp = self, "The switch cannot be put together: {error}");
        }
    }

    fn dispose(&self) {
        self.core.lanes.list().order(StateRequest::Go(gst::State::Null));
    }
}

impl GstObjectImpl for AvrecSwitch {}

impl ElementImpl for AvrecSwitch {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: Lazy<gst::subclass::ElementMetadata> = Lazy::new(|| {
            gst::subclass::ElementMetadata::new(
                "Model switch",
                "Filter/Effect/Video",
                "Lets the best of several candidates answer each frame inside the latency budget",
                AUTHOR,
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: Lazy<Vec<gst::PadTemplate>> = Lazy::new(|| {
            let always = |name, direction| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &gst::Caps::new_any())
            };
            let both = [
                always("sink", gst::PadDirection::Sink),
                always("src", gst::PadDirection::Src),
            ];
            // Names and directions are valid, so neither is refused.
            both.into_iter().flatten().collect()
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        self.before(transition)?;
        let success = self.change_own_state(transition)?;
        self.after(transition);
        Ok(success)
    }
}

impl BinImpl for AvrecSwitch {
    fn add_element(&self, element: &gst::Element) -> Result<(), gst::LoggableError> {
        self.parent_add_element(element)?;
        self.candidates.lock().push(element.clone());
        element.set_locked_state(true);
        if gst::State::Null < self.obj().current_state() {
            self.join(element);
        }
        Ok(())
    }

    fn remove_element(&self, element: &gst::Element) -> Result<(), gst::LoggableError> {
        self.candidates.lock().retain(|it| it != element);
        if let Some(lane) = self.core.lanes.list().lane_of(element.upcast_ref()) {
            builder::remove_lane(&self.core, lane);
        }
        element.set_locked_state(false);
        self.parent_remove_element(element)
    }

    fn handle_message(&self, message: gst::Message) {
        let list = self.core.lanes.list();
        let lane = message.src().and_then(|it| list.lane_of(it));
        match (lane, message.view()) {
            (Some(lane), gst::MessageView::Error(error)) => {
                let remedy = error
                    .debug()
                    .unwrap_or_else(|| "see the candidate's own properties".into());
                watchdog::lane_failed(&self.core, lane.number, error.error().message(), &remedy);
            }
            (Some(lane), gst::MessageView::Latency(_)) => latency::delay_changed(&self.core, lane.number),
            // The switch's state is its own, whatever a lane's is.
            (Some(_), gst::MessageView::AsyncStart(_) | gst::MessageView::AsyncDone(_)) => {}
            _ => self.parent_handle_message(message),
        }
    }
}

impl ChildProxyImpl for AvrecSwitch {
    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        self.candidates
            .lock()
            .get(index as usize)
            .map(|it| it.clone().upcast())
    }

    fn children_count(&self) -> u32 {
        self.candidates.lock().len() as u32
    }
}

impl AvrecSwitch {
    /// Puts entry and exit into the bin and shows their pads outside.
    fn build(&self) -> Result<(), gst::LoggableError> {
        for port in [&self.entry, &self.exit] {
            port.serve(&self.core);
            self.parent_add_element(port.upcast_ref())?;
        }
        self.entry.add_pad(&self.core.sink)?;
        self.exit.add_pad(&self.core.src)?;
        self.sink.set_target(Some(&self.core.sink))?;
        self.src.set_target(Some(&self.core.src))?;
        self.obj().add_pad(&self.sink)?;
        self.obj().add_pad(&self.src)?;
        Ok(())
    }

    /// Changes the state of the switch's own pads, entry and exit; the lanes' elements are their keepers'.
    ///
    /// This goes past `GstBin`, which would take the state lock of each child, and so wait for a candidate
    /// that is being loaded or that hangs while its supervisor stops it.
    fn change_own_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let ports = [&self.exit, &self.entry];
        let is_up = transition.current() < transition.next();
        let follow = || {
            ports
                .iter()
                .try_for_each(|it| it.set_state(transition.next()).map(|_| ()))
        };
        if is_up {
            follow()?;
        }
        // SAFETY: the class of GstElement exists as long as this instance of a subclass does, and its
        // change_state takes any element.
        let success = unsafe {
            let class = glib::gobject_ffi::g_type_class_peek(gst::ffi::gst_element_get_type());
            let class = class.cast::<gst::ffi::GstElementClass>();
            let change_state = (*class).change_state.ok_or(gst::StateChangeError)?;
            let element: *mut gst::ffi::GstElement = self.obj().upcast_ref::<gst::Element>().to_glib_none().0;
            gst::StateChangeSuccess::try_from_glib(change_state(element, transition.into_glib()))?
        };
        if !is_up {
            follow()?;
        }
        Ok(success)
    }

    /// What has to happen before the bin's own change of state.
    fn before(&self, transition: gst::StateChange) -> Result<(), gst::StateChangeError> {
        match transition {
            gst::StateChange::NullToReady => self.assemble()?,
            gst::StateChange::ReadyToPaused => {
                self.core.restart_stream();
                match Scorer::spawn(Arc::downgrade(&self.core)) {
                    Ok(scorer) => *self.core.scorer.lock() = Some(scorer),
                    Err(error) => gst::warning!(CAT, imp = self, "No live quality: no thread: {error}"),
                }
                self.core.lanes.list().order(StateRequest::Go(gst::State::Paused));
            }
            // Frees the streaming thread, so that the pads can be shut.
            gst::StateChange::PausedToReady => self.core.lanes.set_flushing(true),
            _ => {}
        }
        Ok(())
    }

    /// What has to happen after it.
    fn after(&self, transition: gst::StateChange) {
        match transition {
            gst::StateChange::PausedToPlaying => self.core.lanes.list().play(self.obj().upcast_ref()),
            gst::StateChange::PlayingToPaused => {
                self.core.lanes.list().order(StateRequest::Go(gst::State::Paused))
            }
            gst::StateChange::PausedToReady => {
                let scorer = self.core.scorer.lock().take();
                self.core.endings.add(scorer.map(Scorer::end));
                self.core.lanes.list().order(StateRequest::Go(gst::State::Ready));
                self.core.lanes.list().settle(Instant::now() + STOP_PATIENCE);
            }
            gst::StateChange::ReadyToNull => {
                self.core.lanes.list().order(StateRequest::Go(gst::State::Null));
                self.core.dismiss(STOP_PATIENCE);
            }
            _ => {}
        }
    }

    /// Makes lanes of the children that are none yet.
    fn assemble(&self) -> Result<(), gst::StateChangeError> {
        builder::adopt_outer_links(&self.obj(), &[&self.sink, &self.src]);
        let is_first_time = self.core.lanes.list().present().next().is_none();
        if is_first_time {
            self.add_listed()?;
        }
        let children = self.candidates.lock().clone();
        let list = self.core.lanes.list();
        let is_new = |it: &&gst::Element| list.lane_of(it.upcast_ref()).is_none();
        let children: Vec<_> = children.iter().filter(is_new).cloned().collect();
        for head in builder::heads(&children) {
            builder::add_lane(&self.core, &head, Prior::default(), None);
        }
        if self.core.lanes.list().present().next().is_some() {
            self.core.check_names();
            return Ok(());
        }
        gst::element_imp_error!(
            self,
            gst::CoreError::StateChange,
            ("the switch has no candidate"),
            ["add elements to it, or set `models` or `catalog`"]
        );
        Err(gst::StateChangeError)
    }

    /// Adds what the catalogue and `models` list, each in a lane.
    fn add_listed(&self) -> Result<(), gst::StateChangeError> {
        let listing = match catalog::list(&self.core.settings.load()) {
            Ok(listing) => listing,
            Err(error) => {
                gst::element_imp_error!(self, gst::ResourceError::Settings, ("{error}"));
                return Err(gst::StateChangeError);
            }
        };
        let (reference, floor) = (listing.reference, listing.floor);
        if let Ok(mut streaming) = self.core.streaming.try_borrow_mut() {
            let adapter = &mut streaming.control.adapter;
            adapter.set_catalog_names(CatalogNames { reference, floor });
        }
        for (name, cause, remedy) in listing.failures {
            self.core.report_failure(&name, &cause, &remedy);
        }
        for listed in listing.children {
            let name = listed.element.name();
            if let Err(error) = self.obj().add(&listed.element) {
                let remedy = "give each candidate a name of its own";
                self.core.report_failure(&name, &error.to_string(), remedy);
                continue;
            }
            builder::add_lane(&self.core, &listed.element, listed.prior, listed.candidate);
        }
        Ok(())
    }

    /// Whether the score was taken; if not, a warning says why.
    fn feedback(&self, candidate: Option<&str>, score: f64) -> bool {
        let taken = self.core.feedback(candidate, score);
        if let Err((cause, remedy)) = &taken {
            gst::element_imp_warning!(
                self,
                gst::LibraryError::Settings,
                ("feedback is not taken: {cause}"),
                ["{remedy}"]
            );
        }
        taken.is_ok()
    }

    /// Makes a lane of a child that was added while the switch is up.
    fn join(&self, child: &gst::Element) {
        if !builder::stands_alone(child) {
            gst::debug!(
                CAT,
                imp = self,
                "{} is linked already or has other pads",
                child.name()
            );
        }
        builder::add_lane(&self.core, child, Prior::default(), None);
        let state = self.obj().current_state();
        if let Some(lane) = self.core.lanes.list().lane_of(child.upcast_ref()) {
            lane.align_clock(self.obj().upcast_ref());
            lane.supervisor.order(StateRequest::Go(state));
        }
    }

    /// Adds an element that is not a candidate.
    pub(super) fn add_private(&self, element: &gst::Element) -> Result<(), String> {
        self.parent_add_element(element)
            .map_err(|error| error.to_string())
    }

    /// Shows a new lane's pads on entry and exit.
    pub(super) fn add_lane_pads(&self, entry: &gst::Pad, exit: &gst::Pad) {
        for (port, pad) in [(&self.entry, entry), (&self.exit, exit)] {
            if gst::State::Ready < port.current_state() {
                // A new pad without a peer has nothing that could refuse.
                let _ = pad.set_active(true);
            }
            let _ = port.add_pad(pad);
        }
    }

    /// Takes a lane's private parts out of the bin.
    pub(super) fn remove_private(&self, lane: &LaneElements) {
        // They were put in together, so they come out together; a second removal finds nothing.
        let _ = self.entry.remove_pad(&lane.entry);
        let _ = self.exit.remove_pad(&lane.exit);
        for element in [&lane.queue, &lane.watch] {
            let _ = self.parent_remove_element(element);
        }
    }
}
