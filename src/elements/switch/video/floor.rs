// SPDX-License-Identifier: MPL-2.0

//! What leaves in place of an answer that did not come in time, or that nobody waits for.

use crate::elements::switch::deadline;
use crate::elements::switch::enums::LatePolicy;
use crate::elements::switch::frame::{AnsweredBy, Pass, give_up};
use crate::elements::switch::lanes::elements::LaneOutput;
use crate::elements::switch::lanes::lane::{Lane, Purpose};
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::stream::VideoStream;

/// What leaves of a frame, and who made it; `None` where it is dropped.
pub type Answer = Option<(AnsweredBy, LaneOutput)>;

/// The frame itself, where it will do, or whoever answers at once.
pub fn floor(pass: &mut Pass<VideoStream>) -> Result<Answer, gst::FlowError> {
    if pass.context.policy == LatePolicy::Drop {
        return Ok(None);
    }
    if let Some(answer) = stand_in(pass)? {
        return Ok(Some(answer));
    }
    let frame_will_do = pass.frame_will_do();
    let lanes = &pass.core.lanes;
    let is_there = |is_so: fn(&Lane) -> bool| lanes.lock().iter().any(is_so);
    // Of those who are forbidden nobody decides what leaves; nor, where nothing has left yet, of those for whom there is no
    // room in memory.
    let decides: fn(&Lane) -> bool = match pass.control.output.caps() {
        Some(_) => |it| it.has_hope() && !it.is_forbidden,
        None => Lane::is_worth_waiting,
    };
    if !frame_will_do && is_there(decides) {
        return Ok(converted(pass));
    }
    if pass.context.waits() && !is_there(Lane::has_hope) {
        return Err(give_up(pass.core));
    }
    if !frame_will_do && !pass.frame_fits_output() {
        return Ok(converted(pass));
    }
    let passed = LaneOutput {
        buffer: pass.context.frame.clone(),
        caps: pass.stream.caps.clone(),
    };
    Ok(Some((AnsweredBy::Passthrough, passed)))
}

/// The frame, made to look like what leaves.
fn converted(pass: &mut Pass<VideoStream>) -> Answer {
    let (frame, conversion) = (pass.context.frame.clone(), pass.conversion()?);
    let (is_changed, picture) = (conversion.changes_pictures(), conversion.convert(&frame)?);
    if is_changed {
        let number = pass.context.plan.number;
        pass.control.unanswered.tell_conversion(number, &pass.core.bus);
    }
    Some((AnsweredBy::Passthrough, picture))
}

/// The answer of whoever can give one at once, where the frame itself will not do or somebody is named.
fn stand_in(pass: &mut Pass<VideoStream>) -> Result<Answer, gst::FlowError> {
    let (named, frame_will_do) = (pass.context.plan.named.floor, pass.frame_will_do());
    let converts = !frame_will_do && !pass.is_patient() && pass.conversion().is_some();
    let (lanes, patience) = (&pass.core.lanes, deadline::of_floor());
    loop {
        let ready = || (lanes.lock()).floor(named, frame_will_do, &pass.context.unanswered);
        let (mut lane, mut end) = (ready(), patience);
        if converts {
            // Then nobody needs to be waited for longer than the frame may take.
            let context = &pass.context;
            end = deadline::of_stand_in(&lanes.lock(), lane, context.clock, context.plan.budget);
        } else if lane.is_none() && !frame_will_do {
            // All are busy, some perhaps only with a look at the last frame in the shadow.
            if !lanes.wait_for_somebody(end, None, &pass.context.unanswered) {
                return Err(gst::FlowError::Flushing);
            }
            lane = ready();
        }
        let Some(lane) = lane else { return Ok(None) };
        match pass.run(lane, Purpose::Answer, end) {
            Outcome::Answered(answer) => return Ok(Some((AnsweredBy::Floor(lane), answer))),
            Outcome::Flushing => return Err(gst::FlowError::Flushing),
            Outcome::Deadline => {
                missed(pass, lane);
                return Ok(None);
            }
            Outcome::NoAnswer | Outcome::Silent => pass.context.unanswered.push(lane),
        }
    }
}

/// Notes that `lane` did not answer in time, and lets it go on by itself.
pub fn missed(pass: &mut Pass<VideoStream>, lane: usize) {
    let Pass { core, context, .. } = pass;
    context.missed = true;
    let elapsed = context.clock.elapsed();
    if let Some(tally) = core.lanes.tally(lane) {
        tally.misses.add(1);
    }
    let adapter = &mut pass.control.adapter;
    adapter.missed(context.now(), lane, elapsed, &core.lanes);
}

/// Where a candidate answers only every k-th frame, its last answer leaves again, and nobody waits for the next one.
///
/// Lets the held answer of `lane` leave, or the floor's while there is none yet; where it `begins`, the lane takes the
/// frame for later.
pub fn hold(pass: &mut Pass<VideoStream>, lane: usize, begins: bool) -> Result<Answer, gst::FlowError> {
    if begins {
        pass.start(lane, Purpose::Stride);
    }
    pass.announce();
    let held = pass.core.lanes.lock().held.clone();
    match held.filter(|it| it.0 == lane) {
        Some((_, answer)) => Ok(Some((AnsweredBy::Held(lane), answer))),
        None => floor(pass),
    }
}
