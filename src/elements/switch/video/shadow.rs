// SPDX-License-Identifier: MPL-2.0

//! Lanes that look at a frame while nobody waits for them: to warm up, or to be measured and compared in the slack.

use crate::elements::stamp;
use crate::elements::switch::frame::FrameContext;
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::lane::{Lane, Purpose};
use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::elements::switch::lanes::run::Feed;
use crate::elements::switch::lanes::state::Lanes;
use crate::elements::switch::scoring::trial::{Trial, TrialKind};
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Control, VideoStream};
use crate::policy::RunKind;

/// What the first look into the table came to.
enum Look {
    /// Somebody has the frame.
    Begun(Option<Feed>),
    /// Nothing is to be done.
    Done,
    /// The policy may want somebody to look.
    Open,
}

/// Lets one other lane see the frame, given who was active and its answer: to warm up, or to be measured and compared. A
/// frame that nobody answered is seen too, or else nobody would ever become able to.
pub fn look_beside(
    core: &Shared,
    control: &mut Control,
    video: &mut VideoStream,
    context: &FrameContext,
    active: Option<(usize, &LaneOutput)>,
) {
    // A survey waits for each lane, and nothing may run beside the next one.
    if context.settings.exhaustive {
        return;
    }
    let modified = core.scoring.take_modified();
    let look = {
        let mut lanes = core.lanes.lock();
        lanes.modified = modified.or(lanes.modified.take());
        match (lanes.next_to_warm(), active) {
            (Some(lane), _) => Look::Begun(lanes.claim(lane, context.frame.clone(), Purpose::WarmUp)),
            (None, Some(active)) if lanes.trial.is_none() => {
                look_again(&mut lanes, control, video, context, active)
            }
            _ => Look::Done,
        }
    };
    match (look, active) {
        (Look::Begun(next), _) => feed(core, next),
        (Look::Open, Some(active)) => look_in_the_shadow(core, control, video, context, active),
        _ => {}
    }
}

/// Goes on with an earlier look, if there is one: with the lane that looked at the frame before, or with a changed frame
/// that waits.
fn look_again(
    lanes: &mut Lanes,
    control: &mut Control,
    video: &mut VideoStream,
    context: &FrameContext,
    active: (usize, &LaneOutput),
) -> Look {
    let begun = if context.missed {
        None
    } else {
        follow(lanes, control, video, context, active)
            .or_else(|| repeat_changed(lanes, control, video, context, active.0))
    };
    if begun.is_some() {
        return Look::Begun(begun);
    }
    video.beside.clear();
    video.beside.extend(lanes.iter().map(Lane::availability));
    Look::Open
}

/// Lets the lane that looked at the frame before look at this one too, so that neighboring answers can be compared.
fn follow(
    lanes: &mut Lanes,
    control: &mut Control,
    video: &VideoStream,
    context: &FrameContext,
    active: (usize, &LaneOutput),
) -> Option<Feed> {
    let lane = lanes.take_followed(active.0, context.plan.number, context.slack())?;
    control.adapter.runs_beside(lane);
    let trial = trial(
        lanes,
        control,
        video,
        context,
        (RunKind::Shadow, TrialKind::Neighbor),
    );
    begin(lanes, trial, active, [Some(lane), None])
}

/// Gives a changed frame that waits to its lane, if there is time; it looks like the frame of now.
fn repeat_changed(
    lanes: &mut Lanes,
    control: &mut Control,
    video: &VideoStream,
    context: &FrameContext,
    active: usize,
) -> Option<Feed> {
    let number = context.plan.number;
    let mut modified = lanes.take_modified(active, number, context.slack(), video.caps.as_ref())?;
    if !matches!(modified.aim, TrialKind::Robustness { .. }) {
        // The policy did not ask for it.
        control.adapter.runs_beside(modified.lane);
    }
    let buffer = modified.frame.make_mut();
    stamp::stamp(buffer, context.entered);
    buffer.set_pts(context.frame.pts());
    let (lane, frame) = (modified.lane, modified.frame.clone());
    let trial_context = control.adapter.trial_context(lanes);
    lanes.trial = Some(Trial::of_modified(modified, trial_context));
    lanes.claim(lane, frame, Purpose::Shadow(RunKind::Shadow))
}

/// Lets whom the policy wants to look at the frame do so.
fn look_in_the_shadow(
    core: &Shared,
    control: &mut Control,
    video: &VideoStream,
    context: &FrameContext,
    active: (usize, &LaneOutput),
) {
    let available = &video.beside;
    let Some(shadow) = control.adapter.shadow(context.now(), context.slack(), available) else {
        return;
    };
    let mut others = shadow.ids().map(|it| it.0).filter(|it| *it != active.0);
    let others = [others.next(), others.next()];
    let Some(first) = others[0] else { return };
    let perturbed = shadow.perturbed;
    let next = {
        let mut lanes = core.lanes.lock();
        let is_free = lanes.is(first, Lane::is_idle);
        let kind = (shadow.kind, TrialKind::Quality { perturbed });
        let trial = trial(&lanes, control, video, context, kind);
        is_free
            .then(|| begin(&mut lanes, trial, active, others))
            .flatten()
    };
    feed(core, next);
}

/// A trial of the frame.
fn trial(
    lanes: &Lanes,
    control: &Control,
    video: &VideoStream,
    context: &FrameContext,
    shadow: (RunKind, TrialKind),
) -> Trial {
    let frame = (context.frame.clone(), video.caps.clone(), context.plan.number);
    Trial::new(frame, shadow, control.adapter.trial_context(lanes))
}

/// Begins a trial with the first of `others`.
fn begin(
    lanes: &mut Lanes,
    mut trial: Trial,
    (active, answer): (usize, &LaneOutput),
    others: [Option<usize>; 2],
) -> Option<Feed> {
    let next = lanes.claim(others[0]?, trial.frame.clone(), Purpose::Shadow(trial.kind))?;
    trial.answers.push((active, answer.clone()));
    trial.pending = others;
    lanes.trial = Some(trial);
    Some(next)
}
