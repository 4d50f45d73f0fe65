// SPDX-License-Identifier: MPL-2.0

//! What a survey finds.

use std::time::Duration;

use crate::elements::switch::lanes::lane_output::LaneOutput;

/// What one candidate made of a frame.
#[derive(Debug)]
pub struct Finding {
    pub lane: usize,
    /// The answer and the time from handing the frame over to having it; `None` where none came.
    pub answered: Option<(LaneOutput, Duration)>,
    /// With the reference's answer; `None` for itself, and where nothing could be compared.
    pub agreement: Option<f64>,
}

impl Finding {
    pub fn latency(&self) -> Option<Duration> {
        self.answered.as_ref().map(|it| it.1)
    }
}
