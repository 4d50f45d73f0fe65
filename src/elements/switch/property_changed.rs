// SPDX-License-Identifier: MPL-2.0

//! What a changed property does while the switch is up, or why it does nothing yet.

use gst::prelude::*;

use super::enums::Privacy;
use super::fact::Fact;
use super::lanes::watchdog::{hold_output, privacy_changed};
use super::memory::work;
use super::settings::Settings;
use super::shared::Shared;
use crate::elements::unit_mistake;

/// Properties whose values name candidates.
const NAMING: [&str; 4] = ["active-candidate", "floor", "reference", "forbidden"];

/// Properties that are times.
const TIMES: [&str; 3] = ["latency-budget", "crossfade", "start-timeout"];

/// Lets a property take effect, or says why it does not; `before` has the settings as they were.
pub fn setting_changed(core: &Shared, name: &str, before: &Settings) {
    let state = core.bus.element().map(|it| it.current_state());
    if state.is_none_or(|it| it == gst::State::Null) {
        return;
    }
    match name {
        "latency-budget" => core.bus.latency_changed(),
        "catalog" | "models" => {
            let now = core.settings.load();
            // A preset writes all settings, also those that stay as they are.
            if (&now.catalog, &now.models) != (&before.catalog, &before.models) {
                core.bus.warn(
                    &format!("`{name}` takes effect at the next start"),
                    "it is read on the way from NULL to READY",
                );
            }
        }
        "profile" => {
            let now = core.settings.load();
            if now.profile != before.profile {
                core.bus.warn(
                    "`profile` takes effect at the next start",
                    "it is read on the way from NULL to READY",
                );
            }
        }
        // What was found of the old reference does not hold for the new one.
        "reference" => core.facts.put(Fact::MismatchForgotten),
        "quality-source" => {
            core.facts.put(Fact::MismatchForgotten);
            core.look_at_candidates();
        }
        "forbidden" => core.look_at_candidates(),
        "keep-hard-frames" => check_privacy(core),
        "privacy" => {
            check_privacy(core);
            privacy_changed(core);
        }
        "output-caps" => {
            hold_output(core);
            core.look_at_candidates();
        }
        "memory-limit" if state.is_some_and(|it| gst::State::Paused <= it) => work::limit_changed(core),
        "weight" => {
            if let Some(member) = &*core.group.load() {
                member.set_weight(core.settings.load().weight);
            }
        }
        "group" => {
            let now = core.settings.load();
            if now.group != before.group {
                core.bus.warn(
                    "`group` takes effect at the next start",
                    "it is read on the way from NULL to READY",
                );
            }
        }
        _ => {}
    }
    let settings = core.settings.load();
    check_names_of(core, name, &settings);
    check_time(core, name, &settings);
}

/// Warns where frames are to be kept that must not be.
pub fn check_privacy(core: &Shared) {
    let settings = core.settings.load();
    if settings.keep_hard_frames.is_some() && settings.privacy == Privacy::NoFrames {
        core.bus.warn(
            "no hard frames are kept, since `privacy` is no-frames",
            "unset `keep-hard-frames`, or set `privacy` to open where frames may be kept",
        );
    }
}

/// Warns of times that are so short that another unit was meant.
pub fn check_times(core: &Shared) {
    let settings = core.settings.load();
    TIMES.iter().for_each(|it| check_time(core, it, &settings));
}

fn check_time(core: &Shared, property: &str, settings: &Settings) {
    let (time, zero) = match property {
        "latency-budget" => (settings.latency_budget, "one frame or buffer duration"),
        "crossfade" => (settings.crossfade, "a hard cut"),
        "start-timeout" => (settings.start_timeout, "no limit"),
        _ => return,
    };
    if let Some((text, remedy)) = unit_mistake::doubt(property, time, zero) {
        core.bus.warn(&text, &remedy);
    }
}

/// Warns of names in the properties that no candidate has.
pub fn check_names(core: &Shared) {
    let settings = core.settings.load();
    NAMING.iter().for_each(|it| check_names_of(core, it, &settings));
}

fn check_names_of(core: &Shared, property: &str, settings: &Settings) {
    let list = core.lanes.list();
    let one = |name: &Option<String>| name.clone().into_iter().collect();
    let names: Vec<String> = match property {
        "forbidden" => settings.forbidden().map(str::to_string).collect(),
        "active-candidate" => one(&settings.pinned),
        "floor" => one(&settings.floor),
        "reference" => one(&settings.reference),
        _ => return,
    };
    for name in names.iter().filter(|it| list.id(it).is_none()) {
        let candidates = list.names();
        core.bus.warn(
            &format!("`{property}` names no candidate: {name}"),
            &format!("the candidates are: {candidates}; one of that name may still be added"),
        );
    }
}
