// SPDX-License-Identifier: MPL-2.0

//! One frame as a small JPEG.

use gst_video::{VideoFormat, VideoFrame, VideoFrameRef, VideoInfo};
use jpeg_encoder::{ColorType, Encoder};

use super::moments::Moment;

/// Pixels of the longer side.
const SIDE: u32 = 480;

/// Of 100: marks of compression are not seen at this size.
const QUALITY: u8 = 80;

/// Boxes of one picture.
const BOXES: usize = 30;

/// Pixels of a square of the pattern that shows through what is transparent.
const SQUARE: usize = 8;

#[derive(Debug)]
pub struct Picture {
    pub moment: Moment,
    pub jpeg: Vec<u8>,
    /// Of the picture, in pixels.
    pub width: u32,
    pub height: u32,
    /// Of the frame, as caps have it.
    pub frame_size: (u32, u32),
    pub boxes: Vec<Box>,
}

/// A region of interest on the frame, in parts of its width and height, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Box {
    pub label: String,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Picture {
    /// `None` for what is no raw video, or cannot be read.
    pub fn of(buffer: &gst::BufferRef, caps: &gst::Caps, moment: Moment) -> Option<Picture> {
        let info = VideoInfo::from_caps(caps).ok().filter(VideoInfo::is_valid)?;
        let (width, height) = small_size(&info);
        // The converter changes neither rate nor fields.
        let small = VideoInfo::builder(VideoFormat::Rgba, width, height)
            .fps(info.fps())
            .interlace_mode(info.interlace_mode())
            .build()
            .ok()?;
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).ok()?;
        let memory = gst::Buffer::with_size(small.size()).ok()?;
        let mut scaled = VideoFrame::from_buffer_writable(memory, &small).ok()?;
        let converter = gst_video::VideoConverter::new(&info, &small, None).ok()?;
        converter.frame_ref(&frame, &mut scaled.as_mut_video_frame_ref());
        let mut pixels = scaled.plane_data(0).ok()?.to_vec();
        if info.has_alpha() {
            lay_on_pattern(&mut pixels, width as usize);
        }
        let mut jpeg = Vec::new();
        let (across, down) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
        let encoder = Encoder::new(&mut jpeg, QUALITY);
        encoder.encode(&pixels, across, down, ColorType::Rgba).ok()?;
        Some(Picture {
            moment,
            jpeg,
            width,
            height,
            frame_size: (info.width(), info.height()),
            boxes: boxes(buffer, &info),
        })
    }
}

/// The size at which the frame is shown: with square pixels, and never larger than it is.
fn small_size(info: &VideoInfo) -> (u32, u32) {
    let par = info.par();
    let par = f64::from(par.numer().max(1)) / f64::from(par.denom().max(1));
    let (width, height) = (f64::from(info.width()) * par, f64::from(info.height()));
    let factor = (f64::from(SIDE) / width.max(height)).min(1.0);
    let pixels = |size: f64| (size * factor).round().clamp(1.0, f64::from(SIDE)) as u32;
    (pixels(width), pixels(height))
}

fn boxes(buffer: &gst::BufferRef, info: &VideoInfo) -> Vec<Box> {
    let regions = buffer.iter_meta::<gst_video::VideoRegionOfInterestMeta>();
    let (across, down) = (f64::from(info.width().max(1)), f64::from(info.height().max(1)));
    let of = |region: gst::MetaRef<gst_video::VideoRegionOfInterestMeta>| {
        let (x, y, width, height) = region.rect();
        Box {
            label: region.roi_type().to_string(),
            x: f64::from(x) / across,
            y: f64::from(y) / down,
            width: f64::from(width) / across,
            height: f64::from(height) / down,
        }
    };
    regions.map(of).take(BOXES).collect()
}

/// Shows a light and a dark grey where the picture is transparent. RGBA, rows of `width` pixels without a gap.
fn lay_on_pattern(pixels: &mut [u8], width: usize) {
    for (position, pixel) in pixels.chunks_exact_mut(4).enumerate() {
        let (x, y) = (position % width, position / width);
        let is_light = (x / SQUARE + y / SQUARE).is_multiple_of(2);
        let below: u16 = if is_light { 205 } else { 150 };
        let [colors @ .., alpha] = pixel else { continue };
        let alpha = u16::from(*alpha);
        for color in colors {
            *color = ((u16::from(*color) * alpha + below * (255 - alpha)) / 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::moments::Occasion;
    use super::*;

    /// Each pixel of each plane has the value `level`.
    fn picture(caps: &str, level: u8) -> Option<Picture> {
        gst::init().unwrap();
        let caps: gst::Caps = caps.parse().unwrap();
        let size = VideoInfo::from_caps(&caps).map_or(16, |it| it.size());
        let mut buffer = gst::Buffer::from_slice(vec![level; size]);
        let region = buffer.get_mut().unwrap();
        gst_video::VideoRegionOfInterestMeta::add(region, "<cat>", (16, 8, 32, 16));
        let moment = Moment {
            at: Duration::ZERO,
            occasion: Occasion::Passed,
        };
        Picture::of(&buffer, &caps, moment)
    }

    #[test]
    fn any_raw_frame_becomes_a_small_picture_with_its_boxes() {
        for format in [
            "I420",
            "NV12",
            "GRAY8",
            "RGBA",
            "BGRx",
            "I420_10LE",
            "AYUV64",
            "GBR",
        ] {
            let caps = format!("video/x-raw,format={format},width=64,height=32,framerate=25/1");
            let picture = picture(&caps, 128).unwrap();
            assert_eq!((picture.width, picture.height), (64, 32), "{format}");
            assert_eq!(picture.jpeg[..3], [0xff, 0xd8, 0xff], "{format}");
            let expected = Box {
                label: "<cat>".to_string(),
                x: 0.25,
                y: 0.25,
                width: 0.5,
                height: 0.5,
            };
            assert_eq!(picture.boxes, [expected]);
        }
        assert!(picture("video/x-h264", 0).is_none());
    }

    #[test]
    fn fields_are_shown_as_they_lie() {
        for mode in ["interleaved", "mixed"] {
            let caps =
                format!("video/x-raw,format=I420,width=720,height=576,framerate=25/1,interlace-mode={mode}");
            assert!(picture(&caps, 100).is_some(), "{mode}");
        }
    }

    #[test]
    fn it_is_small_and_of_the_right_shape() {
        let caps = "video/x-raw,format=I420,width=720,height=576,pixel-aspect-ratio=64/45,framerate=25/1";
        let picture = picture(caps, 100).unwrap();
        assert_eq!((picture.width, picture.height), (480, 270));
        assert_eq!(picture.frame_size, (720, 576));
    }

    #[test]
    fn what_is_transparent_shows_a_pattern() {
        let mut pixels = [10, 20, 30, 0, 10, 20, 30, 255].repeat(8);
        lay_on_pattern(&mut pixels, 16);
        assert_eq!((&pixels[..3], &pixels[4..7]), (&[205; 3][..], &[10, 20, 30][..]));
    }
}
