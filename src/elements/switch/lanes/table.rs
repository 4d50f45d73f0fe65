// SPDX-License-Identifier: MPL-2.0

//! The table of lanes: which lane is doing what, shared by the streaming thread and the lanes' own threads.
//!
//! One mutex, one condition variable. Nothing is pushed, posted or run while the mutex is held: each
//! method returns what is to be done. Who is in the switch is published beside it (`LaneList`), for all who want no more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::answer_caps::Shape;
use super::chores::{self, Chores};
use super::elements::{LaneElements, LaneOutput};
use super::lane::{Lane, LaneState, Purpose, Run};
use super::list::LaneList;
use super::output::{self, Verdict};
use super::pushing::{answered_within_push, is_pushing, used_since_push};
use super::run::{Delivered, FollowUp, Outcome};
use super::state::Lanes;
use super::tally::LaneTally;
use crate::audio::Spec;
use crate::clone_in_place::clone_in_place;
use crate::elements::switch::audio::{LaneAudio, OutputThread};
use crate::elements::switch::deadline;
use crate::elements::switch::fact::Fact;
use crate::elements::switch::settings::Settings;
use crate::policy::{Availability, Prior, RunKind};

/// The table itself.
#[derive(Debug, Default)]
pub struct LaneTable {
    lanes: Mutex<Lanes>,
    changed: Condvar,
    list: ArcSwap<LaneList>,
}

/// What the streaming thread gets with one look into the table; it keeps the room from frame to frame.
#[derive(Debug, Default)]
pub struct Exchanged {
    /// What happened since the last exchange, oldest first.
    pub facts: VecDeque<Fact>,
    /// Who could answer now.
    pub availability: Vec<Availability>,
    /// Lanes that the group leaves no time at the last frame, by number; goes to the lanes.
    pub held_back: Vec<bool>,
    /// Whether the group shares the machine out, and the policy reckons in processor time; goes to the lanes.
    pub is_shared: bool,
    /// How late the streaming thread is usually woken.
    pub late: Duration,
    /// What is kept back of the budget for who stands in.
    pub kept_back: Duration,
}

clone_in_place! { Exchanged: facts availability held_back is_shared late kept_back }

