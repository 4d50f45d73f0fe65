// SPDX-License-Identifier: MPL-2.0

//! From the mapped frame to the tensor.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};
use half::f16;

use super::fit::{PADDING, Place};
use super::native::{Coloring, Native};
use super::{Checked, FULL};
use crate::letterbox::Letterbox;
use crate::media::Error;
use crate::media::element::Element;
use crate::media::format::Picture;
use crate::media::kernel::{self, Affine};
use crate::media::plane::{Source, check_frame};
use crate::media::scale::Shrinking;
use crate::media::{mix, rgb};
use crate::tensor::{Channels, ElementType, Fit, ImageSpec, Layout, Tensor};

/// What stands beside the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Padding {
    /// A level in all channels, of full range.
    Level(f32),
    /// The frame's last column and row, repeated.
    Edge,
}

/// Fills tensors with frames of one negotiated format, fitted to the size of the model when it has one.
#[derive(Debug)]
pub struct FrameToTensor {
    picture: Picture,
    checked: Checked,
    fit: Fit,
    place: Place,
    padding: Padding,
    native: Native,
    coloring: Coloring,
    /// RGB at the size of the frame, or a row of it.
    levels: Vec<u8>,
    /// Six rows of values.
    rows: Vec<f32>,
}

impl FrameToTensor {
    /// Prepares the way from frames of `info` to tensors of `spec`, stretched to the size of the model.
    pub fn new(info: &VideoInfo, spec: &ImageSpec) -> Result<Self, Error> {
        Self::fitted(info, spec, Fit::Stretch)
    }

    /// Prepares the way from frames of `info` to tensors of `spec`. A model that takes any size is given the
    /// frame as it is, whatever the fit.
    pub fn fitted(info: &VideoInfo, spec: &ImageSpec, fit: Fit) -> Result<Self, Error> {
        let picture = Picture::new(info)?;
        let size = spec.size.unwrap_or(picture.size());
        Self::placed(picture, spec, fit, Place::new(fit, picture.size(), size))
    }

    /// Prepares the way from frames of `info` to tensors of `spec` whose size is the frame's or larger: the frame lies at
    /// the top left as it is, and its last column and row are repeated to the right and below.
    pub fn extended(info: &VideoInfo, spec: &ImageSpec) -> Result<Self, Error> {
        let picture = Picture::new(info)?;
        let size = spec.size.unwrap_or(picture.size());
        let place = Place::padded(
            picture.size(),
            (size.0.max(picture.width), size.1.max(picture.height)),
        );
        let made = Self::placed(picture, spec, Fit::Stretch, place)?;
        Ok(FrameToTensor {
            padding: Padding::Edge,
            ..made
        })
    }

    fn placed(picture: Picture, spec: &ImageSpec, fit: Fit, place: Place) -> Result<Self, Error> {
        let checked = Checked::new(spec)?;
        let size = place.letterbox.input;
        let is_luma = spec.channels == Channels::Luma && picture.shape.has_luma_plane();
        let ends = if is_luma { picture.color.luma_ends() } else { FULL };
        Ok(FrameToTensor {
            fit,
            place,
            padding: Padding::Level(PADDING),
            native: Native::new(Shrinking::default()),
            coloring: Coloring::new(&picture, checked.normalization(ends)),
            levels: Vec::new(),
            rows: vec![0.0; 6 * size.width.max(picture.width)],
            picture,
            checked,
        })
    }

    /// Makes frames smaller than they are like this, until now by [`Shrinking::Mean`].
    pub fn shrinking(self, shrinking: Shrinking) -> Self {
        FrameToTensor {
            native: Native::new(shrinking),
            ..self
        }
    }

    /// The same with padding of this level in all channels, 0 to 255 of full range.
    pub fn padded_with(self, level: u8) -> Self {
        FrameToTensor {
            padding: Padding::Level(level.into()),
            ..self
        }
    }

    /// Dimensions of the tensors that [`FrameToTensor::fill`] makes, batch one, in the layout of the model.
    pub fn dims(&self) -> [usize; 4] {
        let input = self.place.letterbox.input;
        self.checked.dims(input.width, input.height)
    }

