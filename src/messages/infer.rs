// SPDX-License-Identifier: MPL-2.0

//! The messages and the `stats` of `avrec-infer`.

use std::time::Duration;

use gst::structure::Builder;
use gst::{ClockTime, StructureRef, glib};

use super::field::{Field, FieldError, group, structure};
use super::latencies::Percentiles;
use crate::runtime::Task;
use crate::tensor::{DimsOrder, ElementType};

structure! {
    /// A model answers from now on.
    ModelLoaded = "avrec/model-loaded" {
        model: Loaded = "",
    }
}

group! {
    /// What was loaded, and how.
    Loaded {
        file: String = "model-file",
        task: Task = "task",
        backend: String = "backend",
        backend_note: String = "backend-note",
        threads: u32 = "threads",
        load_time: Duration = "load-time-ns",
        /// Sentences.
        assumed: String = "assumed",
        /// What the model is taken for, one thing each.
        statements: Vec<StatementPart> = "statements",
    }
}

structure! {
    /// One thing that a model is taken for.
    StatementPart = "statement" {
        /// Name of the input or output that it is about; empty for the model as a whole.
        tensor: String = "tensor",
        key: String = "key",
        value: String = "value",
        /// Who said it.
        origin: String = "origin",
        /// What to write for another value.
        line: String = "line",
    }
}

structure! {
    /// A model was refused.
    ModelFailed = "avrec/model-failed" {
        file: String = "model-file",
        cause: String = "cause",
    }
}

structure! {
    /// The outputs of a run.
    Tensors = "avrec/tensors" {
        tensors: Vec<TensorPart> = "tensors",
        pts: Option<ClockTime> = "pts",
        running_time: Option<ClockTime> = "running-time",
        /// Ties the outputs of one model together.
        group_id: Option<String> = "group-id",
    }
}

structure! {
    /// One output of a run.
    TensorPart = "tensor" {
        id: String = "id",
        name: String = "name",
        element_type: ElementType = "type",
        dims: Vec<u64> = "dims",
        dims_order: DimsOrder = "dims-order",
        /// In the machine's byte order.
        data: glib::Bytes = "data",
    }
}

structure! {
    /// A frame was selected.
    KeyFrame = "avrec/key-frame" {
        pts: ClockTime = "pts",
        running_time: ClockTime = "running-time",
        stream_time: Option<ClockTime> = "stream-time",
        score: f64 = "score",
    }
}

structure! {
    /// The `stats` of the element.
    InferStats = "avrec-infer-stats" {
        frames_in: u64 = "frames-in",
        frames_out: u64 = "frames-out",
        runs: u64 = "runs",
        swaps: u64 = "swaps",
        /// Values of the model's answers that were no numbers or outside of the frame.
        dropped_values: u64 = "dropped-values",
        model: Option<RunningModel> = "",
        latency: Option<Percentiles> = "latency",
        run_latency: Option<Percentiles> = "run-latency",
    }
}

group! {
    /// The model that runs.
    RunningModel {
        loaded: Loaded = "",
        /// Size of its answers over that of frames.
        scale_width: f64 = "scale-width",
        scale_height: f64 = "scale-height",
        input_dims: Option<Vec<u64>> = "input-dims",
        /// By how much answers lag behind the sound; of models whose answers replace it.
        algorithmic_delay: Option<ClockTime> = "algorithmic-delay-ns",
    }
}

/// What a model says about a frame or a stretch of sound: `avrec/detections`, `avrec/classes`, `avrec/segments`,
/// `avrec/matte`, `avrec/score` or `avrec/text`.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer {
    pub place: Place,
    pub pts: Option<ClockTime>,
    pub running_time: Option<ClockTime>,
    pub said: Said,
}

/// What an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A frame of this size in pixels.
    Frame { width: u32, height: u32 },
    /// A stretch of sound.
    Span { duration: ClockTime },
}

/// The answer, in the terms of the task.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Detections(Vec<Object>),
    Classes(Vec<Class>),
    /// The objects of a segmentation.
    Instances(Vec<Object>),
    /// The classes of a segmentation.
    Shares(Vec<Share>),
    /// How much of the frame is foreground, 0 to 1.
    Matte(f64),
    Score(f64),
    /// What was read, and the mean confidence in its characters, 0 to 1.
    Text {
        text: String,
        confidence: f64,
    },
}

