// SPDX-License-Identifier: MPL-2.0

//! A buffer of sound on its way: to the lanes that hear, and as many samples out as came in.

use std::time::Duration;

use super::background::hear_beside;
use super::drain::end_sound;
use super::feed::{RequiredLanes, await_needed, feed_needed, is_served};
use super::lane::Sound;
use super::latency::keep_delay;
use super::play::{play_due, push_sound};
use super::stream::{AudioStream, Versions};
use crate::audio::Source;
use crate::elements::switch::deadline;
use crate::elements::switch::frame::{AnsweredBy, FrameContext, Left, give_up};
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::policy_adapter::PolicyAdapter;
use crate::elements::switch::settings::LatePolicy;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::Control;

/// Takes a buffer of sound in, and pushes the samples out that are due then.
pub fn chain(
    core: &Shared,
    control: &mut Control,
    stage: &mut AudioStream,
    frame: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let Some(samples) = stage.spec.samples_of(frame.size()) else {
        return Err(reject(core, stage, frame.size()));
    };
    if samples == 0 {
        return Ok(gst::FlowSuccess::Ok);
    }
    let pts = frame.pts().map(Duration::from);
    let is_marked = frame.flags().contains(gst::BufferFlags::DISCONT);
    if !stage.is_new && !stage.timeline.continues(pts, is_marked) {
        end_sound(core, control, stage)?;
    }
    if stage.is_new {
        stage.begin(pts);
    }
    if let Some(duration) = stage.pace.take(stage.spec.duration_of(samples)) {
        core.set_frame_duration(control, duration, true);
    }
    let mut journey = FrameContext::enter(core, &mut control.adapter, frame);
    take_in(core, stage, &mut journey, samples)?;
    answer_sound(core, &mut control.adapter, stage, &mut journey)?;
    conclude_sound(core, control, stage, journey)
}

fn reject(core: &Shared, stage: &AudioStream, bytes: usize) -> gst::FlowError {
    let width = stage.spec.width();
    core.bus.fail(
        gst::StreamError::Format,
        &format!("a buffer of {bytes} bytes is not a whole number of samples of {width} bytes"),
        "see what is before the switch: its caps do not tell what its buffers hold",
    )
}

/// Puts the buffer in its place in the stream.
fn take_in(
    core: &Shared,
    stage: &mut AudioStream,
    journey: &mut FrameContext,
    samples: u64,
) -> Result<(), gst::FlowError> {
    let start = stage.timeline.end();
    {
        // The lanes get time stamps that are exact to the sample, so that theirs are.
        let frame = journey.frame.make_mut();
        frame.set_pts(gst::ClockTime::try_from(stage.timeline.time_of(start)).ok());
        frame.unset_flags(gst::BufferFlags::DISCONT);
    }
    let map = journey.frame.map_readable().map_err(|_| gst::FlowError::Error)?;
    stage.input.append(&map);
    drop(map);
    stage.timeline.advance(samples);
    let end = stage.timeline.end();
    stage.recent.push_back((start..end, journey.frame.clone()));
    let fade = Duration::from(journey.settings.crossfade);
    stage.seam.set_fade(stage.spec.samples_in(fade));
    core.lanes.lock().sound = Some(Sound {
        spec: stage.spec,
        timeline: stage.timeline,
    });
    Ok(())
}

/// Lets the lanes that are needed hear the buffer, and waits for them; where no deadline is kept, until somebody has
/// given what is due.
fn answer_sound(
    core: &Shared,
    adapter: &mut PolicyAdapter,
    stage: &mut AudioStream,
    journey: &mut FrameContext,
) -> Result<(), gst::FlowError> {
    loop {
        choose_lane(core, adapter, stage, journey)?;
        let needed = feed_needed(core, stage, journey);
        await_needed(core, adapter, stage, journey, &needed)?;
        keep_delay(core, stage);
        if !journey.waits() || has_voice(core, stage, journey, &needed) {
            return Ok(());
        }
        journey.missed = true;
        journey.replan(core, adapter);
    }
}

