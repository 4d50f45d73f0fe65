// SPDX-License-Identifier: MPL-2.0

//! What a frame's arrival gives occasion for beside its answer: telling of a switch, warming lanes up,
//! shadow runs in the slack, restarting what failed.

use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;

use super::chain::{AnsweredBy, FrameContext};
use crate::elements::stamp;
use crate::elements::switch::CAT;
use crate::elements::switch::lanes::run::{Fact, FollowUp};
use crate::elements::switch::lanes::status::{LaneOutput, Purpose};
use crate::elements::switch::lanes::supervisor::StateRequest;
use crate::elements::switch::messages;
use crate::elements::switch::policy_adapter::{chores, next_to_warm};
use crate::elements::switch::scoring::trial::{Trial, TrialKind};
use crate::elements::switch::shared::Shared;
use crate::messages::CandidateReady;
use crate::policy::RunKind;

impl Shared {
    /// Tells of the switch that was decided for this frame, if there was one.
    ///
    /// Called once the frame is with the candidate: drawing up why takes some 0.1 ms, in which it works already.
    pub fn announce(&self, journey: &mut FrameContext) {
        let Some(change) = journey.plan.choice.switch.take() else {
            return;
        };
        let why = self.explain();
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        let (from, to) = {
            let state = self.board.lock();
            let name = |lane: usize| {
                state
                    .slots
                    .get(lane)
                    .map(|it| it.name.clone())
                    .unwrap_or_default()
            };
            (
                change.from.map(|it| name(it.0)).unwrap_or_default(),
                name(change.to.0),
            )
        };
        {
            let mut totals = self.totals.lock();
            totals.active = Some(change.to.0);
            totals.swaps += u64::from(change.from.is_some());
        }
        gst::info!(
            CAT,
            obj = switch,
            "Switching from {from} to {to}: {}",
            change.reason
        );
        self.post(messages::switch(self, journey, (&from, &to), &change.reason, why));
        switch.emit_by_name::<()>("candidate-changed", &[&from, &to, &change.reason.to_string()]);
        switch.notify("active-candidate");
    }

    /// Restarts a failed lane whose pause is over, and reports one that hangs.
    pub fn do_chores(self: &Arc<Self>, now: gst::ClockTime) {
        let chores = chores(&mut self.board.lock(), now);
        if let Some(lane) = chores.restart.and_then(|it| self.lane(it)) {
            gst::info!(CAT, "Starting candidate {} again", lane.name);
            lane.order(StateRequest::Restart);
        }
        if let Some((lane, silence)) = chores
            .hung
            .and_then(|(it, silence)| Some((self.lane(it)?, silence)))
        {
            let cause = format!("it has not answered for {:.1} s", silence.as_secs_f64());
            self.report_failure(
                &lane.name,
                &cause,
                "it answers again when it has finished; see what it waits for",
            );
        }
    }

    /// Lets one other lane see the frame: to warm up, or to be measured and compared.
    pub fn look_beside(self: &Arc<Self>, journey: &FrameContext, source: AnsweredBy, answer: &LaneOutput) {
        if self.warm_up_beside(journey) {
            return;
        }
        if let AnsweredBy::Active(active) = source {
            self.look_in_the_shadow(journey, active, answer);
        }
    }

    /// Gives the frame to a lane that is not warm yet, if there is one; a frame that nobody answers too,
    /// or else nobody would ever become able to.
    pub fn warm_up_beside(self: &Arc<Self>, journey: &FrameContext) -> bool {
        // A survey waits for each lane, and nothing may run beside the next one.
        if journey.settings.exhaustive {
            return false;
        }
        let warming = {
            let mut state = self.board.lock();
            let lane = next_to_warm(&state);
            if let Some(lane) = lane {
                state.claim(lane, journey.entered, journey.frame.pts(), Purpose::WarmUp);
            }
            lane
        };
        if let Some(lane) = warming {
            self.feed(lane, &journey.frame);
        }
        warming.is_some()
    }