    /// Where the frame lies in the tensor; `None` where only its middle does.
    pub fn letterbox(&self) -> Option<Letterbox> {
        (self.fit != Fit::Crop || self.place.is_identity()).then_some(self.place.letterbox)
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
        match (self.checked.spec.channels, self.place.is_identity()) {
            (Channels::Luma, true) if self.picture.shape.has_luma_plane() => self.copy_luma(frame, out),
            (Channels::Rgb | Channels::Bgr, true) => self.copy_rgb(frame, out),
            _ => self.fit(frame, out),
        }
    }

    /// A luma plane of the size of the model.
    fn copy_luma<E: Element>(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        out: &mut [E],
    ) -> Result<(), Error> {
        let (width, height) = self.picture.size();
        let plane = Source::of(frame, 0, width, height)?;
        let affine = self.checked.normalization(self.picture.color.luma_ends())[0];
        for (to, from) in out.chunks_exact_mut(width).zip(plane.rows()) {
            E::store(to, &mut self.rows[..width], |row| {
                kernel::widen(from, affine, row)
            });
        }
        Ok(())
    }

    /// Colors of a frame of the size of the model.
    fn copy_rgb<E: Element>(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        out: &mut [E],
    ) -> Result<(), Error> {
        let affine = self.checked.normalization(FULL);
        let (width, height) = self.picture.size();
        self.levels.resize(3 * width * height, 0);
        rgb::read(&self.picture, frame, &mut self.levels)?;
        let rgb = self.levels.chunks_exact(3 * width);
        match self.checked.spec.layout {
            Layout::Nhwc if self.checked.spec.channels == Channels::Bgr => {
                let (channels, mixed) = self.rows.split_at_mut(3 * width);
                for (to, from) in out.chunks_exact_mut(3 * width).zip(rgb) {
                    let [red, green, blue] = thirds(channels, width);
                    kernel::split(from, &affine, red, green, blue);
                    E::store(to, &mut mixed[..3 * width], |to| {
                        mix::interleave(blue, green, red, to)
                    });
                }
            }
            Layout::Nhwc => {
                for (to, from) in out.chunks_exact_mut(3 * width).zip(rgb) {
                    E::store(to, &mut self.rows[..3 * width], |row| {
                        kernel::widen_rgb(from, &affine, row)
                    });
                }
            }
            Layout::Nchw => {
                let [red, green, blue] = self.checked.color_planes(out, width * height);
                let planes = red.chunks_exact_mut(width).zip(green.chunks_exact_mut(width));
                let planes = planes.zip(blue.chunks_exact_mut(width));
                for (((red, green), blue), from) in planes.zip(rgb) {
                    store_three([red, green, blue], &mut self.rows, |[red, green, blue]| {
                        kernel::split(from, &affine, red, green, blue);
                    });
                }
            }
        }
        Ok(())
    }

    /// The frame, or what is seen of it, at its place in the tensor, and padding around it.
    fn fit<E: Element>(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        out: &mut [E],
    ) -> Result<(), Error> {
        let Letterbox {
            input,
            picture: inner,
            pad_left,
            pad_top,
            ..
        } = self.place.letterbox;
        match self.padding {
            Padding::Level(level) if self.place.has_padding() => self.pad(level, out),
            _ => {}
        }
        let size = (inner.width, inner.height);
        let channels = self.checked.spec.channels;
        let planes = match (channels, self.picture.shape.has_luma_plane()) {
            (Channels::Luma, true) => self.native.luma(&self.picture, frame, self.place.seen, size)?,
            _ => self.native.scale(&self.picture, frame, self.place.seen, size)?,
        };
        self.levels.resize(3 * inner.width, 0);
        let (rows, levels, coloring) = (&mut self.rows, &mut self.levels, &self.coloring);
        let place = |y: usize| (pad_top + y) * input.width + pad_left;
        match (channels, self.checked.spec.layout) {
            (Channels::Luma, _) => {
                for y in 0..inner.height {
                    let to = &mut out[place(y)..][..inner.width];
                    E::store(to, &mut rows[..inner.width], |to| {
                        coloring.luma(&planes, y, levels, to)
                    });
                }
            }
            (Channels::Rgb | Channels::Bgr, Layout::Nchw) => {
                let [red, green, blue] = self.checked.color_planes(out, input.width * input.height);
                for y in 0..inner.height {
                    let line = place(y)..place(y) + inner.width;
                    let to = [&mut red[line.clone()], &mut green[line.clone()], &mut blue[line]];
                    store_three(to, rows, |to| coloring.colors(&planes, y, levels, to));
                }
            }
            (Channels::Rgb | Channels::Bgr, Layout::Nhwc) => {
                let (channels, mixed) = rows.split_at_mut(3 * inner.width);
                for y in 0..inner.height {
                    let [red, green, blue] = thirds(channels, inner.width);
                    coloring.colors(&planes, y, levels, [&mut *red, &mut *green, &mut *blue]);
                    let [first, second, third] = self.checked.spec.channels.in_order([red, green, blue]);
                    let to = &mut out[3 * place(y)..][..3 * inner.width];
                    E::store(to, &mut mixed[..3 * inner.width], |to| {
                        mix::interleave(first, second, third, to)
                    });
                }
            }
        }
        if self.padding == Padding::Edge && self.place.has_padding() {
            self.extend(out);
        }
        Ok(())
    }

