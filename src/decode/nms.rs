// SPDX-License-Identifier: MPL-2.0

//! Which of the boxes that a model proposes for one object stays: non-maximum suppression, per class.

use std::cmp::Ordering;

use crate::answer::{Detection, Region, TurnedBox};
use crate::letterbox::Letterbox;

/// A box by its edges, in pixels of the model's input; y points down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Corners {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Corners {
    /// The box of its edges: left, top, right, bottom.
    pub fn of([left, top, right, bottom]: [f32; 4]) -> Self {
        Corners {
            left,
            top,
            right,
            bottom,
        }
    }

    /// The box of a center and a size.
    pub fn around(x: f32, y: f32, width: f32, height: f32) -> Self {
        let (half_width, half_height) = (width / 2.0, height / 2.0);
        Corners {
            left: x - half_width,
            top: y - half_height,
            right: x + half_width,
            bottom: y + half_height,
        }
    }

    /// The box of a place and its distances to the left, top, right and bottom edge.
    pub fn from_distances(x: f32, y: f32, distances: &[f32]) -> Self {
        let &[left, top, right, bottom] = distances.first_chunk().unwrap_or(&[f32::NAN; 4]);
        Corners {
            left: x - left,
            top: y - top,
            right: x + right,
            bottom: y + bottom,
        }
    }

    /// The box with its coordinates multiplied, across and down.
    pub fn scaled(self, across: f32, down: f32) -> Self {
        Corners {
            left: self.left * across,
            top: self.top * down,
            right: self.right * across,
            bottom: self.bottom * down,
        }
    }

    /// The box in the frame; `None` if none of it is inside.
    pub fn to_frame(self, place: &Letterbox) -> Option<Region> {
        place.to_frame(self.left, self.top, self.right, self.bottom)
    }

    /// Whether it is smaller than so many pixels, across and down.
    pub fn is_within(&self, pixels: f32) -> bool {
        self.right - self.left < pixels && self.bottom - self.top < pixels
    }

    fn area(&self) -> f32 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// Intersection over union; not a number where areas overflow, which no threshold is below.
    fn iou(&self, other: &Corners) -> f32 {
        let width = (self.right.min(other.right) - self.left.max(other.left)).max(0.0);
        let height = (self.bottom.min(other.bottom) - self.top.max(other.top)).max(0.0);
        let shared = width * height;
        shared / (self.area() + other.area() - shared)
    }
}

/// A box that a model proposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub corners: Corners,
    /// Finite.
    pub score: f32,
    pub class: u32,
    /// The place in the model's output that it comes from.
    pub row: u32,
    /// The box as it lies, in pixels of the input; the corners are those around it.
    pub turned: Option<TurnedBox>,
}

impl Candidate {
    /// The candidate in the frame, without key points; `None` if none of it is inside.
    pub fn detection(&self, place: &Letterbox) -> Option<Detection> {
        Some(Detection {
            region: self.corners.to_frame(place)?,
            class: self.class,
            confidence: self.score.clamp(0.0, 1.0),
            landmarks: Vec::new(),
            turned: self.turned.map(|it| place.turned_to_frame(it)),
        })
    }

    /// How far two candidates are the same object, 0 to 1.
    fn overlap(&self, other: &Candidate) -> f32 {
        match (&self.turned, &other.turned) {
            (Some(one), Some(other)) => turned_overlap(one, other),
            _ => self.corners.iou(&other.corners),
        }
    }

    /// The best score first; among equal scores the earlier row, so that order never depends on chance.
    fn precedence(&self, other: &Candidate) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then(self.row.cmp(&other.row))
            .then(self.class.cmp(&other.class))
    }
}

/// Brings candidates into order and keeps at most the first `most`.
pub(super) fn rank(candidates: &mut Vec<Candidate>, most: usize) {
    candidates.sort_unstable_by(Candidate::precedence);
    candidates.truncate(most);
}

/// Brings candidates into order and keeps each that overlaps no better one of its class by more than
/// `iou`, until there are `most`.
pub(super) fn suppress(candidates: &mut Vec<Candidate>, iou: f32, most: usize) {
    candidates.sort_unstable_by(Candidate::precedence);
    let mut kept = 0;
    for index in 0..candidates.len() {
        if kept == most {
            break;
        }
        let candidate = candidates[index];
        let covered = candidates[..kept]
            .iter()
            .any(|it| it.class == candidate.class && iou < it.overlap(&candidate));
        if !covered {
            candidates[kept] = candidate;
            kept += 1;
        }
    }
    candidates.truncate(kept);
}

