// SPDX-License-Identifier: MPL-2.0

//! The audio that a model was made ready for.

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
