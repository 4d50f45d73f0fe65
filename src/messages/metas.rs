// SPDX-License-Identifier: MPL-2.0

//! What stands in the metas that `avrec-infer` puts on buffers, as types to read them by. `media::metas` writes them.

use std::time::Duration;

use super::field::Field;
use super::table::{group, structure};

structure! {
    /// Custom meta on each frame, or at the end of each window of sound, that `task=score` looked at.
    ScoreMeta = "AvrecScoreMeta" {
        /// The number, in the model's own unit.
        score: f64 = "score",
    }
}

structure! {
    /// Custom meta on each frame that `task=text` read, an empty text too.
    TextMeta = "AvrecTextMeta" {
        /// What was read; empty where nothing was.
        text: String = "text",
        /// Mean confidence in its characters, 0 to 1.
        confidence: f64 = "confidence",
    }
}

structure! {
    /// Custom meta at the end of each window of sound that `task=classify` heard.
    ClassesMeta = "AvrecClassesMeta" {
        classes: Classes = "",
    }
}

structure! {
    /// Custom meta on each frame to which `avrec-fuse` found an answer about sound: this answer, as it came.
    SoundMeta = "AvrecSoundMeta" {
        /// Absent where the answer is a number.
        classes: Option<Classes> = "",
        /// The number. Absent where the answer is classes.
        score: Option<f64> = "score",
        /// How far the answer is from the frame in time.
        age: Duration = "age-ns",
    }
}

structure! {
    /// Parameter of a `GstVideoRegionOfInterestMeta` over the whole frame, with `task=classify`, whose type is the best
    /// label; and with `task=text` for a text that is not empty, whose type is `text`.
    ClassificationParam = "classification" {
        classes: Classes = "",
    }
}

group! {
    /// Classes, as DL Streamer's `gvaclassify` writes the best one.
    Classes {
        /// Name of the best class, or what was read. Absent where there is no class.
        label: Option<String> = "label",
        /// Number of the best class, from 0. Absent for text, and where there is no class.
        label_id: Option<i32> = "label_id",
        /// How much it is believed in, 0 to 1. Absent where there is no class.
        confidence: Option<f64> = "confidence",
        /// Names of all classes, the best first. Absent for text.
        labels: Option<Vec<String>> = "labels",
        /// Numbers of the same. Absent for text.
        label_ids: Option<Vec<i32>> = "label_ids",
        /// How much each is believed in, 0 to 1. Absent for text.
        confidences: Option<Vec<f64>> = "confidences",
    }
}

structure! {
    /// Parameter of the `GstVideoRegionOfInterestMeta` of each object, with `task=detect` and `segment`. The meta's type is
    /// the label, its rectangle the box in whole pixels, as far as it is inside of the frame. Fields as DL Streamer's
    /// `gvadetect` writes them.
    DetectionParam = "detection" {
        /// How much it is believed in, 0 to 1.
        confidence: f64 = "confidence",
        /// Number of its class, from 0.
        label_id: i32 = "label_id",
        /// Name of its class; the number, where it has none.
        label: String = "label",
        /// Left edge of its box, as a part of the frame's width.
        x_min: f64 = "x_min",
        /// Right edge of its box, as a part of the frame's width.
        x_max: f64 = "x_max",
        /// Upper edge of its box, as a part of the frame's height.
        y_min: f64 = "y_min",
        /// Lower edge of its box, as a part of the frame's height.
        y_max: f64 = "y_max",
    }
}

structure! {
    /// Besides `detection`, on objects with key points: these, in the model's order.
    LandmarksParam = "landmarks" {
        /// Pixels from the left.
        x: Vec<f64> = "x",
        /// Pixels from the top.
        y: Vec<f64> = "y",
        /// How surely each can be seen, 0 to 1.
        confidence: Vec<f64> = "confidence",
    }
}

structure! {
    /// Besides `detection`, on objects with a turned box; the rectangle of the meta surrounds it.
    OrientedParam = "oriented" {
        /// Its center, in pixels from the left.
        x: f64 = "x",
        /// Its center, in pixels from the top.
        y: f64 = "y",
        /// Width before it is turned, in pixels.
        width: f64 = "width",
        /// Height before it is turned, in pixels.
        height: f64 = "height",
        /// By how much it is turned, in radians, clockwise.
        angle: f64 = "angle",
    }
}
