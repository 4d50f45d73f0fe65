// SPDX-License-Identifier: MPL-2.0

//! Buffers of any size to the hops of a model, and its answers to as many samples.

use super::Error;
use super::hop_plan::HopPlan;
use super::resample::Blocks;
use super::ring::{Channel, Ring};

/// How a stream of several channels goes through a model for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelUse {
    /// Each by itself, with recurrent state of its own.
    #[default]
    Each,
    /// Their mean, whose answer goes to all of them.
    Mix,
}

/// A stream of sound on its way through a model.
///
/// What comes out is aligned: the first sample is the answer to the first that went in, and after
/// [`finish`](Hops::finish) there are as many. A model with one channel answers each channel of the stream
/// by itself, in one voice for each.
pub struct Hops {
    plan: HopPlan,
    resamplers: Option<(Blocks, Blocks)>,
    /// At the stream's rate, waiting to be whole blocks.
    gathered: Vec<Channel>,
    /// At the model's rate, waiting to be whole hops; unused where rates agree.
    asked: Vec<Channel>,
    /// At the model's rate, waiting to be whole blocks; unused where rates agree.
    answered: Vec<Channel>,
    /// At the stream's rate, aligned.
    ready: Vec<Channel>,
    /// Samples of the delay that are not trimmed yet.
    to_trim: usize,
    taken: u64,
    given: u64,
    question: Vec<f32>,
    answer: Vec<f32>,
    mixed: Vec<f32>,
}

impl Hops {
    /// Without a mix, `channels` is a multiple of the model's.
    pub fn new(plan: HopPlan, stream_channels: usize, channel_use: ChannelUse) -> Result<Hops, Error> {
        let inner = plan.model.channels;
        let is_mixed = channel_use == ChannelUse::Mix && inner == 1;
        let channels = if is_mixed { 1 } else { stream_channels };
        if channels == 0 || inner == 0 || !channels.is_multiple_of(inner) {
            return Err(Error::Channels {
                stream: channels,
                model: inner,
            });
        }
        let (stream, model) = ((plan.rate, plan.block), (plan.model.rate, plan.model_block));
        let resamplers = match plan.resamples() {
            true => Some((
                Blocks::new(stream, model, channels)?,
                Blocks::new(model, stream, channels)?,
            )),
            false => None,
        };
        let rings = || vec![Channel::default(); channels];
        let samples = inner * plan.model.hop;
        let mut hops = Hops {
            resamplers,
            gathered: rings(),
            asked: rings(),
            answered: rings(),
            ready: rings(),
            to_trim: 0,
            taken: 0,
            given: 0,
            question: vec![0.0; samples],
            answer: vec![0.0; samples],
            mixed: Vec::new(),
            plan,
        };
        hops.reset();
        Ok(hops)
    }

    pub fn plan(&self) -> &HopPlan {
        &self.plan
    }

    /// Runs of the model for each hop: one for each voice.
    pub fn voices(&self) -> usize {
        self.gathered.len() / self.plan.model.channels
    }

