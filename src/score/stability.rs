// SPDX-License-Identifier: MPL-2.0

//! Whether answers to neighboring frames change more than the frames do. No truth is needed, so it says little: an
//! answer may be steadily wrong.

use super::agreement::closeness;
use super::detection;
use super::distribution::total_variation;
use super::edit_distance::edit_distance;
use super::overlap::{coverage_iou, mean_iou, panoptic_quality};
use super::{Content, Plane};
use crate::answer::{Answer, Detection};

/// Mean absolute change of luma, as a share of full scale, from which on two frames say nothing of each other: cuts of
/// edited film lie above 0.1, pans and hand-held cameras mostly below 0.05.
const CUT: f64 = 0.1;

/// One level of eight bits: rounding alone changes a picture by this much.
const LEVEL: f64 = 1.0 / 255.0;

/// Steadiness of neighboring answers of one candidate, 0 to 1. `input_change` is the mean absolute change of the
/// frames' luma, 0 to 1 of full scale.
///
/// A picture may change as much as its frame: (c + l) / (max(c, d) + l), with c the change of the frame, d that of the answer and
/// l one level. All else should stay as it is, which the frame's change excuses in part: 1 - (1 - s) (1 - c / cut),
/// with s the likeness of both answers and cut = 0.1. For s stand the boxes that stay, less flips of class and jitter of
/// confidence (see [`of_detections`]), one less the total variation or the edit distance, the mean IoU, or the panoptic quality.
///
/// `None` beyond a cut, for answers of different kind, for sound, whose neighbors should differ, and for scores, which need
/// their span: [`of_scores`].
pub fn stability(before: &Content, now: &Content, input_change: f64) -> Option<f64> {
    if input_change.is_nan() || CUT <= input_change {
        return None;
    }
    let change = input_change.max(0.0);
    if let (Content::Picture(before), Content::Picture(now)) = (before, now) {
        let own = self::change(before, now)?;
        return Some((change + LEVEL) / (change.max(own) + LEVEL));
    }
    Some(excused(likeness(before, now)?, change))
}

/// As [`stability`], for single numbers, whose jitter is measured against the `span` of the scores of the stream.
pub fn of_scores(before: f32, now: f32, span: f32, input_change: f64) -> Option<f64> {
    if input_change.is_nan() || CUT <= input_change || span.is_nan() || span <= 0.0 {
        return None;
    }
    let jitter = f64::from((now - before).abs() / span);
    jitter
        .is_finite()
        .then(|| excused(1.0 - jitter.min(1.0), input_change.max(0.0)))
}

/// Mean absolute change of luma from one frame to the next, 0 to 1 of full scale; `None` for frames of different size.
pub fn change(before: &Plane, now: &Plane) -> Option<f64> {
    before.same_size(now).then(|| 1.0 - closeness(before, now))
}

fn excused(likeness: f64, change: f64) -> f64 {
    1.0 - (1.0 - likeness) * (1.0 - change / CUT)
}

fn likeness(before: &Content, now: &Content) -> Option<f64> {
    match (before, now) {
        (Content::Coverage(before), Content::Coverage(now)) => coverage_iou(before, now),
        (Content::Said(before), Content::Said(now)) => match (before, now) {
            (Answer::Detections(before), Answer::Detections(now)) => Some(of_detections(before, now)),
            (Answer::Classes(before), Answer::Classes(now)) => Some(1.0 - total_variation(before, now)),
            (Answer::ClassMap(before), Answer::ClassMap(now)) => mean_iou(before, now),
            (Answer::Instances(before), Answer::Instances(now)) => Some(panoptic_quality(before, now)),
            (Answer::Text(before), Answer::Text(now)) => Some(1.0 - edit_distance(&before.text, &now.text)),
            _ => None,
        },
        _ => None,
    }
}

