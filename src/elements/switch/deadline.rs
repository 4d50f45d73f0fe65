// SPDX-License-Identifier: MPL-2.0

//! When a wait ends: the only place where that is decided.

use std::time::{Duration, Instant};

use super::enums::LatePolicy;
use super::lanes::lane::Lane;
use super::lanes::state::Lanes;

/// Longest that is waited beyond the deadline where nothing else can answer: a late frame is better than
/// a lost one, but not for ever.
const FLOOR_PATIENCE: Duration = Duration::from_millis(100);

/// How long a lane may be silent, where no deadline is kept, before another one takes its frame.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same for a lane that has never finished a run, while another one could answer: a model's first run takes several
/// times as long as its others, and a stream should begin within a second, also where sound waits for two lanes in turn.
const FIRST_PATIENCE: Duration = Duration::from_millis(400);

/// How often a wait for a first candidate looks whether there is one.
const LOADING_POLL: Duration = Duration::from_millis(100);

/// How long the first frame of a survey waits for a candidate to be loaded: models of some gigabytes, from a slow disk.
const LOADING_PATIENCE: Duration = Duration::from_secs(60);

/// How long a frame of a survey waits to be weighed: longer than most comparisons take that get a processor. On a loaded
/// machine each of its frames may have to wait.
const WEIGHING_PATIENCE: Duration = Duration::from_millis(100);

/// What the wait for an answer has to keep to.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// When the frame entered, and the time it may take.
    pub clock: Instant,
    pub budget: Duration,
    /// When the lane got the frame.
    pub asked: Instant,
    /// Whether the user wants just this lane, and no deadline kept.
    pub is_insisted: bool,
    /// The lane that is named as the floor.
    pub floor: Option<usize>,
    /// Whether the frame itself could leave in place of an answer.
    pub frame_will_do: bool,
    /// Whether it could leave scaled and converted.
    pub converts: bool,
    /// Whether no deadline is kept (yet).
    pub is_patient: bool,
    /// Whether a frame that is not answered in time is dropped, so that nothing is kept back for who stands in.
    pub drops: bool,
}

/// When the wait for the answer of `lane` ends: early enough for the floor to answer in time, if there is one.
///
/// Where no deadline is kept, it ends only if somebody else could take the frame. Others come and go, so it is to be asked
/// for again when something has changed.
pub fn of_answer(lanes: &Lanes, lane: usize, limits: &Limits) -> Option<Instant> {
    if limits.is_patient {
        let has_other = lanes.idle().any(|it| it != lane);
        let patience = || match lanes.get(lane) {
            Some(it) if !limits.is_insisted => patience_with(it),
            _ => PATIENCE,
        };
        return has_other.then(|| limits.asked + patience());
    }
    if limits.drops {
        return Some(limits.clock + limits.budget);
    }
    let floor = lanes.floor(limits.floor, limits.frame_will_do, &[lane]);
    if floor.is_none() && !limits.frame_will_do && !limits.converts {
        return Some(limits.clock + limits.budget + FLOOR_PATIENCE);
    }
    let kept_back = kept_back(lanes, floor, limits.budget);
    Some(limits.clock + before(limits.budget, kept_back))
}

/// What is kept back of a budget for `floor` to answer: the processor time of its runs, for who stands in runs when others are
/// done, and how late threads are woken.
pub fn kept_back(lanes: &Lanes, floor: Option<usize>, budget: Duration) -> Duration {
    let cost = floor.and_then(|it| lanes.get(it)?.work.percentile(95.0));
    cost.unwrap_or_default() + margin(lanes.wake_ups.usual(), budget)
}

/// When the wait for the samples of a buffer that entered then ends.
/// `late` is how late the thread is usually woken.
pub fn of_samples(clock: Instant, budget: Duration, late: Duration) -> Instant {
    clock + before(budget, margin(late, budget))
}

/// What is kept back of a budget by a thread that is usually woken so late: a fifth at most, so that there is something to
/// wait for.
pub fn margin(late: Duration, budget: Duration) -> Duration {
    late.min(budget / 5)
}

/// When the wait for the last samples of a lane ends.
pub fn of_drain(policy: LatePolicy, budget: Duration) -> Instant {
    match policy {
        LatePolicy::Wait => of_silence(),
        _ => Instant::now() + budget,
    }
}

/// How long a lane may be silent, where no deadline is kept and others could go on.
pub fn patience_with(lane: &Lane) -> Duration {
    match lane.window.max() {
        Some(usual) => PATIENCE.max(usual * 20),
        None => FIRST_PATIENCE,
    }
}

/// Whether a first frame that entered then has waited for one lane for so long that any other will do.
pub fn is_late_to_begin(clock: Instant) -> bool {
    FIRST_PATIENCE <= clock.elapsed()
}

/// When a lane was silent for too long where no deadline is kept.
pub fn of_silence() -> Instant {
    Instant::now() + PATIENCE
}

/// When a lane without which the stream can go on was silent for too long.
pub fn of_silence_of(lane: &Lane) -> Instant {
    Instant::now() + patience_with(lane)
}

/// When the wait for whoever stands in ends.
pub fn of_floor() -> Instant {
    Instant::now() + FLOOR_PATIENCE
}

/// When the wait for `lane` to stand in ends, where the frame that entered then can leave without it: with its budget, but
/// not before the time that was kept back for it.
pub fn of_stand_in(lanes: &Lanes, lane: Option<usize>, clock: Instant, budget: Duration) -> Instant {
    (clock + budget).max(Instant::now() + kept_back(lanes, lane, budget))
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

/// When the wait for the scorer, which may be at work on what was to be scored before, ends for a survey.
pub fn of_weighing() -> Instant {
    Instant::now() + WEIGHING_PATIENCE
}

/// The budget less what is kept back, at most half of it.
pub fn before(budget: Duration, kept_back: Duration) -> Duration {
    budget - kept_back.min(budget / 2)
}
