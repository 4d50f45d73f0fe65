// SPDX-License-Identifier: MPL-2.0

//! Detectors of faces: which ones they are, for their class has a name then.

use crate::decode::model::Model;
use crate::decode::{Boxes, Ssd};

/// Whether a detector of one class finds faces, for all public models of its family do.
pub(super) fn are_found(boxes: &Boxes, model: &Model) -> bool {
    match boxes {
        Boxes::Levels(it) => it.classes == 1 && it.key_points == FACE_POINTS,
        Boxes::Priors(it) => it.classes == 1 && it.key_points == FACE_POINTS,
        Boxes::CenterFace(it) => it.key_points == FACE_POINTS,
        Boxes::Ssd(ssd) => is_ultraface(ssd, model),
        _ => false,
    }
}

/// Strides of UltraFace's grids, with the boxes of each cell (Linzaer, "Ultra-Light-Fast-Generic-Face-Detector-1MB").
const ULTRAFACE: [(usize, usize); 4] = [(8, 3), (16, 2), (32, 2), (64, 3)];

/// Whether boxes with two scores each are as many as UltraFace has over the input, or are said to be its.
pub(super) fn is_ultraface(ssd: &Ssd, model: &Model) -> bool {
    if let Some(said) = model.family() {
        return said == "ultraface";
    }
    let Some(input) = model.input else { return false };
    let cells = |stride: usize| input.width.div_ceil(stride) * input.height.div_ceil(stride);
    let rows: usize = ULTRAFACE.iter().map(|&(stride, each)| each * cells(stride)).sum();
    let is_of = |output: usize, each: usize| model.sizes(output).ends_with(&[Some(rows), Some(each)]);
    is_of(ssd.boxes, 4) && is_of(ssd.scores, 2)
}

/// Eyes, nose, corners of the mouth.
const FACE_POINTS: usize = 5;
