// SPDX-License-Identifier: MPL-2.0

//! The record of one lane: who it is, how far it has come, and the frame that it has in hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer_caps::Shape;
use super::elements::LaneElements;
use super::serving::Serving;
use super::tally::{LaneTally, ShownState};
use crate::elements::switch::audio::{LaneAudio, OutputThread};
use crate::messages::{CandidateState, Percentiles};
use crate::policy::{Availability, Prior, RunKind};
use crate::score::LatencyWindow;

/// Runs on real frames before a lane may answer. Their latency is not used as a measurement, because
/// caches and page tables are cold; the policy takes the best of them as a first guess, so it wants three.
const WARM_UP_RUNS: u32 = 3;

/// The same where it is known what a run takes: only what is cold has to become warm.
const SHORT_WARM_UP: u32 = 1;

/// Latencies that a window keeps: 12 s at 25 fps, 9 of them beyond the 97th percentile.
pub const WINDOW: usize = 300;

/// A lane that has said nothing for this long is reported as hung; longer than any model that could
/// serve a live stream, short enough for an operator to see the cause.
const HANG: Duration = Duration::from_secs(2);

/// The same at idle priority, where a run may have to wait for long.
const HANG_WHEN_IDLE: Duration = Duration::from_secs(60);

/// How long an answer may still come, from a thread of the candidate's own, after the candidate let go of the frame.
pub const RETURN_GRACE: Duration = Duration::from_secs(1);

/// How far a lane has come.
#[derive(Debug, Clone, PartialEq)]
pub enum LaneState {
    Loading,
    Warming {
        runs_left: u32,
    },
    Ready,
    /// Kept with its cause so that `stats` can tell the user what to change.
    Failed {
        cause: String,
        retry_at: Option<gst::ClockTime>,
    },
    /// Not in memory, since others are; what a load took is known after the first one.
    Unloaded {
        load_time: Option<Duration>,
    },
    /// Removed from the switch; the record stays until nobody can want the sound any more that it gave ahead.
    Gone,
}

impl LaneState {
    /// What `stats` shows of it; of a lane that is gone, nothing is shown.
    fn shown(&self) -> ShownState {
        match self {
            LaneState::Loading => (CandidateState::Loading, None),
            LaneState::Warming { .. } => (CandidateState::Warming, None),
            LaneState::Ready => (CandidateState::Ready, None),
            LaneState::Failed { cause, .. } => (CandidateState::Failed, Some(cause.clone())),
            LaneState::Unloaded { .. } => (CandidateState::Unloaded, None),
            LaneState::Gone => (CandidateState::Failed, None),
        }
    }
}

/// Why a lane was given a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Answer,
    WarmUp,
    Shadow(RunKind),
    /// Nobody waits; the answer is held for the frames to come.
    Stride,
    /// The stream waits while one candidate after the other answers the frame.
    Survey,
    /// It hears audio, buffer by buffer; how its latency counts was decided before.
    Hear(RunKind),
}

/// The frame that a lane has in hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// Identity of the frame: the stamp that the switch put on it.
    pub stamp: gst::ClockTime,
    /// The frame itself contradicts its caps, so that nothing can be said of an answer that does.
    pub is_odd: bool,
    pub pts: Option<gst::ClockTime>,
    pub started: gst::ClockTime,
    pub purpose: Purpose,
    /// Nobody waits for it any more: its deadline passed, or the stream was flushed.
    pub abandoned: bool,
    /// The candidate has let go of the frame, with or without an answer.
    pub returned: Option<Instant>,
    /// Another lane answered the frame before: the caches are cold.
    pub is_first: bool,
    /// Whether the silence was already told to the user.
    pub reported_hung: bool,
}

/// Name of the device that runs what is not said to run elsewhere.
pub const PROCESSOR: &str = "cpu";

/// What stays of a lane as long as it is there; it is published, so that nobody has to take the table's lock for it.
#[derive(Debug, Clone)]
pub struct Identity {
    pub name: Arc<str>,
    /// What the catalogue knows of the candidate.
    pub prior: Prior,
    /// Name of the device that it runs on; `None` for the processor.
    pub device: Option<Arc<str>>,
    /// `None` while the lane is put together.
    pub elements: Option<Arc<LaneElements>>,
    /// What it has done, and how far it has come.
    pub tally: Arc<LaneTally>,
}

/// The record of one lane.
#[derive(Debug)]
pub struct Lane {
    pub identity: Identity,
    pub state: LaneState,
    pub run: Option<Run>,
    /// The run, as others count it; nothing of one that is not on the processor, or idle.
    pub serving: Option<Serving>,
    pub caps: Option<gst::Caps>,
    /// What its buffers have to hold by these caps.
    pub shape: Shape,
    /// Whether an answer with these caps was seen, and so what it gives is known to all.
    pub is_output_shown: bool,
    /// Caps of answers that nobody behind the lane takes, if it asked for such.
    pub refused: Option<gst::Caps>,
    /// It failed because it does not fit the stream or the output; it may when these change.
    pub is_unfit: bool,
    /// The stream was flushed since the lane's last frame.
    pub needs_flush: bool,
    /// The user does not want it to answer; it may run beside.
    pub is_forbidden: bool,
    /// The switch's group leaves less processor time than it takes, so it stands in for nobody either.
    pub is_held_back: bool,
    /// Runs that warm it up.
    pub warm_up_runs: u32,
    pub attempts: u32,
    /// Frames in a row of which it made nothing.
    pub unanswered: u32,
    /// What was last told of a failure, since it was last ready.
    pub told: Option<String>,
    /// Latencies of its last runs.
    pub window: LatencyWindow,
    /// What they got of a processor: without what the group's other runs made of it.
    pub work: LatencyWindow,
    /// What it hears and gives, where the stream is audio.
    pub audio: LaneAudio,
}

