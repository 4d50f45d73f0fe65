// SPDX-License-Identifier: MPL-2.0

//! A frame's way: to the active lane, or to the floor when that one is late, and out; one in, one out.

use std::time::{Duration, Instant};

use gst::prelude::*;

use super::{exhaustive, shadow, stride};
use crate::elements::switch::deadline::{self, Limits};
use crate::elements::switch::frame::{AnsweredBy, FrameContext, Left, give_up};
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::lane::{Lane, Purpose};
use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::pads::output::restamp;
use crate::elements::switch::settings::LatePolicy;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Control, VideoStream};

/// What becomes of a frame.
pub enum FrameOutcome {
    Push(AnsweredBy, LaneOutput),
    Drop,
}

/// Takes one frame in and pushes one frame out.
pub fn chain(
    core: &Shared,
    control: &mut Control,
    video: &mut VideoStream,
    frame: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let mut context = FrameContext::enter(core, &mut control.adapter, frame);
    let (outcome, latency) = if context.settings.exhaustive {
        exhaustive::survey(core, control, video, &mut context)?
    } else {
        let outcome = answer(core, control, video, &mut context)?;
        (outcome, context.clock.elapsed())
    };
    conclude(core, control, video, &context, outcome, latency)
}

/// Gets an answer from the planned lane, from whoever stands in for it, or from the floor.
fn answer(
    core: &Shared,
    control: &mut Control,
    video: &VideoStream,
    context: &mut FrameContext,
) -> Result<FrameOutcome, gst::FlowError> {
    loop {
        match context.plan.choice.hold {
            Some((lane, begins)) if !context.waits() => {
                return stride::hold(core, control, video, context, (lane, begins));
            }
            // Where nobody is late there is nothing to hold.
            held => context.plan.choice.answer = context.plan.choice.answer.or(held.map(|it| it.0)),
        }
        let planned = context.plan.choice.answer;
        let Some(lane) = planned.or_else(|| cold_lane(core, control, context)) else {
            if !must_wait(core, control, context) {
                control.adapter.lost(context.now());
                return floor(core, control, video, context);
            }
            if !core.lanes.wait_for_somebody(deadline::of_loading()) {
                return Err(gst::FlowError::Flushing);
            }
            replan(core, control, context);
            continue;
        };
        let limits = limits(control, video, context);
        let (next, deadline) = {
            let mut lanes = core.lanes.lock();
            let deadline = deadline::of_answer(&lanes, lane, &limits);
            (
                lanes.claim(lane, context.frame.clone(), Purpose::Answer),
                deadline,
            )
        };
        feed(core, next);
        // The candidate works already.
        control.publish(&core.published);
        context.announce(core, &control.adapter, &mut control.totals);
        match core.lanes.wait_answer(deadline) {
            Outcome::Answered(answer) => return Ok(FrameOutcome::Push(AnsweredBy::Active(lane), answer)),
            Outcome::Flushing => return Err(gst::FlowError::Flushing),
            Outcome::Deadline => {
                missed(core, control, context, lane);
                if !must_wait(core, control, context) {
                    return floor(core, control, video, context);
                }
            }
            Outcome::NoAnswer => context.missed = true,
        }
        replan(core, control, context);
    }
}

fn limits(control: &Control, video: &VideoStream, context: &FrameContext) -> Limits {
    Limits {
        clock: context.clock,
        budget: context.plan.budget,
        floor: context.plan.named.floor,
        frame_will_do: frame_will_do(control, video),
        is_patient: is_patient(control, context),
    }
}

/// The frame itself, where it will do, or whoever answers at once.
pub fn floor(
    core: &Shared,
    control: &mut Control,
    video: &VideoStream,
    context: &mut FrameContext,
) -> Result<FrameOutcome, gst::FlowError> {
    if context.policy == LatePolicy::Drop {
        return Ok(FrameOutcome::Drop);
    }
    let (named, frame_will_do) = (context.plan.named.floor, frame_will_do(control, video));
    let ready = || core.lanes.lock().floor(named, frame_will_do, None);
    let mut lane = ready();
    if lane.is_none() && !frame_will_do {
        // All are busy, some perhaps only with a look at the last frame in the shadow.
        if !core.lanes.wait_for_somebody(deadline::of_floor()) {
            return Err(gst::FlowError::Flushing);
        }
        lane = ready();
    }
    if let Some(lane) = lane {
        let patience = Some(deadline::of_floor());
        match run(core, lane, context, Purpose::Answer, patience) {
            Outcome::Answered(answer) => return Ok(FrameOutcome::Push(AnsweredBy::Floor(lane), answer)),
            Outcome::Flushing => return Err(gst::FlowError::Flushing),
            Outcome::Deadline => missed(core, control, context, lane),
            Outcome::NoAnswer => {}
        }
    }
    let has_hope = core.lanes.lock().iter().any(Lane::may_come);
    if !frame_will_do && has_hope {
        return Ok(FrameOutcome::Drop);
    }
    if !has_hope && context.waits() {
        return Err(give_up(core));
    }
    let passed = LaneOutput {
        buffer: context.frame.clone(),
        caps: video.caps.clone(),
    };
    Ok(FrameOutcome::Push(AnsweredBy::Passthrough, passed))
}

