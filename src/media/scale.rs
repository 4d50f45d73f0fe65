// SPDX-License-Identifier: MPL-2.0

//! Bilinear scaling of tight planes, edge to edge as `videoscale` does it.
//!
//! Chroma is scaled like that too: for the horizontally co-sited chroma of MPEG-2 this is off by an eighth
//! of a chroma sample at ×2, and exact for the centered siting of JPEG and MPEG-1.
//!
//! Planes are scaled by [`Triangle`] where they shrink to no less than a quarter, other planes and packed pixels by
//! `fast_image_resize`. Two ratios are frequent and have loops of their own: ×2 in both directions is what upscalers need
//! for each frame (7 µs for a plane of 160×90 on one core of a 2.6 GHz EPYC, AVX2), and ×½ takes HD to the 640 pixels of
//! most detectors (70 µs for a plane of 1280×720).

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x2, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use super::Error;
use super::kernel;
use super::picture::Seen;
pub use super::triangle::Size;
use super::triangle::{Geometry, Triangle};

/// Tables of weights that are kept: a frame has planes of two sizes, which may be scaled in and out.
const TRIANGLES: usize = 4;

/// Keeps tables of weights and intermediate rows from frame to frame.
#[derive(Debug)]
pub struct Scaler {
    resizer: Resizer,
    options: ResizeOptions,
    shrinking: Shrinking,
    triangles: Vec<Triangle>,
    /// Rows mixed, with a pixel more at each end.
    quarters: Vec<u16>,
    /// What stands for the rows above and below a plane.
    edges: Vec<u8>,
}

/// What a smaller plane is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shrinking {
    /// Each pixel of all that it covers.
    #[default]
    Mean,
    /// Each pixel of the two samples each way that are nearest to it, as OpenCV's `INTER_LINEAR` does it.
    Samples,
}

impl Scaler {
    pub fn new() -> Self {
        Scaler::shrinking(Shrinking::default())
    }

    /// A scaler that makes smaller planes like this.
    pub fn shrinking(shrinking: Shrinking) -> Self {
        Scaler {
            resizer: Resizer::new(),
            options: options(shrinking),
            shrinking,
            triangles: Vec::new(),
            quarters: Vec::new(),
            edges: Vec::new(),
        }
    }

    /// Scales what is seen of a plane of `channels` interleaved bytes (1 to 4).
    pub fn part(
        &mut self,
        channels: usize,
        from: (&[u8], Size),
        seen: Seen,
        to: &mut [u8],
        to_size: Size,
    ) -> Result<(), Error> {
        let (bytes, size) = from;
        if seen == Seen::whole(size) {
            return self.bytes(channels, bytes, size, to, to_size);
        }
        if self.triangle(channels, (bytes, size), seen, (to, to_size)) {
            return Ok(());
        }
        self.options = self.options.crop(seen.left, seen.top, seen.width, seen.height);
        let result = self.run_any(channels, (bytes, size), (to, to_size));
        self.options = options(self.shrinking);
        result
    }

    /// Scales a plane of `channels` interleaved bytes (1 to 4); equal sizes copy.
    pub fn bytes(
        &mut self,
        channels: usize,
        from: &[u8],
        from_size: Size,
        to: &mut [u8],
        to_size: Size,
    ) -> Result<(), Error> {
        let doubles = to_size == (2 * from_size.0, 2 * from_size.1);
        let halves = from_size == (2 * to_size.0, 2 * to_size.1) && self.shrinking == Shrinking::Mean;
        if halves && 4 <= from_size.0 && 4 <= from_size.1 {
            match channels {
                1 => self.halve::<1>(from, from_size, to),
                2 => self.halve::<2>(from, from_size, to),
                3 => self.halve::<3>(from, from_size, to),
                _ => self.halve::<4>(from, from_size, to),
            }
            return Ok(());
        }
        match (channels, doubles) {
            (1, true) => self.double::<1>(from, from_size, to),
            (2, true) => self.double::<2>(from, from_size, to),
            (3, true) => self.double::<3>(from, from_size, to),
            _ if self.triangle(channels, (from, from_size), Seen::whole(from_size), (to, to_size)) => {}
            _ => return self.run_any(channels, (from, from_size), (to, to_size)),
        }
        Ok(())
    }

