// SPDX-License-Identifier: MPL-2.0

//! What is right of one item.

use std::path::PathBuf;

use crate::answer::{Answer, ClassScore, Detection};

/// The class of a place of a mask of which nothing is known: it counts neither for nor against an answer.
pub const NOT_JUDGED: u8 = 255;

/// What is right of one item.
#[derive(Debug, Clone, PartialEq)]
pub enum Label {
    /// All objects in the picture; none where there is nothing.
    Objects(Vec<Object>),
    /// Classes, a class map (of [`Classes`](super::Classes)' numbers, or [`NOT_JUDGED`]), a matte, a score or a text.
    Said(Answer),
    /// What can be heard.
    Sounding {
        /// The share of the stretch in which each class sounds, 0 to 1, the most first.
        classes: Vec<ClassScore>,
        /// The share in which any of them does.
        any: f32,
    },
    /// The picture, clip or sound as it should be.
    Reference(PathBuf),
}

/// An object of a picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object {
    /// With its region in shares of the picture, 0 to 1, as answers are compared, and a confidence of 1.
    pub detection: Detection,
    /// In square pixels, where the labels say it; of an outline it is less than that of the box.
    pub area: Option<f32>,
    /// One box around many objects: boxes in it are neither right nor wrong.
    pub crowd: bool,
    /// To find it is no merit and to miss it no fault.
    pub difficult: bool,
}

impl Label {
    /// As a model would say it; `None` for a reference.
    pub fn answer(&self) -> Option<Answer> {
        match self {
            Label::Objects(found) => Some(Answer::Detections(
                found.iter().map(|it| it.detection.clone()).collect(),
            )),
            Label::Said(answer) => Some(answer.clone()),
            Label::Sounding { classes, .. } => Some(Answer::Classes(classes.clone())),
            Label::Reference(_) => None,
        }
    }

    /// Whether each detection of [`answer`](Label::answer) counts neither for nor against; empty for what has none.
    pub fn ignored(&self) -> Vec<bool> {
        match self {
            Label::Objects(found) => found.iter().map(|it| it.crowd || it.difficult).collect(),
            _ => Vec::new(),
        }
    }

    /// As one number: a score, or the share of the stretch in which something sounds, for models that say no class.
    pub fn score(&self) -> Option<f32> {
        match self {
            Label::Said(Answer::Score(score)) => Some(*score),
            Label::Sounding { any, .. } => Some(*any),
            _ => None,
        }
    }
}

/// What labels say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Boxes,
    Classes,
    ClassMap,
    Matte,
    Score,
    Text,
    Sounding,
    Reference,
}

impl Kind {
    /// For a sentence: "the labels are …".
    pub fn word(self) -> &'static str {
        match self {
            Kind::Boxes => "boxes",
            Kind::Classes => "classes",
            Kind::ClassMap => "masks of classes",
            Kind::Matte => "masks of a foreground",
            Kind::Score => "scores",
            Kind::Text => "texts",
            Kind::Sounding => "stretches of sound with their class",
            Kind::Reference => "pictures or sounds as they should be",
        }
    }
}
