// SPDX-License-Identifier: MPL-2.0

//! Where caps part, said in fields, and the elements that convert between them.

use gst::prelude::*;

/// How `given` falls outside of what is taken: `format is I420_10LE where one of I420, NV12 is taken`.
///
/// Of several structures the first given is compared with the nearest one that is taken.
pub fn difference(given: &gst::CapsRef, taken: &gst::CapsRef) -> String {
    let Some(parting) = parting(given, taken) else {
        return format!("{} where {} is taken", short(given), short(taken));
    };
    parting.join(", ")
}

/// Stock elements that convert what is given into what is taken; `None` where none does.
pub fn converters(given: &gst::CapsRef, taken: &gst::CapsRef) -> Option<String> {
    let (own, features) = given.iter_with_features().next()?;
    let (other, wanted) = nearest(given, taken)?;
    if own.name() != other.name() {
        return None;
    }
    let mut needed: Vec<&str> = Vec::new();
    let mut need = |element: &'static str| {
        if !needed.contains(&element) {
            needed.push(element);
        }
    };
    if lies_elsewhere(features, wanted) {
        return None;
    }
    for field in parting_fields(own, other) {
        match field.as_str() {
            "rate" => need("audioresample"),
            "format" | "layout" | "channels" | "channel-mask" if own.name() == "audio/x-raw" => {
                need("audioconvert")
            }
            "framerate" => need("videorate"),
            "interlace-mode" | "field-order" => need("deinterlace"),
            "format" | "colorimetry" | "chroma-site" => need("videoconvert"),
            "width" | "height" | "pixel-aspect-ratio" => need("videoscale"),
            _ => return None,
        }
    }
    (!needed.is_empty()).then(|| needed.join(" ! "))
}

