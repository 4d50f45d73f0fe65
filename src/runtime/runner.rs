// SPDX-License-Identifier: MPL-2.0

//! Runs a loaded model for one stream.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::{Binding, Input};
use super::loaded_model::LoadedModel;
use super::modelinfo::dims_line;
use super::{
    Error, Model, Options, StateInfo, Stop, Task, backends, buffer, input_shape, registry, source, trial_run,
};
use crate::tensor::{Dim, Layout, Tensor};

/// The user of a model, with memory of its own: fill [`input`](Runner::input), [`run`](Runner::run), read the outputs.
///
/// The model itself is shared with all who use the same content with the same options.
pub struct Runner {
    loaded: Arc<LoadedModel>,
    /// Where it was asked for, for errors.
    path: PathBuf,
    backend_note: String,
    backend_news: Option<String>,
    binding: Box<dyn Binding>,
    /// The frame or the audio, whose shape is empty before `prepare`, state after it, and further inputs after that.
    inputs: Vec<Input>,
    /// Answers, and state after them.
    outputs: Vec<Tensor>,
    /// State of the voices that are not at work.
    voices: Vec<Vec<Input>>,
    /// The voice at work.
    voice: usize,
    options: Options,
}

impl Runner {
    /// Loads a model, or shares it with those who have it, and makes a runner for it.
    ///
    /// Takes as long as the model is large, so it has no place on a streaming thread.
    pub fn load(path: &Path, options: &Options) -> Result<Runner, Error> {
        Runner::load_until(path, options, &Stop::default())
    }

    /// Loads as [`load`](Runner::load) does, and gives up the load, and later each run, when `stop` says it:
    /// [`Error::GivenUp`].
    pub fn load_until(path: &Path, options: &Options, stop: &Stop) -> Result<Runner, Error> {
        let choice = backends::choose(path, options)?;
        let loaded = registry::open(choice.backend, path, options, stop)?;
        let model = &loaded.model;
        let mut inputs = vec![Input::new(buffer::empty(model.input.element_type), Vec::new())];
        inputs.extend(trial_run::first_states(path, model, options)?);
        inputs.extend(trial_run::further_inputs(path, model, options, (0, 0))?);
        Ok(Runner {
            binding: loaded.bind(options, stop),
            options: options.clone(),
            inputs,
            outputs: trial_run::empty_results(model),
            path: path.to_owned(),
            backend_note: choice.note,
            backend_news: choice.news,
            voices: Vec::new(),
            voice: 0,
            loaded,
        })
    }

    /// Returns the model that this and perhaps others run.
    pub fn loaded(&self) -> &Arc<LoadedModel> {
        &self.loaded
    }

    /// Returns where the model was asked for.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the model is.
    pub fn model(&self) -> &Model {
        &self.loaded.model
    }

