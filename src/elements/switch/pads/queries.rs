// SPDX-License-Identifier: MPL-2.0

//! Queries that the switch answers. Toward downstream it looks like one element whose latency is its budget.
//!
//! The LATENCY query takes no lock. No lane's ALLOCATION reaches anybody: a pool of one would
//! end up in another.

use std::sync::Arc;

use gst::prelude::*;

use crate::elements::switch::lanes::elements::LaneElements;
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::shared::Shared;

/// A query from upstream.
pub fn sink_query(core: &Shared, query: &mut gst::QueryRef) -> bool {
    match query.view_mut() {
        gst::QueryViewMut::Caps(query) => {
            let caps = lanes_caps(core, query.filter_owned().as_ref());
            // Where nothing is left, the sound itself tells what is wrong with it.
            let narrowed = held_sound(core).map(|it| it.intersect(&caps));
            let caps = narrowed.filter(|it| !it.is_empty()).unwrap_or(caps);
            query.set_result(&caps);
            true
        }
        gst::QueryViewMut::AcceptCaps(query) => {
            let accepts = accepts(core, &query.caps_owned());
            query.set_result(accepts);
            true
        }
        gst::QueryViewMut::Allocation(_) => false,
        _ => core.src.peer_query(query),
    }
}

/// What sound has to be: it leaves in the format in which it comes, so that who is before the switch has to give it.
pub fn held_sound(core: &Shared) -> Option<gst::Caps> {
    let is_sound = |it: &gst::Caps| !it.is_empty() && it.iter().all(|it| it.has_name("audio/x-raw"));
    core.lanes.lock().output.clone().filter(is_sound)
}

/// What every lane can take; a lane that can take nothing of what the others can has no say.
fn lanes_caps(core: &Shared, filter: Option<&gst::Caps>) -> gst::Caps {
    let mut common = filter.cloned().unwrap_or_else(gst::Caps::new_any);
    for lane in responsive_lanes(core) {
        let Some(peer) = lane.entry.peer() else { continue };
        let both = common.intersect_with_mode(&peer.query_caps(Some(&common)), gst::CapsIntersectMode::First);
        if !both.is_empty() {
            common = both;
        }
    }
    common
}

/// Whether some lane takes the caps; the active one is asked first, and mostly alone.
///
/// A lane that refuses them will fail and be told; the stream goes on with the others. Where all refuse them, they are
/// taken all the same if nothing else can come: then each lane says why it does not take them, which nobody else would. One that
/// would keep the query waiting, because it is late, may take them.
fn accepts(core: &Shared, caps: &gst::Caps) -> bool {
    let active = core.published.active();
    let mut lanes = responsive_lanes(core);
    if lanes.len() < (core.lanes.lock().iter()).filter(|it| it.may_come()).count() {
        return true;
    }
    lanes.sort_by_key(|it| Some(it.number) != active);
    // A lane that is being linked anew has no peer, and no opinion.
    let peers: Vec<_> = lanes.iter().filter_map(|it| it.entry.peer()).collect();
    if peers.is_empty() || peers.iter().any(|it| it.query_accept_caps(caps)) {
        return true;
    }
    let possible = core.sink.peer_query_caps(None);
    !peers
        .iter()
        .any(|it| it.query_caps(None).can_intersect(&possible))
}

/// Lanes that will not keep a query waiting.
pub fn responsive_lanes(core: &Shared) -> Vec<Arc<LaneElements>> {
    let lanes = core.lanes.lock();
    let responds = |it: &&Lane| it.may_come() && !it.run.is_some_and(|it| it.abandoned);
    let elements = |it: &Lane| it.identity.elements.clone();
    lanes.iter().filter(responds).filter_map(elements).collect()
}

/// A query from downstream.
pub fn src_query(core: &Shared, query: &mut gst::QueryRef) -> bool {
    if let gst::QueryViewMut::Caps(query) = query.view_mut() {
        let filter = query.filter_owned();
        let mut caps = gst::Caps::new_empty();
        for lane in responsive_lanes(core) {
            if let Some(peer) = lane.exit.peer() {
                caps.merge(peer.query_caps(filter.as_ref()));
            }
        }
        let possible = match caps.is_empty() {
            true => filter.unwrap_or_else(gst::Caps::new_any),
            false => caps,
        };
        let held = core.lanes.lock().output.clone();
        query.set_result(&held.map_or(possible.clone(), |it| it.intersect(&possible)));
        return true;
    }
    if !core.sink.peer_query(query) {
        return false;
    }
    if let gst::QueryViewMut::Latency(query) = query.view_mut() {
        let time = core.timing.budget(&core.settings.load()) + core.timing.audio_delay();
        let time = gst::ClockTime::try_from(time).unwrap_or_default();
        let (live, min, max) = query.result();
        core.timing.set_live(live);
        query.set(live, min + time, max.map(|it| it + time));
    }
    true
}
