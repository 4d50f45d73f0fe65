// SPDX-License-Identifier: MPL-2.0

//! Audio counted in samples: the floor under `avrec-infer` and `avrec-switch`.
//!
//! Everything is counted in samples of the stream, one for all channels, from its beginning: a sample's
//! position is the same in the input and in what each candidate or model makes of it, however late it comes. A
//! [`Timeline`] puts positions and time stamps together and says which buffer follows which, a [`Ring`] keeps samples
//! by position, an [`AlignedTrack`] knows what one candidate was fed, what it returned and how far it lags, and a
//! [`Crossfader`] writes what is to go out, from one source or fading from one to the other. [`Hops`] and
//! [`Windows`] cut the stream into the blocks that a model takes, at its rate. Knows bytes, numbers and caps; no
//! buffers, threads, clocks or elements.

mod codec;
pub mod corrupt;
mod crossfade;
mod error;
mod hop_plan;
mod hops;
mod resample;
mod ring;
mod spec;
mod timeline;
mod track;
mod windows;

pub use codec::{Planar, join, split};
pub use crossfade::{Crossfader, Request, SampleSources, Source};
pub use error::Error;
pub use hop_plan::{HopPlan, gcd};
pub use hops::{ChannelUse, Hops};
pub use ring::Ring;
pub use spec::{FORMATS, Format, Spec};
pub use timeline::{BufferDuration, Span, Timeline};
pub use track::{AlignedTrack, Landing};
pub use windows::Windows;
