// SPDX-License-Identifier: MPL-2.0

//! A model that is loaded and can be run.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::backend::{Backend, Input};
use super::describe::{Description, describe};
use super::modelinfo::{self, dims_line};
use super::onnx::{self, Graph, ParseError};
use super::ort_backend::OrtBackend;
use super::rten_backend::RtenBackend;
use super::{
    BackendChoice, Error, ExecutionProvider, Model, Options, Task, buffer, external_data, library, probe,
    sound,
};
use crate::tensor::{Data, Dim, InputSpec, Tensor};

/// Bytes an ONNX file may have: the limit of protocol buffers.
const MAX_BYTES: u64 = (1 << 31) - 1;

/// A loaded model with its memory: fill [`input`](Session::input), [`run`](Session::run), read the outputs.
pub struct Session {
    model: Model,
    backend: Box<dyn Backend>,
    backend_note: String,
    /// The frame or the sound, whose shape is empty before `prepare`, and state after it.
    inputs: Vec<Input>,
    /// Answers, and state after them.
    outputs: Vec<Tensor>,
    /// State of the voices that are not at work.
    voices: Vec<Vec<Data>>,
    /// The voice at work.
    voice: usize,
}

impl Session {
    /// Reads, judges and loads a model; runs it once or twice to see the shape of its answers.
    ///
    /// Takes as long as the model is large, so it has no place on a streaming thread.
    pub fn load(path: &Path, options: &Options) -> Result<Session, Error> {
        if options.execution_provider != ExecutionProvider::Cpu {
            let remedy = "this build runs on the CPU only; set execution-provider=cpu";
            return Err(Error::OptionUnavailable {
                option: "execution-provider",
                value: "cuda".into(),
                remedy,
            });
        }
        let bytes = read(path)?;
        let graph = onnx::parse(&bytes).map_err(|error| match error {
            ParseError::NotOnnx(cause) => Error::NotOnnx {
                path: path.to_owned(),
                cause,
            },
            ParseError::Truncated(cause) => Error::Truncated {
                path: path.to_owned(),
                bytes: bytes.len(),
                cause,
            },
        })?;
        external_data::check(path, &graph.external_data)?;
        let info = modelinfo::load(path)?;
        let description = describe(path, &graph, info.as_ref(), options.task)?;
        let (mut backend, backend_note) = load_backend(path, &bytes, &graph, &description, options)?;
        let finding = probe::probe(path, &description, options.task, backend.as_mut())?;
        if finding.task.replaces() || outputs_follow_input(&description) {
            backend.pin_outputs();
        }
        let states = description.states.iter();
        let all = description
            .outputs
            .iter()
            .chain(states.clone().map(|state| &state.output));
        let outputs = all.map(|it| buffer::zeros(it.element_type, &[0])).collect();
        let mut inputs = vec![Input {
            tensor: buffer::zeros(description.input.element_type, &[0]),
            shape: Vec::new(),
        }];
        inputs.extend(states.map(|state| probe::zero_state(&state.input)));
        let model = Model {
            path: path.to_owned(),
            task: finding.task,
            input: description.input,
            input_spec: description.input_spec,
            states: description.states,
            outputs: description.outputs,
            dims_orders: description.dims_orders,
            output_spec: finding.output_spec,
            scale: finding.scale,
            group_id: description.group_id,
            opset: graph.opset,
            metadata: graph.metadata,
            trial: finding.trial,
        };
        Ok(Session {
            model,
            backend,
            backend_note,
            inputs,
            outputs,
            voices: Vec::new(),
            voice: 0,
        })
    }

