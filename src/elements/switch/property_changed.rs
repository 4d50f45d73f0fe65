// SPDX-License-Identifier: MPL-2.0

//! What a changed property does while the switch is up, or why it does nothing yet.

use gst::prelude::*;

use super::fact::Fact;
use super::settings::Settings;
use super::shared::Shared;

/// Properties whose values name candidates.
const NAMING: [&str; 4] = ["active-candidate", "floor", "reference", "forbidden"];

/// Lets a property take effect, or says why it does not; `before` has the settings as they were.
pub fn setting_changed(core: &Shared, name: &str, before: &Settings) {
    let state = core.bus.element().map(|it| it.current_state());
    if state.is_none_or(|it| it == gst::State::Null) {
        return;
    }
    match name {
        "latency-budget" => {
            core.bus.latency_changed();
            check_budget(core);
        }
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
        // What was found of the old reference does not hold for the new one.
        "reference" => core.facts.put(Fact::MismatchForgotten),
        "quality-source" => {
            core.facts.put(Fact::MismatchForgotten);
            core.look_at_kinds();
        }
        "forbidden" => core.look_at_kinds(),
        _ => {}
    }
    check_names_of(core, name, &core.settings.load());
}

/// Warns of a budget that no model keeps: who writes it means milliseconds mostly.
pub fn check_budget(core: &Shared) {
    let budget = core.settings.load().latency_budget;
    if !budget.is_zero() && budget < gst::ClockTime::MSECOND {
        let nanoseconds = budget.nseconds();
        core.bus.warn(
            &format!(
                "`latency-budget` of {nanoseconds} is {nanoseconds} nanoseconds, less than any model takes"
            ),
            "40 milliseconds are latency-budget=40000000; 0 is one frame or buffer duration",
        );
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
