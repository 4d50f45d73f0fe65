// SPDX-License-Identifier: MPL-2.0

//! One stream of a group: what it wants, what it has, and what came of that.

use std::time::Duration;

use super::demand::{Demand, Rung};

/// Time within which more that was given and is taken back was a mistake.
const SOON: Duration = Duration::from_secs(5);

/// How long it is then not given again.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Share of its budget that a miss costs a stream in plans; frames without one give it back at the miss rate.
const PER_MISS: f64 = 0.03;

/// The most of its budget that plans leave out.
const MOST_CAUTION: f64 = 0.3;

/// Weight of the newest frame in the budget that plans keep to.
const STEADY: f64 = 0.05;

/// Weight of the newest frame in what the others leave.
const NEWEST: f64 = 0.2;

/// Frames that do not come, and a time without one, before a stream has paused.
const PAUSE_FRAMES: f64 = 4.0;
const PAUSE: f64 = 0.5;

/// What a stream is like at a frame.
#[derive(Debug, Clone, Copy)]
pub struct Wants<'a> {
    pub now: Duration,
    pub period: Duration,
    /// Time that a run may take.
    pub budget: Duration,
    /// Share of its frames that may be missed.
    pub miss_rate: f64,
    pub rungs: &'a [Rung],
}

/// What a stream may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// Whatever it wants.
    Free,
    /// No candidate whose runs take more processor time.
    HeldBack { work: Duration },
    /// Nothing: not even the least of all streams fits.
    None,
}

impl Place {
    /// The longest run that it may make; `None` where that is free.
    pub fn most(self) -> Option<Duration> {
        match self {
            Place::Free => None,
            Place::HeldBack { work } => Some(work),
            Place::None => Some(Duration::ZERO),
        }
    }
}

/// A stream of a group.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) demand: Demand,
    /// When its newest frame came.
    pub(super) arrived: Option<Duration>,
    /// Its runs since then, in the order of their starts; those without an end go on.
    pub(super) runs: Vec<(Duration, Option<Duration>)>,
    /// Processor time that a run would have got inside the budget, in seconds, in the mean of the last frames.
    offered: Option<f64>,
    /// When it was last given more.
    raised: Option<Duration>,
    /// When it may be given more again, and how long it waits for that after more was given and taken back.
    not_before: Duration,
    wait: Duration,
    /// Share of its budget that plans leave out, for what they expected of it was not kept.
    caution: f64,
}

impl Stream {
    pub(super) fn new(weight: f64) -> Stream {
        Stream {
            demand: Demand {
                weight,
                ..Demand::default()
            },
            arrived: None,
            runs: Vec::new(),
            offered: None,
            raised: None,
            not_before: Duration::ZERO,
            wait: Duration::ZERO,
            caution: 0.0,
        }
    }

    /// A frame comes; a run would have got so much of a processor inside the last one's budget, in seconds.
    pub(super) fn arrives(&mut self, wants: &Wants, offered: Option<f64>) {
        if let Some(offered) = offered {
            let before = self.offered.unwrap_or(offered);
            self.offered = Some(before + NEWEST * (offered - before));
        }
        self.arrived = Some(wants.now);
        self.runs.retain(|it| it.1.is_none());
        self.caution = (self.caution - PER_MISS * wants.miss_rate).max(0.0);
        let demand = &mut self.demand;
        demand.phase = wants.now.as_secs_f64();
        demand.period = wants.period.as_secs_f64();
        let budget = wants.budget.as_secs_f64() * (1.0 - self.caution);
        demand.budget = match demand.budget {
            // What is kept back for late threads goes up and down by tenths of it from frame to frame.
            before if (before / 1.5..before * 1.5).contains(&budget) => before + STEADY * (budget - before),
            _ => budget,
        };
        demand.rungs.clear();
        demand.rungs.extend_from_slice(wants.rungs);
    }

    /// A frame was missed.
    pub(super) fn missed(&mut self) {
        self.caution = (self.caution + PER_MISS).min(MOST_CAUTION);
    }

    /// Nobody shares with it.
    pub(super) fn is_alone(&mut self) {
        (self.demand.present, self.demand.is_out) = (None, false);
    }

    /// Whether frames come; one that has paused wants nothing.
    pub(super) fn has_frames(&self, now: Duration) -> bool {
        let silence = Duration::from_secs_f64(PAUSE.max(PAUSE_FRAMES * self.demand.period));
        self.arrived.is_some_and(|it| now < it + silence)
    }

    /// Processor time that a run would get inside `full`.
    pub(super) fn budget(&self, full: Duration) -> Duration {
        self.offered
            .map_or(full, |it| full.min(Duration::from_secs_f64(it)))
    }

    /// What it may use.
    pub(super) fn place(&self) -> Place {
        let demand = &self.demand;
        if demand.is_out {
            return Place::None;
        }
        let most = demand.rungs.iter().map(|it| it.work).fold(0.0, f64::max);
        match demand.present_rung() {
            Some(rung) if rung.work < most => Place::HeldBack {
                // Rounding must not bar the run itself.
                work: Duration::from_secs_f64(rung.work) + Duration::from_nanos(1),
            },
            _ => Place::Free,
        }
    }

    /// Whether this is more than it has.
    pub(super) fn rises_to(&self, chosen: &Rung) -> bool {
        self.demand.is_out || self.work() < chosen.work
    }

    /// Whether it may be given more now.
    pub(super) fn may_rise(&self, now: Duration) -> bool {
        self.not_before <= now
    }

    /// It may make runs up to this one from now on. Where more was given just now and is taken back, it is not given again
    /// soon, and later each time.
    pub(super) fn gets(&mut self, chosen: &Rung, now: Duration) {
        if self.rises_to(chosen) {
            self.raised = Some(now);
        } else if chosen.work < self.work() {
            let is_soon = self.raised.take().is_some_and(|it| now < it + SOON);
            self.wait = if is_soon {
                (2 * self.wait).clamp(SHORTEST_WAIT, LONGEST_WAIT)
            } else {
                Duration::ZERO
            };
            self.not_before = now + self.wait;
        }
        (self.demand.present, self.demand.is_out) = (Some(chosen.candidate), false);
    }

    /// It has no place, or the least, while it is not sure that there is none.
    pub(super) fn gets_nothing(&mut self, is_sure: bool) {
        let rungs = self.demand.rungs.iter();
        let least = rungs.min_by(|one, other| one.work.total_cmp(&other.work));
        self.demand.present = least.map(|it| it.candidate);
        self.demand.is_out = is_sure && self.demand.present.is_some();
    }

    /// The longest run that it may make, in seconds.
    fn work(&self) -> f64 {
        self.demand.present_rung().map_or(f64::INFINITY, |it| it.work)
    }
}
