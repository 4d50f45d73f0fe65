// SPDX-License-Identifier: MPL-2.0

//! What holds of the inputs of a family of models, where the file says nothing.

use super::recognize::Family;
use super::{Boxes, Head, Recognition};
use crate::letterbox::Placement;
use crate::tensor::{Channels, InputSize};

/// How models of a family are fed in training; what is unset differs from model to model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsualInput {
    /// Name of the family.
    pub family: &'static str,
    pub channels: Option<Channels>,
    /// The values of black and white, one pair for all channels or one per channel in the order of `channels`.
    pub ranges: Option<&'static [(f32, f32)]>,
    /// What frames make of a size that is free.
    pub size: Option<InputSize>,
}

const BYTES: [(f32, f32); 1] = [(0.0, 255.0)];

const UNIT: [(f32, f32); 1] = [(-1.0, 1.0)];

/// ImageNet's mean and deviation: (0 - mean) / deviation and (1 - mean) / deviation of red, green and blue.
const IMAGENET: [(f32, f32); 3] = [(-2.1179, 2.2489), (-2.0357, 2.4286), (-1.8044, 2.64)];

const IMAGENET_BGR: [(f32, f32); 3] = [IMAGENET[2], IMAGENET[1], IMAGENET[0]];

/// The mean of ImageNet that Caffe's models subtract from blue, green and red: 104, 117, 123.
const CAFFE: [(f32, f32); 3] = [(-104.0, 151.0), (-117.0, 138.0), (-123.0, 132.0)];

/// UltraFace's: less 127, through 128.
const ULTRAFACE: [(f32, f32); 1] = [(-127.0 / 128.0, 1.0)];

impl UsualInput {
    /// What holds for what was recognized; `None` where that is no family but any model of a task.
    pub fn of(recognition: &Recognition) -> Option<UsualInput> {
        let named = |family| UsualInput {
            family,
            channels: None,
            ranges: None,
            size: None,
        };
        let usual = |family, channels, ranges| UsualInput {
            family,
            channels: Some(channels),
            ranges: Some(ranges),
            size: None,
        };
        let is_called = |name: &str| {
            let mut taken = recognition.taken.iter();
            taken.any(|it| it.key == "family" && it.value == name)
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
            (Family::Boxes(Boxes::Levels(it)), _) => Some(match it.head {
                Head::Scrfd => usual("SCRFD", Channels::Rgb, &[(-127.5 / 128.0, 127.5 / 128.0)]),
                Head::YuNet => usual("YuNet", Channels::Bgr, &BYTES),
                Head::PicoDet => usual("PicoDet", Channels::Rgb, &IMAGENET),
            }),
            (Family::Boxes(Boxes::NanoDet(_)), _) => Some(usual("NanoDet", Channels::Bgr, &IMAGENET_BGR)),
            (Family::Boxes(Boxes::Priors(it)), _) if it.points.is_some() => {
                // Its priors begin in each cell that a frame begins, whatever the frame's size.
                Some(UsualInput {
                    size: Some(InputSize::Frame),
                    ..usual("RetinaFace", Channels::Bgr, &CAFFE)
                })
            }
            (Family::Boxes(Boxes::Priors(_)), _) => Some(named("SSD")),
            (Family::Boxes(Boxes::CenterFace(_)), _) => Some(usual("CenterFace", Channels::Rgb, &BYTES)),
            // As RapidOCR feeds them: the picture as OpenCV reads it, mean and deviation 0.5.
            (Family::Boxes(Boxes::TextMap(_)), _) => Some(usual("PaddleOCR", Channels::Bgr, &UNIT)),
            (Family::Text(it), _) if it.is_paddle => Some(usual("PaddleOCR", Channels::Bgr, &UNIT)),
            (Family::Text(_) | Family::Boxes(Boxes::Landmarks(_)), _) => None,
            (Family::Boxes(Boxes::Ssd(_)), _) => Some(if is_called("ultraface") {
                usual("UltraFace", Channels::Rgb, &ULTRAFACE)
            } else {
                named("SSD")
            }),
            (Family::Boxes(Boxes::Detr(_)), _) => Some(named("DETR")),
            (Family::Map(_) | Family::Matte(_) | Family::Classes(_) | Family::Score(_), _) => None,
        }
    }
}
