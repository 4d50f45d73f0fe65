// SPDX-License-Identifier: MPL-2.0

//! From the answer of a model to the output frame.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};
use half::f16;

use super::{Checked, FULL};
use crate::media::Error;
use crate::media::element::Element;
use crate::media::format::{Picture, Shape};
use crate::media::kernel::{self, Affine};
use crate::media::plane::{Source, Target, check_frame, deinterleave, interleave};
use crate::media::rgb;
use crate::media::scale::Scaler;
use crate::tensor::{Channels, ElementType, ImageSpec, Layout, Tensor};

/// Writes answers into frames of one negotiated format, scaled when the answer has another size.
///
/// A luma answer takes its colors from the source frame. Alpha comes from the source frame as well, or is
/// opaque when it has none.
#[derive(Debug)]
pub struct TensorToFrame {
    input: Picture,
    output: Picture,
    checked: Checked,
    scaler: Scaler,
    scratch: Scratch,
    /// Four rows of values.
    rows: Vec<f32>,
}

/// Buffers that live from frame to frame; each is as large as its last use asked for.
#[derive(Debug, Default)]
struct Scratch {
    /// The source, or a plane of it, without padding.
    source: Vec<u8>,
    /// The answer as levels at its own size.
    answer: Vec<u8>,
    /// RGB at the size of the output.
    canvas: Vec<u8>,
    alpha: Vec<u8>,
    /// A plane of the output without padding.
    padded: Vec<u8>,
    yuv: rgb::Scratch,
}

impl TensorToFrame {
    /// Prepares the way from answers of `spec` to frames of `output`; sources are frames of `input`.
    pub fn new(input: &VideoInfo, output: &VideoInfo, spec: &ImageSpec) -> Result<Self, Error> {
        Ok(TensorToFrame {
            input: Picture::new(input)?,
            output: Picture::new(output)?,
            checked: Checked::new(spec)?,
            scaler: Scaler::new(),
            scratch: Scratch::default(),
            rows: Vec::new(),
        })
    }

