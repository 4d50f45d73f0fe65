// SPDX-License-Identifier: MPL-2.0

//! A frame's way: to the active lane, or to the floor when that one is late, and out; one in, one out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::elements::stamp;
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::lanes::status::{LaneOutput, LaneStatus, Purpose};
use crate::elements::switch::messages;
use crate::elements::switch::pads::output::restamp;
use crate::elements::switch::policy_adapter::Plan;
use crate::elements::switch::settings::{LatePolicy, Settings};
use crate::elements::switch::shared::Shared;

/// Time that is kept back for the answer to leave once the wait is over: waking a thread up took 17 µs in
/// the median and 107 µs at P99 on an idle two-core machine, and several times that on a busy one.
pub const WAKE_UP_MARGIN: Duration = Duration::from_millis(1);

/// Longest that is waited beyond the deadline where nothing else can answer: a late frame is better than
/// a lost one, but not for ever.
const FLOOR_PATIENCE: Duration = Duration::from_millis(100);

/// How long a lane may be silent, where no deadline is kept, before another one takes its frame.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Quality as QOS messages count it, in parts of a million; ours is in `stats`, frame by frame.
const QOS_FULL_QUALITY: i32 = 1_000_000;

/// How often a wait for a first candidate looks whether there is one.
pub const LOADING_POLL: Duration = Duration::from_millis(100);

/// A frame on its way.
pub struct FrameContext {
    pub frame: gst::Buffer,
    /// Monotonic time at which the frame entered; also its identity on the lanes.
    pub entered: gst::ClockTime,
    pub clock: Instant,
    pub plan: Plan,
    pub settings: Arc<Settings>,
    pub policy: LatePolicy,
    /// Whether a candidate that was asked did not answer inside the budget.
    pub missed: bool,
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    Active(usize),
    /// The last answer of a lane that answers only every k-th frame.
    Held(usize),
    Floor(usize),
    Passthrough,
}

/// What becomes of a frame.
pub enum FrameOutcome {
    Push(AnsweredBy, LaneOutput),
    Drop,
}

impl FrameContext {
    pub fn now(&self) -> Duration {
        gst::get_timestamp().into()
    }
}

impl Shared {
    /// Takes one frame in and pushes one frame out, or as much sound as came in.
    pub fn chain(self: &Arc<Self>, frame: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let stage = self.stage.lock().take();
        if let Some(mut stage) = stage {
            let flow = self.chain_sound(&mut stage, frame);
            *self.stage.lock() = Some(stage);
            return flow;
        }
        let mut journey = self.set_out(frame);
        let clock = journey.clock;
        let (fate, latency) = if journey.settings.exhaustive {
            self.survey(&mut journey)?
        } else {
            (self.answer(&mut journey)?, clock.elapsed())
        };
        self.conclude(&journey, fate, latency)
    }

    /// Sends a frame on its way: marks it, and decides who answers it.
    pub fn set_out(self: &Arc<Self>, mut frame: gst::Buffer) -> FrameContext {
        let entered = gst::get_timestamp();
        let clock = Instant::now();
        let settings = self.settings();
        stamp::stamp(frame.make_mut(), entered);
        let (pinned, budget) = {
            let mut policy_adapter = self.policy_adapter.lock();
            policy_adapter.apply(&settings);
            (policy_adapter.pinned(), policy_adapter.budget())
        };
        if let Some(pinned) = pinned {
            // A pin is obeyed to the frame, even where the candidate just looks at the last one in the shadow.
            self.board.wait_free(pinned, clock + budget / 2);
        }
        let plan = self.policy_adapter.lock().plan(entered.into(), &self.board);
        let policy = self.late_policy(&settings);
        self.do_chores(entered);
        FrameContext {
            frame,
            entered,
            clock,
            plan,
            settings,
            policy,
            missed: false,
        }
    }

