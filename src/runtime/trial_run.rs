// SPDX-License-Identifier: MPL-2.0

//! One run of a model at load, and what is found by such runs.

use std::path::Path;

use super::backend::{Binding, Input};
use super::signature::Signature;
use super::{Error, Scale, Task, Trial, buffer};
use crate::tensor::{Dim, ImageSpec, Tensor, TensorInfo};

/// What the runs showed.
pub(super) struct Finding {
    pub task: Task,
    pub output_spec: Option<ImageSpec>,
    pub scale: Scale,
    pub trial: Option<Trial>,
}

/// Runs a model that was just loaded.
pub(super) struct TrialRunner<'a> {
    pub path: &'a Path,
    pub signature: &'a Signature,
    pub backend: &'static str,
    pub binding: Box<dyn Binding>,
}

impl TrialRunner<'_> {
    /// Runs once, with all state zero.
    pub(super) fn run(&mut self, input: Input) -> Result<Trial, Error> {
        let shape = input.shape.clone();
        let mut inputs = vec![input];
        inputs.extend(self.signature.states.iter().map(|state| zero_state(&state.input)));
        let mut outputs = empty_results(self.signature.results());
        self.binding
            .run(&mut inputs, &mut outputs)
            .map_err(|cause| Error::Run {
                path: self.path.to_owned(),
                backend: self.backend,
                cause,
            })?;
        outputs.truncate(self.signature.outputs.len());
        Ok(Trial {
            input: shape,
            outputs: outputs.into_iter().map(|it| it.dims).collect(),
        })
    }
}

/// State before the first run. Dimensions that are left open are batches, of one.
pub(super) fn zero_state(info: &TensorInfo) -> Input {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Dynamic(_) => 1,
    };
    let shape: Vec<usize> = info.dims.iter().map(size).collect();
    Input {
        tensor: buffer::zeros(info.element_type, &shape),
        shape,
    }
}

/// Places for what comes out of a run.
pub(super) fn empty_results<'a>(results: impl Iterator<Item = &'a TensorInfo>) -> Vec<Tensor> {
    results.map(|it| buffer::zeros(it.element_type, &[0])).collect()
}