    /// Puts the answer into `target`; `source` is the frame that the model answered.
    pub fn write(
        &mut self,
        tensor: &Tensor,
        source: &VideoFrameRef<&gst::BufferRef>,
        target: &mut VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<(), Error> {
        check_frame(source.info(), &self.input)?;
        check_frame(target.info(), &self.output)?;
        Target::all(target, &self.output)?
            .iter_mut()
            .for_each(Target::clear_filling);
        match self.checked.spec.element_type {
            ElementType::F32 => self.write_as::<f32>(tensor, source, target),
            ElementType::F16 => self.write_as::<f16>(tensor, source, target),
            ElementType::U8 => self.write_as::<u8>(tensor, source, target),
            other => Err(Error::ElementType(other)),
        }
    }

    fn write_as<E: Element>(
        &mut self,
        tensor: &Tensor,
        source: &VideoFrameRef<&gst::BufferRef>,
        target: &mut VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<(), Error> {
        let channels = self.checked.channels;
        let size = self.checked.size_of(&tensor.dims);
        let size = size.ok_or_else(|| Error::Answer {
            got: tensor.dims.clone(),
            channels,
        })?;
        let count = channels * size.0 * size.1;
        let answer = E::of(&tensor.data).filter(|elements| elements.len() == count);
        let answer = answer.ok_or_else(|| Error::Elements {
            dims: tensor.dims.clone(),
            expected: self.checked.spec.element_type,
        })?;

        self.rows.resize(4 * size.0, 0.0);
        match self.checked.spec.channels {
            Channels::Rgb | Channels::Bgr => self.write_rgb(answer, size, source, target),
            Channels::Luma if self.keeps_chroma() => {
                self.write_luma(answer, size, target)?;
                self.write_chroma(source, target)
            }
            Channels::Luma => self.recolor(answer, size, source, target),
        }
    }

    /// Whether the chroma samples of the source are right for the output as they are.
    fn keeps_chroma(&self) -> bool {
        let (input, output) = (self.input, self.output);
        match output.shape {
            Shape::Packed(_) => false,
            Shape::Gray => true,
            Shape::I420 | Shape::Nv12 => {
                input.shape == Shape::Gray || input.shape.has_luma_plane() && input.color == output.color
            }
        }
    }

    /// A luma answer to the luma plane.
    fn write_luma<E: Element>(
        &mut self,
        answer: &[E],
        size: (usize, usize),
        target: &mut VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<(), Error> {
        let affine = self.checked.quantization(self.output.color.luma_ends())[0];
        let (width, height) = self.output.size();
        let mut plane = Target::of(target, 0, width, height)?;
        let Scratch {
            answer: levels,
            padded,
            ..
        } = &mut self.scratch;
        if size == (width, height) {
            quantize(answer, width, affine, &mut self.rows, plane.rows());
            return Ok(());
        }
        levels.resize(size.0 * size.1, 0);
        quantize(
            answer,
            size.0,
            affine,
            &mut self.rows,
            levels.chunks_exact_mut(size.0),
        );
        plane.fill_tight(padded, |plane| {
            self.scaler.bytes(1, levels, size, plane, (width, height))
        })
    }

    /// The source's chroma to the output's chroma planes; a gray source has none, so the output becomes gray.
    fn write_chroma(
        &mut self,
        source: &VideoFrameRef<&gst::BufferRef>,
        target: &mut VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<(), Error> {
        let (from, to) = (self.input.chroma_size(), self.output.chroma_size());
        // Planes of the output after the first, with the channels in each.
        let (planes, channels) = match self.output.shape {
            Shape::I420 => (2, 1),
            Shape::Nv12 => (1, 2),
            Shape::Gray | Shape::Packed(_) => return Ok(()),
        };
        let Scratch {
            source: tight,
            answer: other,
            padded,
            ..
        } = &mut self.scratch;
        for index in 1..=planes {
            let mut plane = Target::of(target, index, channels * to.0, to.1)?;
            let chroma: &[u8] = match self.input.shape {
                shape if shape == self.output.shape => {
                    Source::of(source, index, channels * from.0, from.1)?.without_padding(tight)
                }
                Shape::I420 => {
                    let u = Source::of(source, 1, from.0, from.1)?;
                    let v = Source::of(source, 2, from.0, from.1)?;
                    interleave(u, v, other);
                    other
                }
                Shape::Nv12 => {
                    let uv = Source::of(source, 1, 2 * from.0, from.1)?;
                    deinterleave(uv, index as usize - 1, other);
                    other
                }
                Shape::Gray | Shape::Packed(_) => {
                    plane.rows().for_each(|row| row.fill(NO_COLOR));
                    continue;
                }
            };
            plane.fill_tight(padded, |plane| {
                self.scaler.bytes(channels, chroma, from, plane, to)
            })?;
        }
        Ok(())
    }

    /// A luma answer with the colors of the source, where the chroma planes cannot be taken over.
    fn recolor<E: Element>(
        &mut self,
        answer: &[E],
        size: (usize, usize),
        source: &VideoFrameRef<&gst::BufferRef>,
        target: &mut VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<(), Error> {
        let (from, to) = (self.input.size(), self.output.size());
        let weights = self.input.color.weights;
        let mut affine = self.checked.quantization(FULL)[0];
        let Scratch {
            source: rgb,
            answer: levels,
            canvas,
            ..
        } = &mut self.scratch;

        canvas.resize(3 * to.0 * to.1, 0);
        if from == to {
            rgb::read(&self.input, source, canvas)?;
        } else {
            rgb.resize(3 * from.0 * from.1, 0);
            rgb::read(&self.input, source, rgb)?;
            self.scaler.bytes(3, rgb, from, canvas, to)?;
        }
        if size == to {
            recolor_rows(answer, to.0, affine, weights, &mut self.rows, canvas);
        } else {
            levels.resize(size.0 * size.1 + to.0 * to.1, 0);
            let (own, scaled) = levels.split_at_mut(size.0 * size.1);
            quantize(
                answer,
                size.0,
                affine,
                &mut self.rows,
                own.chunks_exact_mut(size.0),
            );
            self.scaler.bytes(1, own, size, scaled, to)?;
            affine = Affine::SAME;
            self.rows.resize(4 * to.0.max(size.0), 0.0);
            recolor_rows::<u8>(scaled, to.0, affine, weights, &mut self.rows, canvas);
        }
        self.write_canvas(source, target)
    }

    fn write_rgb<E: Element>(
        &mut self,
        answer: &[E],
        size: (usize, usize),
        source: &VideoFrameRef<&gst::BufferRef>,
        target: &mut VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<(), Error> {
        let to = self.output.size();
        let affine = self.checked.quantization(FULL);
        let order = self.checked.spec.channels;
        let Scratch {
            answer: levels,
            canvas,
            ..
        } = &mut self.scratch;
        canvas.resize(3 * to.0 * to.1, 0);
        let rgb = if size == to { &mut *canvas } else { &mut *levels };
        rgb.resize(3 * size.0 * size.1, 0);
        match self.checked.spec.layout {
            Layout::Nhwc => {
                let (width, affine) = (3 * size.0, order.in_order(affine));
                for (to, from) in rgb.chunks_exact_mut(width).zip(answer.chunks_exact(width)) {
                    kernel::quantize_rgb(E::load(from, &mut self.rows[..width]), &affine, to);
                    if order == Channels::Bgr {
                        to.as_chunks_mut::<3>().0.iter_mut().for_each(|it| it.swap(0, 2));
                    }
                }
            }
            Layout::Nchw => {
                let (first, rest) = answer.split_at(size.0 * size.1);
                let (second, third) = rest.split_at(size.0 * size.1);
                let planes = order.in_order([first, second, third]);
                join(planes, size.0, &affine, &mut self.rows, rgb);
            }
        }
        if size != to {
            self.scaler.bytes(3, levels, size, canvas, to)?;
        }
        self.write_canvas(source, target)
    }

    /// The canvas to the output, with the alpha of the source.
    fn write_canvas(
        &mut self,
        source: &VideoFrameRef<&gst::BufferRef>,
        target: &mut VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<(), Error> {
        let has_alpha = self.read_alpha(source)?;
        let Scratch {
            canvas, alpha, yuv, ..
        } = &mut self.scratch;
        rgb::write(
            &self.output,
            canvas,
            has_alpha.then_some(alpha.as_slice()),
            target,
            yuv,
        )
    }

    /// Leaves the source's alpha at the size of the output in the scratch, if both have alpha.
    fn read_alpha(&mut self, source: &VideoFrameRef<&gst::BufferRef>) -> Result<bool, Error> {
        let (Shape::Packed(from), Shape::Packed(to)) = (self.input.shape, self.output.shape) else {
            return Ok(false);
        };
        if !from.has_alpha || !to.has_alpha {
            return Ok(false);
        }
        let (width, height) = self.input.size();
        let plane = Source::of(source, 0, from.step * width, height)?;
        let Scratch {
            source: own, alpha, ..
        } = &mut self.scratch;
        alpha.resize(self.output.width * self.output.height, 0);
        let same = self.input.size() == self.output.size();
        own.resize(width * height, 0);
        let levels = if same { &mut *alpha } else { &mut *own };
        for (to, row) in levels.chunks_exact_mut(width).zip(plane.rows()) {
            to.iter_mut()
                .zip(row.chunks_exact(from.step))
                .for_each(|(to, pixel)| *to = pixel[from.fourth]);
        }
        if !same {
            self.scaler
                .bytes(1, own, (width, height), alpha, self.output.size())?;
        }
        Ok(true)
    }
}

/// Chroma of gray.
const NO_COLOR: u8 = 128;

/// A one-channel answer to rows of levels.
fn quantize<'a, E: Element>(
    answer: &[E],
    width: usize,
    affine: Affine,
    rows: &mut [f32],
    levels: impl Iterator<Item = &'a mut [u8]>,
) {
    for (to, from) in levels.zip(answer.chunks_exact(width)) {
        kernel::quantize(E::load(from, &mut rows[..width]), affine, to);
    }
}

/// Gives the canvas the luma of the answer; `rows` is four rows long.
fn recolor_rows<E: Element>(
    answer: &[E],
    width: usize,
    affine: Affine,
    weights: [f32; 3],
    rows: &mut [f32],
    canvas: &mut [u8],
) {
    let (red, rest) = rows.split_at_mut(width);
    let (green, rest) = rest.split_at_mut(width);
    let (blue, rest) = rest.split_at_mut(width);
    for (rgb, from) in canvas.chunks_exact_mut(3 * width).zip(answer.chunks_exact(width)) {
        let values = E::load(from, &mut rest[..width]);
        kernel::split(rgb, &[Affine::SAME; 3], red, green, blue);
        kernel::set_luma(values, affine, weights, red, green, blue);
        kernel::join(red, green, blue, &[Affine::SAME; 3], rgb);
    }
}

/// Planes of red, green and blue of an answer of this width to tight RGB.
fn join<E: Element>(
    [red, green, blue]: [&[E]; 3],
    width: usize,
    affine: &[Affine; 3],
    rows: &mut [f32],
    rgb: &mut [u8],
) {
    let (first, rest) = rows.split_at_mut(width);
    let (second, rest) = rest.split_at_mut(width);
    let third = &mut rest[..width];
    let planes = red
        .chunks_exact(width)
        .zip(green.chunks_exact(width))
        .zip(blue.chunks_exact(width));
    for (to, ((red, green), blue)) in rgb.chunks_exact_mut(3 * width).zip(planes) {
        let (red, green, blue) = (E::load(red, first), E::load(green, second), E::load(blue, third));
        kernel::join(red, green, blue, affine, to);
    }
}
