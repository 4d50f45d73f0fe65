// SPDX-License-Identifier: MPL-2.0

//! Lessons: what the reference is shown beside the stream when it never fits the slack. It then gets a frame of its own
//! at idle priority, off the deadline, now and then, so that the others are scored at a bounded cost.

use std::time::Duration;

use super::CandidateId;
use super::RunKind;
use super::shadow::{Scene, Shadow};

/// Share of the time that lessons may take in the long run, by what the reference usually takes.
const SHARE: f64 = 0.05;

/// Frames without a run of the reference after which it gets a lesson: 1 s at 25 fps. Until then a frame with more slack
/// may come.
const UNTAUGHT: u64 = 25;

/// The same, after which it is said that it cannot teach: 10 s at 25 fps.
const NEVER: u64 = 250;

/// Most that pauses between lessons are prolonged, because frames were missed beside them.
const MOST_CAUTION: u64 = 32;

/// How the reference comes to score the others.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Teaching {
    /// Nothing was asked of it yet, or there is none.
    #[default]
    Unknown,
    /// It sees frames in the slack of the active candidate, or answers itself.
    InSlack,
    /// It takes `latency`, more than the `slack` ever was; so it sees about each `every`-th frame at idle priority.
    AtIdle {
        latency: Duration,
        slack: Duration,
        every: u64,
    },
    /// It takes `latency`, more than the `slack` ever was, and cannot run at idle priority: nobody is scored by it.
    Never { latency: Duration, slack: Duration },
}

/// When lessons are given.
#[derive(Debug, Clone)]
pub(super) struct Lessons {
    /// Whether a candidate can run at idle priority.
    pub are_possible: bool,
    pub teaching: Teaching,
    /// Frame from which on the next one may be given.
    from: u64,
    /// Frames from one to the next, by what the last one cost.
    pause: u64,
    /// How many times longer pauses are than they must be.
    caution: u64,
    running: Option<CandidateId>,
    /// The largest slack since the reference fitted last.
    slack: Duration,
}

impl Lessons {
    pub(super) fn new() -> Lessons {
        Lessons {
            are_possible: false,
            teaching: Teaching::Unknown,
            from: 0,
            pause: 0,
            caution: 1,
            running: None,
            slack: Duration::ZERO,
        }
    }

    /// A lesson, where the reference does not fit, one is due, and the machine `is_calm`. A rival that fits the slack goes
    /// first, so that both it and the active candidate are scored.
    pub(super) fn next(&mut self, scene: &Scene, is_calm: bool) -> Option<Shadow> {
        let reference = scene.reference().filter(|it| *it != scene.active)?;
        let own = scene.proposal(reference)?;
        if own.fits || own.is_bearable {
            self.slack = Duration::ZERO;
            return None;
        }
        self.slack = self.slack.max(scene.slack);
        let age = scene.age_of_run(reference)?;
        let seconds = scene.latency(reference)?;
        let latency = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        if !self.are_possible {
            if NEVER <= age {
                let slack = self.slack;
                self.teaching = Teaching::Never { latency, slack };
            }
            return None;
        }
        let is_time = is_calm && UNTAUGHT <= age && self.from <= scene.frame;
        let pupil = scene.pupil(reference).filter(|_| is_time)?;
        self.pause = (seconds / (SHARE * scene.period)).ceil() as u64;
        self.from = scene
            .frame
            .saturating_add(self.pause.saturating_mul(self.caution));
        self.running = Some(reference);
        self.teaching = Teaching::AtIdle {
            latency,
            slack: self.slack,
            every: self.pause.max(UNTAUGHT),
        };
        let runs = match pupil == scene.active {
            true => [Some(reference), None],
            false => [Some(pupil), Some(reference)],
        };
        Some(Shadow {
            runs,
            kind: RunKind::Shadow,
            perturbed: false,
            idle: Some(reference),
        })
    }

    /// The reference was shown a frame in the slack.
    pub(super) fn looked_in_slack(&mut self) {
        self.teaching = Teaching::InSlack;
    }

    /// A frame was late: if a lesson ran beside it, the next one comes later.
    pub(super) fn missed(&mut self, frame: u64) {
        if self.running.take().is_some() {
            self.caution = (2 * self.caution).min(MOST_CAUTION);
            let from = frame.saturating_add(self.pause.saturating_mul(self.caution));
            self.from = self.from.max(from);
        }
    }

    /// The run of a lesson ended. Where nothing was missed beside it, less caution is needed.
    pub(super) fn ended(&mut self) {
        if self.running.take().is_some() {
            self.caution = (self.caution / 2).max(1);
        }
    }

    /// The run will not end.
    pub(super) fn forget(&mut self) {
        self.running = None;
    }
}
