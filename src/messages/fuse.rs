// SPDX-License-Identifier: MPL-2.0

//! What `avrec-fuse` tells.

use std::time::Duration;

use super::field::{Field, Nested};
use super::infer::Class;
use super::table::{group, structure};

structure! {
    /// What picture and sound come to on a frame. Only while `post-messages` is set.
    Fused = "avrec/fused" {
        /// PTS of the frame. Absent where it has none.
        pts: Option<gst::ClockTime> = "pts",
        /// Running time of the frame. Absent where it has no PTS.
        running_time: Option<gst::ClockTime> = "running-time",
        /// The answer about the picture. Absent where there is none, or only a stale one.
        picture: Option<Nested<FusedSide>> = "picture",
        /// The answer about the sound. Absent where there is none, or only a stale one.
        sound: Option<Nested<FusedSide>> = "sound",
        /// What the picture counts, 0 to 1.5; 0 where it says nothing.
        picture_weight: f64 = "picture-weight",
        /// What the sound counts, 0 to 1.5; 0 where it says nothing.
        sound_weight: f64 = "sound-weight",
        combined: Combined = "",
    }
}

group! {
    /// The answer that both come to.
    Combined {
        /// Classes that both sides know and one of them names here, the most probable first, with their probabilities; what is
        /// left of 1 the others share equally. Absent where the sides give numbers, and where both weights are 0.
        classes: Option<Vec<Class>> = "classes",
        /// Probability, 0 to 1. Absent where the sides give classes, and where both weights are 0.
        score: Option<f64> = "score",
    }
}

structure! {
    /// An answer that is fused.
    FusedSide = "fused-side" {
        /// The same classes, calibrated, the most probable first. Absent where it is a number.
        classes: Option<Vec<Class>> = "classes",
        /// The number as a calibrated probability, 0 to 1. Absent where it is classes.
        score: Option<f64> = "score",
        /// How far it is from the frame in time.
        age: Duration = "age-ns",
        /// What it is worth now, 0 (no better than chance) to 1 (as good as where the fusion was fitted, times the property
        /// `picture-weight` or `sound-weight`).
        worth: f64 = "worth",
    }
}

structure! {
    /// `stats` of `avrec-fuse`: counts since the start, the rest of the last frame.
    #[derive(Copy, Default)]
    FuseStats = "avrec/fuse-stats" {
        /// Frames that passed.
        frames: u64 = "frames",
        /// Those with an answer about picture and sound.
        both: u64 = "both",
        /// Those with an answer about the picture only.
        picture_only: u64 = "picture-only",
        /// Those with an answer about the sound only.
        sound_only: u64 = "sound-only",
        /// Those for which the sound had not come when their time was up.
        late: u64 = "sound-late",
        /// What the picture counts, 0 to 1.5.
        picture_weight: f64 = "picture-weight",
        /// What the sound counts, 0 to 1.5.
        sound_weight: f64 = "sound-weight",
        /// What the picture's answers are worth, 0 to 1.
        picture_worth: f64 = "picture-worth",
        /// What the sound's answers are worth, 0 to 1.
        sound_worth: f64 = "sound-worth",
    }
}
