// SPDX-License-Identifier: MPL-2.0

//! A trial: one frame, or one stretch of audio, that several lanes answer, so that their answers can be compared.

use std::sync::Arc;

use crate::elements::switch::lanes::elements::LaneOutput;
use crate::elements::switch::lanes::lane::Purpose;
use crate::elements::switch::lanes::list::LaneList;
use crate::elements::switch::settings::Settings;
use crate::media::degrade::Degraded;
use crate::plane::Plane;
use crate::policy::{Evidence, RunKind};
use crate::score::Content;

/// What a trial is to find out.
#[derive(Debug)]
pub enum TrialKind {
    /// How good the answers are; when perturbed, the first lane is to see the frame once more, a little changed.
    Quality { perturbed: bool },
    /// How steady they are beside those to the frame before.
    Neighbor,
    /// How steady the lane's answer is: this is what it made of the frame before it was perturbed; an answer in pixels
    /// now stands `columns` further to the right.
    Robustness { expected: Content, columns: usize },
    /// How well the lane restores: this is the frame before it was degraded.
    Restoration { trusted: Plane, degraded: Degraded },
}

/// What judging has to know of the switch, as it was when the trial began.
#[derive(Debug, Clone)]
pub struct TrialContext {
    pub settings: Arc<Settings>,
    pub list: Arc<LaneList>,
    /// The lane that the others are compared with, while it is there and of their task.
    pub reference: Option<usize>,
    /// The same, where the user or the catalogue names it.
    pub named_reference: Option<usize>,
    /// How often the user has said what quality rests on: what was found of a reference before does not hold any more.
    pub epoch: u32,
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
    /// Its stamp is its identity on the lanes.
    pub frame: gst::Buffer,
    /// Caps of the frame, where it is a picture.
    pub caps: Option<gst::Caps>,
    /// Number of the frame in the stream.
    pub number: u64,
    pub kind: RunKind,
    pub aim: TrialKind,
    pub context: TrialContext,
    /// The answers so far, the active lane's first.
    pub answers: Vec<(usize, LaneOutput)>,
    /// Lanes that have yet to answer; the first one has the frame in hand.
    pub pending: [Option<usize>; 2],
    /// The lane that answers at idle priority.
    pub lesson: Option<usize>,
}

impl Trial {
    /// Starts a trial of a frame whose caps and number these are; whoever has answered it already, and whoever is to,
    /// comes afterward.
    pub fn new(
        (frame, caps, number): (gst::Buffer, Option<gst::Caps>, u64),
        (kind, aim): (RunKind, TrialKind),
        context: TrialContext,
    ) -> Trial {
        Trial {
            frame,
            caps,
            number,
            kind,
            aim,
            context,
            answers: Vec::with_capacity(3),
            pending: [None; 2],
            lesson: None,
        }
    }

    /// Starts a trial of a changed frame.
    pub fn of_modified(modified: ModifiedFrame, context: TrialContext) -> Trial {
        let (frame, caps) = (modified.frame, Some(modified.caps));
        Trial {
            pending: [Some(modified.lane), None],
            ..Trial::new(
                (frame, caps, modified.number),
                (RunKind::Shadow, modified.aim),
                context,
            )
        }
    }

    /// Why a lane of the trial gets the frame.
    pub fn purpose(&self, lane: usize) -> Purpose {
        Purpose::Shadow(match self.lesson == Some(lane) {
            true => RunKind::Idle,
            false => self.kind,
        })
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

    /// The lane that looked first beside the active one, if the next frame is to show how steady it is.
    pub fn followed(&self) -> Option<usize> {
        let TrialContext {
            settings, reference, ..
        } = &self.context;
        let is_wanted = settings
            .quality_source
            .wants(Evidence::Stability, reference.is_none());
        let is_first = matches!(self.aim, TrialKind::Quality { .. });
        self.answers
            .get(1)
            .filter(|_| is_wanted && is_first)
            .map(|it| it.0)
    }
}
