// SPDX-License-Identifier: MPL-2.0

//! Outlines of detected objects, as YOLO models that segment give them: prototype masks over the whole input,
//! [1, K, h, w], which the K coefficients of a detection weigh. Their sum is a logit for each place.

use super::Fault;
use super::classify::sigmoid;
use super::found::{Request, output, shape};
use super::scan;
use crate::answer::{Detection, Instance, Mask, Region};
use crate::tensor::Tensor;

/// Where the prototypes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prototypes {
    /// Which output of the model it is.
    pub output: usize,
    pub count: usize,
}

/// Memory that masks need on the way, and that of masks which are not in use.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub coefficients: Vec<f32>,
    logits: Vec<f32>,
    spare: Vec<Vec<u8>>,
}

/// The prototypes of one run.
pub(super) struct Planes<'a> {
    values: &'a [f32],
    width: usize,
    height: usize,
}

impl Prototypes {
    pub(super) fn read<'a>(
        &self,
        outputs: &'a [Tensor],
        scratch: &'a mut Vec<f32>,
    ) -> Result<Planes<'a>, Fault> {
        let tensor = output(outputs, self.output)?;
        match tensor.dims.as_slice() {
            &[1, count, height, width] if count == self.count && 0 < width && 0 < height => Ok(Planes {
                values: scan::floats(tensor, scratch),
                width,
                height,
            }),
            _ => Err(shape(self.output, tensor, format!("[1, {}, h, w]", self.count))),
        }
    }
}

impl Planes<'_> {
    /// Fills the mask of a region with one cell for each place of the prototypes that it covers.
    ///
    /// Between places the logits are interpolated, as Ultralytics does. A logit that is not a number is outside.
    /// A place is half covered where its confidence is the threshold for masks.
    pub(super) fn draw(&self, region: &Region, request: &Request, work: &mut Work, mask: &mut Mask) {
        let place = request.place;
        let middle = logit(request.settings.mask_threshold);
        let (across, down) = place.scale();
        let (input, pad_left, pad_top) = (place.input, place.pad_left as f32, place.pad_top as f32);
        let columns = Span::new(
            region.left,
            region.width,
            across,
            pad_left,
            input.width,
            self.width,
        );
        let rows = Span::new(
            region.top,
            region.height,
            down,
            pad_top,
            input.height,
            self.height,
        );
        self.weigh(&columns, &rows, work);
        (mask.width, mask.height) = (columns.cells, rows.cells);
        mask.coverage.clear();
        // Room for the whole frame, so that an object which comes nearer costs no allocation.
        mask.coverage.reserve_exact(self.width * self.height);
        for row in 0..rows.cells {
            let (upper, lower, below) = rows.between(row);
            for column in 0..columns.cells {
                let (left, right, beyond) = columns.between(column);
                let at = |row: usize, column: usize| work.logits[row * columns.places() + column];
                let upper = at(upper, left) + beyond * (at(upper, right) - at(upper, left));
                let lower = at(lower, left) + beyond * (at(lower, right) - at(lower, left));
                let logit = upper + below * (lower - upper);
                // The cast takes what is not a number to 0.
                mask.coverage
                    .push((255.0 * sigmoid(logit - middle)).round() as u8);
            }
        }
    }

    /// The logits of the places under a region.
    fn weigh(&self, columns: &Span, rows: &Span, work: &mut Work) {
        work.logits.clear();
        work.logits.reserve_exact(self.width * self.height);
        work.logits.resize(columns.places() * rows.places(), 0.0);
        for (plane, &weight) in work.coefficients.iter().enumerate() {
            let lines = work.logits.chunks_exact_mut(columns.places());
            for (row, sums) in (rows.first..).zip(lines) {
                let start = (plane * self.height + row) * self.width + columns.first;
                scan::add_weighted(&self.values[start..][..columns.places()], weight, sums);
            }
        }
    }
}

/// `ln(p / (1 - p))`, finite also for 0 and 1.
fn logit(share: f32) -> f32 {
    let share = share.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE);
    (share / (1.0 - share)).ln()
}

/// A confidence that is as good as none: no mask of eight bits can tell it from 0.
const LEAST_SHARE: f32 = 1e-4;

/// The cells of a mask along one axis, and the places of the prototypes around their centers.
struct Span {
    cells: usize,
    /// The center of the first cell and the distance of the next, in places, of which the first has its center at 0.
    start: f32,
    step: f32,
    first: usize,
    last: usize,
}

impl Span {
    /// The span of a length in the frame; `scale` and `pad` lead to the input, `places` are the prototype's.
    fn new(start: f32, length: f32, scale: f32, pad: f32, input: usize, places: usize) -> Self {
        let per_pixel = places as f32 / input as f32;
        let begin = (start * scale + pad) * per_pixel;
        let covered = length * scale * per_pixel;
        let cells = (covered.ceil() as usize).clamp(1, places);
        let step = covered / cells as f32;
        let start = begin + step / 2.0 - 0.5;
        let most = (places - 1) as f32;
        let end = start + step * (cells - 1) as f32;
        Span {
            cells,
            start,
            step,
            first: start.floor().clamp(0.0, most) as usize,
            last: end.ceil().clamp(0.0, most) as usize,
        }
    }

    /// The number of places that any cell looks at.
    fn places(&self) -> usize {
        self.last - self.first + 1
    }

    /// The two places around the center of a cell, counted from the first one, and how far it is to the second.
    fn between(&self, cell: usize) -> (usize, usize, f32) {
        let (first, last) = (self.first as f32, self.last as f32);
        let at = (self.start + cell as f32 * self.step).clamp(first, last) - first;
        let before = at.floor();
        let after = (before as usize + 1).min(self.last - self.first);
        (before as usize, after, at - before)
    }
}

/// The instance at an index that is at most one beyond the last, of this detection, with a mask to fill.
pub(super) fn at<'a>(
    instances: &'a mut Vec<Instance>,
    index: usize,
    detection: Detection,
    work: &mut Work,
) -> &'a mut Instance {
    if index == instances.len() {
        let mask = Mask {
            coverage: work.spare.pop().unwrap_or_default(),
            ..Mask::default()
        };
        instances.push(Instance {
            detection: Detection::default(),
            mask,
        });
    }
    instances[index].detection = detection;
    &mut instances[index]
}

/// Leaves out the instances from `length` on, but keeps the memory of their masks.
pub(super) fn truncate(instances: &mut Vec<Instance>, length: usize, work: &mut Work) {
    let rest = length.min(instances.len())..;
    work.spare
        .extend(instances.drain(rest).map(|it| it.mask.coverage));
}
