// SPDX-License-Identifier: MPL-2.0

//! What the companion `preprocessor_config.json` of a model says, which the library transformers writes beside models.
//!
//! The keys are those of its image processors: `do_rescale`, `rescale_factor`, `rescale_offset`, `do_normalize`,
//! `image_mean`, `image_std`, `do_resize`, `size`, `do_center_crop`, `crop_size` and `do_flip_channel_order`, with the
//! library's defaults. The order of the steps is its own: rescale, then normalize.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Error, input_text};
use crate::bounded_file;
use crate::tensor::{Channels, Fit, InputSize};

/// Bytes such a file may have: real ones have one or two thousand.
const MAX_BYTES: u64 = 1 << 20;

/// The file's name.
pub(super) const NAME: &str = "preprocessor_config.json";

/// What is said of pictures; what is unset is not said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Preprocessor {
    /// The library's pictures are RGB, channels first, unless it is told to turn them.
    pub order: Channels,
    /// The values of black and white.
    pub ranges: Option<Vec<(f32, f32)>>,
    pub size: Option<InputSize>,
    pub fit: Option<Fit>,
}

/// A cause, and what to write.
type Misread = (String, String);

/// Where the companion of a model may be.
pub(super) fn place(model: &Path) -> PathBuf {
    model.with_file_name(NAME)
}

/// Reads the companion of a model; `None` where there is none, or one that is not about pictures.
pub(super) fn load(model: &Path) -> Result<Option<Preprocessor>, Error> {
    let path = place(model);
    let text = match bounded_file::read_text(&path, MAX_BYTES) {
        Ok(_) if bounded_file::leads_out_of(&path, model) => return Err(Error::LinkOutside { path }),
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Companion { path, source }),
    };
    read(&text).map_err(|(cause, remedy)| Error::ModelInfo {
        path,
        cause,
        remedy: format!("{remedy}, or take the file away"),
    })
}

/// Reads the text of the file. An error is a cause and what to write.
fn read(text: &str) -> Result<Option<Preprocessor>, Misread> {
    let json: Value = serde_json::from_str(text)
        .map_err(|error| (format!("it is no JSON ({error})"), "write JSON".into()))?;
    let is_for_pictures = [
        "image_mean",
        "image_processor_type",
        "size",
        "rescale_factor",
        "crop_size",
    ]
    .iter()
    .any(|key| json.get(key).is_some());
    if !is_for_pictures || json.get("sampling_rate").is_some() {
        return Ok(None);
    }
    let does = |key: &str, usually: bool| json.get(key).and_then(Value::as_bool).unwrap_or(usually);
    let sides = |key: &str| json.get(key).map(sides);
    let (size, crop) = (sides("size"), sides("crop_size"));
    let does_crop = does("do_center_crop", crop.is_some()) && crop.is_some();
    let does_resize = does("do_resize", size.is_some());
    let (size, fit) = match (size, crop) {
        (_, Some(Sides::Both(width, height))) if does_crop => (Some((width, height)), Some(Fit::Crop)),
        (Some(Sides::Both(width, height)), _) if does_resize => (Some((width, height)), Some(Fit::Stretch)),
        _ => (None, None),
    };
    Ok(Some(Preprocessor {
        order: match does("do_flip_channel_order", false) {
            true => Channels::Bgr,
            false => Channels::Rgb,
        },
        ranges: ranges(&json, &does)?,
        size: size.map(|(width, height)| InputSize::Sides(Some(width), Some(height))),
        fit,
    }))
}

/// A size as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sides {
    Both(usize, usize),
    /// One edge alone, in proportion: no size of the input.
    Proportional,
}

fn sides(value: &Value) -> Sides {
    let number = |value: Option<&Value>| {
        value
            .and_then(Value::as_u64)
            .and_then(|it| usize::try_from(it).ok())
    };
    match (
        number(Some(value)),
        number(value.get("width")),
        number(value.get("height")),
    ) {
        (Some(both), _, _) if 0 < both => Sides::Both(both, both),
        (_, Some(width), Some(height)) if 0 < width && 0 < height => Sides::Both(width, height),
        _ => Sides::Proportional,
    }
}

