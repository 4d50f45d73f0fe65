// SPDX-License-Identifier: MPL-2.0

//! A buffer of audio on its way: to the lanes that hear, and as many samples out as came in.

use std::time::Duration;

use gst::prelude::*;

use super::feed::{RequiredLanes, await_required, end_others, feed_others, feed_required, is_served};
use super::lane::{StreamPosition, WARM_AHEAD};
use super::lane_output::{grow, is_settled, keeps_up, largest_delay};
use super::shadow;
use super::stream::{AudioStream, Versions};
use crate::audio::Source;
use crate::elements::switch::enums::LatePolicy;
use crate::elements::switch::frame::{AnsweredBy, FrameContext, Left, Pass, give_up};
use crate::elements::switch::lanes::feed::flush;
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::start::{self, Begin};
use crate::elements::switch::stream::Control;
use crate::elements::switch::urgency::Role;
use crate::elements::switch::{CAT, deadline};

/// Takes a buffer of audio in, and pushes the samples out that are due then.
pub fn chain(
    core: &Shared,
    control: &mut Control,
    stream: &mut AudioStream,
    frame: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let Some(samples) = stream.spec.samples_of(frame.size()) else {
        return Err(reject(core, stream, frame.size()));
    };
    if samples == 0 {
        return Ok(gst::FlowSuccess::Ok);
    }
    let pts = frame.pts();
    let is_marked = frame.flags().contains(gst::BufferFlags::DISCONT);
    if !stream.is_new && !stream.timeline.continues(pts, is_marked) {
        end_stretch(core, control, stream)?;
    }
    if stream.is_new {
        stream.begin(pts);
    }
    if let Some(duration) = stream.buffer_duration.take(stream.spec.duration_of(samples)) {
        core.set_frame_duration(control, duration, true);
        control.adapter.set_input(&stream.caps, Some(duration));
    }
    let raised = core.raise_thread(Role::Stream);
    let context = FrameContext::enter(core, control, frame);
    control.publish(&core.published);
    let pass = &mut Pass {
        core,
        control,
        stream,
        context,
    };
    start::wait_for_sound(pass);
    take_in(pass, samples)?;
    answer(pass)?;
    drop(raised);
    conclude(pass)
}

fn reject(core: &Shared, stream: &AudioStream, bytes: usize) -> gst::FlowError {
    let width = stream.spec.width();
    core.bus.fail(
        gst::StreamError::Format,
        &format!("a buffer of {bytes} bytes is not a whole number of samples of {width} bytes"),
        "see what is before the switch: its caps do not tell what its buffers hold",
    )
}

/// Puts the buffer in its place in the stream.
fn take_in(pass: &mut Pass<AudioStream>, samples: u64) -> Result<(), gst::FlowError> {
    let Pass {
        core,
        stream,
        context,
        ..
    } = pass;
    let (pts, start) = (context.frame.pts(), stream.timeline.end());
    {
        // The lanes get time stamps that are exact to the sample, so that theirs are.
        let frame = context.frame.make_mut();
        frame.set_pts(stream.timeline.time_of(start));
        frame.unset_flags(gst::BufferFlags::DISCONT);
    }
    let map = context.frame.map_readable().map_err(|_| gst::FlowError::Error)?;
    stream.input.append(&map);
    drop(map);
    stream.timeline.advance(pts, samples);
    let end = stream.timeline.end();
    stream.recent.push_back((start..end, context.frame.clone()));
    let fade = Duration::from(context.settings.crossfade);
    stream.crossfader.set_fade(stream.spec.samples_in(fade));
    core.lanes.lock().position = Some(StreamPosition {
        spec: stream.spec,
        timeline: stream.timeline,
    });
    Ok(())
}

/// Lets the lanes that are required hear the buffer, and waits for them; where no deadline is kept, until somebody has
/// returned what is due.
fn answer(pass: &mut Pass<AudioStream>) -> Result<(), gst::FlowError> {
    loop {
        let someone = choose_lane(pass)?;
        let required = feed_required(pass);
        await_required(pass, &required)?;
        let delay = largest_delay(&pass.core.lanes.lock());
        if pass.stream.delay < delay {
            grow(pass.core, pass.stream, delay);
        }
        if someone == Chosen::Nobody || can_play(pass, &required) {
            return Ok(());
        }
        pass.context.missed = true;
        pass.replan();
    }
}

/// Whether the samples have to wait for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    Somebody,
    /// What is there goes out.
    Nobody,
}

