// SPDX-License-Identifier: MPL-2.0

//! What all detectors have in common: candidates, which of them stay, and their way back to the frame.

use super::found::{self, Found, Request, Scratch};
use super::nms;
use super::{Detr, EndToEnd, Fault, Prototypes, Scores, Ssd, TextMap, Yolo};
use super::{instances, scan, text_map, yolo};
use crate::answer::Instance;
use crate::tensor::Tensor;

/// How boxes are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boxes {
    Yolo(Yolo),
    EndToEnd(EndToEnd),
    Ssd(Ssd),
    Detr(Detr),
    TextMap(TextMap),
}

/// Memory for what boxes need on the way.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub found: Found,
    pub scratch: Scratch,
    best: yolo::Best,
    masks: instances::Work,
    text: text_map::Work,
}

impl Boxes {
    /// Finds the candidates of a frame that stay, in their final order.
    pub(super) fn find(&self, outputs: &[Tensor], request: &Request, work: &mut Work) -> Result<(), Fault> {
        let Work {
            found,
            scratch,
            best,
            text,
            ..
        } = work;
        found.candidates.clear();
        match self {
            Boxes::Yolo(it) => it.find(outputs, request, best, &mut scratch[0], found)?,
            Boxes::EndToEnd(it) => it.find(outputs, request, &mut scratch[0], found)?,
            Boxes::Ssd(it) => it.find(outputs, request, scratch, found)?,
            Boxes::Detr(it) => it.find(outputs, request, scratch, found)?,
            Boxes::TextMap(it) => it.find(outputs, request, &mut scratch[0], text, found)?,
        }
        let most = request.settings.max_detections;
        if self.are_finished() {
            nms::rank(&mut found.candidates, most);
        } else {
            nms::suppress(&mut found.candidates, request.settings.iou, most);
        }
        Ok(())
    }

    /// Whether the model itself leaves one box for each object.
    fn are_finished(&self) -> bool {
        match self {
            Boxes::Yolo(_) => false,
            Boxes::EndToEnd(_) | Boxes::Detr(_) | Boxes::TextMap(_) => true,
            Boxes::Ssd(it) => matches!(it.kind, Scores::Finished { .. }),
        }
    }

    /// Gives the candidates of a frame their masks.
    pub(super) fn outline(
        &self,
        prototypes: &Prototypes,
        outputs: &[Tensor],
        request: &Request,
        work: &mut Work,
        to: &mut Vec<Instance>,
    ) -> Result<(), Fault> {
        let Work {
            found,
            scratch,
            masks,
            ..
        } = work;
        let [for_boxes, for_planes, ..] = scratch;
        let output = match self {
            Boxes::Yolo(it) => it.output,
            Boxes::EndToEnd(it) => it.output,
            // Nobody recognizes prototypes beside these.
            Boxes::Ssd(_) | Boxes::Detr(_) | Boxes::TextMap(_) => return Ok(()),
        };
        let values = scan::floats(found::output(outputs, output)?, for_boxes);
        let planes = prototypes.read(outputs, for_planes)?;
        let mut length = 0;
        for candidate in &found.candidates {
            let Some(detection) = candidate.detection(request.place) else {
                continue;
            };
            self.coefficients(values, candidate.row as usize, &mut masks.coefficients);
            let instance = instances::at(to, length, detection, masks);
            planes.draw(&detection.region, request.place, masks, &mut instance.mask);
            length += 1;
        }
        instances::truncate(to, length, masks);
        Ok(())
    }

    fn coefficients(&self, values: &[f32], row: usize, to: &mut Vec<f32>) {
        match self {
            Boxes::Yolo(it) => it.coefficients(values, row, to),
            Boxes::EndToEnd(it) => it.coefficients(values, row, to),
            Boxes::Ssd(_) | Boxes::Detr(_) | Boxes::TextMap(_) => to.clear(),
        }
    }
}
