// SPDX-License-Identifier: MPL-2.0

//! What a loaded model is, in the words of [`crate::tensor`].

use std::collections::BTreeMap;

use super::modelinfo::DimsOrder;
use super::{Ratio, Scale, Statement, Task};
use crate::tensor::{Dim, ImageSpec, InputSpec, Layout, TensorInfo};

/// A tensor that a run hands to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateInfo {
    pub input: TensorInfo,
    pub output: TensorInfo,
}

/// What was seen in a run at load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Shape of the input as the model has it.
    pub input: Vec<usize>,
    /// Shape of each of [`Model::outputs`].
    pub outputs: Vec<Vec<usize>>,
}

/// What goes into a model that was read, judged and loaded, what comes out, and what for.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub task: Task,
    /// The input for frames or sound, with its shape as the model and its description have it.
    pub input: TensorInfo,
    /// How a frame or a stretch of sound stands in the input.
    pub input_spec: InputSpec,
    /// What is handed from run to run.
    pub states: Vec<StateInfo>,
    /// The answers: all outputs that are no state, in the model's order.
    pub outputs: Vec<TensorInfo>,
    /// Memory order of each output.
    pub dims_orders: Vec<DimsOrder>,
    /// How a picture stands in the single output; set for [`Task::Image`] only.
    pub output_spec: Option<ImageSpec>,
    /// Output size over input size; [`Scale::ONE`] for all tasks but [`Task::Image`].
    pub scale: Scale,
    /// Identifier that ties the outputs of one model together.
    pub group_id: Option<String>,
    /// Version of the default operator set.
    pub opset: i64,
    /// What the file says of itself: `ModelProto.metadata_props`.
    pub metadata: BTreeMap<String, String>,
    /// What it is taken for, from whom that is known, and which line says otherwise.
    pub statements: Vec<Statement>,
    /// The last run at load; `None` when a model of dynamic size could not run at the sizes tried.
    pub trial: Option<Trial>,
}

impl Model {
    /// All that goes in: frames or audio, and state after it.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &TensorInfo> {
        std::iter::once(&self.input).chain(self.states.iter().map(|state| &state.input))
    }

    /// All that comes out: answers, and state after them.
    pub(super) fn results(&self) -> impl Iterator<Item = &TensorInfo> {
        self.outputs
            .iter()
            .chain(self.states.iter().map(|state| &state.output))
    }

    /// Width and height that frames must have in the input, in pixels; `None` for a side that is free, and of sound.
    pub fn fixed_sides(&self) -> (Option<usize>, Option<usize>) {
        let rank = self.input.dims.len();
        let first = match self.input_spec.image().map(|it| it.layout) {
            Some(Layout::Nchw) => rank.checked_sub(2),
            Some(Layout::Nhwc) => rank.checked_sub(3),
            None => None,
        };
        let at = |index: usize| match self.input.dims.get(first? + index) {
            Some(Dim::Fixed(size)) => Some(*size),
            _ => None,
        };
        (at(1), at(0))
    }

    /// Returns the size of the answer to a frame of the given size, in pixels.
    pub fn output_size(&self, width: usize, height: usize) -> (usize, usize) {
        (self.scale.width.apply(width), self.scale.height.apply(height))
    }

    /// Whether frames keep their size.
    pub fn keeps_size(&self) -> bool {
        self.scale.width == Ratio::ONE && self.scale.height == Ratio::ONE
    }
}
