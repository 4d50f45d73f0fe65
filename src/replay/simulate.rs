// SPDX-License-Identifier: MPL-2.0

//! The rules of the replay, the same for every policy:
//!
//! - Frames arrive every period. Who is started on a frame occupies the element for its latency.
//! - An answer later than the budget is a miss and worth nothing.
//! - Frames that arrive while the element is still busy beyond the next period are lost: misses, worth nothing.
//! - The first run after a swap takes 15 % longer.
//! - A shadow run takes its latency out of the slack. What does not fit delays the start of the next frame; on another
//!   device than that of the answer, it delays only what is started there.

use std::time::{Duration, Instant};

use super::Matrix;

/// Factor on the first run after a swap: cold caches.
const FIRST_RUN: f64 = 1.15;

/// What a policy is told of the run that it started on a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    pub frame: usize,
    pub candidate: usize,
    /// From its start, in milliseconds.
    pub latency_ms: f64,
    /// Time between the arrival of the frame and the start, in milliseconds: a shadow run did not fit.
    pub waited_ms: f64,
    /// First one after a swap.
    pub is_first: bool,
    pub is_late: bool,
    /// Following frames that arrived while it ran and were lost.
    pub lost: usize,
}

/// What a policy is told of a shadow run, with the quality of both answers to the sampled frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShadowRun {
    pub frame: usize,
    pub candidate: usize,
    pub latency_ms: f64,
    /// Whether it ended before the next frame arrived.
    pub fits: bool,
    pub quality: f64,
    pub active: usize,
    pub active_quality: f64,
}

/// A policy under test. It is told what it could see live, and nothing else.
pub trait Selector {
    /// What the machine says as a frame arrives, ahead of the choice: the share of the time before it in which something
    /// waited for a processor, 0..1; `None` where it says nothing.
    fn sensed(&mut self, _now_ms: f64, _pressure: Option<f64>) {}

    /// Who answers this frame, which arrived at `now_ms`; `None` to let it pass unanswered.
    fn pick(&mut self, frame: usize, now_ms: f64) -> Option<usize>;

    /// The run that it picked has ended.
    fn ran(&mut self, run: &Run);

    /// Whom to run in the shadow of the answer, with `slack_ms` left until the next frame arrives.
    fn shadow(&mut self, _now_ms: f64, _slack_ms: f64) -> Option<usize> {
        None
    }

    /// The shadow run that it asked for has ended.
    fn shadowed(&mut self, _run: &ShadowRun) {}
}

/// What came of a replay.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Who was asked for each frame; `None` where nobody was, or the frame was lost.
    pub picks: Vec<Option<usize>>,
    /// Whether each frame was late or lost.
    pub missed: Vec<bool>,
    /// What left for each frame was worth, 0..1.
    pub worth: Vec<f64>,
    pub swaps: usize,
    /// Time spent in shadow runs, in milliseconds.
    pub shadow_ms: f64,
    /// Time that the policy itself took.
    pub thinking: Duration,
    pub decisions: usize,
}

/// Plays one policy over one matrix.
pub fn simulate(matrix: &Matrix, selector: &mut dyn Selector) -> Outcome {
    let frames = matrix.frames();
    let period = matrix.period_ms;
    let mut outcome = Outcome::default();
    let mut last = None;
    // Time from the arrival of the frame in hand until the element is free, and until another device is.
    let mut waited_ms = 0.0;
    let mut elsewhere = (0, 0.0f64);
    let mut frame = 0;
    while frame < frames {
        let now = frame as f64 * period;
        let clock = Instant::now();
        selector.sensed(now, matrix.pressure(frame));
        let pick = selector.pick(frame, now);
        outcome.thinking += clock.elapsed();
        outcome.decisions += 1;
        let Some(candidate) = pick else {
            outcome.push(None, false, matrix.floor);
            waited_ms = 0.0;
            elsewhere.1 = (elsewhere.1 - period).max(0.0);
            frame += 1;
            continue;
        };
        let cell = matrix.cell(frame, candidate);
        let is_first = last.is_some_and(|it| it != candidate);
        outcome.swaps += usize::from(is_first);
        last = Some(candidate);
        let latency_ms = cell.latency_ms * if is_first { FIRST_RUN } else { 1.0 };
        let device = matrix.columns[candidate].device;
        if elsewhere.0 == device {
            waited_ms = f64::max(waited_ms, elsewhere.1);
        }
        let end = waited_ms + latency_ms;
        let is_late = matrix.budget_ms < end;
        let lost = ((end / period) as usize).min(frames - frame - 1);
        let run = Run {
            frame,
            candidate,
            latency_ms,
            waited_ms,
            is_first,
            is_late,
            lost,
        };
        outcome.push(Some(candidate), is_late, if is_late { 0.0 } else { cell.quality });
        (0..lost).for_each(|_| outcome.push(None, true, 0.0));
        let clock = Instant::now();
        selector.ran(&run);
        let slack = period * (lost + 1) as f64 - end;
        let shadow = selector.shadow(now + end, slack).filter(|it| *it != candidate);
        outcome.thinking += clock.elapsed();
        waited_ms = 0.0;
        let passed = period * (lost + 1) as f64;
        elsewhere.1 = (elsewhere.1 - passed).max(0.0);
        if let Some(shadow) = shadow {
            let beside = matrix.cell(frame, shadow);
            outcome.shadow_ms += beside.latency_ms;
            let overrun = beside.latency_ms - slack;
            if matrix.columns[shadow].device == device {
                waited_ms = overrun.max(0.0);
            } else {
                elsewhere = (matrix.columns[shadow].device, overrun.max(0.0));
            }
            let clock = Instant::now();
            selector.shadowed(&ShadowRun {
                frame,
                candidate: shadow,
                latency_ms: beside.latency_ms,
                fits: overrun <= 0.0,
                quality: beside.quality,
                active: candidate,
                active_quality: cell.quality,
            });
            outcome.thinking += clock.elapsed();
        }
        frame += 1 + lost;
        // A shadow run of several periods loses whole frames.
        while period <= waited_ms && frame < frames {
            outcome.push(None, true, 0.0);
            waited_ms -= period;
            elsewhere.1 = (elsewhere.1 - period).max(0.0);
            frame += 1;
        }
    }
    outcome
}

impl Outcome {
    fn push(&mut self, pick: Option<usize>, missed: bool, worth: f64) {
        self.picks.push(pick);
        self.missed.push(missed);
        self.worth.push(worth);
    }
}
