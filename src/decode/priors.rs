// SPDX-License-Identifier: MPL-2.0

//! Detectors whose boxes are told relative to fixed ones, the priors (or anchors): SSD as Caffe and PyTorch leave it,
//! and RetinaFace, which has key points besides.
//!
//! | output | size | a row |
//! |---|---|---|
//! | boxes | [1, N, 4] or [1, 4N] | (dx, dy, dw, dh) |
//! | scores | [1, N, C] or [1, C·N] | confidences or logits, the first for no object |
//! | points | [1, N, 2k] | (dx, dy) each |
//! | priors | [1, 2, 4N] | left, top, right, bottom as fractions; variances |
//!
//! With a prior (x, y, w, h) and variances v = (0.1, 0.1, 0.2, 0.2) the box has the center (x + v₀·dx·w, y + v₁·dy·h)
//! and the size (w·exp(v₂·dw), h·exp(v₃·dh)); a point lies at (x + v₀·dx·w, y + v₁·dy·h). Sources: W. Liu et al.,
//! "SSD: Single Shot MultiBox Detector", 2016; J. Deng et al., "RetinaFace", 2020.

use super::Fault;
use super::found::{Found, Request, Scratch, output, shape};
use super::model::Activation;
use super::nms::Corners;
use super::scan;
use crate::answer::Landmark;
use crate::letterbox::Size;
use crate::tensor::Tensor;

/// Which outputs are what, and where priors come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priors {
    pub boxes: usize,
    pub scores: usize,
    pub points: Option<usize>,
    /// Key points of an object.
    pub key_points: usize,
    /// Without the one for no object.
    pub classes: usize,
    /// `None` where the values show it: rows that sum to one are confidences.
    pub activation: Option<Activation>,
    pub source: PriorSource,
    /// Where the model's input is fixed, so that priors are made before the first frame.
    pub input: Option<Size>,
}

/// Where priors come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PriorSource {
    /// An output of the model.
    Output(usize),
    /// Made for each cell of these grids.
    Grids(Vec<Grid>),
}

/// Priors of one grid: a square of each size, then one of √(size · next) where there is a next size, then for each
/// ratio a wide and a tall one of the size's area.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid {
    /// Input pixels from cell to cell.
    pub step: usize,
    /// In input pixels.
    pub sizes: Vec<u32>,
    pub next: Option<u32>,
    pub ratios: Vec<u32>,
}

impl Grid {
    /// Priors of each cell.
    fn each(&self) -> usize {
        self.sizes.len() + usize::from(self.next.is_some()) + 2 * self.ratios.len()
    }

    fn cells(&self, input: Size) -> usize {
        let step = self.step.max(1);
        input
            .width
            .div_ceil(step)
            .saturating_mul(input.height.div_ceil(step))
    }

    /// The widths and heights of the priors of a cell, in input pixels.
    fn shapes(&self) -> Vec<(f32, f32)> {
        let mut shapes: Vec<(f32, f32)> = self.sizes.iter().map(|&it| (it as f32, it as f32)).collect();
        let size = self.sizes.first().map_or(0.0, |&it| it as f32);
        if let Some(next) = self.next {
            let side = (size * next as f32).sqrt();
            shapes.push((side, side));
        }
        for &ratio in &self.ratios {
            let root = (ratio as f32).sqrt();
            shapes.extend([(size * root, size / root), (size / root, size * root)]);
        }
        shapes
    }
}

/// How many priors grids have over an input.
pub(super) fn count(grids: &[Grid], input: Size) -> usize {
    let of = |it: &Grid| it.cells(input).saturating_mul(it.each());
    grids.iter().map(of).fold(0, usize::saturating_add)
}

/// Priors for an input of one size: center and size in input pixels.
#[derive(Debug, Default)]
pub(super) struct Memory {
    input: Option<Size>,
    priors: Vec<[f32; 4]>,
}

/// What boxes are told in, of the center and of the size.
const VARIANCES: [f32; 4] = [0.1, 0.1, 0.2, 0.2];

/// Rows that show whether scores are confidences.
const ROWS_LOOKED_AT: usize = 16;

/// What confidences of a row may sum to beyond one, in half precision.
const ROUNDING: f32 = 0.01;

impl Priors {
    /// As [`Family::outputs_read`](super::Family::outputs_read).
    pub(super) fn outputs_read(&self) -> Vec<usize> {
        let given = match self.source {
            PriorSource::Output(index) => Some(index),
            PriorSource::Grids(_) => None,
        };
        let always = [self.boxes, self.scores].into_iter();
        always.chain(self.points).chain(given).collect()
    }

    /// Makes the priors for an input, unless they are there.
    pub(super) fn prepare(&self, input: Size, memory: &mut Memory) {
        let PriorSource::Grids(grids) = &self.source else {
            return;
        };
        if memory.input == Some(input) {
            return;
        }
        memory.priors.clear();
        for grid in grids {
            let (step, shapes) = (grid.step.max(1), grid.shapes());
            let across = input.width.div_ceil(step).max(1);
            for cell in 0..grid.cells(input) {
                let middle = |at: usize| (at as f32 + 0.5) * step as f32;
                let (x, y) = (middle(cell % across), middle(cell / across));
                memory
                    .priors
                    .extend(shapes.iter().map(|&(width, height)| [x, y, width, height]));
            }
        }
        memory.input = Some(input);
    }

