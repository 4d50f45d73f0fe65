// SPDX-License-Identifier: MPL-2.0

//! Audio through the switch: every sample goes out once, in its place, whoever made it.
//!
//! A lane hears stretches of the stream without a gap; what it returns is kept by position (`lane`). With each
//! buffer that comes in, the samples go out that lie the largest delay of all lanes before its end (`chain`),
//! from one lane, or on the way from one to the other, or from the input where no lane has them (`crate::audio`).
//! `feed` decides who hears, `lane_output` takes what comes back and knows how far each lags, `shadow` looks at lanes
//! beside, `events` ends stretches.

pub(in crate::elements::switch) mod chain;
pub(in crate::elements::switch) mod events;
mod feed;
mod lane;
pub(in crate::elements::switch) mod lane_output;
mod shadow;
mod stream;

pub use lane::{LaneAudio, OutputThread, StreamPosition};
pub use lane_output::answers_for_lane;
pub use stream::AudioStream;
