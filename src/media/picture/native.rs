// SPDX-License-Identifier: MPL-2.0

//! A frame at the size of the model, still in its own colors: scaling comes first, because colors are then
//! converted for as many pixels as the model looks at and no more.
//!
//! Chroma is scaled to the density of the scaled luma. Where a frame shrinks to half its size the chroma
//! planes are already that, and are read where they are.

use gst_video::VideoFrameRef;

use super::fit::Seen;
use crate::media::Error;
use crate::media::format::{Picture, Shape};
use crate::media::kernel::{self, Affine, RowLoop};
use crate::media::mix::{self, Mix};
use crate::media::plane::Source;
use crate::media::scale::{Scaler, Shrinking, Size};

/// Keeps the scaled planes from frame to frame.
#[derive(Debug)]
pub struct Native {
    scaler: Scaler,
    planes: [Vec<u8>; 3],
    /// A plane without padding.
    tight: Vec<u8>,
}

/// The planes of the scaled frame, all with a sample for each pixel.
pub enum Planes<'a> {
    Gray(Source<'a>),
    Planar([Source<'a>; 3]),
    /// Luma, and pairs of chroma.
    Paired(Source<'a>, Source<'a>),
    Packed(Source<'a>),
}

impl Native {
    pub fn new(shrinking: Shrinking) -> Self {
        Native {
            scaler: Scaler::shrinking(shrinking),
            planes: Default::default(),
            tight: Vec::new(),
        }
    }

    /// Scales what is seen of the frame to `size`.
    pub fn scale<'a>(
        &'a mut self,
        picture: &Picture,
        frame: &'a VideoFrameRef<&gst::BufferRef>,
        seen: Seen,
        size: Size,
    ) -> Result<Planes<'a>, Error> {
        let (whole, chroma) = (picture.size(), picture.chroma_size());
        // Of an odd size the last chroma sample stands half outside of the frame.
        let seen_chroma = seen.halved();
        let Native {
            scaler,
            planes: [first, second, third],
            tight,
        } = self;
        let mut scale = |index, channels, plane_size: Size, seen, to: &'a mut Vec<u8>| {
            let source = Source::of(frame, index, channels * plane_size.0, plane_size.1)?;
            if plane_size == size && seen == Seen::whole(size) {
                return Ok::<_, Error>(source);
            }
            to.resize(channels * size.0 * size.1, 0);
            let bytes = source.without_padding(tight);
            scaler.part(channels, (bytes, plane_size), seen, to, size)?;
            Ok(Source::tight(to, channels * size.0, size.1))
        };
        Ok(match picture.shape {
            Shape::Gray => Planes::Gray(scale(0, 1, whole, seen, first)?),
            Shape::Packed(order) => Planes::Packed(scale(0, order.step, whole, seen, first)?),
            Shape::Nv12 => Planes::Paired(
                scale(0, 1, whole, seen, first)?,
                scale(1, 2, chroma, seen_chroma, second)?,
            ),
            Shape::I420 => Planes::Planar([
                scale(0, 1, whole, seen, first)?,
                scale(1, 1, chroma, seen_chroma, second)?,
                scale(2, 1, chroma, seen_chroma, third)?,
            ]),
        })
    }

    /// Scales what is seen of the luma plane to `size`.
    pub fn luma<'a>(
        &'a mut self,
        picture: &Picture,
        frame: &'a VideoFrameRef<&gst::BufferRef>,
        seen: Seen,
        size: Size,
    ) -> Result<Planes<'a>, Error> {
        let gray = Picture {
            shape: Shape::Gray,
            ..*picture
        };
        self.scale(&gray, frame, seen, size)
    }
}

/// How rows of one format become normalized colors.
#[derive(Debug, Clone, Copy)]
pub struct Coloring {
    mix: [Mix; 3],
    affine: [Affine; 3],
    weights: [f32; 3],
    /// A packed row to RGB.
    pack: Option<RowLoop>,
}

impl Coloring {
    /// Colors by `affine`, which takes levels of full range to values.
    pub fn new(picture: &Picture, affine: [Affine; 3]) -> Self {
        let order = match picture.shape {
            Shape::Packed(order) => Some(order),
            _ => None,
        };
        Coloring {
            mix: Mix::of(&picture.color, &affine),
            affine,
            weights: picture.color.weights,
            pack: order.and_then(|it| kernel::packers(&it)).map(|(pack, _)| pack),
        }
    }

    /// Red, green and blue of a row; `rgb` is three bytes a pixel of scratch.
    pub fn colors(&self, planes: &Planes, y: usize, rgb: &mut [u8], to: [&mut [f32]; 3]) {
        match planes {
            Planes::Gray(luma) => {
                // Chroma of gray.
                let rgb = &mut rgb[..luma.row];
                rgb.fill(128);
                mix::planar(luma.line(y), rgb, rgb, &self.mix, to);
            }
            Planes::Planar([luma, cb, cr]) => {
                mix::planar(luma.line(y), cb.line(y), cr.line(y), &self.mix, to);
            }
            Planes::Paired(luma, chroma) => mix::paired(luma.line(y), chroma.line(y), &self.mix, to),
            Planes::Packed(pixels) => {
                let [red, green, blue] = to;
                self.pack(pixels.line(y), rgb);
                kernel::split(rgb, &self.affine, red, green, blue);
            }
        }
    }

    /// Luma of a row of a packed frame; `rgb` as in [`Coloring::colors`].
    pub fn luma(&self, planes: &Planes, y: usize, rgb: &mut [u8], to: &mut [f32]) {
        match planes {
            Planes::Packed(pixels) => {
                self.pack(pixels.line(y), rgb);
                kernel::luma(rgb, self.weights, self.affine[0], to);
            }
            Planes::Gray(luma) | Planes::Planar([luma, ..]) | Planes::Paired(luma, _) => {
                kernel::widen(luma.line(y), self.affine[0], to);
            }
        }
    }

    fn pack(&self, row: &[u8], rgb: &mut [u8]) {
        if let Some(pack) = self.pack {
            pack(row, rgb);
        }
    }
}
