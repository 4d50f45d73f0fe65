// SPDX-License-Identifier: MPL-2.0

//! All comparisons of one candidate with a reference, and the figures that come of them.

use super::agreement::Agreement;
use super::calibration::Calibration;
use super::content::{Content, Measure, kind_of};
use super::detection;
use super::distribution::{best, total_variation};
use super::edit_distance::edit_distance;
use super::mean_precision::MeanPrecision;
use super::overlap::{coverage_iou, mean_iou, panoptic_quality};
use super::rank::{RankWindow, agreement_of_ranks};
use super::sound::Energies;
use crate::answer::{Answer, ClassScore, Detection, Text};

/// Comparisons that the mean of a figure remembers, as many as the quality does that follows from them.
const MEMORY: f64 = 60.0;

/// One comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    pub measure: Measure,
    /// Of this pair of answers, in the measure's own unit; of scores, over the last pairs.
    pub figure: f64,
    /// 0 to 1.
    pub agreement: f64,
    /// Of sound: stretches add up, while the mean of their decibels is that of the pauses.
    pub energies: Option<Energies>,
}

/// Why two answers do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// They are of different tasks. Compare candidates of one task.
    #[error("{0} and {1} do not compare")]
    Kinds(&'static str, &'static str),
    /// Both are of one kind, but this pair says nothing: silence, an empty plane, or too few scores so far.
    #[error("nothing to compare")]
    Nothing,
}

/// What comparisons of one candidate have shown.
#[derive(Debug, Clone, Default)]
pub struct Record {
    comparer: Agreement,
    precision: MeanPrecision,
    ranks: RankWindow,
    calibration: Calibration,
    mean: Option<Mean>,
}

/// Running mean of a figure; another measure begins anew.
#[derive(Debug, Clone, Copy)]
struct Mean {
    measure: Measure,
    value: f64,
    count: f64,
}

impl Record {
    /// Compares an answer with the reference's answer to the same frame.
    pub fn compare(&mut self, answer: &Content, reference: &Content) -> Result<Comparison, Unlike> {
        let mut energies = None;
        let (figure, agreement) = match (answer, reference) {
            (Content::Picture(answer), Content::Picture(reference)) => {
                let index = self.comparer.of(answer, reference);
                (index, index)
            }
            (Content::Coverage(answer), Content::Coverage(reference)) => {
                as_it_is(coverage_iou(answer, reference))?
            }
            (Content::Sound(answer), Content::Sound(reference)) => {
                let sums = *energies.insert(of_sound(answer, reference));
                let ratio = sums.si_sdr_db().zip(sums.agreement());
                ratio.ok_or(Unlike::Nothing)?
            }
            (Content::Said(answer), Content::Said(reference)) => self
                .compare_said(answer, reference)
                .ok_or(Unlike::Kinds(kind_of(answer), kind_of(reference)))??,
            _ => return Err(Unlike::Kinds(answer.kind(), reference.kind())),
        };
        let comparison = Comparison {
            measure: reference.measure(),
            figure,
            agreement: agreement.clamp(0.0, 1.0),
            energies,
        };
        self.note(&comparison);
        Ok(comparison)
    }

    /// `None` for answers of different kind.
    fn compare_said(&mut self, answer: &Answer, reference: &Answer) -> Option<Result<(f64, f64), Unlike>> {
        Some(match (answer, reference) {
            (Answer::Detections(answer), Answer::Detections(reference)) => {
                Ok(self.compare_boxes(answer, reference))
            }
            (Answer::Classes(answer), Answer::Classes(reference)) => {
                Ok(self.compare_classes(answer, reference))
            }
            (Answer::ClassMap(answer), Answer::ClassMap(reference)) => as_it_is(mean_iou(answer, reference)),
            (Answer::Instances(answer), Answer::Instances(reference)) => {
                let quality = panoptic_quality(answer, reference);
                Ok((quality, quality))
            }
            (Answer::Score(answer), Answer::Score(reference)) => {
                self.ranks.push(*answer, *reference);
                let correlation = self.ranks.correlation().ok_or(Unlike::Nothing);
                correlation.map(|it| (it, agreement_of_ranks(it)))
            }
            (Answer::Text(answer), Answer::Text(reference)) => Ok(self.compare_texts(answer, reference)),
            _ => return None,
        })
    }

    fn compare_texts(&mut self, answer: &Text, reference: &Text) -> (f64, f64) {
        if !answer.text.is_empty() {
            let is_right = answer.text == reference.text;
            self.calibration.observe(answer.confidence, is_right);
        }
        let distance = edit_distance(&answer.text, &reference.text);
        (distance, 1.0 - distance)
    }

