// SPDX-License-Identifier: MPL-2.0

//! One run of a model at load, and what is found by such runs.

use std::path::Path;
use std::sync::Arc;

use super::backend::{Binding, Input};
use super::signature::Signature;
use super::{Error, Model, Options, Scale, Task, Trial, buffer, input_shape};
use crate::tensor::{ElementType, ImageSpec, Tensor};

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
    pub options: &'a Options,
    pub binding: Box<dyn Binding>,
}

impl TrialRunner<'_> {
    /// Runs once, with all state as a stream begins.
    pub(super) fn run(&mut self, input: Input) -> Result<Trial, Error> {
        let (shape, model) = (input.shape.clone(), &self.signature.model);
        let size = input_shape::picture_size(&model.input_spec, &input.tensor.dims);
        let mut inputs = vec![input];
        inputs.extend(first_states(self.path, model, self.options)?);
        inputs.extend(further_inputs(self.path, model, self.options, size)?);
        let mut outputs = empty_results(model);
        self.binding.run(&mut inputs, &mut outputs).map_err(|failure| {
            failure.error(self.path, self.options, |cause| Error::Run {
                path: self.path.to_owned(),
                backend: self.backend,
                cause,
            })
        })?;
        outputs.truncate(model.outputs.len());
        let values: usize = outputs.iter().map(|it| buffer::len(&it.data)).sum();
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

/// A tensor of zeros, unless it is larger than what the model may take.
pub(super) fn zeros(
    path: &Path,
    options: &Options,
    element_type: ElementType,
    dims: &[usize],
) -> Result<Tensor, Error> {
    buffer::zeros(element_type, dims, options.memory_limit).ok_or_else(|| Error::TensorTooLarge {
        path: path.to_owned(),
        dims: dims.to_vec(),
        limit: options.memory_limit,
    })
}

/// State before the first run.
pub(super) fn first_states(path: &Path, model: &Model, options: &Options) -> Result<Vec<Input>, Error> {
    let states = model.states.iter().map(|state| {
        let shape = state.shape();
        let mut tensor = zeros(path, options, state.input.element_type, &shape)?;
        buffer::fill_with_numbers(&mut tensor.data, &state.initial);
        Ok(Input::new(tensor, shape))
    });
    states.collect()
}

/// Constants, and what describes a picture of this width and height in the input.
pub(super) fn further_inputs(
    path: &Path,
    model: &Model,
    options: &Options,
    size: (usize, usize),
) -> Result<Vec<Input>, Error> {
    let further = model.further.iter().map(|further| {
        let shape = further.shape();
        let mut tensor = zeros(path, options, further.info.element_type, &shape)?;
        further.write(&mut tensor.data, size);
        Ok(Input {
            tensor,
            shape,
            other_type: further.other_type,
        })
    });
    further.collect()
}

/// Places for what comes out of a run.
pub(super) fn empty_results(model: &Model) -> Vec<Tensor> {
    let results = model.results();
    results.map(|it| buffer::empty(it.element_type)).collect()
}
