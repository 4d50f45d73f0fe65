// SPDX-License-Identifier: MPL-2.0

//! What both sides said and what is true, brought together by time and by name.

use std::collections::HashMap;
use std::time::Duration;

use super::held::Holding;
use super::names::{self, Shared};
use super::pool::{Distribution, Scaling, Side};
use crate::recommend::{Item, TooLittle};

/// An answer of one side.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Which clip it is of.
    pub clip: u32,
    /// When it is within the clip; of sound the end of the stretch that was heard.
    pub time: Duration,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Classes by name, each with its share, 0 to 1; those that the model left out are taken for unlikely.
    Classes(Vec<(String, f64)>),
    /// One number, the higher the more it says yes.
    Score(f64),
    /// What cannot be fused, by a word for sentences: `boxes`, `text`.
    Other(&'static str),
}

/// What is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    Class(String),
    /// For answers that are one number.
    Yes(bool),
}

/// Why nothing can be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    #[error("the {0} model says nothing on all of the material; give material with {0}", side.word())]
    Silent { side: Side },
    #[error("the {} model answers with {kind}, which cannot be fused; give a model that answers with classes or with one number", side.word())]
    NotFusable { side: Side, kind: &'static str },
    #[error(
        "the picture model answers with {picture} and the sound model with {sound}; give two that answer the same question in the same form"
    )]
    Unlike {
        picture: &'static str,
        sound: &'static str,
    },
    #[error(
        "no class of both models means the same: pictures are told as {picture}, sound as {sound}; give models with common classes, or rename the classes of one in its labels file"
    )]
    NoSharedClass { picture: String, sound: String },
    #[error(
        "no answer about sound lies near enough in time to a labelled picture; at most {stale_after:?} may be between them"
    )]
    NeverTogether { stale_after: Duration },
    #[error("labels are {labels} and answers are {answers}; give labels of that form")]
    LabelsUnlike {
        labels: &'static str,
        answers: &'static str,
    },
    #[error(
        "all labelled answers are of one class ({0}), so that nothing can be weighed; give material with several"
    )]
    OneClass(String),
    #[error(
        "the fusion was fitted to {fitted}, and answers are {answers}; give the fit that belongs to these models"
    )]
    FitUnlike {
        fitted: &'static str,
        answers: &'static str,
    },
    #[error("no class of the {} model is known: the fusion was fitted to {fitted}; give the fit that belongs to this model", side.word())]
    NoFittedClass { side: Side, fitted: String },
    #[error("the {} model names more than {most} classes; give a fit, which says which of them count", side.word())]
    TooManyClasses { side: Side, most: usize },
    #[error("{0}")]
    TooLittle(TooLittle),
}

/// An answer at temperature 1, or a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    Classes(Distribution),
    Score(f64),
}

impl Raw {
    pub fn calibrated(&self, scaling: &Scaling) -> Distribution {
        match (self, scaling) {
            (Raw::Classes(it), Scaling::Temperature(temperature)) => it.at(*temperature),
            (Raw::Classes(it), _) => it.clone(),
            (Raw::Score(score), scaling) => {
                let mut said = Distribution::new(2);
                said.say_log_odds(scaling.log_odds(*score));
                said
            }
        }
    }
}

/// Pairs of answers with what is true.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    /// Empty where answers are one number.
    pub labels: Vec<String>,
    pub said: [Vec<Raw>; 2],
    pub truth: Vec<usize>,
    pub items: Vec<Item>,
    /// What was left out, in sentences.
    pub notes: Vec<String>,
}

