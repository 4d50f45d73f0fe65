// SPDX-License-Identifier: MPL-2.0

//! How a run ends, of video and of audio alike, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use super::elements::{LaneElements, LaneOutput};
use super::lane::{Purpose, Run};
use super::misfit::Misfit;
use crate::elements::switch::scoring::trial::Trial;
use crate::policy::RunKind;

/// How waiting for an answer ended.
#[derive(Debug)]
pub enum Outcome {
    Answered(LaneOutput),
    /// The deadline passed.
    Deadline,
    /// The lane failed, or dropped the frame.
    NoAnswer,
    /// The lane is silent for so long that the user should hear of it; the wait is to go on.
    Silent,
    Flushing,
}

/// What the lane's thread has to do after it delivered an answer.
#[derive(Debug)]
pub enum FollowUp {
    Nothing,
    /// The trial's next lane takes the same frame.
    RunNext(Feed),
    /// All answers of the trial are in.
    Score(Trial),
    /// The lane finished its warm-up.
    Announce,
    /// The answer cannot be used.
    Unfit(Misfit),
    /// The stream is audio: what came is a part of the lane's stream, and not the answer to one frame.
    Audio(gst::Buffer),
}

/// What came of an answer.
#[derive(Debug)]
pub struct Delivered {
    pub follow_up: FollowUp,
    /// It is the lane's first that looks so.
    pub is_output_new: bool,
}

impl From<FollowUp> for Delivered {
    fn from(follow_up: FollowUp) -> Delivered {
        Delivered {
            follow_up,
            is_output_new: false,
        }
    }
}

/// A frame for a lane that was claimed for it, to be pushed once no lock is held.
#[derive(Debug)]
pub struct Feed {
    pub elements: Arc<LaneElements>,
    pub frame: gst::Buffer,
    /// The stamp of the frame.
    pub entered: gst::ClockTime,
    /// The stream was flushed since the lane's last frame.
    pub flush_first: bool,
    /// It is a lesson: the candidate sees it at idle priority, on another thread than the lane's.
    pub is_lesson: bool,
}

/// How a run went.
#[derive(Debug, Clone, Copy)]
pub struct RunEnd {
    pub latency: Duration,
    /// Processor time of the thread that ran it, if that is known.
    pub used: Option<Duration>,
    /// Whether something came of it; what nothing came of says how long a warm-up run takes only where it gave.
    pub has_output: bool,
    /// Whether it may be the lane's last warm-up run.
    pub may_be_warm: bool,
}

/// How the latency of a run counts, given whether the lane is still warming up and when the newest frame entered.
pub(super) fn kind(run: &Run, is_warming: bool, newest: Option<gst::ClockTime>) -> RunKind {
    let kind = match run.purpose {
        Purpose::WarmUp => RunKind::WarmUp,
        Purpose::Survey | Purpose::Hear(_) if is_warming => RunKind::WarmUp,
        Purpose::Shadow(RunKind::Idle) => RunKind::Idle,
        Purpose::Shadow(_) | Purpose::Survey => RunKind::Shadow,
        Purpose::Hear(kind) => kind,
        Purpose::Answer | Purpose::Stride if run.is_first => RunKind::WarmUp,
        Purpose::Answer | Purpose::Stride => RunKind::Active,
    };
    // What ran into the next frame was not undisturbed, whatever was expected of it.
    let ran_into_next = newest.is_some_and(|it| run.stamp < it);
    match kind {
        RunKind::Shadow if ran_into_next => RunKind::Overlapped,
        kind => kind,
    }
}
