// SPDX-License-Identifier: MPL-2.0

//! The board: which lane is doing what, shared by the thread that dispatches frames and the lanes' own threads.
//!
//! One mutex, one condition variable. Nothing is pushed, posted or run while the mutex is held: each
//! method returns what is to be done.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::trial::Trial;
use crate::policy::{Availability, Outlook, RunKind};
use crate::score::LatencyWindow;

/// Runs on real frames before a lane may answer; their latency is not used, because caches, page tables
/// and a model's first-run allocations are cold (the second run of the three trained upscalers is already
/// within a tenth of the later ones; the third is reserve).
pub const WARM_UP_RUNS: u32 = 3;

/// Latencies that a lane's window keeps: 12 s at 25 fps, 9 of them beyond the 97th percentile.
pub const WINDOW: usize = 300;

/// How long an answer may still come, from a thread of the candidate's own, after the candidate let go of the frame.
const RETURN_GRACE: Duration = Duration::from_secs(1);

/// How far a lane has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Residency {
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
    /// Removed from the switch; the slot stays, because candidate numbers are never reused.
    Gone,
}

impl Residency {
    /// The nick that `stats` shows.
    pub fn nick(&self) -> &'static str {
        match self {
            Residency::Loading => "loading",
            Residency::Warming { .. } => "warming",
            Residency::Ready => "ready",
            Residency::Failed { .. } => "failed",
            Residency::Gone => "removed",
        }
    }
}

/// Why a lane was given a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Answer,
    WarmUp,
    Shadow(RunKind),
}

/// The frame that a lane has in hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// Identity of the frame: the stamp that the switch put on it.
    pub stamp: gst::ClockTime,
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

/// What a lane made of a frame.
#[derive(Debug, Clone)]
pub struct Answer {
    pub buffer: gst::Buffer,
    /// Caps that the lane announced before this buffer.
    pub caps: Option<gst::Caps>,
}

/// Counters of one lane.
#[derive(Debug, Clone)]
pub struct Tally {
    pub runs: u64,
    pub answers: u64,
    pub misses: u64,
    pub window: LatencyWindow,
}

/// One lane's place on the board.
#[derive(Debug)]
pub struct Slot {
    pub name: String,
    pub residency: Residency,
    pub run: Option<Run>,
    pub caps: Option<gst::Caps>,
    /// The stream was flushed since the lane's last frame.
    pub needs_flush: bool,
    pub attempts: u32,
    pub tally: Tally,
}

impl Slot {
    fn new(name: String) -> Slot {
        Slot {
            name,
            residency: Residency::Loading,
            run: None,
            caps: None,
            needs_flush: false,
            attempts: 0,
            tally: Tally {
                runs: 0,
                answers: 0,
                misses: 0,
                window: LatencyWindow::new(WINDOW),
            },
        }
    }

    /// Whether the lane could take a frame, warm or not.
    pub fn is_idle(&self) -> bool {
        self.run.is_none() && matches!(self.residency, Residency::Warming { .. } | Residency::Ready)
    }

    pub fn availability(&self) -> Availability {
        match (&self.residency, &self.run) {
            (Residency::Ready, None) => Availability::Ready,
            (Residency::Ready, Some(run)) => Availability::Busy {
                since: run.started.into(),
            },
            _ => Availability::Absent,
        }
    }
}

/// Something that happened on another thread and that the policy has yet to be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fact {
    Ran {
        lane: usize,
        latency: Duration,
        kind: RunKind,
    },
    Scored {
        lane: usize,
        agreement: f64,
    },
    Failed {
        lane: usize,
    },
    Warm {
        lane: usize,
    },
    LateDownstream {
        jitter: Duration,
    },
}

/// How waiting for an answer ended.
#[derive(Debug)]
pub enum Outcome {
    Answered(Answer),
    /// The deadline passed.
    Deadline,
    /// The lane failed, or dropped the frame.
    NoAnswer,
    Flushing,
}

/// What the lane's thread has to do after it delivered an answer.
#[derive(Debug)]
pub enum FollowUp {
    Nothing,
    /// The trial's next lane takes the same frame.
    RunNext {
        lane: usize,
        frame: gst::Buffer,
    },
    /// All answers of the trial are in.
    Score(Trial),
    /// The lane finished its warm-up.
    Announce {
        lane: usize,
    },
}

