// SPDX-License-Identifier: MPL-2.0

//! What a model is shown, one item after another: frames, or windows of sound.

use std::time::Duration;

use gstavrec::elements::infer::offline::Offline;
use gstavrec::runtime::Runner;
use gstavrec::tensor::{Data, Tensor};
use gstavrec::tune::blocks::Place;

use super::job::Job;
use super::material::{self, File, Frame, Sound};
use crate::failure::Failure;

/// The items of the material, as a model takes them.
pub struct Items {
    pub files: Vec<File>,
    duration: Duration,
    seen: Seen,
}

/// Inputs that stand in memory at once.
const MOST_INPUTS: usize = 16;

enum Seen {
    Frames(Vec<Frame>),
    Windows(Vec<Sound>),
}

impl Items {
    /// Reads the material for this model.
    pub fn read(job: &Job, offline: &Offline) -> Result<Items, Failure> {
        let wanted = job.typed.frames as usize;
        let Some(spec) = offline.model().input_spec.sound() else {
            let material = material::frames(&job.typed.material, wanted)?;
            return Ok(Items {
                files: material.files,
                duration: Duration::ZERO,
                seen: Seen::Frames(material.frames),
            });
        };
        let window = (spec.hop, spec.step.clamp(1, spec.hop));
        let (files, sounds) = material::sounds(&job.typed.material, spec.rate, window, wanted)?;
        Ok(Items {
            files,
            duration: Duration::from_secs_f64(spec.hop as f64 / f64::from(spec.rate.max(1))),
            seen: Seen::Windows(sounds),
        })
    }

    pub fn len(&self) -> usize {
        match &self.seen {
            Seen::Frames(frames) => frames.len(),
            Seen::Windows(windows) => windows.len(),
        }
    }

    pub fn places(&self) -> Vec<Place> {
        match &self.seen {
            Seen::Frames(frames) => frames.iter().map(|it| it.place.clone()).collect(),
            Seen::Windows(windows) => windows.iter().map(|it| it.place.clone()).collect(),
        }
    }

    pub fn place(&self, item: usize) -> Place {
        match &self.seen {
            Seen::Frames(frames) => frames[item].place.clone(),
            Seen::Windows(windows) => windows[item].place.clone(),
        }
    }

    /// How long an item is; zero for a frame.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The file of an item.
    pub fn file(&self, item: usize) -> &File {
        let file = match &self.seen {
            Seen::Frames(frames) => frames[item].file,
            Seen::Windows(windows) => windows[item].file,
        };
        &self.files[file]
    }

    /// The number of a frame in its file, and its size in pixels; `None` for sound.
    pub fn frame(&self, item: usize) -> Option<(u64, (u32, u32))> {
        match &self.seen {
            Seen::Frames(frames) => {
                let frame = &frames[item];
                Some((frame.number, (frame.info.width(), frame.info.height())))
            }
            Seen::Windows(_) => None,
        }
    }

    /// What goes into a model for the first of some items, as many as fit in memory.
    pub fn some(&self, offline: &mut Offline, of: &[(usize, usize)]) -> Result<Vec<Tensor>, Failure> {
        of.iter()
            .take(MOST_INPUTS)
            .map(|it| self.input(offline, it.0))
            .collect()
    }

    /// What goes into a model for an item.
    pub fn input(&self, offline: &mut Offline, item: usize) -> Result<Tensor, Failure> {
        match &self.seen {
            Seen::Frames(frames) => {
                let frame = &frames[item];
                let input = offline
                    .fill(&frame.buffer, &frame.info)
                    .map_err(Failure::Pipeline)?;
                Ok(input.clone())
            }
            Seen::Windows(windows) => {
                let samples = &windows[item].samples;
                let spec = offline.model().input_spec.sound();
                let fits = spec.is_some_and(|it| it.channels == 1 && it.hop == samples.len());
                let cause =
                    "the models listen to stretches of different lengths, or to more than one channel";
                fits.then(|| Tensor {
                    dims: vec![1, 1, samples.len()],
                    data: Data::F32(samples.clone()),
                })
                .ok_or_else(|| Failure::Usage(cause.to_owned()))
            }
        }
    }
}

/// Runs a model on what stands in an input of this shape, from the state that a stream begins with.
pub fn run<'a>(runner: &'a mut Runner, input: &Tensor) -> Result<&'a [Tensor], Failure> {
    let failed = |err: gstavrec::runtime::Error| Failure::Pipeline(err.to_string());
    runner.prepare(&input.dims).map_err(failed)?;
    runner.reset();
    match (&mut runner.input().data, &input.data) {
        (Data::F16(to), Data::F32(from)) => {
            to.iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = half::f16::from_f32(*from));
        }
        (to, from) => to.clone_from(from),
    }
    runner.run().map_err(failed)
}
