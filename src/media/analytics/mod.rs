// SPDX-License-Identifier: MPL-2.0

//! Answers as GStreamer's own analytics metas, which stock overlays, trackers and exporters read (GStreamer 1.26).
//!
//! | answer | on the buffer |
//! |---|---|
//! | detections | an object detection each: label, confidence, box in whole pixels |
//! | classes | one classification with all labels and confidences |
//! | class map | a semantic segmentation: a mask of the grid's size over the frame, with a related classification that names its regions |
//! | instances | an object detection each, related to an instance segmentation over its box |
//! | score | nothing: there is no such meta |
//! | raw tensors | [`tensors`] |
//!
//! A buffer has one relation meta at most, and what is there already stays: answers are added to it. Classes travel
//! as labels. Reading turns a label into a number that is equal for equal labels in this process.

use gst::glib;
use gst_analytics::prelude::*;
use gst_analytics::{
    AnalyticsClassificationMtd, AnalyticsMtdRef, AnalyticsODMtd, AnalyticsRelationMeta,
    AnalyticsRelationMetaInitParams, RelTypes,
};

use crate::answer::{Answer, ClassMap, ClassScore, Detection, Instance, Mask, Region};
use segmentation::{Area, Kind, SegmentationMtd};

mod segmentation;
pub mod tensor_caps;
pub mod tensors;

type MetaRef<'a> = gst::MetaRef<'a, AnalyticsRelationMeta>;
type MetaRefMut<'a> = gst::MetaRefMut<'a, AnalyticsRelationMeta, gst::meta::Standalone>;

/// Bytes that the record of one detection or one mask may take; the library allocates more if this is too little.
const RECORD_BYTES: usize = 128;

/// What a stock reader shows of a confidence that nobody knows, by the documentation of GstAnalyticsSegmentationMtd.
const UNKNOWN_CONFIDENCE: f32 = -1.0;

/// The mask value from which on a place belongs to an object: half of full coverage.
const INSIDE: u8 = 128;

/// Adds an answer about a frame of `size` (width and height in pixels) to its buffer.
///
/// A class without a label is named by its number. Boxes are rounded to whole pixels of the frame and have at least
/// one; masks of instances are cut at half coverage. An empty answer leaves an empty relation meta, which tells it
/// from a frame that nobody looked at. Fails where the library refuses, which it does not say when to expect.
pub fn attach(
    buffer: &mut gst::BufferRef,
    answer: &Answer,
    labels: &[String],
    size: (u32, u32),
) -> Result<(), glib::BoolError> {
    let records = match answer {
        Answer::Detections(found) => found.len(),
        Answer::Instances(found) => 2 * found.len(),
        Answer::Classes(_) | Answer::ClassMap(_) => 2,
        Answer::Score(_) => return Ok(()),
    };
    let params = AnalyticsRelationMetaInitParams::new(records.max(1), records.max(1) * RECORD_BYTES);
    let mut meta = AnalyticsRelationMeta::add_full(buffer, &params);
    match answer {
        Answer::Detections(found) => {
            for detection in found {
                add_detection(&mut meta, detection, labels, size)?;
            }
        }
        Answer::Classes(scores) => add_classes(&mut meta, scores, labels)?,
        Answer::ClassMap(map) => add_class_map(&mut meta, map, labels, size)?,
        Answer::Instances(found) => {
            for (index, instance) in found.iter().enumerate() {
                add_instance(&mut meta, index, instance, labels, size)?;
            }
        }
        Answer::Score(_) => {}
    }
    Ok(())
}

