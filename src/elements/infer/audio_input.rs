// SPDX-License-Identifier: MPL-2.0

//! The audio that a model was made ready for.

use gst::prelude::*;

use crate::audio::{ChannelUse, Hops, Spec, Windows};

/// Audio as it comes, and what is wanted of its channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    pub spec: Spec,
    pub channel_use: ChannelUse,
}

/// The audio that a runner was made ready for.
pub struct AudioInput {
    pub sound: Sound,
    pub way: Way,
    /// Windows since the model took over, for the stride.
    pub windows: u64,
}

pub enum Way {
    /// The answers replace the audio.
    Hops(Box<Hops>),
    /// The audio passes.
    Windows(Box<Windows>),
}

impl AudioInput {
    /// The way of audio through a model whose answers replace it.
    pub fn hops(&self) -> Option<&Hops> {
        match &self.way {
            Way::Hops(hops) => Some(hops),
            Way::Windows(_) => None,
        }
    }

    /// By how much answers lag behind the audio, without what it takes to gather hops.
    pub fn delay(&self) -> Option<gst::ClockTime> {
        let plan = self.hops()?.plan();
        samples_time(plan.delay, plan.rate)
    }
}

/// Time that so many samples take, rounded up.
pub fn samples_time(samples: usize, rate: u32) -> Option<gst::ClockTime> {
    let time = (samples as u64).mul_div_ceil(gst::ClockTime::SECOND.nseconds(), u64::from(rate));
    time.map(gst::ClockTime::from_nseconds)
}
