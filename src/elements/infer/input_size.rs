// SPDX-License-Identifier: MPL-2.0

//! Which input size a model on a grid of cells is given when it takes any.

use std::collections::BTreeMap;

/// Cells of the coarsest grid of nearly all detectors, in pixels; exporters write another one as `stride`.
const STRIDE: usize = 32;

/// Strides beyond this are no such thing.
const MAX_STRIDE: usize = 1024;

/// The size whose sides are whole cells and that the frame fits into.
///
/// Where the metadata say the size that the model was made for (`imgsz`, height first), the frame is
/// first thought as large as fits into that, since objects of another size are not found.
pub fn on_grid(frame: (usize, usize), metadata: &BTreeMap<String, String>) -> (usize, usize) {
    let numbers = |key: &str| -> Vec<usize> {
        let text = metadata.get(key).map_or("", String::as_str);
        let parts = text.split(|it: char| !it.is_ascii_digit());
        parts
            .filter_map(|it| it.parse().ok())
            .filter(|it| 0 < *it)
            .collect()
    };
    let stride = numbers("stride")
        .into_iter()
        .find(|it| *it <= MAX_STRIDE)
        .unwrap_or(STRIDE);
    let (width, height) = (frame.0.max(1) as f64, frame.1.max(1) as f64);
    let scale = match numbers("imgsz").as_slice() {
        [both] => (*both as f64 / width).min(*both as f64 / height),
        [down, across, ..] => (*across as f64 / width).min(*down as f64 / height),
        [] => 1.0,
    };
    let cells = |length: f64| ((length * scale / stride as f64 - 1e-6).ceil() as usize).max(1) * stride;
    (cells(width), cells(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frame: (usize, usize), metadata: &[(&str, &str)], expect: (usize, usize)) {
        let metadata = metadata
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        assert_eq!(on_grid(frame, &metadata.collect()), expect);
    }

    #[test]
    fn sides_are_whole_cells() {
        check((1280, 720), &[], (1280, 736));
        check((640, 384), &[], (640, 384));
        check((1, 33), &[], (32, 64));
        check((100, 100), &[("stride", "64")], (128, 128));
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
}
