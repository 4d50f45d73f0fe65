// SPDX-License-Identifier: MPL-2.0

//! Why a candidate does not fit what comes in or what must go out, and what to put where.

use gst::prelude::*;

use super::elements::LaneElements;
use crate::elements::switch::caps_difference::{converters, difference};
use crate::elements::switch::shared::Shared;

/// Why a child cannot be a candidate, and what to change.
#[derive(Debug)]
pub struct Misfit {
    pub cause: String,
    pub remedy: String,
}

/// It does not take what comes.
pub fn takes_not(given: &gst::CapsRef, taken: &gst::CapsRef) -> Misfit {
    Misfit {
        cause: format!("it does not fit what comes in: {}", difference(given, taken)),
        remedy: match converters(given, taken) {
            Some(converters) => {
                format!("put {converters} before the switch, or into the candidate, before the element")
            }
            None => "put before the switch what gives it such caps".into(),
        },
    }
}

/// It does not give what the switch holds to.
pub fn gives_not(given: &gst::CapsRef, held: &gst::CapsRef) -> Misfit {
    let parts = difference(given, held);
    Misfit {
        cause: format!("its answers are not what the switch holds to by `output-caps`: {parts}"),
        remedy: behind(given, held),
    }
}

/// Its buffers do not hold what its caps say.
pub fn contradicts_itself(contradiction: &str) -> Misfit {
    Misfit {
        cause: format!("its buffers contradict its caps: it gives {contradiction}"),
        remedy: "see the element, which has to send the caps of what it gives; a capsfilter behind it changes no picture".into(),
    }
}

/// What is behind the switch does not take what it gives.
fn is_refused(given: &gst::CapsRef, taken: &gst::CapsRef) -> Misfit {
    let parts = difference(given, taken);
    Misfit {
        cause: format!("what is behind the switch does not take its answers: {parts}"),
        remedy: behind(given, taken),
    }
}

fn behind(given: &gst::CapsRef, wanted: &gst::CapsRef) -> String {
    let converters = converters(given, wanted);
    // Of two that are usual, the other one often parts as well, once the first is there.
    let converters = match converters.as_deref() {
        Some("videoconvert" | "videoscale") => "videoconvert ! videoscale".to_string(),
        Some(converters) => converters.to_string(),
        None => return "put behind it, inside the candidate, what gives such caps".into(),
    };
    format!("put {converters} behind it, inside the candidate")
}

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
