// SPDX-License-Identifier: MPL-2.0

//! Runs a model for audio once at load, and tells its task.

use super::backend::Input;
use super::signature::Signature;
use super::trial_run::{Finding, TrialRunner};
use super::{Error, Origin, Scale, Task, Trial, buffer, input_shape, trial_run};
use crate::tensor::{ElementType, SoundSpec};

/// Runs once, and tells the task.
pub(super) fn find(spec: &SoundSpec, runner: &mut TrialRunner<'_>) -> Result<Finding, Error> {
    let trial = run(spec, runner)?;
    let (path, signature) = (runner.path, runner.signature);
    let mismatch = no_audio(signature, spec, &trial);
    let task = match (signature.wish, mismatch) {
        (Some(Task::Audio), _) if spec.context != 0 => {
            let cause = "it hears a context, and what it answers replaces no sound";
            let remedy = "set task=score, classify or tensor, or leave the line 'context' out";
            return Err(Error::unsuitable(path, cause, remedy));
        }
        (Some(Task::Audio), None) if spec.step != spec.hop && is_hop_said(signature) => {
            let (step, hop) = (spec.step, spec.hop);
            let cause = format!(
                "hop={step} lets windows of {hop} samples overlap, and what it answers replaces sound"
            );
            let remedy = format!("set hop={hop}, or leave it out");
            return Err(Error::unsuitable(path, cause, remedy));
        }
        (Some(Task::Audio), Some(cause)) => {
            let remedy =
                "set task=tensor, or use a model whose first output has as many samples as its input";
            return Err(Error::unsuitable(path, cause, remedy));
        }
        (Some(Task::Image | Task::Detect | Task::Segment | Task::Matte), _) => {
            let cause = "it is for sound, which has no place for pictures";
            return Err(Error::unsuitable(
                path,
                cause,
                "set task=audio, classify, score or tensor",
            ));
        }
        (Some(task), _) => task,
        (None, None) if spec.context == 0 && (spec.step == spec.hop || !is_hop_said(signature)) => {
            Task::Audio
        }
        (None, None) => Task::Tensor,
        (None, Some(_)) => Task::Tensor,
    };
    Ok(Finding {
        task,
        output_spec: None,
        scale: Scale::ONE,
        picture: 0,
        trial: Some(trial),
        grid: None,
    })
}

/// Runs once on made-up sound.
pub(super) fn run(spec: &SoundSpec, runner: &mut TrialRunner<'_>) -> Result<Trial, Error> {
    let shape = input_shape::of_audio(spec, runner.signature.model.input.dims.len());
    let dims = [1, spec.channels, spec.hop];
    let mut tensor = trial_run::zeros(runner.path, runner.options, spec.element_type, &dims)?;
    buffer::fill_with_texture(&mut tensor.data, input_shape::AUDIO_RANGE);
    runner.run(Input::new(tensor, shape))
}

/// Whether somebody says how far it is from one window to the next.
fn is_hop_said(signature: &Signature) -> bool {
    let mut statements = signature.model.statements.iter();
    statements.any(|it| it.key == "hop" && it.origin != Origin::Assumed)
}

/// Says why the answer is no audio of the same length, if it is none.
fn no_audio(signature: &Signature, spec: &SoundSpec, trial: &Trial) -> Option<String> {
    let (Some(output), Some(dims)) = (signature.model.outputs.first(), trial.outputs.first()) else {
        return Some("it has no output".into());
    };
    if !matches!(output.element_type, ElementType::F32 | ElementType::F16) {
        return Some(format!(
            "output '{}' is of a type that sound does not have",
            output.name
        ));
    }
    let wanted = spec.channels * spec.hop;
    let is_sound = dims.iter().product::<usize>() == wanted && dims.last() == Some(&spec.hop);
    (!is_sound).then(|| {
        let (name, hop, channels) = (&output.name, spec.hop, spec.channels);
        format!("output '{name}' has the shape {dims:?} where {hop} samples of {channels} channel(s) went in")
    })
}
