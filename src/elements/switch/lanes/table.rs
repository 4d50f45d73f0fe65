// SPDX-License-Identifier: MPL-2.0

//! The board: which lane is doing what, shared by the thread that dispatches frames and the lanes' own threads.
//!
//! One mutex, one condition variable. Nothing is pushed, posted or run while the mutex is held: each
//! method returns what is to be done.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::run::{Fact, FollowUp, Outcome, State};
use super::status::{LaneOutput, LaneState, LaneStatus, Purpose, Run};

/// How long an answer may still come, from a thread of the candidate's own, after the candidate let go of the frame.
pub const RETURN_GRACE: Duration = Duration::from_secs(1);

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
        state.slots.push(LaneStatus::new(name.to_string()));
        state.slots.len() - 1
    }

    /// Moves a lane to another residency and wakes whoever waits for one.
    pub fn settle(&self, lane: usize, residency: LaneState) {
        let mut state = self.state.lock();
        let Some(slot) = state
            .slots
            .get_mut(lane)
            .filter(|it| it.residency != LaneState::Gone)
        else {
            return;
        };
        slot.residency = residency;
        self.changed.notify_all();
    }

    /// Marks a lane as failed or gone; a frame that it has in hand goes to somebody else.
    pub fn fail(&self, lane: usize, residency: LaneState) {
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
        slot.audio = crate::elements::switch::audio::LaneAudio::default();
        if slot.residency != LaneState::Gone {
            slot.residency = LaneState::Loading;
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
            (state.trial, state.echo, state.followed, state.held) = (None, None, None, None);
            for slot in &mut state.slots {
                slot.needs_flush = true;
                slot.audio.end();
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

    /// Waits until the lane that was claimed with [`Purpose::Answer`] or [`Purpose::Survey`] answers, or
    /// until `deadline`.
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

    /// Waits until some lane could answer, at most until `deadline`. Returns `false` on a flush.
    pub fn wait_for_somebody(&self, deadline: Instant) -> bool {
        // Other lanes' news wake it up too, so it has to look again.
        self.wait_until(deadline, |state| state.slots.iter().any(LaneStatus::could_answer))
    }

    /// Waits until `lane` is free of a shadow or warm-up run, at most until `deadline`.
    pub fn wait_free(&self, lane: usize, deadline: Instant) {
        let is_answer = |it: Purpose| matches!(it, Purpose::Answer | Purpose::Stride);
        let is_beside = |run: &Run| !is_answer(run.purpose) && !run.abandoned;
        self.wait_until(deadline, |state| {
            let run = state.slots.get(lane).and_then(|it| it.run.as_ref());
            !run.is_some_and(is_beside)
        });
    }

    /// Waits until `is_so`, at most until `deadline`. Returns `false` on a flush.
    pub fn wait_until(&self, deadline: Instant, is_so: impl Fn(&State) -> bool) -> bool {
        let mut state = self.state.lock();
        while !state.flushing && !is_so(&state) {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        !state.flushing
    }

    /// Changes what stands on the board, and wakes whoever waits for that.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state.lock());
        self.changed.notify_all();
        changed
    }

    pub fn set_caps(&self, lane: usize, caps: gst::Caps) {
        if let Some(slot) = self.state.lock().slots.get_mut(lane) {
            slot.audio.spec = crate::audio::Spec::from_caps(&caps);
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
        let answer = LaneOutput {
            buffer,
            caps: slot.caps.clone(),
        };
        let follow_up = state.finish(lane, run, answer, (now - run.started).into());
        self.changed.notify_all();
        follow_up
    }
}
