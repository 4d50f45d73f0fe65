// SPDX-License-Identifier: MPL-2.0

//! Answers of two streams put together as they come. Classes come as numbers that somebody else gives to names.

use std::collections::HashMap;
use std::time::Duration;

use super::fitted::Fusion;
use super::items::FitError;
use super::names::{self, Shared};
use super::pool::{Distribution, Scaling, Side, weights};
use super::worth::Worth;

/// Classes of a side that are remembered without a fit; more are of a model that makes up names.
const MOST_CLASSES: usize = 4096;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Numbers of classes, each with its share, 0 to 1.
    Classes(Vec<(u32, f64)>),
    Score(f64),
    /// What cannot be fused, by a word for sentences.
    Other(&'static str),
}

impl Answer {
    fn kind(&self) -> &'static str {
        match self {
            Answer::Classes(_) => "classes",
            Answer::Score(_) => "numbers",
            Answer::Other(kind) => kind,
        }
    }
}

/// One side of what is to be fused.
#[derive(Debug, Clone, Copy, Default)]
pub struct Input<'a> {
    /// The answer with its time; `None` where there is none, or only a stale one.
    pub answer: Option<(Duration, &'a Answer)>,
    /// What somebody says that it is worth, 0 to 1.
    pub trust: f64,
}

/// What both sides come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Fused<'a> {
    /// What each counted, 0 where there was no answer.
    pub weights: [f64; 2],
    /// What each was worth, 0 to 1.
    pub worth: [f64; 2],
    /// Names of the classes; empty for one number.
    pub labels: &'a [String],
    /// Over the labels; of one number over no and yes. Equal probabilities where both weights are 0.
    pub combined: &'a Distribution,
}

/// The state of a fusion in time.
#[derive(Debug, Clone)]
pub struct Live {
    /// Whether the classes are those of a fit; otherwise they are what both sides have named.
    is_fitted: bool,
    fusion: Fusion,
    memory: Duration,
    /// Without a fit, what each side has named.
    named: [Vec<String>; 2],
    /// The name of each numbered class of each side, and its place among the labels.
    places: [HashMap<u32, (String, Option<usize>)>; 2],
    said: [Distribution; 2],
    heard: [Option<Duration>; 2],
    worth: [Worth; 2],
    combined: Distribution,
}

impl Live {
    /// By a fit, or by what both sides name. What a side is worth is heard from answers of the last `memory`.
    pub fn new(fit: Option<Fusion>, memory: Duration) -> Live {
        let is_fitted = fit.is_some();
        let fusion = fit.unwrap_or_else(|| Fusion::unfitted(Vec::new()));
        let worth = worths(&fusion, memory);
        Live {
            is_fitted,
            fusion,
            memory,
            named: [Vec::new(), Vec::new()],
            places: [HashMap::new(), HashMap::new()],
            said: [Distribution::new(0), Distribution::new(0)],
            heard: [None, None],
            worth,
            combined: Distribution::new(0),
        }
    }

    /// Judges what sides are worth by another time, from now on.
    pub fn remember(&mut self, memory: Duration) {
        if memory != self.memory {
            self.memory = memory;
            self.worth = worths(&self.fusion, memory);
        }
    }