/// Whom the policy wants; where no deadline is kept, whoever there is, and there has to be somebody.
fn choose_lane(
    core: &Shared,
    adapter: &mut PolicyAdapter,
    stage: &mut AudioStream,
    journey: &mut FrameContext,
) -> Result<(), gst::FlowError> {
    loop {
        let choice = &mut journey.plan.choice;
        let switch = choice.switch.take();
        let chosen = choice.answer.or(choice.hold.map(|it| it.0));
        let waits = journey.policy == LatePolicy::Wait;
        let cold = || waits.then(|| cold_lane(core, journey)).flatten();
        match chosen.or_else(cold) {
            Some(lane) => {
                stage.want(lane, switch);
                return Ok(());
            }
            None if !waits => {
                adapter.lost(journey.now());
                journey.missed = true;
                return Ok(());
            }
            // Somebody who hears goes on, whatever the policy knows of him.
            None if is_served(core, stage) => return Ok(()),
            None if !core.lanes.lock().iter().any(Lane::is_worth_waiting) => {
                return Err(give_up(core));
            }
            None => {}
        }
        if !core.lanes.wait_for_somebody(deadline::of_loading()) {
            return Err(gst::FlowError::Flushing);
        }
        journey.replan(core, adapter);
    }
}

/// A lane that is loaded but not warm; while the one that is pinned may come, no other.
fn cold_lane(core: &Shared, journey: &FrameContext) -> Option<usize> {
    let (lanes, named) = (core.lanes.lock(), journey.plan.named);
    let pinned = named.pinned.filter(|it| lanes.is(*it, Lane::is_worth_waiting));
    lanes.cold(pinned, named.floor)
}

/// Whether a lane is there from which what is due can go out, or which left it out.
fn has_voice(core: &Shared, stage: &AudioStream, journey: &FrameContext, needed: &RequiredLanes) -> bool {
    let state = core.lanes.lock();
    let versions = Versions {
        input: &stage.input,
        lanes: &state,
    };
    let wishes = stage.wishes(&state, journey.plan.named.floor);
    let can = stage.seam.can_play(&wishes, stage.due(), &versions);
    let has_heard = |slot: &Lane| slot.keeps_up() && slot.is_settled();
    can || needed.lanes().any(|it| state.is(it, has_heard))
}

/// Sends out what is due, keeps the record, and lets others hear the buffer in the slack.
fn conclude_sound(
    core: &Shared,
    control: &mut Control,
    stage: &mut AudioStream,
    mut journey: FrameContext,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let out = play_due(core, stage, &journey)?;
    let active = core.published.active();
    if let Some(switch) = stage.take_switch(active) {
        journey.plan.choice.switch = Some(switch);
        journey.announce(core, &control.adapter, &mut control.totals);
    }
    let latency = journey.clock.elapsed();
    let source = match stage.seam.target() {
        Some(Source::Candidate(lane)) if Some(lane) == stage.wanted || Some(lane) == stage.leaving => {
            AnsweredBy::Active(lane)
        }
        Some(Source::Candidate(lane)) => AnsweredBy::Floor(lane),
        _ => AnsweredBy::Passthrough,
    };
    stage.part();
    let is_dropped = journey.policy == LatePolicy::Drop && source == AnsweredBy::Passthrough;
    let left = match &out {
        None => Left::NotYet,
        Some(_) if is_dropped => Left::Nothing,
        Some(_) => Left::Answer,
    };
    journey.record(core, &mut control.totals, Some(source), left, latency);
    hear_beside(core, control, stage, &journey, source);
    announce_warm(core);
    control.publish(&core.published);
    match out {
        Some(_) if is_dropped => {
            stage.is_discontinuous = true;
            Ok(gst::FlowSuccess::Ok)
        }
        Some(buffer) => push_sound(core, control, stage, buffer),
        // The first samples are still on their way through the lanes.
        None => Ok(gst::FlowSuccess::Ok),
    }
}

/// Tells of the lanes that have become warm.
fn announce_warm(core: &Shared) {
    loop {
        let warmed = core.lanes.lock().warmed.pop();
        let Some(lane) = warmed else { return };
        core.bus.candidate_ready(core.lanes.list().name(lane));
    }
}
