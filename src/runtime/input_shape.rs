// SPDX-License-Identifier: MPL-2.0

//! Shapes of inputs and pictures as the model has them, and as the rest of the crate does: frames and pictures with
//! four dimensions, audio with three.

use crate::tensor::{ImageSpec, InputSpec, Layout, SoundSpec};

/// Shape of the input of a run as a model of this rank has it; `None` where `dims` are not those of its kind.
pub(super) fn of_input(spec: &InputSpec, dims: &[usize], rank: usize) -> Option<Vec<usize>> {
    match spec {
        InputSpec::Image(spec) => Some(of_frame(dims.try_into().ok()?, rank, spec.layout)),
        InputSpec::Sound(spec) => (*dims == [1, spec.channels, spec.hop]).then(|| of_audio(spec, rank)),
    }
}

/// Width and height of the picture in an input of rank 4; nothing for sound.
pub(super) fn picture_size(spec: &InputSpec, dims: &[usize]) -> (usize, usize) {
    spec.image().map_or((0, 0), |it| size_of(dims, it.layout))
}

/// Width and height of a picture of rank 4.
pub(super) fn size_of(dims: &[usize], layout: Layout) -> (usize, usize) {
    match (layout, dims) {
        (Layout::Nchw, &[_, _, height, width]) | (Layout::Nhwc, &[_, height, width, _]) => (width, height),
        _ => (0, 0),
    }
}

/// Drops the dimensions of size one that a model of lower rank does not have.
pub(super) fn of_frame(dims: &[usize; 4], rank: usize, layout: Layout) -> Vec<usize> {
    match (rank, layout) {
        (2, Layout::Nchw) => dims[2..].to_vec(),
        (2, Layout::Nhwc) => dims[1..3].to_vec(),
        (3, _) => dims[1..].to_vec(),
        _ => dims.to_vec(),
    }
}

pub(super) fn of_audio(spec: &SoundSpec, rank: usize) -> Vec<usize> {
    match (rank, spec.channels) {
        (1, _) => vec![spec.hop],
        (2, channels) => vec![channels, spec.hop],
        (_, channels) => vec![1, channels, spec.hop],
    }
}

/// Adds dimensions again, so that a picture always has rank 4. `None` when it is no picture of this rank.
pub(super) fn picture_dims(dims: &[usize], layout: Layout) -> Option<[usize; 4]> {
    match (dims, layout) {
        (&[height, width], Layout::Nchw) => Some([1, 1, height, width]),
        (&[height, width], Layout::Nhwc) => Some([1, height, width, 1]),
        (&[a, b, c], _) => Some([1, a, b, c]),
        (&[1, a, b, c], _) => Some([1, a, b, c]),
        _ => None,
    }
}

/// Values that a made-up input has, from the least to the largest.
pub(super) fn range(spec: &InputSpec) -> (f32, f32) {
    match spec {
        InputSpec::Image(spec) => frame_range(spec),
        InputSpec::Sound(_) => AUDIO_RANGE,
    }
}

pub(super) fn frame_range(spec: &ImageSpec) -> (f32, f32) {
    spec.ranges.first().copied().unwrap_or((0.0, 1.0))
}

/// Speech that is neither faint nor clipped.
pub(super) const AUDIO_RANGE: (f32, f32) = (-0.25, 0.25);