    fn look_in_the_shadow(self: &Arc<Self>, journey: &FrameContext, active: usize, answer: &LaneOutput) {
        if journey.settings.exhaustive || self.board.lock().trial.is_some() {
            return;
        }
        let slack = journey.plan.period.saturating_sub(journey.clock.elapsed());
        if !journey.missed
            && (self.follow(journey, (active, answer), slack) || self.repeat_changed(journey, active, slack))
        {
            return;
        }
        let Some(shadow) = self
            .policy_adapter
            .lock()
            .shadow(journey.now(), slack, &self.board)
        else {
            return;
        };
        let mut lanes = shadow
            .runs
            .iter()
            .flatten()
            .map(|it| it.0)
            .filter(|it| *it != active);
        let lanes = [lanes.next(), lanes.next()];
        let Some(first) = lanes[0] else { return };
        let frame = journey.frame.clone();
        let aim = TrialKind::Quality {
            caps: self.sink.current_caps(),
            perturbed: shadow.perturbed,
        };
        let trial = Trial::new(
            frame,
            journey.entered,
            journey.plan.number,
            (shadow.kind, aim),
            (active, answer.clone()),
            lanes,
        );
        let is_free = {
            let mut state = self.board.lock();
            let is_free = state.slots.get(first).is_some_and(|it| it.is_idle());
            if is_free {
                state.trial = Some(trial);
                state.claim(
                    first,
                    journey.entered,
                    journey.frame.pts(),
                    Purpose::Shadow(shadow.kind),
                );
            }
            is_free
        };
        if is_free {
            self.feed(first, &journey.frame);
        }
    }

    /// Lets the lane that looked at the frame before look at this one too, so that neighboring answers can be compared.
    fn follow(
        self: &Arc<Self>,
        journey: &FrameContext,
        (active, answer): (usize, &LaneOutput),
        slack: Duration,
    ) -> bool {
        let lane = self
            .board
            .lock()
            .take_followed(active, journey.plan.number, slack);
        let Some(lane) = lane else { return false };
        let aim = TrialKind::Neighbor {
            caps: self.sink.current_caps(),
        };
        self.policy_adapter.lock().runs_beside(lane);
        let trial = Trial::new(
            journey.frame.clone(),
            journey.entered,
            journey.plan.number,
            (RunKind::Shadow, aim),
            (active, answer.clone()),
            [Some(lane), None],
        );
        {
            let mut state = self.board.lock();
            state.trial = Some(trial);
            let purpose = Purpose::Shadow(RunKind::Shadow);
            state.claim(lane, journey.entered, journey.frame.pts(), purpose);
        }
        self.feed(lane, &journey.frame);
        true
    }

    /// Gives a changed frame that waits to its lane, if there is time; it looks like the frame of now.
    fn repeat_changed(self: &Arc<Self>, journey: &FrameContext, active: usize, slack: Duration) -> bool {
        if self.board.lock().echo.is_none() {
            return false;
        }
        let caps = self.sink.current_caps();
        let frame = {
            let mut state = self.board.lock();
            let Some(mut echo) = state.take_echo(active, journey.plan.number, slack, caps.as_ref()) else {
                return false;
            };
            let lane = echo.lane;
            let was_asked_for = matches!(echo.aim, TrialKind::Robustness { .. });
            let buffer = echo.frame.make_mut();
            stamp::stamp(buffer, journey.entered);
            buffer.set_pts(journey.frame.pts());
            let frame = echo.frame.clone();
            state.trial = Some(Trial::of_echo(echo, journey.entered));
            let purpose = Purpose::Shadow(RunKind::Shadow);
            state.claim(lane, journey.entered, journey.frame.pts(), purpose);
            (lane, frame, was_asked_for)
        };
        if !frame.2 {
            self.policy_adapter.lock().runs_beside(frame.0);
        }
        self.feed(frame.0, &frame.1);
        true
    }

    /// Takes in what a lane made of its frame; runs on the lane's thread.
    pub fn delivered(self: &Arc<Self>, lane: usize, buffer: gst::Buffer) {
        if self.board.lock().sound.is_some() {
            return self.sound_delivered(lane, &buffer);
        }
        let stamp = stamp::read(&buffer);
        match self.board.deliver(lane, buffer, stamp) {
            FollowUp::Nothing => {}
            FollowUp::RunNext { lane, frame } => self.feed(lane, &frame),
            FollowUp::Score(trial) => {
                if let Some(scorer) = self.scorer.lock().as_ref() {
                    scorer.score(trial);
                }
            }
            FollowUp::Announce { lane } => {
                let name = self
                    .board
                    .lock()
                    .slots
                    .get(lane)
                    .map(|it| it.name.clone())
                    .unwrap_or_default();
                self.post(CandidateReady { candidate: name });
            }
        }
    }

    /// Whether the sink got frames late, and by how much.
    pub fn late_downstream(&self, jitter: Duration) {
        self.board.lock().tell(Fact::LateDownstream { jitter });
    }
}
