// SPDX-License-Identifier: MPL-2.0

//! One frame's passage through the switch: the frame, and the parts that it meets on its way.

use std::time::Instant;

use crate::elements::switch::deadline::Limits;
use crate::elements::switch::frame::FrameContext;
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::lane::Purpose;
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::lanes::state::Lanes;
use crate::elements::switch::record::announce;
use crate::elements::switch::scoring::trial::{Trial, TrialKind};
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Control, VideoStream};
use crate::policy::RunKind;

pub struct Pass<'a> {
    pub core: &'a Shared,
    pub control: &'a mut Control,
    pub video: &'a mut VideoStream,
    pub context: FrameContext,
}

impl Pass<'_> {
    pub fn announce(&mut self) {
        announce(self.core, self.control, &mut self.context);
    }

    pub fn replan(&mut self) {
        // A switch that led to nobody's answer is told before the next one.
        self.announce();
        self.context.replan(self.core, &mut self.control.adapter);
    }

    /// Whether no deadline is kept. Before the first answer nothing else could go out either.
    pub fn is_patient(&self) -> bool {
        self.context.waits() || self.control.output.caps().is_none()
    }

    /// Whether downstream would take the frame as it is.
    pub fn frame_will_do(&self) -> bool {
        self.control.output.caps() == self.video.caps.as_ref()
    }

    pub fn limits(&self) -> Limits {
        Limits {
            clock: self.context.clock,
            budget: self.context.plan.budget,
            floor: self.context.plan.named.floor,
            frame_will_do: self.frame_will_do(),
            is_patient: self.is_patient(),
        }
    }

    /// Gives the frame to a lane.
    pub fn start(&self, lane: usize, purpose: Purpose) {
        let frame = self.context.frame.clone();
        let next = self.core.lanes.lock().claim(lane, frame, purpose);
        feed(self.core, next);
    }

    /// Runs one lane on the frame and waits for its answer.
    pub fn run(&self, lane: usize, purpose: Purpose, deadline: Instant) -> Outcome {
        self.start(lane, purpose);
        self.core.lanes.wait_answer(Some(deadline))
    }

    /// A trial of the frame.
    pub fn trial(&self, lanes: &Lanes, kind: RunKind, aim: TrialKind) -> Trial {
        let context = &self.context;
        let frame = (
            context.frame.clone(),
            self.video.caps.clone(),
            context.plan.number,
        );
        Trial::new(frame, (kind, aim), self.control.adapter.trial_context(lanes))
    }
}
