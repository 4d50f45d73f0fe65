// SPDX-License-Identifier: MPL-2.0

//! Answers on buffers: written by [`attach`], read back by [`read`], also where another element wrote them.
//!
//! | answer | on the buffer |
//! |---|---|
//! | detections | a `GstVideoRegionOfInterestMeta` each: type = label, with a parameter structure `detection`, perhaps `landmarks` and `oriented` |
//! | instances | their detections, as above |
//! | classes of a frame | a region of interest over the whole frame: type = best label, with a parameter structure `classification` |
//! | classes of sound | a custom meta [`CLASSES`] with the fields of `classification` |
//! | score | a custom meta [`SCORE`] with the field `score` (gdouble) |
//! | voice activity | `GstAudioLevelMeta`, on each buffer |
//! | text | a custom meta [`TEXT`] with the fields `text` and `confidence` (gdouble); of a frame also a region of interest `text` over it, with the text as `label` of a parameter structure `classification`, unless it is empty |
//! | what was heard to a frame | a custom meta [`SOUND`] with the fields of `classification` or the field `score` |
//! | class map, matte | nothing: there is no such meta before GStreamer 1.26 |
//!
//! The fields stand in `docs/messages.md`, and as types to read them by in `crate::messages`.
//!
//! With the feature `analytics` the answer is attached in the terms of GStreamer 1.26 besides, not instead: overlays,
//! trackers and exporters read those, encoders and older elements read regions of interest. What is said in both is
//! read from the newer ones, which hold masks too.

use std::borrow::Cow;

use gst::glib;
use gst::glib::translate::IntoGlib;
use gst::prelude::*;
use gst_video::VideoRegionOfInterestMeta;
use once_cell::sync::Lazy;

use crate::answer::{Answer, ClassScore, Detection, Landmark, Region, Text, TurnedBox, label_of};

/// Name of the custom meta with the classes of a stretch of sound, and of its structure.
pub const CLASSES: &str = "AvrecClassesMeta";

/// Name of the custom meta with a score, and of its structure.
pub const SCORE: &str = "AvrecScoreMeta";

/// Name of the custom meta with what was read, and of its structure.
pub const TEXT: &str = "AvrecTextMeta";

/// Name of the custom meta with what was heard to a frame, and of its structure.
pub const SOUND: &str = "AvrecSoundMeta";

/// Type of the region of interest over a frame that was read. Not the text itself, since types are never freed.
const TEXT_REGION: &str = "text";

/// Parameter structures of regions of interest.
const DETECTION: &str = "detection";
const CLASSIFICATION: &str = "classification";
const LANDMARKS: &str = "landmarks";
const ORIENTED: &str = "oriented";

/// Registers the custom metas, once a process; another copy of this library may have done it.
static REGISTERED: Lazy<()> = Lazy::new(|| {
    for name in [CLASSES, SCORE, TEXT, SOUND] {
        if !gst::meta::CustomMeta::is_registered(name) {
            gst::meta::CustomMeta::register(name, &[]);
        }
    }
});

/// Adds an answer about a frame of `size` (width and height in pixels) to its buffer.
///
/// A class without a label is named by its number. Boxes are rounded to whole pixels of the frame and have at least
/// one. What other elements attached stays.
pub fn attach(
    buffer: &mut gst::BufferRef,
    answer: &Answer,
    labels: &[String],
    size: (u32, u32),
) -> Result<(), glib::BoolError> {
    match answer {
        Answer::Detections(found) => found
            .iter()
            .for_each(|it| attach_detection(buffer, it, labels, size)),
        Answer::Instances(found) => found
            .iter()
            .for_each(|it| attach_detection(buffer, &it.detection, labels, size)),
        Answer::Classes(scores) => {
            if let Some(best) = scores.first() {
                let rect = (0, 0, size.0, size.1);
                let mut meta = VideoRegionOfInterestMeta::add(buffer, &label_of(labels, best.class), rect);
                meta.add_param(classification(CLASSIFICATION, scores, labels));
            }
        }
        Answer::ClassMap(_) | Answer::Matte(_) => {}
        Answer::Score(score) => attach_score(buffer, *score)?,
        Answer::Text(text) => {
            attach_text(buffer, text)?;
            if !text.text.is_empty() {
                let rect = (0, 0, size.0, size.1);
                let param = gst::Structure::builder(CLASSIFICATION)
                    .field("label", &text.text)
                    .field("confidence", f64::from(text.confidence));
                VideoRegionOfInterestMeta::add(buffer, TEXT_REGION, rect).add_param(param.build());
            }
            return Ok(());
        }
    }
    #[cfg(feature = "analytics")]
    super::analytics::attach(buffer, answer, labels, size)?;
    Ok(())
}

