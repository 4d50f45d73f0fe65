// SPDX-License-Identifier: MPL-2.0

//! The element messages and their fields.

use gst::glib;
use gst::prelude::*;

use super::failure::Fault;
use super::stats::{Running, dims_value};
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
