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
use crate::messages::CandidateReady;

impl Shared {
    /// Takes a buffer of sound in, and pushes the samples out that are due then.
    pub fn chain_sound(
        self: &Arc<Self>,
        stage: &mut AudioStream,
        frame: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let Some(samples) = stage.spec.samples_of(frame.size()) else {
            return Err(self.reject(stage, frame.size()));
        };
        if samples == 0 {
            return Ok(gst::FlowSuccess::Ok);
        }
        let pts = frame.pts().map(Duration::from);
        let is_marked = frame.flags().contains(gst::BufferFlags::DISCONT);
        if !stage.is_new && !stage.timeline.continues(pts, is_marked) {
            self.end_sound(stage)?;
        }
        if stage.is_new {
            stage.begin(pts);
        }
        self.keep_pace(stage, samples);
        let mut journey = self.set_out(frame);
        self.take_in(stage, &mut journey, samples)?;
        self.answer_sound(stage, &mut journey)?;
        self.conclude_sound(stage, journey)
    }

    fn reject(&self, stage: &AudioStream, bytes: usize) -> gst::FlowError {
        if let Some(switch) = self.switch.upgrade() {
            let width = stage.spec.width();
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
    fn keep_pace(&self, stage: &mut AudioStream, samples: u64) {
        let Some(duration) = stage.pace.take(stage.spec.duration_of(samples)) else {
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
        self.board.lock().sound = Some(Sound {
            spec: stage.spec,
            timeline: stage.timeline,
        });
        Ok(())
    }

    /// Lets the lanes that are needed hear the buffer, and waits for them; where no deadline is kept, until somebody has
    /// given what is due.
    fn answer_sound(
        self: &Arc<Self>,
        stage: &mut AudioStream,
        journey: &mut FrameContext,
    ) -> Result<(), gst::FlowError> {
        loop {
            self.choose_lane(stage, journey)?;
            let needed = self.feed_needed(stage, journey);
            self.await_needed(stage, journey, &needed)?;
            self.keep_delay(stage);
            if journey.policy != LatePolicy::Wait || self.has_voice(stage, journey, &needed) {
                return Ok(());
            }
            journey.missed = true;
            journey.plan.choice = self.policy_adapter.lock().decide(journey.now(), &self.board);
        }
    }

    /// Whom the policy wants; where no deadline is kept, whoever there is, and there has to be somebody.
    fn choose_lane(&self, stage: &mut AudioStream, journey: &mut FrameContext) -> Result<(), gst::FlowError> {
        loop {
            let choice = &mut journey.plan.choice;
            let switch = choice.switch.take();
            let waits = journey.policy == LatePolicy::Wait;
            let chosen = choice.answer.or(choice.hold.map(|it| it.0));
            let cold = || {
                if waits {
                    self.cold_voice(&journey.plan)
                } else {
                    None
                }
            };
            match chosen.or_else(cold) {
                Some(lane) => {
                    stage.want(lane, switch);
                    return Ok(());
                }
                None if !waits => {
                    self.policy_adapter.lock().lost(journey.now());
                    journey.missed = true;
                    return Ok(());
                }
                // Somebody who hears goes on, whatever the policy knows of him.
                None if self.is_served(stage) => return Ok(()),
                None if !self.board.lock().slots.iter().any(LaneStatus::is_worth_waiting) => {
                    return Err(self.give_up());
                }
                None => {}
            }
            if !self.board.wait_for_somebody(Instant::now() + LOADING_POLL) {
                return Err(gst::FlowError::Flushing);
            }
            journey.plan.choice = self.policy_adapter.lock().decide(journey.now(), &self.board);
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
    fn has_voice(&self, stage: &AudioStream, journey: &FrameContext, needed: &RequiredLanes) -> bool {
        let state = self.board.lock();
        let versions = Versions {
            input: &stage.input,
            slots: &state.slots,
        };
        let wishes = stage.wishes(&state, journey.plan.floor);
        let can = stage.seam.can_play(&wishes, stage.due(), &versions);
        let has_heard = |slot: &LaneStatus| slot.keeps_up() && slot.is_settled();
        can || needed
            .lanes()
            .any(|it| state.slots.get(it).is_some_and(has_heard))
    }

    /// Sends out what is due, keeps the record, and lets others hear the buffer in the slack.
    fn conclude_sound(
        self: &Arc<Self>,
        stage: &mut AudioStream,
        mut journey: FrameContext,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let out = self.play_due(stage, &journey)?;
        let active = self.totals.lock().active;
        if let Some(switch) = stage.take_switch(active) {
            journey.plan.choice.switch = Some(switch);
            self.announce(&mut journey);
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
        self.record_sound(&journey, source, (out.is_some(), is_dropped), latency);
        self.hear_beside(stage, &journey, source);
        self.warmed();
        match out {
            Some(_) if is_dropped => {
                stage.is_discontinuous = true;
                Ok(gst::FlowSuccess::Ok)
            }
            Some(buffer) => self.push_sound(stage, buffer),
            // The first samples are still on their way through the lanes.
            None => Ok(gst::FlowSuccess::Ok),
        }
    }

    /// Makes a buffer of the samples that are due; `None` when none are.
    pub(in crate::elements::switch) fn play_due(
        &self,
        stage: &mut AudioStream,
        journey: &FrameContext,
    ) -> Result<Option<gst::Buffer>, gst::FlowError> {
        let memory = match journey.policy {
            LatePolicy::Wait => stage.spec.samples_in(WARM_AHEAD),
            _ => 0,
        };
        let due = stage.due();
        let out = self.play_to(stage, due, journey.plan.floor, Some(journey.entered))?;
        stage.forget(&mut self.board.lock(), memory);
        Ok(out)
    }

    /// Makes a buffer of the samples up to a position; `None` when that is reached already.
    pub(in crate::elements::switch) fn play_to(
        &self,
        stage: &mut AudioStream,
        end: u64,
        floor: Option<usize>,
        entered: Option<gst::ClockTime>,
    ) -> Result<Option<gst::Buffer>, gst::FlowError> {
        let begin = stage.seam.position();
        let Some(samples) = end.checked_sub(begin).filter(|it| 0 < *it) else {
            return Ok(None);
        };
        let mut out = stage.stock.take(samples as usize * stage.spec.width())?;
        let buffer = out.get_mut().ok_or(gst::FlowError::Error)?;
        let said = {
            let mut map = buffer.map_writable().map_err(|_| gst::FlowError::Error)?;
            let state = self.board.lock();
            let wishes = stage.wishes(&state, floor);
            let versions = Versions {
                input: &stage.input,
                slots: &state.slots,
            };
            stage.seam.play(&wishes, &versions, &mut map);
            match stage.seam.target() {
                Some(Source::Candidate(lane)) => {
                    state.slots.get(lane).map(|it| it.hearing.said.within(begin..end))
                }
                _ => None,
            }
        };
        stage.apply_metadata(buffer, begin, entered, &said.unwrap_or_default());
        Ok(Some(out))
    }

    pub(in crate::elements::switch) fn push_sound(
        &self,
        stage: &AudioStream,
        buffer: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let events = self.outgoing.lock().before(Some(&stage.caps));
        self.push_events(events);
        self.src.push(buffer)
    }

    fn record_sound(
        &self,
        journey: &FrameContext,
        source: AnsweredBy,
        (is_out, is_dropped): (bool, bool),
        latency: Duration,
    ) {
        let is_miss = journey.missed || source == AnsweredBy::Passthrough || journey.plan.budget < latency;
        if let AnsweredBy::Active(lane) | AnsweredBy::Floor(lane) = source
            && let Some(slot) = self.board.lock().slots.get_mut(lane)
        {
            slot.tally.answers += 1;
            slot.tally.misses += u64::from(is_miss && !journey.missed);
        }
        {
            let mut totals = self.totals.lock();
            totals.frames_in += 1;
            totals.budget = journey.plan.budget;
            totals.misses += u64::from(is_miss);
            totals.frames_out += u64::from(is_out && !is_dropped);
            totals.dropped += u64::from(is_out && is_dropped);
            totals.floor_answers += u64::from(!matches!(source, AnsweredBy::Active(_)));
            totals.latency.push(latency);
        }
        if journey.settings.frame_messages {
            let source = Some(source).filter(|_| !is_dropped);
            self.post(messages::frame(self, journey, source, latency, is_miss));
        }
        if is_miss {
            self.post_qos(journey, latency);
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
            self.post(CandidateReady { candidate: name });
        }
    }
}