    /// Offers each row that reaches the threshold, with its best class.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Scratch,
        memory: &mut Memory,
        found: &mut Found,
    ) -> Result<(), Fault> {
        self.prepare(request.place.input, memory);
        let [for_boxes, for_scores, for_priors, _] = scratch;
        let tensor = output(outputs, self.boxes)?;
        let (boxes, rest) = scan::floats(tensor, for_boxes).as_chunks::<4>();
        if !rest.is_empty() {
            return Err(shape(self.boxes, tensor, "[1, N, 4]"));
        }
        let given = self.given(outputs, boxes.len(), for_priors)?;
        if given.is_none() && memory.priors.len() != boxes.len() {
            return Err(self.other_count(boxes.len(), memory.priors.len(), request.place.input));
        }
        let each = self.classes + 1;
        let tensor = output(outputs, self.scores)?;
        let scores = scan::floats(tensor, for_scores);
        if scores.len() != boxes.len() * each {
            return Err(shape(
                self.scores,
                tensor,
                format!("[1, {}, {each}]", boxes.len()),
            ));
        }
        let is_softmax = self.is_softmax(scores, each);
        for (row, scores) in scores.chunks_exact(each).enumerate() {
            let (class, score) = confidence(scores, is_softmax);
            if score < request.settings.confidence {
                continue;
            }
            let (prior, variances) = match given {
                Some(values) => of_output(values, boxes.len(), row, request),
                None => (memory.priors[row], VARIANCES),
            };
            found.offer(request, corners(prior, variances, boxes[row]), score, class, row);
        }
        Ok(())
    }

    /// The values of the output with priors: as many edges as variances.
    fn given<'a>(
        &self,
        outputs: &'a [Tensor],
        rows: usize,
        scratch: &'a mut Vec<f32>,
    ) -> Result<Option<&'a [f32]>, Fault> {
        let PriorSource::Output(index) = self.source else {
            return Ok(None);
        };
        let tensor = output(outputs, index)?;
        let values = scan::floats(tensor, scratch);
        if values.len() != 8 * rows {
            return Err(shape(index, tensor, format!("[1, 2, {}]", 4 * rows)));
        }
        Ok(Some(values))
    }

    fn other_count(&self, rows: usize, priors: usize, input: Size) -> Fault {
        Fault::Place(format!(
            "the model has {rows} boxes and an input of {}×{} has {priors} priors; set family=retinaface with \
             priors=STEP:SIZE,SIZE;… to how it was trained, or task=tensor",
            input.width, input.height
        ))
    }

    /// Whether scores have to be made confidences.
    fn is_softmax(&self, scores: &[f32], each: usize) -> bool {
        match self.activation {
            Some(Activation::Softmax) => true,
            Some(Activation::None | Activation::Sigmoid) => false,
            None => {
                let is_share = |row: &[f32]| {
                    let sum: f32 = row.iter().sum();
                    row.iter().all(|it| -ROUNDING <= *it) && (sum - 1.0).abs() < ROUNDING
                };
                !scores.chunks_exact(each).take(ROWS_LOOKED_AT).all(is_share)
            }
        }
    }

    /// Leaves the key points of a row, in input pixels.
    pub(super) fn points(
        &self,
        outputs: &[Tensor],
        memory: &Memory,
        row: usize,
        to: &mut Vec<Landmark>,
    ) -> Result<(), Fault> {
        let (Some(points), Some(&[x, y, width, height])) = (self.points, memory.priors.get(row)) else {
            return Ok(());
        };
        let tensor = output(outputs, points)?;
        if tensor.dims.last() != Some(&(2 * self.key_points)) {
            return Err(shape(points, tensor, format!("[1, N, {}]", 2 * self.key_points)));
        }
        let first = 2 * self.key_points * row;
        to.extend((0..self.key_points).map(|point| Landmark {
            x: x + VARIANCES[0] * width * scan::at(tensor, first + 2 * point),
            y: y + VARIANCES[1] * height * scan::at(tensor, first + 2 * point + 1),
            confidence: 1.0,
        }));
        Ok(())
    }
}

/// The best class of a row but for the first one, which is no object.
fn confidence(scores: &[f32], is_softmax: bool) -> (u32, f32) {
    let (class, best) = scan::best(&scores[1..]);
    if !is_softmax {
        return (class, best);
    }
    let (_, highest) = scan::best(scores);
    let sum: f32 = scores.iter().map(|it| (it - highest).exp()).sum();
    (class, (best - highest).exp() / sum)
}

/// A prior in input pixels with its variances, of the output that has them.
fn of_output(values: &[f32], rows: usize, row: usize, request: &Request) -> ([f32; 4], [f32; 4]) {
    let (across, down) = request.input();
    let four = |start: usize| [0, 1, 2, 3].map(|it| values[start + it]);
    let [left, top, right, bottom] = four(4 * row);
    let prior = [
        (left + right) / 2.0 * across,
        (top + bottom) / 2.0 * down,
        (right - left) * across,
        (bottom - top) * down,
    ];
    (prior, four(4 * (rows + row)))
}

fn corners([x, y, width, height]: [f32; 4], variances: [f32; 4], offsets: [f32; 4]) -> Corners {
    let [right, down, wider, higher] = [0, 1, 2, 3].map(|it| variances[it] * offsets[it]);
    Corners::around(
        x + right * width,
        y + down * height,
        width * wider.exp(),
        height * higher.exp(),
    )
}