/// The values of black and white after rescaling and normalizing.
fn ranges(json: &Value, does: &impl Fn(&str, bool) -> bool) -> Result<Option<Vec<(f32, f32)>>, Misread> {
    let factor = json
        .get("rescale_factor")
        .and_then(Value::as_f64)
        .unwrap_or(1.0 / 255.0);
    let (black, white) = match (does("do_rescale", true), does("rescale_offset", false)) {
        (true, true) => (-1.0, 255.0 * factor - 1.0),
        (true, false) => (0.0, 255.0 * factor),
        (false, _) => (0.0, 255.0),
    };
    let numbers = |key: &str| -> Result<Option<Vec<f32>>, Misread> {
        let misfit = || {
            (
                format!("{key} is not understood"),
                format!("write \"{key}\": [0.5, 0.5, 0.5]"),
            )
        };
        let number = |value: &Value| value.as_f64().map(|it| it as f32);
        match json.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(numbers)) => {
                let numbers: Option<Vec<f32>> = numbers.iter().map(number).collect();
                numbers.filter(|it| !it.is_empty()).map(Some).ok_or_else(misfit)
            }
            Some(one) => number(one).map(|it| Some(vec![it])).ok_or_else(misfit),
        }
    };
    let (mean, deviation) = (numbers("image_mean")?, numbers("image_std")?);
    let normalizes = does("do_normalize", mean.is_some());
    let (Some(mean), Some(deviation), true) = (mean, deviation, normalizes) else {
        return Ok(Some(vec![(black as f32, white as f32)]));
    };
    if deviation.iter().any(|it| *it <= 0.0) {
        return Err((
            "image_std has a number that is not above 0".into(),
            "correct it".into(),
        ));
    }
    // The mean is taken from what rescaling left.
    let shifted: Vec<f32> = mean.iter().map(|it| it - black as f32).collect();
    let ranges = input_text::by_levels(&shifted, &deviation, white - black);
    ranges
        .map(Some)
        .map_err(|remedy| ("image_mean and image_std differ in length".into(), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(ranges: &[(f32, f32)], expect: &[(f32, f32)]) -> bool {
        let near = |(one, other): (&(f32, f32), &(f32, f32))| {
            (one.0 - other.0).abs() < 1e-4 && (one.1 - other.1).abs() < 1e-4
        };
        ranges.len() == expect.len() && ranges.iter().zip(expect).all(near)
    }

    #[test]
    fn each_step_has_its_part_in_the_range() {
        for (text, expect) in [
            (
                r#"{"size": 224, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#,
                vec![(-1.0, 1.0); 3],
            ),
            (
                r#"{"size": 224, "do_normalize": false, "image_mean": [0.5], "image_std": [0.5]}"#,
                vec![(0.0, 1.0)],
            ),
            (
                r#"{"size": 224, "do_rescale": false, "do_normalize": false}"#,
                vec![(0.0, 255.0)],
            ),
            (
                r#"{"size": 224, "do_rescale": false, "image_mean": [127.5], "image_std": [127.5]}"#,
                vec![(-1.0, 1.0)],
            ),
            (
                r#"{"size": 224, "rescale_factor": 0.00784313725, "rescale_offset": true, "do_normalize": false}"#,
                vec![(-1.0, 1.0)],
            ),
            (
                r#"{"size": 224, "rescale_factor": 0.00784313725, "rescale_offset": true, "image_mean": [0.0], "image_std": [2.0]}"#,
                vec![(-0.5, 0.5)],
            ),
        ] {
            let ranges = read(text).unwrap().unwrap().ranges.unwrap();
            assert!(is_near(&ranges, &expect), "{text}: {ranges:?}");
        }
    }

    #[test]
    fn sizes_and_the_order_of_colors_are_taken() {
        let vit = read(r#"{"size": {"height": 384, "width": 256}, "do_resize": true}"#)
            .unwrap()
            .unwrap();
        assert_eq!(
            (vit.size, vit.fit),
            (Some(InputSize::Sides(Some(256), Some(384))), Some(Fit::Stretch))
        );
        let clip = r#"{"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": true}"#;
        let clip = read(clip).unwrap().unwrap();
        assert_eq!(
            (clip.size, clip.fit),
            (Some(InputSize::Sides(Some(224), Some(224))), Some(Fit::Crop))
        );
        let detr = read(r#"{"size": {"shortest_edge": 800, "longest_edge": 1333}}"#)
            .unwrap()
            .unwrap();
        assert_eq!((detr.size, detr.fit), (None, None));
        let mobile = read(r#"{"size": 256, "do_flip_channel_order": true}"#)
            .unwrap()
            .unwrap();
        assert_eq!((mobile.order, vit.order), (Channels::Bgr, Channels::Rgb));
    }

    #[test]
    fn what_is_about_sound_is_left_alone_and_what_is_broken_is_told() {
        assert_eq!(read(r#"{"sampling_rate": 16000, "feature_size": 1}"#), Ok(None));
        assert!(read("{").is_err());
        assert!(read(r#"{"image_mean": "half", "image_std": 1}"#).is_err());
    }
}
