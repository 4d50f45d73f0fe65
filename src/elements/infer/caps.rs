// SPDX-License-Identifier: MPL-2.0

//! Which frames and sound the element takes and makes: sizes follow the model's scale, everything else stays.

use gst::glib;
use gst::prelude::*;

use crate::audio;
#[cfg(feature = "analytics")]
use crate::media::analytics::tensor_caps;
#[cfg(feature = "analytics")]
use crate::runtime::Task;
use crate::runtime::{Model, Ratio};

/// Formats that go in and come out; the media code reads and writes exactly these.
const FORMATS: [gst_video::VideoFormat; 13] = {
    use gst_video::VideoFormat as Format;
    [
        Format::I420,
        Format::Nv12,
        Format::Gray8,
        Format::Rgb,
        Format::Bgr,
        Format::Rgba,
        Format::Bgra,
        Format::Argb,
        Format::Abgr,
        Format::Rgbx,
        Format::Bgrx,
        Format::Xrgb,
        Format::Xbgr,
    ]
};

/// Returns the caps of both pad templates.
pub fn template() -> gst::Caps {
    let mut caps = gst_video::VideoCapsBuilder::new().format_list(FORMATS).build();
    let sound = gst_audio::AudioCapsBuilder::new_interleaved().format_list(audio::FORMATS);
    caps.make_mut().append(sound.build());
    caps
}

/// Whether these are caps of sound.
pub fn is_sound(structure: &gst::StructureRef) -> bool {
    structure.has_name("audio/x-raw")
}

/// Returns the memory of these caps where it is not the main one, such as `memory:GLMemory`.
pub fn memory_elsewhere(caps: &gst::CapsRef) -> Option<String> {
    let features = caps.features(0).filter(|it| !it.is_any())?;
    let mut names = features.iter().filter(|it| it.starts_with("memory:"));
    names
        .find(|it| *it != gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY.as_str())
        .map(|it| it.to_string())
}

/// Returns what to put before this element so that frames come in main memory.
pub fn download(memory: &str) -> &'static str {
    match memory {
        "memory:GLMemory" => "gldownload",
        "memory:CUDAMemory" => "cudadownload",
        "memory:VAMemory" => "vapostproc",
        "memory:D3D11Memory" => "d3d11download",
        "memory:D3D12Memory" => "d3d12download",
        "memory:DMABuf" => "glupload ! gldownload",
        _ => "an element that brings them to main memory",
    }
}

/// Returns what the other pad has when this one, on the side of `direction`, has `caps`.
///
/// Without a model any size may come out of any size.
pub fn transform(direction: gst::PadDirection, caps: &gst::Caps, model: Option<&Model>) -> gst::Caps {
    tell_tensors(direction, resize(direction, caps, model), model)
}

/// What the source pad says of raw outputs; `None` where there are none, or nobody would understand it.
#[cfg(feature = "analytics")]
pub fn tensors(model: &Model) -> Option<gst::Structure> {
    let group = model.group_id.as_ref().filter(|_| is_raw(model))?;
    tensor_caps::describe(group, model.outputs.iter().zip(model.dims_orders.iter().copied()))
}

#[cfg(not(feature = "analytics"))]
pub fn tensors(_model: &Model) -> Option<gst::Structure> {
    None
}

/// Adds what the source pad says of raw outputs, or takes it away from what the sink pad may have.
#[cfg(feature = "analytics")]
fn tell_tensors(direction: gst::PadDirection, mut caps: gst::Caps, model: Option<&Model>) -> gst::Caps {
    match (direction, model.and_then(tensors)) {
        (gst::PadDirection::Sink, Some(described)) => tensor_caps::set(caps.make_mut(), &described),
        (gst::PadDirection::Src, _) if adds_tensors(model) => tensor_caps::remove(caps.make_mut()),
        _ => {}
    }
    caps
}

#[cfg(not(feature = "analytics"))]
fn tell_tensors(_direction: gst::PadDirection, caps: gst::Caps, _model: Option<&Model>) -> gst::Caps {
    caps
}

