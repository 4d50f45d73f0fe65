// SPDX-License-Identifier: MPL-2.0

//! Frames and planes as small JPEGs.

use gst_video::VideoFormat;
use gstavrec::answer::{ClassMap, Mask};
use gstavrec::plane::Plane;
use jpeg_encoder::{ColorType, Encoder};

use super::super::material::Frame;
use super::super::picture::{in_format, info, scaled};
use super::item::{Jpeg, Mark};

/// Pixels of the longer side of a whole picture.
const SIDE: u32 = 400;

/// Of what is cut out where pictures differ: shown pixel by pixel.
const CUT: (usize, usize) = (280, 176);

/// Of 100.
const QUALITY: u8 = 80;

/// By how much differences are magnified.
pub const MAGNIFIED: i32 = 8;

/// A color of RGB.
pub type Color = [u8; 3];

/// Packed RGB without gaps.
#[derive(Debug, Clone)]
pub struct Pixels {
    pub samples: Vec<u8>,
    pub width: usize,
    pub height: usize,
}

impl Pixels {
    /// The frame, made so small that it can be shown.
    pub fn of(frame: &Frame) -> Result<Pixels, String> {
        let from = info(&frame.caps)?;
        let (width, height) = small(from.width(), from.height());
        let rgb = in_format(&scaled(frame, width, height)?, VideoFormat::Rgb)?;
        let stride = usize::try_from(info(&rgb.caps)?.stride()[0]).unwrap_or(0);
        let (width, height) = (width as usize, height as usize);
        let rows = rgb.bytes.chunks(stride.max(3 * width)).take(height);
        let samples: Vec<u8> = rows.flat_map(|it| it.iter().take(3 * width)).copied().collect();
        Ok(Pixels {
            samples,
            width,
            height,
        })
    }

    pub fn jpeg(&self) -> Option<Jpeg> {
        encoded(&self.samples, self.width, self.height, ColorType::Rgb)
    }

    /// Lays a color over the places of the region that the mask has.
    pub fn blend_mask(&mut self, region: [f64; 4], mask: &Mask, color: Color) {
        let (width, height) = (self.width, self.height);
        let [left, top, wide, high] = region;
        if mask.width * mask.height != mask.coverage.len() || !(0.0 < wide && 0.0 < high) {
            return;
        }
        for y in 0..height {
            let v = ((y as f64 + 0.5) / height as f64 - top) / high;
            for x in 0..width {
                let u = ((x as f64 + 0.5) / width as f64 - left) / wide;
                if !((0.0..1.0).contains(&u) && (0.0..1.0).contains(&v)) {
                    continue;
                }
                let column = (u * mask.width as f64) as usize;
                let row = (v * mask.height as f64) as usize;
                let share = f64::from(mask.coverage[row * mask.width + column]) / 255.0;
                self.blend(x, y, color, 0.55 * share);
            }
        }
    }

    /// Darkens what is not in the foreground.
    pub fn blend_matte(&mut self, mask: &Mask) {
        let coverage = mask.coverage.iter().map(|it| u8::MAX - it).collect();
        let rest = Mask { coverage, ..*mask };
        self.blend_mask([0.0, 0.0, 1.0, 1.0], &rest, [200, 30, 90]);
    }

