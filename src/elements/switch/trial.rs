// SPDX-License-Identifier: MPL-2.0

//! A trial: one frame that several lanes answer, so that their answers can be compared.

use super::slot::Answer;
use crate::policy::RunKind;

/// A frame in the shadow: the active lane has answered it, others follow one after the other.
#[derive(Debug)]
pub struct Trial {
    pub frame: gst::Buffer,
    /// Monotonic time at which the frame entered; its identity on the lanes.
    pub entered: gst::ClockTime,
    /// Number of the frame in the stream.
    pub number: u64,
    pub kind: RunKind,
    /// The answers so far, the active lane's first.
    pub answers: Vec<(usize, Answer)>,
    /// Lanes that have yet to answer; the first one has the frame in hand.
    pending: [Option<usize>; 2],
}

impl Trial {
    /// Starts a trial of `frame`, which the active lane has answered already, on `lanes`.
    pub fn new(
        frame: gst::Buffer,
        entered: gst::ClockTime,
        number: u64,
        kind: RunKind,
        active: (usize, Answer),
        lanes: [Option<usize>; 2],
    ) -> Trial {
        let mut answers = Vec::with_capacity(3);
        answers.push(active);
        Trial {
            frame,
            entered,
            number,
            kind,
            answers,
            pending: lanes,
        }
    }

    pub fn waits_for(&self, lane: usize) -> bool {
        self.pending[0] == Some(lane)
    }

    pub fn next_lane(&self) -> Option<usize> {
        self.pending[0]
    }

    pub fn answered(&mut self, lane: usize, answer: Answer) {
        self.answers.push((lane, answer));
        self.pending = [self.pending[1], None];
    }
}