/// Whom the policy wants; where no deadline is kept, whoever there is, and there has to be somebody, unless the user forbids
/// all that there are.
fn choose_lane(pass: &mut Pass<AudioStream>) -> Result<Chosen, gst::FlowError> {
    let (lanes, waits) = (&pass.core.lanes, pass.context.waits());
    loop {
        let choice = &mut pass.context.plan.choice;
        let switch = choice.switch.take();
        let chosen = choice.answer.or(choice.hold.map(|it| it.0));
        let cold = || waits.then(|| cold_lane(pass)).flatten();
        if let Some(lane) = chosen.or_else(cold) {
            pass.stream.want(lane, switch);
            return Ok(if waits { Chosen::Somebody } else { Chosen::Nobody });
        }
        // A lane that hears goes on, whatever the policy knows of it.
        if waits && is_served(&lanes.lock(), pass.stream) {
            return Ok(Chosen::Somebody);
        }
        let is_there = |is_so: fn(&Lane) -> bool| lanes.lock().iter().any(is_so);
        if !waits || !is_there(Lane::is_worth_waiting) {
            if waits && !is_there(Lane::has_hope) {
                return Err(give_up(pass.core));
            }
            pass.control.adapter.lost(pass.context.now());
            pass.context.missed = true;
            return Ok(Chosen::Nobody);
        }
        if !lanes.wait_for_somebody(deadline::of_loading(), None, &[]) {
            return Err(gst::FlowError::Flushing);
        }
        pass.replan();
    }
}

/// A lane that is loaded but not warm; while the one that is pinned may come, no other.
fn cold_lane(pass: &Pass<AudioStream>) -> Option<usize> {
    let (lanes, named) = (pass.core.lanes.lock(), pass.context.plan.named);
    let pinned = named.pinned.filter(|it| lanes.is(*it, Lane::is_worth_waiting));
    lanes.cold(pinned, named.floor, &[])
}

/// Whether a lane is there from which what is due can go out, or which left it out.
fn can_play(pass: &Pass<AudioStream>, required: &RequiredLanes) -> bool {
    let (stream, lanes) = (&*pass.stream, pass.core.lanes.lock());
    let versions = Versions {
        input: &stream.input,
        lanes: &lanes,
    };
    let requests = stream.requests(&lanes, pass.context.plan.named.floor);
    let has_heard = |it: &Lane| keeps_up(it) && is_settled(it);
    stream.crossfader.can_play(&requests, stream.due(), &versions)
        || required.iter().flatten().any(|it| lanes.is(*it, has_heard))
}

/// Sends out what is due, keeps the record, and lets others hear the buffer in the slack.
fn conclude(pass: &mut Pass<AudioStream>) -> Result<gst::FlowSuccess, gst::FlowError> {
    let core = pass.core;
    let (due, floor) = (pass.stream.due(), pass.context.plan.named.floor);
    let out = play(core, pass.stream, due, floor, Some(pass.context.entered))?;
    let memory = if pass.context.waits() {
        pass.stream.spec.samples_in(WARM_AHEAD)
    } else {
        0
    };
    pass.stream.forget(&mut core.lanes.lock(), memory);
    if let Some(switch) = pass.stream.take_switch(core.published.active()) {
        pass.context.plan.choice.switch = Some(switch);
        pass.announce();
    }
    let latency = pass.context.clock.elapsed();
    let source = answered_by(pass.stream);
    pass.stream.part();
    let is_lost = pass.context.policy == LatePolicy::Drop && source == AnsweredBy::Passthrough;
    let is_dropped = start::hold_sound(pass) == Begin::Drop || is_lost;
    let left = match &out {
        None => Left::NotYet,
        Some(_) if is_dropped => Left::Nothing,
        Some(_) => Left::Answer,
    };
    pass.record(Some(source), left, latency);
    if feed_others(pass) {
        shadow::look_beside(pass, source);
    }
    end_others(core, pass.stream);
    announce_warm(core);
    pass.control.publish(&core.published);
    let times = pass.context.times.take();
    match out {
        Some(buffer) if !is_dropped => {
            let push = || push(core, pass.control, pass.stream, buffer);
            return core.spans.leave(times, push);
        }
        Some(_) => pass.stream.is_discontinuous = true,
        // The first samples are still on their way through the lanes.
        None => {}
    }
    core.spans.end(times);
    Ok(gst::FlowSuccess::Ok)
}

