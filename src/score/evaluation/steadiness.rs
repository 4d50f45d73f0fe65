// SPDX-License-Identifier: MPL-2.0

//! How steady one model's answers to neighboring frames are; no truth is needed.

use super::figure::{Figure, mean};
use crate::answer::Answer;
use crate::score::content::Content;
use crate::score::stability::{of_scores, stability};

/// Takes the answers of one model in the order of the items.
#[derive(Debug, Clone, Default)]
pub struct Steadiness {
    before: Option<Content>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Known(Option<f64>),
    /// Two scores and the change of the input: the span of all is known at the end.
    Scores(f32, f32, f64),
}

impl Steadiness {
    /// Takes in the next item's answer. `change` is how much the input changed since the item before
    /// ([`crate::score::stability::change`]); `None` where the item does not follow it, as at the beginning of a clip.
    pub fn push(&mut self, answer: Option<&Content>, change: Option<f64>) {
        let neighbors = self.before.as_ref().zip(answer).zip(change);
        self.steps.push(match neighbors {
            None => Step::Known(None),
            Some(((Content::Said(Answer::Score(before)), Content::Said(Answer::Score(now))), change)) => {
                Step::Scores(*before, *now, change)
            }
            Some(((before, now), change)) => Step::Known(stability(before, now, change)),
        });
        self.before = answer.cloned();
    }

    /// `stability`: the mean of [`stability`] over the items that follow another one.
    pub fn figure(&self) -> Figure {
        let scores = self.steps.iter().flat_map(|it| match it {
            Step::Scores(before, now, _) => vec![*before, *now],
            Step::Known(_) => Vec::new(),
        });
        let edges = (f32::INFINITY, f32::NEG_INFINITY);
        let (low, high) = scores.fold(edges, |(low, high), it| (low.min(it), high.max(it)));
        let value = |step: &Step| match *step {
            Step::Known(value) => value,
            Step::Scores(before, now, change) => of_scores(before, now, high - low, change),
        };
        Figure::share("stability", mean(self.steps.iter().map(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_items_that_follow_another_count() {
        let score = |it: f32| Content::Said(Answer::Score(it));
        let mut steadiness = Steadiness::default();
        assert_eq!(steadiness.figure().value(), None);
        steadiness.push(Some(&score(1.0)), None);
        steadiness.push(Some(&score(2.0)), Some(0.0));
        steadiness.push(None, Some(0.0));
        steadiness.push(Some(&score(9.0)), Some(0.0));
        steadiness.push(Some(&score(5.0)), Some(0.0));
        let figure = steadiness.figure();
        // The span is 8: 1 - 1/8 and 1 - 4/8.
        assert_eq!(figure.value(), Some((7.0 / 8.0 + 0.5) / 2.0));
        assert_eq!(
            figure.statistic.value(&[1.0, 1.0, 1.0, 1.0, 0.0]),
            Some(7.0 / 8.0)
        );
    }
}
