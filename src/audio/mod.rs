// SPDX-License-Identifier: MPL-2.0

//! Sound without a seam: several versions of one stream of sound, and from one to the other without a click.
//!
//! Everything is counted in samples of the stream, one for all channels, from its beginning: a sample's
//! position is the same in the input and in what each candidate makes of it, however late it comes. A
//! [`Timeline`] puts positions and time stamps together, an [`AlignedTrack`] keeps what one candidate has given and how
//! far it lags, and a [`Crossfader`] reads the stretch that is to go out, from one source or fading from one to the
//! other. Knows bytes and numbers, no buffers, threads or clocks.

mod buffer_duration;
mod codec;
mod crossfade;
mod gains;
mod ring;
mod spec;
mod timeline;
mod track;

pub use buffer_duration::BufferDuration;
pub use crossfade::{Crossfader, Request, SampleSources};
pub use gains::Source;
pub use ring::Ring;
pub use spec::{Format, Spec};
pub use timeline::Timeline;
pub use track::{AlignedTrack, Landing};
