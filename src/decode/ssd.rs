// SPDX-License-Identifier: MPL-2.0

//! Detectors that write boxes, scores and classes as outputs of their own, as SSD does.
//!
//! | family | outputs | boxes |
//! |---|---|---|
//! | TensorFlow's detection API | boxes [1, N, 4], classes [1, N], scores [1, N], count [1] | top, left, bottom, right, fractions |
//! | torchvision, ONNX zoo | boxes [N, 4], labels [N], scores [N] | left, top, right, bottom, pixels or fractions |
//! | without suppression | boxes [1, N, 4], scores [1, N, C] | left, top, right, bottom |
//!
//! Classes are the numbers that the model writes. TensorFlow counts from 1, so the first line of its labels file
//! stands for no object, as with GStreamer's own `ssdobjectdetector`.

use super::Fault;
use super::evidence::Extent;
use super::found::{Found, Request, Scratch, output, shape};
use super::model::Units;
use super::nms::Corners;
use super::scan;
use crate::tensor::Tensor;

/// The order of the edges of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edges {
    /// Left, top, right, bottom.
    LeftFirst,
    /// Top, left, bottom, right.
    TopFirst,
}

/// How boxes are told to be of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// Suppression is done: one score a box, with its class in another output (class 0 without).
    Finished { classes: Option<usize> },
    /// One score for each box and class, all boxes that the model proposes.
    Dense {
        classes: usize,
        /// Whether the first score is for no object; it is no class then.
        background: bool,
    },
}

/// Which outputs are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ssd {
    pub boxes: usize,
    pub scores: usize,
    pub kind: Scores,
    /// The output with the number of boxes that count.
    pub count: Option<usize>,
    pub edges: Edges,
    pub units: Units,
}

/// Coordinates up to here may be fractions: boxes reach beyond the input, but not by its whole size. The boxes of
/// a model that counts pixels are larger.
const MOST_FRACTION: f32 = 2.0;

impl Ssd {
    /// As [`Family::outputs_read`](super::Family::outputs_read).
    pub(super) fn outputs_read(&self) -> Vec<usize> {
        let classes = match self.kind {
            Scores::Finished { classes } => classes,
            Scores::Dense { .. } => None,
        };
        let always = [self.boxes, self.scores].into_iter();
        always.chain(classes).chain(self.count).collect()
    }

    /// Offers each box that reaches the threshold; of a dense output with its best class.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let [for_boxes, for_scores, for_classes, for_count] = scratch;
        let tensor = output(outputs, self.boxes)?;
        let values = scan::floats(tensor, for_boxes);
        let ([.., 4], (boxes, [])) = (&tensor.dims[..], values.as_chunks::<4>()) else {
            return Err(shape(self.boxes, tensor, "[1, N, 4]"));
        };
        let mut table = Table {
            ssd: self,
            boxes,
            scores: of_each(
                outputs,
                self.scores,
                boxes.len().saturating_mul(self.scores_each()),
                for_scores,
            )?,
            classes: None,
        };
        if let Scores::Finished {
            classes: Some(classes),
        } = self.kind
        {
            table.classes = Some(of_each(outputs, classes, boxes.len(), for_classes)?);
        }
        let count = match self.count {
            Some(count) => of_each(outputs, count, 1, for_count)?[0],
            None => boxes.len() as f32,
        };
        // What is no number leaves all boxes to their scores.
        let rows = if count.is_nan() {
            boxes.len()
        } else {
            (count as usize).min(boxes.len())
        };
        table.find(rows, request, found)
    }

    /// What coordinates are counted in of which this is the highest.
    pub(super) fn units_of(highest: f32) -> Units {
        if MOST_FRACTION < highest {
            Units::Pixels
        } else {
            Units::Fractions
        }
    }

    /// The extents of scores and of the edges of boxes in a run; `None` where there is no such output.
    pub(super) fn extents(&self, outputs: &[Tensor]) -> Option<(Extent, Extent)> {
        let of = |index: usize| {
            let mut scratch = Vec::new();
            let values = scan::floats(output(outputs, index).ok()?, &mut scratch);
            Some(Extent::of(values.iter().copied()))
        };
        Some((of(self.scores)?, of(self.boxes)?))
    }

    fn scores_each(&self) -> usize {
        match self.kind {
            Scores::Finished { .. } => 1,
            Scores::Dense { classes, background } => classes + usize::from(background),
        }
    }
}

/// The elements of an output that has so many.
fn of_each<'a>(
    outputs: &'a [Tensor],
    index: usize,
    count: usize,
    scratch: &'a mut Vec<f32>,
) -> Result<&'a [f32], Fault> {
    let tensor = output(outputs, index)?;
    let values = scan::floats(tensor, scratch);
    if values.len() == count {
        Ok(values)
    } else {
        Err(shape(
            index,
            tensor,
            format!("{count} numbers, as there are boxes,"),
        ))
    }
}

/// The outputs of one run.
struct Table<'a> {
    ssd: &'a Ssd,
    boxes: &'a [[f32; 4]],
    scores: &'a [f32],
    classes: Option<&'a [f32]>,
}

impl Table<'_> {
    fn find(&self, rows: usize, request: &Request, found: &mut Found) -> Result<(), Fault> {
        let threshold = request.settings.confidence;
        let (across, down) = match self.units(rows) {
            Units::Fractions => request.input(),
            Units::Pixels | Units::Cells | Units::Unsaid => (1.0, 1.0),
        };
        for row in 0..rows {
            let (class, score) = self.best(row);
            if score < threshold {
                continue;
            }
            let class = match self.classes {
                Some(classes) => request.class(classes[row])?,
                None => Some(class),
            };
            match class {
                Some(class) => {
                    let corners = self.corners(row).scaled(across, down);
                    found.offer(request, corners, score, class, row);
                }
                None => found.dropped += 1,
            }
        }
        Ok(())
    }

    /// The best class of a box and its score.
    fn best(&self, row: usize) -> (u32, f32) {
        let each = self.ssd.scores_each();
        let scores = &self.scores[row * each..][..each];
        match self.ssd.kind {
            Scores::Finished { .. } => (0, scores[0]),
            Scores::Dense { background, .. } => scan::best(&scores[usize::from(background)..]),
        }
    }

    fn corners(&self, row: usize) -> Corners {
        let [first, second, third, fourth] = self.boxes[row];
        Corners::of(match self.ssd.edges {
            Edges::LeftFirst => [first, second, third, fourth],
            Edges::TopFirst => [second, first, fourth, third],
        })
    }

    /// What the coordinates are counted in; where nobody said it, by all boxes of the answer.
    fn units(&self, rows: usize) -> Units {
        if self.ssd.units != Units::Unsaid {
            return self.ssd.units;
        }
        let edges = self.boxes[..rows].iter().flatten().copied();
        Ssd::units_of(Extent::of(edges).high)
    }
}
