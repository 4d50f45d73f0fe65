// SPDX-License-Identifier: MPL-2.0

//! Rows of finished detections, [1, N, 6]: left, top, right, bottom, score, class. YOLO v10 and 26 write them,
//! and exports with suppression inside; models that segment add a coefficient for each prototype mask, those of poses
//! key points, and those of turned boxes an angle, with center and size in the place of the edges.

use super::Fault;
use super::extra::{Attributes, Extra};
use super::found::{Found, Request, output, shape};
use super::model::Units;
use super::nms::Corners;
use super::scan;
use crate::tensor::Tensor;

/// Attributes before the coefficients.
pub(super) const ATTRIBUTES: usize = 6;

/// How finished detections stand in an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndToEnd {
    /// Which output of the model it is.
    pub output: usize,
    /// Attributes after the class.
    pub coefficients: usize,
    /// What those are.
    pub extra: Extra,
    pub units: Units,
}

impl EndToEnd {
    /// Offers each row that reaches the threshold.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Vec<f32>,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let tensor = output(outputs, self.output)?;
        let attributes = ATTRIBUTES + self.coefficients;
        if !matches!(tensor.dims.as_slice(), &[1, _, given] if given == attributes) {
            return Err(shape(self.output, tensor, format!("[1, N, {attributes}]")));
        }
        let (across, down) = match self.units {
            Units::Fractions => request.input(),
            Units::Pixels | Units::Cells | Units::Unsaid => (1.0, 1.0),
        };
        let values = scan::floats(tensor, scratch);
        for (row, attributes) in values.chunks_exact(attributes).enumerate() {
            let [first, second, third, fourth, score, class] =
                *attributes.first_chunk().unwrap_or(&[0.0; ATTRIBUTES]);
            if score < request.settings.confidence {
                continue;
            }
            match request.class(class)? {
                Some(class) => {
                    let corners = match self.extra {
                        Extra::Angle => Corners::around(first, second, third, fourth),
                        Extra::Masks | Extra::Points { .. } => Corners::of([first, second, third, fourth]),
                    };
                    found.offer(request, corners.scaled(across, down), score, class, row);
                }
                None => found.dropped += 1,
            }
        }
        Ok(())
    }

    /// Where the attributes after the class of a row are.
    pub(super) fn extra<'a>(&self, outputs: &'a [Tensor], row: usize) -> Result<Attributes<'a>, Fault> {
        let tensor = output(outputs, self.output)?;
        Ok(Attributes {
            tensor,
            start: row * (ATTRIBUTES + self.coefficients) + ATTRIBUTES,
            step: 1,
            count: self.coefficients,
        })
    }

    /// The attributes of a row that weigh the prototype masks.
    pub(super) fn coefficients(&self, values: &[f32], row: usize, to: &mut Vec<f32>) {
        let each = ATTRIBUTES + self.coefficients;
        to.clear();
        to.extend_from_slice(&values[row * each + ATTRIBUTES..][..self.coefficients]);
    }
}
