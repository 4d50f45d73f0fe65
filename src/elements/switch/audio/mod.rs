// SPDX-License-Identifier: MPL-2.0

//! Sound through the switch: every sample goes out once, in its place, whoever made it.
//!
//! A lane hears stretches of the stream without a gap; what it gives is kept by position (`lane`). With each
//! buffer that comes in, the samples go out that lie the largest delay of all lanes before its end (`chain`),
//! from one lane, or on the way from one to the other, or from the input where no lane has them (`crate::audio`).
//! `feed` decides who hears, `background` lets lanes hear whom nobody waits for, `drain` gets the last samples out
//! of a lane, `latency` knows how far each lags.

pub(in crate::elements::switch) mod background;
pub(in crate::elements::switch) mod chain;
pub(in crate::elements::switch) mod drain;
pub(in crate::elements::switch) mod feed;
pub(in crate::elements::switch) mod lane;
pub(in crate::elements::switch) mod lane_output;
pub(in crate::elements::switch) mod latency;
pub(in crate::elements::switch) mod metas;
pub(in crate::elements::switch) mod output;
pub(in crate::elements::switch) mod play;
pub(in crate::elements::switch) mod shadow;
pub(in crate::elements::switch) mod stream;

pub use lane::{LaneAudio, Sound, within_push};
pub use latency::answers_for_lane;
pub use stream::AudioStream;
