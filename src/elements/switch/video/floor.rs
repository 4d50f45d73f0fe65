// SPDX-License-Identifier: MPL-2.0

//! What leaves in place of an answer that did not come in time.

use super::pass::Pass;
use crate::elements::switch::deadline;
use crate::elements::switch::frame::{AnsweredBy, give_up};
use crate::elements::switch::lanes::lane::{Lane, Purpose};
use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::settings::LatePolicy;

/// What leaves of a frame, and who made it; `None` where it is dropped.
pub type Answer = Option<(AnsweredBy, LaneOutput)>;

/// The frame itself, where it will do, or whoever answers at once.
pub fn floor(pass: &mut Pass) -> Result<Answer, gst::FlowError> {
    if pass.context.policy == LatePolicy::Drop {
        return Ok(None);
    }
    let (named, frame_will_do) = (pass.context.plan.named.floor, pass.frame_will_do());
    let lanes = &pass.core.lanes;
    let ready = || lanes.lock().floor(named, frame_will_do, None);
    let mut lane = ready();
    if lane.is_none() && !frame_will_do {
        // All are busy, some perhaps only with a look at the last frame in the shadow.
        if !lanes.wait_for_somebody(deadline::of_floor()) {
            return Err(gst::FlowError::Flushing);
        }
        lane = ready();
    }
    if let Some(lane) = lane {
        match pass.run(lane, Purpose::Answer, deadline::of_floor()) {
            Outcome::Answered(answer) => return Ok(Some((AnsweredBy::Floor(lane), answer))),
            Outcome::Flushing => return Err(gst::FlowError::Flushing),
            Outcome::Deadline => missed(pass, lane),
            Outcome::NoAnswer => {}
        }
    }
    let has_hope = lanes.lock().iter().any(Lane::may_come);
    if !frame_will_do && has_hope {
        return Ok(None);
    }
    if !has_hope && pass.context.waits() {
        return Err(give_up(pass.core));
    }
    let passed = LaneOutput {
        buffer: pass.context.frame.clone(),
        caps: pass.video.caps.clone(),
    };
    Ok(Some((AnsweredBy::Passthrough, passed)))
}

/// Notes that `lane` did not answer in time, and lets it go on by itself.
pub fn missed(pass: &mut Pass, lane: usize) {
    let Pass { core, context, .. } = pass;
    context.missed = true;
    let elapsed = context.clock.elapsed();
    if let Some(tally) = core.lanes.tally(lane) {
        tally.misses.add(1);
    }
    let adapter = &mut pass.control.adapter;
    adapter.missed(context.now(), lane, elapsed, &core.lanes);
}