/// Reads what [`attach`] or another element left: instances where detections have masks, else detections, else a
/// class map, else classes. `None` where there is no relation meta, or nothing of these in it.
///
/// An empty relation meta is read as no detections. Classes are numbers of labels, but those of a class map the
/// values of its mask. A detection without a mask among others is an instance that fills its box.
pub fn read(buffer: &gst::BufferRef) -> Option<Answer> {
    let meta = buffer.meta::<AnalyticsRelationMeta>()?;
    if meta.is_empty() {
        return Some(Answer::Detections(Vec::new()));
    }
    let found: Vec<(u32, Detection)> = meta
        .iter::<AnalyticsODMtd>()
        .filter_map(|it| Some((it.id(), read_detection(&meta, &it)?)))
        .collect();
    if found.is_empty() {
        return read_class_map(&meta)
            .map(Answer::ClassMap)
            .or_else(|| read_classes(&meta).map(Answer::Classes));
    }
    let masks: Vec<Option<Mask>> = found.iter().map(|(id, _)| read_mask(&meta, *id)).collect();
    if masks.iter().all(Option::is_none) {
        let mut detections: Vec<Detection> = found.into_iter().map(|(_, it)| it).collect();
        detections.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        return Some(Answer::Detections(detections));
    }
    let paired = found.into_iter().zip(masks);
    let mut instances: Vec<Instance> = paired
        .map(|((_, detection), mask)| Instance {
            detection,
            mask: mask.unwrap_or_else(full),
        })
        .collect();
    instances.sort_by(|a, b| b.detection.confidence.total_cmp(&a.detection.confidence));
    Some(Answer::Instances(instances))
}

/// The number that [`read`] gives to a label.
pub fn class_of(label: &str) -> u32 {
    use glib::translate::IntoGlib;
    glib::Quark::from_str(label).into_glib()
}

fn quark(labels: &[String], class: u32) -> glib::Quark {
    let label = usize::try_from(class).ok().and_then(|it| labels.get(it));
    label.map_or_else(
        || glib::Quark::from_str(class.to_string()),
        |it| glib::Quark::from_str(it),
    )
}

/// Adds a detection and returns its id in the meta, with its box.
fn add_detection(
    meta: &mut MetaRefMut<'_>,
    detection: &Detection,
    labels: &[String],
    size: (u32, u32),
) -> Result<(u32, Area), glib::BoolError> {
    let area = pixels(&detection.region, size);
    let added = meta.add_od_mtd(
        quark(labels, detection.class),
        area.left,
        area.top,
        area.width,
        area.height,
        detection.confidence,
    )?;
    Ok((added.id(), area))
}

/// Adds classes and returns the id of their classification in the meta.
fn add_classes(
    meta: &mut MetaRefMut<'_>,
    scores: &[ClassScore],
    labels: &[String],
) -> Result<(), glib::BoolError> {
    let levels: Vec<f32> = scores.iter().map(|it| it.confidence).collect();
    let names: Vec<glib::Quark> = scores.iter().map(|it| quark(labels, it.class)).collect();
    if !scores.is_empty() {
        meta.add_cls_mtd(&levels, &names)?;
    }
    Ok(())
}

fn add_class_map(
    meta: &mut MetaRefMut<'_>,
    map: &ClassMap,
    labels: &[String],
    size: (u32, u32),
) -> Result<(), glib::BoolError> {
    let mut present = [false; 256];
    map.classes.iter().for_each(|&it| present[usize::from(it)] = true);
    let regions: Vec<u32> = (0u32..)
        .zip(present)
        .filter_map(|(class, it)| it.then_some(class))
        .collect();
    let mask = segmentation::mask_buffer(map.width, map.height, &map.classes)?;
    let area = Area {
        left: 0,
        top: 0,
        width: whole(size.0),
        height: whole(size.1),
    };
    let map = segmentation::add(meta, mask, Kind::Semantic, &regions, &area)?;
    let names: Vec<glib::Quark> = regions.iter().map(|&class| quark(labels, class)).collect();
    let named = meta
        .add_cls_mtd(&vec![UNKNOWN_CONFIDENCE; names.len()], &names)?
        .id();
    meta.set_relation(RelTypes::RELATE_TO, map, named)
}

