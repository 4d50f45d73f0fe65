// SPDX-License-Identifier: MPL-2.0

//! A frame's way while `exhaustive` is set: every candidate answers it, one after the other, and the
//! answers are compared, all on the streaming thread, so that nothing runs beside a measurement.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;

use super::chain::{AnsweredBy, FrameContext, FrameOutcome, PATIENCE};
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::lanes::status::{LaneOutput, LaneState, LaneStatus, Purpose};
use crate::elements::switch::messages;
use crate::elements::switch::scoring::evidence::AnsweredFrame;
use crate::elements::switch::shared::Shared;

/// How long the first frame waits for a candidate to be loaded: models of some gigabytes, from a slow disk.
const LOADING_PATIENCE: Duration = Duration::from_secs(60);

/// What one candidate made of a frame.
#[derive(Debug)]
pub struct Finding {
    pub lane: usize,
    /// The answer and the time from handing the frame over to having it; `None` where none came.
    answered: Option<(LaneOutput, Duration)>,
    /// With the reference's answer; `None` for itself, and where nothing could be compared.
    pub agreement: Option<f64>,
}

impl Finding {
    pub fn latency(&self) -> Option<Duration> {
        self.answered.as_ref().map(|it| it.1)
    }
}

impl Shared {
    /// Lets every candidate answer the frame, tells what each made of it, and returns the active one's answer.
    pub fn survey(
        self: &Arc<Self>,
        journey: &mut FrameContext,
    ) -> Result<(FrameOutcome, Duration), gst::FlowError> {
        self.announce(journey);
        let lanes: Vec<usize> = self.lanes().iter().flatten().map(|it| it.number).collect();
        // A look in the shadow from before the mode was set must not go on to another lane.
        self.board.lock().trial = None;
        for lane in &lanes {
            self.make_ready(*lane, journey)?;
        }
        if journey.plan.choice.answer.is_none() {
            self.replan(journey);
            self.announce(journey);
        }
        let mut findings = Vec::with_capacity(lanes.len());
        for lane in lanes {
            let answered = self.examine(lane, journey)?;
            findings.push(Finding {
                lane,
                answered,
                agreement: None,
            });
        }
        self.compare(&mut findings, journey);
        self.post(messages::survey(self, journey, &findings));
        self.choose(findings, journey)
    }

    /// Waits until the lane is loaded and free, and warms it up on the frame in hand.
    fn make_ready(self: &Arc<Self>, lane: usize, journey: &FrameContext) -> Result<(), gst::FlowError> {
        let is_first_frame = self.totals.lock().frames_in == 0;
        let is_settled = |slot: &LaneStatus| {
            let is_awaited = slot.residency == LaneState::Loading && is_first_frame;
            let is_running = slot.run.is_some_and(|it| !it.abandoned);
            !is_awaited && !is_running
        };
        loop {
            let deadline = Instant::now()
                + if is_first_frame {
                    LOADING_PATIENCE
                } else {
                    PATIENCE
                };
            if !self
                .board
                .wait_until(deadline, |it| it.slots.get(lane).is_none_or(is_settled))
            {
                return Err(gst::FlowError::Flushing);
            }
            let is_cold = |slot: &LaneStatus| slot.is_idle() && slot.is_warming();
            if !self.board.lock().slots.get(lane).is_some_and(is_cold) {
                return Ok(());
            }
            match self.run(lane, journey, Purpose::Survey, Some(Instant::now() + PATIENCE)) {
                Outcome::Answered(_) => {}
                Outcome::Flushing => return Err(gst::FlowError::Flushing),
                Outcome::Deadline | Outcome::NoAnswer => return Ok(()),
            }
        }
    }

    /// Runs a lane, if it is warm and free, and measures it as it would be measured live: with the ways there and back.
    fn examine(
        self: &Arc<Self>,
        lane: usize,
        journey: &FrameContext,
    ) -> Result<Option<(LaneOutput, Duration)>, gst::FlowError> {
        let is_ready = |slot: &LaneStatus| slot.is_idle() && slot.residency == LaneState::Ready;
        if !self.board.lock().slots.get(lane).is_some_and(is_ready) {
            return Ok(None);
        }
        let start = Instant::now();
        match self.run(lane, journey, Purpose::Survey, Some(start + PATIENCE)) {
            Outcome::Answered(answer) => Ok(Some((answer, start.elapsed()))),
            Outcome::Flushing => Err(gst::FlowError::Flushing),
            Outcome::Deadline | Outcome::NoAnswer => Ok(None),
        }
    }

    /// Scores the answers here and not on the scorer's thread, which would run beside the next frame and,
    /// on a busy machine, at its lowest priority take seconds for each.
    fn compare(&self, findings: &mut [Finding], journey: &FrameContext) {
        let answers = findings.iter().filter_map(|it| {
            let (answer, _) = it.answered.as_ref()?;
            Some((it.lane, answer.clone()))
        });
        let answers: Vec<_> = answers.collect();
        let looked = AnsweredFrame {
            number: journey.plan.number,
            frame: &journey.frame,
            caps: self.sink.current_caps(),
        };
        for (lane, agreement) in self.weigh(&looked, &answers) {
            if let Some(finding) = findings.iter_mut().find(|it| it.lane == lane) {
                finding.agreement = Some(agreement);
            }
        }
    }

    /// The planned lane's answer, else any other's, and how long that one took.
    fn choose(
        self: &Arc<Self>,
        findings: Vec<Finding>,
        journey: &mut FrameContext,
    ) -> Result<(FrameOutcome, Duration), gst::FlowError> {
        let planned = journey.plan.choice.answer;
        let allowed = self.board.lock().allowed();
        let answers = findings
            .into_iter()
            .filter_map(|it| Some((it.lane, it.answered?)))
            .filter(|(lane, _)| allowed.contains(lane));
        match answers.max_by_key(|(lane, _)| Some(*lane) == planned) {
            Some((lane, (answer, latency))) if Some(lane) == planned => {
                Ok((FrameOutcome::Push(AnsweredBy::Active(lane), answer), latency))
            }
            Some((lane, (answer, latency))) => {
                journey.missed = true;
                Ok((FrameOutcome::Push(AnsweredBy::Floor(lane), answer), latency))
            }
            None => {
                journey.missed = true;
                let fate = self.floor(journey)?;
                Ok((fate, journey.clock.elapsed()))
            }
        }
    }
}
