// SPDX-License-Identifier: MPL-2.0

//! Answers as GStreamer's own analytics metas, which stock overlays, trackers and exporters read (GStreamer 1.26).
//!
//! | answer | on the buffer |
//! |---|---|
//! | detections | an object detection each: label, confidence, box in whole pixels; a turned box as it lies, with its rotation |
//! | classes | one classification with all labels and confidences |
//! | matte | as a class map: 1 where it is more foreground than not, else 0 |
//! | class map | a semantic segmentation: a mask of the grid's size over the frame, with a related classification that names its regions |
//! | instances | an object detection each, related to an instance segmentation over its box |
//! | text | one classification with the text as its label |
//! | score | nothing: there is no such meta |
//! | raw tensors | [`tensors`] |
//!
//! A buffer has one relation meta at most, and what is there already stays: answers are added to it. Classes travel
//! as labels; reading makes them [`class_of`](super::metas::class_of) the label.

use gst::glib;
use gst::glib::translate::IntoGlib;
use gst_analytics::prelude::*;
use gst_analytics::{
    AnalyticsClassificationMtd, AnalyticsMtd, AnalyticsMtdRef, AnalyticsODMtd, AnalyticsRelationMeta,
    AnalyticsRelationMetaInitParams, RelTypes,
};

use crate::answer::{Answer, ClassMap, ClassScore, Detection, Instance, Mask, Region};
use crate::answer::{Text, TurnedBox, label_of};
use segmentation::{Area, Kind, MetaRefMut, SegmentationMtd};

mod segmentation;
pub mod tensor_caps;
pub mod tensors;

type MetaRef<'a> = gst::MetaRef<'a, AnalyticsRelationMeta>;

/// Bytes that the record of one detection or one mask may take; the library allocates more if this is too little.
const RECORD_BYTES: usize = 128;

/// What a stock reader shows of a confidence that nobody knows, by the documentation of GstAnalyticsSegmentationMtd.
const UNKNOWN_CONFIDENCE: f32 = -1.0;

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
        Answer::Classes(_) | Answer::ClassMap(_) | Answer::Matte(_) => 2,
        Answer::Text(_) => 1,
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
        Answer::Matte(matte) => add_class_map(&mut meta, &foreground(matte), labels, size)?,
        Answer::Instances(found) => {
            for (index, instance) in found.iter().enumerate() {
                add_instance(&mut meta, index, instance, labels, size)?;
            }
        }
        Answer::Text(text) => add_text(&mut meta, text)?,
        Answer::Score(_) => {}
    }
    Ok(())
}

/// Adds what was read to its buffer.
pub fn attach_text(buffer: &mut gst::BufferRef, text: &Text) -> Result<(), glib::BoolError> {
    add_text(&mut AnalyticsRelationMeta::add(buffer), text)
}

/// What of a matte is more foreground than not, as class 1: masks of this library have no shares.
fn foreground(matte: &Mask) -> ClassMap {
    let class = |&it: &u8| u8::from(Mask::INSIDE <= it);
    ClassMap {
        width: matte.width,
        height: matte.height,
        classes: matte.coverage.iter().map(class).collect(),
    }
}

/// Adds the classes of a frame or of a stretch of sound to its buffer.
pub fn attach_classes(
    buffer: &mut gst::BufferRef,
    scores: &[ClassScore],
    labels: &[String],
) -> Result<(), glib::BoolError> {
    add_classes(&mut AnalyticsRelationMeta::add(buffer), scores, labels)
}

