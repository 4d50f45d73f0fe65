// SPDX-License-Identifier: MPL-2.0

//! Frames whose samples can be asked for one by one, and the arithmetic that the tests compare with.

use gst_video::prelude::*;
use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use gstavrec::media::picture::{FrameToTensor, TensorToFrame};
use gstavrec::tensor::{Channels, Data, ElementType, ImageSpec, Layout, Tensor};
use half::f16;

/// All formats that are read and written.
pub const FORMATS: [VideoFormat; 13] = [
    VideoFormat::I420,
    VideoFormat::Nv12,
    VideoFormat::Gray8,
    VideoFormat::Rgb,
    VideoFormat::Bgr,
    VideoFormat::Rgba,
    VideoFormat::Bgra,
    VideoFormat::Argb,
    VideoFormat::Abgr,
    VideoFormat::Rgbx,
    VideoFormat::Bgrx,
    VideoFormat::Xrgb,
    VideoFormat::Xbgr,
];

/// Picture content: plane or channel, column, row, to a sample.
pub type Content = fn(usize, usize, usize) -> u8;

/// A frame in memory whose rows are padded and whose planes stand apart, as a `GstVideoMeta` may say.
pub struct Frame {
    pub info: VideoInfo,
    pub buffer: gst::Buffer,
}

pub fn info(format: VideoFormat, width: u32, height: u32, colorimetry: &str) -> VideoInfo {
    gst::init().unwrap();
    let colorimetry = colorimetry.parse().unwrap();
    VideoInfo::builder(format, width, height)
        .colorimetry(&colorimetry)
        .build()
        .unwrap()
}

pub fn spec(channels: Channels, layout: Layout, element_type: ElementType, range: (f32, f32)) -> ImageSpec {
    let count = if channels == Channels::Luma { 1 } else { 3 };
    ImageSpec {
        layout,
        channels,
        element_type,
        size: None,
        ranges: vec![range; count],
    }
}

/// Any level next to any other.
pub fn noise(plane: usize, x: usize, y: usize) -> u8 {
    let mut hash = (plane * 7919 + y * 104729 + x + 1) as u32;
    for _ in 0..3 {
        hash ^= hash << 13;
        hash ^= hash >> 17;
        hash ^= hash << 5;
    }
    (hash >> 11) as u8
}

/// Slopes with an edge and a little grain, inside of the gamut.
pub fn slope(plane: usize, x: usize, y: usize) -> u8 {
    let grain = noise(plane, x, y) % 5;
    let edge = if (x / 9 + y / 7).is_multiple_of(2) { 18 } else { 0 };
    (90 + 10 * plane + (x * (2 + plane)) % 47 + (y * 3) % 31) as u8 / 2 + 55 + edge / 3 + grain
}

/// A slope that survives scaling.
pub fn gentle(plane: usize, x: usize, y: usize) -> u8 {
    (100 + 5 * plane + x + y / 2) as u8
}

/// [`slope`] in the first plane, one gentle color everywhere.
pub fn flat_chroma(plane: usize, x: usize, y: usize) -> u8 {
    if plane == 0 {
        slope(0, x, y)
    } else {
        118 + 15 * (plane as u8 - 1)
    }
}

