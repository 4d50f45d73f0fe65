// SPDX-License-Identifier: MPL-2.0

//! What a changed property does while the switch is up, or why it does nothing yet.

use gst::prelude::*;

use super::fact::Fact;
use super::settings::Settings;
use super::shared::Shared;

/// Properties whose values name candidates.
const NAMING: [&str; 4] = ["active-candidate", "floor", "reference", "forbidden"];

impl Shared {
    /// Lets a property take effect, or says why it does not.
    pub fn setting_changed(&self, name: &str, settings: &Settings) {
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        if switch.current_state() == gst::State::Null {
            return;
        }
        match name {
            // What was said of the old reference does not hold for the new one.
            "reference" | "quality-source" => self.lanes.lock().tell(Fact::MismatchForgotten),
            _ => {}
        }
        match name {
            "latency-budget" => self.post_latency(),
            "catalog" | "models" => gst::element_warning!(
                switch,
                gst::LibraryError::Settings,
                ("`{name}` takes effect at the next start"),
                ["it is read on the way from NULL to READY"]
            ),
            _ => self.check_names_of(name, settings),
        }
    }

    /// Warns of names in the properties that no candidate has.
    pub fn check_names(&self) {
        let settings = self.settings.load_full();
        NAMING.iter().for_each(|it| self.check_names_of(it, &settings));
    }

    fn check_names_of(&self, property: &str, settings: &Settings) {
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        let names: Vec<&str> = match property {
            "forbidden" => settings.forbidden().collect(),
            "active-candidate" => settings.pinned.as_deref().into_iter().collect(),
            "floor" => settings.floor.as_deref().into_iter().collect(),
            "reference" => settings.reference.as_deref().into_iter().collect(),
            _ => return,
        };
        let list = self.lanes.list();
        for name in names.into_iter().filter(|it| list.id(it).is_none()) {
            gst::element_warning!(
                switch,
                gst::LibraryError::Settings,
                ("`{property}` names no candidate: {name}"),
                [
                    "the candidates are: {}; one of that name may still be added",
                    list.names()
                ]
            );
        }
    }
}
