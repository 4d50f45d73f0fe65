// SPDX-License-Identifier: MPL-2.0

//! What an inference library must be able to do: run.

use super::Error;
use crate::tensor::Tensor;

/// What goes into a model at one place.
pub(super) struct Input {
    pub tensor: Tensor,
    /// Its shape as the model wants it, which may lack dimensions of size one that the tensor has.
    pub shape: Vec<usize>,
}

/// A model loaded into an inference library.
pub(super) trait Backend: Send {
    /// Returns the nick of the `backend` property.
    fn name(&self) -> &'static str;

    /// Runs once. `inputs` and `outputs` stand in the order of the ports that the model was loaded with; the
    /// product of an input's shape is the length of its data. `outputs` get their shapes and data, and their
    /// memory is reused where it fits. Memory that was seen before, at whichever place, costs nothing again.
    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Error>;

    /// Promises that the shape of every output follows from the inputs' shapes alone, so that their
    /// memory may be bound beforehand.
    fn pin_outputs(&mut self) {}
}
