// SPDX-License-Identifier: MPL-2.0

//! Lanes that look at a frame while nobody waits for them: to warm up, or to be measured and compared in the slack.

use crate::elements::stamp;
use crate::elements::switch::frame::Pass;
use crate::elements::switch::lanes::elements::LaneOutput;
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::lane::{Lane, Purpose};
use crate::elements::switch::lanes::run::Feed;
use crate::elements::switch::lanes::state::Lanes;
use crate::elements::switch::scoring::trial::{Trial, TrialKind};
use crate::elements::switch::stream::VideoStream;
use crate::policy::RunKind;

/// The lane that answered as the active one, and its answer.
type Active<'a> = (usize, &'a LaneOutput);

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
pub fn look_beside(pass: &mut Pass<VideoStream>, active: Option<Active>) {
    // A survey waits for each lane, and nothing may run beside the next one.
    if pass.context.settings.exhaustive {
        return;
    }
    let core = pass.core;
    let modified = core.scoring.take_modified();
    let look = {
        let mut lanes = core.lanes.lock();
        lanes.modified = modified.or(lanes.modified.take());
        lanes.give_up_slow_lesson(pass.context.plan.number);
        match (lanes.next_to_warm(), active) {
            (Some(lane), _) => Look::Begun(lanes.claim(lane, pass.context.frame.clone(), Purpose::WarmUp)),
            (None, Some(active)) if lanes.trial.is_none() => look_again(&mut lanes, pass, active),
            _ => Look::Done,
        }
    };
    match (look, active) {
        (Look::Begun(next), _) => feed(core, next),
        (Look::Open, Some(active)) => look_in_the_shadow(pass, active),
        _ => {}
    }
}

/// Goes on with an earlier look, if there is one: with the lane that looked at the frame before, or with a changed frame
/// that waits.
fn look_again(lanes: &mut Lanes, pass: &mut Pass<VideoStream>, active: Active) -> Look {
    let begun = if pass.context.missed {
        None
    } else {
        follow(lanes, pass, active).or_else(|| repeat_changed(lanes, pass, active.0))
    };
    if begun.is_some() {
        return Look::Begun(begun);
    }
    pass.look_who_is_free(lanes);
    Look::Open
}

/// Lets the lane that looked at the frame before look at this one too, so that neighboring answers can be compared.
fn follow(lanes: &mut Lanes, pass: &mut Pass<VideoStream>, active: Active) -> Option<Feed> {
    let (number, slack) = (pass.context.plan.number, pass.context.slack());
    let lane = lanes.take_followed(active.0, number, slack)?;
    pass.control.adapter.runs_beside(lane);
    let trial = pass.trial(
        lanes,
        pass.stream.caps.clone(),
        RunKind::Shadow,
        TrialKind::Neighbor,
    );
    begin(lanes, trial, active, [Some(lane), None])
}

/// Gives a changed frame that waits to its lane, if there is time; it looks like the frame of now.
fn repeat_changed(lanes: &mut Lanes, pass: &mut Pass<VideoStream>, active: usize) -> Option<Feed> {
    let (context, caps) = (&pass.context, pass.stream.caps.as_ref());
    let mut modified = lanes.take_modified(active, context.plan.number, context.slack(), caps)?;
    if !matches!(modified.aim, TrialKind::Robustness { .. }) {
        // The policy did not ask for it.
        pass.control.adapter.runs_beside(modified.lane);
    }
    let buffer = modified.frame.make_mut();
    stamp::stamp(buffer, context.entered);
    buffer.set_pts(context.frame.pts());
    let (lane, frame) = (modified.lane, modified.frame.clone());
    let trial_context = pass.control.adapter.trial_context(lanes);
    lanes.trial = Some(Trial::of_modified(modified, trial_context));
    lanes.claim(lane, frame, Purpose::Shadow(RunKind::Shadow))
}

/// Lets whom the policy wants to look at the frame do so.
fn look_in_the_shadow(pass: &mut Pass<VideoStream>, active: Active) {
    let Some((shadow, others)) = pass.shadow(active.0) else {
        return;
    };
    let Some(first) = others[0] else { return };
    let perturbed = shadow.perturbed;
    let lesson = shadow.idle.map(|it| it.0);
    // What a lesson takes must not hold up those who wait for the memory of these.
    let own = lesson.map(|_| (deep_copy(&pass.context.frame), deep_copy(&active.1.buffer)));
    let next = {
        let mut lanes = pass.core.lanes.lock();
        if !lanes.is(first, Lane::is_idle) {
            return;
        }
        let caps = pass.stream.caps.clone();
        let mut trial = pass.trial(&lanes, caps, shadow.kind, TrialKind::Quality { perturbed });
        trial.lesson = lesson;
        match own {
            Some((frame, answer)) => {
                trial.frame = frame;
                let caps = active.1.caps.clone();
                let answer = LaneOutput { buffer: answer, caps };
                pass.control.totals.counts.lessons += 1;
                begin(&mut lanes, trial, (active.0, &answer), others)
            }
            None => begin(&mut lanes, trial, active, others),
        }
    };
    feed(pass.core, next);
}

/// A copy with memory of its own, where that can be made.
fn deep_copy(buffer: &gst::Buffer) -> gst::Buffer {
    buffer.copy_deep().unwrap_or_else(|_| buffer.clone())
}

/// Begins a trial with the first of `others`.
fn begin(
    lanes: &mut Lanes,
    mut trial: Trial,
    (active, answer): Active,
    others: [Option<usize>; 2],
) -> Option<Feed> {
    let first = others[0]?;
    let next = lanes.claim(first, trial.frame.clone(), trial.purpose(first))?;
    trial.answers.push((active, answer.clone()));
    trial.pending = others;
    lanes.trial = Some(trial);
    Some(next)
}
