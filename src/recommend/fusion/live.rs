// SPDX-License-Identifier: MPL-2.0

//! Answers of two streams put together as they come. Classes come as numbers that somebody else gives to names.

use std::time::Duration;

use super::fitted::Fusion;
use super::items::FitError;
use super::names;
use super::pool::{Distribution, Scaling, Side, weights};
use super::vocabulary::Vocabulary;
use super::worth::Worth;

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
    /// What each said last, calibrated, over the labels; of one number over no and yes.
    pub said: &'a [Distribution; 2],
    /// Over the same. Equal probabilities where both weights are 0.
    pub combined: &'a Distribution,
    /// Places of the labels that either answer names, the most probable first; all others are equally likely.
    pub named: &'a [usize],
}

/// The state of a fusion in time.
#[derive(Debug, Clone)]
pub struct Live {
    vocabulary: Vocabulary,
    fusion: Fusion,
    memory: Duration,
    /// As long as the classes of the fusion are many, picture first.
    said: [Distribution; 2],
    /// Times of the answers that were judged last.
    judged: [Option<Duration>; 2],
    worth: [Worth; 2],
    combined: Distribution,
    named: Vec<usize>,
}

impl Live {
    /// By a fit, or by what both sides name. What a side is worth is heard from answers of the last `memory`.
    pub fn new(fit: Option<Fusion>, memory: Duration) -> Live {
        let vocabulary = match &fit {
            Some(fit) => Vocabulary::fitted(&fit.labels),
            None => Vocabulary::named(),
        };
        let fusion = fit.unwrap_or_else(|| Fusion::unfitted(Vec::new()));
        let said = Distribution::new(fusion.classes());
        Live {
            vocabulary,
            memory,
            said: [said.clone(), said],
            judged: [None, None],
            worth: worths(&fusion, memory),
            combined: Distribution::new(0),
            named: Vec::new(),
            fusion,
        }
    }

    /// Judges what sides are worth by another time, from now on.
    pub fn remember(&mut self, memory: Duration) {
        if memory != self.memory {
            self.memory = memory;
            self.worth = worths(&self.fusion, memory);
        }
    }

    /// Forgets what a side said: its time begins anew.
    pub fn flush(&mut self, side: Side) {
        self.judged[side.place()] = None;
        self.worth[side.place()].forget();
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
                Some((_, Answer::Score(_))) if !self.is_fitted() && !self.fusion.is_of_scores() => {
                    self.begin(Vec::new());
                }
                _ => {}
            }
        }
        self.named.clear();
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
        let [picture, sound] = &self.said;
        // What is left of a side without an answer counts 0.
        self.combined.pool([picture, sound], now);
        self.combined.rank(&mut self.named);
        Ok(Fused {
            weights: now,
            worth,
            labels: &self.fusion.labels,
            said: &self.said,
            combined: &self.combined,
            named: &self.named,
        })
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
            Some(answers) if self.is_fitted() && answers != fitted => {
                Err(FitError::FitUnlike { fitted, answers })
            }
            _ => Ok(()),
        }
    }

    fn is_fitted(&self) -> bool {
        self.vocabulary.is_fitted()
    }

    /// Takes in classes that were not named before.
    fn learn(
        &mut self,
        side: Side,
        classes: &[(u32, f64)],
        name_of: &impl Fn(u32) -> String,
    ) -> Result<(), FitError> {
        let numbers = classes.iter().map(|it| it.0);
        let is_changed = self.vocabulary.learn(side, numbers, name_of)?;
        if self.is_fitted() {
            return match self.vocabulary.names(side) {
                [] => Err(FitError::NoFittedClass {
                    side,
                    fitted: names::listed(&self.fusion.labels),
                }),
                _ => Ok(()),
            };
        }
        // There are none also where numbers came before.
        if is_changed || self.fusion.labels.is_empty() {
            let labels = self.vocabulary.relabel();
            if labels != self.fusion.labels {
                self.begin(labels);
            }
        }
        if self.fusion.labels.is_empty() {
            let [picture, sound] = Side::BOTH.map(|it| names::listed(self.vocabulary.names(it)));
            return Err(FitError::NoSharedClass { picture, sound });
        }
        Ok(())
    }

    /// Begins with other classes than before.
    fn begin(&mut self, labels: Vec<String>) {
        self.fusion = Fusion::unfitted(labels);
        self.worth = worths(&self.fusion, self.memory);
        self.judged = [None, None];
        self.said.fill(Distribution::new(self.fusion.classes()));
    }

    fn hear(&mut self, side: Side, time: Duration, answer: &Answer) {
        let own = side.place();
        let scaling = &self.fusion.sides[own].scaling;
        match answer {
            Answer::Classes(classes) => {
                let temperature = match scaling {
                    Scaling::Temperature(temperature) => *temperature,
                    _ => 1.0,
                };
                let labels = classes
                    .iter()
                    .filter_map(|it| Some((self.vocabulary.label(side, it.0)?, it.1)));
                self.named.extend(labels.clone().map(|it| it.0));
                self.said[own].say(labels, temperature);
            }
            Answer::Score(score) => self.said[own].say_log_odds(scaling.log_odds(*score)),
            Answer::Other(_) => {}
        }
        // One that is held for several frames is judged once.
        if self.judged[own].replace(time) != Some(time)
            && let Some((_, confidence)) = self.said[own].best()
        {
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

#[cfg(test)]
mod tests;
