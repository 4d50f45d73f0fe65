// SPDX-License-Identifier: MPL-2.0

//! What users write about a picture that goes in, in a property, a catalogue or a `.modelinfo`: numbers, pairs and sizes.

use crate::tensor::InputSize;

/// Sides and multiples beyond this are a mistake.
const MAX_SIDE: usize = 1 << 15;

/// Reads numbers with commas, such as `0.485,0.456,0.406`.
pub(super) fn numbers(text: &str) -> Option<Vec<f32>> {
    let number = |word: &str| word.trim().parse::<f32>().ok().filter(|it| it.is_finite());
    text.trim().trim_end_matches(',').split(',').map(number).collect()
}

/// Reads pairs `min,max` with semicolons, such as `0,255` or `-2.1,2.2;-2,2.4;-1.8,2.6`.
pub(super) fn ranges(text: &str) -> Option<Vec<(f32, f32)>> {
    let one = |pair: &str| match numbers(pair)?.as_slice() {
        &[min, max] if min != max => Some((min, max)),
        _ => None,
    };
    text.trim().trim_end_matches(';').split(';').map(one).collect()
}

/// Spells ranges as [`ranges`] reads them: one pair where all are the same.
pub(super) fn ranges_line(ranges: &[(f32, f32)]) -> String {
    let spell = |(min, max): &(f32, f32)| format!("{min},{max}");
    match ranges {
        [first, rest @ ..] if rest.iter().all(|it| it == first) => spell(first),
        _ => ranges.iter().map(spell).collect::<Vec<_>>().join(";"),
    }
}

/// Reads `640x480`, `-1x48`, `frame` or `grid:32`.
pub(super) fn size(text: &str) -> Option<InputSize> {
    let side = |word: &str| match word.trim() {
        "-1" => Some(None),
        digits => digits
            .parse()
            .ok()
            .filter(|it| (1..=MAX_SIDE).contains(it))
            .map(Some),
    };
    let text = text.trim();
    if text == "frame" {
        return Some(InputSize::Frame);
    }
    if let Some(multiple) = text.strip_prefix("grid:") {
        return side(multiple).flatten().map(InputSize::Grid);
    }
    let (width, height) = text.split_once('x')?;
    match (side(width)?, side(height)?) {
        (None, None) => None,
        (width, height) => Some(InputSize::Sides(width, height)),
    }
}

/// The values of black and white after `(level - mean) / deviation`.
///
/// Both are counted in levels of 0 to 1, as torchvision does, unless one of the numbers is beyond 1: then in levels
/// of 0 to 255. Either may have one number for all channels. An error says what to write.
pub(super) fn normalized(mean: Option<&[f32]>, deviation: Option<&[f32]>) -> Result<Vec<(f32, f32)>, String> {
    let (mean, deviation) = (mean.unwrap_or(&[0.0]), deviation.unwrap_or(&[1.0]));
    let is_bytes = mean.iter().chain(deviation).any(|it| 1.0 < it.abs());
    if deviation.iter().any(|it| *it <= 0.0) {
        return Err("write deviations above 0".into());
    }
    if is_bytes && deviation.iter().any(|it| *it < 1.0) {
        return Err("write both in levels of 0 to 1 or both in levels of 0 to 255; a factor is one over the deviation".into());
    }
    let white = if is_bytes { 255.0 } else { 1.0 };
    by_levels(mean, deviation, white)
}

/// As [`normalized`], with the level of white said: 1 or 255.
pub(super) fn by_levels(mean: &[f32], deviation: &[f32], white: f64) -> Result<Vec<(f32, f32)>, String> {
    let count = mean.len().max(deviation.len());
    if [mean, deviation]
        .iter()
        .any(|it| it.len() != 1 && it.len() != count)
    {
        return Err(format!(
            "write as many numbers for the mean as for the deviation ({} and {}), or one",
            mean.len(),
            deviation.len()
        ));
    }
    let at = |numbers: &[f32], channel: usize| {
        f64::from(if numbers.len() == 1 {
            numbers[0]
        } else {
            numbers[channel]
        })
    };
    let pair = |channel| {
        let (mean, deviation) = (at(mean, channel), at(deviation, channel));
        (
            ((0.0 - mean) / deviation) as f32,
            ((white - mean) / deviation) as f32,
        )
    };
    Ok((0..count).map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_spelled() {
        for text in ["640x480", "-1x48", "320x-1", "frame", "grid:32"] {
            assert_eq!(size(text).unwrap().to_string(), text);
        }
        for text in ["", "640", "0x4", "-1x-1", "grid:0", "grid:", "1x2x3", "99999x1"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn a_mean_and_a_deviation_are_ranges() {
        let [(black, white)] = normalized(Some(&[0.5]), Some(&[0.5])).unwrap()[..] else {
            panic!("one channel")
        };
        assert_eq!((black, white), (-1.0, 1.0));
        let caffe = normalized(Some(&[104.0, 117.0, 123.0]), None).unwrap();
        assert_eq!(caffe[2], (-123.0, 132.0));
        let torch = normalized(Some(&[0.485, 0.456, 0.406]), Some(&[0.229, 0.224, 0.225])).unwrap();
        assert!(
            (torch[0].0 + 2.1179).abs() < 1e-4 && (torch[2].1 - 2.64).abs() < 1e-4,
            "{torch:?}"
        );
        assert_eq!(normalized(None, Some(&[255.0])).unwrap(), [(0.0, 1.0)]);
        assert!(normalized(Some(&[104.0]), Some(&[0.017])).is_err());
        assert!(normalized(Some(&[0.5, 0.5]), Some(&[1.0, 1.0, 1.0])).is_err());
        assert!(normalized(None, Some(&[0.0])).is_err());
    }

    #[test]
    fn ranges_are_read_as_they_are_spelled() {
        for (text, spelled) in [
            ("0.0,1.0", "0,1"),
            ("0,1;0,1;0,1;", "0,1"),
            ("-1,1;0,255", "-1,1;0,255"),
        ] {
            assert_eq!(ranges_line(&ranges(text).unwrap()), spelled);
        }
        for text in ["", "1", "1,1", "0,nan", "0,1,2"] {
            assert_eq!(ranges(text), None, "{text}");
        }
    }
}
