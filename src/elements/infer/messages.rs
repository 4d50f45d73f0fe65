// SPDX-License-Identifier: MPL-2.0

//! The element messages and their fields.

use gst::glib;
use gst::prelude::*;

use super::failure::Fault;
use super::key_frames::Scored;
use super::stats::{Running, dims_value};
use crate::answer::{Answer, Detection};
use crate::audio::Span;
use crate::media::metas;
use crate::runtime::Model;
use crate::tensor::{Data, Tensor};

/// Says that a model answers from now on.
pub fn loaded(running: &Running) -> gst::Structure {
    gst::Structure::builder("avrec/model-loaded")
        .field("model-file", running.model.path.to_string_lossy().as_ref())
        .field("task", running.model.task.name())
        .field("backend", running.backend)
        .field("backend-note", running.backend_note.as_str())
        .field("threads", u32::try_from(running.threads).unwrap_or(u32::MAX))
        .field("load-time-ns", running.load_time_ns)
        .field("assumed", running.assumed.join(" "))
        .build()
}

/// Says that a model was refused.
pub fn failed(path: &str, fault: &Fault) -> gst::Structure {
    gst::Structure::builder("avrec/model-failed")
        .field("model-file", path)
        .field("cause", fault.to_string())
        .build()
}

/// Carries the outputs of a run on the frame with these times.
pub fn tensors(
    model: &Model,
    outputs: &[Tensor],
    pts: Option<gst::ClockTime>,
    running_time: Option<gst::ClockTime>,
) -> gst::Structure {
    let described = model.outputs.iter().zip(&model.dims_orders).zip(outputs);
    let tensors = described.map(|((info, order), tensor)| {
        let (kind, data) = bytes(&tensor.data);
        gst::Structure::builder("tensor")
            .field("id", info.id.as_str())
            .field("name", info.name.as_str())
            .field("type", kind)
            .field("dims", dims_value(&tensor.dims))
            .field("dims-order", order.name())
            .field("data", data)
            .build()
            .to_send_value()
    });
    let mut builder = gst::Structure::builder("avrec/tensors").field("tensors", gst::Array::new(tensors));
    if let Some(pts) = pts {
        builder = builder.field("pts", pts);
    }
    if let Some(running_time) = running_time {
        builder = builder.field("running-time", running_time);
    }
    if let Some(group) = &model.group_id {
        builder = builder.field("group-id", group.as_str());
    }
    builder.build()
}

/// Carries the answer about a frame of `size` with these times.
pub fn answer(
    answer: &Answer,
    labels: &[String],
    size: (u32, u32),
    pts: Option<gst::ClockTime>,
    running_time: Option<gst::ClockTime>,
) -> gst::Structure {
    let name = match answer {
        Answer::Detections(_) => "avrec/detections",
        Answer::Classes(_) => "avrec/classes",
        Answer::ClassMap(_) | Answer::Instances(_) => "avrec/segments",
        Answer::Score(_) => "avrec/score",
    };
    let builder = gst::Structure::builder(name)
        .field("width", size.0)
        .field("height", size.1)
        .field_if_some("pts", pts)
        .field_if_some("running-time", running_time);
    match answer {
        Answer::Detections(found) => {
            let objects = found.iter().map(|it| object(it, labels).to_send_value());
            builder.field("objects", gst::Array::new(objects))
        }
        Answer::Instances(found) => {
            let objects = found
                .iter()
                .map(|it| object(&it.detection, labels).to_send_value());
            builder.field("objects", gst::Array::new(objects))
        }
        Answer::Classes(scores) => {
            let classes = scores
                .iter()
                .map(|it| believed("class", it.class, it.confidence, labels));
            builder.field(
                "classes",
                gst::Array::new(classes.map(|it| it.build().to_send_value())),
            )
        }
        Answer::ClassMap(map) => {
            let shares = map.shares().into_iter();
            let classes = shares.map(|(class, share)| {
                let class = gst::Structure::builder("class")
                    .field("label", &*metas::name(labels, class))
                    .field("label-id", class)
                    .field("share", f64::from(share));
                class.build().to_send_value()
            });
            builder.field("classes", gst::Array::new(classes))
        }
        Answer::Score(score) => builder.field("score", f64::from(*score)),
    }
    .build()
}

/// Carries the answer about a stretch of sound.
pub fn about_sound(
    said: &Answer,
    labels: &[String],
    span: Span,
    running_time: Option<gst::ClockTime>,
) -> gst::Structure {
    let mut structure = answer(said, labels, (0, 0), span.pts, running_time);
    structure.remove_fields(["width", "height"]);
    structure.set("duration", span.duration);
    structure
}

fn object(detection: &Detection, labels: &[String]) -> gst::Structure {
    let region = detection.region;
    believed("object", detection.class, detection.confidence, labels)
        .field("x", f64::from(region.left))
        .field("y", f64::from(region.top))
        .field("width", f64::from(region.width))
        .field("height", f64::from(region.height))
        .build()
}

fn believed(name: &str, class: u32, confidence: f32, labels: &[String]) -> gst::structure::Builder {
    gst::Structure::builder(name)
        .field("label", &*metas::name(labels, class))
        .field("label-id", class)
        .field("confidence", f64::from(confidence))
}

/// Says that a frame was selected.
pub fn key_frame(peak: &Scored, stream_time: Option<gst::ClockTime>) -> gst::Structure {
    gst::Structure::builder("avrec/key-frame")
        .field("pts", peak.pts)
        .field("running-time", peak.running_time)
        .field_if_some("stream-time", stream_time)
        .field("score", peak.score)
        .build()
}

/// Names the type as GStreamer does, and copies the elements: the session's memory is reused.
fn bytes(data: &Data) -> (&'static str, glib::Bytes) {
    fn collect<T: Copy, const N: usize>(elements: &[T], spell: fn(T) -> [u8; N]) -> glib::Bytes {
        glib::Bytes::from_owned(elements.iter().flat_map(|&it| spell(it)).collect::<Vec<u8>>())
    }
    match data {
        Data::F32(elements) => ("float32", collect(elements, f32::to_ne_bytes)),
        Data::F16(elements) => ("float16", collect(elements, half::f16::to_ne_bytes)),
        Data::U8(elements) => ("uint8", glib::Bytes::from(elements.as_slice())),
        Data::I32(elements) => ("int32", collect(elements, i32::to_ne_bytes)),
        Data::I64(elements) => ("int64", collect(elements, i64::to_ne_bytes)),
    }
}
