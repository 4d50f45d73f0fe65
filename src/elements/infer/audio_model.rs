// SPDX-License-Identifier: MPL-2.0

//! A loaded model together with the way of this stream's audio through it.

use std::time::{Duration, Instant};

use super::answer_settings::DecodeOptions;
use super::audio_input::{AudioInput, Sound, Way};
use super::enums::Output;
use super::failure::Fault;
use super::interpretation::LabeledAnswer;
use super::model::Active;
use super::stats::Timing;
use crate::audio::{HopPlan, Hops, Windows};
use crate::letterbox::{Letterbox, Size};
use crate::runtime::{Model, Runner, Task};
use crate::tensor::{Data, InputSpec, SoundSpec, Tensor};

/// What a model says about a stretch of sound.
pub enum WindowResult<'a> {
    Tensors(&'a [Tensor]),
    Answer(LabeledAnswer<'a>),
}

/// A stretch of sound that a model listened to.
pub struct Heard<'a> {
    /// Number of its first sample in the stream.
    pub first: u64,
    pub samples: usize,
    pub told: WindowResult<'a>,
    pub timing: Timing,
}

/// Where an answer lies that tells no places.
const NOWHERE: Size = Size { width: 1, height: 1 };

/// Makes the model ready for sound of this kind. Cheap when it is.
pub fn prepare(active: &mut Active, sound: &Sound) -> Result<(), Fault> {
    if is_prepared_for(active, sound) {
        return Ok(());
    }
    let InputSpec::Sound(spec) = &active.model.input_spec else {
        return Err(Fault::NotForSound);
    };
    if active.answers.output != Output::Meta {
        return Err(Fault::Output {
            output: active.answers.output.nick(),
            task: active.model.task.name(),
            needs: "frames to draw on; set output=meta on sound",
        });
    }
    let channels = sound.spec.channels as usize;
    let plan = HopPlan::new(sound.spec.rate, spec)?;
    let way = match active.model.task {
        Task::Audio => Way::Hops(Box::new(Hops::new(plan, channels, sound.channel_use)?)),
        _ => Way::Windows(Box::new(Windows::new(plan, channels, step(&active.model, spec))?)),
    };
    active.runner.prepare(&[1, spec.channels, spec.hop])?;
    active.runner.set_voices(match &way {
        Way::Hops(hops) => hops.voices(),
        Way::Windows(_) => 1,
    });
    active.audio = Some(AudioInput {
        sound: sound.clone(),
        way,
        windows: 0,
    });
    Ok(())
}

/// Whether the model is ready for sound of this kind.
pub fn is_prepared_for(active: &Active, sound: &Sound) -> bool {
    active.audio.as_ref().is_some_and(|it| it.sound == *sound)
}

/// The way of audio through a model whose answers replace it.
pub fn hops(active: &Active) -> Option<&Hops> {
    active.audio.as_ref()?.hops()
}

fn hops_mut(active: &mut Active) -> Result<(&mut Hops, &mut Runner), Fault> {
    match active.audio.as_mut().map(|it| &mut it.way) {
        Some(Way::Hops(hops)) => Ok((hops, &mut active.runner)),
        _ => Err(active.runner.not_prepared().into()),
    }
}

/// Takes one buffer of sound, and returns how long the runs took, if there were any.
pub fn push(active: &mut Active, sound: &[Vec<f32>]) -> Result<Option<Duration>, Fault> {
    let (hops, runner) = hops_mut(active)?;
    let mut runs = None;
    hops.push(sound, |voice, question, answer| {
        let start = Instant::now();
        run(runner, voice, question, answer)?;
        *runs.get_or_insert(Duration::ZERO) += start.elapsed();
        Ok::<_, Fault>(())
    })?;
    Ok(runs)
}

/// Asks for the answers to all sound that came.
pub fn finish(active: &mut Active) -> Result<(), Fault> {
    let (hops, runner) = hops_mut(active)?;
    hops.finish(|voice, question, answer| run(runner, voice, question, answer))
}

/// Appends the next answers, up to `count`, and returns how many there were.
pub fn pull(active: &mut Active, count: usize, sound: &mut [Vec<f32>]) -> usize {
    hops_mut(active).map_or(0, |(hops, _)| hops.pull(count, sound))
}

/// Forgets the sound that came, as if the stream began anew.
pub fn forget(active: &mut Active) {
    match active.audio.as_mut().map(|it| &mut it.way) {
        Some(Way::Hops(hops)) => hops.reset(),
        Some(Way::Windows(windows)) => windows.reset(),
        None => return,
    }
    active.runner.reset();
    active.reset();
}

/// Takes sound that passes, and tells of each window that is whole and whose turn it is in a stride of
/// `interval`.
pub fn listen(
    active: &mut Active,
    sound: &[Vec<f32>],
    (live, interval): (&DecodeOptions, u32),
    mut tell: impl FnMut(&Model, Heard<'_>),
) -> Result<(), Fault> {
    let Some(AudioInput {
        way: Way::Windows(windows),
        windows: count,
        ..
    }) = &mut active.audio
    else {
        return Err(Fault::NotForSound);
    };
    windows.push(sound)?;
    let samples = windows.length();
    while let Some((first, window)) = windows.pull() {
        let turn = *count % u64::from(interval.max(1));
        *count += 1;
        if turn != 0 {
            continue;
        }
        let start = Instant::now();
        fill(&mut active.runner.input().data, window);
        let before_run = Instant::now();
        let outputs = active.runner.run()?;
        let run = before_run.elapsed();
        let told = match &mut active.decoding {
            Some(decoding) => {
                let place = Letterbox::stretched(NOWHERE, NOWHERE);
                WindowResult::Answer(decoding.read(outputs, place, live, 1)?)
            }
            None => WindowResult::Tensors(outputs),
        };
        let timing = Timing {
            run,
            frame: start.elapsed(),
        };
        let heard = Heard {
            first,
            samples,
            told,
            timing,
        };
        tell(&active.model, heard);
    }
    Ok(())
}

/// Samples from one window to the next: what the model says as `step` in its metadata, else half a window.
fn step(model: &Model, spec: &SoundSpec) -> usize {
    let stated = model
        .metadata
        .get("step")
        .and_then(|text| text.trim().parse().ok());
    stated.unwrap_or(spec.hop / 2).clamp(1, spec.hop)
}

fn run(runner: &mut Runner, voice: usize, question: &[f32], answer: &mut [f32]) -> Result<(), Fault> {
    runner.select_voice(voice)?;
    fill(&mut runner.input().data, question);
    match runner.run()?.first().map(|output| &output.data) {
        Some(Data::F32(samples)) if samples.len() == answer.len() => answer.copy_from_slice(samples),
        Some(Data::F16(samples)) if samples.len() == answer.len() => {
            answer
                .iter_mut()
                .zip(samples)
                .for_each(|(to, from)| *to = from.to_f32());
        }
        _ => return Err(Fault::AnswerLength { wanted: answer.len() }),
    }
    Ok(())
}

fn fill(data: &mut Data, samples: &[f32]) {
    match data {
        Data::F32(elements) => elements
            .iter_mut()
            .zip(samples)
            .for_each(|(to, from)| *to = *from),
        Data::F16(elements) => {
            elements
                .iter_mut()
                .zip(samples)
                .for_each(|(to, from)| *to = half::f16::from_f32(*from));
        }
        // No model for sound has such an input.
        Data::U8(_) | Data::I32(_) | Data::I64(_) => {}
    }
}
