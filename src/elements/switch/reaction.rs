// SPDX-License-Identifier: MPL-2.0

//! What a changed property does while the switch is up, or why it does nothing yet.

use gst::prelude::*;

use super::core::Core;
use super::settings::Settings;

impl Core {
    /// Lets a property take effect, or says why it does not.
    pub fn setting_changed(&self, name: &str, settings: &Settings) {
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        if switch.current_state() == gst::State::Null {
            return;
        }
        let asked = match name {
            "latency-budget" => return self.post_latency(),
            "catalog" | "models" => {
                gst::element_warning!(
                    switch,
                    gst::LibraryError::Settings,
                    ("`{name}` takes effect at the next start"),
                    ["it is read on the way from NULL to READY"]
                );
                return;
            }
            "active-candidate" => &settings.pinned,
            "floor" => &settings.floor,
            "reference" => &settings.reference,
            _ => return,
        };
        if let Some(asked) = asked.as_ref().filter(|it| !self.knows(it)) {
            gst::element_warning!(
                switch,
                gst::LibraryError::Settings,
                ("`{name}` names no candidate: {asked}"),
                ["the candidates are: {}", self.names().join(", ")]
            );
        }
    }
}