    /// Takes one buffer. `run` gets the number of a voice, what it asks and where to write the answer: a hop of
    /// each of the model's channels, one after the other.
    pub fn push<E: From<Error>>(
        &mut self,
        sound: &[Vec<f32>],
        run: impl FnMut(usize, &[f32], &mut [f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.taken += sound.first().map_or(0, Vec::len) as u64;
        gather(sound, &mut self.gathered, &mut self.mixed);
        self.work(run)
    }

    /// Asks for the answers to all that went in, by letting silence follow.
    pub fn finish<E: From<Error>>(
        &mut self,
        mut run: impl FnMut(usize, &[f32], &mut [f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.available() < self.inside() {
            let missing = self.plan.block - self.gathered.first().map_or(0, Ring::len);
            self.gathered.iter_mut().for_each(|it| it.append_silence(missing));
            self.work(&mut run)?;
        }
        Ok(())
    }

    /// Samples whose answers were not pulled yet.
    pub fn inside(&self) -> usize {
        usize::try_from(self.taken - self.given).unwrap_or(usize::MAX)
    }

    /// Samples that can be pulled; never more than went in.
    pub fn available(&self) -> usize {
        self.ready.first().map_or(0, Ring::len).min(self.inside())
    }

    /// Appends the next `count` answers, or as many as there are, and returns their number.
    pub fn pull(&mut self, count: usize, sound: &mut [Vec<f32>]) -> usize {
        let count = count.min(self.available());
        // A mix goes to all channels.
        let last = self.ready.len().saturating_sub(1);
        for (index, channel) in sound.iter_mut().enumerate() {
            let ring = self.ready.get(index.min(last));
            channel.extend_from_slice(ring.map_or(&[], |it| it.first(count)));
        }
        self.ready.iter_mut().for_each(|it| it.skip(count));
        self.given += count as u64;
        count
    }

    /// Forgets everything. The model's state is the caller's to forget.
    pub fn reset(&mut self) {
        let all = [
            &mut self.gathered,
            &mut self.asked,
            &mut self.answered,
            &mut self.ready,
        ];
        all.into_iter().flatten().for_each(|it| it.restart(0, 1));
        if let Some((down, up)) = &mut self.resamplers {
            down.reset();
            up.reset();
        }
        (self.taken, self.given, self.to_trim) = (0, 0, self.plan.delay);
        self.answered
            .iter_mut()
            .for_each(|it| it.append_silence(self.plan.padding));
    }

    fn work<E: From<Error>>(
        &mut self,
        run: impl FnMut(usize, &[f32], &mut [f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let buffers = (self.question.as_mut_slice(), self.answer.as_mut_slice());
        let model = &self.plan.model;
        match &mut self.resamplers {
            None => ask(model, &mut self.gathered, &mut self.ready, buffers, run)?,
            Some((down, up)) => {
                down.run(&mut self.gathered, &mut self.asked)?;
                ask(model, &mut self.asked, &mut self.answered, buffers, run)?;
                up.run(&mut self.answered, &mut self.ready)?;
            }
        }
        trim(&mut self.to_trim, &mut self.ready);
        Ok(())
    }
}

/// Adds a buffer to what waits: each channel, or the mean of all to one.
pub(super) fn gather(sound: &[Vec<f32>], into: &mut [Channel], mixed: &mut Vec<f32>) {
    match into {
        [ring] if sound.len() != 1 => {
            mean(sound, mixed);
            ring.append(mixed);
        }
        rings => rings.iter_mut().zip(sound).for_each(|(ring, it)| ring.append(it)),
    }
}

/// Replaces `mixed` by the mean of all channels.
fn mean(sound: &[Vec<f32>], mixed: &mut Vec<f32>) {
    mixed.clear();
    let Some((first, others)) = sound.split_first() else {
        return;
    };
    mixed.extend_from_slice(first);
    for channel in others {
        mixed.iter_mut().zip(channel).for_each(|(sum, it)| *sum += it);
    }
    let share = 1.0 / sound.len() as f32;
    mixed.iter_mut().for_each(|it| *it *= share);
}

/// Drops the samples of a delay that are there already.
pub(super) fn trim(to_trim: &mut usize, rings: &mut [Channel]) {
    let trimmed = (*to_trim).min(rings.first().map_or(0, Ring::len));
    rings.iter_mut().for_each(|it| it.skip(trimmed));
    *to_trim -= trimmed;
}

/// Runs the model on all whole hops.
fn ask<E: From<Error>>(
    model: &crate::tensor::SoundSpec,
    source: &mut [Channel],
    target: &mut [Channel],
    (question, answer): (&mut [f32], &mut [f32]),
    mut run: impl FnMut(usize, &[f32], &mut [f32]) -> Result<(), E>,
) -> Result<(), E> {
    while source.iter().all(|it| model.hop <= it.len()) {
        let voices = source
            .chunks_mut(model.channels)
            .zip(target.chunks_mut(model.channels));
        for (voice, (asking, answering)) in voices.enumerate() {
            for (ring, part) in asking.iter_mut().zip(question.chunks_exact_mut(model.hop)) {
                part.copy_from_slice(ring.first(model.hop));
                ring.skip(model.hop);
            }
            run(voice, question, answer)?;
            for (ring, part) in answering.iter_mut().zip(answer.chunks_exact(model.hop)) {
                ring.append(part);
            }
        }
    }
    Ok(())
}
