// SPDX-License-Identifier: MPL-2.0

//! Children of the bin, and how they come to be candidates.

use std::sync::Arc;

use gst::prelude::*;
use parking_lot::Mutex;

use super::lanes::misfit::Misfit;
use super::lanes::supervisor::StateRequest;
use super::lanes::{builder, catalog};
use super::memory::work;
use super::profile;
use super::property_changed::check_names;
use super::settings::Settings;
use super::shared::Shared;
use super::{AvrecSwitch, CAT};
use crate::policy::Prior;
use crate::profile::Profile;

/// A child that is no candidate: its name, and why.
type Unfit = (String, Misfit);

/// Makes lanes of the children that are none yet, and the first time of what the settings list.
pub fn assemble(
    core: &Arc<Shared>,
    switch: &AvrecSwitch,
    children: &Mutex<Vec<gst::Element>>,
    own: [&gst::GhostPad; 2],
) -> Result<(), gst::StateChangeError> {
    builder::adopt_outer_links(switch, &own);
    let has_lanes = || core.lanes.list().present().next().is_some();
    let mut unfit = Vec::new();
    let mut profile = None;
    if !has_lanes() {
        let read = profile::read(core).map_err(|error| {
            gst::element_error!(switch, gst::ResourceError::Settings, ("{error}"));
            gst::StateChangeError
        })?;
        unfit = add_listed(core, switch, &read)?;
        profile = Some(read);
    }
    let list = core.lanes.list();
    let mut new = children.lock().clone();
    new.retain(|it| {
        list.lane_of(it.upcast_ref()).is_none() && unfit.iter().all(|(name, _)| *name != it.name())
    });
    for head in builder::heads(&new) {
        let lane = builder::add_lane(core, &head, Prior::default(), None);
        unfit.extend(lane.err().map(|it| (head.name().into(), it)));
    }
    if has_lanes() {
        for (name, misfit) in unfit {
            core.bus.candidate_failed(&name, &misfit.cause, &misfit.remedy);
        }
        check_names(core);
        profile.iter().for_each(|it| profile::rate(core, it));
        return Ok(());
    }
    tell_none(core, switch, &unfit);
    Err(gst::StateChangeError)
}

/// Says that there is no candidate, and what was learned of those that there could be.
fn tell_none(core: &Shared, switch: &AvrecSwitch, unfit: &[Unfit]) {
    if unfit.is_empty() {
        gst::element_error!(
            switch,
            gst::CoreError::StateChange,
            ("the switch has no candidate"),
            ["add elements to it, or set `models` or `catalog`"]
        );
        return;
    }
    let told = |tell: &dyn Fn(&Unfit) -> String| {
        let mut all: Vec<String> = Vec::new();
        for one in unfit.iter().map(tell) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all.join("; ")
    };
    let causes = told(&|(name, misfit)| format!("{name}: {}", misfit.cause));
    let remedies = told(&|(_, misfit)| misfit.remedy.clone());
    for (name, misfit) in unfit {
        core.bus
            .post_candidate_failed(name, &misfit.cause, &misfit.remedy);
    }
    gst::element_error!(
        switch,
        gst::CoreError::StateChange,
        ("the switch has no candidate that can answer: {causes}"),
        ["{remedies}"]
    );
}

/// Adds what the catalog and `models` list, each in a lane; returns those that cannot be one.
fn add_listed(
    core: &Arc<Shared>,
    switch: &AvrecSwitch,
    profile: &Profile,
) -> Result<Vec<Unfit>, gst::StateChangeError> {
    let listing = catalog::list(&core.settings.load(), profile).map_err(|error| {
        gst::element_error!(switch, gst::ResourceError::Settings, ("{error}"));
        gst::StateChangeError
    })?;
    if !listing.left_out.is_empty() {
        let left_out = listing.left_out.join(", ");
        let remedy = "`task` on top of the catalog says which task is meant";
        core.bus.inform(
            &format!("candidates of another task are left out: {left_out}"),
            remedy,
        );
    }
    profile::tell(core, &listing.excluded);
    core.name_by_catalog(listing.names);
    if let Some(caps) = listing.output_caps {
        core.settings.rcu(|settings| {
            let mut settings = Settings::clone(settings);
            // What the user says goes before.
            settings.output_caps.get_or_insert(caps.clone());
            settings
        });
    }
    let failed = |(name, cause, remedy)| (name, Misfit { cause, remedy });
    let mut unfit: Vec<Unfit> = listing.failures.into_iter().map(failed).collect();
    for listed in listing.children {
        let name = listed.element.name().to_string();
        if let Err(error) = switch.add(&listed.element) {
            let misfit = Misfit {
                cause: format!("it cannot be added, as where another one is called {name} too ({error})"),
                remedy: "list each candidate once, and give each a name of its own".into(),
            };
            unfit.push((name, misfit));
            continue;
        }
        let lane = builder::add_lane(core, &listed.element, listed.prior, listed.device.as_deref());
        unfit.extend(lane.err().map(|it| (name, it)));
    }
    Ok(unfit)
}

/// Makes a lane of a child that was added while the switch is up.
pub fn join(core: &Arc<Shared>, switch: &AvrecSwitch, child: &gst::Element) {
    let name = child.name();
    if !builder::stands_alone(child) {
        gst::debug!(CAT, obj = switch, "{name} is linked already or has other pads");
    }
    if let Err(misfit) = builder::add_lane(core, child, Prior::default(), None) {
        core.bus.candidate_failed(&name, &misfit.cause, &misfit.remedy);
    }
    if let Some(lane) = core.lanes.list().lane_of(child.upcast_ref()) {
        lane.align_clock(switch.upcast_ref());
        work::add_lane(core, lane);
        lane.supervisor.order(StateRequest::Go(switch.current_state()));
    }
}
