// SPDX-License-Identifier: MPL-2.0

//! Finds out why a candidate could not be linked, or could not negotiate.

use gst::prelude::*;

use super::elements::LaneElements;
use super::misfit::{Misfit, gives_not, is_refused, takes_not};
use crate::elements::switch::shared::Shared;

/// Why a candidate could not be linked, by what it takes of what comes; `cause` where that does not tell.
pub fn of_unlinked(core: &Shared, chain: &[gst::Element], cause: String) -> Misfit {
    let head = chain.first().and_then(|it| it.sink_pads().into_iter().next());
    let (given, taken) = (
        core.sink.peer_query_caps(None),
        head.map(|it| it.query_caps(None)),
    );
    let parting = taken.filter(|it| !given.is_any() && !given.can_intersect(it));
    parting.map_or_else(
        || Misfit {
            cause,
            remedy: "see what caps the element takes and gives".into(),
        },
        |taken| takes_not(&given, &taken),
    )
}

/// Asks upstream for other caps where a lane that has started takes none of those that come. What fits stays as it is: a
/// source that has to negotiate at each start of a lane may be in the middle of it when the application changes its caps.
pub fn ask_for_other_caps(core: &Shared, lane: &LaneElements) {
    let (given, input) = (core.sink.current_caps(), lane.entry.peer());
    let fits = given.zip(input);
    if fits.is_none_or(|(given, input)| input.query_caps(Some(&given)).is_empty()) {
        core.sink.push_event(gst::event::Reconfigure::new());
    }
}

/// Why a lane could not negotiate, as far as it can be asked; runs on a thread of the lane's.
pub fn of_negotiation(core: &Shared, lane: &LaneElements) -> Misfit {
    let (held, refused) = {
        let lanes = core.lanes.lock();
        let refused = lanes.get(lane.number).and_then(|it| it.refused.clone());
        (lanes.output.clone(), refused)
    };
    let given = core.sink.current_caps();
    let head = lane
        .candidate
        .first()
        .and_then(|it| it.sink_pads().into_iter().next());
    let input = given.zip(head);
    if let Some((given, head)) = &input
        && !head.pad_template_caps().can_intersect(given)
    {
        return takes_not(given, &head.pad_template_caps());
    }
    let behind = core.src.peer_query_caps(None);
    let (possible, is_asked) = match refused {
        Some(refused) => (refused, true),
        None => (lane.exit.peer_query_caps(None), false),
    };
    match held {
        Some(held) if !possible.is_empty() && !possible.can_intersect(&held) => gives_not(&possible, &held),
        _ if is_asked || (!possible.is_empty() && !possible.can_intersect(&behind)) => {
            is_refused(&possible, &behind)
        }
        _ => match input.map(|(given, head)| (given, head.query_caps(None))) {
            Some((given, taken)) if !taken.can_intersect(&given) => takes_not(&given, &taken),
            _ => Misfit {
                cause: "it refuses a frame: not-negotiated".into(),
                remedy: "see that the candidate takes the caps of the stream, and its own messages".into(),
            },
        },
    }
}