    /// Returns what the model is.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Returns which inference library runs it: `ort` or `rten`.
    pub fn backend_name(&self) -> &'static str {
        self.backend.name()
    }

    /// Returns why that library was chosen, in a phrase.
    pub fn backend_note(&self) -> &str {
        &self.backend_note
    }

    /// Makes the input ready for frames whose tensor has the shape `dims`, which is always of rank 4, or for
    /// sound, whose tensor has the shape 1, channels, hop.
    ///
    /// Does nothing when the shape is the prepared one, and otherwise allocates.
    pub fn prepare(&mut self, dims: &[usize]) -> Result<(), Error> {
        if self
            .frame()
            .is_some_and(|it| it.tensor.dims == dims && !it.shape.is_empty())
        {
            return Ok(());
        }
        let shape = self.checked_shape(dims)?;
        if buffer::element_count(dims).is_none() {
            let limit = buffer::MAX_ELEMENTS;
            return Err(Error::TensorTooLarge {
                path: self.model.path.clone(),
                dims: dims.to_vec(),
                limit,
            });
        }
        let tensor = buffer::zeros(self.model.input.element_type, dims);
        if let Some(frame) = self.inputs.first_mut() {
            *frame = Input { tensor, shape };
        }
        Ok(())
    }

    /// Runs once on a made-up frame of the prepared shape; the answer is not looked at.
    pub fn warm_up(&mut self) -> Result<(), Error> {
        if let Some(frame) = self.inputs.first_mut() {
            match &self.model.input_spec {
                InputSpec::Image(spec) => probe::fill(&mut frame.tensor.data, &spec.ranges),
                InputSpec::Sound(_) => sound::fill(&mut frame.tensor.data),
            }
        }
        let result = self.run().map(|_| ());
        self.reset();
        result
    }

    /// Makes the session ready for this many voices, each with recurrent state of its own, zero at first.
    ///
    /// A voice is one of several streams that take turns on one model, such as the channels of stereo on a
    /// model for mono. There is one before the first call.
    pub fn set_voices(&mut self, voices: usize) {
        self.reset();
        let states = || {
            let states = self.model.states.iter();
            states
                .map(|state| probe::zero_state(&state.input).tensor.data)
                .collect()
        };
        // Voice 0 is at work: its state stands among the inputs, and its place here is void.
        self.voices = (0..voices.max(1)).map(|_| states()).collect();
        self.voice = 0;
    }

    /// Lets another voice have the next runs. One that [`set_voices`](Session::set_voices) did not make is an
    /// error.
    pub fn select_voice(&mut self, voice: usize) -> Result<(), Error> {
        if voice == self.voice {
            return Ok(());
        }
        if self.voices.len() <= voice {
            return Err(Error::NotPrepared {
                path: self.model.path.clone(),
            });
        }
        for to in [self.voice, voice] {
            let parked = self.voices.get_mut(to).into_iter().flatten();
            for (input, parked) in self.inputs.iter_mut().skip(1).zip(parked) {
                std::mem::swap(&mut input.tensor.data, parked);
            }
        }
        self.voice = voice;
        Ok(())
    }

    /// Forgets what earlier runs handed on: state is zero again, as it is at first, of all voices.
    pub fn reset(&mut self) {
        self.voices.iter_mut().flatten().for_each(buffer::clear);
        for state in self.inputs.iter_mut().skip(1) {
            buffer::clear(&mut state.tensor.data);
        }
    }

    fn frame(&self) -> Option<&Input> {
        self.inputs.first()
    }

    /// Returns the input of the next run. Before [`prepare`](Session::prepare) it is empty.
    pub fn input(&mut self) -> &mut Tensor {
        // The first input is there from the start.
        &mut self.inputs[0].tensor
    }

    /// Runs once and returns the answers, in the order of [`Model::outputs`]. State goes to the next run.
    ///
    /// The memory is that of the last run where shapes repeat. For an image the single output has rank
    /// 4. In a picture or in sound, a NaN or an infinity is an error.
    pub fn run(&mut self) -> Result<&[Tensor], Error> {
        let is_ready = |it: &Input| {
            !it.shape.is_empty() && buffer::len(&it.tensor.data) == it.shape.iter().product::<usize>()
        };
        if !self.frame().is_some_and(is_ready) {
            return Err(Error::NotPrepared {
                path: self.model.path.clone(),
            });
        }
        self.backend.run(&mut self.inputs, &mut self.outputs)?;
        self.hand_on()?;
        match self.model.task {
            Task::Image => self.check_picture()?,
            Task::Audio => self.check_finite()?,
            _ => {}
        }
        Ok(self.outputs.get(..self.model.outputs.len()).unwrap_or_default())
    }

    /// Lets the state that came out change places with the one that went in.
    fn hand_on(&mut self) -> Result<(), Error> {
        let old = self.inputs.iter_mut().skip(1);
        let new = self.outputs.iter_mut().skip(self.model.outputs.len());
        for ((old, new), info) in old.zip(new).zip(&self.model.states) {
            if old.shape != new.dims {
                let (name, wanted) = (&info.output.name, &old.shape);
                return Err(Error::Run {
                    path: self.model.path.clone(),
                    backend: self.backend.name(),
                    cause: format!(
                        "state '{name}' has the shape {:?} where {wanted:?} went in",
                        new.dims
                    ),
                });
            }
            std::mem::swap(&mut old.tensor.data, &mut new.data);
        }
        Ok(())
    }

    fn check_picture(&mut self) -> Result<(), Error> {
        let (Some(spec), Some(output)) = (&self.model.output_spec, self.outputs.first_mut()) else {
            return Ok(());
        };
        let path = || self.model.path.clone();
        let name = || {
            self.model
                .outputs
                .first()
                .map(|it| it.name.clone())
                .unwrap_or_default()
        };
        if let Some((index, value)) = buffer::first_not_finite(&output.data) {
            return Err(Error::NotFinite {
                path: path(),
                output: name(),
                index,
                value,
            });
        }
        if output.dims.len() == 4 {
            return Ok(());
        }
        match probe::picture_dims(&output.dims, spec.layout) {
            Some(dims) => output.dims = dims.to_vec(),
            None => {
                let cause = format!("output '{}' changed its shape to {:?}", name(), output.dims);
                return Err(Error::Run {
                    path: path(),
                    backend: self.backend.name(),
                    cause,
                });
            }
        }
        Ok(())
    }

    fn check_finite(&self) -> Result<(), Error> {
        let (Some(output), Some(info)) = (self.outputs.first(), self.model.outputs.first()) else {
            return Ok(());
        };
        match buffer::first_not_finite(&output.data) {
            None => Ok(()),
            Some((index, value)) => Err(Error::NotFinite {
                path: self.model.path.clone(),
                output: info.name.clone(),
                index,
                value,
            }),
        }
    }

    fn checked_shape(&self, dims: &[usize]) -> Result<Vec<usize>, Error> {
        let model = &self.model;
        let mismatch = || Error::Shape {
            path: model.path.clone(),
            dims: dims.to_vec(),
            expected: dims_line(&model.input.dims),
        };
        let rank = model.input.dims.len();
        let shape = match &model.input_spec {
            InputSpec::Image(spec) => {
                let dims: &[usize; 4] = dims.try_into().map_err(|_| mismatch())?;
                probe::model_shape(dims, rank, spec.layout)
            }
            InputSpec::Sound(spec) if *dims == [1, spec.channels, spec.hop] => sound::model_shape(spec, rank),
            InputSpec::Sound(_) => return Err(mismatch()),
        };
        let fits = |(size, dim): (&usize, &Dim)| match dim {
            Dim::Fixed(fixed) => size == fixed,
            Dim::Dynamic(_) => *size != 0,
        };
        match shape.len() == model.input.dims.len() && shape.iter().zip(&model.input.dims).all(fits) {
            true => Ok(shape),
            false => Err(mismatch()),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => Error::NotFound {
            path: path.to_owned(),
        },
        _ => Error::Unreadable {
            path: path.to_owned(),
            source,
        },
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        // A pipe or a device would block or never end.
        return Err(unreadable(std::io::Error::new(
            ErrorKind::InvalidInput,
            "not a regular file",
        )));
    }
    if MAX_BYTES < metadata.len() {
        return Err(Error::FileTooLarge {
            path: path.to_owned(),
            bytes: metadata.len(),
            limit: MAX_BYTES,
        });
    }
    fs::read(path).map_err(unreadable)
}