    /// Scales a plane by tables of its own, which are kept; returns whether it can.
    fn triangle(&mut self, channels: usize, from: (&[u8], Size), seen: Seen, to: (&mut [u8], Size)) -> bool {
        let geometry = Geometry {
            channels,
            size: from.1,
            seen,
            to: to.1,
        };
        if self.shrinking != Shrinking::Mean || !Triangle::can(&geometry) {
            return false;
        }
        let index = self.triangles.iter().position(|it| it.serves(&geometry));
        let index = index.unwrap_or_else(|| {
            if TRIANGLES <= self.triangles.len() {
                self.triangles.remove(0);
            }
            self.triangles.push(Triangle::new(geometry));
            self.triangles.len() - 1
        });
        self.triangles[index].scale(from.0, to.0);
        true
    }

    fn double<const CHANNELS: usize>(&mut self, from: &[u8], from_size: Size, to: &mut [u8]) {
        let (row, last) = (CHANNELS * from_size.0, from_size.1 - 1);
        self.quarters.resize(row + 2 * CHANNELS, 0);
        for (index, to) in to.chunks_exact_mut(2 * row).enumerate() {
            let near = index / 2;
            let far = if index % 2 == 0 {
                near.saturating_sub(1)
            } else {
                (near + 1).min(last)
            };
            let line = |at: usize| &from[at * row..][..row];
            kernel::mix_rows(line(near), line(far), &mut self.quarters[CHANNELS..]);
            self.quarters.copy_within(CHANNELS..2 * CHANNELS, 0);
            self.quarters.copy_within(row..row + CHANNELS, row + CHANNELS);
            kernel::double_row::<CHANNELS>(&self.quarters, to);
        }
    }

    /// The triangle filter over four samples each way, 1, 3, 3, 1, and 3, 3, 1 at the edges.
    fn halve<const CHANNELS: usize>(&mut self, from: &[u8], from_size: Size, to: &mut [u8]) {
        let (row, height) = (CHANNELS * from_size.0, from_size.1);
        let line = |at: usize| &from[at * row..][..row];
        self.edges.resize(2 * row, 0);
        let (top, bottom) = self.edges.split_at_mut(row);
        kernel::extend_rows(line(0), line(1), line(2), top);
        kernel::extend_rows(line(height - 1), line(height - 2), line(height - 3), bottom);
        self.quarters.resize(row + 2 * CHANNELS, 0);
        for (index, to) in to.chunks_exact_mut(row / 2).enumerate() {
            let above = if index == 0 { &*top } else { line(2 * index - 1) };
            let below = if 2 * index + 2 == height {
                &*bottom
            } else {
                line(2 * index + 2)
            };
            let rows = [above, line(2 * index), line(2 * index + 1), below];
            kernel::mix_four_rows(rows, &mut self.quarters[CHANNELS..]);
            let seventh = |one: u16, two: u16, three: u16| (3 * (one + two) + three + 3) / 7;
            for channel in 0..CHANNELS {
                let at = |pixel: usize| channel + pixel * CHANNELS;
                let [first, second, third] = [1, 2, 3].map(|pixel| self.quarters[at(pixel)]);
                self.quarters[channel] = seventh(first, second, third);
                let last = from_size.0;
                let [first, second, third] = [last, last - 1, last - 2].map(|pixel| self.quarters[at(pixel)]);
                self.quarters[at(last + 1)] = seventh(first, second, third);
            }
            kernel::halve_row::<CHANNELS>(&self.quarters, to);
        }
    }

    fn run_any(&mut self, channels: usize, from: (&[u8], Size), to: (&mut [u8], Size)) -> Result<(), Error> {
        match channels {
            1 => self.run::<U8>(from.0, from.1, to.0, to.1),
            2 => self.run::<U8x2>(from.0, from.1, to.0, to.1),
            3 => self.run::<U8x3>(from.0, from.1, to.0, to.1),
            _ => self.run::<U8x4>(from.0, from.1, to.0, to.1),
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

/// Bilinear, of the whole plane. Alpha is scaled as a channel like others.
fn options(shrinking: Shrinking) -> ResizeOptions {
    let bilinear = match shrinking {
        Shrinking::Mean => ResizeAlg::Convolution(FilterType::Bilinear),
        Shrinking::Samples => ResizeAlg::Interpolation(FilterType::Bilinear),
    };
    ResizeOptions::new().resize_alg(bilinear).use_alpha(false)
}
