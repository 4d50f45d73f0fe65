// SPDX-License-Identifier: MPL-2.0

//! What a video format and its colorimetry mean for the loops: where samples stand and what they weigh.

use gst_video::{VideoColorMatrix, VideoColorRange, VideoFormat, VideoInfo};

use super::Error;

/// Where the samples of a format stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One plane of luma.
    Gray,
    /// Planes of luma, Cb and Cr, the latter two of half width and height, rounded up.
    I420,
    /// A plane of luma and one of interleaved Cb and Cr of half width and height, rounded up.
    Nv12,
    /// Red, green and blue in one plane.
    Packed(Order),
}

/// Byte positions inside one packed pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Bytes a pixel.
    pub step: usize,
    pub red: usize,
    pub green: usize,
    pub blue: usize,
    /// Where the fourth byte stands; 0 for three-byte pixels, which have none.
    pub fourth: usize,
    /// Whether the fourth byte is alpha; otherwise it is padding and written as 255.
    pub has_alpha: bool,
}

/// How numbers become light: the luma weights and the range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Color {
    pub matrix: yuv::YuvStandardMatrix,
    pub range: yuv::YuvRange,
    /// Weights of red, green and blue in luma; their sum is 1.
    pub weights: [f32; 3],
}

/// A format with its colors and size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    pub format: VideoFormat,
    pub shape: Shape,
    pub color: Color,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
}

impl Picture {
    pub fn new(info: &VideoInfo) -> Result<Self, Error> {
        if info.width() == 0 || info.height() == 0 {
            return Err(Error::EmptyFrame(info.width(), info.height()));
        }
        let shape = Shape::new(info.format())?;
        Ok(Picture {
            format: info.format(),
            shape,
            color: Color::new(info),
            width: info.width() as usize,
            height: info.height() as usize,
        })
    }

    /// Width and height of the chroma planes of the subsampled formats.
    pub fn chroma_size(&self) -> (usize, usize) {
        (self.width.div_ceil(2), self.height.div_ceil(2))
    }

    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Bytes a sample of a plane, or a pixel of packed ones, and its width and height in these; `None` for a plane that
    /// the format does not have.
    pub fn plane(&self, index: usize) -> Option<(usize, (usize, usize))> {
        match (self.shape, index) {
            (Shape::Packed(order), 0) => Some((order.step, self.size())),
            (_, 0) => Some((1, self.size())),
            (Shape::I420, 1 | 2) => Some((1, self.chroma_size())),
            (Shape::Nv12, 1) => Some((2, self.chroma_size())),
            _ => None,
        }
    }
}

impl Shape {
    fn new(format: VideoFormat) -> Result<Self, Error> {
        let packed = |step, [red, green, blue]: [usize; 3], has_alpha| {
            let fourth = if step == 3 { 0 } else { 6 - red - green - blue };
            Ok(Shape::Packed(Order {
                step,
                red,
                green,
                blue,
                fourth,
                has_alpha,
            }))
        };
        match format {
            VideoFormat::Gray8 => Ok(Shape::Gray),
            VideoFormat::I420 => Ok(Shape::I420),
            VideoFormat::Nv12 => Ok(Shape::Nv12),
            VideoFormat::Rgb => packed(3, [0, 1, 2], false),
            VideoFormat::Bgr => packed(3, [2, 1, 0], false),
            VideoFormat::Rgba => packed(4, [0, 1, 2], true),
            VideoFormat::Bgra => packed(4, [2, 1, 0], true),
            VideoFormat::Argb => packed(4, [1, 2, 3], true),
            VideoFormat::Abgr => packed(4, [3, 2, 1], true),
            VideoFormat::Rgbx => packed(4, [0, 1, 2], false),
            VideoFormat::Bgrx => packed(4, [2, 1, 0], false),
            VideoFormat::Xrgb => packed(4, [1, 2, 3], false),
            VideoFormat::Xbgr => packed(4, [3, 2, 1], false),
            other => Err(Error::Format(other.to_str().as_str())),
        }
    }

    /// Whether the first plane is luma.
    pub fn has_luma_plane(self) -> bool {
        !matches!(self, Shape::Packed(_))
    }
}

impl Color {
    /// BT.709 and, for packed RGB, the full range where the caps do not say.
    fn new(info: &VideoInfo) -> Self {
        let colorimetry = info.colorimetry();
        let matrix = match colorimetry.matrix() {
            VideoColorMatrix::Bt601 => yuv::YuvStandardMatrix::Bt601,
            VideoColorMatrix::Bt2020 => yuv::YuvStandardMatrix::Bt2020,
            VideoColorMatrix::Smpte240m => yuv::YuvStandardMatrix::Smpte240,
            VideoColorMatrix::Fcc => yuv::YuvStandardMatrix::Fcc,
            _ => yuv::YuvStandardMatrix::Bt709,
        };
        let range = match colorimetry.range() {
            VideoColorRange::Range0_255 => yuv::YuvRange::Full,
            _ => yuv::YuvRange::Limited,
        };
        let bias = matrix.get_kr_kb();
        Color {
            matrix,
            range,
            weights: [bias.kr, 1.0 - bias.kr - bias.kb, bias.kb],
        }
    }

    /// Black and white as luma samples: 16 and 235 in the limited range (BT.601, BT.709), else 0 and 255.
    pub fn luma_ends(&self) -> (f32, f32) {
        match self.range {
            yuv::YuvRange::Limited => (16.0, 235.0),
            yuv::YuvRange::Full => (0.0, 255.0),
        }
    }
}