    /// Repeats the frame's last column and row to the right and below.
    fn extend<E: Element>(&self, out: &mut [E]) {
        let Letterbox { input, picture, .. } = self.place.letterbox;
        let step = self.checked.step();
        let (row, seen) = (step * input.width, step * picture.width);
        for plane in out.chunks_exact_mut(row * input.height) {
            for line in plane.chunks_exact_mut(row).take(picture.height) {
                let (known, beside) = line.split_at_mut(seen);
                let last = &known[seen - step..];
                beside
                    .chunks_exact_mut(step)
                    .for_each(|it| it.copy_from_slice(last));
            }
            let (known, below) = plane.split_at_mut(row * picture.height);
            let last = &known[row * (picture.height - 1)..];
            below
                .chunks_exact_mut(row)
                .for_each(|it| it.copy_from_slice(last));
        }
    }

    /// Fills the tensor's padding.
    ///
    /// Each time anew, because the tensor is the caller's, and a model may run on something else meanwhile.
    fn pad<E: Element>(&self, level: f32, out: &mut [E]) {
        let Letterbox {
            input,
            picture: inner,
            pad_left,
            pad_top,
            ..
        } = self.place.letterbox;
        let is_line = self.fit == Fit::Line;
        let gray = self.checked.normalization(FULL).map(|it: Affine| {
            let mut element = [E::default()];
            let value = if is_line { 0.0 } else { it.at(level) };
            E::store(&mut element, &mut [0.0], |to| to.fill(value));
            element[0]
        });
        let gray = self.checked.spec.channels.in_order(gray);
        let step = self.checked.step();
        let fill = |run: &mut [E], channel: usize| match step {
            3 => run.as_chunks_mut::<3>().0.fill(gray),
            _ => run.fill(gray[channel]),
        };
        for (channel, plane) in out
            .chunks_exact_mut(step * input.width * input.height)
            .enumerate()
        {
            let (above, rest) = plane.split_at_mut(step * input.width * pad_top);
            let (beside, below) = rest.split_at_mut(step * input.width * inner.height);
            fill(above, channel);
            fill(below, channel);
            for row in beside.chunks_exact_mut(step * input.width) {
                fill(&mut row[..step * pad_left], channel);
                fill(&mut row[step * (pad_left + inner.width)..], channel);
            }
        }
    }
}

/// Stores three rows of equal length; `scratch` is at least as long as all three.
fn store_three<E: Element>(to: [&mut [E]; 3], scratch: &mut [f32], fill: impl FnOnce([&mut [f32]; 3])) {
    let [red, green, blue] = to;
    let [first, second, third] = thirds(scratch, red.len());
    E::store(red, first, |red| {
        E::store(green, second, |green| {
            E::store(blue, third, |blue| fill([red, green, blue]));
        });
    });
}

/// The first three rows of `width` values.
fn thirds(rows: &mut [f32], width: usize) -> [&mut [f32]; 3] {
    let (first, rest) = rows.split_at_mut(width);
    let (second, rest) = rest.split_at_mut(width);
    [first, second, &mut rest[..width]]
}
