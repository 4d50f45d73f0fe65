// SPDX-License-Identifier: MPL-2.0

//! What all detectors have in common: candidates, which of them stay, and their way back to the frame.

use super::extra::Attributes;
use super::found::{self, Found, Request, Scratch};
use super::nms;
use super::nms::Candidate;
use super::{CenterFace, Landmarks, Levels, NanoDet, Priors};
use super::{Detr, EndToEnd, Extra, Fault, Prototypes, Scores, Ssd, TextMap, Yolo};
use super::{instances, priors, scan, text_map, yolo};
use crate::answer::{Detection, Instance, Landmark};
use crate::letterbox::Letterbox;
use crate::tensor::Tensor;

/// How boxes are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boxes {
    Yolo(Yolo),
    EndToEnd(EndToEnd),
    Ssd(Ssd),
    Detr(Detr),
    TextMap(TextMap),
    Levels(Levels),
    NanoDet(NanoDet),
    Priors(Priors),
    CenterFace(CenterFace),
    Landmarks(Landmarks),
}

/// Memory for what boxes need on the way.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub found: Found,
    pub scratch: Scratch,
    best: yolo::Best,
    masks: instances::Work,
    text: text_map::Work,
    priors: priors::Memory,
    /// Memory of key points that no detection has at present.
    points: Vec<Vec<Landmark>>,
}

impl Boxes {
    /// As [`Family::outputs_read`](super::Family::outputs_read).
    pub(super) fn outputs_read(&self) -> Vec<usize> {
        match self {
            Boxes::Yolo(it) => vec![it.output],
            Boxes::EndToEnd(it) => it.outputs_read(),
            Boxes::Ssd(it) => it.outputs_read(),
            Boxes::Detr(it) => vec![it.logits, it.boxes],
            Boxes::Levels(it) => it.outputs_read(),
            Boxes::NanoDet(it) => vec![it.output],
            Boxes::Priors(it) => it.outputs_read(),
            Boxes::CenterFace(it) => it.outputs_read(),
            Boxes::Landmarks(it) => it.outputs_read(),
            Boxes::TextMap(it) => vec![it.output],
        }
    }

    /// Makes what does not depend on a frame, where the size of the input is known.
    pub(super) fn prepare(&self, work: &mut Work) {
        if let Boxes::Priors(it) = self
            && let Some(input) = it.input
        {
            it.prepare(input, &mut work.priors);
        }
    }