    /// Gets an answer from the planned lane, from whoever stands in for it, or from the floor.
    fn answer(self: &Arc<Self>, journey: &mut FrameContext) -> Result<FrameOutcome, gst::FlowError> {
        loop {
            match journey.plan.choice.hold {
                Some((lane, begins)) if journey.policy != LatePolicy::Wait => {
                    return self.hold(journey, lane, begins);
                }
                // Where nobody is late there is nothing to hold.
                held => journey.plan.choice.answer = journey.plan.choice.answer.or(held.map(|it| it.0)),
            }
            let Some(lane) = journey.plan.choice.answer.or_else(|| self.cold_lane(journey)) else {
                if !self.must_wait(journey) {
                    self.policy_adapter.lock().lost(journey.now());
                    return self.floor(journey);
                }
                if !self.board.wait_for_somebody(Instant::now() + LOADING_POLL) {
                    return Err(gst::FlowError::Flushing);
                }
                self.replan(journey);
                continue;
            };
            let deadline = self.deadline(lane, journey);
            self.start(lane, journey, Purpose::Answer);
            self.announce(journey);
            match self.board.wait_answer(deadline) {
                Outcome::Answered(answer) => return Ok(FrameOutcome::Push(AnsweredBy::Active(lane), answer)),
                Outcome::Flushing => return Err(gst::FlowError::Flushing),
                Outcome::Deadline => {
                    self.missed(lane, journey);
                    if !self.must_wait(journey) {
                        return self.floor(journey);
                    }
                }
                Outcome::NoAnswer => journey.missed = true,
            }
            self.replan(journey);
        }
    }

    /// The frame itself, where it will do, or whoever answers at once.
    pub fn floor(self: &Arc<Self>, journey: &mut FrameContext) -> Result<FrameOutcome, gst::FlowError> {
        if journey.policy == LatePolicy::Drop {
            return Ok(FrameOutcome::Drop);
        }
        let frame_will_do = self.frame_will_do();
        let ready = || self.board.lock().floor(journey.plan.floor, frame_will_do, None);
        let mut lane = ready();
        if lane.is_none() && !frame_will_do {
            // All are busy, some perhaps only with a look at the last frame in the shadow.
            if !self.board.wait_for_somebody(Instant::now() + FLOOR_PATIENCE) {
                return Err(gst::FlowError::Flushing);
            }
            lane = ready();
        }
        if let Some(lane) = lane {
            let patience = Some(Instant::now() + FLOOR_PATIENCE);
            match self.run(lane, journey, Purpose::Answer, patience) {
                Outcome::Answered(answer) => return Ok(FrameOutcome::Push(AnsweredBy::Floor(lane), answer)),
                Outcome::Flushing => return Err(gst::FlowError::Flushing),
                Outcome::Deadline => self.missed(lane, journey),
                Outcome::NoAnswer => {}
            }
        }
        let has_hope = self.board.lock().slots.iter().any(LaneStatus::may_come);
        match (frame_will_do || !has_hope, journey.policy) {
            (true, LatePolicy::Wait) if !has_hope => Err(self.give_up()),
            (true, _) => Ok(FrameOutcome::Push(
                AnsweredBy::Passthrough,
                LaneOutput {
                    buffer: journey.frame.clone(),
                    caps: self.sink.current_caps(),
                },
            )),
            (false, _) => Ok(FrameOutcome::Drop),
        }
    }

    pub fn give_up(&self) -> gst::FlowError {
        if let Some(switch) = self.switch.upgrade() {
            gst::element_error!(
                switch,
                gst::StreamError::Failed,
                ("no candidate can answer: all of them failed"),
                ["see the warnings before this; with late-policy=floor the frame itself would pass"]
            );
        }
        gst::FlowError::Error
    }

    pub fn replan(&self, journey: &mut FrameContext) {
        // A switch that led to nobody's answer is told before the next one.
        self.announce(journey);
        journey.plan.choice = self.policy_adapter.lock().decide(journey.now(), &self.board);
    }

