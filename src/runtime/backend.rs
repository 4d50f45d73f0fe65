// SPDX-License-Identifier: MPL-2.0

//! What an inference library must be able to do: run.

use super::Error;
use crate::tensor::Tensor;

/// A model loaded into an inference library.
pub(super) trait Backend: Send {
    /// Returns the nick of the `backend` property.
    fn name(&self) -> &'static str;

    /// Runs once. `shape` is the input's shape as the model wants it; its product is the length of the
    /// input's data. `outputs` has one tensor per output, in the model's order, and gets their shapes
    /// and data; its memory is reused where it fits.
    fn run(&mut self, input: &mut Tensor, shape: &[usize], outputs: &mut [Tensor]) -> Result<(), Error>;

    /// Promises that the shape of every output follows from the input's shape alone, so that their
    /// memory may be bound beforehand.
    fn pin_outputs(&mut self) {}
}