/// Everything behind the board's mutex.
#[derive(Debug, Default)]
pub struct State {
    pub slots: Vec<Slot>,
    pub flushing: bool,
    pub trial: Option<Trial>,
    pub outlooks: Vec<Outlook>,
    pub slowdown: f64,
    facts: VecDeque<Fact>,
    awaited: Option<Awaited>,
    /// The lane that was last asked to answer a frame.
    last_asked: Option<usize>,
}

/// The answer that the dispatching thread is waiting for.
#[derive(Debug)]
struct Awaited {
    lane: usize,
    stamp: gst::ClockTime,
    outcome: Option<Outcome>,
}

impl State {
    pub fn tell(&mut self, fact: Fact) {
        self.facts.push_back(fact);
    }

    /// Gives `lane` a frame; the caller pushes it into the lane after the lock is gone.
    pub fn claim(
        &mut self,
        lane: usize,
        stamp: gst::ClockTime,
        pts: Option<gst::ClockTime>,
        purpose: Purpose,
    ) {
        let Some(slot) = self.slots.get_mut(lane) else {
            return;
        };
        let started = gst::get_timestamp();
        let is_first = self.last_asked != Some(lane);
        slot.run = Some(Run {
            stamp,
            pts,
            started,
            purpose,
            abandoned: false,
            returned: None,
            is_first,
            reported_hung: false,
        });
        if purpose == Purpose::Answer {
            self.last_asked = Some(lane);
            self.awaited = Some(Awaited {
                lane,
                stamp,
                outcome: None,
            });
        }
    }

    /// The run of that frame, if the lane still has it in hand.
    fn run_of(&mut self, lane: usize, entered: Option<gst::ClockTime>) -> Option<&mut Run> {
        let run = self.slots.get_mut(lane)?.run.as_mut()?;
        (Some(run.stamp) == entered).then_some(run)
    }

    /// Ends the run of `lane` without an answer, because the lane failed or dropped the frame.
    fn end_without_answer(&mut self, lane: usize) {
        if let Some(slot) = self.slots.get_mut(lane) {
            slot.run = None;
        }
        if let Some(awaited) = self
            .awaited
            .as_mut()
            .filter(|it| it.lane == lane && it.outcome.is_none())
        {
            awaited.outcome = Some(Outcome::NoAnswer);
        }
        if self.trial.as_ref().is_some_and(|it| it.waits_for(lane)) {
            self.trial = None;
        }
    }
}

/// The board itself.
#[derive(Debug, Default)]
pub struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

impl Board {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Adds a lane and returns its number.
    pub fn add(&self, name: &str) -> usize {
        let mut state = self.state.lock();
        state.slots.push(Slot::new(name.to_string()));
        state.slots.len() - 1
    }

    /// Moves a lane to another residency and wakes whoever waits for one.
    pub fn settle(&self, lane: usize, residency: Residency) {
        let mut state = self.state.lock();
        let Some(slot) = state
            .slots
            .get_mut(lane)
            .filter(|it| it.residency != Residency::Gone)
        else {
            return;
        };
        slot.residency = residency;
        self.changed.notify_all();
    }

    /// Marks a lane as failed or gone; a frame that it has in hand goes to somebody else.
    pub fn fail(&self, lane: usize, residency: Residency) {
        let mut state = self.state.lock();
        let Some(slot) = state.slots.get_mut(lane) else {
            return;
        };
        slot.residency = residency;
        state.end_without_answer(lane);
        state.tell(Fact::Failed { lane });
        self.changed.notify_all();
    }

    /// Forgets what a stopped lane had in hand.
    pub fn stopped(&self, lane: usize) {
        let mut state = self.state.lock();
        state.end_without_answer(lane);
        let Some(slot) = state.slots.get_mut(lane) else {
            return;
        };
        (slot.caps, slot.needs_flush) = (None, false);
        if slot.residency != Residency::Gone {
            slot.residency = Residency::Loading;
            state.tell(Fact::Failed { lane });
        }
        self.changed.notify_all();
    }

    /// Ends the run of the frame that entered then: nobody will answer it.
    pub fn swallowed(&self, lane: usize, entered: Option<gst::ClockTime>) {
        let mut state = self.state.lock();
        if state.run_of(lane, entered).is_some() {
            state.end_without_answer(lane);
            self.changed.notify_all();
        }
    }