fn replan(core: &Shared, control: &mut Control, context: &mut FrameContext) {
    // A switch that led to nobody's answer is told before the next one.
    context.announce(core, &control.adapter, &mut control.totals);
    context.replan(core, &mut control.adapter);
}

/// Whether no deadline is kept. Before the first answer nothing else could go out either.
fn is_patient(control: &Control, context: &FrameContext) -> bool {
    context.waits() || control.output.caps().is_none()
}

/// Whether downstream would take the frame as it is.
fn frame_will_do(control: &Control, video: &VideoStream) -> bool {
    control.output.caps() == video.caps.as_ref()
}

/// Gives the frame to a lane.
pub fn start(core: &Shared, lane: usize, context: &FrameContext, purpose: Purpose) {
    let next = core.lanes.lock().claim(lane, context.frame.clone(), purpose);
    feed(core, next);
}

/// Runs one lane on the frame and waits for its answer.
pub fn run(
    core: &Shared,
    lane: usize,
    context: &FrameContext,
    purpose: Purpose,
    deadline: Option<Instant>,
) -> Outcome {
    start(core, lane, context, purpose);
    core.lanes.wait_answer(deadline)
}

/// Notes that `lane` did not answer in time, and lets it go on by itself.
fn missed(core: &Shared, control: &mut Control, context: &mut FrameContext, lane: usize) {
    context.missed = true;
    let elapsed = context.clock.elapsed();
    if let Some(slot) = core.lanes.lock().get_mut(lane) {
        slot.tally().misses.add(1);
    }
    let now = context.now();
    control.adapter.missed(now, lane, elapsed, &core.lanes);
}

/// A lane that is loaded but not warm: it answers only where the stream could not go on otherwise.
fn cold_lane(core: &Shared, control: &Control, context: &FrameContext) -> Option<usize> {
    let named = context.plan.named;
    must_wait(core, control, context)
        .then(|| core.lanes.lock().cold(named.pinned, named.floor))
        .flatten()
}

/// Whether the frame has to wait for a lane to be loaded or to be free: before the first answer,
/// because the caps are not known yet, and where no deadline is kept.
fn must_wait(core: &Shared, control: &Control, context: &FrameContext) -> bool {
    if !is_patient(control, context) {
        return false;
    }
    let lanes = core.lanes.lock();
    match context.plan.named.pinned {
        Some(lane) => lanes.is(lane, Lane::is_worth_waiting),
        None => lanes.iter().any(Lane::is_worth_waiting),
    }
}

/// Keeps the record, lets others look at the frame in the slack, and sends the answer out.
fn conclude(
    core: &Shared,
    control: &mut Control,
    video: &mut VideoStream,
    context: &FrameContext,
    outcome: FrameOutcome,
    latency: Duration,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let FrameOutcome::Push(source, mut answer) = outcome else {
        context.record(core, &mut control.totals, None, Left::Nothing, latency);
        shadow::look_beside(core, control, video, context, None);
        control.publish(&core.published);
        return Ok(gst::FlowSuccess::Ok);
    };
    restamp(&context.frame, context.entered, &mut answer);
    let events = control.output.before(answer.caps.as_ref());
    context.record(core, &mut control.totals, Some(source), Left::Answer, latency);
    let active = match source {
        AnsweredBy::Active(active) => Some((active, &answer)),
        _ => None,
    };
    shadow::look_beside(core, control, video, context, active);
    control.publish(&core.published);
    core.push_events(events);
    core.src.push(answer.buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::switch::AvrecSwitch;
    use crate::elements::switch::lanes::table::LOCKS;

    #[test]
    fn a_plain_frame_takes_the_lock_of_the_table_five_times_at_most() {
        gst::init().unwrap();
        let switch = gst::glib::Object::new::<AvrecSwitch>();
        switch.set_property_from_str("late-policy", "wait");
        let candidate = gst::ElementFactory::make("identity").build().unwrap();
        switch.add(&candidate).unwrap();
        let mut harness = gst_check::Harness::with_element(&switch, Some("sink"), Some("src"));
        harness.play();
        harness.set_src_caps_str("video/x-raw,format=RGB,width=8,height=8,framerate=25/1");
        // The push runs on this thread, up to the other end of the harness.
        let mut locks_of_a_frame = || {
            let before = LOCKS.get();
            let frame = gst::Buffer::with_size(8 * 8 * 3).unwrap();
            assert_eq!(harness.push(frame), Ok(gst::FlowSuccess::Ok));
            harness.pull().unwrap();
            LOCKS.get() - before
        };
        // The first frame waits for the candidate, and some more warm it up.
        (0..20).for_each(|_| _ = locks_of_a_frame());
        let most = (0..50).map(|_| locks_of_a_frame()).max();
        assert!(most.is_some_and(|it| (1..=5).contains(&it)), "{most:?}");
    }
}
