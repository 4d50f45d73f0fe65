// SPDX-License-Identifier: MPL-2.0

//! The caps field `tensors`, by which GStreamer 1.28 finds the decoder for a model's outputs.
//!
//! Its shape: a structure `tensorgroups` with a field per group, named by the group's id, that holds a unique list
//! of caps `tensor/strided`, one per tensor.

use crate::tensor::{Dim, DimsOrder, TensorInfo};

/// The field of `video/x-raw` and `audio/x-raw`.
pub const FIELD: &str = "tensors";

/// The first version with unique lists, and with elements that read the field.
const SINCE: (u32, u32) = (1, 28);

/// Describes the outputs of a model; dimensions that the model leaves open are 0.
///
/// `None` where GStreamer is older than 1.28 when it runs, as nothing there knows the field and not even its type
/// exists; and where the group's id is no name for a field, which is logged by GStreamer.
pub fn describe<'a>(
    group: &str,
    outputs: impl IntoIterator<Item = (&'a TensorInfo, DimsOrder)>,
) -> Option<gst::Structure> {
    let (major, minor, ..) = gst::version();
    if (major, minor) < SINCE {
        return None;
    }
    let tensors: Vec<String> = outputs
        .into_iter()
        .map(|(info, order)| format!("(GstCaps)[{}]", one(info, order)))
        .collect();
    // The bindings make unique lists only where they may assume GStreamer 1.28 throughout.
    let text = format!("tensorgroups, {group}=(/uniquelist){{{}}};", tensors.join(", "));
    text.parse().ok()
}

/// Sets the field on each structure of `caps`.
pub fn set(caps: &mut gst::CapsRef, tensors: &gst::Structure) {
    caps.iter_mut()
        .for_each(|structure| structure.set(FIELD, tensors));
}

/// Takes the field away, since it says nothing about what goes into a model.
pub fn remove(caps: &mut gst::CapsRef) {
    caps.iter_mut()
        .for_each(|structure| structure.remove_field(FIELD));
}

fn one(info: &TensorInfo, order: DimsOrder) -> gst::Caps {
    let dims = info.dims.iter().map(|dim| match dim {
        Dim::Fixed(size) => i32::try_from(*size).unwrap_or(i32::MAX),
        Dim::Dynamic(_) => 0,
    });
    gst::Caps::builder("tensor/strided")
        .field("tensor-id", info.id.as_str())
        .field("dims", gst::Array::new(dims))
        .field("dims-order", order.name())
        .field("type", info.element_type.name())
        .build()
}
