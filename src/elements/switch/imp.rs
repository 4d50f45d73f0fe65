// SPDX-License-Identifier: MPL-2.0

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::CAT;
use super::audio::lane_output::delay_changed;
use super::candidates;
use super::lanes::builder::remove_lane;
use super::lanes::declared;
use super::lanes::supervisor::StateRequest;
use super::lanes::watchdog::{lane_failed, state_changed};
use super::messages;
use super::pads::holder::PadHolder;
use super::pads::parts::{Entry, Exit};
use super::property_changed::setting_changed;
use super::settings::Settings;
use super::shared::Shared;
use super::signals;
use super::state_change;
use crate::elements::author::AUTHOR;
use crate::elements::json;

pub struct AvrecSwitch {
    pub(super) core: Arc<Shared>,
    /// They hold the switch's own pads inside the bin, and those of the lanes.
    pub(super) entry: PadHolder,
    pub(super) exit: PadHolder,
    sink: gst::GhostPad,
    src: gst::GhostPad,
    /// Children that the user or the catalog added, in that order.
    children: Mutex<Vec<gst::Element>>,
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
        let (entry, exit) = (Entry::make("switch-entry"), Exit::make("switch-exit"));
        let own = |holder: &PadHolder, name, direction| {
            let pad = holder.static_pad(name);
            pad.unwrap_or_else(|| gst::Pad::builder(direction).name(name).build())
        };
        let [sink, src] = [
            own(&entry, "sink", gst::PadDirection::Sink),
            own(&exit, "src", gst::PadDirection::Src),
        ];
        Self {
            core: Arc::new(Shared::new(Arc::default(), sink, src)),
            entry,
            exit,
            sink: ghost("sink", gst::PadDirection::Sink),
            src: ghost("src", gst::PadDirection::Src),
            children: Mutex::default(),
        }
    }
}

impl ObjectImpl for AvrecSwitch {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(Settings::properties);
        &PROPERTIES
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> = LazyLock::new(signals::all);
        &SIGNALS
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let before = self.core.settings.rcu(|settings| {
            let mut settings = Settings::clone(settings);
            settings.set(value, pspec);
            settings
        });
        setting_changed(&self.core, pspec.name(), &before);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => gst::Structure::from(messages::stats(&self.core)).to_value(),
            "stats-json" => json::stats_value(messages::stats(&self.core)),
            "active-candidate" => self.core.active_name().to_value(),
            _ => {
                let value = self.core.settings.load().get(pspec);
                value.unwrap_or_else(|| pspec.default_value().clone())
            }
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        self.core.bus.attach(&self.obj());
        let build = || -> Result<(), gst::LoggableError> {
            for holder in [&self.entry, &self.exit] {
                holder.serve(&self.core, None);
                self.parent_add_element(holder.upcast_ref())?;
            }
            let own = [(&self.core.sink, &self.sink), (&self.core.src, &self.src)];
            for (inside, outside) in own {
                outside.set_target(Some(inside))?;
                self.obj().add_pad(outside)?;
            }
            Ok(())
        };
        if let Err(error) = build() {
            gst::error!(CAT, imp = self, "The switch cannot be put together: {error}");
        }
    }

    fn dispose(&self) {
        self.core.lanes.list().order(StateRequest::Go(gst::State::Null));
        if self.panicked().load(Ordering::Relaxed) {
            self.let_go_of_children();
        }
    }
}

impl AvrecSwitch {
    /// Removes all children here: after a panic the bindings refuse each call from outside, and the bin would ask for ever.
    fn let_go_of_children(&self) {
        for child in self.obj().children() {
            let removed = std::panic::catch_unwind(AssertUnwindSafe(|| self.remove_element(&child)));
            if !matches!(removed, Ok(Ok(()))) {
                child.set_locked_state(false);
                // What it leaves behind is less than a program that hangs.
                let _ = child.set_state(gst::State::Null);
                let _ = self.parent_remove_element(&child);
            }
        }
    }
}

impl GstObjectImpl for AvrecSwitch {}

impl ElementImpl for AvrecSwitch {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Model switch",
                "Filter/Effect/Video/Audio",
                "Lets the best of several candidates answer each video frame or audio buffer inside the latency budget",
                AUTHOR,
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
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
        let (core, switch) = (&self.core, &*self.obj());
        if transition == gst::StateChange::NullToReady {
            candidates::assemble(core, switch, &self.children, [&self.sink, &self.src])?;
        }
        state_change::before(core, transition);
        let success = state_change::change_own_state(switch, [&self.entry, &self.exit], transition)?;
        state_change::after(core, switch, transition);
        Ok(success)
    }
}

impl BinImpl for AvrecSwitch {
    fn add_element(&self, element: &gst::Element) -> Result<(), gst::LoggableError> {
        self.parent_add_element(element)?;
        self.children.lock().push(element.clone());
        element.set_locked_state(true);
        if gst::State::Null < self.obj().current_state() {
            candidates::join(&self.core, &self.obj(), element);
        }
        Ok(())
    }

    fn remove_element(&self, element: &gst::Element) -> Result<(), gst::LoggableError> {
        self.children.lock().retain(|it| it != element);
        if let Some(lane) = self.core.lanes.list().lane_of(element.upcast_ref()) {
            remove_lane(&self.core, lane);
        }
        element.set_locked_state(false);
        self.parent_remove_element(element)
    }

    fn handle_message(&self, message: gst::Message) {
        let list = self.core.lanes.list();
        let lane = message.src().and_then(|it| list.lane_of(it));
        match (lane, message.view()) {
            (Some(lane), gst::MessageView::Error(error)) => {
                let remedy = error.debug();
                let remedy = remedy.unwrap_or_else(|| "see the candidate's own properties".into());
                lane_failed(&self.core, lane.number, error.error().message(), &remedy);
            }
            (Some(lane), gst::MessageView::Latency(_)) => delay_changed(&self.core, lane.number),
            (Some(lane), gst::MessageView::StateChanged(change)) => {
                if let Some(source) = message.src() {
                    state_changed(&self.core, lane, source, change);
                }
                self.parent_handle_message(message);
            }
            (Some(lane), gst::MessageView::Element(_)) => {
                declared::heard(&self.core, lane, &message);
                self.parent_handle_message(message);
            }
            // The switch's state is its own, whatever a lane's is.
            (Some(_), gst::MessageView::AsyncStart(_) | gst::MessageView::AsyncDone(_)) => {}
            _ => self.parent_handle_message(message),
        }
    }
}

impl ChildProxyImpl for AvrecSwitch {
    fn child_by_index(&self, index: u32) -> Option<glib::Object> {
        let children = self.children.lock();
        children.get(index as usize).map(|it| it.clone().upcast())
    }

    fn children_count(&self) -> u32 {
        self.children.lock().len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_that_panicked_can_be_let_go_of() {
        gst::init().unwrap();
        // Else its parts would come from a plugin that is installed, with types of the same names.
        crate::plugin_register_static().unwrap();
        let switch: super::super::AvrecSwitch = gst::glib::Object::builder().build();
        for name in ["a", "b"] {
            let identity = gst::ElementFactory::make("identity").name(name).build().unwrap();
            switch.add(&identity).unwrap();
        }
        switch.set_state(gst::State::Ready).unwrap();
        switch.set_state(gst::State::Null).unwrap();
        switch.imp().panicked().store(true, Ordering::Relaxed);
        let gone = switch.downgrade();
        drop(switch);
        assert!(gone.upgrade().is_none());
    }
}
