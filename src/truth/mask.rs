// SPDX-License-Identifier: MPL-2.0

//! PNG whose values are classes: gray values or positions in a palette, 255 where nothing is judged; or black and white
//! for a background and what stands before it.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::error::TruthError;
use super::label::NOT_JUDGED;
use crate::answer::{ClassMap, Mask};
use crate::bounded_file;

/// Bytes that a file may have, and its values in memory.
const MOST_BYTES: u64 = 256 << 20;

/// Files that are looked at to see what a folder has.
const LOOKED_AT: usize = 8;

/// Values that a mask has at most; a photograph has more.
const MOST_VALUES: usize = 64;

/// Share of the places that are equal to their left neighbour in a mask; a photograph has fewer.
const EVEN: f64 = 0.9;

/// One value for each place.
pub(super) struct Values {
    pub width: usize,
    pub height: usize,
    pub samples: Vec<u8>,
    pub is_palette: bool,
}

impl Values {
    /// Which of the 256 values occur.
    pub fn occurring(&self) -> [bool; 256] {
        let mut found = [false; 256];
        self.samples.iter().for_each(|it| found[usize::from(*it)] = true);
        found
    }

    fn looks_like_classes(&self) -> bool {
        let few = self.occurring().iter().filter(|it| **it).count() <= MOST_VALUES;
        self.is_palette || (few && EVEN <= evenness(&self.samples, self.width))
    }
}

/// The share of values that are equal to the one before them in their row.
fn evenness<T: PartialEq>(samples: &[T], width: usize) -> f64 {
    let rows = samples.chunks(width.max(1));
    let (pairs, equal) = rows.fold((0usize, 0usize), |(pairs, equal), row| {
        let same = row.windows(2).filter(|it| it[0] == it[1]).count();
        (pairs + row.len() - 1, equal + same)
    });
    equal as f64 / pairs.max(1) as f64
}

