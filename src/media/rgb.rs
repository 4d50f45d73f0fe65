// SPDX-License-Identifier: MPL-2.0

//! Whole frames to tight RGB (three bytes a pixel, red first) and back.

use gst_video::VideoFrameRef;
use yuv::{
    BufferStoreMut, YuvBiPlanarImage, YuvBiPlanarImageMut, YuvConversionMode, YuvGrayImage, YuvGrayImageMut,
    YuvPlanarImage, YuvPlanarImageMut,
};

use super::Error;
use super::format::{Order, Picture, Shape};
use super::kernel;
use super::plane::{Source, Target};

/// Writes the frame's colors to `rgb`, which is `3 · width · height` bytes.
pub fn read(picture: &Picture, frame: &VideoFrameRef<&gst::BufferRef>, rgb: &mut [u8]) -> Result<(), Error> {
    let (width, height) = (picture.width as u32, picture.height as u32);
    let (range, matrix) = (picture.color.range, picture.color.matrix);
    let (chroma_width, chroma_height) = picture.chroma_size();
    let plane = |index, row, height| Source::of(frame, index, row, height);

    match picture.shape {
        Shape::Packed(order) => return read_packed(&order, picture, frame, rgb),
        Shape::Gray => {
            let y = plane(0, picture.width, picture.height)?;
            let image = YuvGrayImage {
                y_plane: y.data,
                y_stride: y.stride as u32,
                width,
                height,
            };
            yuv::yuv400_to_rgb(&image, rgb, 3 * width, range, matrix)?;
        }
        Shape::I420 => {
            let y = plane(0, picture.width, picture.height)?;
            let u = plane(1, chroma_width, chroma_height)?;
            let v = plane(2, chroma_width, chroma_height)?;
            let image = YuvPlanarImage {
                y_plane: y.data,
                y_stride: y.stride as u32,
                u_plane: u.data,
                u_stride: u.stride as u32,
                v_plane: v.data,
                v_stride: v.stride as u32,
                width,
                height,
            };
            yuv::yuv420_to_rgb(&image, rgb, 3 * width, range, matrix)?;
        }
        Shape::Nv12 => {
            let y = plane(0, picture.width, picture.height)?;
            let uv = plane(1, 2 * chroma_width, chroma_height)?;
            let image = YuvBiPlanarImage {
                y_plane: y.data,
                y_stride: y.stride as u32,
                uv_plane: uv.data,
                uv_stride: uv.stride as u32,
                width,
                height,
            };
            yuv::yuv_nv12_to_rgb(&image, rgb, 3 * width, range, matrix, YuvConversionMode::Balanced)?;
        }
    }
    Ok(())
}

fn read_packed(
    order: &Order,
    picture: &Picture,
    frame: &VideoFrameRef<&gst::BufferRef>,
    rgb: &mut [u8],
) -> Result<(), Error> {
    let (pack, _) = kernel::packers(order).ok_or(Error::Format(picture.format.to_str().as_str()))?;
    let source = Source::of(frame, 0, order.step * picture.width, picture.height)?;
    for (to, from) in rgb.chunks_exact_mut(3 * picture.width).zip(source.rows()) {
        pack(from, to);
    }
    Ok(())
}

/// Writes `rgb`, which is `3 · width · height` bytes, to the frame.
///
/// `alpha` holds one byte a pixel for formats that have alpha; without it they become opaque.
/// `scratch` keeps the buffers that padded planes need.
pub fn write(
    picture: &Picture,
    rgb: &[u8],
    alpha: Option<&[u8]>,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    scratch: &mut Scratch,
) -> Result<(), Error> {
    match picture.shape {
        Shape::Packed(order) => write_packed(&order, picture, rgb, alpha, frame),
        _ => write_yuv(picture, rgb, frame, scratch),
    }
}

fn write_packed(
    order: &Order,
    picture: &Picture,
    rgb: &[u8],
    alpha: Option<&[u8]>,
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
) -> Result<(), Error> {
    let (_, unpack) = kernel::packers(order).ok_or(Error::Format(picture.format.to_str().as_str()))?;
    let mut target = Target::of(frame, 0, order.step * picture.width, picture.height)?;
    let alpha = alpha.filter(|_| order.has_alpha);
    for (index, (to, from)) in target.rows().zip(rgb.chunks_exact(3 * picture.width)).enumerate() {
        unpack(from, to);
        let row = alpha.and_then(|alpha| alpha.chunks_exact(picture.width).nth(index));
        match (order.step, row) {
            (4, Some(row)) => to
                .chunks_exact_mut(4)
                .zip(row)
                .for_each(|(pixel, &alpha)| pixel[order.fourth] = alpha),
            (4, None) => to
                .chunks_exact_mut(4)
                .for_each(|pixel| pixel[order.fourth] = u8::MAX),
            _ => (),
        }
    }
    Ok(())
}

/// Planes that the color conversion writes before their rows are copied to the frame.
#[derive(Debug, Default)]
pub struct Scratch {
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

/// A frame lends out one writable plane at a time and the conversion wants all, so it writes to scratch.
fn write_yuv(
    picture: &Picture,
    rgb: &[u8],
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    scratch: &mut Scratch,
) -> Result<(), Error> {
    let (width, height) = (picture.width as u32, picture.height as u32);
    let (range, matrix) = (picture.color.range, picture.color.matrix);
    let (chroma_width, chroma_height) = picture.chroma_size();
    let mode = YuvConversionMode::Balanced;
    let Scratch { y, u, v } = scratch;
    y.resize(picture.width * picture.height, 0);
    let y_plane = BufferStoreMut::Borrowed(y.as_mut_slice());

    match picture.shape {
        Shape::Nv12 => {
            u.resize(2 * chroma_width * chroma_height, 0);
            let uv_plane = BufferStoreMut::Borrowed(u.as_mut_slice());
            let uv_stride = 2 * chroma_width as u32;
            let mut image = YuvBiPlanarImageMut {
                y_plane,
                y_stride: width,
                uv_plane,
                uv_stride,
                width,
                height,
            };
            yuv::rgb_to_yuv_nv12(&mut image, rgb, 3 * width, range, matrix, mode)?;
            copy(u, frame, 1, 2 * chroma_width, chroma_height)?;
        }
        Shape::I420 => {
            u.resize(chroma_width * chroma_height, 0);
            v.resize(chroma_width * chroma_height, 0);
            let mut image = YuvPlanarImageMut {
                y_plane,
                y_stride: width,
                u_plane: BufferStoreMut::Borrowed(u.as_mut_slice()),
                u_stride: chroma_width as u32,
                v_plane: BufferStoreMut::Borrowed(v.as_mut_slice()),
                v_stride: chroma_width as u32,
                width,
                height,
            };
            yuv::rgb_to_yuv420(&mut image, rgb, 3 * width, range, matrix, mode)?;
            copy(u, frame, 1, chroma_width, chroma_height)?;
            copy(v, frame, 2, chroma_width, chroma_height)?;
        }
        Shape::Gray | Shape::Packed(_) => {
            let mut image = YuvGrayImageMut {
                y_plane,
                y_stride: width,
                width,
                height,
            };
            yuv::rgb_to_yuv400(&mut image, rgb, 3 * width, range, matrix)?;
        }
    }
    copy(y, frame, 0, picture.width, picture.height)
}

fn copy(
    plane: &[u8],
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    index: u32,
    row: usize,
    height: usize,
) -> Result<(), Error> {
    let mut target = Target::of(frame, index, row, height)?;
    for (to, from) in target.rows().zip(plane.chunks_exact(row)) {
        to.copy_from_slice(from);
    }
    Ok(())
}
