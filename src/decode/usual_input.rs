// SPDX-License-Identifier: MPL-2.0

//! What holds of the inputs of a family of models, where the file says nothing.

use super::recognize::Family;
use super::{Boxes, Recognition};
use crate::letterbox::Placement;
use crate::tensor::Channels;

/// How models of a family are fed in training; what is unset differs from model to model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsualInput {
    /// Name of the family.
    pub family: &'static str,
    pub channels: Option<Channels>,
    /// The values of black and white, one pair for all channels or one per channel in the order of `channels`.
    pub ranges: Option<&'static [(f32, f32)]>,
}

impl UsualInput {
    /// What holds for what was recognized; `None` where that is no family but any model of a task.
    pub fn of(recognition: &Recognition) -> Option<UsualInput> {
        let named = |family| UsualInput {
            family,
            channels: None,
            ranges: None,
        };
        match (&recognition.family, recognition.placement) {
            // The picture as OpenCV reads it: `ValTransform` of YOLOX neither divides nor turns the channels.
            (Family::Boxes(Boxes::Yolo(_)), Placement::Cornered) => Some(UsualInput {
                channels: Some(Channels::Bgr),
                ranges: Some(&[(0.0, 255.0)]),
                ..named("YOLOX")
            }),
            (Family::Boxes(Boxes::Yolo(_) | Boxes::EndToEnd(_)) | Family::Instances(..), _) => {
                Some(named("YOLO"))
            }
            (Family::Boxes(Boxes::Ssd(_)), _) => Some(named("SSD")),
            (Family::Boxes(Boxes::Detr(_)), _) => Some(named("DETR")),
            (Family::Map(_) | Family::Matte(_) | Family::Classes(_) | Family::Score(_), _) => None,
        }
    }
}
