// SPDX-License-Identifier: MPL-2.0

//! What models that find or read text are fed: PaddleOCR's, which nearly all of them descend from, and others.

use std::path::Path;

use crate::decode::{Boxes, Family, Recognition};
use crate::media::picture::Shrinking;
use crate::runtime::Model;
use crate::tensor::Channels;

/// A kind of models of text, by what goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextInput {
    /// Finders, whose answer is a map.
    Map,
    /// PaddleOCR's readers of one line.
    PaddleLine,
    /// Other readers of one line.
    Line,
}

/// Height and least width of a line for PaddleOCR's readers, in pixels (`rec_img_shape`).
const LINE: (usize, usize) = (320, 48);

/// Cells of the grid of finders, in pixels.
const CELL: f64 = 32.0;

/// The shorter side of the input of finders at least, in pixels (RapidOCR's `limit_side_len`).
const LEAST_SHORT_SIDE: f64 = 736.0;

/// The longer side of a frame that is not made smaller before, in pixels (RapidOCR's `max_side_len`).
const MOST_LONG_SIDE: f64 = 2000.0;

/// The longer side of the input of finders at most, in pixels: the smallest frame that is eight times as wide as high
/// has it, and no screen is wider.
const MOST_INPUT: usize = 5888;

/// The longest line, in pixels: far more than a reader makes sense of.
const MOST_LINE: usize = 8192;

impl TextInput {
    /// The kind of a model; `None` for one that is not for text.
    pub fn of(recognition: &Recognition, model: &Model) -> Option<TextInput> {
        match &recognition.family {
            Family::Boxes(Boxes::TextMap(_)) => Some(TextInput::Map),
            Family::Text(ctc) => {
                let is_colored = model
                    .input_spec
                    .image()
                    .is_some_and(|it| it.channels != Channels::Luma);
                Some(if ctc.is_paddle && is_colored {
                    TextInput::PaddleLine
                } else {
                    TextInput::Line
                })
            }
            _ => None,
        }
    }

    /// Width and height of the input for frames of a size, where the model leaves one of them free.
    pub fn size(self, frame: (usize, usize), fixed: (Option<usize>, Option<usize>)) -> (usize, usize) {
        match self {
            TextInput::Map => {
                let (width, height) = on_grid(frame);
                (fixed.0.unwrap_or(width), fixed.1.unwrap_or(height))
            }
            TextInput::PaddleLine => {
                let (width, height) = in_proportion(frame, (fixed.0, fixed.1.or(Some(LINE.1))));
                // The least width is in the proportions of a line of the usual height.
                let least = height * LINE.0 / LINE.1;
                (fixed.0.unwrap_or(width.max(least)), height)
            }
            TextInput::Line => in_proportion(frame, fixed),
        }
    }

    /// How that size is told.
    pub fn told(self) -> &'static str {
        match self {
            TextInput::Map => "736 pixels or more on a grid of 32",
            TextInput::PaddleLine => "48 high, 320 wide or more",
            TextInput::Line => "the frame's proportions",
        }
    }

    /// How frames are made smaller: PaddleOCR and RapidOCR do it by OpenCV.
    pub fn shrinking(self) -> Shrinking {
        match self {
            TextInput::Map | TextInput::PaddleLine => Shrinking::Samples,
            TextInput::Line => Shrinking::Mean,
        }
    }
}

/// Whether the name of a file says that it finds text, as `ch_PP-OCRv4_det_infer.onnx` does.
pub fn is_named_detector(path: &Path) -> bool {
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let mut words = name.split(|it: char| !it.is_alphanumeric());
    (name.contains("ocr") || name.contains("text")) && words.any(|it| it.starts_with("det"))
}

/// The size of a frame in whole cells, with a shorter side of 736 pixels at least, as RapidOCR makes it.
fn on_grid((width, height): (usize, usize)) -> (usize, usize) {
    let cells = |(width, height): (f64, f64), scale: f64| {
        let side = |it: f64| ((it * scale).floor() / CELL).round_ties_even().max(1.0) * CELL;
        (side(width), side(height))
    };
    let mut frame = (width.max(1) as f64, height.max(1) as f64);
    let long = frame.0.max(frame.1);
    if MOST_LONG_SIDE < long {
        frame = cells(frame, MOST_LONG_SIDE / long);
    }
    let scale = (LEAST_SHORT_SIDE / frame.0.min(frame.1)).max(1.0);
    let (width, height) = cells(frame, scale);
    (
        (width as usize).min(MOST_INPUT),
        (height as usize).min(MOST_INPUT),
    )
}

/// The size of an input that fixes a side: the other one follows in the frame's proportions, in whole pixels below.
pub fn in_proportion(
    (width, height): (usize, usize),
    fixed: (Option<usize>, Option<usize>),
) -> (usize, usize) {
    let follows = |side: usize, of: usize, other: usize| (side * of / other.max(1)).clamp(1, MOST_LINE);
    match fixed {
        (Some(width), Some(height)) => (width, height),
        (Some(fixed), None) => (fixed, follows(fixed, height, width)),
        (None, Some(fixed)) => (follows(fixed, width, height), fixed),
        (None, None) => (width, height),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finder_sees_whole_cells_and_a_short_side_that_is_long_enough() {
        for (frame, size) in [
            ((960, 736), (960, 736)),
            ((640, 480), (992, 736)),
            ((1280, 720), (1312, 736)),
            ((1920, 1080), (1920, 1088)),
            // 2000 × 1125 is 62.5 cells wide, and the even one counts.
            ((3840, 2160), (1984, 1120)),
            ((200, 2), (5888, 736)),
        ] {
            assert_eq!(TextInput::Map.size(frame, (None, None)), size, "{frame:?}");
        }
    }

    #[test]
    fn a_line_has_the_height_of_the_input_and_its_own_length() {
        let fixed = (None, Some(64));
        assert_eq!(TextInput::Line.size((149, 50), fixed), (190, 64));
        assert_eq!(TextInput::PaddleLine.size((200, 50), (None, None)), (320, 48));
        assert_eq!(TextInput::PaddleLine.size((900, 50), (None, None)), (864, 48));
        assert_eq!(TextInput::PaddleLine.size((10, 50), (None, Some(32))), (213, 32));
        assert_eq!(
            TextInput::PaddleLine.size((900, 50), (Some(320), None)),
            (320, 48)
        );
        assert_eq!(TextInput::Line.size((90_000, 1), fixed), (MOST_LINE, 64));
    }

    #[test]
    fn finders_are_known_by_the_names_that_their_authors_give() {
        for (name, is_one) in [
            ("ch_PP-OCRv4_det_infer.onnx", true),
            ("PP-OCRv6_det_small.onnx", true),
            ("text_detection_en_ppocrv3_2023may.onnx", true),
            ("ch_PP-OCRv4_rec_infer.onnx", false),
            ("isnet-detail.onnx", false),
            ("det.onnx", false),
        ] {
            assert_eq!(is_named_detector(Path::new(name)), is_one, "{name}");
        }
    }
}
