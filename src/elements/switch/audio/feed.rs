// SPDX-License-Identifier: MPL-2.0

//! Who hears a buffer: those that have to before the samples that are due can go out, and the wait for them; then those
//! that nobody waits for.

use std::time::Instant;

use super::lane::AudioBlock;
use super::lane_output::{self, is_settled, keeps_up, lags_too_far};
use super::stream::AudioStream;
use crate::audio::Source;
use crate::elements::switch::deadline;
use crate::elements::switch::frame::Pass;
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::lane::{Lane, RETURN_GRACE};
use crate::elements::switch::lanes::state::Lanes;
use crate::elements::switch::lanes::watchdog;
use crate::elements::switch::shared::Shared;
use crate::policy::RunKind;

/// Lanes that are waited for; who sounds comes first.
pub type RequiredLanes = [Option<usize>; 4];

/// Lets the lanes hear the newest buffer from which samples may go out now.
pub fn feed_required(pass: &Pass<AudioStream>) -> RequiredLanes {
    let (stream, waits) = (&*pass.stream, pass.context.waits());
    let (required, is_served) = {
        let lanes = pass.core.lanes.lock();
        (required_lanes(&lanes, stream, waits), is_served(&lanes, stream))
    };
    let is_alone = required[1].is_none();
    for lane in required.iter().copied().flatten() {
        // Nothing may go out that no lane has heard: who steps in hears what was before, too.
        let steps_in = waits && !is_served && stream.wanted == Some(lane);
        if steps_in && must_go_back(pass.core, stream, lane) {
            for block in stream.before_newest() {
                hear(pass, lane, Some(block));
            }
        }
        let kind = if is_alone {
            RunKind::Active
        } else {
            RunKind::Overlapped
        };
        hear(pass, lane, stream.newest(kind));
    }
    required
}

/// Whether the lane has not heard enough to sound at once, and could by hearing the last buffers again.
fn must_go_back(core: &Shared, stream: &AudioStream, lane: usize) -> bool {
    let oldest = stream.recent.front().map(|it| it.0.start);
    core.lanes.change(|lanes| {
        let Some(it) = lanes.get_mut(lane) else {
            return false;
        };
        let ready_at = it.audio.ready_at(stream.timeline.origin(), &stream.spec);
        let is_ready = ready_at.is_some_and(|it| it <= stream.crossfader.position());
        let goes_back = !is_ready && it.audio.track.since().is_none_or(|it| oldest < Some(it));
        if goes_back {
            it.audio.end();
        }
        goes_back
    })
}

/// Whether a lane that sounds hears the stream.
pub fn is_served(lanes: &Lanes, stream: &AudioStream) -> bool {
    let hears = |it: &Lane| keeps_up(it) && !it.is_forbidden;
    let mut all = lanes.numbered();
    all.any(|(lane, it)| stream.crossfader.sounds(Source::Candidate(lane)) && hears(it))
}

fn required_lanes(lanes: &Lanes, stream: &AudioStream, waits: bool) -> RequiredLanes {
    // Who hears nothing any more cannot return more; and who was waited for long enough is not waited for again.
    let hears = |it: &Lane| if waits { keeps_up(it) } else { it.audio.hears() };
    let sounds = |it: &usize| stream.crossfader.sounds(Source::Candidate(*it)) && lanes.is(*it, hears);
    let is_required = |it: &usize| !sounds(it) && (waits || is_due(stream, lanes, *it));
    let sounding = lanes.numbered().map(|it| it.0).filter(sounds);
    let mut all = sounding.chain(stream.wanted.filter(is_required));
    std::array::from_fn(|_| all.next())
}

/// Whether the lane may sound with this buffer: it has heard enough, or it can hear the stream from its beginning.
fn is_due(stream: &AudioStream, lanes: &Lanes, lane: usize) -> bool {
    let origin = stream.timeline.origin();
    let is_first = stream.recent.len() == 1 && stream.recent[0].0.start == origin;
    let ready_at = lanes
        .get(lane)
        .and_then(|it| it.audio.ready_at(origin, &stream.spec));
    ready_at.map_or(is_first, |it| it < stream.due())
}

/// Lets a lane hear a buffer, at once or after those that it is still at. Where no deadline is kept, it is waited for
/// instead, so that none falls behind because the stream is fast.
pub fn hear(pass: &Pass<AudioStream>, lane: usize, block: Option<AudioBlock>) {
    let Some(block) = block else { return };
    let (core, waits) = (pass.core, pass.context.waits());
    if waits {
        let patience = core.lanes.lock().get(lane).map(deadline::of_silence_of);
        core.lanes
            .wait_lane(lane, patience.unwrap_or_else(Instant::now), is_settled);
    }
    let next = {
        let mut lanes = core.lanes.lock();
        if let Some(it) = lanes.get_mut(lane)
            && waits
            && !is_settled(it)
        {
            it.audio.end();
        }
        lane_output::hear(&mut lanes, lane, block)
    };
    feed(core, next);
}

