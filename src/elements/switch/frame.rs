// SPDX-License-Identifier: MPL-2.0

//! A frame, or a buffer of audio, on its way through the switch: its plan, and the record of how it went.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;

use super::CAT;
use super::deadline;
use super::lanes::watchdog;
use super::messages;
use super::policy_adapter::{Plan, PolicyAdapter};
use super::settings::{LatePolicy, Settings};
use super::shared::Shared;
use crate::elements::stamp;

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

impl AnsweredBy {
    /// The lane that answered.
    pub fn lane(self) -> Option<usize> {
        match self {
            AnsweredBy::Active(lane) | AnsweredBy::Held(lane) | AnsweredBy::Floor(lane) => Some(lane),
            AnsweredBy::Passthrough => None,
        }
    }
}

/// What left of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Answer,
    /// It was dropped.
    Nothing,
    /// The first samples are still on their way through the lanes.
    NotYet,
}

impl FrameContext {
    /// Sends a frame on its way: marks it, and decides who answers it.
    pub fn enter(core: &Shared, adapter: &mut PolicyAdapter, mut frame: gst::Buffer) -> FrameContext {
        let entered = gst::get_timestamp();
        let clock = Instant::now();
        let settings = core.settings.load_full();
        stamp::stamp(frame.make_mut(), entered);
        let is_changed = adapter.apply(&settings, &core.lanes.list());
        if let Some(pinned) = adapter.named().pinned {
            // A pin is obeyed to the frame, even where the candidate just looks at the last one in the shadow.
            core.lanes
                .wait_free(pinned, deadline::of_pin(clock, adapter.budget()));
        }
        let (plan, chores) = adapter.plan(entered, is_changed, &core.lanes);
        core.publish(adapter);
        watchdog::do_chores(core, chores);
        let policy = core.timing.late_policy(&settings, &core.sink);
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

    pub fn now(&self) -> Duration {
        gst::get_timestamp().into()
    }

    /// Time that is left until the next frame.
    pub fn slack(&self) -> Duration {
        self.plan.period.saturating_sub(self.clock.elapsed())
    }

    pub fn waits(&self) -> bool {
        self.policy == LatePolicy::Wait
    }

    /// Decides anew, after the lane that should have answered failed.
    pub fn replan(&mut self, core: &Shared, adapter: &mut PolicyAdapter) {
        self.plan.choice = adapter.decide(self.now(), &core.lanes);
        core.publish(adapter);
    }

    /// Nobody was ready for the frame.
    pub fn lost(&self, adapter: &mut PolicyAdapter) {
        adapter.lost(self.now());
    }

    /// Tells of the switch that was decided for this frame, if there was one.
    ///
    /// Called once the frame is with the candidate: drawing up why takes some 0.1 ms, in which it works already.
    pub fn announce(&mut self, core: &Shared, adapter: &PolicyAdapter) {
        let Some(change) = self.plan.choice.switch.take() else {
            return;
        };
        let why = core.explanation(adapter);
        let Some(switch) = core.switch.upgrade() else {
            return;
        };
        let list = core.lanes.list();
        let from = change.from.map_or("", |it| list.name(it.0));
        let to = list.name(change.to.0);
        {
            let mut totals = core.totals.lock();
            totals.active = Some(change.to.0);
            totals.swaps += u64::from(change.from.is_some());
        }
        gst::info!(
            CAT,
            obj = switch,
            "Switching from {from} to {to}: {}",
            change.reason
        );
        core.post(messages::switch(core, self, (from, to), &change.reason, &why));
        switch.emit_by_name::<()>("candidate-changed", &[&from, &to, &change.reason.to_string()]);
        switch.notify("active-candidate");
    }

    /// Keeps the record of what left, by whom, and tells whoever listens.
    pub fn record(&self, core: &Shared, answer: Option<AnsweredBy>, left: Left, latency: Duration) {
        let lane = answer.and_then(AnsweredBy::lane);
        let is_miss = self.missed || lane.is_none() || self.plan.budget < latency;
        if let Some(lane) = lane {
            let mut lanes = core.lanes.lock();
            if let Some(lane) = lanes.get_mut(lane) {
                lane.tally.answers += 1;
                lane.tally.misses += u64::from(is_miss && !self.missed);
            }
        }
        {
            let mut totals = core.totals.lock();
            totals.frames_in += 1;
            totals.budget = self.plan.budget;
            totals.misses += u64::from(is_miss);
            totals.frames_out += u64::from(left == Left::Answer);
            totals.dropped += u64::from(left == Left::Nothing);
            if let Some(answer) = answer {
                totals.held_answers += u64::from(matches!(answer, AnsweredBy::Held(_)));
                totals.floor_answers +=
                    u64::from(matches!(answer, AnsweredBy::Floor(_) | AnsweredBy::Passthrough));
                totals.latency.push(latency);
            }
        }
        if self.settings.frame_messages {
            let is_dropped = self.policy == LatePolicy::Drop && lane.is_none();
            let answer = answer.filter(|_| !is_dropped);
            core.post(messages::frame(core, self, answer, latency, is_miss));
        }
        if is_miss {
            core.post_qos(self, latency);
        }
    }
}
