// SPDX-License-Identifier: MPL-2.0

//! A frame's way while `exhaustive` is set: every candidate answers it, one after the other, and the
//! answers are compared, all on the streaming thread, so that nothing runs beside a measurement.

use std::time::{Duration, Instant};

use super::floor::{Answer, floor};
use crate::elements::switch::deadline;
use crate::elements::switch::frame::{AnsweredBy, Pass};
use crate::elements::switch::lanes::elements::LaneOutput;
use crate::elements::switch::lanes::lane::{Lane, LaneState, Purpose};
use crate::elements::switch::lanes::run::Outcome;
use crate::elements::switch::scoring::trial::TrialKind;
use crate::elements::switch::stream::VideoStream;
use crate::messages::{Survey, Surveyed};
use crate::policy::RunKind;

/// What one candidate made of a frame.
#[derive(Debug)]
struct Finding {
    lane: usize,
    /// The answer and the time from handing the frame over to having it; `None` where none came.
    answered: Option<(LaneOutput, Duration)>,
    /// With the reference's answer; `None` for itself, and where nothing could be compared.
    agreement: Option<f64>,
}

/// Lets every candidate answer the frame, tells what each made of it, and returns the active one's answer.
pub fn survey(pass: &mut Pass<VideoStream>) -> Result<(Answer, Duration), gst::FlowError> {
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
    core.bus.post(message(pass, &findings));
    choose(pass, findings)
}

/// Waits until the lane is loaded and free, and warms it up on the frame in hand.
fn make_ready(pass: &Pass<VideoStream>, lane: usize) -> Result<(), gst::FlowError> {
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
            Outcome::Deadline | Outcome::NoAnswer | Outcome::Silent => return Ok(()),
        }
    }
}

/// Runs a lane, if it is warm and free, and measures it as it would be measured live: with the ways there and back.
fn examine(pass: &Pass<VideoStream>, lane: usize) -> Result<Option<(LaneOutput, Duration)>, gst::FlowError> {
    let is_ready = |slot: &Lane| slot.is_idle() && slot.state == LaneState::Ready;
    if !pass.core.lanes.lock().is(lane, is_ready) {
        return Ok(None);
    }
    let start = Instant::now();
    match pass.run(lane, Purpose::Survey, deadline::of_silence()) {
        Outcome::Answered(answer) => Ok(Some((answer, start.elapsed()))),
        Outcome::Flushing => Err(gst::FlowError::Flushing),
        Outcome::Deadline | Outcome::NoAnswer | Outcome::Silent => Ok(None),
    }
}

/// Scores the answers here and not on the scorer's thread, which would run beside the next frame and,
/// on a busy machine, at its lowest priority take seconds for each.
fn compare(pass: &Pass<VideoStream>, findings: &mut [Finding]) {
    let aim = TrialKind::Quality { perturbed: false };
    let caps = pass.stream.caps.clone();
    let mut trial = pass.trial(&pass.core.lanes.lock(), caps, RunKind::Shadow, aim);
    for finding in &*findings {
        if let Some((answer, _)) = &finding.answered {
            trial.answered(finding.lane, answer.clone());
        }
    }
    for (lane, agreement) in pass.core.scoring.weigh(&trial, deadline::of_weighing()) {
        if let Some(finding) = findings.iter_mut().find(|it| it.lane == lane) {
            finding.agreement = Some(agreement);
        }
    }
}

/// What every candidate made of the frame.
fn message(pass: &Pass<VideoStream>, findings: &[Finding]) -> Survey {
    let list = pass.core.lanes.list();
    let plan = &pass.context.plan;
    let candidates = findings.iter().map(|finding| Surveyed {
        name: list.name(finding.lane).to_string(),
        prior: list.lanes.get(finding.lane).and_then(|it| it.prior.quality),
        latency: finding.answered.as_ref().map(|it| it.1),
        agreement: finding.agreement,
    });
    Survey {
        frame: plan.number,
        pts: pass.context.frame.pts(),
        running_time: pass.running_time(),
        budget: plan.budget,
        reference: plan.named.reference.map_or("", |it| list.name(it)).to_string(),
        waiting: plan.waiting,
        candidates: candidates.collect(),
    }
}

/// The planned lane's answer, else any other's, and how long that one took.
fn choose(
    pass: &mut Pass<VideoStream>,
    findings: Vec<Finding>,
) -> Result<(Answer, Duration), gst::FlowError> {
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