    /// Puts the answers for one frame together; picture first. `name_of` names numbered classes.
    ///
    /// # Errors
    ///
    /// When the answers cannot be fused, as a sentence that says what to change.
    pub fn fuse(
        &mut self,
        inputs: [Input; 2],
        name_of: impl Fn(u32) -> String,
    ) -> Result<Fused<'_>, FitError> {
        self.check(&inputs)?;
        for (side, input) in Side::BOTH.into_iter().zip(&inputs) {
            match input.answer {
                Some((_, Answer::Classes(classes))) => self.learn(side, classes, &name_of)?,
                Some((_, Answer::Score(_))) if !self.is_fitted && !self.fusion.is_of_scores() => {
                    self.begin(Vec::new());
                }
                _ => {}
            }
        }
        for (side, input) in Side::BOTH.into_iter().zip(&inputs) {
            if let Some((time, answer)) = input.answer {
                self.hear(side, time, answer);
            }
        }
        let worth = Side::BOTH.map(|side| {
            let input = &inputs[side.place()];
            match input.answer {
                Some(_) => input.trust * self.worth[side.place()].now(),
                None => 0.0,
            }
        });
        let now = weights(self.fusion.weights(), worth);
        for (said, input) in self.said.iter_mut().zip(&inputs) {
            if input.answer.is_none() {
                *said = Distribution::new(self.fusion.classes());
            }
        }
        let [picture, sound] = &self.said;
        self.combined.pool([picture, sound], now);
        Ok(Fused {
            weights: now,
            worth,
            labels: &self.fusion.labels,
            combined: &self.combined,
        })
    }

    /// What each side said, calibrated, picture first.
    pub fn said(&self) -> &[Distribution; 2] {
        &self.said
    }

    fn check(&self, inputs: &[Input; 2]) -> Result<(), FitError> {
        let kinds = inputs.map(|it| it.answer.map(|it| it.1.kind()));
        for (side, input) in Side::BOTH.into_iter().zip(inputs) {
            if let Some((_, Answer::Other(kind))) = input.answer {
                return Err(FitError::NotFusable { side, kind });
            }
        }
        if let [Some(picture), Some(sound)] = kinds
            && picture != sound
        {
            return Err(FitError::Unlike { picture, sound });
        }
        let fitted = if self.fusion.is_of_scores() {
            "numbers"
        } else {
            "classes"
        };
        match kinds.into_iter().flatten().next() {
            Some(answers) if self.is_fitted && answers != fitted => {
                Err(FitError::FitUnlike { fitted, answers })
            }
            _ => Ok(()),
        }
    }

    /// Finds the places of classes that were not named before.
    fn learn(
        &mut self,
        side: Side,
        classes: &[(u32, f64)],
        name_of: &impl Fn(u32) -> String,
    ) -> Result<(), FitError> {
        let own = side.place();
        let unknown = classes
            .iter()
            .map(|it| it.0)
            .filter(|it| !self.places[own].contains_key(it));
        let unknown: Vec<(u32, String)> = unknown.map(|it| (it, name_of(it))).collect();
        if !unknown.is_empty() && !self.is_fitted && self.named[own].len() < MOST_CLASSES {
            self.named[own].extend(unknown.iter().map(|it| it.1.clone()));
            let both = Shared::of(&self.named[0], &self.named[1]).both;
            // A side that was not heard yet may know all that the other one names.
            let alone = if self.named[1 - own].is_empty() {
                self.named[own].clone()
            } else {
                both
            };
            if alone != self.fusion.labels {
                self.begin(alone);
            }
        }
        for (number, name) in unknown.into_iter().take(MOST_CLASSES - self.places[own].len()) {
            let place = place(&self.fusion.labels, &name);
            self.places[own].insert(number, (name, place));
        }
        let is_foreign = self.places[own].values().all(|it| it.1.is_none());
        if is_foreign || (!self.is_fitted && self.fusion.labels.is_empty()) {
            let named = |side: Side| names::listed(&self.named[side.place()]);
            let (picture, sound) = (named(Side::Picture), named(Side::Sound));
            return Err(match self.is_fitted {
                false => FitError::NoSharedClass { picture, sound },
                true => FitError::NoFittedClass {
                    side,
                    fitted: names::listed(&self.fusion.labels),
                },
            });
        }
        Ok(())
    }

    /// Begins with other classes than before.
    fn begin(&mut self, labels: Vec<String>) {
        self.fusion = Fusion::unfitted(labels);
        self.worth = worths(&self.fusion, self.memory);
        self.heard = [None, None];
        for known in self.places.iter_mut().flat_map(HashMap::values_mut) {
            known.1 = place(&self.fusion.labels, &known.0);
        }
    }

    fn hear(&mut self, side: Side, time: Duration, answer: &Answer) {
        let own = side.place();
        if self.heard[own] == Some(time) {
            return;
        }
        self.heard[own] = Some(time);
        let scaling = &self.fusion.sides[own].scaling;
        if self.said[own].logs().len() != self.fusion.classes() {
            self.said[own] = Distribution::new(self.fusion.classes());
        }
        match answer {
            Answer::Classes(classes) => {
                let temperature = match scaling {
                    Scaling::Temperature(temperature) => *temperature,
                    _ => 1.0,
                };
                let places = &self.places[own];
                let named = classes
                    .iter()
                    .filter_map(|it| Some((places.get(&it.0)?.1?, it.1)));
                self.said[own].say(named, temperature);
            }
            Answer::Score(score) => self.said[own].say_log_odds(scaling.log_odds(*score)),
            Answer::Other(_) => {}
        }
        if let Some((_, confidence)) = self.said[own].best() {
            self.worth[own].hear(time, confidence);
        }
    }
}

fn worths(fusion: &Fusion, memory: Duration) -> [Worth; 2] {
    fusion
        .sides
        .each_ref()
        .map(|it| Worth::new(it.measured, fusion.classes(), memory))
}

