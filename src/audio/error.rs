// SPDX-License-Identifier: MPL-2.0

//! What can be wrong with audio, or with audio and a model.

/// Why a stream and a model do not go together. The caller adds the names of the element and the model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Resampling between these rates would take blocks of absurd length.
    #[error(
        "sound of {stream} Hz cannot be resampled to the {model} Hz of the model; put audioconvert ! audioresample before this element, with a common rate such as 48000 in the caps"
    )]
    Rates { stream: u32, model: u32 },
    /// The model has more channels than the stream, or does not divide them.
    #[error(
        "sound of {stream} channel(s) does not go with a model of {model}; put audioconvert before this element, with channels={model} in the caps"
    )]
    Channels { stream: usize, model: usize },
    /// The buffer ends within a sample of all channels.
    #[error("a buffer of {bytes} bytes is no whole number of {frame}-byte frames of sound")]
    Frames { bytes: usize, frame: usize },
    /// The resampler failed.
    #[error("resampling failed: {0}")]
    Resample(String),
}