/// Takes what is said of raw outputs out of the answer to a caps query on the sink pad.
///
/// The base class offers upstream what downstream takes as it is, before it asks what this element makes of it.
#[cfg(feature = "analytics")]
pub fn hide_tensors(query: &mut gst::QueryRef, model: Option<&Model>) {
    let gst::QueryViewMut::Caps(query) = query.view_mut() else {
        return;
    };
    if let Some(mut result) = query.result_owned().filter(|_| adds_tensors(model)) {
        tensor_caps::remove(result.make_mut());
        result.simplify();
        query.set_result(&result);
    }
}

#[cfg(not(feature = "analytics"))]
pub fn hide_tensors(_query: &mut gst::QueryRef, _model: Option<&Model>) {}

/// Whether tensors on frames behind this element are its own; those of others pass. A model that is not there yet may
/// have any.
#[cfg(feature = "analytics")]
fn adds_tensors(model: Option<&Model>) -> bool {
    model.is_none_or(is_raw)
}

/// Whether the model's outputs travel on frames as they are.
#[cfg(feature = "analytics")]
fn is_raw(model: &Model) -> bool {
    model.task == Task::Tensor && model.input_spec.sound().is_none()
}

fn resize(direction: gst::PadDirection, caps: &gst::Caps, model: Option<&Model>) -> gst::Caps {
    let is_other = |structure: &gst::StructureRef| {
        model.is_some_and(|it| is_sound(structure) != it.input_spec.sound().is_some())
    };
    let mut own = gst::Caps::new_empty();
    let mut others = gst::Caps::new_empty();
    for (structure, features) in caps.iter_with_features() {
        // What the model is not made for is refused when it comes, and told; here it would be a bare "not-negotiated".
        let (list, other) = match (is_other(structure), is_sound(structure)) {
            (true, _) => (&mut others, Some(structure.to_owned())),
            (false, true) => (&mut own, narrow_channels(structure, model)),
            (false, false) => (&mut own, resize_frames(structure, direction, model)),
        };
        if let Some(other) = other {
            list.make_mut()
                .append_structure_full(other, Some(features.to_owned()));
        }
    }
    own.make_mut().append(others);
    own
}

/// Sound that a model can answer: one for one channel takes any number of them.
fn narrow_channels(structure: &gst::StructureRef, model: Option<&Model>) -> Option<gst::Structure> {
    let spec = model.and_then(|it| it.input_spec.sound());
    let Some(channels @ 2..) = spec.map(|it| it.channels) else {
        return Some(structure.to_owned());
    };
    let channels = i32::try_from(channels).unwrap_or(i32::MAX);
    let only = gst::Structure::builder("audio/x-raw").field("channels", channels);
    structure.intersect(&only.build())
}

/// Frames of the size that goes with this one; `None` where there is none.
fn resize_frames(
    structure: &gst::StructureRef,
    direction: gst::PadDirection,
    model: Option<&Model>,
) -> Option<gst::Structure> {
    let mut other = structure.to_owned();
    if model.is_some_and(Model::keeps_size) {
        return Some(other);
    }
    let ratios = model.map(|it| (it.scale.width, it.scale.height)).unzip();
    for (name, ratio) in [("width", ratios.0), ("height", ratios.1)] {
        let known = ratio.zip(structure.value(name).ok());
        let size = known.map_or(Some(any_size()), |(ratio, it)| scale(it, direction, ratio))?;
        other.set_value(name, size);
    }
    Some(other)
}

fn any_size() -> glib::SendValue {
    gst::IntRange::<i32>::new(1, i32::MAX).to_send_value()
}

