// SPDX-License-Identifier: MPL-2.0

//! Who has to hear a buffer before the samples that are due can go out, and the wait for them.

use std::sync::Arc;
use std::time::Instant;

use super::lane::{AudioBlock, FeedResult};
use super::stream::AudioStream;
use crate::audio::Source;
use crate::elements::switch::lanes::run::State;
use crate::elements::switch::lanes::status::LaneStatus;
use crate::elements::switch::lanes::table::RETURN_GRACE;
use crate::elements::switch::settings::LatePolicy;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::video::chain::{FrameContext, PATIENCE, WAKE_UP_MARGIN};
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

impl Shared {
    /// Lets the lanes hear the newest buffer from which samples may go out now.
    pub(in crate::elements::switch) fn feed_needed(
        self: &Arc<Self>,
        stream: &AudioStream,
        context: &FrameContext,
    ) -> RequiredLanes {
        let needed = self.needed(stream, context);
        let is_alone = needed.lanes().nth(1).is_none();
        let is_served = self.is_served(stream);
        for lane in needed.lanes() {
            // Nothing may go out that no lane has heard: who steps in hears what was before, too.
            let steps_in = context.policy == LatePolicy::Wait && !is_served && stream.wanted == Some(lane);
            if steps_in && self.must_go_back(stream, lane) {
                for heard in stream.before_newest() {
                    self.hear(lane, heard, context);
                }
            }
            let kind = if is_alone {
                RunKind::Active
            } else {
                RunKind::Overlapped
            };
            if let Some(heard) = stream.newest(kind) {
                self.hear(lane, heard, context);
            }
        }
        needed
    }

    /// Whether the lane has not heard enough to sound at once, and could by hearing the last buffers again.
    fn must_go_back(&self, stream: &AudioStream, lane: usize) -> bool {
        let oldest = stream.recent.front().map(|it| it.0.start);
        self.board.change(|state| {
            let Some(slot) = state.slots.get_mut(lane) else {
                return false;
            };
            let is_ready = slot
                .ready_at(stream.timeline.origin(), &stream.spec)
                .is_some_and(|it| it <= stream.crossfader.position());
            let goes_back = !is_ready && slot.audio.track.since().is_none_or(|it| oldest < Some(it));
            if goes_back {
                slot.audio.end();
            }
            goes_back
        })
    }

    /// Whether a lane that sounds hears the stream.
    pub(in crate::elements::switch) fn is_served(&self, stream: &AudioStream) -> bool {
        let state = self.board.lock();
        let hears = |slot: &LaneStatus| slot.keeps_up() && !slot.is_forbidden;
        let mut all = state.slots.iter().enumerate();
        all.any(|(lane, slot)| stream.crossfader.sounds(Source::Candidate(lane)) && hears(slot))
    }

    fn needed(&self, stream: &AudioStream, context: &FrameContext) -> RequiredLanes {
        let state = self.board.lock();
        let mut needed = RequiredLanes::default();
        let sounds = |lane: &usize| stream.crossfader.sounds(Source::Candidate(*lane));
        // Who hears nothing any more cannot give more; and who was waited for long enough is not waited for again.
        let hears = |it: &usize| {
            state.slots.get(*it).is_some_and(|it| match context.policy {
                LatePolicy::Wait => it.keeps_up(),
                _ => it.hears(),
            })
        };
        for lane in (0..state.slots.len()).filter(sounds).filter(hears) {
            needed.add(lane);
        }
        if let Some(lane) = stream.wanted
            && (context.policy == LatePolicy::Wait || self.is_due(stream, &state, lane))
        {
            needed.add(lane);
        }
        needed
    }

    /// Whether the lane may sound with this buffer: it has heard enough, or it can hear the stream from its beginning.
    fn is_due(&self, stream: &AudioStream, state: &State, lane: usize) -> bool {
        let origin = stream.timeline.origin();
        let is_first = stream.recent.len() == 1 && stream.recent[0].0.start == origin;
        let ready_at = state
            .slots
            .get(lane)
            .and_then(|it| it.ready_at(origin, &stream.spec));
        ready_at.map_or(is_first, |it| it < stream.due())
    }

