// SPDX-License-Identifier: MPL-2.0

//! What came out of the pipeline, as a report shows it: some frames, or some seconds of sound.
//!
//! The stream is not held up: of frames its thread passes a reference on, at some moments of a run only, and whatever
//! comes while the thread that makes the pictures is busy is left out.

mod listen;
mod moments;
mod picture;
mod shown;
mod stream;

pub use listen::{Clip, Sound};
#[cfg(test)]
pub use moments::Moment;
pub use moments::Occasion;
pub use picture::Picture;
pub use shown::Shown;
pub use stream::Taps;
