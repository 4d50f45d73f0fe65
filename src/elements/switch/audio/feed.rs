// SPDX-License-Identifier: MPL-2.0

//! Who has to hear a buffer before the samples that are due can go out, and the wait for them.

use std::time::Instant;

use super::lane::{AudioBlock, FeedResult};
use super::latency::lags_too_far;
use super::stream::AudioStream;
use crate::audio::Source;
use crate::elements::switch::deadline;
use crate::elements::switch::frame::FrameContext;
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::lanes::state::Lanes;
use crate::elements::switch::lanes::table::RETURN_GRACE;
use crate::elements::switch::policy_adapter::PolicyAdapter;
use crate::elements::switch::settings::LatePolicy;
use crate::elements::switch::shared::Shared;
use crate::policy::RunKind;

/// Lanes that are waited for; who sounds comes first.
#[derive(Debug, Default)]
pub struct RequiredLanes {
    list: [Option<usize>; 4],
}

impl RequiredLanes {
    fn add(&mut self, lane: usize) {
        if !self.has(lane)
            && let Some(place) = self.list.iter_mut().find(|it| it.is_none())
        {
            *place = Some(lane);
        }
    }

    pub fn has(&self, lane: usize) -> bool {
        self.list.contains(&Some(lane))
    }

    pub fn lanes(&self) -> impl Iterator<Item = usize> {
        self.list.into_iter().flatten()
    }
}

/// Lets the lanes hear the newest buffer from which samples may go out now.
pub fn feed_needed(core: &Shared, stage: &AudioStream, journey: &FrameContext) -> RequiredLanes {
    let needed = needed_lanes(core, stage, journey);
    let is_alone = needed.lanes().nth(1).is_none();
    let is_served = is_served(core, stage);
    for lane in needed.lanes() {
        // Nothing may go out that no lane has heard: who steps in hears what was before, too.
        let steps_in = journey.policy == LatePolicy::Wait && !is_served && stage.wanted == Some(lane);
        if steps_in && must_go_back(core, stage, lane) {
            for heard in stage.before_newest() {
                hear(core, lane, heard, journey);
            }
        }
        let kind = if is_alone {
            RunKind::Active
        } else {
            RunKind::Overlapped
        };
        if let Some(heard) = stage.newest(kind) {
            hear(core, lane, heard, journey);
        }
    }
    needed
}

/// Whether the lane has not heard enough to sound at once, and could by hearing the last buffers again.
fn must_go_back(core: &Shared, stage: &AudioStream, lane: usize) -> bool {
    let oldest = stage.recent.front().map(|it| it.0.start);
    core.lanes.change(|state| {
        let Some(slot) = state.get_mut(lane) else {
            return false;
        };
        let is_ripe = slot
            .ripe_at(stage.timeline.origin(), &stage.spec)
            .is_some_and(|it| it <= stage.seam.position());
        let goes_back = !is_ripe && slot.hearing.ear.since().is_none_or(|it| oldest < Some(it));
        if goes_back {
            slot.hearing.end();
        }
        goes_back
    })
}

/// Whether a lane that sounds hears the stream.
pub fn is_served(core: &Shared, stage: &AudioStream) -> bool {
    let state = core.lanes.lock();
    let hears = |slot: &Lane| slot.keeps_up() && !slot.is_forbidden;
    let mut all = state.iter().enumerate();
    all.any(|(lane, slot)| stage.seam.sounds(Source::Candidate(lane)) && hears(slot))
}

fn needed_lanes(core: &Shared, stage: &AudioStream, journey: &FrameContext) -> RequiredLanes {
    let state = core.lanes.lock();
    let mut needed = RequiredLanes::default();
    let sounds = |lane: &usize| stage.seam.sounds(Source::Candidate(*lane));
    // Who hears nothing any more cannot give more; and who was waited for long enough is not waited for again.
    let hears = |it: &usize| {
        state.get(*it).is_some_and(|it| match journey.policy {
            LatePolicy::Wait => it.keeps_up(),
            _ => it.hears(),
        })
    };
    for lane in (0..state.iter().len()).filter(sounds).filter(hears) {
        needed.add(lane);
    }
    if let Some(lane) = stage.wanted
        && (journey.policy == LatePolicy::Wait || is_due(stage, &state, lane))
    {
        needed.add(lane);
    }
    needed
}

