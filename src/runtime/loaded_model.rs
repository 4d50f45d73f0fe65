// SPDX-License-Identifier: MPL-2.0

//! A model in memory, which any number of runners share.

use std::path::Path;
use std::sync::Arc;

use super::backend::{Backend, Binding, Content, Executable, Opened, Weights};
use super::signature::Signature;
use super::trial_run::TrialRunner;
use super::turns::Turns;
use super::{
    Error, Model, OptimizationLevel, Options, RemoteTimes, Stop, Task, audio_trial, image_trial, input_grid,
    left_behind,
};
use crate::tensor::InputSpec;

/// A model that was read, judged, loaded, and run once or twice to see the shape of its answers. It never changes.
pub struct LoadedModel {
    pub(super) model: Model,
    /// Which inference library runs it: `ort` or `rten`.
    pub(super) backend: &'static str,
    /// How many threads a run uses.
    pub(super) threads: usize,
    /// The SHA-256 of the file that it was loaded from.
    pub(super) digest: Content,
    written: Content,
    executable: Arc<dyn Executable>,
    turns: Turns,
    pins_outputs: bool,
}

impl LoadedModel {
    /// Loads what was opened; `path` and `options` are those it was opened with.
    ///
    /// Takes as long as the model is large, so it has no place on a streaming thread.
    pub(super) fn load(
        backend: &dyn Backend,
        opened: Opened,
        path: &Path,
        options: &Options,
        stop: &Stop,
    ) -> Result<LoadedModel, Error> {
        let memory_limit = options.memory_bytes();
        check_depth(backend, &opened.signature, path)?;
        if opened.signature.bounds.grows_constants {
            try_plainly(backend, &opened, path, options, stop)?;
        }
        let executable = load(&opened, opened.weights.clone(), path, options, stop)?;
        let turns = Turns::new(executable.runs());
        let (digest, written) = (opened.digest, opened.written);
        let mut signature = opened.signature;
        if let Some(line) = &options.output_range {
            signature.say_output_range(line)?;
        }
        let mut model = signature.model.clone();
        model.output_ranges.clone_from(&signature.output_ranges);
        let mut runner = TrialRunner {
            path,
            signature: &signature,
            backend: backend.name(),
            options,
            binding: executable.clone().bind(memory_limit, stop, turns.clone()),
        };
        let finding = match &model.input_spec {
            InputSpec::Image(spec) => image_trial::find(spec, options.task, &mut runner)?,
            InputSpec::Sound(spec) => audio_trial::find(spec, &mut runner)?,
        };
        (model.task, model.scale) = (finding.task, finding.scale);
        (model.output_spec, model.trial) = (finding.output_spec, finding.trial);
        model.laying.grid = finding.grid;
        model.picture = finding.picture;
        model.is_output_range_asked = options.output_range.is_some();
        if model.task == Task::Audio {
            // Its answers follow each other as its windows do.
            model.statements.retain(|it| it.key != "hop");
        }
        model.statements.extend(image_trial::statement(&model));
        Ok(LoadedModel {
            pins_outputs: finding.task.replaces() || signature.outputs_follow_input(),
            model,
            backend: backend.name(),
            threads: backend.threads(options)?,
            digest,
            written,
            executable,
            turns,
        })
    }

    /// Returns the SHA-256 of all that was read to make it, whichever the options: the same, as long as the files are.
    pub fn content(&self) -> [u8; 32] {
        self.written
    }

    /// What is known of the way to it; `None` for a model that runs in this process.
    pub fn remote_times(&self) -> Option<RemoteTimes> {
        self.executable.remote_times()
    }

    /// Makes what one runner needs of its own.
    pub(super) fn bind(&self, options: &Options, stop: &Stop) -> Box<dyn Binding> {
        let mut binding = self
            .executable
            .clone()
            .bind(options.memory_bytes(), stop, self.turns.clone());
        if self.pins_outputs {
            binding.pin_outputs();
        }
        binding
    }
}

/// Refuses a graph that the backend would walk through too deeply.
fn check_depth(backend: &dyn Backend, signature: &Signature, path: &Path) -> Result<(), Error> {
    let (depth, name) = (signature.bounds.depth, backend.name());
    match backend.most_depth() {
        Some(most) if most < depth => {
            let cause = format!("it has {depth} operators one after another where {name} takes {most}");
            Err(Error::unsuitable(
                path,
                cause,
                "set backend=ort, or simplify the model",
            ))
        }
        _ => Ok(()),
    }
}

/// Loads on a thread that can be left behind.
fn load(
    opened: &Opened,
    weights: Weights,
    path: &Path,
    options: &Options,
    stop: &Stop,
) -> Result<Arc<dyn Executable>, Error> {
    let (load, of_thread) = (opened.load.clone(), options.clone());
    let work = move || load(weights, &of_thread);
    left_behind::work(options.memory_bytes(), stop, work).map_err(|failure| {
        failure.error(path, options, |cause| {
            Error::unsuitable(path, cause, "set another backend")
        })
    })?
}

/// Runs a model whose constants may grow as it stands in the file, where a run is bounded and can be given up: libraries
/// compute constants when they load, where they cannot be stopped.
fn try_plainly(
    backend: &dyn Backend,
    opened: &Opened,
    path: &Path,
    options: &Options,
    stop: &Stop,
) -> Result<(), Error> {
    let plain = Options {
        optimization_level: OptimizationLevel::DisableAll,
        ..options.clone()
    };
    let executable = load(opened, opened.weights.clone(), path, &plain, stop)?;
    let turns = Turns::new(executable.runs());
    let mut runner = TrialRunner {
        path,
        signature: &opened.signature,
        backend: backend.name(),
        options: &plain,
        binding: executable.bind(options.memory_bytes(), stop, turns),
    };
    let result = match &opened.signature.model.input_spec {
        InputSpec::Image(spec) => input_grid::trials(spec, &mut runner).map(drop),
        InputSpec::Sound(spec) => audio_trial::run(spec, &mut runner).map(drop),
    };
    match result {
        // What else is wrong shows again, with the options of the user.
        Err(error @ (Error::GivenUp { .. } | Error::Memory { .. } | Error::LeftBehind { .. })) => Err(error),
        _ => Ok(()),
    }
}
