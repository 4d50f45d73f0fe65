// SPDX-License-Identifier: MPL-2.0

//! NanoDet and NanoDet-Plus: one output [1, N, C + 32] of all grids, with the confidences of C classes and four
//! distributions of eight numbers a row.
//!
//! With three grids (strides 8, 16, 32) distances start at the middle of a cell, with four (to 64, Plus) at its corner.
//! Source: the project's own decoder, `get_single_level_center_point` and `get_single_level_center_priors`.

use super::Fault;
use super::classify::sigmoid;
use super::found::{Found, Request, output, shape};
use super::levels::{BINS, Grids, distances};
use super::nms::Corners;
use super::scan;
use super::yolo::{Best, Yolo};
use crate::letterbox::Size;
use crate::tensor::Tensor;

/// Which output it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NanoDet {
    pub output: usize,
    pub classes: usize,
    /// Whether the scores are logits.
    pub are_logits: bool,
    /// What the rows are if their first numbers are no confidences, where the shape leaves both open.
    pub otherwise: Option<Yolo>,
}

impl NanoDet {
    /// Numbers before and after the classes' of a row.
    pub(super) const ATTRIBUTES: usize = 4 * BINS;

    /// How many grids have so many rows.
    pub(super) fn grids(input: Size, rows: usize) -> Option<usize> {
        let grids = Grids::plain(input);
        (3..=4).find(|&count| (0..count).map(|it| grids.rows(it)).sum::<usize>() == rows)
    }

    /// Offers each row that reaches the threshold, with its best class.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        best: &mut Best,
        scratch: &mut Vec<f32>,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let tensor = output(outputs, self.output)?;
        let each = self.classes + Self::ATTRIBUTES;
        if tensor.dims.last() != Some(&each) {
            return Err(shape(self.output, tensor, format!("[1, N, {each}]")));
        }
        let input = request.place.input;
        let values = scan::floats(tensor, scratch);
        if let Some(yolo) = &self.otherwise
            && !self.starts_with_confidences(values, each)
        {
            return yolo.find(outputs, request, best, scratch, found);
        }
        let rows = values.len() / each;
        let Some(count) = Self::grids(input, rows) else {
            return Err(Fault::Place(format!(
                "{rows} rows are no cells of an input of {}×{}",
                input.width, input.height
            )));
        };
        let middle = if count == 3 { 0.5 } else { 0.0 };
        let grids = Grids::plain(input);
        let (mut grid, mut before) = (0, 0);
        for (row, attributes) in values.chunks_exact(each).enumerate() {
            while before + grids.rows(grid) <= row {
                before += grids.rows(grid);
                grid += 1;
            }
            let (scores, bins) = attributes.split_at(self.classes);
            let (class, score) = scan::best(scores);
            let score = if self.are_logits { sigmoid(score) } else { score };
            if score < request.settings.confidence {
                continue;
            }
            let cell = grids.cell(grid, row - before);
            let corners = Corners::from_distances(cell.column + middle, cell.line + middle, &distances(bins));
            found.offer(
                request,
                corners.scaled(cell.stride, cell.stride),
                score,
                class,
                row,
            );
        }
        Ok(())
    }

    /// Whether all rows start with numbers that may be confidences, which the centers of boxes, in pixels or as
    /// offsets from cells to both sides, never all do.
    fn starts_with_confidences(&self, values: &[f32], each: usize) -> bool {
        let first = self.classes.min(4);
        let may_be = |it: &f32| it.is_nan() || (0.0..=1.0).contains(it);
        values
            .chunks_exact(each)
            .all(|row| row[..first].iter().all(may_be))
    }
}
