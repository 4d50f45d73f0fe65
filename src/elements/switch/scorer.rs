// SPDX-License-Identifier: MPL-2.0

//! Scores answers against the reference's on a thread of its own, at the lowest priority.

use std::sync::{Weak, mpsc};

use super::CAT;
use super::core::Core;
use super::ending::Ending;
use super::messages;
use super::slot::Answer;
use super::state::Fact;
use super::trial::{Aim, Echo, Trial};
use crate::media::luma::luma_plane;
use crate::media::perturb::Perturbation;
use crate::policy::Evidence;
use crate::score::{Agreement, Plane};

/// Trials that may wait; more would hold on to buffers that upstream may need, and age meanwhile.
const WAITING: usize = 1;

/// Handle to the thread; it ends when the handle is dropped.
#[derive(Debug)]
pub struct Scorer {
    trials: mpsc::SyncSender<Trial>,
    ending: Ending,
}

impl Scorer {
    pub fn spawn(core: Weak<Core>) -> std::io::Result<Scorer> {
        let (trials, inbox) = mpsc::sync_channel::<Trial>(WAITING);
        let ending = Ending::of("avrec scorer".into(), move || {
            yield_to_all_others();
            let mut agreement = Agreement::default();
            let mut turns = 0;
            while let Ok(trial) = inbox.recv() {
                let Some(core) = core.upgrade() else { return };
                evaluate(&core, &mut agreement, trial, &mut turns);
            }
        })?;
        Ok(Scorer { trials, ending })
    }

    /// Lets the thread end when it has scored what it has in hand.
    pub fn end(self) -> Ending {
        self.ending
    }

    /// Hands a trial over; when the scorer is behind, the trial is dropped: there will be others.
    pub fn score(&self, trial: Trial) {
        if let Err(mpsc::TrySendError::Full(trial)) = self.trials.try_send(trial) {
            gst::debug!(CAT, "The scorer is busy: frame {} is not scored", trial.number);
        }
    }
}

/// Scoring must not take time from a model that answers live.
fn yield_to_all_others() {
    #[cfg(target_os = "linux")]
    // SAFETY: both calls take plain numbers; lowering one's own priority is always allowed.
    unsafe {
        let thread = libc::syscall(libc::SYS_gettid) as libc::id_t;
        libc::setpriority(libc::PRIO_PROCESS, thread, 19);
    }
}

/// Finds out what the trial was for.
fn evaluate(core: &Core, agreement: &mut Agreement, trial: Trial, turns: &mut usize) {
    match &trial.aim {
        Aim::Quality { again } => {
            score(core, agreement, (trial.number, trial.frame.pts()), &trial.answers);
            if let Some(caps) = again {
                *turns += 1;
                let echo = perturb(&trial, caps, *turns);
                core.board.lock().echo = echo;
            }
        }
        Aim::Robustness { expected, columns } => {
            let Some((lane, answer)) = trial.answers.first() else {
                return;
            };
            let Some(answer) = luma(answer).filter(|it| it.same_size(expected)) else {
                return;
            };
            let kept = expected.width.saturating_sub(*columns);
            let agreement = agreement.of(&crop(expected, 0, kept), &crop(&answer, *columns, kept));
            core.board.lock().tell(Fact::Perturbed {
                lane: *lane,
                agreement,
            });
        }
    }
}

/// The trial's frame, slightly perturbed, for the lane that first looked at it beside the active one; the
/// perturbations take turns. `None` for what is not a picture that we can read.
fn perturb(trial: &Trial, caps: &gst::Caps, turn: usize) -> Option<Echo> {
    let (lane, answer) = trial.answers.get(1)?;
    let expected = luma(answer)?;
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let width = usize::try_from(info.width()).ok().filter(|it| 0 < *it)?;
    let all = Perturbation::ALL;
    // A shift can be undone where a pixel of the frame is a number of whole columns of the answer.
    let is_comparable = |it: &Perturbation| it.columns() == 0 || expected.width.is_multiple_of(width);
    let perturbation = all
        .iter()
        .cycle()
        .skip(turn % all.len())
        .find(|it| is_comparable(it))?;
    let mut frame = trial.frame.copy_deep().ok()?;
    {
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(frame.make_mut(), &info).ok()?;
        perturbation.apply(&mut frame, trial.number).ok()?;
    }
    Some(Echo {
        lane: *lane,
        frame,
        caps: caps.clone(),
        number: trial.number,
        columns: perturbation.columns() * (expected.width / width),
        expected,
    })
}

/// `width` columns of a plane, from `left` on.
fn crop(plane: &Plane, left: usize, width: usize) -> Plane {
    let mut cropped = Plane::new(width, plane.height);
    let rows = plane.samples.chunks_exact(plane.width.max(1));
    for (to, from) in cropped.samples.chunks_exact_mut(width.max(1)).zip(rows) {
        to.copy_from_slice(&from[left..left + width]);
    }
    cropped
}

/// Scores the answers to one frame against the reference's, tells the policy and whoever listens, and
/// returns the agreement of each lane that could be compared.
pub fn score(
    core: &Core,
    agreement: &mut Agreement,
    (number, pts): (u64, Option<gst::ClockTime>),
    answers: &[(usize, Answer)],
) -> Vec<(usize, f64)> {
    let Some(reference) = core.conductor.lock().reference_lane() else {
        return Vec::new();
    };
    let truth = answers.iter().find(|(lane, _)| *lane == reference);
    let Some(truth) = truth.and_then(|(_, answer)| luma(answer)) else {
        return Vec::new();
    };
    let mut scores = Vec::with_capacity(answers.len());
    for (lane, answer) in answers.iter().filter(|(lane, _)| *lane != reference) {
        let Some(luma) = luma(answer) else { continue };
        let agreement = agreement.of(&luma, &truth);
        scores.push((*lane, agreement));
        core.board.lock().tell(Fact::Scored {
            lane: *lane,
            score: agreement,
            evidence: Evidence::Agreement,
        });
        if core.settings().frame_messages {
            let names = {
                let state = core.board.lock();
                let name = |it: usize| {
                    state
                        .slots
                        .get(it)
                        .map(|slot| slot.name.clone())
                        .unwrap_or_default()
                };
                (name(*lane), name(reference))
            };
            core.post(messages::score(number, pts, &names.0, &names.1, agreement));
        }
    }
    scores
}

/// The luma plane of an answer; `None` for what is not a picture that we can read.
fn luma(answer: &Answer) -> Option<Plane> {
    let info = gst_video::VideoInfo::from_caps(answer.caps.as_ref()?).ok()?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&answer.buffer, &info).ok()?;
    luma_plane(&frame).ok()
}
