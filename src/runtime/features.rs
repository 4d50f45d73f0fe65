// SPDX-License-Identifier: MPL-2.0

//! Inputs that may be no pictures: tables of numbers that another program or model makes of sound, text or pictures.

use crate::tensor::{Dim, TensorInfo};

/// Parts of names that inputs for such tables have, in lower case.
const NAMES: [&str; 10] = [
    "mel", "spec", "feat", "fbank", "mfcc", "stft", "embed", "cepstr", "token", "hidden",
];

/// Longer over shorter side from which on a gray picture is unusual: those of faces, eyes and digits are below, and 96x64
/// of log-mel spectrograms is not.
const LONG: f64 = 1.4;

/// A side in pixels below which there is no picture of three colors to see.
const SHORT: usize = 24;

/// What an input may be instead of a picture, as the end of a sentence; `None` where its name and shape are those of one.
///
/// `is_gray` says whether it would be a picture of one channel.
pub fn instead_of_picture(
    input: &TensorInfo,
    (width, height): (&Dim, &Dim),
    is_gray: bool,
) -> Option<String> {
    let name = input.name.to_lowercase();
    let is_called_so = NAMES.iter().any(|it| name.contains(it));
    let has_no_batch = input.dims.len() < 4;
    let is_odd = match (width, height) {
        (Dim::Fixed(width), Dim::Fixed(height)) => {
            let (long, short) = (*width.max(height), *width.min(height));
            let is_long = LONG <= long as f64 / short as f64;
            if is_gray { is_long } else { short < SHORT }
        }
        _ => false,
    };
    if !(is_called_so || (is_gray && has_no_batch) || is_odd) {
        return None;
    }
    if input.dims.len() < 3 {
        return Some(
            "a row of samples (then say sample-rate=16000, or what its rate is) or of other numbers".into(),
        );
    }
    let spell = |dim: &Dim| match dim {
        Dim::Fixed(size) => size.to_string(),
        Dim::Dynamic(_) => "any number of".to_owned(),
    };
    Some(format!(
        "{} rows of {} numbers, such as features that another model or program makes (a spectrogram, an embedding)",
        spell(height),
        spell(width)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::ElementType;

    #[test]
    fn tables_are_told_from_pictures_by_name_rank_and_sides() {
        let fixed = Dim::Fixed;
        for (name, rank, width, height, is_gray, is_doubtful) in [
            ("x.1", 3, fixed(96), fixed(16), true, true),
            ("input_1", 4, fixed(32), fixed(76), true, true),
            ("x", 4, fixed(64), fixed(96), true, true),
            ("log_mel", 4, fixed(64), fixed(64), true, true),
            ("x", 4, fixed(17), fixed(300), false, true),
            ("x", 3, fixed(80), Dim::Dynamic("t".into()), true, true),
            ("x", 4, fixed(28), fixed(28), true, false),
            ("x", 4, fixed(64), fixed(48), true, false),
            ("images", 4, fixed(640), fixed(640), false, false),
            ("x", 4, fixed(320), fixed(32), false, false),
            (
                "x",
                4,
                Dim::Dynamic("w".into()),
                Dim::Dynamic("h".into()),
                true,
                false,
            ),
        ] {
            let input = TensorInfo {
                name: name.into(),
                id: name.into(),
                element_type: ElementType::F32,
                dims: vec![fixed(1); rank],
            };
            let found = instead_of_picture(&input, (&width, &height), is_gray);
            assert_eq!(found.is_some(), is_doubtful, "{name} {width:?} {height:?}");
        }
    }
}
