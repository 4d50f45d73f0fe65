// SPDX-License-Identifier: MPL-2.0

//! Answers of a model, for a person.

use gstavrec::messages::{ModelAnswer, Said};

/// How certain an answer is: the best confidence, 0 where nothing is told or nothing is certain.
pub fn certainty(said: &Said) -> f64 {
    let best = |confidences: &mut dyn Iterator<Item = f64>| confidences.fold(0.0, f64::max);
    match said {
        Said::Detections(objects) | Said::Instances(objects) => {
            best(&mut objects.iter().map(|it| it.confidence))
        }
        Said::Classes(classes) => best(&mut classes.iter().map(|it| it.confidence)),
        Said::Score(score) => *score,
        Said::Text { confidence, .. } => *confidence,
        Said::Shares(_) | Said::Matte(_) => 0.0,
    }
}

/// How many things an answer holds.
pub fn count(said: &Said) -> usize {
    match said {
        Said::Detections(objects) | Said::Instances(objects) => objects.len(),
        Said::Classes(classes) => classes.len(),
        Said::Shares(shares) => shares.len(),
        Said::Score(_) => 1,
        Said::Matte(coverage) => usize::from(0.0 < *coverage),
        Said::Text { text, .. } => text.chars().count(),
    }
}

/// The most certain of several answers, the first of equal ones.
pub fn best(answers: &[ModelAnswer]) -> Option<&ModelAnswer> {
    let mut best: Option<&ModelAnswer> = None;
    for answer in answers {
        if best.is_none_or(|it| certainty(&it.said) < certainty(&answer.said)) {
            best = Some(answer);
        }
    }
    best
}
