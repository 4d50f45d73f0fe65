// SPDX-License-Identifier: MPL-2.0

//! Detectors that leave the outputs of each of their grids as they are: some outputs a grid, suppression left to the
//! reader.
//!
//! | family | outputs of a grid of n rows | box of a cell at column x, line y, with stride s |
//! |---|---|---|
//! | SCRFD | scores [n, 1], boxes [n, 4], points [n, 2k] | distances (l, t, r, b)·s from (x·s, y·s) |
//! | YuNet | two scores [n, 1], boxes [n, 4], points [n, 2k] | center (x + dx, y + dy)·s, size (exp w, exp h)·s |
//! | PicoDet | scores [n, C], distributions [n, 32] | distances as PicoDet's from ((x + ½)·s, (y + ½)·s) |
//!
//! A batch of one may stand before n. Rows go along the lines of the grid; SCRFD has one or two of them for each cell.
//! Points are offsets in strides from the same place as the box. YuNet's score is √(class · objectness). A distance
//! of PicoDet and NanoDet is the mean of 0 to 7 strides, weighted by the softmax of eight numbers.
//!
//! Which outputs belong together is told by how many rows they have, not by names or their order.
//!
//! Sources: J. Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", 2021; W. Wu et al.,
//! "YuNet: A Tiny Millisecond-level Face Detector", 2023; X. Li et al., "Generalized Focal Loss", 2020.

use super::Fault;
use super::classify::sigmoid;
use super::found::{Found, Request, Scratch, output, shape};
use super::nms::Corners;
use super::scan;
use crate::answer::Landmark;
use crate::letterbox::Size;
use crate::tensor::Tensor;

/// How the rows of a grid are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    Scrfd,
    YuNet,
    PicoDet,
}

impl Head {
    /// The name of the family.
    pub fn name(self) -> &'static str {
        match self {
            Head::Scrfd => "scrfd",
            Head::YuNet => "yunet",
            Head::PicoDet => "picodet",
        }
    }
}

/// Which outputs are what: as many of each kind as there are grids, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    pub head: Head,
    /// Outputs with `classes` numbers a row; of YuNet two for each grid.
    pub scores: Vec<usize>,
    /// Outputs of boxes or of distributions.
    pub boxes: Vec<usize>,
    /// Outputs of key points; none where the model finds none.
    pub points: Vec<usize>,
    pub classes: usize,
    /// Key points of an object.
    pub key_points: usize,
    /// Whether scores are logits.
    pub are_logits: bool,
}

/// Grids of a model at most.
pub(super) const MOST_GRIDS: usize = 6;

/// Numbers of a distribution, of which there is one for each edge.
pub(super) const BINS: usize = 8;

/// Strides that the finest grid may have.
const FIRST_STRIDES: [usize; 3] = [8, 4, 16];

/// Rows that a cell may have.
const ANCHORS: [usize; 3] = [1, 2, 3];

/// The grids of a model over an input, the finest first; each has twice the stride of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grids {
    input: Size,
    first_stride: usize,
    /// Rows of each cell.
    anchors: usize,
}

/// One row of a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    pub column: f32,
    pub line: f32,
    pub stride: f32,
}

impl Grids {
    /// The grids over an input that have these rows, the finest first; `None` if there are no such ones.
    pub fn of(input: Size, rows: &[usize]) -> Option<Grids> {
        let candidates = ANCHORS.iter().flat_map(|&anchors| {
            FIRST_STRIDES.iter().map(move |&first_stride| Grids {
                input,
                first_stride,
                anchors,
            })
        });
        let fits = |it: &Grids| rows.iter().enumerate().all(|(grid, &rows)| it.rows(grid) == rows);
        candidates.into_iter().find(|it| !rows.is_empty() && fits(it))
    }

    /// The grids of one row a cell, from a stride of 8 on.
    pub fn plain(input: Size) -> Grids {
        Grids {
            input,
            first_stride: 8,
            anchors: 1,
        }
    }

    fn across(&self, grid: usize) -> usize {
        self.input.width.div_ceil(self.first_stride << grid)
    }

    /// Rows of a grid.
    pub fn rows(&self, grid: usize) -> usize {
        let down = self.input.height.div_ceil(self.first_stride << grid);
        self.across(grid)
            .saturating_mul(down)
            .saturating_mul(self.anchors)
    }