    /// When the wait for `lane` ends: early enough for the floor to answer in time, if there is one.
    ///
    /// Where no deadline is kept (yet), it ends only if somebody else could take the frame.
    fn deadline(&self, lane: usize, journey: &FrameContext) -> Option<Instant> {
        // Before the first answer nothing else could go out either.
        let is_patient = journey.policy == LatePolicy::Wait || self.outgoing.lock().caps().is_none();
        let frame_will_do = self.frame_will_do();
        let state = self.board.lock();
        if is_patient {
            let has_other = state.idle().any(|it| it != lane);
            let usual = state
                .slots
                .get(lane)
                .and_then(|it| it.tally.window.max())
                .unwrap_or_default();
            return has_other.then(|| Instant::now() + PATIENCE.max(usual * 20));
        }
        let budget = journey.plan.budget;
        let floor = state.floor(journey.plan.floor, frame_will_do, Some(lane));
        if floor.is_none() && !frame_will_do {
            return Some(journey.clock + budget + FLOOR_PATIENCE);
        }
        let cost = floor
            .and_then(|it| state.slots.get(it)?.tally.window.percentile(95.0))
            .unwrap_or_default();
        Some(journey.clock + (budget - (cost + WAKE_UP_MARGIN).min(budget / 2)))
    }

    /// Whether downstream would take the frame as it is.
    fn frame_will_do(&self) -> bool {
        self.outgoing.lock().caps() == self.sink.current_caps().as_ref()
    }

    /// Runs one lane on the frame and waits for its answer.
    pub fn run(
        self: &Arc<Self>,
        lane: usize,
        journey: &FrameContext,
        purpose: Purpose,
        deadline: Option<Instant>,
    ) -> Outcome {
        self.start(lane, journey, purpose);
        self.board.wait_answer(deadline)
    }

    /// Gives the frame to a lane.
    pub fn start(self: &Arc<Self>, lane: usize, journey: &FrameContext, purpose: Purpose) {
        self.board
            .lock()
            .claim(lane, journey.entered, journey.frame.pts(), purpose);
        self.feed(lane, &journey.frame);
    }

    /// Pushes a frame into the lane that was claimed for it.
    pub fn feed(self: &Arc<Self>, number: usize, frame: &gst::Buffer) {
        let entered = stamp::read(frame);
        let Some(lane) = self.lane(number) else {
            return self.board.swallowed(number, entered);
        };
        if self
            .board
            .lock()
            .slots
            .get_mut(number)
            .is_some_and(|it| std::mem::take(&mut it.needs_flush))
        {
            self.flush_lane(&lane.entry);
        }
        if let Err(error) = lane.entry.push(frame.clone()) {
            self.returned(number, entered, Err(error));
        }
    }

    /// Takes in how the push of a frame into a candidate returned.
    pub fn returned(
        self: &Arc<Self>,
        number: usize,
        entered: Option<gst::ClockTime>,
        flow: Result<gst::FlowSuccess, gst::FlowError>,
    ) {
        match flow {
            Ok(_) if self.board.lock().sound.is_some() => self.sound_returned(number, entered),
            Ok(_) => self.board.returned(number, entered),
            // The lane is being stopped.
            Err(gst::FlowError::Flushing) => self.board.swallowed(number, entered),
            Err(error) => {
                let remedy = "see that the candidate takes the caps of the stream, and its own messages";
                self.lane_failed(number, &format!("it refuses a frame: {error}"), remedy);
            }
        }
    }

    /// Gives an idle lane the flush that it could not take while it was busy.
    pub fn flush_lane(&self, entry: &gst::Pad) {
        entry.push_event(gst::event::FlushStart::new());
        entry.push_event(gst::event::FlushStop::new(true));
        if let Some(segment) = self.sink.sticky_event::<gst::event::Segment>(0) {
            entry.push_event(segment);
        }
    }

    /// Notes that `number` did not answer in time, and lets it go on by itself.
    fn missed(&self, number: usize, journey: &mut FrameContext) {
        journey.missed = true;
        let elapsed = journey.clock.elapsed();
        self.policy_adapter
            .lock()
            .missed(journey.now(), number, elapsed, &self.board);
        if let Some(slot) = self.board.lock().slots.get_mut(number) {
            slot.tally.misses += 1;
        }
    }