impl Said {
    /// Name of the structure.
    pub const fn name(&self) -> &'static str {
        match self {
            Said::Detections(_) => "avrec/detections",
            Said::Classes(_) => "avrec/classes",
            Said::Instances(_) | Said::Shares(_) => "avrec/segments",
            Said::Matte(_) => "avrec/matte",
            Said::Score(_) => "avrec/score",
            Said::Text { .. } => "avrec/text",
        }
    }
}

structure! {
    /// One object that was found.
    Object = "object" {
        label: String = "label",
        label_id: u32 = "label-id",
        /// 0 to 1.
        confidence: f64 = "confidence",
        /// In pixels, as are the other three.
        x: f64 = "x",
        y: f64 = "y",
        width: f64 = "width",
        height: f64 = "height",
        /// By how much a turned box is turned, in radians, clockwise; the four above surround it then.
        angle: Option<f64> = "angle",
        /// The corners of a turned box, the one first that is top left before it is turned.
        corners: Option<Vec<Corner>> = "corners",
        /// Key points in the model's order.
        landmarks: Option<Vec<Point>> = "landmarks",
    }
}

structure! {
    /// A corner of a turned box, in pixels.
    Corner = "corner" {
        x: f64 = "x",
        y: f64 = "y",
    }
}

structure! {
    /// A key point of an object, in pixels.
    Point = "point" {
        x: f64 = "x",
        y: f64 = "y",
        /// 0 to 1, how surely it can be seen.
        confidence: f64 = "confidence",
    }
}

structure! {
    /// How much one class is believed in.
    Class = "class" {
        label: String = "label",
        label_id: u32 = "label-id",
        /// 0 to 1.
        confidence: f64 = "confidence",
    }
}

structure! {
    /// How much of the frame is of one class.
    Share = "class" {
        label: String = "label",
        label_id: u32 = "label-id",
        /// 0 to 1.
        share: f64 = "share",
    }
}

impl From<ModelAnswer> for gst::Structure {
    fn from(answer: ModelAnswer) -> gst::Structure {
        let builder = answer
            .place
            .write("", gst::Structure::builder(answer.said.name()));
        let builder = answer.pts.write("pts", builder);
        let builder = answer.running_time.write("running-time", builder);
        match answer.said {
            Said::Detections(objects) | Said::Instances(objects) => objects.write("objects", builder),
            Said::Classes(classes) => classes.write("classes", builder),
            Said::Shares(classes) => classes.write("classes", builder),
            Said::Matte(coverage) => coverage.write("coverage", builder),
            Said::Score(score) => score.write("score", builder),
            Said::Text { text, confidence } => confidence.write("confidence", text.write("text", builder)),
        }
        .build()
    }
}

impl TryFrom<&StructureRef> for ModelAnswer {
    type Error = FieldError;

    fn try_from(structure: &StructureRef) -> Result<ModelAnswer, FieldError> {
        let said = match structure.name().as_str() {
            "avrec/detections" => Said::Detections(Field::read("objects", structure)?),
            "avrec/classes" => Said::Classes(Field::read("classes", structure)?),
            "avrec/segments" if structure.has_field("objects") => {
                Said::Instances(Field::read("objects", structure)?)
            }
            "avrec/segments" => Said::Shares(Field::read("classes", structure)?),
            "avrec/matte" => Said::Matte(Field::read("coverage", structure)?),
            "avrec/score" => Said::Score(Field::read("score", structure)?),
            "avrec/text" => Said::Text {
                text: Field::read("text", structure)?,
                confidence: Field::read("confidence", structure)?,
            },
            other => return Err(FieldError::Name(other.to_string())),
        };
        Ok(ModelAnswer {
            place: Field::read("", structure)?,
            pts: Field::read("pts", structure)?,
            running_time: Field::read("running-time", structure)?,
            said,
        })
    }
}

impl Field for Place {
    fn write(self, _: &str, builder: Builder) -> Builder {
        match self {
            Place::Frame { width, height } => height.write("height", width.write("width", builder)),
            Place::Span { duration } => duration.write("duration", builder),
        }
    }

    fn read(_: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        if structure.has_field("duration") {
            return Field::read("duration", structure).map(|duration| Place::Span { duration });
        }
        Ok(Place::Frame {
            width: Field::read("width", structure)?,
            height: Field::read("height", structure)?,
        })
    }
}
