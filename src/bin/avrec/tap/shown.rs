// SPDX-License-Identifier: MPL-2.0

//! All that a tap brought.

use std::time::Duration;

use super::listen::Sound;
use super::picture::Picture;

/// Frames and sound of one run; empty where nothing came, or nothing that can be shown.
#[derive(Debug, Default)]
pub struct Shown {
    pub pictures: Vec<Picture>,
    pub sound: Option<Sound>,
}

impl Shown {
    /// Monotonic times become times since `start`.
    pub fn count_from(&mut self, start: Duration) {
        for picture in &mut self.pictures {
            picture.moment.at = picture.moment.at.saturating_sub(start);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty() && self.sound.is_none()
    }
}
