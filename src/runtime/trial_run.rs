// SPDX-License-Identifier: MPL-2.0

//! One run of a model at load, and what is found by such runs.

use std::path::Path;
use std::sync::Arc;

use super::backend::{Binding, Input};
use super::signature::Signature;
use super::{Error, Model, Scale, StateInfo, Task, Trial, buffer, input_shape};
use crate::tensor::{Dim, ImageSpec, Tensor};

/// Values of all outputs of a run that are kept: those of 21 classes at 512x512, with room.
const MOST_VALUES: usize = 8 << 20;

/// What the runs showed.
pub(super) struct Finding {
    pub task: Task,
    pub output_spec: Option<ImageSpec>,
    pub scale: Scale,
    /// Which output is the picture, where one is.
    pub picture: usize,
    pub trial: Option<Trial>,
    /// As [`FrameLaying::grid`](super::FrameLaying::grid).
    pub grid: Option<usize>,
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
        let (shape, model) = (input.shape.clone(), &self.signature.model);
        let size = input_shape::picture_size(&model.input_spec, &input.tensor.dims);
        let further = further_inputs(model, size);
        let states = zero_states(model);
        let mut inputs: Vec<Input> = std::iter::once(input).chain(states).chain(further).collect();
        let mut outputs = empty_results(model);
        self.binding
            .run(&mut inputs, &mut outputs)
            .map_err(|cause| Error::Run {
                path: self.path.to_owned(),
                backend: self.backend,
                cause,
            })?;
        outputs.truncate(model.outputs.len());
        let values: usize = outputs.iter().map(|it| it.dims.iter().product::<usize>()).sum();
        Ok(Trial {
            input: shape,
            outputs: outputs.iter().map(|it| it.dims.clone()).collect(),
            steady: outputs.iter().map(|it| vec![true; it.dims.len()]).collect(),
            values: Arc::new(if values <= MOST_VALUES {
                outputs
            } else {
                Vec::new()
            }),
        })
    }
}

/// State before the first run. Dimensions that are left open are batches, of one.
pub(super) fn zero_states(model: &Model) -> impl Iterator<Item = Input> {
    model.states.iter().map(|StateInfo { input, .. }| {
        let size = |dim: &Dim| match dim {
            Dim::Fixed(size) => *size,
            Dim::Dynamic(_) => 1,
        };
        let shape: Vec<usize> = input.dims.iter().map(size).collect();
        let tensor = buffer::zeros(input.element_type, &shape);
        Input { tensor, shape }
    })
}

/// Constants, and what describes a picture of this width and height in the input.
pub(super) fn further_inputs(model: &Model, size: (usize, usize)) -> impl Iterator<Item = Input> {
    model.further.iter().map(move |further| {
        let shape = further.shape();
        let mut tensor = buffer::zeros(further.info.element_type, &shape);
        further.write(&mut tensor.data, size);
        Input { tensor, shape }
    })
}

/// Places for what comes out of a run.
pub(super) fn empty_results(model: &Model) -> Vec<Tensor> {
    let results = model.results();
    results.map(|it| buffer::zeros(it.element_type, &[0])).collect()
}
