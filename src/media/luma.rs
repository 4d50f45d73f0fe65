// SPDX-License-Identifier: MPL-2.0

//! The luma of a frame as eight-bit levels of full range: what quality is measured on.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

use super::Error;
use super::format::{Picture, Shape};
use super::kernel::{self, Affine};
use super::plane::Source;
use crate::plane::Plane;

/// Takes luma out of frames and keeps the row that it needs for it.
#[derive(Debug, Default)]
pub struct LumaReader {
    rgb: Vec<u8>,
    values: Vec<f32>,
}

impl LumaReader {
    /// Puts the luma of the frame into `plane`, whose buffer is reused; 0 is black and 255 white.
    ///
    /// Limited range is expanded and clipped. Luma of RGB has the weights of the frame's matrix, BT.709
    /// where the caps do not say.
    pub fn read(&mut self, frame: &VideoFrameRef<&gst::BufferRef>, plane: &mut Plane) -> Result<(), Error> {
        let picture = Picture::new(frame.info())?;
        let (width, height) = picture.size();
        plane.resize(width, height);
        self.values.resize(width, 0.0);
        let rows = plane.samples.chunks_exact_mut(width);

        if let Shape::Packed(order) = picture.shape {
            let (pack, _) = kernel::packers(&order).ok_or(Error::Format(picture.format.to_str().as_str()))?;
            let source = Source::of(frame, 0, order.step * width, height)?;
            self.rgb.resize(3 * width, 0);
            for (to, from) in rows.zip(source.rows()) {
                pack(from, &mut self.rgb);
                kernel::luma(&self.rgb, picture.color.weights, Affine::SAME, &mut self.values);
                kernel::quantize(&self.values, Affine::SAME, to);
            }
            return Ok(());
        }

        let source = Source::of(frame, 0, width, height)?;
        let affine = Affine::between(picture.color.luma_ends(), (0.0, 255.0));
        for (to, from) in rows.zip(source.rows()) {
            if affine == Affine::SAME {
                to.copy_from_slice(from);
                continue;
            }
            kernel::widen(from, affine, &mut self.values);
            kernel::quantize(&self.values, Affine::SAME, to);
        }
        Ok(())
    }
}

/// [`LumaReader::read`] for a single frame.
pub fn luma_plane(frame: &VideoFrameRef<&gst::BufferRef>) -> Result<Plane, Error> {
    let mut plane = Plane::default();
    LumaReader::default().read(frame, &mut plane)?;
    Ok(plane)
}
