// SPDX-License-Identifier: MPL-2.0

//! What can be wrong with a model's outputs: before they are decoded, and while they are.

/// No decoder of the task fits the outputs that a model declares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}; {remedy}")]
pub struct Unfit {
    /// What was found, and what the task understands.
    pub cause: String,
    /// What to change.
    pub remedy: String,
    /// Whether something fits by its shape, and other outputs or the numbers speak against it.
    pub is_doubt: bool,
}

impl Unfit {
    pub(super) fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Unfit {
            cause: cause.into(),
            remedy: remedy.into(),
            is_doubt: false,
        }
    }

    pub(super) fn doubt(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Unfit {
            is_doubt: true,
            ..Unfit::new(cause, remedy)
        }
    }
}

/// Outputs of one run that cannot be decoded. The decoder stays usable, the frame has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The outputs are not those that were recognized.
    #[error("the model gave {given} outputs and output {wanted} is needed; load the model anew")]
    Outputs { given: usize, wanted: usize },
    /// An output changed its shape, or its data and dimensions contradict each other.
    #[error(
        "output {output} has the shape {given:?} where {expected} is understood; \
         export the model with fixed shapes, or set task=tensor"
    )]
    Shape {
        output: usize,
        given: Vec<usize>,
        expected: String,
    },
    /// The model writes class numbers itself, and wrote one that has no label.
    #[error(
        "the model found class {class} and there are {labels} labels; give labels-file one line for each class"
    )]
    Unlabeled { class: u32, labels: usize },
    /// The one number of `task=score` is none.
    #[error(
        "the model's score is {0}, which is no finite number; check the model and the ranges of its input"
    )]
    NotFinite(f32),
    /// The frame or the model's input has no pixels, or the picture is not inside the input.
    #[error("the frame has no place in the model's input: {0}")]
    Place(String),
}