    /// Lets a lane hear a buffer, at once or after those that it is still at. Where no deadline is kept, it is waited for
    /// instead, so that none falls behind because the stream is fast.
    pub(in crate::elements::switch) fn hear(
        self: &Arc<Self>,
        lane: usize,
        heard: AudioBlock,
        context: &FrameContext,
    ) {
        if context.policy == LatePolicy::Wait {
            let is_settled = |state: &State| state.slots.get(lane).is_none_or(LaneStatus::is_settled);
            self.board.wait_until(Instant::now() + PATIENCE, is_settled);
            self.board.change(|state| match state.slots.get_mut(lane) {
                Some(slot) if !slot.is_settled() => slot.audio.end(),
                _ => {}
            });
        }
        let handed = self.board.lock().hear(lane, heard);
        if let FeedResult::Push(frame) = handed {
            self.feed(lane, &frame);
        }
    }

    /// Waits until all that are needed have given back what they can, or until the deadline.
    pub(in crate::elements::switch) fn await_needed(
        self: &Arc<Self>,
        stream: &AudioStream,
        context: &mut FrameContext,
        needed: &RequiredLanes,
    ) -> Result<(), gst::FlowError> {
        let waits = context.policy == LatePolicy::Wait;
        let budget = context.plan.budget;
        let deadline = context.clock + (budget - WAKE_UP_MARGIN.min(budget / 2));
        let settled = |state: &State, lane: usize| state.slots.get(lane).is_none_or(LaneStatus::is_settled);
        let all_settled = |state: &State| needed.lanes().all(|it| settled(state, it));
        loop {
            let end = if waits {
                Instant::now() + PATIENCE
            } else {
                deadline
            };
            if !self.board.wait_until(end, all_settled) {
                return Err(gst::FlowError::Flushing);
            }
            if !waits || all_settled(&self.board.lock()) || self.has_others(needed) {
                break;
            }
        }
        if waits {
            self.await_stragglers(needed)?;
        }
        for lane in needed.lanes() {
            self.note_miss(stream, context, lane);
        }
        Ok(())
    }

    fn has_others(&self, needed: &RequiredLanes) -> bool {
        self.board.lock().idle().any(|it| !needed.has(it))
    }

    /// Waits for samples that come from a lane's own thread. When they do not, the lane lags so far.
    fn await_stragglers(self: &Arc<Self>, needed: &RequiredLanes) -> Result<(), gst::FlowError> {
        for lane in needed.lanes() {
            let has_all = |state: &State| {
                state
                    .slots
                    .get(lane)
                    .is_none_or(|it| !it.hears() || it.run.is_some() || it.has_given_all())
            };
            if !self.board.wait_until(Instant::now() + RETURN_GRACE, has_all) {
                return Err(gst::FlowError::Flushing);
            }
            self.board.change(|state| {
                let slot = state.slots.get_mut(lane);
                if let Some(slot) = slot.filter(|it| it.hears() && it.run.is_none()) {
                    slot.accept_lag();
                }
            });
            self.lags_too_far(lane);
        }
        Ok(())
    }

    /// Notes that a lane's samples did not come in time, if they did not.
    fn note_miss(&self, stream: &AudioStream, context: &mut FrameContext, lane: usize) {
        let (due, sounds) = (stream.due(), stream.crossfader.sounds(Source::Candidate(lane)));
        let is_late = self.board.change(|state| {
            let Some(slot) = state.slots.get_mut(lane) else {
                return false;
            };
            let is_late = !slot.is_settled() && slot.audio.track.span().end < due;
            if is_late {
                slot.tally.misses += 1;
                if let Some(run) = slot.run.as_mut() {
                    run.abandoned = true;
                }
            }
            is_late
        });
        if is_late {
            context.missed |= sounds;
            let elapsed = context.clock.elapsed();
            self.policy_adapter
                .lock()
                .missed(context.now(), lane, elapsed, &self.board);
        }
    }
}
