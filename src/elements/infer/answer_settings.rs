// SPDX-License-Identifier: MPL-2.0

//! What the user wants of an answer and where it goes, with the defaults, and the properties that expose it.

use std::sync::Arc;

use gst::glib;
use gst::prelude::*;
use gst_video::VideoInfo;

use super::enums::{self, Fit, Output};
use super::failure::Fault;
use crate::decode;
use crate::media::draw::{FontError, Style, Typeface};
use crate::runtime::{Model, Task};

/// Settings of tasks whose answer is neither a picture nor sound.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerSettings {
    /// Read when a model is loaded; so are the next three.
    pub labels_file: Option<String>,
    /// Which decoder reads the outputs; unset or `auto` to recognize it.
    pub family: Option<String>,
    pub fit: Fit,
    /// A level from 0 to 255, or -1 for what is usual.
    pub padding: i32,
    pub output: Output,
    /// A family or a file; unset for the built-in one.
    pub overlay_font: Option<String>,
    pub live: DecodeOptions,
}

/// What is looked up for each frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecodeOptions {
    pub confidence_threshold: f32,
    /// Whether that was set; else a family of models may have a threshold of its own.
    pub is_confidence_asked: bool,
    pub iou_threshold: f32,
    /// A place belongs to a mask above this confidence.
    pub mask_threshold: f32,
    pub max_detections: u32,
    pub top_k: u32,
    /// Answers after which half of a step is followed.
    pub smoothing: f32,
    pub post_messages: bool,
    /// Whether answers are told in words besides.
    pub info_messages: bool,
    pub key_frames: bool,
    /// In the model's own unit.
    pub key_frame_threshold: f64,
    pub key_frame_distance: gst::ClockTime,
    /// How answers are drawn.
    pub style: Style,
}

/// Larger scores than any model gives.
const MOST_SCORE: f64 = 1e9;

/// The value beyond which a time is none.
const MOST_NANOSECONDS: u64 = u64::MAX - 1;

impl Default for AnswerSettings {
    fn default() -> AnswerSettings {
        AnswerSettings {
            labels_file: None,
            family: None,
            fit: Fit::default(),
            padding: -1,
            output: Output::default(),
            overlay_font: None,
            live: DecodeOptions::default(),
        }
    }
}

impl Default for DecodeOptions {
    fn default() -> DecodeOptions {
        DecodeOptions {
            confidence_threshold: 0.25,
            is_confidence_asked: false,
            // The default of YOLOv5's own detector, stricter than the 0.7 of later ones: one box an object.
            iou_threshold: 0.45,
            mask_threshold: 0.5,
            max_detections: 300,
            top_k: 5,
            smoothing: 0.0,
            post_messages: false,
            info_messages: false,
            key_frames: false,
            key_frame_threshold: 0.5,
            // Keeps the frames of one short scene from being told twice.
            key_frame_distance: gst::ClockTime::from_seconds(2),
            style: Style::default(),
        }
    }
}

impl DecodeOptions {
    /// The same for the decoder.
    pub fn decoding(&self) -> decode::Settings {
        decode::Settings {
            confidence: self.confidence_threshold,
            is_confidence_asked: self.is_confidence_asked,
            iou: self.iou_threshold,
            mask_threshold: self.mask_threshold,
            max_detections: self.max_detections as usize,
            top_k: self.top_k as usize,
            classes: None,
            half_life: self.smoothing,
        }
    }
}

impl AnswerSettings {
    /// Refuses a way out that answers of a task do not have.
    pub fn check(&self, task: Task, model: &Model) -> Result<(), Fault> {
        let needs = match (task, self.output) {
            (Task::Segment, Output::Meta) if cfg!(not(feature = "analytics")) => {
                "a build with the feature analytics (GStreamer 1.26); set output=overlay or output=alpha"
            }
            (_, Output::Meta) | (Task::Segment | Task::Matte, _) => return Ok(()),
            _ if model.input_spec.image().is_none() => "frames to draw into; set output=meta",
            (Task::Image | Task::Audio | Task::Tensor, _) => {
                "an answer that can be drawn; set output=meta, or task to what the model is for"
            }
            (_, Output::Overlay) => return Ok(()),
            (_, Output::Alpha) => {
                "masks, which task=segment and task=matte have; set output=meta or output=overlay"
            }
        };
        Err(Fault::Output {
            output: enums::nick(self.output),
            task: task.name(),
            needs,
        })
    }