/// Overlap of two turned boxes, 0 (apart) to 1 (equal): each box is taken for a normal distribution with the same
/// center and spread, and 1 minus the Hellinger distance of the two is told. Models of turned boxes are trained with
/// it and suppress by it. Source: J. M. Llerena et al., "Gaussian Bounding Boxes and Probabilistic Intersection-
/// over-Union for Object Detection", 2021, with the covariance of a uniform rectangle, diag(w², h²) / 12.
fn turned_overlap(one: &TurnedBox, other: &TurnedBox) -> f32 {
    let spread = |it: &TurnedBox| {
        let (sin, cos) = f64::from(it.angle).sin_cos();
        let (along, across) = (
            f64::from(it.width).powi(2) / 12.0,
            f64::from(it.height).powi(2) / 12.0,
        );
        let a = along * cos * cos + across * sin * sin;
        let b = along * sin * sin + across * cos * cos;
        (a, b, (along - across) * cos * sin)
    };
    let ((a1, b1, c1), (a2, b2, c2)) = (spread(one), spread(other));
    let (a, b, c) = (a1 + a2, b1 + b2, c1 + c2);
    let (x, y) = (f64::from(one.x - other.x), f64::from(one.y - other.y));
    let determinant = a * b - c * c;
    let distance = (a * y * y + b * x * x - 2.0 * c * x * y) / (4.0 * determinant);
    let own = (a1 * b1 - c1 * c1).max(0.0) * (a2 * b2 - c2 * c2).max(0.0);
    let shape = 0.5 * (determinant / (4.0 * own.sqrt())).ln();
    let coefficient = (-(distance + shape)).exp();
    (1.0 - (1.0 - coefficient).clamp(0.0, 1.0).sqrt()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(left: f32, score: f32, class: u32, row: u32) -> Candidate {
        let corners = Corners::around(left + 5.0, 5.0, 10.0, 10.0);
        Candidate {
            corners,
            score,
            class,
            row,
            turned: None,
        }
    }

    #[test]
    fn turned_boxes_overlap_by_how_they_lie() {
        let turned = |x: f32, angle: f32| TurnedBox {
            x,
            y: 0.0,
            width: 40.0,
            height: 4.0,
            angle,
        };
        assert!((turned_overlap(&turned(0.0, 0.3), &turned(0.0, 0.3)) - 1.0).abs() < 1e-6);
        // A bar and the same turned by a right angle: sqrt(1 - 40·4·2 / (40² + 4²)) of distance.
        let crossed = turned_overlap(&turned(0.0, 0.0), &turned(0.0, std::f32::consts::FRAC_PI_2));
        let expected = 1.0 - (1.0f32 - 320.0 / 1616.0).sqrt();
        assert!((crossed - expected).abs() < 1e-5, "{crossed} {expected}");
        assert!(turned_overlap(&turned(0.0, 0.0), &turned(400.0, 0.0)) < 1e-6);
    }

    #[track_caller]
    fn check(candidates: &[Candidate], iou: f32, most: usize, rows: &[u32]) {
        let mut kept = candidates.to_vec();
        suppress(&mut kept, iou, most);
        assert_eq!(kept.iter().map(|it| it.row).collect::<Vec<_>>(), rows);
    }

    #[test]
    fn a_box_yields_to_a_better_one_of_its_class_that_it_overlaps() {
        // Shifted by 5 of 10: 50 shared of 150 covered, a third.
        let two = [candidate(0.0, 0.8, 0, 0), candidate(5.0, 0.9, 0, 1)];
        check(&two, 0.33, 10, &[1]);
        check(&two, 0.34, 10, &[1, 0]);
        let other_class = [candidate(0.0, 0.8, 0, 0), candidate(0.0, 0.9, 1, 1)];
        check(&other_class, 0.33, 10, &[1, 0]);
    }

    #[test]
    fn a_suppressed_box_suppresses_nothing() {
        // 0 and 4 overlap by 3/7, 4 and 8 too, 0 and 8 by 1/9.
        let chain = [
            candidate(0.0, 0.9, 0, 0),
            candidate(4.0, 0.8, 0, 1),
            candidate(8.0, 0.7, 0, 2),
        ];
        check(&chain, 0.4, 10, &[0, 2]);
    }

    #[test]
    fn equal_scores_keep_the_order_of_rows() {
        let equal = [
            candidate(0.0, 0.5, 0, 7),
            candidate(0.0, 0.5, 0, 3),
            candidate(50.0, 0.5, 0, 1),
        ];
        check(&equal, 0.5, 10, &[1, 3]);
        check(&equal, 0.5, 1, &[1]);
        check(&equal, 0.5, 0, &[]);
    }
}
