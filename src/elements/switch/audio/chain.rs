// SPDX-License-Identifier: MPL-2.0

//! A buffer of sound on its way: to the lanes that hear, and as many samples out as came in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;

use super::feed::RequiredLanes;
use super::lane::{Sound, WARM_AHEAD};
use super::stream::{AudioStream, Versions};
use crate::audio::Source;
use crate::elements::switch::lanes::status::LaneStatus;
use crate::elements::switch::messages;
use crate::elements::switch::policy_adapter::Plan;
use crate::elements::switch::settings::LatePolicy;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::video::chain::{AnsweredBy, FrameContext, LOADING_POLL};

impl Shared {
    /// Takes a buffer of sound in, and pushes the samples out that are due then.
    pub fn chain_sound(
        self: &Arc<Self>,
        stream: &mut AudioStream,
        frame: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(samples) = stream.spec.samples_of(frame.size()) else {
            return Err(self.reject(stream, frame.size()));
        };
        if samples == 0 {
            return Ok(gst::FlowSuccess::Ok);
        }
        let pts = frame.pts();
        let is_marked = frame.flags().contains(gst::BufferFlags::DISCONT);
        if !stream.is_new && !stream.timeline.continues(pts, is_marked) {
            self.end_sound(stream)?;
        }
        if stream.is_new {
            stream.begin(pts);
        }
        self.follow_buffer_duration(stream, samples);
        let mut context = self.set_out(frame);
        self.take_in(stream, &mut context, samples)?;
        self.answer_sound(stream, &mut context)?;
        self.conclude_sound(stream, context)
    }

    fn reject(&self, stream: &AudioStream, bytes: usize) -> gst::FlowError {
        if let Some(switch) = self.switch.upgrade() {
            let width = stream.spec.width();
            gst::element_error!(
                switch,
                gst::StreamError::Format,
                ("a buffer of {bytes} bytes is not a whole number of samples of {width} bytes"),
                ["see what is before the switch: its caps do not tell what its buffers hold"]
            );
        }
        gst::FlowError::Error
    }

    /// Lets the budget follow the buffers' duration, and tells the pipeline when the latency follows from it.
    fn follow_buffer_duration(&self, stream: &mut AudioStream, samples: u64) {
        let Some(duration) = stream.buffer_duration.take(stream.spec.duration_of(samples)) else {
            return;
        };
        let (before, after) = {
            let mut policy_adapter = self.policy_adapter.lock();
            let before = policy_adapter.budget();
            policy_adapter.set_frame_duration(duration, true);
            (before, policy_adapter.budget())
        };
        if before != after {
            self.post_latency();
        }
    }

    /// Puts the buffer in its place in the stream.
    fn take_in(
        &self,
        stream: &mut AudioStream,
        context: &mut FrameContext,
        samples: u64,
    ) -> Result<(), gst::FlowError> {
        let pts = context.frame.pts();
        let start = stream.timeline.end();
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
        self.board.lock().sound = Some(Sound {
            spec: stream.spec,
            timeline: stream.timeline,
        });
        Ok(())
    }

    /// Lets the lanes that are needed hear the buffer, and waits for them; where no deadline is kept, until somebody has
    /// given what is due.
    fn answer_sound(
        self: &Arc<Self>,
        stream: &mut AudioStream,
        context: &mut FrameContext,
    ) -> Result<(), gst::FlowError> {
        loop {
            self.choose_lane(stream, context)?;
            let needed = self.feed_needed(stream, context);
            self.await_needed(stream, context, &needed)?;
            self.keep_delay(stream);
            if context.policy != LatePolicy::Wait || self.has_voice(stream, context, &needed) {
                return Ok(());
            }
            context.missed = true;
            context.plan.choice = self.policy_adapter.lock().decide(context.now(), &self.board);
        }
    }

    /// Whom the policy wants; where no deadline is kept, whoever there is, and there has to be somebody.
    fn choose_lane(&self, stream: &mut AudioStream, context: &mut FrameContext) -> Result<(), gst::FlowError> {
        loop {
            let choice = &mut context.plan.choice;
            let switch = choice.switch.take();
            let waits = context.policy == LatePolicy::Wait;
            let chosen = choice.answer.or(choice.hold.map(|it| it.0));
            let cold = || {
                if waits {
                    self.cold_voice(&context.plan)
                } else {
                    None
                }
            };
            match chosen.or_else(cold) {
                Some(lane) => {
                    stream.want(lane, switch);
                    return Ok(());
                }
                None if !waits => {
                    self.policy_adapter.lock().lost(context.now());
                    context.missed = true;
                    return Ok(());
                }
                // Somebody who hears goes on, whatever the policy knows of him.
                None if self.is_served(stream) => return Ok(()),
                None if !self.board.lock().slots.iter().any(LaneStatus::is_worth_waiting) => {
                    return Err(self.give_up());
                }
                None => {}
            }
            if !self.board.wait_for_somebody(Instant::now() + LOADING_POLL) {
                return Err(gst::FlowError::Flushing);
            }
            context.plan.choice = self.policy_adapter.lock().decide(context.now(), &self.board);
        }
    }

    /// A lane that is loaded but not warm; while the one that is pinned may come, no other.
    fn cold_voice(&self, plan: &Plan) -> Option<usize> {
        let state = self.board.lock();
        let slot = |lane: usize| state.slots.get(lane);
        let could = |lane: &usize| slot(*lane).is_some_and(LaneStatus::could_answer);
        let pinned = plan
            .pinned
            .filter(|it| slot(*it).is_some_and(LaneStatus::is_worth_waiting));
        match pinned {
            Some(lane) => Some(lane).filter(could),
            None => plan
                .floor
                .filter(could)
                .or_else(|| (0..state.slots.len()).find(could)),
        }
    }