/// Adds the classes of a stretch of sound to its buffer.
pub fn attach_to_sound(
    buffer: &mut gst::BufferRef,
    scores: &[ClassScore],
    labels: &[String],
) -> Result<(), glib::BoolError> {
    Lazy::force(&REGISTERED);
    let mut meta = gst::meta::CustomMeta::add(buffer, CLASSES)?;
    copy_fields(&classification(CLASSES, scores, labels), meta.mut_structure());
    #[cfg(feature = "analytics")]
    super::analytics::attach_classes(buffer, scores, labels)?;
    Ok(())
}

/// Adds a score to a buffer.
pub fn attach_score(buffer: &mut gst::BufferRef, score: f32) -> Result<(), glib::BoolError> {
    Lazy::force(&REGISTERED);
    let mut meta = gst::meta::CustomMeta::add(buffer, SCORE)?;
    meta.mut_structure().set("score", f64::from(score));
    Ok(())
}

/// Gives a buffer one score, in the place of what it had.
pub fn replace_score(buffer: &mut gst::BufferRef, score: f32) -> Result<(), glib::BoolError> {
    Lazy::force(&REGISTERED);
    match gst::meta::CustomMeta::from_mut_buffer(buffer, SCORE) {
        Ok(mut meta) => meta.mut_structure().set("score", f64::from(score)),
        Err(_) => return attach_score(buffer, score),
    }
    Ok(())
}

/// Says on a frame what was heard to it, in the fields of [`SOUND`], in the place of what was said before.
pub fn attach_heard(buffer: &mut gst::BufferRef, heard: &gst::StructureRef) -> Result<(), glib::BoolError> {
    Lazy::force(&REGISTERED);
    if let Ok(mut meta) = gst::meta::CustomMeta::from_mut_buffer(buffer, SOUND) {
        let structure = meta.mut_structure();
        structure.remove_all_fields();
        copy_fields(heard, structure);
        return Ok(());
    }
    let mut meta = gst::meta::CustomMeta::add(buffer, SOUND)?;
    copy_fields(heard, meta.mut_structure());
    Ok(())
}

/// Says how loud a buffer of sound is, in -dBov (0 to 127), and whether there is a voice in it, as RFC 6464 has it.
///
/// What another element said stays, but for the voice.
pub fn attach_voice(buffer: &mut gst::BufferRef, level: u8, is_voice: bool) {
    let level = match buffer.meta::<gst_audio::AudioLevelMeta>() {
        Some(earlier) => earlier.level(),
        None => level,
    };
    buffer.foreach_meta_mut(
        |mut meta| match meta.downcast_mut::<gst_audio::AudioLevelMeta>() {
            Some(_) => std::ops::ControlFlow::Continue(gst::buffer::BufferMetaForeachAction::Remove),
            None => std::ops::ControlFlow::Continue(gst::buffer::BufferMetaForeachAction::Keep),
        },
    );
    gst_audio::AudioLevelMeta::add(buffer, level, is_voice);
}

/// Adds what was read to a buffer.
///
/// The custom meta has it in any case, an empty text too, so that nothing to read is told from nobody looking. With
/// the feature `analytics` the text is the label of a classification besides.
pub fn attach_text(buffer: &mut gst::BufferRef, text: &Text) -> Result<(), glib::BoolError> {
    Lazy::force(&REGISTERED);
    let mut meta = gst::meta::CustomMeta::add(buffer, TEXT)?;
    let structure = meta.mut_structure();
    structure.set("text", &text.text);
    structure.set("confidence", f64::from(text.confidence));
    #[cfg(feature = "analytics")]
    super::analytics::attach_text(buffer, text)?;
    Ok(())
}

/// Reads what is on a buffer: a score, else a text, else detections, else classes. `None` where there is nothing of these.
///
/// A frame on which a detector found nothing carries nothing. Who knows the task asks for [`detections`],
/// [`classes`], [`text`] or [`score`] instead. With the feature `analytics` instances and class maps are read too, and a frame
/// on which a detector found nothing is told from one that nobody looked at.
pub fn read(buffer: &gst::BufferRef) -> Option<Answer> {
    if let Some(score) = score(buffer) {
        return Some(Answer::Score(score));
    }
    if let Some(text) = text(buffer) {
        return Some(Answer::Text(text));
    }
    #[cfg(feature = "analytics")]
    let newer = super::analytics::read(buffer);
    #[cfg(not(feature = "analytics"))]
    let newer: Option<Answer> = None;
    // Where the newer terms say nothing, somebody else may have said it in the older ones.
    let empty = |it: &Answer| matches!(it, Answer::Detections(found) if found.is_empty());
    if let Some(answer) = newer.as_ref().filter(|it| !empty(it)) {
        return Some(answer.clone());
    }
    let found = regions(buffer);
    if !found.is_empty() {
        return Some(Answer::Detections(found));
    }
    said_classes(buffer).map(Answer::Classes).or(newer)
}