/// Reads what [`attach`] or another element left: instances where detections have masks, else detections, else a
/// class map, else classes. `None` where there is no relation meta, or nothing of these in it.
///
/// An empty relation meta is read as no detections.
pub fn read(buffer: &gst::BufferRef) -> Option<Answer> {
    let meta = buffer.meta::<AnalyticsRelationMeta>()?;
    if meta.is_empty() {
        return Some(Answer::Detections(Vec::new()));
    }
    let instances = instances(buffer);
    if !instances.is_empty() {
        return Some(Answer::Instances(instances));
    }
    let detections = detections(buffer);
    if !detections.is_empty() {
        return Some(Answer::Detections(detections));
    }
    class_map(buffer)
        .map(Answer::ClassMap)
        .or_else(|| classes(buffer).map(Answer::Classes))
}

/// All detections, with masks or without, the most confident first.
pub fn detections(buffer: &gst::BufferRef) -> Vec<Detection> {
    let Some(meta) = buffer.meta::<AnalyticsRelationMeta>() else {
        return Vec::new();
    };
    let mut found: Vec<Detection> = meta
        .iter::<AnalyticsODMtd>()
        .filter_map(|it| read_detection(&meta, &it))
        .collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found
}

/// All detections with their masks, the most confident first; none where no detection has a mask.
///
/// A detection without a mask among others fills its box.
pub fn instances(buffer: &gst::BufferRef) -> Vec<Instance> {
    let Some(meta) = buffer.meta::<AnalyticsRelationMeta>() else {
        return Vec::new();
    };
    let mut masked = false;
    let mut found: Vec<Instance> = meta
        .iter::<AnalyticsODMtd>()
        .filter_map(|it| {
            let mask = read_mask(&meta, it.id());
            masked |= mask.is_some();
            Some(Instance {
                detection: read_detection(&meta, &it)?,
                mask: mask.unwrap_or_else(full),
            })
        })
        .collect();
    found.sort_by(|a, b| b.detection.confidence.total_cmp(&a.detection.confidence));
    if masked { found } else { Vec::new() }
}

/// The first segmentation that belongs to no detection. Its classes are the values of the mask, not labels.
pub fn class_map(buffer: &gst::BufferRef) -> Option<ClassMap> {
    let meta = buffer.meta::<AnalyticsRelationMeta>()?;
    let mut maps = meta.iter::<SegmentationMtd>();
    let map = maps.find(|it| related::<AnalyticsODMtd>(&meta, it.id()).is_none())?;
    let (width, height, classes) = segmentation::values(&map)?;
    Some(ClassMap {
        width,
        height,
        classes,
    })
}

/// The last classification that belongs to nothing else, the most confident class first.
pub fn classes(buffer: &gst::BufferRef) -> Option<Vec<ClassScore>> {
    let meta = buffer.meta::<AnalyticsRelationMeta>()?;
    let alone = meta
        .iter::<AnalyticsClassificationMtd>()
        .filter(|it| !names_another(&meta, it.id()));
    let mut scores: Vec<ClassScore> = alone
        .last()?
        .iterate()
        .map(|(label, confidence)| ClassScore {
            class: label.into_glib(),
            confidence,
        })
        .collect();
    scores.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    Some(scores)
}

fn quark(labels: &[String], class: u32) -> glib::Quark {
    glib::Quark::from_str(&*label_of(labels, class))
}

/// Adds a detection and returns its id in the meta, with its box.
fn add_detection(
    meta: &mut MetaRefMut<'_>,
    detection: &Detection,
    labels: &[String],
    size: (u32, u32),
) -> Result<(u32, Area), glib::BoolError> {
    let area = area(&detection.region, size);
    let (label, confidence) = (quark(labels, detection.class), detection.confidence);
    let added = match &detection.turned {
        // The box before it is turned about its center.
        Some(turned) => meta.add_oriented_od_mtd(
            label,
            (turned.x - turned.width / 2.0).round() as i32,
            (turned.y - turned.height / 2.0).round() as i32,
            (turned.width.round() as i32).max(1),
            (turned.height.round() as i32).max(1),
            turned.angle,
            confidence,
        )?,
        None => meta.add_od_mtd(label, area.left, area.top, area.width, area.height, confidence)?,
    };
    Ok((added.id(), area))
}

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