    /// Notes that the candidate has let go of its frame: unless it has threads of its own, no answer will come any more.
    pub fn returned(&self, lane: usize, entered: Option<gst::ClockTime>) {
        let mut state = self.state.lock();
        let Some(run) = state.run_of(lane, entered) else {
            return;
        };
        run.returned = Some(Instant::now());
        if run.abandoned {
            state.end_without_answer(lane);
        }
        self.changed.notify_all();
    }

    pub fn set_flushing(&self, flushing: bool) {
        let mut state = self.state.lock();
        state.flushing = flushing;
        if flushing {
            state.trial = None;
            for slot in &mut state.slots {
                slot.needs_flush = true;
                if let Some(run) = slot.run.as_mut() {
                    run.abandoned = true;
                }
            }
        }
        self.changed.notify_all();
    }

    /// Moves the facts that came in since the last call to `facts`, oldest first.
    pub fn take_facts(&self, facts: &mut VecDeque<Fact>) {
        facts.clear();
        std::mem::swap(&mut self.state.lock().facts, facts);
    }

    /// Waits until the lane that was claimed with [`Purpose::Answer`] answers, or until `deadline`.
    pub fn wait_answer(&self, deadline: Option<Instant>) -> Outcome {
        let mut state = self.state.lock();
        loop {
            if state.flushing {
                state.awaited = None;
                return Outcome::Flushing;
            }
            let Some(awaited) = state.awaited.as_mut() else {
                return Outcome::NoAnswer;
            };
            if let Some(outcome) = awaited.outcome.take() {
                state.awaited = None;
                return outcome;
            }
            let lane = awaited.lane;
            let returned = state
                .slots
                .get(lane)
                .and_then(|it| it.run?.returned)
                .map(|it| it + RETURN_GRACE);
            let end = deadline.into_iter().chain(returned).min();
            let late = match end {
                Some(end) => self.changed.wait_until(&mut state, end).timed_out(),
                None => {
                    self.changed.wait(&mut state);
                    false
                }
            };
            let is_open = state.awaited.as_ref().is_some_and(|it| it.outcome.is_none());
            if late && is_open && end == deadline {
                state.abandon();
                return Outcome::Deadline;
            }
            if late && is_open {
                state.end_without_answer(lane);
            }
        }
    }

    /// Waits until the state of some lane changes, until `deadline`, or until a flush. Returns `false` on a flush.
    pub fn wait_change(&self, deadline: Instant) -> bool {
        let mut state = self.state.lock();
        let can_act = |state: &State| state.flushing || state.slots.iter().any(Slot::is_idle);
        if !can_act(&state) {
            self.changed.wait_until(&mut state, deadline);
        }
        !state.flushing
    }

    /// Waits until `lane` is free of a shadow or warm-up run, at most until `deadline`.
    pub fn wait_free(&self, lane: usize, deadline: Instant) {
        let mut state = self.state.lock();
        let is_beside = |run: &Run| run.purpose != Purpose::Answer && !run.abandoned;
        while !state.flushing
            && state
                .slots
                .get(lane)
                .and_then(|it| it.run.as_ref())
                .is_some_and(is_beside)
        {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    pub fn set_caps(&self, lane: usize, caps: gst::Caps) {
        if let Some(slot) = self.state.lock().slots.get_mut(lane) {
            slot.caps = Some(caps);
        }
    }

    /// Takes in what `lane` made of its frame; `stamp` is what the buffer still carries of the switch's own.
    ///
    /// An answer to a frame that the lane no longer has in hand (a second output for one input, or one
    /// that comes after a restart) is dropped.
    pub fn deliver(&self, lane: usize, buffer: gst::Buffer, stamp: Option<gst::ClockTime>) -> FollowUp {
        let now = gst::get_timestamp();
        let mut state = self.state.lock();
        let Some(slot) = state.slots.get_mut(lane) else {
            return FollowUp::Nothing;
        };
        let is_this = |run: &Run| match stamp {
            // An older stamp is an older frame's; a newer one comes from a probe inside the candidate.
            Some(stamp) => run.stamp <= stamp,
            // The candidate made a new buffer without our meta: the PTS tells, where there is one.
            None => run.pts.is_none() || buffer.pts().is_none() || run.pts == buffer.pts(),
        };
        let Some(run) = slot.run.take_if(|run| is_this(run)) else {
            return FollowUp::Nothing;
        };
        let answer = Answer {
            buffer,
            caps: slot.caps.clone(),
        };
        let follow_up = state.finish(lane, run, answer, (now - run.started).into());
        self.changed.notify_all();
        follow_up
    }
}

impl State {
    /// Lanes that could take a frame, warm or not.
    pub fn idle(&self) -> impl Iterator<Item = usize> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.is_idle())
            .map(|(lane, _)| lane)
    }