    /// Lays the colors of classes over the whole picture.
    pub fn blend_map(&mut self, map: &ClassMap) {
        if map.width * map.height != map.classes.len() || map.classes.is_empty() {
            return;
        }
        for y in 0..self.height {
            for x in 0..self.width {
                let row = y * map.height / self.height;
                let column = x * map.width / self.width;
                let class = map.classes[row * map.width + column];
                self.blend(x, y, color(u32::from(class)), 0.5);
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, color: Color, share: f64) {
        let at = 3 * (y * self.width + x);
        for (sample, color) in self.samples[at..at + 3].iter_mut().zip(color) {
            *sample = (f64::from(*sample) * (1.0 - share) + f64::from(color) * share).round() as u8;
        }
    }
}

/// As the marks of the same class have it on the page.
pub fn color(class: u32) -> Color {
    const COLORS: [Color; 7] = [
        [255, 212, 71],
        [89, 211, 255],
        [111, 224, 138],
        [255, 143, 107],
        [227, 155, 255],
        [255, 255, 255],
        [183, 224, 74],
    ];
    COLORS[class as usize % COLORS.len()]
}

/// A part of pictures of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl Cut {
    /// Where these differ most from each other and from what is right, and something is to be seen.
    pub fn of(truth: &Plane, answers: &[&Plane]) -> Cut {
        let width = CUT.0.min(truth.width);
        let height = CUT.1.min(truth.height);
        let steps = |length: usize, part: usize| {
            let count = (2 * length / part.max(1)).max(1);
            (0..count).map(move |it| {
                if count == 1 {
                    0
                } else {
                    it * (length - part) / (count - 1)
                }
            })
        };
        let tops = steps(truth.height, height);
        let cuts = tops.flat_map(|top| {
            steps(truth.width, width).map(move |left| Cut {
                left,
                top,
                width,
                height,
            })
        });
        let same: Vec<&&Plane> = answers.iter().filter(|it| it.same_size(truth)).collect();
        let error = |cut: &Cut| -> u64 { same.iter().map(|it| cut.difference(truth, it)).sum() };
        cuts.max_by_key(error).unwrap_or(Cut {
            left: 0,
            top: 0,
            width,
            height,
        })
    }

    /// Sum of squares, of each other sample both ways.
    fn difference(&self, one: &Plane, other: &Plane) -> u64 {
        let rows = (self.top..self.top + self.height).step_by(2);
        let row = |y: usize| {
            let at = y * one.width + self.left;
            let pairs = one.samples[at..at + self.width]
                .iter()
                .zip(&other.samples[at..at + self.width]);
            pairs
                .step_by(2)
                .map(|(one, other)| u64::from(one.abs_diff(*other)).pow(2))
                .sum::<u64>()
        };
        rows.map(row).sum()
    }

    /// Where it lies on the whole picture.
    pub fn mark(&self, whole: &Plane) -> Mark {
        let share = |it: usize, of: usize| it as f64 / of.max(1) as f64;
        Mark {
            label: String::new(),
            class: 0,
            x: share(self.left, whole.width),
            y: share(self.top, whole.height),
            width: share(self.width, whole.width),
            height: share(self.height, whole.height),
        }
    }

    fn rows<'a>(&self, of: &'a Plane) -> impl Iterator<Item = &'a [u8]> {
        let cut = *self;
        (cut.top..cut.top + cut.height).filter_map(move |y| {
            let at = y * of.width + cut.left;
            of.samples.get(at..at + cut.width)
        })
    }

    /// This part of a picture of the size that it was made for.
    pub fn jpeg(&self, of: &Plane) -> Option<Jpeg> {
        let samples: Vec<u8> = self.rows(of).flatten().copied().collect();
        encoded(&samples, self.width, self.height, ColorType::Luma)
    }

    /// What one has more than the other, magnified, around mid gray.
    pub fn difference_jpeg(&self, one: &Plane, other: &Plane) -> Option<Jpeg> {
        if !one.same_size(other) {
            return None;
        }
        let pairs = self.rows(one).flatten().zip(self.rows(other).flatten());
        let level = |(one, other): (&u8, &u8)| {
            let difference = MAGNIFIED * (i32::from(*one) - i32::from(*other));
            (128 + difference).clamp(0, 255) as u8
        };
        let samples: Vec<u8> = pairs.map(level).collect();
        encoded(&samples, self.width, self.height, ColorType::Luma)
    }
}

fn encoded(samples: &[u8], width: usize, height: usize, form: ColorType) -> Option<Jpeg> {
    let size = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, QUALITY)
        .encode(samples, size.0, size.1, form)
        .ok()?;
    Some(Jpeg {
        bytes,
        width: size.0.into(),
        height: size.1.into(),
    })
}

/// Even, and never larger than it is.
fn small(width: u32, height: u32) -> (u32, u32) {
    let factor = (f64::from(SIDE) / f64::from(width.max(height).max(1))).min(1.0);
    let pixels = |it: u32| (f64::from(it) * factor / 2.0).round().max(1.0) as u32 * 2;
    (pixels(width).min(width.max(1)), pixels(height).min(height.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(width: usize, height: usize, level: impl Fn(usize, usize) -> u8) -> Plane {
        let samples = (0..width * height)
            .map(|it| level(it % width, it / width))
            .collect();
        Plane {
            samples,
            width,
            height,
        }
    }

    #[test]
    fn what_is_cut_out_is_where_answers_differ() {
        let truth = plane(1280, 720, |_, _| 100);
        let answer = plane(1280, 720, |x, y| if 1100 < x && 600 < y { 180 } else { 100 });
        let cut = Cut::of(&truth, &[&answer]);
        assert_eq!((cut.left, cut.top), (1000, 544));
        let mark = cut.mark(&truth);
        assert!(
            (mark.x - 0.78125).abs() < 1e-9 && (mark.width - 0.21875).abs() < 1e-9,
            "{mark:?}"
        );
    }

    #[test]
    fn small_and_odd_pictures_are_shown_whole() {
        let truth = plane(33, 17, |x, _| x as u8);
        let other = plane(16, 8, |_, _| 0);
        let cut = Cut::of(&truth, &[&other]);
        assert_eq!((cut.left, cut.top, cut.width, cut.height), (0, 0, 33, 17));
        assert!(cut.jpeg(&truth).is_some() && cut.difference_jpeg(&truth, &other).is_none());
        assert!(Cut::of(&Plane::default(), &[]).jpeg(&Plane::default()).is_none());
    }

    #[test]
    fn frames_become_small_and_masks_lie_on_their_region() {
        gst::init().unwrap();
        let caps: gst::Caps = "video/x-raw,format=I420,width=1280,height=720,framerate=25/1"
            .parse()
            .unwrap();
        let frame = Frame {
            caps,
            bytes: vec![128; 1280 * 720 * 3 / 2],
        };
        let mut pixels = Pixels::of(&frame).unwrap();
        assert_eq!(
            (pixels.width, pixels.height, pixels.samples.len()),
            (400, 226, 3 * 400 * 226)
        );
        let mask = Mask {
            width: 1,
            height: 1,
            coverage: vec![255],
        };
        let before = pixels.samples.clone();
        pixels.blend_mask([0.5, 0.0, 0.5, 1.0], &mask, [255, 0, 0]);
        assert_eq!(pixels.samples[..600], before[..600]);
        assert!(before[600] < pixels.samples[600]);
        assert!(pixels.jpeg().is_some());
    }
}