fn load_backend(
    path: &Path,
    bytes: &[u8],
    graph: &Graph,
    description: &Description,
    options: &Options,
) -> Result<(Box<dyn Backend>, String), Error> {
    let external = !graph.external_data.is_empty();
    let states = || description.states.iter();
    let inputs: Vec<_> = std::iter::once(&description.input)
        .chain(states().map(|state| &state.input))
        .collect();
    let outputs: Vec<_> = description
        .outputs
        .iter()
        .chain(states().map(|state| &state.output))
        .collect();
    let ports = (inputs.as_slice(), outputs.as_slice());
    let ort =
        || OrtBackend::load(path, bytes, external, ports, options).map(|it| Box::new(it) as Box<dyn Backend>);
    let rten = || {
        RtenBackend::load(path, bytes, external, ports, options).map(|it| Box::new(it) as Box<dyn Backend>)
    };
    match options.backend {
        BackendChoice::Ort => Ok((ort()?, "asked for".into())),
        BackendChoice::Rten => Ok((rten()?, "asked for".into())),
        BackendChoice::Auto => match library::loaded() {
            Ok(loaded) => Ok((ort()?, format!("ONNX Runtime found at {}", loaded.path.display()))),
            Err(error) => Ok((rten()?, error.to_string())),
        },
    }
}

/// Whether each output's shape is fixed or made of the input's own named dimensions.
fn outputs_follow_input(description: &Description) -> bool {
    let is_input_dim =
        |name: &String| !name.is_empty() && description.input.dims.contains(&Dim::Dynamic(name.clone()));
    let follows = |dim: &Dim| match dim {
        Dim::Fixed(_) => true,
        Dim::Dynamic(name) => is_input_dim(name),
    };
    let shaped = description.shaped.iter().all(|&shaped| shaped);
    shaped
        && description
            .outputs
            .iter()
            .all(|output| output.dims.iter().all(follows))
}
