// SPDX-License-Identifier: MPL-2.0

//! What is known of a model, from whom, and which line says otherwise.

use std::fmt;

/// Who said it. Of two, the earlier one here is believed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A property, or a key of a catalogue.
    Asked,
    /// The `.modelinfo` beside the model.
    ModelInfo,
    /// The model file itself or a companion of it: a key of the metadata, or a file's name.
    File(String),
    /// It follows from types and shapes, and cannot be otherwise.
    Shape,
    /// It holds for all models of a family that was recognized.
    Family(&'static str),
    /// Nobody said it: the usual case is taken.
    Assumed,
}

/// One thing that a model is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Name of the input or output that it is about; empty for the model as a whole.
    pub tensor: String,
    /// What it is about, as the property and the `.modelinfo` line call it, such as `input-range`.
    pub key: &'static str,
    /// As it would be written, such as `0,1`.
    pub value: String,
    pub origin: Origin,
    /// Which line changes it, ready to be written: `input-range=0,255` for a property of `avrec-infer`.
    pub line: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Asked => write!(formatter, "a property"),
            Origin::ModelInfo => write!(formatter, "the .modelinfo"),
            Origin::File(what) => write!(formatter, "the file ({what})"),
            Origin::Shape => write!(formatter, "its shape"),
            Origin::Family(name) => write!(formatter, "the family {name}"),
            Origin::Assumed => write!(formatter, "nobody; assumed"),
        }
    }
}
