// SPDX-License-Identifier: MPL-2.0

//! A class for each place of the frame: from a map of classes, or from scores of each class for each place.
//!
//! The map covers the model's whole input. What comes out covers the frame: the padding is cut off, and each cell
//! takes the class of the place in the map that its center falls on.

use super::Fault;
use super::found::{Request, output, shape};
use super::scan;
use super::values::Values;
use crate::answer::ClassMap;
use crate::tensor::Tensor;

/// What a place has that has no class: none of its scores is a number, or its class is none of 0 to 254. Datasets
/// use the same number for what is to be ignored.
pub const VOID: u8 = 255;

/// How places stand in an output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Places {
    /// The class of each, [1, H, W] or [1, 1, H, W].
    Classes,
    /// Whether each belongs to the foreground (class 1): how far it does, above a threshold.
    Foreground(Values),
    /// Scores in a plane for each class, [1, C, H, W].
    Planes { classes: usize },
    /// Scores of all classes for each place, [1, H, W, C].
    Interleaved { classes: usize },
}

/// Where the places are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Map {
    /// Which output of the model it is.
    pub output: usize,
    pub places: Places,
}

/// Memory for one map.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// The column of the map for each column of cells.
    columns: Vec<usize>,
    best: Vec<f32>,
    classes: Vec<u8>,
}

impl Map {
    /// Fills the map of the frame; returns how many places have no class.
    pub(super) fn read(
        &self,
        outputs: &[Tensor],
        request: &Request,
        work: &mut Work,
        scratch: &mut Vec<f32>,
        map: &mut ClassMap,
    ) -> Result<u64, Fault> {
        let tensor = output(outputs, self.output)?;
        let (width, height) = self.size(tensor)?;
        let values = scan::floats(tensor, scratch);
        let places = match self.places {
            Places::Foreground(reading) => Places::Foreground(reading.settled(values)),
            places => places,
        };
        let (place, threshold) = (request.place, request.settings.mask_threshold);
        let across = Axis::new(place.pad_left, place.picture.width, place.input.width, width);
        let down = Axis::new(place.pad_top, place.picture.height, place.input.height, height);
        work.columns.clear();
        work.columns.extend((0..across.cells).map(|it| across.source(it)));
        (map.width, map.height) = (across.cells, down.cells);
        map.classes.clear();
        for line in 0..down.cells {
            let row = Row {
                values,
                size: (width, height),
                row: down.source(line),
            };
            row.classify(places, threshold, work);
            map.classes
                .extend(work.columns.iter().map(|&it| work.classes[it]));
        }
        Ok(map.classes.iter().filter(|it| **it == VOID).count() as u64)
    }

    /// Width and height of an output of the recognized kind.
    fn size(&self, tensor: &Tensor) -> Result<(usize, usize), Fault> {
        let (width, height) = match (self.places, tensor.dims.as_slice()) {
            (Places::Classes | Places::Foreground(_), _) => return plane_size(self.output, tensor),
            (Places::Planes { classes }, &[1, given, height, width]) if given == classes => (width, height),
            (Places::Interleaved { classes }, &[1, height, width, given]) if given == classes => {
                (width, height)
            }
            _ => (0, 0),
        };
        if width == 0 || height == 0 {
            let expected = match self.places {
                Places::Interleaved { classes } => format!("[1, H, W, {classes}]"),
                Places::Planes { classes } => format!("[1, {classes}, H, W]"),
                Places::Classes | Places::Foreground(_) => "[1, H, W]".to_owned(),
            };
            return Err(shape(self.output, tensor, expected));
        }
        Ok((width, height))
    }
}

/// Width and height of an output of one plane.
pub(super) fn plane_size(index: usize, tensor: &Tensor) -> Result<(usize, usize), Fault> {
    let single = |dims: &[usize]| dims.iter().all(|it| *it == 1);
    match tensor.dims.as_slice() {
        &[1, height, width, 1] if 0 < width && 0 < height => Ok((width, height)),
        [first @ .., height, width] if single(first) && 0 < *width && 0 < *height => Ok((*width, *height)),
        _ => Err(shape(index, tensor, "[1, H, W]")),
    }
}

/// One row of a map.
struct Row<'a> {
    /// Of the whole map.
    values: &'a [f32],
    /// Width and height of the map.
    size: (usize, usize),
    row: usize,
}

impl Row<'_> {
    /// Finds the class of each place.
    fn classify(&self, places: Places, threshold: f32, work: &mut Work) {
        let Row {
            values,
            size: (width, height),
            row,
        } = *self;
        work.classes.clear();
        match places {
            Places::Classes => {
                let row = &values[row * width..][..width];
                work.classes.extend(row.iter().map(|&it| whole_class(it)));
            }
            Places::Foreground(reading) => {
                let row = &values[row * width..][..width];
                let class = |&it: &f32| match it.is_nan() {
                    true => VOID,
                    false => u8::from(threshold < reading.share(it)),
                };
                work.classes.extend(row.iter().map(class));
            }
            Places::Planes { classes } => {
                work.classes.resize(width, VOID);
                work.best.clear();
                work.best.resize(width, f32::NEG_INFINITY);
                for class in 0..classes {
                    let row = &values[(class * height + row) * width..][..width];
                    scan::keep_higher(row, class as u8, &mut work.best, &mut work.classes);
                }
            }
            Places::Interleaved { classes } => {
                let row = &values[row * width * classes..][..width * classes];
                work.classes.extend(row.chunks_exact(classes).map(highest));
            }
        }
    }
}

fn whole_class(value: f32) -> u8 {
    if value.fract() == 0.0 && (0.0..f32::from(VOID)).contains(&value) {
        value as u8
    } else {
        VOID
    }
}

/// The first class of the highest score; what is no number never wins.
fn highest(scores: &[f32]) -> u8 {
    let start = (VOID, f32::NEG_INFINITY);
    let higher = |best: (u8, f32), (class, &score): (usize, &f32)| {
        if best.1 < score {
            (class as u8, score)
        } else {
            best
        }
    };
    scores.iter().enumerate().fold(start, higher).0
}

/// The cells of the frame along one axis, and the places of the map that they are taken from.
pub(super) struct Axis {
    pub cells: usize,
    /// Where the first cell begins, and how far the next one is, in places of the map.
    start: f64,
    step: f64,
    last: usize,
}

impl Axis {
    /// The cells of a picture that lies in an input behind so much padding, over which the map has so many places.
    pub fn new(pad: usize, picture: usize, input: usize, places: usize) -> Self {
        let scale = places as f64 / input as f64;
        let covered = picture as f64 * scale;
        let cells = (covered.round() as usize).clamp(1, places);
        Axis {
            cells,
            start: pad as f64 * scale,
            step: covered / cells as f64,
            last: places - 1,
        }
    }

    /// The place that a cell is taken from.
    pub fn source(&self, cell: usize) -> usize {
        ((self.start + (cell as f64 + 0.5) * self.step) as usize).min(self.last)
    }
}