/// The label is the text, as GStreamer's labels are: each other text stays in the table of quarks until the process
/// ends. An empty one has no label.
fn add_text(meta: &mut MetaRefMut<'_>, text: &Text) -> Result<(), glib::BoolError> {
    if !text.text.is_empty() {
        meta.add_one_cls_mtd(text.confidence, glib::Quark::from_str(&text.text))?;
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
        .map(|&it| if Mask::INSIDE <= it { number } else { 0 })
        .collect();
    let buffer = segmentation::mask_buffer(instance.mask.width, instance.mask.height, &values)?;
    let mask = segmentation::add(meta, buffer, Kind::Instance, &[0, number.into()], &area)?;
    meta.set_relation(RelTypes::RELATE_TO, detection, mask)?;
    meta.set_relation(RelTypes::RELATE_TO, mask, detection)
}

fn read_detection(meta: &MetaRef<'_>, found: &AnalyticsMtdRef<'_, AnalyticsODMtd>) -> Option<Detection> {
    let place = found.location().ok()?;
    let turned = read_turned(found);
    // Some decoders leave the label to a classification of their own.
    let label = found.obj_type().or_else(|| {
        let mut named =
            meta.iter_direct_related::<AnalyticsClassificationMtd>(found.id(), RelTypes::RELATE_TO);
        named.next().filter(|it| !it.is_empty()).map(|it| it.quark(0))
    });
    let upright = Region {
        left: place.x as f32,
        top: place.y as f32,
        width: place.w as f32,
        height: place.h as f32,
    };
    Some(Detection {
        region: turned.map_or(upright, around),
        class: label.map_or(0, IntoGlib::into_glib),
        confidence: place.loc_conf_lvl,
        landmarks: Vec::new(),
        turned,
    })
}

/// The box of a detection that is turned; `None` where it is upright.
fn read_turned(found: &AnalyticsMtdRef<'_, AnalyticsODMtd>) -> Option<TurnedBox> {
    let place = found.oriented_location().ok().filter(|it| it.r != 0.0)?;
    Some(TurnedBox {
        x: place.x as f32 + place.w as f32 / 2.0,
        y: place.y as f32 + place.h as f32 / 2.0,
        width: place.w as f32,
        height: place.h as f32,
        angle: place.r,
    })
}

/// What surrounds a turned box, on the frame's side of its left and upper edge.
fn around(turned: TurnedBox) -> Region {
    let [left, top, right, bottom] = turned.bounds();
    let (left, top) = (left.max(0.0), top.max(0.0));
    Region {
        left,
        top,
        width: (right - left).max(0.0),
        height: (bottom - top).max(0.0),
    }
}

fn read_mask(meta: &MetaRef<'_>, detection: u32) -> Option<Mask> {
    let mask = related::<SegmentationMtd>(meta, detection)?;
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

/// The first record that this one points at.
fn related<'a, T: AnalyticsMtd + 'a>(meta: &'a MetaRef<'a>, record: u32) -> Option<AnalyticsMtdRef<'a, T>> {
    meta.iter_direct_related::<T>(record, RelTypes::RELATE_TO).next()
}

/// Whether a detection or a segmentation points at this classification.
fn names_another(meta: &MetaRef<'_>, classification: u32) -> bool {
    let points = |id: u32| meta.relation(id, classification).contains(RelTypes::RELATE_TO);
    meta.iter::<AnalyticsODMtd>().any(|it| points(it.id()))
        || meta.iter::<SegmentationMtd>().any(|it| points(it.id()))
}

/// A mask that says no more than the box does.
fn full() -> Mask {
    Mask {
        width: 1,
        height: 1,
        coverage: vec![u8::MAX],
    }
}

/// A region in whole pixels of the frame.
fn area(region: &Region, size: (u32, u32)) -> Area {
    let [left, top, width, height] = region.pixels(size).map(whole);
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