/// Who sounds, or will when the fade is over.
fn answered_by(stream: &AudioStream) -> AnsweredBy {
    match stream.crossfader.target() {
        Some(Source::Candidate(lane)) if [stream.wanted, stream.leaving].contains(&Some(lane)) => {
            AnsweredBy::Active(lane)
        }
        Some(Source::Candidate(lane)) => AnsweredBy::Floor(lane),
        _ => AnsweredBy::Passthrough,
    }
}

/// Makes a buffer of the samples up to a position; `None` when that is reached already. `entered` is when the newest
/// buffer came in, where one did.
pub fn play(
    core: &Shared,
    stream: &mut AudioStream,
    end: u64,
    floor: Option<usize>,
    entered: Option<gst::ClockTime>,
) -> Result<Option<gst::Buffer>, gst::FlowError> {
    let begin = stream.crossfader.position();
    let Some(samples) = end.checked_sub(begin).filter(|it| 0 < *it) else {
        return Ok(None);
    };
    let mut out = stream.pool.take(samples as usize * stream.spec.width())?;
    let buffer = out.get_mut().ok_or(gst::FlowError::Error)?;
    let said = {
        let mut map = buffer.map_writable().map_err(|_| gst::FlowError::Error)?;
        let lanes = core.lanes.lock();
        let requests = stream.requests(&lanes, floor);
        let versions = Versions {
            input: &stream.input,
            lanes: &lanes,
        };
        stream.crossfader.play(&requests, &versions, &mut map);
        match stream.crossfader.target() {
            Some(Source::Candidate(lane)) => lanes.get(lane).map(|it| it.audio.metas.within(begin..end)),
            _ => None,
        }
    };
    stream.apply_metadata(buffer, begin..end, entered, &said.unwrap_or_default());
    Ok(Some(out))
}

/// Pushes a buffer of audio, after the events that go before it.
pub fn push(
    core: &Shared,
    control: &mut Control,
    stream: &AudioStream,
    buffer: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let events = control.output.before(Some(&stream.caps));
    core.push_events(events);
    core.src.push(buffer)
}

/// Sends out all that came in. Time begins anew with the next buffer, and no lane knows what was before.
pub fn end_stretch(
    core: &Shared,
    control: &mut Control,
    stream: &mut AudioStream,
) -> Result<(), gst::FlowError> {
    if stream.is_new {
        return Ok(());
    }
    let end = stream.timeline.end();
    if stream.crossfader.position() < end {
        drain(core, control, stream)?;
        let floor = control.adapter.named().floor;
        if let Some(buffer) = play(core, stream, end, floor, None)? {
            push(core, control, stream, buffer)?;
            control.totals.counts.frames_out += 1;
            control.publish(&core.published);
        }
    }
    core.lanes
        .change(|lanes| lanes.iter_mut().for_each(|it| it.audio.end()));
    stream.is_new = true;
    Ok(())
}

/// Gets the last samples out of the lane that sounds.
fn drain(core: &Shared, control: &Control, stream: &AudioStream) -> Result<(), gst::FlowError> {
    let Some(Source::Candidate(lane)) = stream.crossfader.target() else {
        return Ok(());
    };
    let policy = core.timing.late_policy(&core.settings.load(), &core.sink);
    let deadline = deadline::of_drain(policy, control.adapter.budget());
    core.lanes.wait_lane(lane, deadline, is_settled);
    let may_return = |it: &Lane| it.audio.hears() && is_settled(it);
    let may_return = core.lanes.lock().is(lane, may_return);
    let Some(pads) = core.lanes.elements(lane).filter(|_| may_return) else {
        return Ok(());
    };
    pads.entry.push_event(gst::event::Eos::new());
    let is_drained = |it: &Lane| it.audio.is_drained || !it.audio.hears();
    if !core.lanes.wait_lane(lane, deadline, is_drained) {
        return Err(gst::FlowError::Flushing);
    }
    if core.lanes.lock().get(lane).is_none_or(is_drained) {
        // So that it can hear again, or be told of what comes.
        flush(core, &pads.entry);
        return Ok(());
    }
    let name = &pads.name;
    gst::warning!(
        CAT,
        "Candidate {name} does not give its last samples; the input's go out"
    );
    if let Some(it) = core.lanes.lock().get_mut(lane) {
        it.needs_flush = true;
    }
    Ok(())
}

/// Tells of the lanes that have become warm.
fn announce_warm(core: &Shared) {
    loop {
        let warmed = core.lanes.lock().warmed.pop();
        let Some(lane) = warmed else { return };
        core.bus.candidate_ready(core.lanes.list().name(lane));
    }
}
