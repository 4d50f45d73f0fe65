// SPDX-License-Identifier: MPL-2.0

//! One plane of eight-bit samples: what `media` takes out of frames and `score` compares, and nothing else.

/// Samples of one plane, row by row without padding; `samples.len() == width * height`.
///
/// For luma, full range: 0 is black and 255 white, whatever the range of the video was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plane {
    pub samples: Vec<u8>,
    /// In samples.
    pub width: usize,
    /// In samples.
    pub height: usize,
}

impl Plane {
    /// A plane of zeros.
    pub fn new(width: usize, height: usize) -> Self {
        Plane {
            samples: vec![0; width * height],
            width,
            height,
        }
    }

    /// Gives the plane another size and keeps its buffer; the samples are unspecified afterwards.
    pub fn resize(&mut self, width: usize, height: usize) {
        self.samples.resize(width * height, 0);
        self.width = width;
        self.height = height;
    }

    /// Whether it has samples, and as many as its width and height say.
    pub fn is_whole(&self) -> bool {
        !self.samples.is_empty() && self.width.checked_mul(self.height) == Some(self.samples.len())
    }

    /// Whether both planes have the same width and height.
    pub fn same_size(&self, other: &Plane) -> bool {
        (self.width, self.height) == (other.width, other.height)
    }
}