/// All detections on a buffer, the most confident first, those of instances too.
///
/// `class` is [`class_of`] the label. A region of interest without a confidence is taken for certain, one that is a
/// classification of the frame is left out.
pub fn detections(buffer: &gst::BufferRef) -> Vec<Detection> {
    #[cfg(feature = "analytics")]
    {
        let found = super::analytics::detections(buffer);
        if !found.is_empty() {
            return found;
        }
    }
    regions(buffer)
}

/// The classes of a frame or of a stretch of sound, the most confident first; `None` where nobody said any.
///
/// Of several classifications the last one counts, which stands nearest to the reader.
pub fn classes(buffer: &gst::BufferRef) -> Option<Vec<ClassScore>> {
    #[cfg(feature = "analytics")]
    if let Some(said) = super::analytics::classes(buffer) {
        return Some(said);
    }
    said_classes(buffer)
}

/// The score of a frame or of a stretch of sound.
pub fn score(buffer: &gst::BufferRef) -> Option<f32> {
    Lazy::force(&REGISTERED);
    let meta = gst::meta::CustomMeta::from_buffer(buffer, SCORE).ok()?;
    meta.structure().get::<f64>("score").ok().map(|it| it as f32)
}

/// What was read on a frame or in a stretch of sound.
pub fn text(buffer: &gst::BufferRef) -> Option<Text> {
    Lazy::force(&REGISTERED);
    let meta = gst::meta::CustomMeta::from_buffer(buffer, TEXT).ok()?;
    let structure = meta.structure();
    Some(Text {
        text: structure.get("text").ok()?,
        confidence: confidence(structure).unwrap_or(1.0),
    })
}

/// The number that reading gives to a label: equal for equal labels in this process, and for nothing else.
pub fn class_of(label: &str) -> u32 {
    glib::Quark::from_str(label).into_glib()
}

/// The label to which [`class_of`] gave this number; the number itself, where it gave it to none.
pub fn label_of_class(class: u32) -> Cow<'static, str> {
    // SAFETY: it takes any number, and returns null or text that is there for as long as the process.
    let text = unsafe { glib::ffi::g_quark_to_string(class) };
    if text.is_null() {
        return class.to_string().into();
    }
    // SAFETY: as above, and it ends with a zero.
    unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy()
}

/// All regions of interest that are no classification of the frame, the most confident first.
fn regions(buffer: &gst::BufferRef) -> Vec<Detection> {
    let regions = buffer.iter_meta::<VideoRegionOfInterestMeta>();
    let mut found: Vec<Detection> = regions
        .filter(|meta| meta.param(CLASSIFICATION).is_none())
        .map(|meta| {
            let (left, top, width, height) = meta.rect();
            Detection {
                region: Region {
                    left: left as f32,
                    top: top as f32,
                    width: width as f32,
                    height: height as f32,
                },
                class: class_of(meta.roi_type()),
                confidence: meta.param(DETECTION).and_then(confidence).unwrap_or(1.0),
                landmarks: meta.param(LANDMARKS).and_then(read_landmarks).unwrap_or_default(),
                turned: meta.param(ORIENTED).and_then(read_turned),
            }
        })
        .collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found
}

/// The classes in the custom meta or in the last region of interest that has any.
fn said_classes(buffer: &gst::BufferRef) -> Option<Vec<ClassScore>> {
    Lazy::force(&REGISTERED);
    if let Ok(meta) = gst::meta::CustomMeta::from_buffer(buffer, CLASSES) {
        return Some(read_classes(meta.structure()));
    }
    let has_text = text(buffer).is_some();
    let regions = buffer
        .iter_meta::<VideoRegionOfInterestMeta>()
        .filter(|it| !has_text || it.roi_type() != TEXT_REGION);
    let said = regions.filter_map(|meta| meta.param(CLASSIFICATION).map(read_classes));
    said.last()
}

