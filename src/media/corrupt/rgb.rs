// SPDX-License-Identifier: MPL-2.0

//! A picture as it is corrupted.

/// A picture of red, green and blue, a byte each, changed in place.
#[derive(Debug)]
pub struct Rgb<'a> {
    /// Row by row; each row begins `stride` bytes behind the one before.
    pub samples: &'a mut [u8],
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// In bytes, at least three times the width.
    pub stride: usize,
}

/// The side of the pictures that the strengths are made for, in pixels.
const SIDE: f32 = 224.0;

impl Rgb<'_> {
    /// The rows, without what pads them.
    pub(super) fn rows(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let length = 3 * self.width;
        let rows = self.samples.chunks_mut(self.stride.max(1)).take(self.height);
        rows.filter_map(move |it| it.get_mut(..length))
    }

    /// The pixels, row by row.
    pub(super) fn pixels(&mut self) -> impl Iterator<Item = &mut [u8; 3]> {
        self.rows().flat_map(|it| it.as_chunks_mut().0)
    }

    /// How many pixels a length of one pixel has here.
    pub(super) fn scale(&self) -> f32 {
        (self.width.min(self.height) as f32 / SIDE).max(1.0)
    }

    pub(super) fn is_whole(&self) -> bool {
        let needed = (self.height.checked_sub(1)).map(|it| it * self.stride + 3 * self.width);
        0 < self.width && 3 * self.width <= self.stride && needed.is_some_and(|it| it <= self.samples.len())
    }
}
