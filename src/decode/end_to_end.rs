// SPDX-License-Identifier: MPL-2.0

//! Rows of finished detections, one for each object, of which a model gives as many as it finds.
//!
//! | columns | from | shape |
//! |---|---|---|
//! | left, top, right, bottom, score, class | YOLO v10 and 26, exports with suppression inside | [1, N, 6] or [N, 6] |
//! | picture of the batch, left, top, right, bottom, class, score | YOLO v7 with suppression inside | [N, 7] |
//! | class, score, left, top, right, bottom | PaddleDetection | [N, 6] |
//! | picture of the batch, class, score, left, top, right, bottom | SSD with suppression inside (OpenVINO) | [1, 1, N, 7] |
//! | left, top, right, bottom, score; classes in an output of their own | MMDetection (`dets`, `labels`) | [1, N, 5] |
//!
//! Behind the first form models that segment add a coefficient for each prototype mask, those of poses key points, and
//! those of turned boxes an angle, with center and size in the place of the edges.

use super::Fault;
use super::evidence::Extent;
use super::extra::{Attributes, Extra};
use super::found::{Found, Request, Scratch, output, shape};
use super::model::Units;
use super::nms::Corners;
use super::scan;
use crate::tensor::Tensor;

/// Attributes before the coefficients, where the class is the last one.
pub(super) const ATTRIBUTES: usize = 6;

/// What stands in which column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// Left, top, right, bottom, score, class.
    BoxScoreClass,
    /// Picture, left, top, right, bottom, class, score.
    PictureBoxClassScore,
    /// Class, score, left, top, right, bottom.
    ClassScoreBox,
    /// Picture, class, score, left, top, right, bottom.
    PictureClassScoreBox,
    /// Left, top, right, bottom, score; the classes stand in this output.
    BoxScore { classes: usize },
}

impl Columns {
    /// How many there are.
    pub(super) fn count(self) -> usize {
        match self {
            Columns::BoxScoreClass | Columns::ClassScoreBox => 6,
            Columns::PictureBoxClassScore | Columns::PictureClassScoreBox => 7,
            Columns::BoxScore { .. } => 5,
        }
    }

    /// The first column of the box, that of the score, and that of the class.
    fn places(self) -> (usize, usize, Option<usize>) {
        match self {
            Columns::BoxScoreClass => (0, 4, Some(5)),
            Columns::PictureBoxClassScore => (1, 6, Some(5)),
            Columns::ClassScoreBox => (2, 1, Some(0)),
            Columns::PictureClassScoreBox => (3, 2, Some(1)),
            Columns::BoxScore { .. } => (0, 4, None),
        }
    }

    /// What they are, for a sentence.
    pub(super) fn listed(self) -> &'static str {
        match self {
            Columns::BoxScoreClass => "left, top, right, bottom, score, class",
            Columns::PictureBoxClassScore => "picture, left, top, right, bottom, class, score",
            Columns::ClassScoreBox => "class, score, left, top, right, bottom",
            Columns::PictureClassScoreBox => "picture, class, score, left, top, right, bottom",
            Columns::BoxScore { .. } => "left, top, right, bottom, score",
        }
    }
}

/// How finished detections stand in an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndToEnd {
    /// Which output of the model it is.
    pub output: usize,
    pub columns: Columns,
    /// Attributes after the columns.
    pub coefficients: usize,
    /// What those are.
    pub extra: Extra,
    pub units: Units,
}

impl EndToEnd {
    /// As [`Family::outputs_read`](super::Family::outputs_read).
    pub(super) fn outputs_read(&self) -> Vec<usize> {
        match self.columns {
            Columns::BoxScore { classes } => vec![self.output, classes],
            _ => vec![self.output],
        }
    }

    fn each(&self) -> usize {
        self.columns.count() + self.coefficients
    }

    /// The rows of an output of the recognized kind: as many as there are, in any number of dimensions.
    fn rows<'a>(
        &self,
        outputs: &'a [Tensor],
        scratch: &'a mut Vec<f32>,
    ) -> Result<std::slice::ChunksExact<'a, f32>, Fault> {
        let each = self.each();
        let tensor = output(outputs, self.output)?;
        let is_one = |dims: &[usize]| dims.iter().all(|it| *it == 1);
        match tensor.dims.as_slice() {
            [first @ .., _, given] if *given == each && is_one(first) => {
                Ok(scan::floats(tensor, scratch).chunks_exact(each))
            }
            _ => Err(shape(self.output, tensor, format!("[1, N, {each}]"))),
        }
    }

    /// The extents of scores and of the edges of boxes in a run; `None` where there is none.
    pub(super) fn extents(&self, outputs: &[Tensor]) -> Option<(Extent, Extent)> {
        let mut scratch = Vec::new();
        let rows = self.rows(outputs, &mut scratch).ok()?;
        let (first, score, _) = self.columns.places();
        let scores = Extent::of(rows.clone().map(|row| row[score]));
        let edges = Extent::of(rows.flat_map(|row| row[first..first + 4].iter().copied()));
        Some((scores, edges))
    }

    /// Offers each row that reaches the threshold.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let [for_rows, for_classes, ..] = scratch;
        let rows = self.rows(outputs, for_rows)?;
        let classes = match self.columns {
            Columns::BoxScore { classes } => {
                let tensor = output(outputs, classes)?;
                let values = scan::floats(tensor, for_classes);
                if values.len() != rows.len() {
                    return Err(shape(classes, tensor, format!("[1, {}]", rows.len())));
                }
                Some(values)
            }
            _ => None,
        };
        let (across, down) = match self.units {
            Units::Fractions => request.input(),
            Units::Pixels | Units::Cells | Units::Unsaid => (1.0, 1.0),
        };
        let (first, at_score, at_class) = self.columns.places();
        for (index, row) in rows.enumerate() {
            let score = row[at_score];
            if score < request.settings.confidence {
                continue;
            }
            let class = at_class.map(|it| row[it]);
            let class = class.or_else(|| classes.map(|it| it[index])).unwrap_or(0.0);
            match request.class(class)? {
                Some(class) => {
                    let edges = [row[first], row[first + 1], row[first + 2], row[first + 3]];
                    let corners = match self.extra {
                        Extra::Angle => Corners::around(edges[0], edges[1], edges[2], edges[3]),
                        Extra::Masks | Extra::Points { .. } => Corners::of(edges),
                    };
                    let corners = corners.scaled(across, down);
                    found.offer(request, corners, score, class, index);
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
        let each = self.each();
        to.clear();
        to.extend_from_slice(&values[row * each + self.columns.count()..][..self.coefficients]);
    }
}