    /// The lane that answers at once when `late` does not: `named` if it is idle, else, unless the frame
    /// itself will do, the fastest idle one.
    pub fn floor(&self, named: Option<usize>, frame_will_do: bool, late: Option<usize>) -> Option<usize> {
        let others = || self.idle().filter(|it| Some(*it) != late);
        let pace = |lane: usize| Some((self.slots.get(lane)?.tally.window.percentile(50.0)?, lane));
        match named.filter(|it| others().any(|lane| lane == *it)) {
            None if !frame_will_do => others().filter_map(pace).min().map(|(_, lane)| lane),
            named => named,
        }
    }

    /// Gives up waiting: the run goes on, but its answer will be late.
    fn abandon(&mut self) {
        let Some(awaited) = self.awaited.take() else {
            return;
        };
        let Some(run) = self.slots.get_mut(awaited.lane).and_then(|it| it.run.as_mut()) else {
            return;
        };
        run.abandoned = true;
        if run.returned.is_some() {
            self.end_without_answer(awaited.lane);
        }
    }

    fn finish(&mut self, lane: usize, run: Run, answer: Answer, latency: Duration) -> FollowUp {
        let Some(slot) = self.slots.get_mut(lane) else {
            return FollowUp::Nothing;
        };
        slot.tally.runs += 1;
        let kind = match run.purpose {
            Purpose::WarmUp => RunKind::WarmUp,
            Purpose::Shadow(kind) => kind,
            Purpose::Answer if run.is_first => RunKind::WarmUp,
            Purpose::Answer => RunKind::Active,
        };
        if kind != RunKind::WarmUp {
            slot.tally.window.push(latency);
        }
        let became_warm = slot.warm_up();
        self.tell(Fact::Ran { lane, latency, kind });
        if became_warm {
            self.tell(Fact::Warm { lane });
        }
        match run.purpose {
            Purpose::Answer if !run.abandoned => {
                let is_awaited = |it: &&mut Awaited| it.lane == lane && it.stamp == run.stamp;
                if let Some(awaited) = self.awaited.as_mut().filter(is_awaited) {
                    awaited.outcome = Some(Outcome::Answered(answer));
                }
            }
            Purpose::Shadow(_) if !run.abandoned => return self.continue_trial(lane, answer),
            _ => {}
        }
        if became_warm {
            FollowUp::Announce { lane }
        } else {
            FollowUp::Nothing
        }
    }

    fn continue_trial(&mut self, lane: usize, answer: Answer) -> FollowUp {
        let Some(mut trial) = self.trial.take_if(|it| it.waits_for(lane)) else {
            return FollowUp::Nothing;
        };
        trial.answered(lane, answer);
        let Some(next) = trial.next_lane() else {
            return FollowUp::Score(trial);
        };
        // The lane that answers live must be free when the next frame comes.
        if self.last_asked == Some(next) || !self.slots.get(next).is_some_and(Slot::is_idle) {
            return FollowUp::Score(trial);
        }
        let (frame, entered) = (trial.frame.clone(), trial.entered);
        self.claim(next, entered, frame.pts(), Purpose::Shadow(trial.kind));
        self.trial = Some(trial);
        FollowUp::RunNext { lane: next, frame }
    }
}

impl Slot {
    /// Counts one warm-up run; `true` when it was the last.
    fn warm_up(&mut self) -> bool {
        match &mut self.residency {
            Residency::Warming { runs_left } if *runs_left <= 1 => {
                self.residency = Residency::Ready;
                self.attempts = 0;
                true
            }
            Residency::Warming { runs_left } => {
                *runs_left -= 1;
                false
            }
            _ => false,
        }
    }
}
