// SPDX-License-Identifier: MPL-2.0

//! What a loaded model is, in the words of [`crate::tensor`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::modelinfo::DimsOrder;
use super::{FurtherInput, Ratio, Scale, Statement, Task};
use crate::tensor::{Fit, ImageSpec, InputSize, InputSpec, Tensor, TensorInfo};

/// A tensor that a run hands to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateInfo {
    pub input: TensorInfo,
    pub output: TensorInfo,
}

/// What was seen in a run at load.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Shape of the input as the model has it.
    pub input: Vec<usize>,
    /// Shape of each of [`Model::outputs`].
    pub outputs: Vec<Vec<usize>>,
    /// Which of those sizes were the same for inputs of two sizes; all of them where only one was tried.
    pub steady: Vec<Vec<bool>>,
    /// What came out of a made-up picture or sound; nothing where that is too much to keep.
    pub values: Arc<Vec<Tensor>>,
}

/// How frames are laid into an input for pictures, as far as the description or the file says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FrameLaying {
    pub fit: Option<Fit>,
    /// Level of the padding, of full range.
    pub padding: Option<u8>,
    /// Also what the user says; `None` where nobody says it, or the size is fixed.
    pub size: Option<InputSize>,
    /// Of a model that takes any size: the smallest number whose multiples it was seen to take as width and height.
    pub grid: Option<usize>,
}

/// What goes into a model that was read, judged and loaded, what comes out, and what for.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub task: Task,
    /// The input for frames or sound, with its shape as the model and its description have it.
    pub input: TensorInfo,
    /// How a frame or a stretch of sound stands in the input.
    pub input_spec: InputSpec,
    /// How frames are laid into it.
    pub laying: FrameLaying,
    /// What is handed from run to run.
    pub states: Vec<StateInfo>,
    /// Constants, and what describes the frame.
    pub further: Vec<FurtherInput>,
    /// The answers: all outputs that are no state, in the model's order.
    pub outputs: Vec<TensorInfo>,
    /// Memory order of each output.
    pub dims_orders: Vec<DimsOrder>,
    /// How a picture stands in the output of [`Model::picture`]; set for [`Task::Image`] only.
    pub output_spec: Option<ImageSpec>,
    /// The index of the output that is the picture; 0 for all tasks but [`Task::Image`].
    pub picture: usize,
    /// Values of each output that stand for black and white, where somebody says them: one pair, or one a channel.
    pub output_ranges: Vec<Option<Vec<(f32, f32)>>>,
    /// Output size over input size; [`Scale::ONE`] for all tasks but [`Task::Image`].
    pub scale: Scale,
    /// Whether a property says the ranges of outputs, and not the description.
    pub is_output_range_asked: bool,
    /// Identifier that ties the outputs of one model together.
    pub group_id: Option<String>,
    /// Version of the default operator set.
    pub opset: i64,
    /// What the file says of itself: `ModelProto.metadata_props`.
    pub metadata: BTreeMap<String, String>,
    /// What it is taken for, from whom that is known, and which line says otherwise.
    pub statements: Vec<Statement>,
    /// The operator that made the values of each of [`Model::outputs`]; empty where that is not known.
    pub makers: Vec<String>,
    /// Whether the number of values depends on the picture, by an operator of the graph.
    pub counts: bool,
    /// The last run at load; `None` when a model of dynamic size could not run at the sizes tried.
    pub trial: Option<Trial>,
}

impl Model {
    /// All that goes in: frames or audio, state after it, and the rest after that.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &TensorInfo> {
        let states = self.states.iter().map(|state| &state.input);
        let further = self.further.iter().map(|further| &further.info);
        std::iter::once(&self.input).chain(states).chain(further)
    }

    /// All that comes out: answers, and state after them.
    pub(super) fn results(&self) -> impl Iterator<Item = &TensorInfo> {
        self.outputs
            .iter()
            .chain(self.states.iter().map(|state| &state.output))
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
