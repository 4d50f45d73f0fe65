// SPDX-License-Identifier: MPL-2.0

//! What of the material a label is asked for.

use std::path::Path;
use std::time::Duration;

/// A picture, a frame of a clip, or a stretch of sound.
#[derive(Debug, Clone, Copy)]
pub struct ItemKey<'a> {
    /// The picture, clip or sound.
    pub file: &'a Path,
    /// Where it begins in the file.
    pub time: Duration,
    /// How long it is; zero for a picture.
    pub duration: Duration,
    /// The number of the frame in its file, from 0.
    pub frame: u64,
    /// Width and height of the frame in pixels, which boxes in pixels need.
    pub size: Option<(u32, u32)>,
}

impl ItemKey<'_> {
    /// The item from one second to another.
    pub(super) fn seconds(&self) -> (f64, f64) {
        let from = self.time.as_secs_f64();
        (from, from + self.duration.as_secs_f64())
    }
}