impl LaneTable {
    pub fn lock(&self) -> MutexGuard<'_, Lanes> {
        #[cfg(test)]
        LOCKS.set(LOCKS.get() + 1);
        self.lanes.lock()
    }

    /// Changes what stands in the table, and wakes whoever waits for that.
    pub fn change<T>(&self, change: impl FnOnce(&mut Lanes) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changed.notify_all();
        changed
    }

    /// Whether the streaming thread waits for what the lane has in hand.
    pub fn answers_now(&self, lane: usize) -> bool {
        let is_answer = |run: &Run| matches!(run.purpose, Purpose::Answer | Purpose::Hear(RunKind::Active));
        self.lock().is(lane, |it| it.run.as_ref().is_some_and(is_answer))
    }

    /// Who is in the switch, without a lock.
    pub fn list(&self) -> Arc<LaneList> {
        self.list.load_full()
    }

    /// A lane's elements, while it has any.
    pub fn elements(&self, lane: usize) -> Option<Arc<LaneElements>> {
        self.list.load().elements(lane).cloned()
    }

    /// What a lane shows of itself, without a lock.
    pub fn tally(&self, lane: usize) -> Option<Arc<LaneTally>> {
        let list = self.list.load();
        list.lanes.get(lane).map(|it| it.tally.clone())
    }

    /// Adds a lane, which has no elements yet, and returns its number.
    pub fn add(&self, name: &str, prior: Prior, device: Option<&str>) -> usize {
        let mut lanes = self.lock();
        let lane = Lane::new(name, prior, device);
        lanes.names.push(lane.identity.name.clone());
        let number = lanes.lanes.add(lane);
        self.publish(&lanes);
        number
    }

    /// Gives a lane its elements.
    pub fn attach(&self, elements: Arc<LaneElements>) {
        let mut lanes = self.lock();
        if let Some(lane) = lanes.get_mut(elements.number) {
            lane.identity.elements = Some(elements);
        }
        self.publish(&lanes);
    }

    /// Takes a lane off the list; a frame that it has in hand goes to somebody else.
    pub fn remove(&self, lane: usize) {
        self.change(|lanes| {
            lanes.fail(lane, LaneState::Gone);
            if let Some(slot) = lanes.get_mut(lane) {
                slot.identity.elements = None;
            }
            // It gave sound that may be wanted until it is stopped.
            if lanes.is(lane, |it| it.audio.track.span().is_empty()) {
                lanes.lanes.remove(lane);
            }
            self.publish(lanes);
        });
    }

    fn publish(&self, lanes: &Lanes) {
        let names = lanes.names.clone();
        let present = lanes.numbered().filter(|it| it.1.state != LaneState::Gone);
        let lanes = present
            .map(|(number, it)| (number, it.identity.clone()))
            .collect();
        self.list.store(Arc::new(LaneList { lanes, names }));
    }

    /// Gives what happened and who could answer to the streaming thread, which has a new frame when `entered` is given.
    /// `settings` are given where who is forbidden may have changed; `floor` stands in for who is late, within the budget.
    pub fn exchange(
        &self,
        entered: Option<gst::ClockTime>,
        settings: Option<&Settings>,
        (floor, budget): (Option<usize>, Duration),
        into: &mut Exchanged,
    ) -> Chores {
        let mut lanes = self.lock();
        into.facts.append(&mut lanes.facts);
        lanes.write_availability(&mut into.availability);
        if let Some(settings) = settings {
            for lane in lanes.iter_mut() {
                lane.is_forbidden = settings.forbids(lane.name());
            }
        }
        lanes.is_shared = into.is_shared;
        for (number, lane) in lanes.lanes.iter_mut() {
            lane.is_held_back = into.held_back.get(number).is_some_and(|it| *it);
        }
        let Some(entered) = entered else {
            return Chores::default();
        };
        lanes.newest = Some(entered);
        into.late = lanes.wake_ups.usual();
        into.kept_back = deadline::kept_back(&lanes, floor, budget);
        chores::look(&mut lanes, entered)
    }

    /// Processor time that a run of a lane got of the switch's group in the time until now; all of the time, where it is
    /// alone or the lane runs elsewhere.
    pub fn served(&self, lane: usize, time: Duration, now: Duration) -> Duration {
        let lanes = self.lock();
        let is_counted = lanes.is(lane, |it| it.identity.device.is_none());
        let group = lanes.group.as_ref().filter(|_| is_counted && lanes.is_shared);
        group.map_or(time, |it| it.served(now.saturating_sub(time), now))
    }

    /// What happened since the last exchange.
    pub fn take_facts(&self, into: &mut VecDeque<Fact>) {
        into.append(&mut self.lock().facts);
    }

    /// Lets a lane that was loaded warm up.
    pub fn warm(&self, lane: usize) {
        let mut lanes = self.lock();
        let slot = lanes.get_mut(lane).filter(|it| it.state != LaneState::Gone);
        let Some(slot) = slot else { return };
        slot.begin_warm_up();
        self.changed.notify_all();
    }

    /// Moves a lane to another state and wakes whoever waits for one.
    pub fn settle(&self, lane: usize, state: LaneState) {
        let mut lanes = self.lock();
        let slot = lanes.get_mut(lane).filter(|it| it.state != LaneState::Gone);
        let Some(slot) = slot else { return };
        slot.set_state(state);
        self.changed.notify_all();
    }

    /// Forgets what a stopped lane had in hand; whether it was stopped to free memory.
    pub fn stopped(&self, lane: usize, is_unloaded: bool) {
        let mut lanes = self.lock();
        lanes.end_without_answer(lane);
        let Some(slot) = lanes.get_mut(lane) else {
            return;
        };
        (slot.caps, slot.refused, slot.needs_flush) = (None, None, false);
        (slot.audio, slot.is_unfit) = (LaneAudio::default(), false);
        match slot.state {
            LaneState::Gone => _ = lanes.lanes.remove(lane),
            // It is known why, and what was learned of it stays.
            LaneState::Unloaded { .. } | LaneState::Failed { .. } if is_unloaded => {}
            _ => {
                slot.set_state(LaneState::Loading);
                lanes.tell(Fact::Failed { lane });
            }
        }
        self.changed.notify_all();
    }

    /// Ends the run of the frame that entered then: nobody will answer it.
    pub fn swallowed(&self, lane: usize, entered: Option<gst::ClockTime>) {
        let mut lanes = self.lock();
        if lanes.run_of(lane, entered).is_some() {
            lanes.end_without_answer(lane);
            self.changed.notify_all();
        }
    }

    /// Notes that the candidate has let go of its frame: unless it has threads of its own, no answer will come any more.
    /// `false` where the stream is audio, of which the table knows no more.
    pub fn returned(&self, lane: usize, entered: Option<gst::ClockTime>) -> bool {
        let mut lanes = self.lock();
        if lanes.position.is_some() {
            return false;
        }
        let Some(run) = lanes.run_of(lane, entered) else {
            return true;
        };
        run.returned = Some(Instant::now());
        let is_abandoned = run.abandoned;
        if lanes.is(lane, |it| it.audio.thread == OutputThread::Here) {
            lanes.gave_nothing(lane);
        } else if is_abandoned {
            lanes.end_without_answer(lane);
        }
        self.changed.notify_all();
        true
    }

    pub fn set_flushing(&self, flushing: bool) {
        let mut lanes = self.lock();
        lanes.flushing = flushing;
        if flushing {
            (lanes.trial, lanes.modified, lanes.followed, lanes.held) = (None, None, None, None);
            for slot in lanes.iter_mut() {
                slot.needs_flush = true;
                slot.audio.end();
                if let Some(run) = slot.run.as_mut() {
                    run.abandoned = true;
                }
            }
        }
        self.changed.notify_all();
    }

    /// Waits until the lane that was claimed with [`Purpose::Answer`] or [`Purpose::Survey`] answers, or
    /// until `deadline`, which is looked at again whenever something has changed.
    pub fn wait_answer(&self, deadline: impl Fn(&Lanes) -> Option<Instant>) -> Outcome {
        let mut lanes = self.lock();
        let mut has_waited = false;
        loop {
            if lanes.flushing {
                lanes.awaited = None;
                return Outcome::Flushing;
            }
            let Some(awaited) = lanes.awaited.as_mut() else {
                return Outcome::NoAnswer;
            };
            if let Some(outcome) = awaited.outcome.take() {
                let told = awaited.told.filter(|_| has_waited);
                lanes.awaited = None;
                lanes.wake_ups_saw(told);
                return outcome;
            }
            let lane = awaited.lane;
            let deadline = deadline(&lanes);
            let grace = lanes.get(lane).and_then(Lane::end_of_grace);
            let hang = lanes.time_to_hang(lane).map(|it| Instant::now() + it);
            let end = [deadline, grace, hang].into_iter().flatten().min();
            let late = match end {
                Some(end) => self.changed.wait_until(&mut lanes, end).timed_out(),
                None => {
                    self.changed.wait(&mut lanes);
                    false
                }
            };
            has_waited = true;
            if late {
                lanes.wake_ups_saw(end);
            }
            let is_open = lanes.awaited.as_ref().is_some_and(|it| it.outcome.is_none());
            if !late || !is_open {
                continue;
            }
            if end == deadline {
                lanes.abandon();
                return Outcome::Deadline;
            }
            if end == grace {
                lanes.gave_nothing(lane);
            } else {
                return Outcome::Silent;
            }
        }
    }

    /// Waits until the lane that is `pinned`, or else some lane that is none of `but`, could answer, at most until `deadline`.
    /// Returns `false` on a flush.
    pub fn wait_for_somebody(&self, deadline: Instant, pinned: Option<usize>, but: &[usize]) -> bool {
        // Other lanes' news wake it up too, so it has to look again.
        self.wait_until(deadline, |lanes| lanes.cold(pinned, None, but).is_some())
    }

    /// Waits until `lane` is free of a shadow or warm-up run, at most until `deadline`.
    pub fn wait_free(&self, lane: usize, deadline: Instant) {
        let is_answer = |it: Purpose| matches!(it, Purpose::Answer | Purpose::Stride);
        let is_beside = |run: &Run| !is_answer(run.purpose) && !run.abandoned;
        self.wait_until(deadline, |lanes| {
            let run = lanes.get(lane).and_then(|it| it.run.as_ref());
            !run.is_some_and(is_beside)
        });
    }

    /// Waits until `is_so`, also through flushes, at most for `patience`.
    pub fn wait_long(&self, patience: Duration, is_so: impl Fn(&Lanes) -> bool) {
        let (mut lanes, deadline) = (self.lock(), Instant::now() + patience);
        while !is_so(&lanes) && !self.changed.wait_until(&mut lanes, deadline).timed_out() {}
    }

    /// Waits until the lane `is_so`, or gone, at most until `deadline`. Returns `false` on a flush.
    pub fn wait_lane(&self, lane: usize, deadline: Instant, is_so: impl Fn(&Lane) -> bool) -> bool {
        self.wait_until(deadline, |lanes| lanes.get(lane).is_none_or(&is_so))
    }

    /// Waits until `is_so`, at most until `deadline`. Returns `false` on a flush.
    pub fn wait_until(&self, deadline: Instant, is_so: impl Fn(&Lanes) -> bool) -> bool {
        let mut lanes = self.lock();
        while !lanes.flushing && !is_so(&lanes) {
            if self.changed.wait_until(&mut lanes, deadline).timed_out() {
                lanes.wake_ups_saw(Some(deadline));
                break;
            }
        }
        !lanes.flushing
    }

    pub fn set_caps(&self, lane: usize, caps: gst::Caps) {
        let (spec, shape) = (Spec::from_caps(&caps), Shape::of(&caps));
        if let Some(slot) = self.lock().get_mut(lane) {
            slot.audio.spec = spec;
            (slot.shape, slot.is_output_shown) = (shape, false);
            (slot.caps, slot.refused) = (Some(caps), None);
        }
    }

    /// Takes in what `lane` made of its frame; `stamp` is what the buffer still carries of the switch's own.
    ///
    /// An answer to a frame that the lane no longer has in hand (a second output for one input, or one
    /// that comes after a restart) is dropped. Of audio the table knows no more than that it is.
    pub fn deliver(&self, lane: usize, buffer: gst::Buffer, stamp: Option<gst::ClockTime>) -> Delivered {
        let (now, used) = (gst::get_timestamp(), used_since_push());
        let mut lanes = self.lock();
        if lanes.position.is_some() {
            return FollowUp::Audio(buffer).into();
        }
        let Some(slot) = lanes.get_mut(lane) else {
            return FollowUp::Nothing.into();
        };
        slot.unanswered = 0;
        slot.audio.notice_thread(is_pushing(lane));
        let is_this = |run: &Run| match stamp {
            // An older stamp is an older frame's; a newer one comes from a probe inside the candidate.
            Some(stamp) => run.stamp <= stamp,
            // The candidate made a new buffer without our meta: the PTS tells, where there is one.
            None => run.pts.is_none() || buffer.pts().is_none() || run.pts == buffer.pts(),
        };
        let Some(run) = slot.take_run(|run| is_this(run)) else {
            return FollowUp::Nothing.into();
        };
        answered_within_push(lane);
        let caps = slot.caps.clone();
        let is_output_new = match output::judge(&mut lanes, lane, &run, &buffer) {
            Verdict::Fits { is_new } => is_new,
            Verdict::Unfit(misfit) => return FollowUp::Unfit(misfit).into(),
            Verdict::Outdated => {
                lanes.end_without_answer(lane);
                self.changed.notify_all();
                return FollowUp::Nothing.into();
            }
        };
        let answer = LaneOutput { buffer, caps };
        let follow_up = lanes.finish(lane, run, answer, (now.saturating_sub(run.started).into(), used));
        self.changed.notify_all();
        Delivered {
            follow_up,
            is_output_new,
        }
    }
}

#[cfg(test)]
thread_local! {
    /// How often this thread took the lock of a table.
    pub static LOCKS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}
