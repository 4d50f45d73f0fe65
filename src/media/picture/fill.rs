// SPDX-License-Identifier: MPL-2.0

//! From the mapped frame to the tensor.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};
use half::f16;

use super::{Checked, FULL};
use crate::media::Error;
use crate::media::element::Element;
use crate::media::format::Picture;
use crate::media::kernel::{self, Affine};
use crate::media::plane::{Source, check_frame};
use crate::media::rgb;
use crate::media::scale::Scaler;
use crate::tensor::{Channels, ElementType, ImageSpec, Layout, Tensor};

/// Fills tensors with frames of one negotiated format, scaled to the size of the model when it has one.
#[derive(Debug)]
pub struct FrameToTensor {
    picture: Picture,
    checked: Checked,
    /// Width and height of the tensor.
    size: (usize, usize),
    scaler: Scaler,
    /// A plane or a picture at the size of the frame, then at the size of the tensor.
    levels: Vec<u8>,
    scaled: Vec<u8>,
    /// Rows of values for elements that are not `f32`.
    rows: Vec<f32>,
}

impl FrameToTensor {
    /// Prepares the way from frames of `info` to tensors of `spec`.
    pub fn new(info: &VideoInfo, spec: &ImageSpec) -> Result<Self, Error> {
        let picture = Picture::new(info)?;
        let checked = Checked::new(spec)?;
        let size = spec.size.unwrap_or(picture.size());
        Ok(FrameToTensor {
            picture,
            size,
            scaler: Scaler::new(),
            levels: Vec::new(),
            scaled: Vec::new(),
            rows: vec![0.0; 3 * size.0.max(picture.width)],
            checked,
        })
    }

    /// Dimensions of the tensors that [`FrameToTensor::fill`] makes, batch one, in the layout of the model.
    pub fn dims(&self) -> [usize; 4] {
        self.checked.dims(self.size.0, self.size.1)
    }

    /// Puts the frame into the tensor.
    ///
    /// A tensor of another shape or type is given the right one first; that allocates, once.
    pub fn fill(&mut self, frame: &VideoFrameRef<&gst::BufferRef>, tensor: &mut Tensor) -> Result<(), Error> {
        check_frame(frame.info(), &self.picture)?;
        match self.checked.spec.element_type {
            ElementType::F32 => self.fill_as::<f32>(frame, tensor),
            ElementType::F16 => self.fill_as::<f16>(frame, tensor),
            ElementType::U8 => self.fill_as::<u8>(frame, tensor),
            other => Err(Error::ElementType(other)),
        }
    }

    fn fill_as<E: Element>(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        tensor: &mut Tensor,
    ) -> Result<(), Error> {
        let dims = self.dims();
        if tensor.dims != dims {
            tensor.dims = dims.to_vec();
        }
        let out = E::claim(&mut tensor.data, dims.iter().product());
        match self.checked.spec.channels {
            Channels::Luma => self.fill_luma(frame, out),
            Channels::Rgb => self.fill_rgb(frame, out),
        }
    }

    fn fill_luma<E: Element>(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        out: &mut [E],
    ) -> Result<(), Error> {
        let (width, height) = self.picture.size();
        if !self.picture.shape.has_luma_plane() {
            return self.fill_luma_of_rgb(frame, out);
        }
        let plane = Source::of(frame, 0, width, height)?;
        let affine = self.checked.normalization(self.picture.color.luma_ends())[0];
        if self.size == (width, height) {
            return emit(plane, affine, out, &mut self.rows);
        }
        let tight = plane.without_padding(&mut self.levels);
        self.scaled.resize(self.size.0 * self.size.1, 0);
        self.scaler
            .bytes(1, tight, (width, height), &mut self.scaled, self.size)?;
        emit(
            Source::tight(&self.scaled, self.size.0, self.size.1),
            affine,
            out,
            &mut self.rows,
        )
    }

    fn fill_luma_of_rgb<E: Element>(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        out: &mut [E],
    ) -> Result<(), Error> {
        let weights = self.picture.color.weights;
        let affine = self.checked.normalization(FULL)[0];
        let width = self.size.0;
        let rgb = self.rgb(frame)?;
        // The borrow of the picture ends before the row of values is needed, so it is taken out meanwhile.
        let rgb = std::mem::take(rgb);
        for (to, from) in out.chunks_exact_mut(width).zip(rgb.chunks_exact(3 * width)) {
            E::store(to, &mut self.rows[..width], |row| {
                kernel::luma(from, weights, affine, row)
            });
        }
        self.put_back(rgb);
        Ok(())
    }

    fn fill_rgb<E: Element>(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        out: &mut [E],
    ) -> Result<(), Error> {
        let affine = self.checked.normalization(FULL);
        let layout = self.checked.spec.layout;
        let (width, height) = self.size;
        let rgb = std::mem::take(self.rgb(frame)?);
        match layout {
            Layout::Nhwc => {
                for (to, from) in out.chunks_exact_mut(3 * width).zip(rgb.chunks_exact(3 * width)) {
                    E::store(to, &mut self.rows[..3 * width], |row| {
                        kernel::widen_rgb(from, &affine, row)
                    });
                }
            }
            Layout::Nchw => {
                let (red, rest) = out.split_at_mut(width * height);
                let (green, blue) = rest.split_at_mut(width * height);
                let planes = red.chunks_exact_mut(width).zip(green.chunks_exact_mut(width));
                let planes = planes.zip(blue.chunks_exact_mut(width));
                for (((red, green), blue), from) in planes.zip(rgb.chunks_exact(3 * width)) {
                    split(from, &affine, [red, green, blue], &mut self.rows[..3 * width]);
                }
            }
        }
        self.put_back(rgb);
        Ok(())
    }

    /// The frame as tight RGB at the size of the tensor.
    fn rgb(&mut self, frame: &VideoFrameRef<&gst::BufferRef>) -> Result<&mut Vec<u8>, Error> {
        let (width, height) = self.picture.size();
        self.levels.resize(3 * width * height, 0);
        rgb::read(&self.picture, frame, &mut self.levels)?;
        if self.size == (width, height) {
            return Ok(&mut self.levels);
        }
        self.scaled.resize(3 * self.size.0 * self.size.1, 0);
        self.scaler
            .bytes(3, &self.levels, (width, height), &mut self.scaled, self.size)?;
        Ok(&mut self.scaled)
    }

    /// Returns what was taken from [`FrameToTensor::rgb`], so that its memory serves the next frame.
    fn put_back(&mut self, rgb: Vec<u8>) {
        if self.size == self.picture.size() {
            self.levels = rgb
        } else {
            self.scaled = rgb
        }
    }
}

/// Normalizes a plane of levels into a tensor of one channel.
fn emit<E: Element>(plane: Source, affine: Affine, out: &mut [E], rows: &mut [f32]) -> Result<(), Error> {
    let width = plane.row;
    for (to, from) in out.chunks_exact_mut(width).zip(plane.rows()) {
        E::store(to, &mut rows[..width], |row| kernel::widen(from, affine, row));
    }
    Ok(())
}

/// Normalizes a row of RGB into three rows; `scratch` is three rows long.
fn split<E: Element>(rgb: &[u8], affine: &[Affine; 3], out: [&mut [E]; 3], scratch: &mut [f32]) {
    let [red, green, blue] = out;
    let (first, rest) = scratch.split_at_mut(red.len());
    let (second, third) = rest.split_at_mut(green.len());
    E::store(red, first, |red| {
        E::store(green, second, |green| {
            E::store(blue, third, |blue| kernel::split(rgb, affine, red, green, blue));
        });
    });
}