/// Scales a size, a range of sizes or a list of sizes. `None` when no size remains.
fn scale(value: &glib::SendValue, direction: gst::PadDirection, ratio: Ratio) -> Option<glib::SendValue> {
    if let Ok(size) = value.get::<i32>() {
        let sizes = scale_one(size, direction, ratio);
        return match sizes.as_slice() {
            [] => None,
            [one] => Some(one.to_send_value()),
            several => Some(gst::List::new(several.iter().map(|it| it.to_send_value())).to_send_value()),
        };
    }
    if let Ok(range) = value.get::<gst::IntRange<i32>>() {
        let [min, max] = [range.min(), range.max()].map(|it| scale_end(it, direction, ratio));
        return Some(match min < max {
            true => gst::IntRange::<i32>::new(min, max).to_send_value(),
            false => min.to_send_value(),
        });
    }
    if let Ok(list) = value.get::<gst::ListRef>() {
        let sizes: Vec<_> = list.iter().filter_map(|it| scale(it, direction, ratio)).collect();
        return (!sizes.is_empty()).then(|| gst::List::new(sizes).to_send_value());
    }
    Some(any_size())
}

/// Returns the sizes on the other side that go with this one: exactly one towards the source pad, and
/// towards the sink pad all those that come out as this size.
fn scale_one(size: i32, direction: gst::PadDirection, ratio: Ratio) -> Vec<i32> {
    let Ok(size) = usize::try_from(size) else {
        return Vec::new();
    };
    let to_caps = |size: usize| i32::try_from(size).ok();
    if direction == gst::PadDirection::Sink {
        return to_caps(ratio.apply(size)).into_iter().collect();
    }
    // A size is reached from an interval of sizes that is as wide as the inverse of the ratio.
    let reach = ratio.inverse().value().ceil() as usize + 1;
    let guess = ratio.inverse().apply(size);
    let candidates = guess.saturating_sub(reach).max(1)..=guess.saturating_add(reach);
    candidates
        .filter(|&candidate| ratio.apply(candidate) == size)
        .filter_map(to_caps)
        .collect()
}

/// Scales the end of a range; ends at the limit stay there.
fn scale_end(size: i32, direction: gst::PadDirection, ratio: Ratio) -> i32 {
    let ratio = match direction {
        gst::PadDirection::Sink => ratio,
        _ => ratio.inverse(),
    };
    match usize::try_from(size) {
        _ if size == i32::MAX => i32::MAX,
        Ok(size) => i32::try_from(ratio.apply(size)).unwrap_or(i32::MAX).max(1),
        Err(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(direction: gst::PadDirection, value: impl ToSendValue, ratio: (usize, usize)) -> Option<String> {
        gst::init().unwrap();
        let ratio = Ratio::new(ratio.0, ratio.1).unwrap();
        let value = scale(&value.to_send_value(), direction, ratio)?;
        value.serialize().ok().map(|it| it.to_string())
    }

    #[test]
    fn sizes_ranges_and_lists_follow_the_scale_both_ways() {
        use gst::PadDirection::{Sink, Src};
        gst::init().unwrap();
        let range = gst::IntRange::<i32>::new(2, i32::MAX);
        let list = gst::List::new([10.to_send_value(), 11.to_send_value()]);
        assert_eq!(other(Sink, 320, (2, 1)).as_deref(), Some("640"));
        assert_eq!(other(Src, 640, (2, 1)).as_deref(), Some("320"));
        assert_eq!(other(Sink, 321, (1, 2)).as_deref(), Some("161"));
        assert_eq!(other(Sink, range, (2, 1)).as_deref(), Some("[ 4, 2147483647 ]"));
        assert_eq!(other(Src, range, (2, 1)).as_deref(), Some("[ 1, 2147483647 ]"));
        assert_eq!(
            other(Sink, list.clone(), (3, 1)).as_deref(),
            Some("{ (int)30, (int)33 }")
        );
        assert_eq!(other(Src, list, (2, 1)).as_deref(), Some("{ (int)5 }"));
    }

    #[test]
    fn a_size_that_no_input_leads_to_is_not_offered() {
        assert_eq!(other(gst::PadDirection::Src, 641, (2, 1)), None);
    }

    #[test]
    fn every_input_that_rounds_to_the_output_is_offered() {
        assert_eq!(
            other(gst::PadDirection::Src, 161, (1, 2)).as_deref(),
            Some("{ (int)321, (int)322 }")
        );
    }
}
