// SPDX-License-Identifier: MPL-2.0

//! What lanes answer, held against what they said and against what all of them have to give.

use std::sync::Arc;

use super::answer_caps::Shape;
use super::elements::LaneElements;
use super::lane::{LaneState, Run};
use super::misfit::{self, Misfit};
use super::state::Lanes;

/// What is to be said of an answer.
#[derive(Debug)]
pub enum Verdict {
    Fits {
        /// It is the first that looks so.
        is_new: bool,
    },
    /// The frame came before the switch held to an output; the lane has to negotiate anew.
    Outdated,
    Unfit(Misfit),
}

/// Judges what a lane made of the frame of `run`.
pub fn judge(lanes: &mut Lanes, lane: usize, run: &Run, buffer: &gst::BufferRef) -> Verdict {
    let (output, since) = (lanes.output.clone(), lanes.output_since);
    let Some(slot) = lanes.get_mut(lane) else {
        return Verdict::Outdated;
    };
    let contradiction = slot.shape.contradiction(buffer).filter(|_| !run.is_odd);
    if let Some(contradiction) = contradiction {
        return Verdict::Unfit(misfit::contradicts_itself(&contradiction));
    }
    let caps = slot.caps.clone();
    if let (Some(caps), Some(output), true) = (&caps, &output, slot.parts_from(output.as_ref())) {
        return match Some(run.stamp) <= since {
            true => Verdict::Outdated,
            false => Verdict::Unfit(misfit::gives_not(caps, output)),
        };
    }
    let is_new = !std::mem::replace(&mut slot.is_output_shown, true);
    if is_new {
        slot.tally().show_output(caps);
    }
    Verdict::Fits { is_new }
}

/// Holds all lanes to `output`, or to none; returns those that have to negotiate anew, and so have to warm up again.
pub fn hold_to(lanes: &mut Lanes, output: Option<gst::Caps>) -> Vec<Arc<LaneElements>> {
    lanes.output_since = lanes.newest;
    let mut parting = Vec::new();
    for lane in lanes.iter_mut().filter(|it| it.parts_from(output.as_ref())) {
        if lane.state == LaneState::Ready {
            lane.begin_warm_up();
        }
        parting.extend(lane.identity.elements.clone());
    }
    lanes.output = output;
    parting
}

/// Frames come at another rate from now on: what the lanes are held to follows, as long as it is what the user `asked` for.
/// Returns whether it is another one now.
pub fn follow_rate(lanes: &mut Lanes, rate: gst::Fraction, asked: &gst::Caps) -> bool {
    let at_rate = lanes.output.as_ref().and_then(|it| with_rate(it, rate));
    let Some(output) = at_rate.filter(|it| it.can_intersect(asked)) else {
        return false;
    };
    // An answer to a frame of before is none to what follows.
    (lanes.output, lanes.output_since) = (Some(output), lanes.newest);
    true
}

/// The same caps at another rate; `None` where they have none, or that one.
pub fn with_rate(caps: &gst::Caps, rate: gst::Fraction) -> Option<gst::Caps> {
    let known = caps.structure(0)?.get::<gst::Fraction>("framerate");
    known.is_ok_and(|it| it != rate).then(|| {
        let mut caps = caps.clone();
        caps.make_mut().set("framerate", rate);
        caps
    })
}

/// Takes in what comes in from now on; what was seen of answers does not hold any more.
pub fn take_input(lanes: &mut Lanes, input: Shape) {
    lanes.input = input;
    for lane in lanes.iter_mut() {
        lane.is_output_shown = false;
        lane.tally().show_output(None);
    }
}

/// Those that did not fit, and may from now on: each once.
pub fn take_unfit(lanes: &mut Lanes) -> Vec<Arc<LaneElements>> {
    let mut unfit = Vec::new();
    for lane in lanes.iter_mut() {
        if std::mem::take(&mut lane.is_unfit) {
            unfit.extend(lane.identity.elements.clone());
        }
    }
    unfit
}
