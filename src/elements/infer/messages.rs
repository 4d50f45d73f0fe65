// SPDX-License-Identifier: MPL-2.0

//! The element messages, made of what the element has in hand. Their fields stand in [`crate::messages`].

use gst::glib;

use super::failure::Fault;
use super::interpretation::LabeledAnswer;
use super::key_frames::Scored;
use crate::answer::{Answer, Detection, Landmark, label_of};
use crate::messages::{
    Class, Corner, KeyFrame, ModelAnswer, ModelFailed, Object, Place, Point, Said, Share, StatementPart,
    TensorPart, Tensors, sentence,
};
use crate::runtime::{Model, Statement};
use crate::tensor::{Data, ElementType, Tensor};

/// Says that a model was refused.
pub fn failed(path: &str, fault: &Fault) -> gst::Structure {
    let failed = ModelFailed {
        file: path.to_owned(),
        cause: fault.to_string(),
    };
    failed.into()
}

/// One thing that a model is taken for.
pub fn statement(statement: &Statement) -> StatementPart {
    StatementPart {
        tensor: statement.tensor.clone(),
        key: statement.key.to_owned(),
        value: statement.value.clone(),
        origin: statement.origin.to_string(),
        line: statement.line.clone(),
    }
}

/// Carries the outputs of a run on the frame with these times.
pub fn tensors(
    model: &Model,
    outputs: &[Tensor],
    pts: Option<gst::ClockTime>,
    running_time: Option<gst::ClockTime>,
) -> Tensors {
    let described = model.outputs.iter().zip(&model.dims_orders).zip(outputs);
    let parts = described.map(|((info, order), tensor)| {
        let (element_type, data) = bytes(&tensor.data);
        TensorPart {
            id: info.id.clone(),
            name: info.name.clone(),
            element_type,
            dims: dims(&tensor.dims),
            dims_order: *order,
            data,
        }
    });
    Tensors {
        tensors: parts.collect(),
        pts,
        running_time,
        group_id: model.group_id.clone(),
    }
}

/// Says an answer in words.
pub fn in_words(answer: &LabeledAnswer) -> String {
    sentence::told(&said(answer))
}

/// Carries the answer about a frame or a stretch of sound with these times.
pub fn answer(
    answer: &LabeledAnswer,
    place: Place,
    pts: Option<gst::ClockTime>,
    running_time: Option<gst::ClockTime>,
) -> gst::Structure {
    let answer = ModelAnswer {
        place,
        pts,
        running_time,
        said: said(answer),
    };
    answer.into()
}

fn said(LabeledAnswer { answer, labels }: &LabeledAnswer) -> Said {
    let label = |class| label_of(labels, class).into_owned();
    let object = |found: &Detection| Object {
        label: label(found.class),
        label_id: found.class,
        confidence: found.confidence.into(),
        x: found.region.left.into(),
        y: found.region.top.into(),
        width: found.region.width.into(),
        height: found.region.height.into(),
        angle: found.turned.map(|it| it.angle.into()),
        corners: found.turned.map(|it| it.corners().map(corner).to_vec()),
        landmarks: (!found.landmarks.is_empty()).then(|| found.landmarks.iter().map(point).collect()),
    };
    match answer {
        Answer::Detections(found) => Said::Detections(found.iter().map(object).collect()),
        Answer::Instances(found) => Said::Instances(found.iter().map(|it| object(&it.detection)).collect()),
        Answer::Classes(scores) => {
            let classes = scores.iter().map(|it| Class {
                label: label(it.class),
                label_id: it.class,
                confidence: it.confidence.into(),
            });
            Said::Classes(classes.collect())
        }
        Answer::ClassMap(map) => {
            let shares = map.shares().into_iter().map(|(class, share)| Share {
                label: label(class),
                label_id: class,
                share: share.into(),
            });
            Said::Shares(shares.collect())
        }
        Answer::Matte(matte) => Said::Matte(matte.share().into()),
        Answer::Score(score) => Said::Score((*score).into()),
        Answer::Text(read) => Said::Text {
            text: read.text.clone(),
            confidence: read.confidence.into(),
        },
    }
}

fn corner((x, y): (f32, f32)) -> Corner {
    Corner {
        x: x.into(),
        y: y.into(),
    }
}

fn point(landmark: &Landmark) -> Point {
    Point {
        x: landmark.x.into(),
        y: landmark.y.into(),
        confidence: landmark.confidence.into(),
    }
}

/// Says that a frame was selected.
pub fn key_frame(peak: &Scored, stream_time: Option<gst::ClockTime>) -> gst::Structure {
    let key_frame = KeyFrame {
        pts: peak.pts,
        running_time: peak.running_time,
        stream_time,
        score: peak.score,
    };
    key_frame.into()
}

/// Copies the elements: the session's memory is reused.
fn bytes(data: &Data) -> (ElementType, glib::Bytes) {
    fn collect<T: Copy, const N: usize>(elements: &[T], spell: fn(T) -> [u8; N]) -> glib::Bytes {
        glib::Bytes::from_owned(elements.iter().flat_map(|&it| spell(it)).collect::<Vec<u8>>())
    }
    match data {
        Data::F32(elements) => (ElementType::F32, collect(elements, f32::to_ne_bytes)),
        Data::F16(elements) => (ElementType::F16, collect(elements, half::f16::to_ne_bytes)),
        Data::U8(elements) => (ElementType::U8, glib::Bytes::from(elements.as_slice())),
        Data::I32(elements) => (ElementType::I32, collect(elements, i32::to_ne_bytes)),
        Data::I64(elements) => (ElementType::I64, collect(elements, i64::to_ne_bytes)),
    }
}

/// Dimensions as structures have them.
pub fn dims(dims: &[usize]) -> Vec<u64> {
    dims.iter()
        .map(|&dim| u64::try_from(dim).unwrap_or(u64::MAX))
        .collect()
}
