// SPDX-License-Identifier: MPL-2.0

//! Frames to picture tensors ([`FrameToTensor`]) and picture tensors to frames ([`TensorToFrame`]).
//!
//! Values go linearly: the range of each channel in the [`ImageSpec`] says which tensor values stand for
//! black and for white. A limited-range luma plane is expanded on the way in and compressed on the way out,
//! and what lies below black or above white passes with it for float tensors.
//!
//! A model on luma leaves colors alone: the chroma of the source goes to the output, scaled if the sizes
//! differ. Between a YUV or gray frame and a luma tensor there is no color conversion at all.

mod crop;
mod fill;
mod fit;
mod native;
mod write;

pub use crop::crop;
pub use fill::FrameToTensor;
pub use fit::PADDING;
pub(super) use fit::Seen;
pub use write::TensorToFrame;

pub use crate::tensor::Fit;

use super::Error;
use super::kernel::Affine;
pub use super::scale::Shrinking;
use crate::tensor::{ElementType, ImageSpec, Layout};

/// A specification that was checked, with its ranges in the form the loops need.
#[derive(Debug, Clone)]
struct Checked {
    spec: ImageSpec,
    channels: usize,
    ranges: [(f32, f32); 3],
}

impl Checked {
    fn new(spec: &ImageSpec) -> Result<Self, Error> {
        let channels = spec.channels.count();
        if !matches!(
            spec.element_type,
            ElementType::F32 | ElementType::F16 | ElementType::U8
        ) {
            return Err(Error::ElementType(spec.element_type));
        }
        let usable = |range: &&(f32, f32)| range.0.is_finite() && range.1.is_finite() && range.0 != range.1;
        let good = spec.ranges.iter().filter(usable).count();
        if spec.ranges.len() != channels || good != channels {
            return Err(Error::Ranges { got: good, channels });
        }
        if let Some((width, height)) = spec.size.filter(|&(width, height)| width == 0 || height == 0) {
            return Err(Error::EmptyModel(width, height));
        }
        let first = spec.ranges[0];
        let at = |channel: usize| spec.ranges.get(channel).copied().unwrap_or(first);
        Ok(Checked {
            spec: spec.clone(),
            channels,
            // Red first, as the loops have it.
            ranges: spec.channels.in_order([at(0), at(1), at(2)]),
        })
    }

    fn dims(&self, width: usize, height: usize) -> [usize; 4] {
        match self.spec.layout {
            Layout::Nchw => [1, self.channels, height, width],
            Layout::Nhwc => [1, height, width, self.channels],
        }
    }

    /// Width and height of a tensor, or `None` when its dims are not those of one picture.
    fn size_of(&self, dims: &[usize]) -> Option<(usize, usize)> {
        let (channels, height, width) = match (self.spec.layout, dims) {
            (Layout::Nchw, &[1, channels, height, width]) => (channels, height, width),
            (Layout::Nhwc, &[1, height, width, channels]) => (channels, height, width),
            _ => return None,
        };
        (channels == self.channels && 0 < width && 0 < height).then_some((width, height))
    }

    /// The planes of red, green and blue of a tensor of three planes of `count` elements.
    fn color_planes<'a, E>(&self, tensor: &'a mut [E], count: usize) -> [&'a mut [E]; 3] {
        let (first, rest) = tensor.split_at_mut(count);
        let (second, third) = rest.split_at_mut(count);
        self.spec.channels.in_order([first, second, third])
    }

    /// Elements from a pixel to the next one in a row.
    fn step(&self) -> usize {
        match self.spec.layout {
            Layout::Nhwc => self.channels,
            Layout::Nchw => 1,
        }
    }

    /// Normalization of levels that are black at `ends.0` and white at `ends.1`.
    fn normalization(&self, ends: (f32, f32)) -> [Affine; 3] {
        self.ranges.map(|range| Affine::between(ends, range))
    }

    /// The way back to levels.
    fn quantization(&self, ends: (f32, f32)) -> [Affine; 3] {
        self.ranges.map(|range| Affine::between(range, ends))
    }
}

/// Black and white of eight-bit RGB.
const FULL: (f32, f32) = (0.0, 255.0);