    fn compare_boxes(&mut self, answer: &[Detection], reference: &[Detection]) -> (f64, f64) {
        self.precision.push(answer, reference);
        for (found, pair) in answer.iter().zip(detection::pairs(answer, reference)) {
            self.calibration.observe(found.confidence, pair.is_some());
        }
        let f1 = detection::matching(answer, reference).f1();
        (f1, f1)
    }

    fn compare_classes(&mut self, answer: &[ClassScore], reference: &[ClassScore]) -> (f64, f64) {
        if let (Some(best), Some(right)) = (best(answer), best(reference)) {
            self.calibration
                .observe(best.confidence, best.class == right.class);
        }
        let distance = total_variation(answer, reference);
        (distance, 1.0 - distance)
    }

    fn note(&mut self, comparison: &Comparison) {
        let mean = self.mean.take().filter(|it| it.measure == comparison.measure);
        let mut mean = mean.unwrap_or(Mean {
            measure: comparison.measure,
            value: 0.0,
            count: 0.0,
        });
        mean.count = (mean.count + 1.0).min(MEMORY);
        mean.value += (comparison.figure - mean.value) / mean.count;
        self.mean = Some(mean);
    }

    /// Expected quality by the candidate's own confidence, 0 to 1, and whether comparisons have calibrated it. Of boxes,
    /// the mean probability that one is right; of a classification, that the best class is; of a text, that it is. `None` for what has no
    /// confidence, and for a frame on which nothing was found: that may be right or wrong.
    pub fn confidence(&self, answer: &Content) -> Option<(f64, bool)> {
        let confidences: Vec<f32> = match answer {
            Content::Said(Answer::Detections(it)) => it.iter().map(|it| it.confidence).collect(),
            Content::Said(Answer::Instances(it)) => it.iter().map(|it| it.detection.confidence).collect(),
            Content::Said(Answer::Classes(it)) => best(it).iter().map(|it| it.confidence).collect(),
            Content::Said(Answer::Text(it)) if !it.text.is_empty() => vec![it.confidence],
            _ => return None,
        };
        let sum: f64 = confidences
            .iter()
            .map(|it| self.calibration.probability(*it))
            .sum();
        let mean = (!confidences.is_empty()).then(|| sum / confidences.len() as f64)?;
        Some((mean, self.calibration.is_calibrated()))
    }

    /// Names and values of what is known: the mean of the measure's figure over the last comparisons, and for boxes `map`,
    /// for what has confidences `calibration-error`.
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, f64)> + use<> {
        let mean = self.mean.map(|it| (it.measure.field(), it.value));
        let precision = self.precision.mean().map(|it| ("map", it));
        let error = self.calibration.error().map(|it| ("calibration-error", it));
        [mean, precision, error].into_iter().flatten()
    }
}

fn as_it_is(figure: Option<f64>) -> Result<(f64, f64), Unlike> {
    figure.map(|it| (it, it)).ok_or(Unlike::Nothing)
}

/// All channels together, each by its energy; of unlike numbers of channels, the means over them.
pub(super) fn of_sound(answer: &[Vec<f32>], reference: &[Vec<f32>]) -> Energies {
    let mut energies = Energies::default();
    if answer.len() == reference.len() {
        for (answer, reference) in answer.iter().zip(reference) {
            energies += Energies::of(answer, reference);
        }
    } else {
        energies = Energies::of(&mixed(answer), &mixed(reference));
    }
    energies
}