fn attach_detection(buffer: &mut gst::BufferRef, detection: &Detection, labels: &[String], size: (u32, u32)) {
    let Region {
        left,
        top,
        width,
        height,
    } = detection.region;
    let [x, y, across, down] = detection.region.pixels(size);
    let label = label_of(labels, detection.class);
    let (frame_width, frame_height) = (f64::from(size.0), f64::from(size.1));
    let param = gst::Structure::builder(DETECTION)
        .field("confidence", f64::from(detection.confidence))
        .field("label_id", number(detection.class))
        .field("label", &*label)
        .field("x_min", f64::from(left) / frame_width)
        .field("x_max", f64::from(left + width) / frame_width)
        .field("y_min", f64::from(top) / frame_height)
        .field("y_max", f64::from(top + height) / frame_height)
        .build();
    let mut meta = VideoRegionOfInterestMeta::add(buffer, &label, (x, y, across, down));
    meta.add_param(param);
    if !detection.landmarks.is_empty() {
        meta.add_param(landmarks(&detection.landmarks));
    }
    if let Some(turned) = &detection.turned {
        meta.add_param(oriented(turned));
    }
}

fn landmarks(points: &[Landmark]) -> gst::Structure {
    let array =
        |of: fn(&Landmark) -> f32| gst::Array::new(points.iter().map(|it| f64::from(of(it)).to_send_value()));
    gst::Structure::builder(LANDMARKS)
        .field("x", array(|it| it.x))
        .field("y", array(|it| it.y))
        .field("confidence", array(|it| it.confidence))
        .build()
}

/// The points of a structure; `None` where one of its arrays is missing or holds something else.
fn read_landmarks(structure: &gst::StructureRef) -> Option<Vec<Landmark>> {
    let array = |name: &str| -> Option<Vec<f64>> {
        let array = structure.get::<gst::ArrayRef>(name).ok()?;
        array.iter().map(|it| it.get::<f64>().ok()).collect()
    };
    let (x, y, confidence) = (array("x")?, array("y")?, array("confidence")?);
    let points = x.iter().zip(&y).zip(&confidence);
    let point = |((x, y), confidence): ((&f64, &f64), &f64)| Landmark {
        x: *x as f32,
        y: *y as f32,
        confidence: *confidence as f32,
    };
    Some(points.map(point).collect())
}

fn oriented(turned: &TurnedBox) -> gst::Structure {
    gst::Structure::builder(ORIENTED)
        .field("x", f64::from(turned.x))
        .field("y", f64::from(turned.y))
        .field("width", f64::from(turned.width))
        .field("height", f64::from(turned.height))
        .field("angle", f64::from(turned.angle))
        .build()
}

fn read_turned(structure: &gst::StructureRef) -> Option<TurnedBox> {
    let number = |name: &str| structure.get::<f64>(name).ok().map(|it| it as f32);
    Some(TurnedBox {
        x: number("x")?,
        y: number("y")?,
        width: number("width")?,
        height: number("height")?,
        angle: number("angle")?,
    })
}

fn classification(structure: &str, scores: &[ClassScore], labels: &[String]) -> gst::Structure {
    let names = scores
        .iter()
        .map(|it| label_of(labels, it.class).as_ref().to_send_value());
    let numbers = scores.iter().map(|it| number(it.class).to_send_value());
    let confidences = scores.iter().map(|it| f64::from(it.confidence).to_send_value());
    let mut builder = gst::Structure::builder(structure)
        .field("labels", gst::Array::new(names))
        .field("label_ids", gst::Array::new(numbers))
        .field("confidences", gst::Array::new(confidences));
    if let Some(best) = scores.first() {
        builder = builder
            .field("label", &*label_of(labels, best.class))
            .field("label_id", number(best.class))
            .field("confidence", f64::from(best.confidence));
    }
    builder.build()
}

/// All classes of a structure; of a foreign one, which has no arrays, the one that it names.
fn read_classes(structure: &gst::StructureRef) -> Vec<ClassScore> {
    let arrays = structure
        .get::<gst::ArrayRef>("labels")
        .ok()
        .zip(structure.get::<gst::ArrayRef>("confidences").ok());
    if let Some((labels, confidences)) = arrays {
        let pairs = labels.iter().zip(confidences.iter());
        let read = pairs.filter_map(|(label, confidence)| {
            Some(ClassScore {
                class: class_of(label.get::<&str>().ok()?),
                confidence: confidence.get::<f64>().ok()? as f32,
            })
        });
        return read.collect();
    }
    let label = structure.get::<&str>("label").ok().map(class_of);
    let scores = label.map(|class| ClassScore {
        class,
        confidence: confidence(structure).unwrap_or(1.0),
    });
    scores.into_iter().collect()
}

fn confidence(structure: &gst::StructureRef) -> Option<f32> {
    structure.get::<f64>("confidence").ok().map(|it| it as f32)
}

fn number(class: u32) -> i32 {
    i32::try_from(class).unwrap_or(i32::MAX)
}

fn copy_fields(from: &gst::StructureRef, to: &mut gst::StructureRef) {
    for (field, value) in from.iter() {
        to.set_value(field, value.clone());
    }
}