    /// Where a row of a grid lies.
    pub fn cell(&self, grid: usize, row: usize) -> Cell {
        let (cell, across) = (row / self.anchors, self.across(grid).max(1));
        Cell {
            column: (cell % across) as f32,
            line: (cell / across) as f32,
            stride: (self.first_stride << grid) as f32,
        }
    }
}

/// Outputs of one kind, that of the finest grid first.
#[derive(Debug, Clone, Copy, Default)]
struct Ordered {
    /// Rows and index of the output.
    outputs: [(usize, usize); MOST_GRIDS * 2],
    count: usize,
}

impl Ordered {
    /// Brings outputs of `each` numbers a row into the order of their rows.
    fn new(outputs: &[Tensor], indices: &[usize], each: usize) -> Result<Ordered, Fault> {
        let mut ordered = Ordered::default();
        for (to, &index) in ordered.outputs.iter_mut().zip(indices) {
            let tensor = output(outputs, index)?;
            if tensor.dims.last() != Some(&each) {
                return Err(shape(index, tensor, format!("[N, {each}]")));
            }
            *to = (tensor.dims[..tensor.dims.len() - 1].iter().product(), index);
            ordered.count += 1;
        }
        // Of equal rows the earlier output stays first.
        ordered.outputs[..ordered.count].sort_unstable_by_key(|&(rows, index)| (usize::MAX - rows, index));
        Ok(ordered)
    }

    fn index(&self, position: usize) -> usize {
        self.outputs[position].1
    }
}

/// The outputs of one run, in order.
struct Run {
    grids: Grids,
    scores: Ordered,
    boxes: Ordered,
    points: Ordered,
}

impl Levels {
    /// As [`Family::outputs_read`](super::Family::outputs_read).
    pub(super) fn outputs_read(&self) -> Vec<usize> {
        [&self.scores[..], &self.boxes, &self.points].concat()
    }

    fn scores_each_grid(&self) -> usize {
        if self.head == Head::YuNet { 2 } else { 1 }
    }

    fn run(&self, outputs: &[Tensor], input: Size) -> Result<Run, Fault> {
        let box_each = if self.head == Head::PicoDet { 4 * BINS } else { 4 };
        let boxes = Ordered::new(outputs, &self.boxes, box_each)?;
        let scores = Ordered::new(outputs, &self.scores, self.classes)?;
        let points = Ordered::new(outputs, &self.points, 2 * self.key_points)?;
        let mut rows = [0; MOST_GRIDS];
        let count = boxes.count.min(MOST_GRIDS);
        for (to, (rows, _)) in rows.iter_mut().zip(&boxes.outputs[..count]) {
            *to = *rows;
        }
        let rows = &rows[..count];
        let each = self.scores_each_grid();
        let same = |ordered: &Ordered, each: usize| {
            let all = ordered.outputs[..ordered.count].iter().enumerate();
            ordered.count == each * count && all.into_iter().all(|(at, (given, _))| *given == rows[at / each])
        };
        let grids = Grids::of(input, rows).filter(|_| same(&scores, each));
        match grids {
            Some(grids) if points.count == 0 || same(&points, 1) => Ok(Run {
                grids,
                scores,
                boxes,
                points,
            }),
            _ => Err(Fault::Place(format!(
                "outputs of {rows:?} rows are no grids over an input of {}×{}; \
                 set family to what the model is, or task=tensor",
                input.width, input.height
            ))),
        }
    }