/// Boxes that stay, 0 to 1: an F1 in which a pair counts one less the change of its confidence, and nothing where its
/// class flipped. Pairs overlap by half, whatever their class. Two frames without boxes: 1.
pub fn of_detections(before: &[Detection], now: &[Detection]) -> f64 {
    let all = before.len() + now.len();
    if all == 0 {
        return 1.0;
    }
    let overlap = |one: &Detection, other: &Detection| detection::box_iou(&one.region, &other.region);
    let pairs = detection::pairs_by(now, before, |it| it.confidence, overlap);
    let kept: f64 = pairs
        .iter()
        .zip(now)
        .filter_map(|(pair, now)| Some((&before[(*pair)?.0], now)))
        .filter(|(before, now)| before.class == now.class)
        .map(|(before, now)| 1.0 - f64::from(now.confidence - before.confidence).abs().min(1.0))
        .sum();
    2.0 * kept / all as f64
}

#[cfg(test)]
mod tests {
    use super::super::detection::tests::detection;
    use super::*;

    fn boxes(detections: &[Detection]) -> Content {
        Content::Said(Answer::Detections(detections.to_vec()))
    }

    fn gray(level: u8) -> Content {
        Content::Picture(Plane {
            samples: vec![level; 64],
            width: 8,
            height: 8,
        })
    }

    #[test]
    fn boxes_that_vanish_flip_or_flutter_are_unsteady() {
        let steady = [
            detection(0, 0.9, 0.0, 0.0, 10.0),
            detection(1, 0.8, 50.0, 0.0, 10.0),
        ];
        assert_eq!(of_detections(&steady, &steady), 1.0);
        assert_eq!(of_detections(&steady, &steady[..1]), 2.0 / 3.0);
        let flipped = [steady[0].clone(), detection(7, 0.8, 50.0, 0.0, 10.0)];
        assert_eq!(of_detections(&steady, &flipped), 0.5);
        let fluttering = [steady[0].clone(), detection(1, 0.4, 50.0, 0.0, 10.0)];
        assert!((of_detections(&steady, &fluttering) - 0.8).abs() < 1e-6);
        assert_eq!(of_detections(&[], &[]), 1.0);
    }

    #[test]
    fn a_picture_may_change_as_much_as_its_frame() {
        // 4 levels of change in both, then 9 of the answer: (4 + 1) / (9 + 1).
        assert_eq!(stability(&gray(10), &gray(14), 4.0 / 255.0), Some(1.0));
        let flicker = stability(&gray(10), &gray(19), 4.0 / 255.0).unwrap();
        assert!((flicker - 0.5).abs() < 1e-9, "{flicker}");
        assert_eq!(stability(&gray(10), &gray(10), 0.05), Some(1.0));
    }

    #[test]
    fn a_moving_frame_excuses_and_a_cut_says_nothing() {
        let (some, none) = (boxes(&[detection(0, 0.9, 0.0, 0.0, 10.0)]), boxes(&[]));
        assert_eq!(stability(&some, &none, 0.0), Some(0.0));
        assert!((stability(&some, &none, 0.05).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(stability(&some, &none, CUT), None);
        assert_eq!(stability(&some, &some, f64::NAN), None);
    }

    #[test]
    fn unlike_answers_and_sound_have_no_stability() {
        assert_eq!(stability(&gray(0), &boxes(&[]), 0.0), None);
        let sound = Content::Sound(vec![vec![0.5; 8]]);
        assert_eq!(stability(&sound, &sound, 0.0), None);
    }

    #[test]
    fn the_jitter_of_a_score_is_measured_by_its_span() {
        assert!((of_scores(2.0, 3.0, 4.0, 0.0).unwrap() - 0.75).abs() < 1e-9);
        assert_eq!(of_scores(2.0, 90.0, 4.0, 0.0), Some(0.0));
        assert_eq!(of_scores(2.0, 2.0, 0.0, 0.0), None);
        assert_eq!(of_scores(2.0, f32::NAN, 4.0, 0.0), None);
    }
}
