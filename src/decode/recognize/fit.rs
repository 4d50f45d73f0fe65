// SPDX-License-Identifier: MPL-2.0

//! How a model's outputs are to be read, as far as they tell.

use crate::decode::{Boxes, Classes, Ctc, EndToEnd, Extra, Map, Matte, Prototypes, Score, Taken, Yolo};

/// How a model's outputs are to be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Family {
    /// Boxes with a class each.
    Boxes(Boxes),
    /// Boxes with a class and a mask each.
    Instances(Boxes, Prototypes),
    /// A class for each place.
    Map(Map),
    /// How far each place belongs to the foreground.
    Matte(Matte),
    /// One number for each class.
    Classes(Classes),
    /// One number.
    Score(Score),
    /// For each step along a line one number for each character.
    Text(Ctc),
}

impl Family {
    /// The word for it; of detectors the one that `family` takes.
    pub fn name(&self) -> &'static str {
        match self {
            Family::Boxes(Boxes::Yolo(Yolo { extra, .. }) | Boxes::EndToEnd(EndToEnd { extra, .. })) => {
                match extra {
                    Extra::Masks => "yolo",
                    Extra::Points { .. } => "yolo-pose",
                    Extra::Angle => "yolo-obb",
                }
            }
            Family::Boxes(Boxes::Ssd(_)) => "ssd",
            Family::Boxes(Boxes::Detr(_)) => "detr",
            Family::Boxes(Boxes::Levels(it)) => it.head.name(),
            Family::Boxes(Boxes::NanoDet(_)) => "nanodet",
            Family::Boxes(Boxes::Priors(it)) if it.points.is_some() => "retinaface",
            Family::Boxes(Boxes::Priors(_)) => "ssd-priors",
            Family::Boxes(Boxes::CenterFace(_)) => "centerface",
            Family::Boxes(Boxes::Landmarks(_)) => "landmarks",
            Family::Boxes(Boxes::TextMap(_)) => "db",
            Family::Instances(..) => "yolo-masks",
            Family::Map(_) => "map",
            Family::Matte(_) => "matte",
            Family::Classes(_) => "classes",
            Family::Score(_) => "score",
            Family::Text(_) => "ctc",
        }
    }

    /// The outputs that the decoder reads, or knows to say the same again, by index. A model with data in other ones
    /// is not explained by this family.
    pub fn outputs_read(&self) -> Vec<usize> {
        match self {
            Family::Boxes(boxes) => boxes.outputs_read(),
            Family::Instances(boxes, prototypes) => {
                let mut read = boxes.outputs_read();
                read.push(prototypes.output);
                read
            }
            Family::Map(map) => vec![map.output],
            Family::Matte(matte) => {
                let read = std::iter::once(matte.output);
                read.chain(matte.redundant.iter().copied()).collect()
            }
            Family::Classes(classes) => vec![classes.output],
            Family::Score(score) => vec![score.output],
            Family::Text(text) => vec![text.output],
        }
    }
}

/// The line against a family that was assumed, where no other one has such outputs.
pub(super) const NO_OTHER: &str = "task=tensor";

/// A family that fits, and what had to be assumed for it.
pub(super) struct Fit {
    pub family: Family,
    /// Number of classes, where it is declared.
    pub classes: Option<usize>,
    pub assumed: Vec<String>,
    /// Where the family itself had to be assumed, the line for another one.
    pub otherwise: Option<&'static str>,
    /// What else had to be assumed, beside what all families tell.
    pub taken: Vec<Taken>,
}

impl Fit {
    pub fn certain(family: Family, classes: Option<usize>) -> Self {
        Fit {
            family,
            classes,
            assumed: Vec::new(),
            otherwise: None,
            taken: Vec::new(),
        }
    }
}
