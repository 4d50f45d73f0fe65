// SPDX-License-Identifier: MPL-2.0

//! Sound without a seam: several versions of one stream of sound, and from one to the other without a click.
//!
//! Everything is counted in samples of the stream, one for all channels, from its beginning: a sample's
//! position is the same in the input and in what each candidate makes of it, however late it comes. A
//! [`Timeline`] puts positions and time stamps together, an [`Ear`] keeps what one candidate has given and how
//! far it lags, and a [`Seam`] reads the stretch that is to go out, from one source or fading from one to the
//! other. Knows bytes and numbers, no buffers, threads or clocks.

mod ear;
mod fade;
mod format;
mod pace;
mod ring;
mod stitch;
mod timeline;
mod voice;

pub use ear::{Ear, Landing};
pub use format::{Format, Spec};
pub use pace::Pace;
pub use ring::Ring;
pub use stitch::{Seam, Tapes, Wish};
pub use timeline::Timeline;
pub use voice::Source;
