// SPDX-License-Identifier: MPL-2.0

//! What a loaded model is, in the words of [`crate::tensor`].

use std::path::PathBuf;

use super::modelinfo::DimsOrder;
use super::{Ratio, Scale};
use crate::tensor::{ImageSpec, TensorInfo};

/// What the answer of a model is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// One output that is a picture, of the frame's size times [`Model::scale`].
    Image,
    /// Outputs that stay tensors.
    Tensor,
}

impl Task {
    /// Returns the nick, as the `task` property spells it.
    pub fn name(self) -> &'static str {
        match self {
            Task::Image => "image",
            Task::Tensor => "tensor",
        }
    }
}

/// A model that was read, judged and loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub path: PathBuf,
    pub task: Task,
    /// The one input, with its shape as the model and its description have it (rank 2 to 4).
    pub input: TensorInfo,
    /// How a frame stands in the input.
    pub input_spec: ImageSpec,
    pub outputs: Vec<TensorInfo>,
    /// Memory order of each output.
    pub dims_orders: Vec<DimsOrder>,
    /// How a picture stands in the single output; set for [`Task::Image`] only.
    pub output_spec: Option<ImageSpec>,
    /// Output size over input size; [`Scale::ONE`] for [`Task::Tensor`], whose frames stay as they are.
    pub scale: Scale,
    /// Identifier that ties the outputs of one model together.
    pub group_id: Option<String>,
    /// Version of the default operator set.
    pub opset: i64,
}

impl Model {
    /// Returns the size of the answer to a frame of the given size, in pixels.
    pub fn output_size(&self, width: usize, height: usize) -> (usize, usize) {
        (self.scale.width.apply(width), self.scale.height.apply(height))
    }

    /// Whether frames keep their size.
    pub fn keeps_size(&self) -> bool {
        self.scale.width == Ratio::ONE && self.scale.height == Ratio::ONE
    }
}