/// Whether the lane may sound with this buffer: it has heard enough, or it can hear the stream from its beginning.
fn is_due(stage: &AudioStream, state: &Lanes, lane: usize) -> bool {
    let origin = stage.timeline.origin();
    let is_first = stage.recent.len() == 1 && stage.recent[0].0.start == origin;
    let ripe_at = state.get(lane).and_then(|it| it.ripe_at(origin, &stage.spec));
    ripe_at.map_or(is_first, |it| it < stage.due())
}

/// Lets a lane hear a buffer, at once or after those that it is still at. Where no deadline is kept, it is waited for
/// instead, so that none falls behind because the stream is fast.
pub fn hear(core: &Shared, lane: usize, heard: AudioBlock, journey: &FrameContext) {
    if journey.policy == LatePolicy::Wait {
        core.lanes
            .wait_lane(lane, deadline::of_silence(), Lane::is_settled);
        core.lanes.change(|state| match state.get_mut(lane) {
            Some(slot) if !slot.is_settled() => slot.hearing.end(),
            _ => {}
        });
    }
    let handed = core.lanes.lock().hear(lane, heard);
    if let FeedResult::Push(next) = handed {
        feed(core, Some(next));
    }
}

/// Waits until all that are needed have given back what they can, or until the deadline.
pub fn await_needed(
    core: &Shared,
    adapter: &mut PolicyAdapter,
    stage: &AudioStream,
    journey: &mut FrameContext,
    needed: &RequiredLanes,
) -> Result<(), gst::FlowError> {
    let waits = journey.policy == LatePolicy::Wait;
    let settled = |state: &Lanes, lane: usize| state.get(lane).is_none_or(Lane::is_settled);
    let all_settled = |state: &Lanes| needed.lanes().all(|it| settled(state, it));
    loop {
        let end = deadline::of_samples(journey.policy, journey.clock, journey.plan.budget);
        if !core.lanes.wait_until(end, all_settled) {
            return Err(gst::FlowError::Flushing);
        }
        if !waits || all_settled(&core.lanes.lock()) || has_others(core, needed) {
            break;
        }
    }
    if waits {
        await_stragglers(core, needed)?;
    }
    for lane in needed.lanes() {
        note_miss(core, adapter, stage, journey, lane);
    }
    Ok(())
}

fn has_others(core: &Shared, needed: &RequiredLanes) -> bool {
    core.lanes.lock().idle().any(|it| !needed.has(it))
}

/// Waits for samples that come from a lane's own thread. When they do not, the lane lags so far.
fn await_stragglers(core: &Shared, needed: &RequiredLanes) -> Result<(), gst::FlowError> {
    for lane in needed.lanes() {
        let has_all = |state: &Lanes| {
            state
                .get(lane)
                .is_none_or(|it| !it.hears() || it.run.is_some() || it.has_given_all())
        };
        if !core.lanes.wait_until(Instant::now() + RETURN_GRACE, has_all) {
            return Err(gst::FlowError::Flushing);
        }
        core.lanes.change(|state| {
            let slot = state.get_mut(lane);
            if let Some(slot) = slot.filter(|it| it.hears() && it.run.is_none()) {
                slot.admit();
            }
        });
        lags_too_far(core, lane);
    }
    Ok(())
}

/// Notes that a lane's samples did not come in time, if they did not.
fn note_miss(
    core: &Shared,
    adapter: &mut PolicyAdapter,
    stage: &AudioStream,
    journey: &mut FrameContext,
    lane: usize,
) {
    let (due, sounds) = (stage.due(), stage.seam.sounds(Source::Candidate(lane)));
    let is_late = core.lanes.change(|state| {
        let Some(slot) = state.get_mut(lane) else {
            return false;
        };
        let is_late = !slot.is_settled() && slot.hearing.ear.span().end < due;
        if is_late {
            slot.tally().misses.add(1);
            if let Some(run) = slot.run.as_mut() {
                run.abandoned = true;
            }
        }
        is_late
    });
    if is_late {
        journey.missed |= sounds;
        let elapsed = journey.clock.elapsed();
        adapter.missed(journey.now(), lane, elapsed, &core.lanes);
    }
}
