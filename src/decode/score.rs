// SPDX-License-Identifier: MPL-2.0

//! One number for a frame or a stretch of sound.

use super::Fault;
use super::found::{output, shape};
use super::scan;
use crate::tensor::Tensor;

/// Where the number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// Which output of the model it is.
    pub output: usize,
}

impl Score {
    pub(super) fn read(&self, outputs: &[Tensor], scratch: &mut Vec<f32>) -> Result<f32, Fault> {
        let tensor = output(outputs, self.output)?;
        match scan::floats(tensor, scratch) {
            [score] if score.is_finite() => Ok(*score),
            [score] => Err(Fault::NotFinite(*score)),
            _ => Err(shape(self.output, tensor, "one number")),
        }
    }
}
