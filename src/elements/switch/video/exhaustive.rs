// SPDX-License-Identifier: MPL-2.0

//! A frame's way while `exhaustive` is set: every candidate answers it, one after the other, and the
//! answers are compared, all on the streaming thread, so that nothing runs beside a measurement.

use std::time::{Duration, Instant};

use super::chain::{self, FrameOutcome};
use crate::elements::switch::deadline;
use crate::elements::switch::frame::{AnsweredBy, FrameContext};
use crate::elements::switch::lanes::lane::{Lane, LaneState, Purpose};
use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::messages;
use crate::elements::switch::policy_adapter::PolicyAdapter;
use crate::elements::switch::scoring::trial::{Trial, TrialKind};
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Control, VideoStream};
use crate::policy::RunKind;

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

/// Lets every candidate answer the frame, tells what each made of it, and returns the active one's answer.
pub fn survey(
    core: &Shared,
    control: &mut Control,
    video: &VideoStream,
    context: &mut FrameContext,
) -> Result<(FrameOutcome, Duration), gst::FlowError> {
    context.announce(core, &control.adapter, &mut control.totals);
    let list = core.lanes.list();
    // A look in the shadow from before the mode was set must not go on to another lane.
    core.lanes.lock().trial = None;
    for lane in list.present() {
        make_ready(core, lane.number, control.totals.counts.frames_in == 0, context)?;
    }
    if context.plan.choice.answer.is_none() {
        context.replan(core, &mut control.adapter);
        context.announce(core, &control.adapter, &mut control.totals);
    }
    let mut findings = Vec::with_capacity(list.lanes.len());
    for lane in list.present().map(|it| it.number) {
        findings.push(Finding {
            lane,
            answered: examine(core, lane, context)?,
            agreement: None,
        });
    }
    compare(core, &control.adapter, video, &mut findings, context);
    core.bus.post(messages::survey(core, context, &findings));
    choose(core, control, video, findings, context)
}

/// Waits until the lane is loaded and free, and warms it up on the frame in hand.
fn make_ready(
    core: &Shared,
    lane: usize,
    is_first_frame: bool,
    context: &FrameContext,
) -> Result<(), gst::FlowError> {
    let is_settled = |slot: &Lane| {
        let is_awaited = slot.state == LaneState::Loading && is_first_frame;
        let is_running = slot.run.is_some_and(|it| !it.abandoned);
        !is_awaited && !is_running
    };
    loop {
        if !core
            .lanes
            .wait_lane(lane, deadline::of_survey(is_first_frame), is_settled)
        {
            return Err(gst::FlowError::Flushing);
        }
        let is_cold = |slot: &Lane| slot.is_idle() && slot.is_warming();
        if !core.lanes.lock().is(lane, is_cold) {
            return Ok(());
        }
        let end = Some(deadline::of_silence());
        match chain::run(core, lane, context, Purpose::Survey, end) {
            Outcome::Answered(_) => {}
            Outcome::Flushing => return Err(gst::FlowError::Flushing),
            Outcome::Deadline | Outcome::NoAnswer => return Ok(()),
        }
    }
}

/// Runs a lane, if it is warm and free, and measures it as it would be measured live: with the ways there and back.
fn examine(
    core: &Shared,
    lane: usize,
    context: &FrameContext,
) -> Result<Option<(LaneOutput, Duration)>, gst::FlowError> {
    let is_ready = |slot: &Lane| slot.is_idle() && slot.state == LaneState::Ready;
    if !core.lanes.lock().is(lane, is_ready) {
        return Ok(None);
    }
    let start = Instant::now();
    let end = Some(deadline::of_silence());
    match chain::run(core, lane, context, Purpose::Survey, end) {
        Outcome::Answered(answer) => Ok(Some((answer, start.elapsed()))),
        Outcome::Flushing => Err(gst::FlowError::Flushing),
        Outcome::Deadline | Outcome::NoAnswer => Ok(None),
    }
}

/// Scores the answers here and not on the scorer's thread, which would run beside the next frame and,
/// on a busy machine, at its lowest priority take seconds for each.
fn compare(
    core: &Shared,
    adapter: &PolicyAdapter,
    video: &VideoStream,
    findings: &mut [Finding],
    context: &FrameContext,
) {
    let frame = (context.frame.clone(), video.caps.clone(), context.plan.number);
    let shadow = (RunKind::Shadow, TrialKind::Quality { perturbed: false });
    let trial_context = adapter.trial_context(&core.lanes.lock());
    let mut trial = Trial::new(frame, shadow, trial_context);
    for finding in &*findings {
        if let Some((answer, _)) = &finding.answered {
            trial.answered(finding.lane, answer.clone());
        }
    }
    for (lane, agreement) in core.scoring.weigh(&trial) {
        if let Some(finding) = findings.iter_mut().find(|it| it.lane == lane) {
            finding.agreement = Some(agreement);
        }
    }
}

/// The planned lane's answer, else any other's, and how long that one took.
fn choose(
    core: &Shared,
    control: &mut Control,
    video: &VideoStream,
    findings: Vec<Finding>,
    context: &mut FrameContext,
) -> Result<(FrameOutcome, Duration), gst::FlowError> {
    let planned = context.plan.choice.answer;
    let list = core.lanes.list();
    let may_answer = |it: &(usize, _)| !context.settings.forbids(list.name(it.0));
    let answers = findings
        .into_iter()
        .filter_map(|it| Some((it.lane, it.answered?)));
    let answers = answers.filter(may_answer);
    match answers.max_by_key(|it| Some(it.0) == planned) {
        Some((lane, (answer, latency))) => {
            let is_planned = Some(lane) == planned;
            context.missed |= !is_planned;
            let by = if is_planned {
                AnsweredBy::Active(lane)
            } else {
                AnsweredBy::Floor(lane)
            };
            Ok((FrameOutcome::Push(by, answer), latency))
        }
        None => {
            context.missed = true;
            let outcome = chain::floor(core, control, video, context)?;
            Ok((outcome, context.clock.elapsed()))
        }
    }
}
