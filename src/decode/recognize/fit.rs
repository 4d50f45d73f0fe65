// SPDX-License-Identifier: MPL-2.0

//! How a model's outputs are to be read, as far as they tell.

use crate::decode::{Boxes, Classes, Ctc, Map, Prototypes, Score};

/// How a model's outputs are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Family {
    /// Boxes with a class each.
    Boxes(Boxes),
    /// Boxes with a class and a mask each.
    Instances(Boxes, Prototypes),
    /// A class for each place.
    Map(Map),
    /// One number for each class.
    Classes(Classes),
    /// One number.
    Score(Score),
    /// For each step along a line one number for each character.
    Text(Ctc),
}

/// A family that fits, and what had to be assumed for it.
pub(super) struct Fit {
    pub family: Family,
    /// Number of classes, where it is declared.
    pub classes: Option<usize>,
    pub assumed: Vec<String>,
}

impl Fit {
    pub fn certain(family: Family, classes: Option<usize>) -> Self {
        Fit {
            family,
            classes,
            assumed: Vec::new(),
        }
    }
}