/// Adds a detection and its mask, related both ways as the stock decoder of masks does.
fn add_instance(
    meta: &mut MetaRefMut<'_>,
    index: usize,
    instance: &Instance,
    labels: &[String],
    size: (u32, u32),
) -> Result<(), glib::BoolError> {
    let (detection, area) = add_detection(meta, &instance.detection, labels, size)?;
    // Objects have numbers of their own, so that an overlay can tell them apart; 0 is what is outside of them.
    let number = u8::try_from(index % usize::from(u8::MAX) + 1).unwrap_or(u8::MAX);
    let values: Vec<u8> = instance
        .mask
        .coverage
        .iter()
        .map(|&it| if INSIDE <= it { number } else { 0 })
        .collect();
    let buffer = segmentation::mask_buffer(instance.mask.width, instance.mask.height, &values)?;
    let mask = segmentation::add(meta, buffer, Kind::Instance, &[0, number.into()], &area)?;
    meta.set_relation(RelTypes::RELATE_TO, detection, mask)?;
    meta.set_relation(RelTypes::RELATE_TO, mask, detection)
}

fn read_detection(meta: &MetaRef<'_>, found: &AnalyticsMtdRef<'_, AnalyticsODMtd>) -> Option<Detection> {
    use glib::translate::IntoGlib;
    let place = found.location().ok()?;
    // Some decoders leave the label to a classification of their own.
    let label = found.obj_type().or_else(|| {
        let mut named =
            meta.iter_direct_related::<AnalyticsClassificationMtd>(found.id(), RelTypes::RELATE_TO);
        named.next().filter(|it| !it.is_empty()).map(|it| it.quark(0))
    });
    Some(Detection {
        region: Region {
            left: place.x as f32,
            top: place.y as f32,
            width: place.w as f32,
            height: place.h as f32,
        },
        class: label.map_or(0, IntoGlib::into_glib),
        confidence: place.loc_conf_lvl,
    })
}

fn read_mask(meta: &MetaRef<'_>, detection: u32) -> Option<Mask> {
    let mask = meta
        .iter_direct_related::<SegmentationMtd>(detection, RelTypes::RELATE_TO)
        .next()?;
    let (width, height, values) = segmentation::values(&mask)?;
    let coverage = values
        .iter()
        .map(|&it| if it == 0 { 0 } else { u8::MAX })
        .collect();
    Some(Mask {
        width,
        height,
        coverage,
    })
}

fn read_class_map(meta: &MetaRef<'_>) -> Option<ClassMap> {
    let map = meta.iter::<SegmentationMtd>().next()?;
    let (width, height, classes) = segmentation::values(&map)?;
    Some(ClassMap {
        width,
        height,
        classes,
    })
}

fn read_classes(meta: &MetaRef<'_>) -> Option<Vec<ClassScore>> {
    use glib::translate::IntoGlib;
    let classes = meta.iter::<AnalyticsClassificationMtd>().next()?;
    let mut scores: Vec<ClassScore> = classes
        .iterate()
        .map(|(label, confidence)| ClassScore {
            class: label.into_glib(),
            confidence,
        })
        .collect();
    scores.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    Some(scores)
}

/// A mask that says no more than the box does.
fn full() -> Mask {
    Mask {
        width: 1,
        height: 1,
        coverage: vec![u8::MAX],
    }
}

/// Rounds the edges of a region to pixels of the frame; what has no numbers lies in the corner.
fn pixels(region: &Region, size: (u32, u32)) -> Area {
    let edge = |at: f32, end: i32| (at.round() as i32).clamp(0, end);
    let span = |start: f32, length: f32, end: i32| {
        // The last pixel at most, so that one is left.
        let first = edge(start, (end - 1).max(0));
        let last = edge(start + length, end);
        (first, (last - first).max(1))
    };
    let (left, width) = span(region.left, region.width, whole(size.0));
    let (top, height) = span(region.top, region.height, whole(size.1));
    Area {
        left,
        top,
        width,
        height,
    }
}

fn whole(size: u32) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}