impl Frame {
    /// For YUV the content's planes are Y, Cb and Cr, for packed RGB red, green, blue and the fourth byte.
    pub fn new(format: VideoFormat, width: u32, height: u32, colorimetry: &str, content: Content) -> Frame {
        let mut frame = Frame::of(&info(format, width, height, colorimetry));
        let (chroma_width, chroma_height) = frame.chroma_size();
        let order = packed(format);
        let mut writable = frame.writable();
        let strides: Vec<usize> = writable.plane_stride().iter().map(|&it| it as usize).collect();
        for plane in 0..writable.n_planes() as usize {
            let (columns, rows) = if plane == 0 {
                (width as usize, height as usize)
            } else {
                (chroma_width, chroma_height)
            };
            let data = writable.plane_data_mut(plane as u32).unwrap();
            for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                match order {
                    Some((step, places)) => {
                        for (channel, place) in places.iter().enumerate().take(step) {
                            data[y * strides[0] + x * step + place] = content(channel, x, y);
                        }
                    }
                    None if format == VideoFormat::Nv12 && plane == 1 => {
                        data[y * strides[1] + 2 * x] = content(1, x, y);
                        data[y * strides[1] + 2 * x + 1] = content(2, x, y);
                    }
                    None => data[y * strides[plane] + x] = content(plane, x, y),
                }
            }
        }
        drop(writable);
        frame
    }

    /// A frame of odd bytes, so that one that was not written shows.
    fn of(info: &VideoInfo) -> Frame {
        let planes = info.n_planes() as usize;
        let strides: Vec<i32> = info.stride()[..planes].iter().map(|stride| stride + 12).collect();
        let mut offsets = Vec::new();
        let mut size = 20;
        for (plane, stride) in strides.iter().enumerate() {
            offsets.push(size);
            let rows = if plane == 0 {
                info.height()
            } else {
                info.height().div_ceil(2)
            };
            size += *stride as usize * rows as usize + 8;
        }
        let mut buffer = gst::Buffer::from_mut_slice(vec![0xa5u8; size]);
        gst_video::VideoMeta::add_full(
            buffer.get_mut().unwrap(),
            gst_video::VideoFrameFlags::empty(),
            info.format(),
            info.width(),
            info.height(),
            &offsets,
            &strides,
        )
        .unwrap();
        Frame {
            info: info.clone(),
            buffer,
        }
    }

    /// Another frame of the same caps.
    pub fn empty(&self) -> Frame {
        Frame::of(&self.info)
    }

    pub fn readable(&self) -> VideoFrameRef<&gst::BufferRef> {
        VideoFrameRef::from_buffer_ref_readable(&self.buffer, &self.info).unwrap()
    }

    pub fn writable(&mut self) -> VideoFrameRef<&mut gst::BufferRef> {
        VideoFrameRef::from_buffer_ref_writable(self.buffer.get_mut().unwrap(), &self.info).unwrap()
    }

    pub fn to_tensor(&self, spec: &ImageSpec) -> Tensor {
        let mut tensor = Tensor {
            dims: Vec::new(),
            data: Data::F32(Vec::new()),
        };
        FrameToTensor::new(&self.info, spec)
            .unwrap()
            .fill(&self.readable(), &mut tensor)
            .unwrap();
        tensor
    }

    /// The output frame for an answer to this frame.
    pub fn answered_by(&self, answer: &Tensor, spec: &ImageSpec, output: &VideoInfo) -> Frame {
        let mut target = Frame::of(output);
        let mut write = TensorToFrame::new(&self.info, output, spec).unwrap();
        write
            .write(answer, &self.readable(), &mut target.writable())
            .unwrap();
        // Once more, to see that what is kept between frames does no harm.
        write
            .write(answer, &self.readable(), &mut target.writable())
            .unwrap();
        target
    }

    /// The output frame of a model that answers what it was asked.
    pub fn through(&self, spec: &ImageSpec, output: &VideoInfo) -> Frame {
        self.answered_by(&self.to_tensor(spec), spec, output)
    }

    pub fn pixels(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (width, height) = (self.info.width() as usize, self.info.height() as usize);
        (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)))
    }

    pub fn chroma_size(&self) -> (usize, usize) {
        (
            self.info.width().div_ceil(2) as usize,
            self.info.height().div_ceil(2) as usize,
        )
    }

    /// A byte of a plane.
    pub fn sample(&self, plane: usize, x: usize, y: usize) -> f64 {
        let frame = self.readable();
        let stride = frame.plane_stride()[plane] as usize;
        f64::from(frame.plane_data(plane as u32).unwrap()[y * stride + x])
    }

    /// Cb (0) or Cr (1).
    pub fn chroma(&self, which: usize, x: usize, y: usize) -> f64 {
        match self.info.format() {
            VideoFormat::Nv12 => self.sample(1, 2 * x + which, y),
            VideoFormat::I420 => self.sample(1 + which, x, y),
            _ => 128.0,
        }
    }

    /// Red, green, blue and the fourth byte (255 where there is none) of a packed frame.
    pub fn rgba(&self, x: usize, y: usize) -> [f64; 4] {
        let (step, places) = packed(self.info.format()).unwrap();
        let at = |channel: usize| match step {
            3 if channel == 3 => 255.0,
            _ => self.sample(0, x * step + places[channel], y),
        };
        [at(0), at(1), at(2), at(3)]
    }

    /// The color of a YUV frame by the formulas of H.273, each chroma sample for its block of pixels.
    pub fn yuv_to_rgb(&self, x: usize, y: usize, kr: f64, kb: f64, limited: bool) -> [f64; 3] {
        let (luma, cb, cr) = (
            self.sample(0, x, y),
            self.chroma(0, x / 2, y / 2),
            self.chroma(1, x / 2, y / 2),
        );
        let (luma, span) = if limited {
            ((luma - 16.0) * 255.0 / 219.0, 224.0)
        } else {
            (luma, 255.0)
        };
        let (cb, cr) = ((cb - 128.0) * 255.0 / span, (cr - 128.0) * 255.0 / span);
        let (red, blue) = (luma + 2.0 * (1.0 - kr) * cr, luma + 2.0 * (1.0 - kb) * cb);
        let green = (luma - kr * red - kb * blue) / (1.0 - kr - kb);
        [red, green, blue].map(|it| it.clamp(0.0, 255.0))
    }

    /// Compares all samples of two frames of one format.
    #[track_caller]
    pub fn check_against(&self, other: &Frame, tolerance: f64, what: &str) {
        assert_eq!(
            (self.info.format(), self.info.width()),
            (other.info.format(), other.info.width())
        );
        if let Some((_, places)) = packed(self.info.format()) {
            // Padding is 255, whatever it was.
            let channels = if self.info.format_info().has_alpha() { 4 } else { 3 };
            let all = |frame: &Frame| -> Vec<f64> {
                frame
                    .pixels()
                    .flat_map(|(x, y)| frame.rgba(x, y).into_iter().take(channels))
                    .collect()
            };
            assert_eq!(places.len(), 4);
            return check(&all(self), &all(other), tolerance, what);
        }
        let luma =
            |frame: &Frame| -> Vec<f64> { frame.pixels().map(|(x, y)| frame.sample(0, x, y)).collect() };
        check(&luma(self), &luma(other), tolerance, &format!("luma of {what}"));
        let (width, height) = self.chroma_size();
        let chroma = |frame: &Frame| -> Vec<f64> {
            let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            places
                .flat_map(|(x, y)| [frame.chroma(0, x, y), frame.chroma(1, x, y)])
                .collect()
        };
        check(
            &chroma(self),
            &chroma(other),
            tolerance,
            &format!("chroma of {what}"),
        );
    }
}

