// SPDX-License-Identifier: MPL-2.0

//! Models that find the key points of one object, such as a face or a hand that was cut out before: one row of
//! coordinates, [1, 2k] or [1, 3k], a point after the other.
//!
//! The answer is one object around its points. What the coordinates are counted in is told by the values, where
//! nobody says it: beyond 2 they are pixels of the input; some below -0.3, they reach from -1 to 1; else they are
//! fractions. The third coordinate of a point, its depth, is left out.

use super::Fault;
use super::classify::sigmoid;
use super::found::{Found, Request, output, shape};
use super::model::Units;
use super::nms::Corners;
use super::scan;
use crate::answer::Landmark;
use crate::letterbox::Size;
use crate::tensor::Tensor;

/// Which output is what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landmarks {
    pub output: usize,
    pub points: usize,
    /// Numbers of each point: 2, or 3 with depth.
    pub each: usize,
    pub units: Units,
    /// The output that says whether there is such an object at all: a confidence or a logit.
    pub presence: Option<usize>,
}

/// Fractions of points that are somewhat outside of the input are below this.
const MOST_FRACTION: f32 = 2.0;

/// Points this far before the edge are counted from the middle of the input.
const LEAST_FRACTION: f32 = -0.3;

impl Landmarks {
    /// As [`Family::outputs_read`](super::Family::outputs_read).
    pub(super) fn outputs_read(&self) -> Vec<usize> {
        std::iter::once(self.output).chain(self.presence).collect()
    }

    /// Offers the object, if it is there.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Vec<f32>,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let tensor = output(outputs, self.output)?;
        let values = scan::floats(tensor, scratch);
        if values.len() != self.points * self.each {
            let expected = format!("[1, {}]", self.points * self.each);
            return Err(shape(self.output, tensor, expected));
        }
        let score = match self.presence {
            Some(index) => {
                let value = scan::at(output(outputs, index)?, 0);
                if (0.0..=1.0).contains(&value) {
                    value
                } else {
                    sigmoid(value)
                }
            }
            None => 1.0,
        };
        if score < request.settings.confidence {
            return Ok(());
        }
        let scale = self.scale(values, request.place.input);
        let none = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
        let bounds = values.chunks_exact(self.each).fold(none, |bounds, point| {
            let (x, y) = scale.apply(point[0], point[1]);
            let [left, top, right, bottom] = bounds;
            [left.min(x), top.min(y), right.max(x), bottom.max(y)]
        });
        found.offer(request, Corners::of(bounds), score, 0, 0);
        Ok(())
    }

    /// Leaves the key points, in input pixels.
    pub(super) fn points(
        &self,
        outputs: &[Tensor],
        input: Size,
        scratch: &mut Vec<f32>,
        to: &mut Vec<Landmark>,
    ) -> Result<(), Fault> {
        let values = scan::floats(output(outputs, self.output)?, scratch);
        let scale = self.scale(values, input);
        to.extend(values.chunks_exact(self.each).map(|point| {
            let (x, y) = scale.apply(point[0], point[1]);
            Landmark {
                x,
                y,
                confidence: 1.0,
            }
        }));
        Ok(())
    }

    fn scale(&self, values: &[f32], input: Size) -> Scale {
        let (width, height) = (input.width as f32, input.height as f32);
        let flat = || values.chunks_exact(self.each).flat_map(|point| &point[..2]);
        let settled = match self.units {
            Units::Unsaid | Units::Cells if flat().any(|it| MOST_FRACTION < *it) => Units::Pixels,
            Units::Unsaid | Units::Cells if flat().any(|it| *it < LEAST_FRACTION) => Units::Cells,
            Units::Unsaid | Units::Cells => Units::Fractions,
            said => said,
        };
        match settled {
            Units::Pixels => Scale {
                factor: (1.0, 1.0),
                offset: 0.0,
            },
            // From the middle: (v + 1) / 2.
            Units::Cells => Scale {
                factor: (width / 2.0, height / 2.0),
                offset: 1.0,
            },
            Units::Fractions | Units::Unsaid => Scale {
                factor: (width, height),
                offset: 0.0,
            },
        }
    }
}

/// From coordinates to input pixels.
struct Scale {
    factor: (f32, f32),
    /// Added before.
    offset: f32,
}

impl Scale {
    fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        (
            (x + self.offset) * self.factor.0,
            (y + self.offset) * self.factor.1,
        )
    }
}
