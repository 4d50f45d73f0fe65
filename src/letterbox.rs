// SPDX-License-Identifier: MPL-2.0

//! Where a frame lies in the input of a model: `media` fills the input by it, `decode` maps answers back by it.

use crate::answer::{Landmark, Region, TurnedBox};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: usize,
    pub height: usize,
}

/// The place of a frame, scaled, in the input of a model; what is left of the input is padding.
///
/// The place has whole pixels, so each axis has its own exact scale, `picture / frame`: the two differ by
/// rounding only, unless the frame is stretched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letterbox {
    pub frame: Size,
    pub input: Size,
    /// The scaled frame.
    pub picture: Size,
    /// Input pixels left of the picture.
    pub pad_left: usize,
    /// Input pixels above the picture.
    pub pad_top: usize,
}

/// How a frame is put into the input of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// As [`Letterbox::centered`] does.
    Centered,
    /// As [`Letterbox::cornered`] does.
    Cornered,
    /// As [`Letterbox::stretched`] does.
    Stretched,
    /// As [`Letterbox::line`] does.
    Line,
}

impl Letterbox {
    /// The largest picture that keeps the frame's proportions, in the middle of the input: what YOLO models are
    /// trained on. An odd pixel of padding goes to the right and bottom.
    pub fn centered(frame: Size, input: Size) -> Self {
        let scale = (input.width as f64 / frame.width as f64).min(input.height as f64 / frame.height as f64);
        let fit = |length: usize, most: usize| ((length as f64 * scale).round() as usize).clamp(1, most);
        let picture = Size {
            width: fit(frame.width, input.width),
            height: fit(frame.height, input.height),
        };
        Letterbox {
            frame,
            input,
            picture,
            pad_left: (input.width - picture.width) / 2,
            pad_top: (input.height - picture.height) / 2,
        }
    }

    /// The same picture at the top left, all padding right and below: what YOLOX models are trained on.
    pub fn cornered(frame: Size, input: Size) -> Self {
        Letterbox {
            pad_left: 0,
            pad_top: 0,
            ..Self::centered(frame, input)
        }
    }

    /// The whole input, whatever the frame's proportions: what SSD and DETR models and most classifiers are
    /// trained on.
    pub fn stretched(frame: Size, input: Size) -> Self {
        Letterbox {
            frame,
            input,
            picture: input,
            pad_left: 0,
            pad_top: 0,
        }
    }

    /// A picture of the input's height in the frame's proportions, at the left; one that is longer than the input is
    /// squeezed into it: what PaddleOCR's readers of text are trained on.
    pub fn line(frame: Size, input: Size) -> Self {
        let width = (input.height as f64 * frame.width as f64 / frame.height as f64).ceil() as usize;
        let picture = Size {
            width: width.clamp(1, input.width),
            height: input.height,
        };
        Letterbox {
            picture,
            ..Self::stretched(frame, input)
        }
    }

    /// The frame as it is at the top left, all padding right and below: for models of pictures whose sides must be
    /// multiples of some number. The input is at least as large as the frame.
    pub fn unscaled(frame: Size, input: Size) -> Self {
        Letterbox {
            frame,
            input,
            picture: Size {
                width: frame.width.min(input.width),
                height: frame.height.min(input.height),
            },
            pad_left: 0,
            pad_top: 0,
        }
    }

    /// Input pixels per frame pixel, across and down.
    pub fn scale(&self) -> (f32, f32) {
        (
            self.picture.width as f32 / self.frame.width as f32,
            self.picture.height as f32 / self.frame.height as f32,
        )
    }

    /// Takes edges in input pixels to the region of the frame between them, clipped to the frame.
    ///
    /// Returns `None` where an edge is not finite, or nothing of the region is inside the frame.
    pub fn to_frame(&self, left: f32, top: f32, right: f32, bottom: f32) -> Option<Region> {
        if ![left, top, right, bottom].iter().all(|it| it.is_finite()) {
            return None;
        }
        let (across, down) = self.scale();
        let (width, height) = (self.frame.width as f32, self.frame.height as f32);
        let x = |edge: f32| ((edge - self.pad_left as f32) / across).clamp(0.0, width);
        let y = |edge: f32| ((edge - self.pad_top as f32) / down).clamp(0.0, height);
        let (left, top, right, bottom) = (x(left), y(top), x(right), y(bottom));
        // The sum of left and width rounds to no more than the frame's width, which is a whole number.
        (left < right && top < bottom).then_some(Region {
            left,
            top,
            width: right - left,
            height: bottom - top,
        })
    }
}