/// Waits until all that are required have returned what they can, or until the deadline.
pub fn await_required(pass: &mut Pass<AudioStream>, required: &RequiredLanes) -> Result<(), gst::FlowError> {
    let (core, waits) = (pass.core, pass.context.waits());
    let all_settled = |lanes: &Lanes| {
        let mut all = required.iter().flatten();
        all.all(|it| lanes.get(*it).is_none_or(is_settled))
    };
    if waits {
        await_or_others(pass, required, &all_settled)?;
    } else if !core.lanes.wait_until(
        deadline::of_samples(
            pass.context.clock,
            pass.context.plan.budget,
            pass.control.adapter.late(),
        ),
        all_settled,
    ) {
        return Err(gst::FlowError::Flushing);
    }
    if waits {
        await_stragglers(core, required)?;
    }
    for lane in required.iter().copied().flatten() {
        note_miss(pass, lane);
    }
    Ok(())
}

/// Waits, where no deadline is kept, until all have returned what they can, or until one was silent for too long and somebody
/// else could go on; where one hangs, the user is told.
fn await_or_others(
    pass: &Pass<AudioStream>,
    required: &RequiredLanes,
    all_settled: &impl Fn(&Lanes) -> bool,
) -> Result<(), gst::FlowError> {
    let (core, asked) = (pass.core, Instant::now());
    let is_over = |lanes: &Lanes| {
        let end = |it: &Lane| asked + deadline::patience_with(it);
        let is_silent = |it: &Lane| !is_settled(it) && end(it) <= Instant::now();
        let is_too_long = || required.iter().flatten().any(|it| lanes.is(*it, is_silent));
        let has_heard = |it: &Lane| it.audio.hears() && is_settled(it);
        let has_others = || {
            let is_required = |it: usize| required.contains(&Some(it));
            let mut heard = required.iter().flatten();
            lanes.idle().any(|it| !is_required(it)) || heard.any(|it| lanes.is(*it, has_heard))
        };
        all_settled(lanes) || (has_others() && is_too_long())
    };
    loop {
        if !core.lanes.wait_until(deadline::of_loading(), is_over) {
            return Err(gst::FlowError::Flushing);
        }
        if is_over(&core.lanes.lock()) {
            return Ok(());
        }
        watchdog::look_after(core);
    }
}

/// Waits for samples that come from a lane's own thread. When they do not, the lane lags so far.
fn await_stragglers(core: &Shared, required: &RequiredLanes) -> Result<(), gst::FlowError> {
    for lane in required.iter().copied().flatten() {
        let has_all = |it: &Lane| !it.audio.hears() || it.run.is_some() || it.audio.has_returned_all();
        if !core.lanes.wait_lane(lane, Instant::now() + RETURN_GRACE, has_all) {
            return Err(gst::FlowError::Flushing);
        }
        let lag = core.lanes.change(|lanes| {
            let it = lanes.get_mut(lane);
            if let Some(it) = it.filter(|it| it.audio.hears() && it.run.is_none()) {
                it.audio.accept_lag();
            }
            lags_too_far(lanes, lane)
        });
        if let Some(lag) = lag {
            lane_output::leave(core, lane, lag);
        }
    }
    Ok(())
}

/// Notes that a lane's samples did not come in time, if they did not.
fn note_miss(pass: &mut Pass<AudioStream>, lane: usize) {
    let (core, due) = (pass.core, pass.stream.due());
    let is_late = core.lanes.change(|lanes| {
        let Some(it) = lanes.get_mut(lane) else {
            return false;
        };
        let is_late = !is_settled(it) && it.audio.track.span().end < due;
        if is_late {
            it.tally().misses.add(1);
            if let Some(run) = it.run.as_mut() {
                run.abandoned = true;
            }
        }
        is_late
    });
    if is_late {
        let context = &mut pass.context;
        context.missed |= pass.stream.crossfader.sounds(Source::Candidate(lane));
        let elapsed = context.clock.elapsed();
        let adapter = &mut pass.control.adapter;
        adapter.missed(context.now(), lane, elapsed, &core.lanes);
    }
}

/// Lets lanes hear the newest buffer that nobody waits for: who is to sound soon, who is the floor, and who gets warm.
/// Whether there is time to only look at some is what it returns.
pub fn feed_others(pass: &Pass<AudioStream>) -> bool {
    let stream = &pass.stream;
    let others = [stream.wanted, stream.leaving, pass.context.plan.named.floor];
    for lane in others.into_iter().flatten() {
        hear(pass, lane, stream.newest(RunKind::Overlapped));
    }
    let warming = next_to_warm(&pass.core.lanes.lock());
    if let Some(lane) = warming {
        hear(pass, lane, stream.newest(RunKind::WarmUp));
    }
    warming.is_none()
}

/// A lane that has not been let hear the newest buffer hears nothing more.
pub fn end_others(core: &Shared, stream: &AudioStream) {
    let end = stream.timeline.end();
    core.lanes.change(|lanes| {
        for it in lanes.iter_mut() {
            if it.audio.hears_to().is_some_and(|it| it != end) {
                it.audio.end();
            }
        }
    });
}

/// The lane that is getting warm, or the first that is loaded and cold.
fn next_to_warm(lanes: &Lanes) -> Option<usize> {
    let is_at_it = |it: &Lane| it.is_warming() && it.audio.hears();
    let hears = lanes.position(is_at_it);
    hears.or_else(|| lanes.position(|it| it.is_warming() && it.is_idle()))
}
