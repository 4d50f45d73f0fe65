// SPDX-License-Identifier: MPL-2.0

//! A model in memory, which any number of runners share.

use std::path::Path;
use std::sync::Arc;

use super::backend::{Backend, Binding, Content, Executable, Opened};
use super::trial_run::TrialRunner;
use super::{Error, Model, Options, Task, audio_trial, image_trial};
use crate::tensor::InputSpec;

/// A model that was read, judged, loaded, and run once or twice to see the shape of its answers. It never changes.
pub struct LoadedModel {
    pub(super) model: Model,
    /// Which inference library runs it: `ort` or `rten`.
    pub(super) backend: &'static str,
    /// The SHA-256 of the file that it was loaded from.
    pub(super) digest: Content,
    executable: Arc<dyn Executable>,
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
    ) -> Result<LoadedModel, Error> {
        let (executable, digest) = ((opened.load)()?, opened.digest);
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
            binding: executable.clone().bind(),
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
            digest,
            executable,
        })
    }

    /// Makes what one runner needs of its own.
    pub(super) fn bind(&self) -> Box<dyn Binding> {
        let mut binding = self.executable.clone().bind();
        if self.pins_outputs {
            binding.pin_outputs();
        }
        binding
    }
}