    /// Whether a lane is there from which what is due can go out, or which left it out.
    fn has_voice(&self, stream: &AudioStream, context: &FrameContext, needed: &RequiredLanes) -> bool {
        let state = self.board.lock();
        let versions = Versions {
            input: &stream.input,
            slots: &state.slots,
        };
        let requests = stream.requests(&state, context.plan.floor);
        let can = stream.crossfader.can_play(&requests, stream.due(), &versions);
        let has_heard = |slot: &LaneStatus| slot.keeps_up() && slot.is_settled();
        can || needed
            .lanes()
            .any(|it| state.slots.get(it).is_some_and(has_heard))
    }

    /// Sends out what is due, keeps the record, and lets others hear the buffer in the slack.
    fn conclude_sound(
        self: &Arc<Self>,
        stream: &mut AudioStream,
        mut context: FrameContext,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let out = self.play_due(stream, &context)?;
        let active = self.totals.lock().active;
        if let Some(switch) = stream.take_switch(active) {
            context.plan.choice.switch = Some(switch);
            self.announce(&mut context);
        }
        let latency = context.clock.elapsed();
        let source = match stream.crossfader.target() {
            Some(Source::Candidate(lane)) if Some(lane) == stream.wanted || Some(lane) == stream.leaving => {
                AnsweredBy::Active(lane)
            }
            Some(Source::Candidate(lane)) => AnsweredBy::Floor(lane),
            _ => AnsweredBy::Passthrough,
        };
        stream.part();
        let is_dropped = context.policy == LatePolicy::Drop && source == AnsweredBy::Passthrough;
        self.record_sound(&context, source, (out.is_some(), is_dropped), latency);
        self.hear_beside(stream, &context, source);
        self.warmed();
        match out {
            Some(_) if is_dropped => {
                stream.is_discontinuous = true;
                Ok(gst::FlowSuccess::Ok)
            }
            Some(buffer) => self.push_sound(stream, buffer),
            // The first samples are still on their way through the lanes.
            None => Ok(gst::FlowSuccess::Ok),
        }
    }

    /// Makes a buffer of the samples that are due; `None` when none are.
    pub(in crate::elements::switch) fn play_due(
        &self,
        stream: &mut AudioStream,
        context: &FrameContext,
    ) -> Result<Option<gst::Buffer>, gst::FlowError> {
        let memory = match context.policy {
            LatePolicy::Wait => stream.spec.samples_in(WARM_AHEAD),
            _ => 0,
        };
        let due = stream.due();
        let out = self.play_to(stream, due, context.plan.floor, Some(context.entered))?;
        stream.forget(&mut self.board.lock(), memory);
        Ok(out)
    }

    /// Makes a buffer of the samples up to a position; `None` when that is reached already.
    pub(in crate::elements::switch) fn play_to(
        &self,
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
            let state = self.board.lock();
            let requests = stream.requests(&state, floor);
            let versions = Versions {
                input: &stream.input,
                slots: &state.slots,
            };
            stream.crossfader.play(&requests, &versions, &mut map);
            match stream.crossfader.target() {
                Some(Source::Candidate(lane)) => {
                    state.slots.get(lane).map(|it| it.audio.said.within(begin..end))
                }
                _ => None,
            }
        };
        stream.apply_metadata(buffer, begin, entered, &said.unwrap_or_default());
        Ok(Some(out))
    }

    pub(in crate::elements::switch) fn push_sound(
        &self,
        stream: &AudioStream,
        buffer: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let events = self.outgoing.lock().before(Some(&stream.caps));
        self.push_events(events);
        self.src.push(buffer)
    }

    fn record_sound(
        &self,
        context: &FrameContext,
        source: AnsweredBy,
        (is_out, is_dropped): (bool, bool),
        latency: Duration,
    ) {
        let is_miss = context.missed || source == AnsweredBy::Passthrough || context.plan.budget < latency;
        if let AnsweredBy::Active(lane) | AnsweredBy::Floor(lane) = source
            && let Some(slot) = self.board.lock().slots.get_mut(lane)
        {
            slot.tally.answers += 1;
            slot.tally.misses += u64::from(is_miss && !context.missed);
        }
        {
            let mut totals = self.totals.lock();
            totals.frames_in += 1;
            totals.budget = context.plan.budget;
            totals.misses += u64::from(is_miss);
            totals.frames_out += u64::from(is_out && !is_dropped);
            totals.dropped += u64::from(is_out && is_dropped);
            totals.floor_answers += u64::from(!matches!(source, AnsweredBy::Active(_)));
            totals.latency.push(latency);
        }
        if context.settings.frame_messages {
            let source = Some(source).filter(|_| !is_dropped);
            self.post(messages::frame(self, context, source, latency, is_miss));
        }
        if is_miss {
            self.post_qos(context, latency);
        }
    }

    /// Tells of the lanes that have become warm.
    fn warmed(&self) {
        loop {
            let name = {
                let mut state = self.board.lock();
                let Some(lane) = state.warmed.pop() else { return };
                state
                    .slots
                    .get(lane)
                    .map(|it| it.name.clone())
                    .unwrap_or_default()
            };
            self.post(messages::candidate_ready(&name));
        }
    }
}
