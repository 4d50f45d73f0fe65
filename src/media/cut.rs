// SPDX-License-Identifier: MPL-2.0

//! Hard cuts in a stream of pictures, at a cost that does not grow with the picture.
//!
//! A picture is taken for 8×8 means, each of 24 samples. At a cut they change by much of what distinguishes the parts of a
//! picture from one another, and by several times what they changed by in the frames before. Motion changes samples and
//! hardly their means; what is fast has been fast before. Fades and dissolves change little from frame to frame and are
//! not found.

use gst_video::VideoFrameRef;

use super::Error;
use super::format::{Picture, Shape};
use super::plane::Source;

/// Means across and down, and samples across and down in each.
const ACROSS: usize = 8;
const SAMPLES: (usize, usize) = (6, 4);
const MEANS: usize = ACROSS * ACROSS;

/// Frames that tell how much change is usual: a third of a second, and enough for pictures that are each shown some times.
/// A cut counts too, so a light that flickers is none, and one so soon behind another is not told.
const RECENT: usize = 8;

/// Smallest mean change that may be a cut, in levels of 255: below are noise, coding and the steps of fades.
const LEAST: f32 = 8.0;

/// Change, as a share of how far the means of a picture lie from their own mean, from which on it may be a cut. Of two
/// pictures that have nothing in common it is 1.5 in the median and 0.37 at the first percentile; motion stayed below 0.65.
const SHARE: f32 = 0.4;

/// Levels that are added to that: of a flat picture everything is a large share.
const FLAT: f32 = 2.0;

/// How many times the largest change of the recent frames a cut is.
const JUMP: f32 = 2.5;

/// The means of one picture, in levels of 255.
type Means = [f32; MEANS];

/// Looks for cuts in the pictures of one stream, each compared with the one before. Allocates nothing.
#[derive(Debug, Clone)]
pub struct CutDetector {
    picture: Picture,
    before: Option<Means>,
    /// Changes of the last frames, in a ring, and the place of the oldest.
    recent: [f32; RECENT],
    oldest: usize,
}

impl CutDetector {
    /// For frames of this kind. [`Error::Format`] for those whose samples are not known.
    pub fn new(info: &gst_video::VideoInfo) -> Result<CutDetector, Error> {
        Ok(CutDetector {
            picture: Picture::new(info)?,
            before: None,
            recent: [0.0; RECENT],
            oldest: 0,
        })
    }

    /// Takes the next picture; `true` where it begins another scene. The first never does.
    pub fn is_cut(&mut self, frame: &VideoFrameRef<&gst::BufferRef>) -> Result<bool, Error> {
        let now = means(frame, &self.picture)?;
        Ok(self.compare(&now))
    }

    fn compare(&mut self, now: &Means) -> bool {
        let Some(before) = self.before.replace(*now) else {
            return false;
        };
        let change = mean(now.iter().zip(&before).map(|(now, before)| (now - before).abs()));
        let usual = self.recent.iter().copied().fold(0.0, f32::max);
        let contrast = (contrast(now) + contrast(&before)) / 2.0 + FLAT;
        self.recent[self.oldest] = change;
        self.oldest = (self.oldest + 1) % RECENT;
        LEAST <= change && SHARE * contrast <= change && JUMP * usual <= change
    }
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    values.sum::<f32>() / MEANS as f32
}

/// Mean distance of the means from their own mean.
fn contrast(means: &Means) -> f32 {
    let middle = mean(means.iter().copied());
    mean(means.iter().map(|it| (it - middle).abs()))
}

/// The means of a picture, of luma, or of green where there is no plane of luma.
fn means(frame: &VideoFrameRef<&gst::BufferRef>, picture: &Picture) -> Result<Means, Error> {
    let (width, height) = picture.size();
    let (step, first) = match picture.shape {
        Shape::Packed(order) => (order.step, order.green),
        _ => (1, 0),
    };
    let source = Source::of(frame, 0, step * width, height)?;
    let across: [usize; ACROSS * SAMPLES.0] =
        std::array::from_fn(|it| first + step * middle(it, ACROSS * SAMPLES.0, width));
    let mut sums = [0u32; MEANS];
    for y in 0..ACROSS * SAMPLES.1 {
        let row = source.line(middle(y, ACROSS * SAMPLES.1, height));
        let sums = sums[y / SAMPLES.1 * ACROSS..].iter_mut();
        for (sum, places) in sums.zip(across.chunks_exact(SAMPLES.0)) {
            *sum += places.iter().map(|it| u32::from(row[*it])).sum::<u32>();
        }
    }
    Ok(sums.map(|it| it as f32 / (SAMPLES.0 * SAMPLES.1) as f32))
}