/// Bytes a pixel and the places of red, green, blue and the fourth byte.
fn packed(format: VideoFormat) -> Option<(usize, [usize; 4])> {
    Some(match format {
        VideoFormat::Rgb => (3, [0, 1, 2, 0]),
        VideoFormat::Bgr => (3, [2, 1, 0, 0]),
        VideoFormat::Rgba | VideoFormat::Rgbx => (4, [0, 1, 2, 3]),
        VideoFormat::Bgra | VideoFormat::Bgrx => (4, [2, 1, 0, 3]),
        VideoFormat::Argb | VideoFormat::Xrgb => (4, [1, 2, 3, 0]),
        VideoFormat::Abgr | VideoFormat::Xbgr => (4, [3, 2, 1, 0]),
        _ => return None,
    })
}

#[track_caller]
pub fn check(got: &[f64], expect: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expect.len(), "{what}");
    for (at, (got, expect)) in got.iter().zip(expect).enumerate() {
        assert!(
            (got - expect).abs() <= tolerance,
            "{what}: {got} instead of {expect} at {at}"
        );
    }
}

pub fn values(tensor: &Tensor) -> Vec<f64> {
    match &tensor.data {
        Data::F32(data) => data.iter().map(|&it| f64::from(it)).collect(),
        Data::F16(data) => data.iter().map(|it| it.to_f64()).collect(),
        Data::U8(data) => data.iter().map(|&it| f64::from(it)).collect(),
        other => panic!("no picture: {other:?}"),
    }
}

pub fn each_f32(tensor: &mut Tensor, mut change: impl FnMut(f32) -> f32) {
    let Data::F32(data) = &mut tensor.data else {
        panic!("not f32")
    };
    data.iter_mut().for_each(|it| *it = change(*it));
}

pub fn each_f16(tensor: &mut Tensor, mut change: impl FnMut(f16) -> f16) {
    let Data::F16(data) = &mut tensor.data else {
        panic!("not f16")
    };
    data.iter_mut().for_each(|it| *it = change(*it));
}

/// Where the elements stand in memory.
pub fn address(tensor: &Tensor) -> usize {
    match &tensor.data {
        Data::F32(data) => data.as_ptr() as usize,
        Data::F16(data) => data.as_ptr() as usize,
        Data::U8(data) => data.as_ptr() as usize,
        other => panic!("no picture: {other:?}"),
    }
}

/// Elements of an RGB tensor in the order of the layout.
pub fn in_layout(
    layout: Layout,
    width: usize,
    height: usize,
    at: impl Fn(usize, usize, usize) -> f64,
) -> Vec<f64> {
    let mut out = Vec::new();
    match layout {
        Layout::Nchw => {
            for (channel, y) in (0..3).flat_map(|channel| (0..height).map(move |y| (channel, y))) {
                out.extend((0..width).map(|x| at(x, y, channel)));
            }
        }
        Layout::Nhwc => {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                out.extend((0..3).map(|channel| at(x, y, channel)));
            }
        }
    }
    out
}

/// Scaling by the triangle filter, edge to edge, wide enough to cover each source sample when it shrinks.
pub fn bilinear(plane: &[f64], from: (usize, usize), to: (usize, usize)) -> Vec<f64> {
    let weights = |from: usize, to: usize, at: usize| -> Vec<(usize, f64)> {
        let scale = from as f64 / to as f64;
        let (center, reach) = ((at as f64 + 0.5) * scale, scale.max(1.0));
        let weight = |it: usize| (1.0 - ((it as f64 + 0.5 - center) / reach).abs()).max(0.0);
        let total: f64 = (0..from).map(weight).sum();
        (0..from)
            .map(|it| (it, weight(it) / total))
            .filter(|it| 0.0 < it.1)
            .collect()
    };
    let mut out = Vec::with_capacity(to.0 * to.1);
    for y in 0..to.1 {
        let rows = weights(from.1, to.1, y);
        for x in 0..to.0 {
            let columns = weights(from.0, to.0, x);
            let across = |row: usize| {
                columns
                    .iter()
                    .map(|(x, w)| w * plane[row * from.0 + x])
                    .sum::<f64>()
            };
            out.push(rows.iter().map(|(y, w)| w * across(*y)).sum());
        }
    }
    out
}
