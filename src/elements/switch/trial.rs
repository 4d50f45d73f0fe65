// SPDX-License-Identifier: MPL-2.0

//! A trial: one frame that several lanes answer, so that their answers can be compared.

use super::slot::Answer;
use crate::plane::Plane;
use crate::policy::RunKind;

/// What a trial is to find out.
#[derive(Debug)]
pub enum Aim {
    /// How good the answers are beside the reference's; with caps, those of the frame, the first lane is to see it once
    /// more, perturbed.
    Quality { again: Option<gst::Caps> },
    /// How steady the lane's answer is: this is what it made of the frame before it was perturbed.
    Robustness { expected: Plane, columns: usize },
}

/// A perturbed frame that waits for slack.
#[derive(Debug)]
pub struct Echo {
    pub lane: usize,
    pub frame: gst::Buffer,
    pub caps: gst::Caps,
    /// Number of the frame in the stream.
    pub number: u64,
    /// Luma of what the lane made of the frame itself.
    pub expected: Plane,
    /// Columns by which the perturbed answer stands further to the right.
    pub columns: usize,
}

/// A frame in the shadow: the active lane has answered it, others follow one after the other.
#[derive(Debug)]
pub struct Trial {
    pub frame: gst::Buffer,
    /// Monotonic time at which the frame entered; its identity on the lanes.
    pub entered: gst::ClockTime,
    /// Number of the frame in the stream.
    pub number: u64,
    pub kind: RunKind,
    pub aim: Aim,
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
        shadow: (RunKind, Aim),
        active: (usize, Answer),
        lanes: [Option<usize>; 2],
    ) -> Trial {
        let mut answers = Vec::with_capacity(3);
        answers.push(active);
        let (kind, aim) = shadow;
        Trial {
            frame,
            entered,
            number,
            kind,
            aim,
            answers,
            pending: lanes,
        }
    }

    /// Starts a trial of a perturbed frame, which enters now.
    pub fn of_echo(echo: Echo, entered: gst::ClockTime) -> Trial {
        Trial {
            frame: echo.frame,
            entered,
            number: echo.number,
            kind: RunKind::Shadow,
            aim: Aim::Robustness {
                expected: echo.expected,
                columns: echo.columns,
            },
            answers: Vec::with_capacity(1),
            pending: [Some(echo.lane), None],
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
