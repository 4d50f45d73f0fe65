// SPDX-License-Identifier: MPL-2.0

//! How a frame is laid into a model's input of other proportions.

use crate::letterbox::{Letterbox, Size};
use crate::tensor::Fit;

/// Level of the padding in all channels, of full range: what the exporters of YOLO models pad with.
pub const PADDING: f32 = 114.0;

/// The part of a frame that is seen, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Seen {
    pub fn whole((width, height): (usize, usize)) -> Self {
        Seen {
            left: 0.0,
            top: 0.0,
            width: width as f64,
            height: height as f64,
        }
    }

    /// The largest part of a frame of this size that has the proportions of `input`, in the middle.
    fn middle((width, height): (usize, usize), input: (usize, usize)) -> Self {
        let (width, height) = (width as f64, height as f64);
        let scale = (width / input.0 as f64).min(height / input.1 as f64);
        let (across, down) = (
            (input.0 as f64 * scale).min(width),
            (input.1 as f64 * scale).min(height),
        );
        Seen {
            left: (width - across) / 2.0,
            top: (height - down) / 2.0,
            width: across,
            height: down,
        }
    }

    /// The same part of a plane of half the size.
    pub fn halved(self) -> Self {
        Seen {
            left: self.left / 2.0,
            top: self.top / 2.0,
            width: self.width / 2.0,
            height: self.height / 2.0,
        }
    }
}

/// A [`Fit`] with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub seen: Seen,
    /// Where it lies in the input; the frame of this letterbox is what is seen, not what was negotiated.
    pub letterbox: Letterbox,
}

impl Place {
    pub fn new(fit: Fit, frame: (usize, usize), input: (usize, usize)) -> Self {
        let size = |(width, height)| Size { width, height };
        let letterbox = match fit {
            Fit::Stretch | Fit::Crop => Letterbox::stretched(size(frame), size(input)),
            Fit::Centered => Letterbox::centered(size(frame), size(input)),
            Fit::Cornered => Letterbox::cornered(size(frame), size(input)),
            Fit::Line => Letterbox::line(size(frame), size(input)),
        };
        let seen = match fit {
            Fit::Crop => Seen::middle(frame, input),
            _ => Seen::whole(frame),
        };
        Place { seen, letterbox }
    }

    /// The frame as it is at the top left of an input that is at least as large.
    pub fn padded(frame: (usize, usize), input: (usize, usize)) -> Self {
        let size = |(width, height)| Size { width, height };
        Place {
            seen: Seen::whole(frame),
            letterbox: Letterbox::unscaled(size(frame), size(input)),
        }
    }

    /// Whether the input is the frame itself.
    pub fn is_identity(&self) -> bool {
        let Letterbox { frame, input, .. } = self.letterbox;
        frame == input && self.seen == Seen::whole((frame.width, frame.height))
    }

    /// Whether some of the input is padding.
    pub fn has_padding(&self) -> bool {
        self.letterbox.picture != self.letterbox.input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_sees_the_middle_in_the_proportions_of_the_input() {
        let place = Place::new(Fit::Crop, (1280, 720), (224, 224));
        assert_eq!(
            place.seen,
            Seen {
                left: 280.0,
                top: 0.0,
                width: 720.0,
                height: 720.0
            }
        );
        assert!(!place.has_padding());
        let tall = Place::new(Fit::Crop, (100, 300), (200, 100)).seen;
        assert_eq!(
            (tall.left, tall.top, tall.width, tall.height),
            (0.0, 125.0, 100.0, 50.0)
        );
    }

    #[test]
    fn a_frame_of_the_size_of_the_input_is_the_input_however_it_is_fitted() {
        for fit in [Fit::Stretch, Fit::Centered, Fit::Cornered, Fit::Crop, Fit::Line] {
            assert!(Place::new(fit, (64, 48), (64, 48)).is_identity(), "{fit:?}");
            assert!(!Place::new(fit, (64, 48), (64, 64)).is_identity(), "{fit:?}");
        }
        assert!(Place::padded((64, 48), (64, 48)).is_identity());
        assert!(Place::padded((63, 48), (64, 48)).has_padding());
    }
}
