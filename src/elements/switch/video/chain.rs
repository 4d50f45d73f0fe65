// SPDX-License-Identifier: MPL-2.0

//! A frame's way: to the active lane, or to the floor when that one is late, and out; one in, one out.

use std::time::Duration;

use gst::prelude::*;

use super::floor::{Answer, floor, hold, missed};
use super::{exhaustive, shadow};
use crate::elements::switch::deadline;
use crate::elements::switch::enums::LatePolicy;
use crate::elements::switch::frame::{AnsweredBy, FrameContext, Left, Pass};
use crate::elements::switch::lanes::elements::LaneOutput;
use crate::elements::switch::lanes::lane::{Lane, Purpose};
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::lanes::watchdog::hold_output_to;
use crate::elements::switch::pads::output::restamp;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::start::{self, Begin};
use crate::elements::switch::stream::{Control, VideoStream};
use crate::elements::switch::urgency::Role;

/// Takes one frame in and pushes one frame out.
pub fn chain(
    core: &Shared,
    control: &mut Control,
    stream: &mut VideoStream,
    frame: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let raised = core.raise_thread(Role::Stream);
    let context = FrameContext::enter(core, control, frame);
    let pass = &mut Pass {
        core,
        control,
        stream,
        context,
    };
    if start::hold_frame(pass)? == Begin::Drop {
        return Ok(gst::FlowSuccess::Ok);
    }
    let (answer, latency) = if pass.context.settings.exhaustive {
        exhaustive::survey(pass)?
    } else {
        (answer(pass)?, pass.context.clock.elapsed())
    };
    drop(raised);
    let flow = conclude(pass, answer, latency);
    look_for_cut(pass);
    flow
}

/// Gets an answer from the planned lane, from whoever stands in for it, or from the floor.
fn answer(pass: &mut Pass<VideoStream>) -> Result<Answer, gst::FlowError> {
    let lanes = &pass.core.lanes;
    loop {
        let choice = &mut pass.context.plan.choice;
        match choice.hold {
            Some((lane, begins)) if pass.context.policy != LatePolicy::Wait => {
                return hold(pass, lane, begins);
            }
            // Where nobody is late there is nothing to hold.
            held => choice.answer = choice.answer.or(held.map(|it| it.0)),
        }
        let planned = choice.answer;
        let planned = planned.filter(|it| !pass.context.unanswered.contains(it));
        let Some(lane) = planned.or_else(|| cold_lane(pass)) else {
            if !must_wait(pass) {
                if pass.context.unanswered.is_empty() {
                    pass.control.adapter.lost(pass.context.now());
                }
                return floor(pass);
            }
            let (pinned, but) = (pass.context.pinned(), &pass.context.unanswered);
            if !lanes.wait_for_somebody(deadline::of_loading(), pinned, but) {
                return Err(gst::FlowError::Flushing);
            }
            pass.replan();
            continue;
        };
        pass.start(lane, Purpose::Answer);
        let limits = pass.limits(lane);
        // The candidate works already.
        pass.control.publish(&pass.core.published);
        pass.announce();
        match pass.await_answer(|lanes| deadline::of_answer(lanes, lane, &limits)) {
            Outcome::Answered(answer) => return Ok(Some((AnsweredBy::Active(lane), answer))),
            Outcome::Flushing => return Err(gst::FlowError::Flushing),
            Outcome::Deadline => {
                missed(pass, lane);
                if !must_wait(pass) {
                    return floor(pass);
                }
            }
            Outcome::NoAnswer | Outcome::Silent => pass.context.missed = true,
        }
        pass.context.unanswered.push(lane);
        pass.replan();
    }
}

/// A lane that is loaded but not warm: it answers only where the stream could not go on otherwise.
fn cold_lane(pass: &Pass<VideoStream>) -> Option<usize> {
    let (context, floor) = (&pass.context, pass.context.plan.named.floor);
    let cold = || (pass.core.lanes.lock()).cold(context.pinned(), floor, &context.unanswered);
    must_wait(pass).then(cold).flatten()
}

/// Whether the frame has to wait for a lane to be loaded or to be free: before the first answer,
/// because the caps are not known yet, and where no deadline is kept.
fn must_wait(pass: &Pass<VideoStream>) -> bool {
    if !pass.is_patient() {
        return false;
    }
    let lanes = pass.core.lanes.lock();
    match pass.context.pinned() {
        Some(lane) => lanes.is(lane, Lane::is_worth_waiting),
        None => {
            let mut all = lanes.numbered();
            all.any(|(lane, it)| it.is_worth_waiting() && !pass.context.unanswered.contains(&lane))
        }
    }
}

/// Keeps the record, lets others look at the frame in the slack, and sends the answer out.
fn conclude(
    pass: &mut Pass<VideoStream>,
    answer: Answer,
    latency: Duration,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let core = pass.core;
    let Some((by, mut answer)) = answer else {
        pass.record(None, Left::Nothing, latency);
        shadow::look_beside(pass, None);
        pass.control.publish(&core.published);
        core.spans.end(pass.context.times.take());
        return Ok(gst::FlowSuccess::Ok);
    };
    pass.stream.passes &= by == AnsweredBy::Passthrough;
    restamp(&pass.context.frame, pass.context.entered, &mut answer);
    let caps = leaving_caps(pass, &answer);
    let events = pass.control.output.before(caps);
    pass.record(Some(by), Left::Answer, latency);
    let active = match by {
        AnsweredBy::Active(active) => Some((active, &answer)),
        _ => None,
    };
    shadow::look_beside(pass, active);
    pass.control.publish(&core.published);
    core.push_events(events);
    let times = pass.context.times.take();
    core.spans.leave(times, || core.src.push(answer.buffer))
}

/// Lets the policy know where the frame begins another scene; when it has left, since nothing waits for that.
fn look_for_cut(pass: &mut Pass<VideoStream>) {
    let cuts = pass.stream.cuts.as_mut();
    if cuts.is_some_and(|it| it.is_cut(&pass.context.frame)) {
        let now = pass.context.now();
        pass.control.adapter.content_changed(now);
        pass.control.totals.counts.cuts += 1;
    }
}

/// Caps of an answer that has to be told downstream, if they are other ones; with the first that leaves, all that leaves
/// is held to what the user asked and to what that one has.
fn leaving_caps<'a>(pass: &mut Pass<VideoStream>, answer: &'a LaneOutput) -> Option<&'a gst::Caps> {
    let asked = &pass.context.settings.output_caps;
    if asked.is_some() && pass.control.held_for == *asked {
        return None;
    }
    let caps = answer.caps.as_ref();
    pass.control.held_for = asked.clone();
    if let (Some(asked), Some(caps)) = (asked, caps) {
        hold_output_to(pass.core, Some(asked.intersect(caps)));
    }
    caps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::switch::AvrecSwitch;
    use crate::elements::switch::lanes::table::LOCKS;

    #[test]
    fn a_plain_frame_takes_the_lock_of_the_table_five_times_at_most() {
        gst::init().unwrap();
        // Its parts come from their factories; those of an installed plugin would be of other types.
        crate::plugin_register_static().unwrap();
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