/// The mean over the channels, as long as the shortest.
pub(super) fn mixed(channels: &[Vec<f32>]) -> Vec<f32> {
    let length = channels.iter().map(Vec::len).min().unwrap_or_default();
    let mean = |at: usize| channels.iter().map(|it| it[at]).sum::<f32>() / channels.len() as f32;
    (0..length).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Plane;
    use super::super::detection::tests::detection;
    use super::super::fidelity::tests::picture;
    use super::*;
    use crate::answer::ClassMap;

    fn boxes(detections: &[Detection]) -> Content {
        Content::Said(Answer::Detections(detections.to_vec()))
    }

    fn classes(scores: &[(u32, f32)]) -> Content {
        let score = |&(class, confidence): &(u32, f32)| ClassScore { class, confidence };
        Content::Said(Answer::Classes(scores.iter().map(score).collect()))
    }

    fn figure(record: &Record, name: &str) -> Option<f64> {
        record.figures().find(|it| it.0 == name).map(|it| it.1)
    }

    #[track_caller]
    fn check(answer: Content, reference: Content, field: &str, value: f64, agreement: f64) {
        let mut record = Record::default();
        let comparison = record.compare(&answer, &reference).unwrap();
        assert_eq!(comparison.measure.field(), field);
        assert!((comparison.figure - value).abs() < 1e-6, "{comparison:?}");
        assert!((comparison.agreement - agreement).abs() < 1e-6, "{comparison:?}");
        assert!((figure(&record, field).unwrap() - value).abs() < 1e-6);
    }

    #[test]
    fn each_kind_of_answer_has_its_measure() {
        let both = [
            detection(0, 0.9, 0.0, 0.0, 10.0),
            detection(1, 0.9, 50.0, 0.0, 10.0),
        ];
        check(boxes(&both[..1]), boxes(&both), "f1", 2.0 / 3.0, 2.0 / 3.0);
        check(
            classes(&[(0, 0.75), (1, 0.25)]),
            classes(&[(0, 0.5), (1, 0.5)]),
            "total-variation",
            0.25,
            0.75,
        );
        let map = |classes: &[u8]| {
            Content::Said(Answer::ClassMap(ClassMap {
                width: classes.len(),
                height: 1,
                classes: classes.to_vec(),
            }))
        };
        check(
            map(&[0, 0, 1, 1]),
            map(&[0, 1, 1, 1]),
            "mean-iou",
            7.0 / 12.0,
            7.0 / 12.0,
        );
        let alpha = |samples: &[u8]| {
            Content::Coverage(Plane {
                samples: samples.to_vec(),
                width: samples.len(),
                height: 1,
            })
        };
        check(alpha(&[255, 0]), alpha(&[255, 255]), "mean-iou", 0.5, 0.5);
        check(
            Content::Picture(picture(64, 48)),
            Content::Picture(picture(64, 48)),
            "ssim",
            1.0,
            1.0,
        );
        let text = |it: &str| {
            Content::Said(Answer::Text(Text {
                text: it.into(),
                confidence: 0.9,
            }))
        };
        check(
            text("kitten"),
            text("sitting"),
            "edit-distance",
            3.0 / 7.0,
            4.0 / 7.0,
        );
        let tone = |a: f32, b: f32| Content::Sound(vec![vec![a, b, -a, -b]]);
        // At right angles in the second part only: (1, 1) and (1, 0) share half of their energy.
        check(tone(1.0, 1.0), tone(1.0, 0.0), "si-sdr-db", 0.0, 0.5);
    }

    #[test]
    fn scores_are_compared_by_their_order_once_there_are_enough() {
        let score = |it: f32| Content::Said(Answer::Score(it));
        let mut record = Record::default();
        for at in 0..7 {
            let outcome = record.compare(&score(at as f32), &score(at as f32 * 100.0));
            assert_eq!(outcome, Err(Unlike::Nothing));
        }
        let outcome = record.compare(&score(7.0), &score(900.0)).unwrap();
        assert_eq!((outcome.figure, outcome.agreement), (1.0, 1.0));
        assert_eq!(figure(&record, "rank-correlation"), Some(1.0));
    }

    #[test]
    fn answers_of_different_tasks_say_what_they_carry() {
        let mut record = Record::default();
        let outcome = record.compare(&boxes(&[]), &Content::Picture(picture(16, 16)));
        assert_eq!(outcome, Err(Unlike::Kinds("boxes", "a picture")));
        let outcome = record.compare(&boxes(&[]), &classes(&[]));
        assert_eq!(outcome, Err(Unlike::Kinds("boxes", "classes")));
        assert_eq!(record.figures().count(), 0);
    }

    #[test]
    fn silence_says_nothing_and_channels_are_weighed_by_energy() {
        let mut record = Record::default();
        let silence = Content::Sound(vec![vec![0.0; 8]; 2]);
        assert_eq!(record.compare(&silence, &silence), Err(Unlike::Nothing));
        let stereo = Content::Sound(vec![vec![0.5, -0.5], vec![0.0, 0.0]]);
        let mono = Content::Sound(vec![vec![0.25, -0.25]]);
        assert_eq!(record.compare(&stereo, &stereo).unwrap().agreement, 1.0);
        assert_eq!(record.compare(&stereo, &mono).unwrap().agreement, 1.0);
    }

    #[test]
    fn confidence_is_calibrated_by_what_was_compared() {
        let mut record = Record::default();
        let found = [detection(0, 0.95, 0.0, 0.0, 10.0)];
        assert_eq!(
            record.confidence(&boxes(&found)),
            Some((f64::from(0.95f32), false))
        );
        assert_eq!(record.confidence(&boxes(&[])), None);
        assert_eq!(record.confidence(&Content::Picture(picture(16, 16))), None);
        for _ in 0..100 {
            record.compare(&boxes(&found), &boxes(&[])).unwrap();
        }
        let (quality, is_calibrated) = record.confidence(&boxes(&found)).unwrap();
        assert!(is_calibrated && quality < 0.15, "{quality}");
        assert_eq!(figure(&record, "map"), None, "the reference found no object");
        assert!(0.9 < figure(&record, "calibration-error").unwrap());
    }
}