    /// What labels are drawn in; `None` where none are.
    pub fn typeface(&self) -> Result<Option<Arc<Typeface>>, FontError> {
        let font = self.overlay_font.as_deref().filter(|it| !it.is_empty());
        match (self.output, font) {
            (Output::Overlay, Some(font)) => Typeface::named(font).map(Some),
            (Output::Overlay, None) => Ok(Some(Typeface::usual())),
            (Output::Meta | Output::Alpha, _) => Ok(None),
        }
    }

    /// Refuses frames that the answer cannot be written to.
    pub fn check_format(&self, frame: &VideoInfo) -> Result<(), Fault> {
        if self.output == Output::Alpha && !frame.format_info().has_alpha() {
            return Err(Fault::NoAlpha(frame.format().to_str().as_str()));
        }
        Ok(())
    }
}

pub fn properties() -> Vec<glib::ParamSpec> {
    let default = AnswerSettings::default();
    let mut properties = loading_properties(&default);
    properties.extend(decoding_properties(&default.live));
    properties.extend(telling_properties(&default.live));
    properties.extend(overlay_properties(default.live.style));
    properties
}

fn loading_properties(default: &AnswerSettings) -> Vec<glib::ParamSpec> {
    vec![
        glib::ParamSpecString::builder("labels-file")
            .nick("Labels file")
            .blurb(
                "Text file with one label a line, class 0 first (unset = the names in the model's metadata). \
                 Written while playing, model and labels are loaded anew in the background.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("family")
            .nick("Family")
            .blurb(
                "Which decoder reads the outputs of a detector, such as yolo, scrfd, retinaface or landmarks (auto or \
                 unset = the one that the model shows). Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("fit", default.fit)
            .nick("Fit")
            .blurb(
                "How a frame is laid into an input of other proportions. Tasks image and tensor stretch it with \
                 auto. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecInt::builder("padding")
            .nick("Padding")
            .blurb(
                "Level, 0 (black) to 255, of what lies around a frame that does not fill the input (-1 = what is usual: \
                 114, and the frame's edge where a picture comes out). Takes effect when a model is loaded.",
            )
            .minimum(-1)
            .maximum(255)
            .default_value(default.padding)
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("output", default.output)
            .nick("Output")
            .blurb(
                "Where the answers of detect, classify, segment, matte, score and text go. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("output-range")
            .nick("Output range")
            .blurb(
                "Values of the output that stand for black and white (task=image), or for nothing and everything \
                 (matte, segment of one plane), such as 0,1, or one such pair a channel with semicolons (unset = \
                 what the model or a run at load says). Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
    ]
}

fn decoding_properties(default: &DecodeOptions) -> Vec<glib::ParamSpec> {
    vec![
        glib::ParamSpecFloat::builder("confidence-threshold")
            .nick("Confidence threshold")
            .blurb(
                "Confidence, 0 to 1, below which objects are left out. Where it is never set, finders of text take 0.5.",
            )
            .minimum(0.0)
            .maximum(1.0)
            .default_value(default.confidence_threshold)
            .mutable_playing()
            .build(),
        glib::ParamSpecFloat::builder("iou-threshold")
            .nick("IoU threshold")
            .blurb(
                "IoU, 0 to 1, above which of two boxes of one class the less confident one is left out.",
            )
            .minimum(0.0)
            .maximum(1.0)
            .default_value(default.iou_threshold)
            .mutable_playing()
            .build(),
        glib::ParamSpecFloat::builder("mask-threshold")
            .nick("Mask threshold")
            .blurb(
                "Confidence, 0 to 1, above which a place belongs to an object or to the foreground, with task=segment. \
                 The most likely of several classes needs none, and mattes stay soft.",
            )
            .minimum(0.0)
            .maximum(1.0)
            .default_value(default.mask_threshold)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("max-detections")
            .nick("Maximum of detections")
            .blurb("Objects of a frame that are told at most, the most confident ones.")
            .minimum(1)
            .default_value(default.max_detections)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("top-k")
            .nick("Top k")
            .blurb("Classes that are told at most, the most confident ones.")
            .minimum(1)
            .default_value(default.top_k)
            .mutable_playing()
            .build(),
        glib::ParamSpecFloat::builder("smoothing")
            .nick("Smoothing")
            .blurb(
                "Runs of a classifier after which half of a step in a confidence is followed (0 = no smoothing).",
            )
            .minimum(0.0)
            .default_value(default.smoothing)
            .mutable_playing()
            .build(),
    ]
}

fn telling_properties(default: &DecodeOptions) -> Vec<glib::ParamSpec> {
    vec![
        glib::ParamSpecBoolean::builder("post-messages")
            .nick("Post messages")
            .blurb("Whether to post each answer as an element message besides.")
            .default_value(default.post_messages)
            .mutable_playing()
            .build(),
        glib::ParamSpecBoolean::builder("info-messages")
            .nick("Info messages")
            .blurb(
                "Tell an answer in words as an INFO message, which gst-launch-1.0 prints, at most one a second of the \
                 stream; has no effect with task=image and task=audio.",
            )
            .default_value(default.info_messages)
            .mutable_playing()
            .build(),
        glib::ParamSpecBoolean::builder("key-frames")
            .nick("Key frames")
            .blurb(
                "Whether to ask for a key frame downstream, and post avrec/key-frame, at peaks of the score, with \
                 task=score.",
            )
            .default_value(default.key_frames)
            .mutable_playing()
            .build(),
        glib::ParamSpecDouble::builder("key-frame-threshold")
            .nick("Key frame threshold")
            .blurb("Score that a peak must reach, in the model's own unit.")
            .minimum(-MOST_SCORE)
            .maximum(MOST_SCORE)
            .default_value(default.key_frame_threshold)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt64::builder("key-frame-distance")
            .nick("Key frame distance")
            .blurb("Time between two selected frames at least, in nanoseconds (0 = each peak is selected).")
            .maximum(MOST_NANOSECONDS)
            .default_value(default.key_frame_distance.nseconds())
            .mutable_playing()
            .build(),
    ]
}

/// Largest letters in pixels: an eighth of the height of the largest frames in use.
const LARGEST_FONT: u32 = 512;

fn overlay_properties(default: Style) -> Vec<glib::ParamSpec> {
    let color = |name: &'static str, nick: &'static str, blurb: &'static str, default: u32| {
        glib::ParamSpecUInt::builder(name)
            .nick(nick)
            .blurb(blurb)
            .default_value(default)
            .mutable_playing()
            .build()
    };
    vec![
        glib::ParamSpecString::builder("overlay-font")
            .nick("Overlay font")
            .blurb(
                "Family, or path of a .ttf, .otf or .ttc file, of the letters of output=overlay (unset = DejaVu Sans, \
                 which is built in). What it lacks is taken from other fonts. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("overlay-font-size")
            .nick("Overlay font size")
            .blurb("Size of the letters of output=overlay, in pixels, up to 512 (0 = a 28th of the frame's height).")
            .maximum(LARGEST_FONT)
            .default_value(default.font_size)
            .mutable_playing()
            .build(),
        color(
            "overlay-color",
            "Overlay color",
            "Color of the boxes, masks and plates of output=overlay as 0xAARRGGBB; the alpha is not used (0 = a color for \
             each class). Maps of classes keep their colors.",
            default.color,
        ),
        color(
            "overlay-labels-color",
            "Overlay labels color",
            "Color of the letters of output=overlay as 0xAARRGGBB; the alpha is not used (0 = black or white, whichever is \
             easier to read).",
            default.labels_color,
        ),
    ]
}
