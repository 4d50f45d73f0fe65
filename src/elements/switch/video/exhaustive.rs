// SPDX-License-Identifier: MPL-2.0

//! A frame's way while `exhaustive` is set: every candidate answers it, one after the other, and the
//! answers are compared, all on the streaming thread, so that nothing runs beside a measurement.

use std::time::{Duration, Instant};

use super::finding::Finding;
use super::floor::{Answer, floor};
use super::pass::Pass;
use crate::elements::switch::deadline;
use crate::elements::switch::frame::AnsweredBy;
use crate::elements::switch::lanes::lane::{Lane, LaneState, Purpose};
use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::messages;
use crate::elements::switch::scoring::trial::TrialKind;
use crate::policy::RunKind;

/// Lets every candidate answer the frame, tells what each made of it, and returns the active one's answer.
pub fn survey(pass: &mut Pass) -> Result<(Answer, Duration), gst::FlowError> {
    pass.announce();
    let core = pass.core;
    let list = core.lanes.list();
    // A look in the shadow from before the mode was set must not go on to another lane.
    core.lanes.lock().trial = None;
    for lane in list.present() {
        make_ready(pass, lane.number)?;
    }
    if pass.context.plan.choice.answer.is_none() {
        pass.replan();
        pass.announce();
    }
    let mut findings = Vec::with_capacity(list.lanes.len());
    for lane in list.present().map(|it| it.number) {
        findings.push(Finding {
            lane,
            answered: examine(pass, lane)?,
            agreement: None,
        });
    }
    compare(pass, &mut findings);
    core.bus.post(messages::survey(core, &pass.context, &findings));
    choose(pass, findings)
}

/// Waits until the lane is loaded and free, and warms it up on the frame in hand.
fn make_ready(pass: &Pass, lane: usize) -> Result<(), gst::FlowError> {
    let is_first_frame = pass.control.totals.counts.frames_in == 0;
    let is_settled = |slot: &Lane| {
        let is_awaited = slot.state == LaneState::Loading && is_first_frame;
        let is_running = slot.run.is_some_and(|it| !it.abandoned);
        !is_awaited && !is_running
    };
    let is_cold = |slot: &Lane| slot.is_idle() && slot.is_warming();
    let lanes = &pass.core.lanes;
    loop {
        if !lanes.wait_lane(lane, deadline::of_survey(is_first_frame), is_settled) {
            return Err(gst::FlowError::Flushing);
        }
        if !lanes.lock().is(lane, is_cold) {
            return Ok(());
        }
        match pass.run(lane, Purpose::Survey, deadline::of_silence()) {
            Outcome::Answered(_) => {}
            Outcome::Flushing => return Err(gst::FlowError::Flushing),
            Outcome::Deadline | Outcome::NoAnswer => return Ok(()),
        }
    }
}

/// Runs a lane, if it is warm and free, and measures it as it would be measured live: with the ways there and back.
fn examine(pass: &Pass, lane: usize) -> Result<Option<(LaneOutput, Duration)>, gst::FlowError> {
    let is_ready = |slot: &Lane| slot.is_idle() && slot.state == LaneState::Ready;
    if !pass.core.lanes.lock().is(lane, is_ready) {
        return Ok(None);
    }
    let start = Instant::now();
    match pass.run(lane, Purpose::Survey, deadline::of_silence()) {
        Outcome::Answered(answer) => Ok(Some((answer, start.elapsed()))),
        Outcome::Flushing => Err(gst::FlowError::Flushing),
        Outcome::Deadline | Outcome::NoAnswer => Ok(None),
    }
}

/// Scores the answers here and not on the scorer's thread, which would run beside the next frame and,
/// on a busy machine, at its lowest priority take seconds for each.
fn compare(pass: &Pass, findings: &mut [Finding]) {
    let aim = TrialKind::Quality { perturbed: false };
    let mut trial = pass.trial(&pass.core.lanes.lock(), RunKind::Shadow, aim);
    for finding in &*findings {
        if let Some((answer, _)) = &finding.answered {
            trial.answered(finding.lane, answer.clone());
        }
    }
    for (lane, agreement) in pass.core.scoring.weigh(&trial) {
        if let Some(finding) = findings.iter_mut().find(|it| it.lane == lane) {
            finding.agreement = Some(agreement);
        }
    }
}

/// The planned lane's answer, else any other's, and how long that one took.
fn choose(pass: &mut Pass, findings: Vec<Finding>) -> Result<(Answer, Duration), gst::FlowError> {
    let planned = pass.context.plan.choice.answer;
    let list = pass.core.lanes.list();
    let may_answer = |it: &Finding| !pass.context.settings.forbids(list.name(it.lane));
    let answers = findings.into_iter().filter(may_answer);
    let answers = answers.filter_map(|it| Some((it.lane, it.answered?)));
    let best = answers.max_by_key(|it| Some(it.0) == planned);
    pass.context.missed |= best.as_ref().map(|it| it.0) != planned || best.is_none();
    match best {
        Some((lane, (answer, latency))) => {
            let by = match Some(lane) == planned {
                true => AnsweredBy::Active(lane),
                false => AnsweredBy::Floor(lane),
            };
            Ok((Some((by, answer)), latency))
        }
        None => Ok((floor(pass)?, pass.context.clock.elapsed())),
    }
}