fn place(labels: &[String], name: &str) -> Option<usize> {
    let key = names::key(name);
    labels.iter().position(|it| names::key(it) == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::fusion::{Measured, UNFITTED_WEIGHT};

    const NAMES: [&str; 6] = ["Bell", "dog", "rain", "bell", "DOG", "wind"];

    fn name_of(number: u32) -> String {
        NAMES[number as usize].to_owned()
    }

    fn classes(shares: &[(u32, f64)]) -> Answer {
        Answer::Classes(shares.to_vec())
    }

    fn at<'a>(ms: u64, answer: &'a Answer) -> Input<'a> {
        Input {
            answer: Some((Duration::from_millis(ms), answer)),
            trust: 1.0,
        }
    }

    fn live(fit: Option<Fusion>) -> Live {
        Live::new(fit, Duration::from_secs(3))
    }

    #[test]
    fn names_that_mean_the_same_are_one_class_whatever_their_numbers() {
        let mut live = live(None);
        let picture = classes(&[(0, 0.7), (1, 0.2), (2, 0.1)]);
        let sound = classes(&[(4, 0.8), (3, 0.1), (5, 0.1)]);
        let alone = live.fuse([at(0, &picture), Input::default()], name_of).unwrap();
        assert_eq!(alone.weights, [1.0, 0.0]);
        assert_eq!(alone.combined.best().map(|it| it.0), Some(0));
        let fused = live.fuse([at(0, &picture), at(0, &sound)], name_of).unwrap();
        assert_eq!(fused.labels, ["Bell", "dog"]);
        assert_eq!(fused.weights, [UNFITTED_WEIGHT; 2]);
        let odds: f64 = (0.7f64 / 0.2 * 0.1 / 0.8).powf(UNFITTED_WEIGHT);
        assert!((fused.combined.of(0) - odds / (1.0 + odds)).abs() < 1e-9);
        let neither = live.fuse([Input::default(), Input::default()], name_of).unwrap();
        assert_eq!((neither.weights, neither.combined.of(0)), ([0.0; 2], 0.5));
    }

    #[test]
    fn what_cannot_be_fused_is_said() {
        let (classes_of, number, boxes) = (classes(&[(0, 0.7)]), Answer::Score(0.4), Answer::Other("boxes"));
        let other = classes(&[(5, 1.0)]);
        let text = |inputs: [Input; 2]| live(None).fuse(inputs, name_of).unwrap_err().to_string();
        assert!(text([at(0, &boxes), at(0, &number)]).contains("picture model answers with boxes"));
        assert!(
            text([at(0, &classes_of), at(0, &number)]).contains("classes and the sound model with numbers")
        );
        assert!(
            text([at(0, &classes_of), at(0, &other)]).contains("pictures are told as Bell, sound as wind")
        );
        let fit = Fusion::unfitted(vec!["cat".into(), "cow".into()]);
        let error = live(Some(fit.clone()))
            .fuse([at(0, &classes_of), Input::default()], name_of)
            .unwrap_err();
        assert!(error.to_string().contains("fitted to cat, cow"), "{error}");
        let error = live(Some(fit))
            .fuse([at(0, &number), Input::default()], name_of)
            .unwrap_err();
        assert!(error.to_string().contains("fitted to classes"), "{error}");
    }

    #[test]
    fn numbers_are_fused_by_their_log_odds() {
        let mut live = live(None);
        let (one, other) = (Answer::Score(0.9), Answer::Score(0.2));
        let fused = live.fuse([at(0, &one), at(0, &other)], name_of).unwrap();
        let odds = (9.0f64 * 0.25).powf(UNFITTED_WEIGHT);
        assert!((fused.combined.of(1) - odds / (1.0 + odds)).abs() < 1e-9);
        assert!(fused.labels.is_empty());
    }

    #[test]
    fn a_side_that_is_less_sure_than_where_it_was_fitted_loses_its_weight_to_the_other() {
        let mut fit = Fusion::unfitted(vec!["bell".into(), "dog".into(), "rain".into()]);
        let measured = Some(Measured {
            accuracy: 0.9,
            confidence: 0.9,
        });
        fit.sides.iter_mut().for_each(|it| it.measured = measured);
        let mut live = live(Some(fit));
        let (sure, unsure) = (
            classes(&[(0, 0.9), (1, 0.1)]),
            classes(&[(1, 0.5), (0, 0.4), (2, 0.1)]),
        );
        let mut last = [0.0; 2];
        for frame in 0..200 {
            let fused = live
                .fuse([at(40 * frame, &sure), at(40 * frame, &unsure)], name_of)
                .unwrap();
            last = fused.weights;
        }
        assert!(0.8 < last[0] && last[1] < 0.4, "{last:?}");
        let ignored = Input {
            trust: 0.0,
            ..at(9000, &sure)
        };
        let fused = live.fuse([ignored, at(9000, &unsure)], name_of).unwrap();
        assert_eq!(fused.weights[0], 0.0);
    }
}
