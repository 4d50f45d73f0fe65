// SPDX-License-Identifier: MPL-2.0

//! Sound to the hops of a model and back, sample by sample: gathered, resampled, aligned.
//!
//! [`Hops`] takes buffers of any size and gives as many samples back, each the answer to the sample of the
//! same number, however much model and resampler lag ([`Plan`]). [`Timeline`] knows when each sample is heard.
//! [`Windows`] is for models that listen without changing what they hear. Nothing here knows a model runtime:
//! the caller runs it. Memory is allocated while buffers grow, and not after that.

mod blend;
mod fifo;
mod hops;
mod plan;
mod resample;
mod samples;
mod timeline;
mod windows;

pub use blend::Blend;
pub use hops::Hops;
pub use plan::Plan;
pub use samples::{FORMATS, Samples};
pub use timeline::{Continuity, Span, Timeline};
pub use windows::Windows;

/// Samples per channel, one list for each channel, all of one length.
pub type Planar = Vec<Vec<f32>>;

/// How a stream of several channels goes through a model for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelUse {
    /// Each by itself, with recurrent state of its own.
    #[default]
    Each,
    /// Their mean, whose answer goes to all of them.
    Mix,
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