/// Whether files look like masks of classes and not like photographs.
///
/// # Errors
///
/// Masks in colors.
pub(super) fn are_classes(paths: &[&PathBuf]) -> Result<bool, TruthError> {
    if !paths.iter().all(|it| is_png(it)) {
        return Ok(false);
    }
    for path in spread(paths) {
        match decode(path)? {
            Decoded::Values(values) if values.looks_like_classes() => {}
            Decoded::Colors { few: true } => return Err(TruthError::at(path, "its colors", IN_COLORS)),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

const IN_COLORS: &str = "it looks like a mask in colors, which do not say which class they are; save the number of the \
                         class as the gray value or as the position in the palette, or name the format if it is a picture";

/// Some of all, evenly spread.
pub(super) fn spread<'a>(paths: &'a [&'a PathBuf]) -> impl Iterator<Item = &'a PathBuf> {
    let step = paths.len().div_ceil(LOOKED_AT).max(1);
    paths.iter().copied().step_by(step)
}

pub(super) fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case("png"))
}

/// Reads a mask and puts each value through the table of classes.
pub(super) fn read_classes(path: &Path, classes: &[Option<u8>]) -> Result<ClassMap, TruthError> {
    let mut values = read(path)?;
    for sample in &mut values.samples {
        *sample = classes.get(usize::from(*sample)).copied().flatten().ok_or_else(|| {
            let cause = "it has no name, and was in none of the masks that were looked at first; put a classes.txt \
                         beside the masks that has a line for each value from 0 on";
            TruthError::at(path, format!("value {sample}"), cause)
        })?;
    }
    Ok(ClassMap {
        width: values.width,
        height: values.height,
        classes: values.samples,
    })
}

/// Reads a mask of a foreground.
pub(super) fn read_matte(path: &Path) -> Result<Mask, TruthError> {
    let values = read(path)?;
    Ok(Mask {
        width: values.width,
        height: values.height,
        coverage: values.samples,
    })
}

pub(super) fn read(path: &Path) -> Result<Values, TruthError> {
    match decode(path)? {
        Decoded::Values(values) => Ok(values),
        Decoded::Colors { .. } => Err(TruthError::at(path, "its colors", IN_COLORS)),
    }
}

enum Decoded {
    Values(Values),
    /// Red, green and blue that differ.
    Colors {
        /// Few colors in even areas.
        few: bool,
    },
}

fn decode(path: &Path) -> Result<Decoded, TruthError> {
    let bytes = bounded_file::read(path, MOST_BYTES).map_err(TruthError::unreadable(path))?;
    let wrong = |cause: String| TruthError::at(path, "as PNG", cause);
    let limits = png::Limits {
        bytes: MOST_BYTES as usize,
    };
    let decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    let mut reader = decoder.read_info().map_err(|error| wrong(error.to_string()))?;
    let size = reader.output_buffer_size().filter(|it| *it as u64 <= MOST_BYTES);
    let mut samples = vec![0; size.ok_or_else(|| wrong(format!("it has more than {MOST_BYTES} bytes")))?];
    let info = reader
        .next_frame(&mut samples)
        .map_err(|error| wrong(error.to_string()))?;
    samples.truncate(info.buffer_size());
    let (width, height) = (info.width as usize, info.height as usize);
    let values = |samples, is_palette| {
        Decoded::Values(Values {
            width,
            height,
            samples,
            is_palette,
        })
    };
    Ok(match (info.color_type, info.bit_depth) {
        (_, png::BitDepth::Sixteen) => {
            return Err(wrong(
                "it has 16 bits a value; save the number of the class in 8".to_owned(),
            ));
        }
        (png::ColorType::Indexed, depth) => {
            values(unpacked(&samples, depth as usize, width, info.line_size), true)
        }
        (png::ColorType::Grayscale, png::BitDepth::One) => {
            let mut black_and_white = unpacked(&samples, 1, width, info.line_size);
            black_and_white.iter_mut().for_each(|it| *it *= u8::MAX);
            values(black_and_white, false)
        }
        (png::ColorType::Grayscale, depth) => {
            values(unpacked(&samples, depth as usize, width, info.line_size), false)
        }
        (png::ColorType::GrayscaleAlpha, _) => values(samples.iter().copied().step_by(2).collect(), false),
        (color, _) => {
            let step = color.samples();
            let is_gray = samples
                .chunks_exact(step)
                .all(|it| it[0] == it[1] && it[1] == it[2]);
            if is_gray {
                return Ok(values(samples.iter().copied().step_by(step).collect(), false));
            }
            let colors: Vec<&[u8]> = samples.chunks_exact(step).map(|it| &it[..3]).collect();
            let mut found = std::collections::HashSet::new();
            let few = colors.iter().all(|it| {
                found.insert(*it);
                found.len() <= MOST_VALUES
            });
            Decoded::Colors {
                few: few && EVEN <= evenness(&colors, width),
            }
        }
    })
}

/// Values of fewer than eight bits, a byte each.
fn unpacked(rows: &[u8], depth: usize, width: usize, line: usize) -> Vec<u8> {
    let mask = ((1u16 << depth) - 1) as u8;
    let rows = rows.chunks(line.max(1));
    let values = rows.flat_map(|row| {
        (0..width).map(move |x| {
            let bit = x * depth;
            (row[bit / 8] >> (8 - depth - bit % 8)) & mask
        })
    });
    values.collect()
}

/// Names of a value that say that nothing is known of it.
pub(super) fn is_not_judged(name: &str) -> bool {
    ["void", "ignore", "ignored", "unlabeled", "unlabelled"].contains(&name.to_lowercase().as_str())
}

/// The table of a folder's values: the class of each that has a name, or of each that occurs.
pub(super) fn table(
    names: &[Option<String>],
    occurring: &[bool; 256],
    mut number: impl FnMut(&str) -> u32,
) -> Result<Vec<Option<u8>>, String> {
    let mut table = vec![None; 256];
    table[usize::from(NOT_JUDGED)] = Some(NOT_JUDGED);
    for (value, class) in table.iter_mut().enumerate() {
        let name = match names.get(value) {
            Some(name) => name.clone(),
            None if names.is_empty() && occurring[value] && value != usize::from(NOT_JUDGED) => {
                Some(value.to_string())
            }
            None => None,
        };
        let Some(name) = name else { continue };
        *class = Some(match is_not_judged(&name) {
            true => NOT_JUDGED,
            false => u8::try_from(number(&name))
                .ok()
                .filter(|it| *it != NOT_JUDGED)
                .ok_or("there are more than 255 classes, which masks cannot have")?,
        });
    }
    Ok(table)
}
