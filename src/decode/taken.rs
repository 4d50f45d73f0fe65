// SPDX-License-Identifier: MPL-2.0

//! What an output is taken for, who said so, and which line says otherwise.

/// Who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The user.
    Asked,
    /// The model's file or one beside it; where in it.
    File(String),
    /// Shapes, and it cannot be otherwise.
    Shape,
    /// All models of the family.
    Family(&'static str),
    /// Nobody.
    Assumed,
}

/// One thing that a model is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Name of the output; empty for the model as a whole.
    pub tensor: String,
    pub key: &'static str,
    pub value: String,
    pub source: Source,
    /// What to write for another value.
    pub line: String,
}
