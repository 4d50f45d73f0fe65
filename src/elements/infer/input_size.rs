// SPDX-License-Identifier: MPL-2.0

//! Which input size a model is given when it takes any.

use std::collections::BTreeMap;

use crate::tensor::InputSize;

/// Strides beyond this are no such thing.
const MAX_STRIDE: usize = 1024;

/// The stride that exporters write: pixels of a cell of the coarsest grid.
pub fn stride(metadata: &BTreeMap<String, String>) -> Option<usize> {
    let stride = numbers(metadata, "stride").into_iter().max();
    stride.filter(|it| *it <= MAX_STRIDE)
}

/// Width and height that a model was made for, as exporters write it (`imgsz`, height first).
pub fn made_for(metadata: &BTreeMap<String, String>) -> Option<(usize, usize)> {
    match numbers(metadata, "imgsz").as_slice() {
        [both] => Some((*both, *both)),
        [down, across, ..] => Some((*across, *down)),
        [] => None,
    }
}

fn numbers(metadata: &BTreeMap<String, String>, key: &str) -> Vec<usize> {
    let text = metadata.get(key).map_or("", String::as_str);
    let parts = text.split(|it: char| !it.is_ascii_digit());
    parts
        .filter_map(|it| it.parse().ok())
        .filter(|it| 0 < *it)
        .collect()
}

/// Width and height for frames of this size.
///
/// Where it is known which size the model was made for, the frame is first thought as large as fits into that on a
/// grid, since objects of another size are not found.
pub fn of_frame(size: InputSize, frame: (usize, usize), made_for: Option<(usize, usize)>) -> (usize, usize) {
    let (width, height) = (frame.0.max(1), frame.1.max(1));
    let in_proportion = |side: usize, of: usize, to: usize| {
        let side = side as f64 * to as f64 / of as f64;
        (side.round() as usize).max(1)
    };
    match size {
        InputSize::Frame | InputSize::Sides(None, None) => (width, height),
        InputSize::Sides(Some(across), Some(down)) => (across, down),
        InputSize::Sides(Some(across), None) => (across, in_proportion(across, width, height)),
        InputSize::Sides(None, Some(down)) => (in_proportion(down, height, width), down),
        InputSize::Grid(multiple) => {
            let scale = made_for.map_or(1.0, |(across, down)| {
                (across as f64 / width as f64).min(down as f64 / height as f64)
            });
            let cells = |length: usize| {
                let cells = (length as f64 * scale / multiple as f64 - 1e-6).ceil() as usize;
                cells.max(1) * multiple
            };
            (cells(width), cells(height))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frame: (usize, usize), metadata: &[(&str, &str)], expect: (usize, usize)) {
        let metadata = metadata
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        let metadata = metadata.collect();
        let size = InputSize::Grid(stride(&metadata).unwrap_or(32));
        assert_eq!(of_frame(size, frame, made_for(&metadata)), expect);
    }

    #[test]
    fn sides_are_whole_cells() {
        check((1280, 720), &[], (1280, 736));
        check((640, 384), &[], (640, 384));
        check((1, 33), &[], (32, 64));
        check((100, 100), &[("stride", "64")], (128, 128));
        check((100, 100), &[("stride", "[8, 16, 64]")], (128, 128));
        check((100, 100), &[("stride", "no number")], (128, 128));
    }

    #[test]
    fn the_size_that_a_model_was_made_for_is_not_exceeded() {
        check((1280, 720), &[("imgsz", "[640, 640]")], (640, 384));
        check((1280, 720), &[("imgsz", "[320, 640]")], (576, 320));
        check((1280, 720), &[("imgsz", "320")], (320, 192));
        check(
            (160, 90),
            &[("imgsz", "[640, 640]"), ("stride", "32")],
            (640, 384),
        );
    }

    #[test]
    fn a_side_that_is_not_said_follows_in_proportion() {
        assert_eq!(
            of_frame(InputSize::Sides(None, Some(48)), (320, 96), None),
            (160, 48)
        );
        assert_eq!(
            of_frame(InputSize::Sides(Some(64), None), (320, 96), None),
            (64, 19)
        );
        assert_eq!(of_frame(InputSize::Frame, (333, 477), None), (333, 477));
        assert_eq!(of_frame(InputSize::Sides(None, Some(1)), (1, 9999), None), (1, 1));
    }
}
