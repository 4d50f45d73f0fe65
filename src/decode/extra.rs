// SPDX-License-Identifier: MPL-2.0

//! What rows of YOLO models have after their classes.

use super::nms::{Candidate, Corners};
use super::scan;
use crate::answer::{Landmark, TurnedBox};
use crate::tensor::Tensor;

/// The attributes after the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extra {
    /// Weights of prototype masks, or nothing.
    #[default]
    Masks,
    /// Key points: x and y in pixels of the input, and with three numbers how surely the point is seen.
    Points { each: usize },
    /// The angle by which the box is turned, in radians, clockwise.
    Angle,
}

/// Where the attributes of a row stand in a tensor.
pub(super) struct Attributes<'a> {
    pub tensor: &'a Tensor,
    /// The place of the first one.
    pub start: usize,
    /// From one to the next.
    pub step: usize,
    pub count: usize,
}

impl Attributes<'_> {
    fn at(&self, index: usize) -> f32 {
        scan::at(self.tensor, self.start + index * self.step)
    }

    /// Leaves the key points.
    pub fn points(&self, each: usize, to: &mut Vec<Landmark>) {
        to.extend((0..self.count / each.max(1)).map(|point| Landmark {
            x: self.at(point * each),
            y: self.at(point * each + 1),
            confidence: if each < 3 {
                1.0
            } else {
                self.at(point * each + 2).clamp(0.0, 1.0)
            },
        }));
    }

    /// Turns an upright candidate by the angle, about its center; `None` where the angle is no number.
    pub fn turn(&self, candidate: Candidate) -> Option<Candidate> {
        let angle = self.at(0);
        let Corners {
            left,
            top,
            right,
            bottom,
        } = candidate.corners;
        let turned = TurnedBox {
            x: (left + right) / 2.0,
            y: (top + bottom) / 2.0,
            width: right - left,
            height: bottom - top,
            angle,
        };
        angle.is_finite().then(|| Candidate {
            corners: Corners::of(turned.bounds()),
            turned: Some(turned),
            ..candidate
        })
    }
}
