// SPDX-License-Identifier: MPL-2.0

//! A frame, or a buffer of audio, on its way through the switch: its plan, and the record of how it went.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deadline;
use super::lanes::watchdog;
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
        adapter.hear(core.facts.take());
        let (plan, chores) = adapter.plan(entered, is_changed, &core.lanes);
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
    }
}

/// Says that the stream cannot go on.
pub fn give_up(core: &Shared) -> gst::FlowError {
    core.bus.fail(
        gst::StreamError::Failed,
        "no candidate can answer: all of them failed",
        "see the warnings before this; with late-policy=floor the frame itself would pass",
    )
}
