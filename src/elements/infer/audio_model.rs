// SPDX-License-Identifier: MPL-2.0

//! The way of this stream's audio through a model.

use std::time::{Duration, Instant};

use gst::prelude::*;

use super::answer_settings::DecodeOptions;
use super::failure::Fault;
use super::interpretation::{Decoding, LabeledAnswer};
use super::timing::Timing;
use crate::audio::{ChannelUse, HopPlan, Hops, Spec, Windows};
use crate::letterbox::{Letterbox, Size};
use crate::runtime::{Model, Runner, Task};
use crate::tensor::{Data, Tensor};

/// Sound as it comes, and what is wanted of its channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    pub spec: Spec,
    pub channel_use: ChannelUse,
}

/// The sound that a runner was made ready for.
pub struct AudioInput {
    sound: Sound,
    way: Way,
    /// Windows since the model took over, for the stride.
    windows: u64,
}

enum Way {
    /// The answers replace the sound.
    Hops(Box<Hops>),
    /// The sound passes.
    Windows(Box<Windows>),
}

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

impl AudioInput {
    /// Makes a runner ready for audio of this kind.
    pub fn new(runner: &mut Runner, model: &Model, sound: &Sound) -> Result<AudioInput, Fault> {
        let spec = model.input_spec.sound().ok_or(Fault::NotForSound)?;
        let channels = sound.spec.channels as usize;
        let rate = sound.spec.rate;
        let way = match model.task {
            Task::Audio => {
                let plan = HopPlan::new(rate, spec)?;
                Way::Hops(Box::new(Hops::new(plan, channels, sound.channel_use)?))
            }
            _ => {
                let plan = HopPlan::listening(rate, spec)?;
                Way::Windows(Box::new(Windows::new(plan, channels, spec.step)?))
            }
        };
        runner.prepare(&[1, spec.channels, spec.hop])?;
        runner.set_voices(match &way {
            Way::Hops(hops) => hops.voices(),
            Way::Windows(_) => 1,
        })?;
        Ok(AudioInput {
            sound: sound.clone(),
            way,
            windows: 0,
        })
    }

    /// Whether this is for audio of this kind.
    pub fn is_for(&self, sound: &Sound) -> bool {
        self.sound == *sound
    }

    /// The way through a model whose answers replace the audio.
    pub fn hops(&self) -> Option<&Hops> {
        match &self.way {
            Way::Hops(hops) => Some(hops),
            Way::Windows(_) => None,
        }
    }

    /// Takes one buffer of audio, and returns how long the runs took, if there were any.
    pub fn push(&mut self, runner: &mut Runner, sound: &[Vec<f32>]) -> Result<Option<Duration>, Fault> {
        let Way::Hops(hops) = &mut self.way else {
            return Err(runner.not_prepared().into());
        };
        let mut runs = None;
        hops.push(sound, |voice, question, answer| {
            let start = Instant::now();
            run(runner, voice, question, answer)?;
            *runs.get_or_insert(Duration::ZERO) += start.elapsed();
            Ok::<_, Fault>(())
        })?;
        Ok(runs)
    }

    /// Asks for the answers to all audio that came.
    pub fn finish(&mut self, runner: &mut Runner) -> Result<(), Fault> {
        match &mut self.way {
            Way::Hops(hops) => hops.finish(|voice, question, answer| run(runner, voice, question, answer)),
            Way::Windows(_) => Err(runner.not_prepared().into()),
        }
    }

    /// Appends the next answers, up to `count`, and returns how many there were.
    pub fn pull(&mut self, count: usize, sound: &mut [Vec<f32>]) -> usize {
        match &mut self.way {
            Way::Hops(hops) => hops.pull(count, sound),
            Way::Windows(_) => 0,
        }
    }

    /// Forgets the audio that came, as if the stream began anew.
    pub fn reset(&mut self) {
        match &mut self.way {
            Way::Hops(hops) => hops.reset(),
            Way::Windows(windows) => windows.reset(),
        }
    }

    /// Takes audio that passes, or nothing where it has ended, and tells of each window that is whole and whose turn it is
    /// in a stride of `interval`.
    pub fn listen(
        &mut self,
        runner: &mut Runner,
        mut decoding: Option<&mut Decoding>,
        sound: Option<&[Vec<f32>]>,
        (live, interval): (&DecodeOptions, u32),
        mut tell: impl FnMut(Heard<'_>),
    ) -> Result<(), Fault> {
        let Way::Windows(windows) = &mut self.way else {
            return Err(Fault::NotForSound);
        };
        match sound {
            Some(sound) => windows.push(sound)?,
            None => windows.finish()?,
        }
        let samples = windows.length();
        while let Some((first, window)) = windows.pull() {
            let turn = self.windows % u64::from(interval.max(1));
            self.windows += 1;
            if turn != 0 {
                continue;
            }
            let start = Instant::now();
            fill(&mut runner.input().data, window);
            let before_run = Instant::now();
            let outputs = runner.run()?;
            let run = before_run.elapsed();
            let told = match &mut decoding {
                Some(decoding) => {
                    let place = Letterbox::stretched(NOWHERE, NOWHERE);
                    WindowResult::Answer(decoding.read(outputs, place, live, 1)?)
                }
                None => WindowResult::Tensors(outputs),
            };
            let frame = start.elapsed();
            tell(Heard {
                first,
                samples,
                told,
                timing: Timing { run, frame },
            });
        }
        Ok(())
    }
}

/// Time that so many samples take, rounded up.
pub fn samples_time(samples: usize, rate: u32) -> Option<gst::ClockTime> {
    let time = (samples as u64).mul_div_ceil(gst::ClockTime::SECOND.nseconds(), u64::from(rate));
    time.map(gst::ClockTime::from_nseconds)
}

fn run(runner: &mut Runner, voice: usize, question: &[f32], answer: &mut [f32]) -> Result<(), Fault> {
    runner.select_voice(voice)?;
    fill(&mut runner.input().data, question);
    match runner.run()?.first().map(|output| &output.data) {
        Some(Data::F32(samples)) if samples.len() == answer.len() => answer.copy_from_slice(samples),
        Some(Data::F16(samples)) if samples.len() == answer.len() => {
            let pairs = answer.iter_mut().zip(samples);
            pairs.for_each(|(to, from)| *to = from.to_f32());
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
            let pairs = elements.iter_mut().zip(samples);
            pairs.for_each(|(to, from)| *to = half::f16::from_f32(*from));
        }
        // No model for sound has such an input.
        Data::U8(_) | Data::I32(_) | Data::I64(_) => {}
    }
}