/// Where the middle of one of `parts` equal parts of `size` pixels lies.
fn middle(part: usize, parts: usize, size: usize) -> usize {
    (2 * part + 1) * size / (2 * parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst_video::prelude::*;
    use gst_video::{VideoFormat, VideoInfo};

    fn detector(format: VideoFormat, size: (u32, u32)) -> (CutDetector, VideoInfo) {
        gst::init().unwrap();
        let info = VideoInfo::builder(format, size.0, size.1).build().unwrap();
        (CutDetector::new(&info).unwrap(), info)
    }

    /// Bars of `period` pixels, brighter to the right, moved by `shift`; the same number in all bytes of a pixel.
    fn bars(info: &VideoInfo, period: usize, shift: usize) -> gst::Buffer {
        let mut buffer = gst::Buffer::with_size(info.size()).unwrap();
        {
            let bytes = buffer.get_mut().unwrap();
            let mut frame = VideoFrameRef::from_buffer_ref_writable(bytes, info).unwrap();
            let (stride, step) = (frame.plane_stride()[0] as usize, frame.comp_pstride(0) as usize);
            let width = info.width() as usize;
            for row in frame.plane_data_mut(0).unwrap().chunks_mut(stride) {
                for (x, pixel) in row.chunks_mut(step).take(width).enumerate() {
                    let bar = if ((x + shift) / period).is_multiple_of(2) {
                        100
                    } else {
                        0
                    };
                    pixel.fill((bar + 100 * x / width) as u8);
                }
            }
        }
        buffer
    }

    fn see(detector: &mut CutDetector, info: &VideoInfo, buffer: &gst::Buffer) -> bool {
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info).unwrap();
        detector.is_cut(&frame).unwrap()
    }

    #[test]
    fn a_cut_is_found_in_all_formats_and_sizes_and_motion_is_none() {
        let formats = [
            VideoFormat::I420,
            VideoFormat::Nv12,
            VideoFormat::Gray8,
            VideoFormat::Rgb,
            VideoFormat::Bgrx,
        ];
        for format in formats {
            for size in [(640, 360), (177, 145), (33, 17)] {
                let (mut detector, info) = detector(format, size);
                let width = size.0 as usize;
                for shift in 0..20 {
                    let frame = bars(&info, width / 2, shift % 3);
                    assert!(!see(&mut detector, &info, &frame), "{format:?} {size:?} {shift}");
                }
                let other = bars(&info, width / 2, width / 2);
                assert!(see(&mut detector, &info, &other), "{format:?} {size:?}");
                assert!(!see(&mut detector, &info, &other), "{format:?} {size:?}");
            }
        }
    }

    #[test]
    fn what_changes_by_as_much_on_each_frame_is_no_cut() {
        let (mut detector, info) = detector(VideoFormat::Gray8, (64, 64));
        let cuts = (0..40).filter(|it| see(&mut detector, &info, &bars(&info, 32, 32 * (it % 2))));
        assert_eq!(
            cuts.count(),
            1,
            "the first change is one, as far as anybody can tell"
        );
    }

    #[test]
    fn a_picture_of_one_pixel_has_no_cuts_and_does_no_harm() {
        let (mut detector, info) = detector(VideoFormat::Gray8, (1, 1));
        for level in [0u8, 3, 0, 3] {
            let frame = gst::Buffer::from_slice([level; 4]);
            assert!(!see(&mut detector, &info, &frame));
        }
    }

    #[test]
    fn formats_that_are_not_known_are_refused() {
        gst::init().unwrap();
        let info = VideoInfo::builder(VideoFormat::Uyvy, 64, 64).build().unwrap();
        assert!(CutDetector::new(&info).is_err());
    }
}