    /// Returns which inference library runs it, `ort` or `rten`; `remote` for a server.
    pub fn backend_name(&self) -> &'static str {
        self.loaded.backend
    }

    /// Returns how many threads a run uses.
    pub fn threads(&self) -> usize {
        self.loaded.threads
    }

    /// Returns why that library was chosen, in a phrase.
    pub fn backend_note(&self) -> &str {
        &self.backend_note
    }

    /// Returns what a person should hear of that choice, in a sentence; `None` where it is as was asked for.
    pub fn backend_news(&self) -> Option<&str> {
        self.backend_news.as_deref()
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
        let tensor = trial_run::zeros(&self.path, &self.options, self.model().input.element_type, dims)?;
        if let Some(frame) = self.inputs.first_mut() {
            *frame = Input::new(tensor, shape);
        }
        // State that grew in a run goes with the size of the frame.
        let has_grown = |(input, state): (&Input, &StateInfo)| input.shape != state.shape();
        if self
            .inputs
            .iter()
            .skip(1)
            .zip(&self.loaded.model.states)
            .any(has_grown)
        {
            self.reset();
        }
        let model = &self.loaded.model;
        let size = input_shape::picture_size(&model.input_spec, dims);
        let inputs = self.inputs.iter_mut().skip(1 + model.states.len());
        let further = inputs.zip(&model.further);
        further.for_each(|(input, further)| further.write(&mut input.tensor.data, size));
        Ok(())
    }

    /// Runs once on a made-up frame of the prepared shape; the answer is not looked at.
    pub fn warm_up(&mut self) -> Result<(), Error> {
        let range = input_shape::range(&self.model().input_spec);
        if let Some(frame) = self.inputs.first_mut() {
            buffer::fill_with_texture(&mut frame.tensor.data, range);
        }
        let result = self.run().map(|_| ());
        self.reset();
        result
    }

    /// Runs once on a made-up frame of the model's own size, and copies the answers; `None` where the model has no size of
    /// its own. Another size must be prepared before the next run.
    pub fn look(&mut self) -> Result<Option<Vec<Tensor>>, Error> {
        let input_spec = self.model().input_spec.clone();
        let Some((spec, (width, height))) = input_spec.image().and_then(|it| it.size.map(|size| (it, size)))
        else {
            return Ok(None);
        };
        let channels = spec.channels.count();
        self.prepare(&match spec.layout {
            Layout::Nchw => [1, channels, height, width],
            Layout::Nhwc => [1, height, width, channels],
        })?;
        let range = input_shape::range(&input_spec);
        buffer::fill_with_texture(&mut self.input().data, range);
        let answers = self.run().map(<[Tensor]>::to_vec);
        self.reset();
        answers.map(Some)
    }

    /// Makes ready for this many voices, each with recurrent state of its own, zero at first.
    ///
    /// A voice is one of several streams that take turns on one model, such as the channels of stereo on a
    /// model for mono. There is one before the first call.
    pub fn set_voices(&mut self, voices: usize) -> Result<(), Error> {
        self.reset();
        let model = &self.loaded.model;
        let states = || trial_run::first_states(&self.path, model, &self.options);
        // Voice 0 is at work: its state stands among the inputs, and its place here is void.
        self.voices = (0..voices.max(1))
            .map(|_| states())
            .collect::<Result<_, Error>>()?;
        self.voice = 0;
        Ok(())
    }

    /// Lets another voice have the next runs. One that [`set_voices`](Runner::set_voices) did not make is an
    /// error.
    pub fn select_voice(&mut self, voice: usize) -> Result<(), Error> {
        if voice == self.voice {
            return Ok(());
        }
        if self.voices.len() <= voice {
            return Err(self.not_prepared());
        }
        for to in [self.voice, voice] {
            let parked = self.voices.get_mut(to).into_iter().flatten();
            for (input, parked) in self.inputs.iter_mut().skip(1).zip(parked) {
                std::mem::swap(input, parked);
            }
        }
        self.voice = voice;
        Ok(())
    }

    /// Forgets what earlier runs handed on: state is as it is at first, of all voices.
    pub fn reset(&mut self) {
        let states = &self.loaded.model.states;
        let at_work = self.inputs.iter_mut().skip(1).zip(states);
        let parked = self
            .voices
            .iter_mut()
            .flat_map(|voice| voice.iter_mut().zip(states));
        for (input, state) in at_work.chain(parked) {
            if input.shape != state.shape() {
                input.shape = state.shape();
                buffer::resize(&mut input.tensor.data, input.shape.iter().product());
            }
            buffer::fill_with_numbers(&mut input.tensor.data, &state.initial);
        }
    }

    fn frame(&self) -> Option<&Input> {
        self.inputs.first()
    }

    /// Returns the input of the next run. Before [`prepare`](Runner::prepare) it is empty.
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
            return Err(self.not_prepared());
        }
        if let Err(failure) = self.binding.run(&mut self.inputs, &mut self.outputs) {
            return Err(failure.error(&self.path, &self.options, |cause| self.failure(cause)));
        }
        self.hand_on()?;
        match self.model().task {
            Task::Image => self.check_picture()?,
            Task::Audio => self.check_finite()?,
            _ => {}
        }
        let answers = self.model().outputs.len();
        Ok(self.outputs.get(..answers).unwrap_or_default())
    }

    /// The error of who uses a runner before [`prepare`](Runner::prepare).
    pub fn not_prepared(&self) -> Error {
        Error::NotPrepared {
            path: self.path.clone(),
        }
    }

    fn failure(&self, cause: String) -> Error {
        if source::is_address(&self.path) {
            return Error::server(
                &self.path,
                format!("is no use: {cause}"),
                "check what the server runs",
            );
        }
        Error::Run {
            path: self.path.clone(),
            backend: self.backend_name(),
            cause,
        }
    }

    /// Lets the state that came out change places with the one that went in.
    fn hand_on(&mut self) -> Result<(), Error> {
        let model = &self.loaded.model;
        let old = self.inputs.iter_mut().skip(1);
        let new = self.outputs.iter_mut().skip(model.outputs.len());
        for ((old, new), info) in old.zip(new).zip(&model.states) {
            if old.shape != new.dims {
                if info.takes(&new.dims) {
                    old.shape.clone_from(&new.dims);
                    std::mem::swap(&mut old.tensor.data, &mut new.data);
                    continue;
                }
                let (name, wanted) = (&info.output.name, &old.shape);
                let cause = format!(
                    "state '{name}' has the shape {:?} where {wanted:?} went in",
                    new.dims
                );
                return Err(self.failure(cause));
            }
            std::mem::swap(&mut old.tensor.data, &mut new.data);
        }
        Ok(())
    }

    fn check_finite(&self) -> Result<(), Error> {
        let (Some(output), Some(info)) = (self.outputs.first(), self.model().outputs.first()) else {
            return Ok(());
        };
        match buffer::first_not_finite(&output.data) {
            None => Ok(()),
            Some((index, value)) => Err(Error::NotFinite {
                path: self.path.clone(),
                output: info.name.clone(),
                index,
                value,
            }),
        }
    }

    fn check_picture(&mut self) -> Result<(), Error> {
        self.check_finite()?;
        let model = &self.loaded.model;
        let (Some(spec), Some(info)) = (&model.output_spec, model.outputs.first()) else {
            return Ok(());
        };
        let Some(given) = self.outputs.first().map(|it| it.dims.as_slice()) else {
            return Ok(());
        };
        let dims = match given {
            &[a, b, c, d] => Some([a, b, c, d]),
            given => input_shape::picture_dims(given, spec.layout),
        };
        let is_promised =
            |dims: &[usize; 4]| !source::is_address(&self.path) || self.is_promised(dims, spec.layout);
        let Some(dims) = dims.filter(is_promised) else {
            let cause = format!("output '{}' changed its shape to {given:?}", info.name);
            return Err(self.failure(cause));
        };
        if let Some(output) = self.outputs.first_mut().filter(|it| it.dims != dims) {
            output.dims = dims.to_vec();
        }
        Ok(())
    }

    /// Whether a picture is about as large as the runs at load have shown. Of a graph sizes follow; of a server nobody knows.
    fn is_promised(&self, dims: &[usize], layout: Layout) -> bool {
        let model = &self.loaded.model;
        let input = self.inputs.first().map_or(&[][..], |it| &it.tensor.dims);
        let (width, height) = input_shape::picture_size(&model.input_spec, input);
        let given = input_shape::size_of(dims, layout);
        let is_near = |given: usize, wanted: usize| given.abs_diff(wanted) <= wanted / 8 + 1;
        is_near(given.0, model.scale.width.apply(width)) && is_near(given.1, model.scale.height.apply(height))
    }

    fn checked_shape(&self, dims: &[usize]) -> Result<Vec<usize>, Error> {
        let model = self.model();
        let fits = |(size, dim): (&usize, &Dim)| match dim {
            Dim::Fixed(fixed) => size == fixed,
            Dim::Dynamic(_) => *size != 0,
        };
        input_shape::of_input(&model.input_spec, dims, model.input.dims.len())
            .filter(|shape| {
                shape.len() == model.input.dims.len() && shape.iter().zip(&model.input.dims).all(fits)
            })
            .ok_or_else(|| Error::Shape {
                path: self.path.clone(),
                dims: dims.to_vec(),
                expected: dims_line(&model.input.dims),
            })
    }
}
