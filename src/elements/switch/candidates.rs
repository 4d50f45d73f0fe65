// SPDX-License-Identifier: MPL-2.0

//! Children of the bin, and how they come to be candidates.

use std::sync::Arc;

use gst::prelude::*;
use parking_lot::Mutex;

use super::lanes::supervisor::StateRequest;
use super::lanes::{builder, catalog};
use super::property_changed::check_names;
use super::shared::Shared;
use super::{AvrecSwitch, CAT};
use crate::policy::Prior;

/// Makes lanes of the children that are none yet, and the first time of what the settings list.
pub fn assemble(
    core: &Arc<Shared>,
    switch: &AvrecSwitch,
    children: &Mutex<Vec<gst::Element>>,
    own: [&gst::GhostPad; 2],
) -> Result<(), gst::StateChangeError> {
    builder::adopt_outer_links(switch, &own);
    let has_lanes = || core.lanes.list().present().next().is_some();
    if !has_lanes() {
        add_listed(core, switch)?;
    }
    let list = core.lanes.list();
    let mut new = children.lock().clone();
    new.retain(|it| list.lane_of(it.upcast_ref()).is_none());
    for head in builder::heads(&new) {
        builder::add_lane(core, &head, Prior::default());
    }
    if has_lanes() {
        check_names(core);
        return Ok(());
    }
    gst::element_error!(
        switch,
        gst::CoreError::StateChange,
        ("the switch has no candidate"),
        ["add elements to it, or set `models` or `catalog`"]
    );
    Err(gst::StateChangeError)
}

/// Adds what the catalog and `models` list, each in a lane.
fn add_listed(core: &Arc<Shared>, switch: &AvrecSwitch) -> Result<(), gst::StateChangeError> {
    let listing = catalog::list(&core.settings.load()).map_err(|error| {
        gst::element_error!(switch, gst::ResourceError::Settings, ("{error}"));
        gst::StateChangeError
    })?;
    core.name_by_catalog(listing.names);
    for (name, cause, remedy) in listing.failures {
        core.bus.candidate_failed(&name, &cause, &remedy);
    }
    for listed in listing.children {
        if let Err(error) = switch.add(&listed.element) {
            let remedy = "list each candidate once, and give each a name of its own";
            let name = listed.element.name();
            core.bus.candidate_failed(&name, &error.to_string(), remedy);
            continue;
        }
        builder::add_lane(core, &listed.element, listed.prior);
    }
    Ok(())
}

/// Makes a lane of a child that was added while the switch is up.
pub fn join(core: &Arc<Shared>, switch: &AvrecSwitch, child: &gst::Element) {
    if !builder::stands_alone(child) {
        let name = child.name();
        gst::debug!(CAT, obj = switch, "{name} is linked already or has other pads");
    }
    builder::add_lane(core, child, Prior::default());
    if let Some(lane) = core.lanes.list().lane_of(child.upcast_ref()) {
        lane.align_clock(switch.upcast_ref());
        lane.supervisor.order(StateRequest::Go(switch.current_state()));
    }
}
