// SPDX-License-Identifier: MPL-2.0

//! Detectors of the DETR kind: a fixed number of queries, each with logits for all classes and one box as center
//! and size in fractions of the input. There is nothing to suppress.

use super::Fault;
use super::classify::sigmoid;
use super::evidence::Extent;
use super::found::{Found, Request, Scratch, output, shape};
use super::model::Units;
use super::nms::Corners;
use super::scan;
use crate::tensor::Tensor;

/// What the logits of a query say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logits {
    /// One class of all, the last one being that there is no object (DETR).
    Softmax,
    /// Each class for itself (Deformable DETR, RT-DETR, RF-DETR, D-FINE).
    Sigmoid,
    /// They are confidences already.
    Confidences,
}

/// Which outputs are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detr {
    /// The output of the logits, [1, N, C], with no object [1, N, C + 1].
    pub logits: usize,
    /// The output of the boxes, [1, N, 4].
    pub boxes: usize,
    /// Without the one for no object.
    pub classes: usize,
    pub kind: Logits,
    pub units: Units,
}

impl Detr {
    /// Offers each query whose best class reaches the threshold, with that class; the lower one of equals. A
    /// query with a logit that is not a number or infinitely high is dropped.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Scratch,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let [for_logits, for_boxes, ..] = scratch;
        let each = self.classes + usize::from(self.kind == Logits::Softmax);
        let tensor = output(outputs, self.logits)?;
        if tensor.dims.last() != Some(&each) {
            return Err(shape(self.logits, tensor, format!("[1, N, {each}]")));
        }
        let logits = scan::floats(tensor, for_logits).chunks_exact(each);
        let tensor = output(outputs, self.boxes)?;
        let (boxes, rest) = scan::floats(tensor, for_boxes).as_chunks::<4>();
        if boxes.len() != logits.len() || !rest.is_empty() {
            return Err(shape(self.boxes, tensor, format!("[1, {}, 4]", logits.len())));
        }
        let (across, down) = match self.units {
            Units::Fractions | Units::Unsaid | Units::Cells => request.input(),
            Units::Pixels => (1.0, 1.0),
        };
        for (row, (logits, &[x, y, width, height])) in logits.zip(boxes).enumerate() {
            let (class, score) = self.best(logits);
            if score < request.settings.confidence {
                continue;
            }
            let corners = Corners::around(x, y, width, height).scaled(across, down);
            found.offer(request, corners, score, class, row);
        }
        Ok(())
    }

    /// The extents of logits and of boxes in a run; `None` where there is no such output.
    pub(super) fn extents(&self, outputs: &[Tensor]) -> Option<(Extent, Extent)> {
        let of = |index: usize| {
            let mut scratch = Vec::new();
            let values = scan::floats(output(outputs, index).ok()?, &mut scratch);
            Some(Extent::of(values.iter().copied()))
        };
        Some((of(self.logits)?, of(self.boxes)?))
    }

    /// The best class of a query and its confidence.
    fn best(&self, logits: &[f32]) -> (u32, f32) {
        let (class, logit) = scan::best(&logits[..self.classes]);
        let confidence = match self.kind {
            Logits::Confidences => logit,
            Logits::Sigmoid => sigmoid(logit),
            Logits::Softmax => share(logit, logits),
        };
        (class, confidence)
    }
}

/// `exp(logit) / Σ exp(logits)`, without overflow.
fn share(logit: f32, logits: &[f32]) -> f32 {
    let (_, highest) = scan::best(logits);
    let sum: f32 = logits.iter().map(|it| (it - highest).exp()).sum();
    (logit - highest).exp() / sum
}