/// Caps as one writes them: without types and spaces.
pub fn short(caps: &gst::CapsRef) -> String {
    let structure = |(structure, features): (&gst::StructureRef, &gst::CapsFeaturesRef)| {
        let ordinary = gst::CapsFeatures::new([gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY]);
        let mut text = structure.name().to_string();
        if !features.is_equal(&ordinary) {
            text += &format!("({features})");
        }
        for (field, value) in structure.iter() {
            text += &format!(",{field}={}", serialized(value));
        }
        text
    };
    match caps.is_any() || caps.is_empty() {
        true => caps.to_string(),
        false => caps
            .iter_with_features()
            .map(structure)
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// The caps without the fields that the others say alike; all of them where none differs.
pub fn only_parting(caps: &gst::CapsRef, others: &gst::CapsRef) -> gst::Caps {
    let mut short = caps.to_owned();
    if let (Some(structure), Some(other)) = (short.make_mut().structure_mut(0), others.structure(0)) {
        let is_alike = |field: &str, value: &gst::glib::Value| {
            let both = other.value(field).map(|it| it.compare(value));
            both.is_ok_and(|it| it == Some(std::cmp::Ordering::Equal))
        };
        structure.filter_map_in_place(|field, value| (!is_alike(field.as_str(), &value)).then_some(value));
        if structure.n_fields() == 0 {
            return caps.to_owned();
        }
    }
    short
}

/// The structure of `taken` that the first one of `given` parts least from.
fn nearest<'a>(
    given: &gst::CapsRef,
    taken: &'a gst::CapsRef,
) -> Option<(&'a gst::StructureRef, &'a gst::CapsFeaturesRef)> {
    let (own, features) = given.iter_with_features().next()?;
    let distance = |it: &(&gst::StructureRef, &gst::CapsFeaturesRef)| {
        let is_other = own.name() != it.0.name();
        (
            is_other,
            lies_elsewhere(features, it.1),
            parting_fields(own, it.0).len(),
        )
    };
    taken.iter_with_features().min_by_key(distance)
}

/// Whether they are in memory of another kind.
fn lies_elsewhere(own: &gst::CapsFeaturesRef, other: &gst::CapsFeaturesRef) -> bool {
    !own.is_any() && !other.is_any() && !own.is_equal(other)
}

/// What parts, field by field; `None` where no field does.
fn parting(given: &gst::CapsRef, taken: &gst::CapsRef) -> Option<Vec<String>> {
    let (own, features) = given.iter_with_features().next()?;
    let (other, wanted) = nearest(given, taken)?;
    if own.name() != other.name() {
        return Some(vec![format!(
            "it is {} where {} is taken",
            own.name(),
            other.name()
        )]);
    }
    let mut all = Vec::new();
    if lies_elsewhere(features, wanted) {
        all.push(format!("the memory is {features} where {wanted} is taken"));
    }
    for field in parting_fields(own, other) {
        let text = |it: &gst::StructureRef| {
            let value = it.value(field.as_str()).ok();
            value.map_or("absent".to_string(), said)
        };
        all.push(format!("{field} is {} where {} is taken", text(own), text(other)));
    }
    (!all.is_empty()).then_some(all)
}

/// A value as caps write it, without its type; of a list, what is in it.
fn said(value: &gst::glib::SendValue) -> String {
    match value.get::<gst::ListRef>() {
        Ok(list) => {
            let all: Vec<String> = list.iter().map(serialized).collect();
            format!("one of {}", all.join(", "))
        }
        Err(_) => serialized(value),
    }
}

fn serialized(value: &gst::glib::SendValue) -> String {
    match value.serialize() {
        Ok(text) => text.to_string(),
        Err(_) => format!("{value:?}"),
    }
}

/// Fields that both have, with nothing in common.
fn parting_fields(own: &gst::StructureRef, other: &gst::StructureRef) -> Vec<String> {
    let parts = |field: &str| match (own.value(field), other.value(field)) {
        (Ok(own), Ok(other)) => own.intersect(other).is_none(),
        _ => false,
    };
    own.fields()
        .map(|it| it.to_string())
        .filter(|it| parts(it))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn check(given: &str, taken: &str, expected: &str, by: Option<&str>) {
        gst::init().unwrap();
        let [given, taken] = [given, taken].map(|it| gst::Caps::from_str(it).unwrap());
        assert_eq!(difference(&given, &taken), expected);
        assert_eq!(converters(&given, &taken).as_deref(), by);
    }

    #[test]
    fn the_fields_that_part_are_named_with_the_elements_that_convert_them() {
        check(
            "video/x-raw,format=I420_10LE,width=320,height=180",
            "video/x-raw,format={I420,NV12}; audio/x-raw",
            "format is I420_10LE where one of I420, NV12 is taken",
            Some("videoconvert"),
        );
        check(
            "video/x-raw,width=640,height=360,framerate=30/1",
            "video/x-raw,width=320,height=180,framerate=25/1",
            "width is 640 where 320 is taken, height is 360 where 180 is taken, framerate is 30/1 where 25/1 is taken",
            Some("videoscale ! videorate"),
        );
        check(
            "audio/x-raw,format=S16LE,rate=44100",
            "audio/x-raw,format=F32LE,rate=48000",
            "format is S16LE where F32LE is taken, rate is 44100 where 48000 is taken",
            Some("audioconvert ! audioresample"),
        );
    }

    #[test]
    fn caps_are_written_as_one_writes_them() {
        gst::init().unwrap();
        for text in [
            "video/x-raw,format=I420,width=640,framerate=30/1",
            "video/x-raw(memory:GLMemory),width=640",
            "ANY",
        ] {
            assert_eq!(short(&gst::Caps::from_str(text).unwrap()), text);
        }
        let one = gst::Caps::from_str("video/x-raw,format=I420,width=640").unwrap();
        let other = gst::Caps::from_str("video/x-raw,format=I420,width=320").unwrap();
        assert_eq!(short(&only_parting(&one, &other)), "video/x-raw,width=640");
        assert_eq!(only_parting(&one, &one), one);
    }

    #[test]
    fn what_no_stock_element_converts_is_named_all_the_same() {
        check(
            "video/x-h264",
            "video/x-raw",
            "it is video/x-h264 where video/x-raw is taken",
            None,
        );
        check(
            "video/x-raw(memory:GLMemory),width=4",
            "video/x-raw,width=4",
            "the memory is memory:GLMemory where memory:SystemMemory is taken",
            None,
        );
    }
}