impl Pairs {
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    pub fn of(
        picture: &[Said],
        sound: &[Said],
        truth: &[Option<Right>],
        holding: &Holding,
    ) -> Result<Pairs, FitError> {
        let kinds = [kind(picture, Side::Picture)?, kind(sound, Side::Sound)?];
        if kinds[0] != kinds[1] {
            let [picture, sound] = kinds;
            return Err(FitError::Unlike { picture, sound });
        }
        let mut notes = Vec::new();
        let shared = Shared::of(&labels(picture), &labels(sound));
        if kinds[0] == CLASSES {
            notes.extend(left_out(&shared, picture, sound)?);
        }
        let known: HashMap<String, usize> = (0..)
            .zip(&shared.both)
            .map(|(at, it)| (names::key(it), at))
            .collect();
        let mut pairs = Pairs {
            labels: shared.both,
            said: [Vec::new(), Vec::new()],
            truth: Vec::new(),
            items: Vec::new(),
            notes,
        };
        let mut elsewhere = 0;
        let heard = by_clip(sound);
        for (seen, right) in picture.iter().zip(truth) {
            let Some(right) = right else { continue };
            let class = match (right, kinds[0]) {
                (Right::Class(name), CLASSES) => known.get(&names::key(name)).copied(),
                (Right::Yes(yes), NUMBERS) => Some(usize::from(*yes)),
                (Right::Class(_), answers) => {
                    return Err(FitError::LabelsUnlike {
                        labels: CLASSES,
                        answers,
                    });
                }
                (Right::Yes(_), answers) => {
                    return Err(FitError::LabelsUnlike {
                        labels: "yes or no",
                        answers,
                    });
                }
            };
            let Some(class) = class else {
                elsewhere += 1;
                continue;
            };
            let of_clip = heard.get(&seen.clip).map_or(&[][..], Vec::as_slice);
            let Some(near) = holding.nearest(of_clip.len(), |it| of_clip[it].time, seen.time) else {
                continue;
            };
            let sides = [&seen.what, &of_clip[near].what];
            let raw = sides.map(|what| raw(what, &known));
            let [Some(one), Some(other)] = raw else { continue };
            pairs.said[0].push(one);
            pairs.said[1].push(other);
            pairs.truth.push(class);
            pairs.items.push(Item {
                clip: seen.clip,
                time: seen.time.as_secs_f64(),
                stratum: class as u32,
            });
        }
        if 0 < elsewhere {
            let text = format!(
                "{elsewhere} labelled pictures are of classes that not both models know, and are left out"
            );
            pairs.notes.push(text);
        }
        pairs.check(holding)
    }

    fn check(self, holding: &Holding) -> Result<Pairs, FitError> {
        let Some(first) = self.truth.first() else {
            return Err(FitError::NeverTogether {
                stale_after: holding.stale_after,
            });
        };
        if self.truth.iter().all(|it| it == first) {
            let names = ["no".to_owned(), "yes".to_owned()];
            let names = if self.labels.is_empty() {
                &names[..]
            } else {
                &self.labels
            };
            return Err(FitError::OneClass(names[*first].clone()));
        }
        Ok(self)
    }
}

const CLASSES: &str = "classes";
const NUMBERS: &str = "numbers";

/// What all answers of a side are: the first kind that is no class of nothing.
fn kind(said: &[Said], side: Side) -> Result<&'static str, FitError> {
    let mut kinds = said.iter().filter_map(|it| match &it.what {
        What::Classes(classes) if classes.is_empty() => None,
        What::Classes(_) => Some(CLASSES),
        What::Score(_) => Some(NUMBERS),
        What::Other(kind) => Some(*kind),
    });
    match kinds.next().ok_or(FitError::Silent { side })? {
        kind @ (CLASSES | NUMBERS) => Ok(kind),
        kind => Err(FitError::NotFusable { side, kind }),
    }
}

fn labels(said: &[Said]) -> Vec<String> {
    let classes = said.iter().flat_map(|it| match &it.what {
        What::Classes(classes) => classes.as_slice(),
        _ => &[],
    });
    names::distinct(classes.map(|it| it.0.as_str()))
}

/// What is said of classes that only one side knows.
fn left_out(shared: &Shared, picture: &[Said], sound: &[Said]) -> Result<Vec<String>, FitError> {
    if shared.both.is_empty() {
        return Err(FitError::NoSharedClass {
            picture: names::listed(&labels(picture)),
            sound: names::listed(&labels(sound)),
        });
    }
    let told = [
        (&shared.picture_only, Side::Picture),
        (&shared.sound_only, Side::Sound),
    ];
    let told = told
        .into_iter()
        .filter(|it| !it.0.is_empty())
        .map(|(only, side)| {
            let (only, side) = (names::listed(only), side.word());
            format!("only the {side} model knows {only}; the fusion is over the classes that both know")
        });
    Ok(told.collect())
}

/// The answers of each clip in order of time.
fn by_clip(sound: &[Said]) -> HashMap<u32, Vec<&Said>> {
    let mut clips: HashMap<u32, Vec<&Said>> = HashMap::new();
    sound
        .iter()
        .for_each(|it| clips.entry(it.clip).or_default().push(it));
    clips.values_mut().for_each(|it| it.sort_by_key(|it| it.time));
    clips
}

fn raw(what: &What, known: &HashMap<String, usize>) -> Option<Raw> {
    match what {
        What::Classes(classes) if known.is_empty() || classes.is_empty() => None,
        What::Classes(classes) => {
            let mut said = Distribution::new(known.len());
            let named = classes
                .iter()
                .filter_map(|(name, share)| Some((*known.get(&names::key(name))?, *share)));
            said.say(named.collect::<Vec<_>>().into_iter(), 1.0);
            Some(Raw::Classes(said))
        }
        What::Score(score) => score.is_finite().then_some(Raw::Score(*score)),
        What::Other(_) => None,
    }
}