    /// A lane that is loaded but not warm: it answers only where the stream could not go on otherwise.
    fn cold_lane(&self, journey: &FrameContext) -> Option<usize> {
        if !self.must_wait(journey) {
            return None;
        }
        let state = self.board.lock();
        let could_answer = |it: &usize| state.slots.get(*it).is_some_and(LaneStatus::could_answer);
        match journey.plan.pinned {
            Some(lane) => Some(lane).filter(could_answer),
            None => journey
                .plan
                .floor
                .filter(could_answer)
                .or_else(|| (0..state.slots.len()).find(could_answer)),
        }
    }

    /// Whether the frame has to wait for a lane to be loaded or to be free: before the first answer,
    /// because the caps are not known yet, and where no deadline is kept.
    fn must_wait(&self, journey: &FrameContext) -> bool {
        let may_wait = journey.policy == LatePolicy::Wait || self.outgoing.lock().caps().is_none();
        let state = self.board.lock();
        may_wait
            && match journey.plan.pinned {
                Some(lane) => state.slots.get(lane).is_some_and(LaneStatus::is_worth_waiting),
                None => state.slots.iter().any(LaneStatus::is_worth_waiting),
            }
    }

    /// Keeps the record, lets others look at the frame in the slack, and sends the answer out.
    fn conclude(
        self: &Arc<Self>,
        journey: &FrameContext,
        fate: FrameOutcome,
        latency: Duration,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let FrameOutcome::Push(source, mut answer) = fate else {
            self.record(journey, None, latency);
            self.warm_up_beside(journey);
            return Ok(gst::FlowSuccess::Ok);
        };
        restamp(&journey.frame, journey.entered, &mut answer);
        let events = self.outgoing.lock().before(answer.caps.as_ref());
        self.record(journey, Some(source), latency);
        self.look_beside(journey, source, &answer);
        self.push_events(events);
        self.src.push(answer.buffer)
    }

    fn record(&self, journey: &FrameContext, source: Option<AnsweredBy>, latency: Duration) {
        let is_answered = matches!(
            source,
            Some(AnsweredBy::Active(_) | AnsweredBy::Held(_) | AnsweredBy::Floor(_))
        );
        let is_miss = journey.missed || !is_answered || journey.plan.budget < latency;
        if let Some(AnsweredBy::Active(lane) | AnsweredBy::Held(lane) | AnsweredBy::Floor(lane)) = source
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
            match source {
                Some(source) => {
                    totals.frames_out += 1;
                    totals.held_answers += u64::from(matches!(source, AnsweredBy::Held(_)));
                    totals.floor_answers +=
                        u64::from(matches!(source, AnsweredBy::Floor(_) | AnsweredBy::Passthrough));
                    totals.latency.push(latency);
                }
                None => totals.dropped += 1,
            }
        }
        if journey.settings.frame_messages {
            self.post(messages::frame(self, journey, source, latency, is_miss));
        }
        if is_miss {
            self.post_qos(journey, latency);
        }
    }

    /// Tells the application that quality was given up to keep the deadline.
    pub fn post_qos(&self, journey: &FrameContext, latency: Duration) {
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        let segment = self.sink.sticky_event::<gst::event::Segment>(0);
        let segment = segment.and_then(|it| it.segment().downcast_ref::<gst::ClockTime>().cloned());
        let place = segment.as_ref().zip(journey.frame.pts());
        let (processed, dropped) = {
            let totals = self.totals.lock();
            (totals.frames_out, totals.dropped)
        };
        let jitter = latency.as_nanos() as i64 - journey.plan.budget.as_nanos() as i64;
        let message = gst::message::Qos::builder(journey.policy != LatePolicy::Wait)
            .running_time_if_some(place.and_then(|(segment, pts)| segment.to_running_time(pts)))
            .stream_time_if_some(place.and_then(|(segment, pts)| segment.to_stream_time(pts)))
            .timestamp_if_some(journey.frame.pts())
            .duration_if_some(journey.frame.duration())
            .values(
                jitter,
                latency.as_secs_f64() / journey.plan.budget.as_secs_f64(),
                QOS_FULL_QUALITY,
            )
            .stats(
                gst::format::Buffers::from_u64(processed),
                gst::format::Buffers::from_u64(dropped),
            )
            .src(&switch)
            .build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = switch.post_message(message);
    }
}
