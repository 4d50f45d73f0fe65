// SPDX-License-Identifier: MPL-2.0

//! A trial: one frame, or one stretch of sound, that several lanes answer, so that their answers can be compared.

use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::media::degrade::Degraded;
use crate::plane::Plane;
use crate::policy::RunKind;
use crate::score::Content;

/// What a trial is to find out.
#[derive(Debug)]
pub enum TrialKind {
    /// How good the answers are; when perturbed, the first lane is to see the frame once more, a little changed. With
    /// the caps of the frame.
    Quality {
        caps: Option<gst::Caps>,
        perturbed: bool,
    },
    /// How steady they are beside those to the frame before.
    Neighbor { caps: Option<gst::Caps> },
    /// How steady the lane's answer is: this is what it made of the frame before it was perturbed; an answer in pixels
    /// now stands `columns` further to the right.
    Robustness { expected: Content, columns: usize },
    /// How well the lane restores: this is the frame before it was degraded.
    Restoration { trusted: Plane, degraded: Degraded },
}

/// A changed frame that waits for slack.
#[derive(Debug)]
pub struct ModifiedFrame {
    pub lane: usize,
    pub frame: gst::Buffer,
    pub caps: gst::Caps,
    /// Number of the frame in the stream.
    pub number: u64,
    pub aim: TrialKind,
}

/// A frame in the shadow: the active lane has answered it, others follow one after the other.
#[derive(Debug)]
pub struct Trial {
    pub frame: gst::Buffer,
    /// Number of the frame in the stream.
    pub number: u64,
    pub kind: RunKind,
    pub aim: TrialKind,
    /// The answers so far, the active lane's first.
    pub answers: Vec<(usize, LaneOutput)>,
    /// Lanes that have yet to answer; the first one has the frame in hand.
    pending: [Option<usize>; 2],
}

impl Trial {
    /// Starts a trial of `frame`, which the active lane has answered already, on `lanes`.
    pub fn new(
        frame: gst::Buffer,
        number: u64,
        shadow: (RunKind, TrialKind),
        active: (usize, LaneOutput),
        lanes: [Option<usize>; 2],
    ) -> Trial {
        let mut answers = Vec::with_capacity(3);
        answers.push(active);
        let (kind, aim) = shadow;
        Trial {
            frame,
            number,
            kind,
            aim,
            answers,
            pending: lanes,
        }
    }

    /// Starts a trial of a changed frame.
    pub fn of_echo(echo: ModifiedFrame) -> Trial {
        Trial {
            frame: echo.frame,
            number: echo.number,
            kind: RunKind::Shadow,
            aim: echo.aim,
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

    pub fn answered(&mut self, lane: usize, answer: LaneOutput) {
        self.answers.push((lane, answer));
        self.pending = [self.pending[1], None];
    }

    /// The lane that looked first beside the active one, if the next frame may show how steady it is.
    pub fn followed(&self) -> Option<usize> {
        match self.aim {
            TrialKind::Quality { .. } => self.answers.get(1).map(|it| it.0),
            _ => None,
        }
    }
}
