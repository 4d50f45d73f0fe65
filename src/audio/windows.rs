// SPDX-License-Identifier: MPL-2.0

//! Stretches of sound for models that listen without changing what they hear.

use super::Error;
use super::hop_plan::HopPlan;
use super::hops::{gather, trim};
use super::resample::Blocks;
use super::ring::Channel;

/// Cuts a stream into windows of a model's length and rate, which may overlap.
pub struct Windows {
    plan: HopPlan,
    step: usize,
    resampler: Option<Blocks>,
    gathered: Vec<Channel>,
    heard: Vec<Channel>,
    /// Samples of the resampler's delay that are not trimmed yet.
    to_trim: usize,
    /// Samples of silence that the next window begins with, before the stream: the context of the first ones.
    lead: usize,
    /// Samples at the model's rate before the new ones of the next window.
    passed: u64,
    window: Vec<f32>,
    mixed: Vec<f32>,
}

impl Windows {
    /// A window starts `step` samples of the model after the one before. A model for one channel hears the mean
    /// of all.
    pub fn new(plan: HopPlan, stream_channels: usize, step: usize) -> Result<Windows, Error> {
        let channels = plan.model.channels;
        if channels != 1 && channels != stream_channels {
            return Err(Error::Channels {
                stream: stream_channels,
                model: channels,
            });
        }
        let resampler = match plan.resamples() {
            true => Some(Blocks::new(
                (plan.rate, plan.block),
                (plan.model.rate, plan.model_block),
                channels,
            )?),
            false => None,
        };
        let rings = || vec![Channel::default(); channels];
        let mut windows = Windows {
            step: step.clamp(1, plan.model.hop),
            resampler,
            gathered: rings(),
            heard: rings(),
            to_trim: 0,
            lead: 0,
            passed: 0,
            window: vec![0.0; channels * plan.model.hop],
            mixed: Vec::new(),
            plan,
        };
        windows.reset();
        Ok(windows)
    }

    pub fn push(&mut self, sound: &[Vec<f32>]) -> Result<(), Error> {
        let target = match &self.resampler {
            Some(_) => &mut self.gathered,
            None => &mut self.heard,
        };
        gather(sound, target, &mut self.mixed);
        if let Some(resampler) = &mut self.resampler {
            resampler.run(&mut self.gathered, &mut self.heard)?;
            trim(&mut self.to_trim, &mut self.heard);
        }
        Ok(())
    }

    /// Returns the next window if it is whole, channel after channel, and the number of its first new sample in
    /// the stream.
    pub fn pull(&mut self) -> Option<(u64, &[f32])> {
        let hop = self.plan.model.hop;
        let (lead, step) = (self.lead, self.step);
        if !self.heard.iter().all(|it| hop - lead <= it.len()) {
            return None;
        }
        for (ring, part) in self.heard.iter_mut().zip(self.window.chunks_exact_mut(hop)) {
            let (silence, sound) = part.split_at_mut(lead);
            silence.fill(0.0);
            sound.copy_from_slice(ring.first(hop - lead));
            ring.skip(step.saturating_sub(lead));
        }
        self.lead = lead.saturating_sub(step);
        let first = u128::from(self.passed) * u128::from(self.plan.rate) / u128::from(self.plan.model.rate);
        self.passed += self.step as u64;
        Some((u64::try_from(first).unwrap_or(u64::MAX), &self.window))
    }

    /// Length of what is new in a window, in samples of the stream, to the nearest.
    pub fn length(&self) -> usize {
        let model = &self.plan.model;
        let length = ((model.hop - model.context) as u64 * u64::from(self.plan.rate)
            + u64::from(model.rate) / 2)
            / u64::from(model.rate);
        usize::try_from(length).unwrap_or(usize::MAX)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.gathered
            .iter_mut()
            .chain(&mut self.heard)
            .for_each(|it| it.restart(0, 1));
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
        self.to_trim = self.plan.model_block / 2;
        self.passed = 0;
        self.lead = self.plan.model.context;
    }
}
