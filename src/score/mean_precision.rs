// SPDX-License-Identifier: MPL-2.0

//! Mean average precision of a detector over the last frames.

use std::collections::VecDeque;

use super::detection;
use crate::answer::Detection;

/// Frames that are kept: with some ten objects on each, the ranking of a class rests on hundreds of detections.
const FRAMES: usize = 256;

/// Mean average precision at IoU 0.5 over the last 256 frames that were pushed.
///
/// For each class all detections are ranked by confidence; its average precision is the area under the curve of
/// precision over recall after each precision was raised to the best one at that recall or a higher one ("all-point
/// interpolation"): Everingham and Winn, "The PASCAL VOC Challenge 2010 Development Kit", section 3.4.1; COCO's
/// `AP50` samples the same curve at 101 recalls. The mean is over the classes that the truth has.
///
/// Truth that comes from a reference model is doubtful. An object counts by its confidence w: as w of an object, and
/// for the rest as what VOC calls difficult, which is neither a hit nor missed. At w = 1 this is the plain measure.
#[derive(Debug, Clone, Default)]
pub struct MeanPrecision {
    frames: VecDeque<Frame>,
}

#[derive(Debug, Clone, Default)]
struct Frame {
    /// Class and weight of each object that is there.
    objects: Vec<(u32, f64)>,
    found: Vec<Ranked>,
}

/// One detection; `hit` is the weight of the object that it found.
#[derive(Debug, Clone, Copy)]
struct Ranked {
    class: u32,
    confidence: f32,
    hit: Option<f64>,
}

impl MeanPrecision {
    /// Takes in what was found on a frame, and what is there; the confidences of `truth` are its weights.
    pub fn push(&mut self, found: &[Detection], truth: &[Detection]) {
        let weight = |it: &Detection| weight(it.confidence);
        let pairs = detection::pairs(found, truth);
        if FRAMES <= self.frames.len() {
            self.frames.pop_front();
        }
        self.frames.push_back(Frame {
            objects: truth.iter().map(|it| (it.class, weight(it))).collect(),
            found: found
                .iter()
                .zip(pairs)
                .map(|(it, pair)| Ranked {
                    class: it.class,
                    confidence: it.confidence,
                    hit: pair.map(|at| weight(&truth[at])),
                })
                .collect(),
        });
    }

    /// 0 to 1; `None` while no frame had an object.
    pub fn mean(&self) -> Option<f64> {
        let objects = || self.frames.iter().flat_map(|it| &it.objects);
        let mut classes: Vec<u32> = objects().filter(|it| 0.0 < it.1).map(|it| it.0).collect();
        classes.sort_unstable();
        classes.dedup();
        let mut sum = 0.0;
        for &class in &classes {
            let total = objects().filter(|it| it.0 == class).map(|it| it.1).sum();
            let found = self.frames.iter().flat_map(|it| &it.found);
            let mut ranked: Vec<Ranked> = found.filter(|it| it.class == class).copied().collect();
            ranked.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
            let hits: Vec<Option<f64>> = ranked.iter().map(|it| it.hit).collect();
            sum += average_precision(&hits, total);
        }
        (!classes.is_empty()).then(|| sum / classes.len() as f64)
    }
}

/// How much of an object a detection of this confidence stands for; one that is no number, for none.
fn weight(confidence: f32) -> f64 {
    if confidence.is_nan() {
        return 0.0;
    }
    f64::from(confidence).clamp(0.0, 1.0)
}

/// Area under the interpolated curve of precision over recall, 0 to 1: `hits` in descending order of confidence, each
/// with the weight of the object that it found, `total` the weight of all objects.
pub fn average_precision(hits: &[Option<f64>], total: f64) -> f64 {
    if total <= 0.0 {
        return 0.0;
    }
    let (mut right, mut wrong) = (0.0, 0.0);
    let mut points = Vec::with_capacity(hits.len());
    for hit in hits {
        match hit {
            Some(weight) => right += weight,
            None => wrong += 1.0,
        }
        // An object of no weight that was found is neither right nor wrong.
        if 0.0 < right + wrong {
            points.push((hit.unwrap_or_default() / total, right / (right + wrong)));
        }
    }
    let (mut area, mut best) = (0.0, 0.0f64);
    for (gained, precision) in points.into_iter().rev() {
        best = best.max(precision);
        area += gained * best;
    }
    area
}

#[cfg(test)]
mod tests {
    use super::super::detection::tests::detection;
    use super::*;

    /// The worked example of Padilla, Netto and da Silva, "A survey on performance metrics for object-detection
    /// algorithms", IWSSIP 2020, and of its tool: 24 detections of 15 objects; the ranks of the seven hits.
    #[test]
    fn the_published_example_has_the_published_precision() {
        let hits: Vec<Option<f64>> = (1..=24)
            .map(|rank| [1, 3, 10, 12, 13, 14, 23].contains(&rank).then_some(1.0))
            .collect();
        let expected = (1.0 + 2.0 / 3.0 + 4.0 * 6.0 / 14.0 + 7.0 / 23.0) / 15.0;
        let area = average_precision(&hits, 15.0);
        assert!((area - expected).abs() < 1e-12);
        assert!((area - 0.2456).abs() < 1e-3, "published as 24.56 %: {area}");
    }

    #[test]
    fn classes_are_ranked_over_all_frames_and_averaged() {
        let mut precision = MeanPrecision::default();
        assert_eq!(precision.mean(), None);
        precision.push(&[], &[]);
        assert_eq!(precision.mean(), None, "no object, no precision");
        let object = |class: u32| detection(class, 1.0, 0.0, 0.0, 10.0);
        let found = |class: u32, confidence: f32, left: f32| detection(class, confidence, left, 0.0, 10.0);
        // Class 0, by confidence over both frames: hit, false alarm, hit; of 2 objects: 1/2·1 + 1/2·2/3.
        precision.push(&[found(0, 0.9, 0.0), found(0, 0.5, 80.0)], &[object(0)]);
        precision.push(&[found(0, 0.4, 1.0)], &[object(0), object(7)]);
        // Class 7 was overlooked: 0.
        assert!((precision.mean().unwrap() - (5.0 / 6.0 + 0.0) / 2.0).abs() < 1e-12);
        assert_eq!(precision.frames.len(), 3);
    }

    #[test]
    fn a_doubtful_object_counts_by_its_confidence() {
        let mut precision = MeanPrecision::default();
        let doubtful = detection(0, 0.25, 0.0, 0.0, 10.0);
        let certain = detection(0, 1.0, 50.0, 0.0, 10.0);
        // Only the certain one is found: recall 1 / 1.25 at a precision of 1.
        let both = [doubtful, certain];
        precision.push(&both[1..], &both);
        assert!((precision.mean().unwrap() - 0.8).abs() < 1e-12);
        let mut itself = MeanPrecision::default();
        itself.push(&both, &both);
        assert!((itself.mean().unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn only_the_last_frames_count() {
        let mut precision = MeanPrecision::default();
        let objects = [detection(0, 1.0, 0.0, 0.0, 10.0)];
        precision.push(&[], &objects);
        (0..FRAMES).for_each(|_| precision.push(&objects, &objects));
        assert_eq!((precision.frames.len(), precision.mean()), (FRAMES, Some(1.0)));
    }
}
