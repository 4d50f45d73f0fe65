// SPDX-License-Identifier: MPL-2.0

//! Changed frames that a lane sees once more: a little perturbed, or degraded in a known way; and what its answer to them
//! shows.

use super::trial::{ModifiedFrame, Trial, TrialKind};
use crate::elements::content::{self, Carried};
use crate::media::degrade::{Degraded, degrade};
use crate::media::perturb::Perturbation;
use crate::plane::Plane;
use crate::score::{Agreement, Content, Record};

/// The trial's frame, slightly perturbed, for the lane whose answer that is; the perturbations take turns. `None` for what
/// is not a picture that we can read.
pub fn perturbed(
    trial: &Trial,
    caps: &gst::Caps,
    (lane, answer): (usize, Carried),
    turn: usize,
) -> Option<ModifiedFrame> {
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let width = usize::try_from(info.width()).ok().filter(|it| 0 < *it)?;
    let (expected, scale) = match answer {
        Carried::Said(said) => (Content::Said(said), Some(0)),
        Carried::Pixels(it) => {
            // A shift can be undone where a pixel of the frame is a number of whole columns of the answer.
            let columns = it.luma.width;
            let scale = columns.is_multiple_of(width).then_some(columns / width);
            (Content::Picture(it.luma), scale)
        }
        Carried::Sound(_) => return None,
    };
    let all = Perturbation::ALL;
    let is_comparable = |it: &Perturbation| it.columns() == 0 || scale.is_some();
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
    Some(ModifiedFrame {
        lane,
        frame,
        caps: caps.clone(),
        number: trial.number,
        aim: TrialKind::Robustness {
            expected,
            columns: perturbation.columns() * scale.unwrap_or_default(),
        },
    })
}

/// Agreement of the answer to a perturbed frame with the one to the frame itself.
pub fn robustness(answer: Carried, expected: &Content, columns: usize) -> Option<f64> {
    match (answer, expected) {
        (Carried::Said(said), Content::Said(_)) => agreement_of(&Content::Said(said), expected),
        // Nothing is found any more.
        (Carried::Pixels(_), Content::Said(_)) => Some(0.0),
        (Carried::Pixels(answer), Content::Picture(expected)) => {
            let kept = expected.width.saturating_sub(columns);
            let is_same = answer.luma.same_size(expected);
            let (before, now) = ((expected, 0), (&answer.luma, columns));
            let [before, now] = [before, now].map(|(plane, left)| crop(plane, left, (kept, plane.height)));
            is_same.then(|| Agreement::default().of(&before, &now))
        }
        _ => None,
    }
}

/// The trial's frame, degraded, for the lane whose answer that is. `None` where the answer is no picture, or none that
/// the frame could be found in.
pub fn degraded(trial: &Trial, caps: &gst::Caps, (lane, answer): (usize, Carried)) -> Option<ModifiedFrame> {
    let Carried::Pixels(answer) = answer else {
        return None;
    };
    let trusted = content::luma(&trial.frame, caps)?;
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let mut frame = trial.frame.copy_deep().ok()?;
    let degraded = {
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(frame.make_mut(), &info).ok()?;
        degrade(&mut frame, (answer.luma.width, answer.luma.height), trial.number).ok()??
    };
    Some(ModifiedFrame {
        lane,
        frame,
        caps: caps.clone(),
        number: trial.number,
        aim: TrialKind::Restoration { trusted, degraded },
    })
}

/// How near the answer came to the frame that was degraded, 0 to 1; `None` for an answer of another size than before.
pub fn restored(answer: &Plane, trusted: &Plane, degraded: &Degraded) -> Option<f64> {
    let is_same = (answer.width, answer.height) == degraded.answer;
    is_same.then(|| Agreement::default().of(&crop(answer, 0, degraded.part), trusted))
}

/// Agreement of two contents by the measure of their kind, outside of any record.
fn agreement_of(one: &Content, other: &Content) -> Option<f64> {
    Record::default().compare(one, other).ok().map(|it| it.agreement)
}

/// A part of a plane, from the column `left` on; what it has not is 0.
fn crop(plane: &Plane, left: usize, (width, height): (usize, usize)) -> Plane {
    let mut cropped = Plane::new(width, height);
    let rows = plane.samples.chunks_exact(plane.width.max(1));
    for (to, from) in cropped.samples.chunks_exact_mut(width.max(1)).zip(rows) {
        if let Some(from) = from.get(left..left + width) {
            to.copy_from_slice(from);
        }
    }
    cropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_should_be_the_frame_is_compared_alone() {
        let noisy = |x: usize, y: usize| ((x * 37 + y * 91) % 251) as u8;
        let plane = |width: usize, height: usize, inner: usize| Plane {
            samples: (0..width * height)
                .map(|at| (at % width, at / width))
                .map(|(x, y)| if x < inner && y < inner { noisy(x, y) } else { 0 })
                .collect(),
            width,
            height,
        };
        let (answer, trusted) = (plane(48, 32, 24), plane(24, 24, 24));
        let degraded = |part| Degraded {
            part,
            answer: (48, 32),
        };
        assert!((restored(&answer, &trusted, &degraded((24, 24))).unwrap() - 1.0).abs() < 1e-6);
        assert!(restored(&answer, &trusted, &degraded((48, 32))).unwrap() < 0.5);
        assert_eq!(
            restored(&trusted, &trusted, &degraded((24, 24))),
            None,
            "it has another size now"
        );
    }
}