    /// Finds the candidates of a frame that stay, in their final order.
    pub(super) fn find(&self, outputs: &[Tensor], request: &Request, work: &mut Work) -> Result<(), Fault> {
        let Work {
            found,
            scratch,
            best,
            text,
            priors,
            ..
        } = work;
        found.candidates.clear();
        match self {
            Boxes::Yolo(it) => it.find(outputs, request, best, &mut scratch[0], found)?,
            Boxes::EndToEnd(it) => it.find(outputs, request, scratch, found)?,
            Boxes::Ssd(it) => it.find(outputs, request, scratch, found)?,
            Boxes::Detr(it) => it.find(outputs, request, scratch, found)?,
            Boxes::TextMap(it) => it.find(outputs, request, &mut scratch[0], text, found)?,
            Boxes::Levels(it) => it.find(outputs, request, scratch, found)?,
            Boxes::NanoDet(it) => it.find(outputs, request, best, &mut scratch[0], found)?,
            Boxes::Priors(it) => it.find(outputs, request, scratch, priors, found)?,
            Boxes::CenterFace(it) => it.find(outputs, request, scratch, found)?,
            Boxes::Landmarks(it) => it.find(outputs, request, &mut scratch[0], found)?,
        }
        self.turn(outputs, found)?;
        found.judge();
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
            Boxes::Yolo(_) | Boxes::Levels(_) | Boxes::NanoDet(_) => false,
            Boxes::Priors(_) | Boxes::CenterFace(_) => false,
            Boxes::EndToEnd(_) | Boxes::Detr(_) | Boxes::Landmarks(_) | Boxes::TextMap(_) => true,
            Boxes::Ssd(it) => matches!(it.kind, Scores::Finished { .. }),
        }
    }

    /// What the rows of a YOLO model have after their classes.
    fn extra(&self) -> Extra {
        match self {
            Boxes::Yolo(it) => it.extra,
            Boxes::EndToEnd(it) => it.extra,
            _ => Extra::Masks,
        }
    }

    fn attributes<'a>(&self, outputs: &'a [Tensor], row: usize) -> Result<Option<Attributes<'a>>, Fault> {
        match self {
            Boxes::Yolo(it) => it.extra(outputs, row).map(Some),
            Boxes::EndToEnd(it) => it.extra(outputs, row).map(Some),
            _ => Ok(None),
        }
    }

    /// Gives candidates their angles, where the model has any.
    fn turn(&self, outputs: &[Tensor], found: &mut Found) -> Result<(), Fault> {
        if self.extra() != Extra::Angle {
            return Ok(());
        }
        let mut kept = 0;
        for index in 0..found.candidates.len() {
            let candidate = found.candidates[index];
            let attributes = self.attributes(outputs, candidate.row as usize)?;
            match attributes.and_then(|it| it.turn(candidate)) {
                Some(turned) => {
                    found.candidates[kept] = turned;
                    kept += 1;
                }
                None => found.dropped += 1,
            }
        }
        found.candidates.truncate(kept);
        Ok(())
    }

    /// Makes detections of the candidates of a frame, with their key points.
    pub(super) fn tell(
        &self,
        outputs: &[Tensor],
        place: &Letterbox,
        work: &mut Work,
        to: &mut Vec<Detection>,
    ) -> Result<(), Fault> {
        for mut old in to.drain(..) {
            if old.landmarks.capacity() != 0 {
                old.landmarks.clear();
                work.points.push(old.landmarks);
            }
        }
        for index in 0..work.found.candidates.len() {
            let candidate = work.found.candidates[index];
            let Some(mut detection) = candidate.detection(place) else {
                continue;
            };
            if self.has_points() {
                detection.landmarks = work.points.pop().unwrap_or_default();
                self.points(outputs, place, &candidate, work, &mut detection.landmarks)?;
                for point in &mut detection.landmarks {
                    *point = place.point_to_frame(*point);
                }
            }
            to.push(detection);
        }
        // The next frame gives the memory back before it takes any.
        work.points.reserve(to.len());
        Ok(())
    }

    fn has_points(&self) -> bool {
        match self {
            Boxes::Levels(it) => 0 < it.key_points,
            Boxes::Priors(it) => it.points.is_some(),
            Boxes::CenterFace(_) | Boxes::Landmarks(_) => true,
            _ => matches!(self.extra(), Extra::Points { .. }),
        }
    }

    /// Leaves the key points of a candidate, in input pixels.
    fn points(
        &self,
        outputs: &[Tensor],
        place: &Letterbox,
        candidate: &Candidate,
        work: &mut Work,
        to: &mut Vec<Landmark>,
    ) -> Result<(), Fault> {
        let row = candidate.row as usize;
        match self {
            Boxes::Levels(it) => it.points(outputs, place.input, row, to),
            Boxes::Priors(it) => it.points(outputs, &work.priors, row, to),
            Boxes::CenterFace(it) => it.points(outputs, row, to),
            Boxes::Landmarks(it) => it.points(outputs, place.input, &mut work.scratch[0], to),
            _ => {
                if let (Some(attributes), Extra::Points { each }) =
                    (self.attributes(outputs, row)?, self.extra())
                {
                    attributes.points(each, to);
                }
                Ok(())
            }
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
            _ => return Ok(()),
        };
        let values = scan::floats(found::output(outputs, output)?, for_boxes);
        let planes = prototypes.read(outputs, for_planes)?;
        let mut length = 0;
        for candidate in &found.candidates {
            let Some(detection) = candidate.detection(request.place) else {
                continue;
            };
            self.coefficients(values, candidate.row as usize, &mut masks.coefficients);
            let region = detection.region;
            let instance = instances::at(to, length, detection, masks);
            planes.draw(&region, request, masks, &mut instance.mask);
            length += 1;
        }
        instances::truncate(to, length, masks);
        Ok(())
    }

    fn coefficients(&self, values: &[f32], row: usize, to: &mut Vec<f32>) {
        match self {
            Boxes::Yolo(it) => it.coefficients(values, row, to),
            Boxes::EndToEnd(it) => it.coefficients(values, row, to),
            _ => to.clear(),
        }
    }
}
