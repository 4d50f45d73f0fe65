// SPDX-License-Identifier: MPL-2.0

//! CenterFace: maps at a quarter of the input's size, with the confidence that a face has its center in a cell, the
//! logarithms of its height and width in cells, the center's offset (down, right) and its key points.
//!
//! With the size (w, h) in pixels and the top left corner of the box, a point lies at (left + dx·w, top + dy·h), and
//! stands in the map as dy, dx. Source: Y. Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as
//! Point", 2019, and its authors' own decoder.

use super::Fault;
use super::found::{Found, Request, Scratch, output, shape};
use super::nms::Corners;
use super::scan;
use crate::answer::Landmark;
use crate::tensor::Tensor;

/// Input pixels to a cell.
const STRIDE: f32 = 4.0;

/// Which outputs are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CenterFace {
    /// [1, 1, h, w]
    pub heat: usize,
    /// [1, 2, h, w]
    pub sizes: usize,
    /// [1, 2, h, w]
    pub offsets: usize,
    /// [1, 2k, h, w]
    pub points: usize,
    pub key_points: usize,
}

impl CenterFace {
    /// As [`Family::outputs_read`](super::Family::outputs_read).
    pub(super) fn outputs_read(&self) -> Vec<usize> {
        vec![self.heat, self.sizes, self.offsets, self.points]
    }

    /// Offers each cell that reaches the threshold.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let [for_heat, ..] = scratch;
        let heat = output(outputs, self.heat)?;
        let &[1, 1, height, width] = heat.dims.as_slice() else {
            return Err(shape(self.heat, heat, "[1, 1, H, W]"));
        };
        for (index, planes) in [
            (self.sizes, 2),
            (self.offsets, 2),
            (self.points, 2 * self.key_points),
        ] {
            let tensor = output(outputs, index)?;
            if tensor.dims != [1, planes, height, width] {
                let expected = format!("[1, {planes}, {height}, {width}]");
                return Err(shape(index, tensor, expected));
            }
        }
        for (cell, &score) in scan::floats(heat, for_heat).iter().enumerate() {
            if score < request.settings.confidence {
                continue;
            }
            found.offer(
                request,
                self.corners(outputs, cell, (width, height)),
                score,
                0,
                cell,
            );
        }
        Ok(())
    }

    /// The box of a cell, in input pixels.
    fn corners(&self, outputs: &[Tensor], cell: usize, (width, height): (usize, usize)) -> Corners {
        let plane = |output: usize, plane: usize| scan::at(&outputs[output], plane * width * height + cell);
        let (line, column) = ((cell / width) as f32, (cell % width) as f32);
        let y = (line + plane(self.offsets, 0) + 0.5) * STRIDE;
        let x = (column + plane(self.offsets, 1) + 0.5) * STRIDE;
        let down = plane(self.sizes, 0).exp() * STRIDE;
        let across = plane(self.sizes, 1).exp() * STRIDE;
        Corners::around(x, y, across, down)
    }

    /// Leaves the key points of a cell, in input pixels.
    pub(super) fn points(
        &self,
        outputs: &[Tensor],
        cell: usize,
        to: &mut Vec<Landmark>,
    ) -> Result<(), Fault> {
        let tensor = output(outputs, self.points)?;
        let &[_, _, height, width] = tensor.dims.as_slice() else {
            return Err(shape(self.points, tensor, "[1, 2k, H, W]"));
        };
        let corners = self.corners(outputs, cell, (width, height));
        let plane = |plane: usize| scan::at(tensor, plane * width * height + cell);
        to.extend((0..self.key_points).map(|point| Landmark {
            x: corners.left + plane(2 * point + 1) * (corners.right - corners.left),
            y: corners.top + plane(2 * point) * (corners.bottom - corners.top),
            confidence: 1.0,
        }));
        Ok(())
    }
}