impl Run {
    /// How long it may be silent before the user is told.
    pub fn patience(&self) -> Duration {
        if self.is_lesson() { HANG_WHEN_IDLE } else { HANG }
    }

    /// Whether it goes on at idle priority, for as long as the rest of the machine lets it.
    pub fn is_lesson(&self) -> bool {
        self.purpose == Purpose::Shadow(RunKind::Idle)
    }
}

impl Lane {
    pub fn new(name: &str, prior: Prior, device: Option<&str>) -> Lane {
        Lane {
            identity: Identity {
                name: name.into(),
                prior,
                device: device.filter(|it| *it != PROCESSOR).map(Into::into),
                elements: None,
                tally: Arc::default(),
            },
            state: LaneState::Loading,
            run: None,
            serving: None,
            caps: None,
            shape: Shape::default(),
            is_output_shown: false,
            refused: None,
            is_unfit: false,
            needs_flush: false,
            is_forbidden: false,
            is_held_back: false,
            warm_up_runs: WARM_UP_RUNS,
            attempts: 0,
            unanswered: 0,
            told: None,
            window: LatencyWindow::new(WINDOW),
            work: LatencyWindow::new(WINDOW),
            audio: LaneAudio::default(),
        }
    }

    /// What everybody sees of it.
    pub fn tally(&self) -> &LaneTally {
        &self.identity.tally
    }

    pub fn set_state(&mut self, state: LaneState) {
        self.tally().show(state.shown());
        self.state = state;
    }

    /// Takes in how long a run took, and what it got of a processor.
    pub fn measured(&mut self, latency: Duration, work: Duration) {
        self.window.push(latency);
        self.work.push(work);
        if let Some(percentiles) = Percentiles::of(&self.window) {
            self.tally().latency.set(&percentiles);
        }
    }

    /// Takes the run that has ended, if it `is_this`.
    pub fn take_run(&mut self, is_this: impl FnOnce(&mut Run) -> bool) -> Option<Run> {
        let run = self.run.take_if(is_this)?;
        if run.reported_hung {
            self.tally().show_hung(false);
        }
        Some(run)
    }

    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// When no answer can come any more to the frame that it let go of: at once, where it never answers later.
    pub fn end_of_grace(&self) -> Option<Instant> {
        let returned = self.run?.returned?;
        match self.audio.thread {
            OutputThread::Here => Some(returned),
            OutputThread::Unknown | OutputThread::Elsewhere => Some(returned + RETURN_GRACE),
        }
    }

    /// Whether the lane could take a frame, warm or not.
    pub fn is_idle(&self) -> bool {
        self.run.is_none() && matches!(self.state, LaneState::Warming { .. } | LaneState::Ready)
    }

    /// Whether the lane could answer a frame at once, warm or not.
    pub fn could_answer(&self) -> bool {
        self.is_idle() && !self.is_forbidden && !self.is_held_back
    }

    /// Whether its answers are not what all must be: it has to negotiate anew.
    pub fn parts_from(&self, output: Option<&gst::Caps>) -> bool {
        let both = self.caps.as_ref().zip(output);
        both.is_some_and(|(own, output)| !own.can_intersect(output))
    }

    /// Whether waiting for the lane may lead to an answer.
    pub fn is_worth_waiting(&self) -> bool {
        self.may_come() && !self.is_forbidden
    }

    /// Whether the lane is loaded and has warm-up runs left.
    pub fn is_warming(&self) -> bool {
        matches!(self.state, LaneState::Warming { .. })
    }

    /// Whether the lane answers now or may do so by itself.
    pub fn may_come(&self) -> bool {
        !matches!(
            self.state,
            LaneState::Failed { .. } | LaneState::Unloaded { .. } | LaneState::Gone
        )
    }

    /// Whether the lane may answer at some time: now, by itself, or once it is in memory again.
    pub fn has_hope(&self) -> bool {
        !matches!(self.state, LaneState::Failed { .. } | LaneState::Gone)
    }

    pub fn availability(&self) -> Availability {
        match (&self.state, &self.run) {
            (LaneState::Ready, None) => Availability::Ready,
            // As long as its samples come early enough, it may still be at those before.
            (LaneState::Ready, Some(run)) if self.audio.hears() && !run.abandoned => Availability::Ready,
            (LaneState::Ready, Some(run)) => Availability::Busy {
                since: run.started.into(),
            },
            (LaneState::Unloaded { load_time }, _) => Availability::Unloaded {
                load_time: *load_time,
            },
            _ => Availability::Absent,
        }
    }

    /// It is loaded, and runs warm it up.
    pub fn begin_warm_up(&mut self) {
        let runs_left = self.warm_up_runs;
        self.set_state(LaneState::Warming { runs_left });
    }

    /// What a run of it takes is known, so that fewer warm it up.
    pub fn shorten_warm_up(&mut self) {
        self.warm_up_runs = SHORT_WARM_UP;
        if let LaneState::Warming { runs_left } = &mut self.state {
            *runs_left = SHORT_WARM_UP.min(*runs_left);
        }
    }

    /// Counts one warm-up run; `true` when it was the last.
    pub fn warm_up(&mut self) -> bool {
        match &mut self.state {
            LaneState::Warming { runs_left } if *runs_left <= 1 => {
                self.set_state(LaneState::Ready);
                (self.attempts, self.told) = (0, None);
                true
            }
            LaneState::Warming { runs_left } => {
                *runs_left -= 1;
                false
            }
            _ => false,
        }
    }
}