    /// Offers each row that reaches the threshold, with its best class.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let run = self.run(outputs, request.place.input)?;
        let [for_scores, for_objectness, for_boxes, _] = scratch;
        let each = self.scores_each_grid();
        let mut before = 0;
        for grid in 0..run.boxes.count {
            let scores = scan::floats(output(outputs, run.scores.index(each * grid))?, for_scores);
            let objectness = match self.head {
                Head::YuNet => {
                    let second = run.scores.index(each * grid + 1);
                    Some(scan::floats(output(outputs, second)?, for_objectness))
                }
                Head::Scrfd | Head::PicoDet => None,
            };
            let boxes = scan::floats(output(outputs, run.boxes.index(grid))?, for_boxes);
            let box_each = boxes.len() / run.grids.rows(grid).max(1);
            for (row, scores) in scores.chunks_exact(self.classes).enumerate() {
                let (class, score) = self.score(scores, objectness.map(|it| it[row]));
                if score < request.settings.confidence {
                    continue;
                }
                let cell = run.grids.cell(grid, row);
                let corners = self.corners(cell, &boxes[row * box_each..][..box_each]);
                found.offer(request, corners, score, class, before + row);
            }
            before += run.grids.rows(grid);
        }
        Ok(())
    }

    /// The best class and how sure it is; not a number where a score is none.
    fn score(&self, scores: &[f32], objectness: Option<f32>) -> (u32, f32) {
        let (class, best) = scan::best(scores);
        let best = if self.are_logits { sigmoid(best) } else { best };
        let Some(objectness) = objectness else {
            return (class, best);
        };
        let objectness = if self.are_logits {
            sigmoid(objectness)
        } else {
            objectness
        };
        (class, (best.clamp(0.0, 1.0) * objectness.clamp(0.0, 1.0)).sqrt())
    }

    fn corners(&self, cell: Cell, values: &[f32]) -> Corners {
        let Cell { column, line, stride } = cell;
        match self.head {
            Head::Scrfd => Corners::from_distances(column, line, values).scaled(stride, stride),
            Head::YuNet => {
                let (x, y) = (column + values[0], line + values[1]);
                Corners::around(x, y, values[2].exp(), values[3].exp()).scaled(stride, stride)
            }
            Head::PicoDet => {
                Corners::from_distances(column + 0.5, line + 0.5, &distances(values)).scaled(stride, stride)
            }
        }
    }

    /// Leaves the key points of a row, in input pixels.
    pub(super) fn points(
        &self,
        outputs: &[Tensor],
        input: Size,
        row: usize,
        to: &mut Vec<Landmark>,
    ) -> Result<(), Fault> {
        let run = self.run(outputs, input)?;
        let (mut grid, mut row) = (0, row);
        while run.grids.rows(grid) <= row && grid + 1 < run.points.count {
            row -= run.grids.rows(grid);
            grid += 1;
        }
        let tensor = output(outputs, run.points.index(grid))?;
        let cell = run.grids.cell(grid, row);
        let first = 2 * self.key_points * row;
        to.extend((0..self.key_points).map(|point| Landmark {
            x: (cell.column + scan::at(tensor, first + 2 * point)) * cell.stride,
            y: (cell.line + scan::at(tensor, first + 2 * point + 1)) * cell.stride,
            confidence: 1.0,
        }));
        Ok(())
    }
}

/// The distances to the four edges in strides, of their distributions.
pub(super) fn distances(values: &[f32]) -> [f32; 4] {
    let mut distances = [f32::NAN; 4];
    for (to, bins) in distances.iter_mut().zip(values.chunks_exact(BINS)) {
        *to = mean_bin(bins);
    }
    distances
}

/// `Σ i·exp(vᵢ) / Σ exp(vᵢ)`, without overflow.
fn mean_bin(values: &[f32]) -> f32 {
    let highest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        let weight = (value - highest).exp();
        sum += weight;
        weighted += index as f32 * weight;
    }
    weighted / sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_told_by_their_rows() {
        let input = Size {
            width: 640,
            height: 640,
        };
        let grids = Grids::of(input, &[12800, 3200, 800]).unwrap();
        assert_eq!((grids.anchors, grids.first_stride), (2, 8));
        let cell = grids.cell(1, 83);
        assert_eq!(
            (cell.column, cell.line, cell.stride),
            (1.0, 1.0, 16.0),
            "41 cells on"
        );
        let input = Size {
            width: 608,
            height: 800,
        };
        let grids = Grids::of(input, &[7600, 1900, 475, 130]).unwrap();
        assert_eq!(grids.rows(3), 130, "what is left of a stride counts as a cell");
        assert_eq!(Grids::of(input, &[7600, 1900, 474]), None);
    }

    #[test]
    fn a_distance_is_the_mean_of_its_bins() {
        assert_eq!(mean_bin(&[0.0; 8]), 3.5);
        assert!((mean_bin(&[0.0, 0.0, 0.0, 0.0, 0.0, 100.0, 0.0, 0.0]) - 5.0).abs() < 1e-6);
        assert!(mean_bin(&[f32::NAN; 8]).is_nan());
    }
}
