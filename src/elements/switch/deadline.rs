// SPDX-License-Identifier: MPL-2.0

//! When a wait ends: the only place where that is decided.

use std::time::{Duration, Instant};

use super::lanes::state::Lanes;
use super::settings::LatePolicy;

/// Time that is kept back for the answer to leave once the wait is over: waking a thread up took 17 µs in
/// the median and 107 µs at P99 on an idle two-core machine, and several times that on a busy one.
const WAKE_UP_MARGIN: Duration = Duration::from_millis(1);

/// Longest that is waited beyond the deadline where nothing else can answer: a late frame is better than
/// a lost one, but not for ever.
const FLOOR_PATIENCE: Duration = Duration::from_millis(100);

/// How long a lane may be silent, where no deadline is kept, before another one takes its frame.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a wait for a first candidate looks whether there is one.
const LOADING_POLL: Duration = Duration::from_millis(100);

/// How long the first frame of a survey waits for a candidate to be loaded: models of some gigabytes, from a slow disk.
const LOADING_PATIENCE: Duration = Duration::from_secs(60);

/// What the wait for an answer has to keep to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// When the frame entered, and the time it may take.
    pub clock: Instant,
    pub budget: Duration,
    /// The lane that is named as the floor.
    pub floor: Option<usize>,
    /// Whether the frame itself could leave in place of an answer.
    pub frame_will_do: bool,
    /// Whether no deadline is kept (yet).
    pub is_patient: bool,
}

/// When the wait for the answer of `lane` ends: early enough for the floor to answer in time, if there is one.
///
/// Where no deadline is kept, it ends only if somebody else could take the frame.
pub fn of_answer(lanes: &Lanes, lane: usize, limits: &Limits) -> Option<Instant> {
    if limits.is_patient {
        let has_other = lanes.idle().any(|it| it != lane);
        let usual = lanes.get(lane).and_then(|it| it.window.max());
        return has_other.then(|| Instant::now() + PATIENCE.max(usual.unwrap_or_default() * 20));
    }
    let floor = lanes.floor(limits.floor, limits.frame_will_do, Some(lane));
    if floor.is_none() && !limits.frame_will_do {
        return Some(limits.clock + limits.budget + FLOOR_PATIENCE);
    }
    let cost = floor.and_then(|it| lanes.get(it)?.window.percentile(95.0));
    Some(limits.clock + before(limits.budget, cost.unwrap_or_default() + WAKE_UP_MARGIN))
}

/// When the wait for the samples of a buffer that entered then ends.
pub fn of_samples(policy: LatePolicy, clock: Instant, budget: Duration) -> Instant {
    match policy {
        LatePolicy::Wait => of_silence(),
        _ => clock + before(budget, WAKE_UP_MARGIN),
    }
}

/// When the wait for the last samples of a lane ends.
pub fn of_drain(policy: LatePolicy, budget: Duration) -> Instant {
    match policy {
        LatePolicy::Wait => of_silence(),
        _ => Instant::now() + budget,
    }
}

/// When a lane was silent for too long where no deadline is kept.
pub fn of_silence() -> Instant {
    Instant::now() + PATIENCE
}

/// When the wait for whoever stands in ends.
pub fn of_floor() -> Instant {
    Instant::now() + FLOOR_PATIENCE
}

/// When the wait for a pinned lane to be free ends.
pub fn of_pin(clock: Instant, budget: Duration) -> Instant {
    clock + budget / 2
}

/// When to look again whether a lane could answer.
pub fn of_loading() -> Instant {
    Instant::now() + LOADING_POLL
}

/// When the wait for a lane to be ready for a survey ends.
pub fn of_survey(is_first_frame: bool) -> Instant {
    match is_first_frame {
        true => Instant::now() + LOADING_PATIENCE,
        false => of_silence(),
    }
}

/// The budget less what is kept back, at most half of it.
fn before(budget: Duration, kept_back: Duration) -> Duration {
    budget - kept_back.min(budget / 2)
}