impl Letterbox {
    /// Takes a key point in input pixels to the frame; it may lie outside.
    pub fn point_to_frame(&self, point: Landmark) -> Landmark {
        let (across, down) = self.scale();
        Landmark {
            x: (point.x - self.pad_left as f32) / across,
            y: (point.y - self.pad_top as f32) / down,
            ..point
        }
    }

    /// Takes a turned box in input pixels to the frame. Where the axes have scales of their own, a turned box is a
    /// parallelogram in the frame: its sides keep their lengths, and its width keeps its direction.
    pub fn turned_to_frame(&self, turned: TurnedBox) -> TurnedBox {
        let (across, down) = self.scale();
        let (sin, cos) = turned.angle.sin_cos();
        TurnedBox {
            x: (turned.x - self.pad_left as f32) / across,
            y: (turned.y - self.pad_top as f32) / down,
            width: turned.width * (cos / across).hypot(sin / down),
            height: turned.height * (sin / across).hypot(cos / down),
            angle: (sin / down).atan2(cos / across),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: usize, height: usize) -> Size {
        Size { width, height }
    }

    #[test]
    fn a_wide_frame_has_padding_above_and_below() {
        let place = Letterbox::centered(size(1280, 720), size(640, 640));
        assert_eq!(place.picture, size(640, 360));
        assert_eq!((place.pad_left, place.pad_top), (0, 140));
        assert_eq!(place.scale(), (0.5, 0.5));
        let place = Letterbox::centered(size(10, 31), size(16, 16));
        assert_eq!(place.picture, size(5, 16), "10 · 16 / 31 = 5.16");
        assert_eq!(
            (place.pad_left, place.pad_top),
            (5, 0),
            "the odd one of 11 goes right"
        );
    }

    #[test]
    fn a_region_goes_back_to_the_frame_and_is_clipped_to_it() {
        let place = Letterbox::centered(size(1280, 720), size(640, 640));
        let region = |left, top, width, height| Region {
            left,
            top,
            width,
            height,
        };
        assert_eq!(
            place.to_frame(10.0, 150.0, 20.0, 160.0),
            Some(region(20.0, 20.0, 20.0, 20.0))
        );
        assert_eq!(
            place.to_frame(-5.0, 100.0, 10.0, 150.0),
            Some(region(0.0, 0.0, 20.0, 20.0))
        );
        assert_eq!(place.to_frame(0.0, 100.0, 640.0, 140.0), None, "in the padding");
        assert_eq!(place.to_frame(20.0, 150.0, 10.0, 160.0), None, "inside out");
        assert_eq!(place.to_frame(f32::NAN, 150.0, 20.0, 160.0), None);
        assert_eq!(place.to_frame(0.0, 150.0, f32::INFINITY, 160.0), None);
    }

    #[test]
    fn points_and_turned_boxes_go_back_to_the_frame() {
        let place = Letterbox::centered(size(1280, 720), size(640, 640));
        let point = Landmark {
            x: 10.0,
            y: 150.0,
            confidence: 0.5,
        };
        let back = place.point_to_frame(point);
        assert_eq!((back.x, back.y, back.confidence), (20.0, 20.0, 0.5));
        let turned = TurnedBox {
            x: 50.0,
            y: 40.0,
            width: 10.0,
            height: 6.0,
            angle: std::f32::consts::FRAC_PI_2,
        };
        let back = Letterbox::stretched(size(200, 100), size(100, 100)).turned_to_frame(turned);
        assert_eq!((back.x, back.y), (100.0, 40.0));
        assert!(
            (back.width - 10.0).abs() < 1e-4,
            "it lies along y, whose scale is 1: {back:?}"
        );
        assert!((back.height - 12.0).abs() < 1e-4, "{back:?}");
    }

    #[test]
    fn other_places_keep_the_corner_or_fill_the_input() {
        let place = Letterbox::cornered(size(200, 100), size(50, 50));
        assert_eq!(
            (place.picture, place.pad_left, place.pad_top),
            (size(50, 25), 0, 0)
        );
        let place = Letterbox::stretched(size(200, 100), size(50, 50));
        assert_eq!(place.scale(), (0.25, 0.5));
        let place = Letterbox::line(size(201, 50), size(320, 48));
        assert_eq!(place.picture, size(193, 48), "48 · 201 / 50 = 192.96");
        assert_eq!(
            Letterbox::line(size(500, 50), size(320, 48)).picture,
            size(320, 48)
        );
    }
}
