// SPDX-License-Identifier: MPL-2.0

//! Bilinear scaling of tight planes, edge to edge as `videoscale` does it.
//!
//! Chroma is scaled like that too: for the horizontally co-sited chroma of MPEG-2 this is off by an eighth
//! of a chroma sample at ×2, and exact for the centred siting of JPEG and MPEG-1.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x2, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use super::Error;

/// Width and height in pixels.
pub type Size = (usize, usize);

/// Keeps the scaler's intermediate rows from frame to frame.
#[derive(Debug)]
pub struct Scaler {
    resizer: Resizer,
    options: ResizeOptions,
}

impl Scaler {
    pub fn new() -> Self {
        let bilinear = ResizeAlg::Convolution(FilterType::Bilinear);
        // Alpha is scaled as a plane of its own.
        let options = ResizeOptions::new().resize_alg(bilinear).use_alpha(false);
        Scaler {
            resizer: Resizer::new(),
            options,
        }
    }

    /// Scales a plane of `channels` interleaved bytes (1 to 3); equal sizes copy.
    pub fn bytes(
        &mut self,
        channels: usize,
        from: &[u8],
        from_size: Size,
        to: &mut [u8],
        to_size: Size,
    ) -> Result<(), Error> {
        match channels {
            1 => self.run::<U8>(from, from_size, to, to_size),
            2 => self.run::<U8x2>(from, from_size, to, to_size),
            _ => self.run::<U8x3>(from, from_size, to, to_size),
        }
    }

    fn run<P: PixelTrait + InnerPixel>(
        &mut self,
        from: &[u8],
        from_size: Size,
        to: &mut [u8],
        to_size: Size,
    ) -> Result<(), Error> {
        let wrong = |_| fast_image_resize::ResizeError::PixelTypesAreDifferent;
        let source = TypedImageRef::<P>::from_buffer(from_size.0 as u32, from_size.1 as u32, from);
        let target = TypedImage::<P>::from_buffer(to_size.0 as u32, to_size.1 as u32, to);
        let (source, mut target) = (source.map_err(wrong)?, target.map_err(wrong)?);
        Ok(self.resizer.resize_typed(&source, &mut target, &self.options)?)
    }
}
