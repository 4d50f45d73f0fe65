// SPDX-License-Identifier: MPL-2.0

//! What stands in the table of lanes, and how one event changes it: pure bookkeeping under the table's lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer_caps::Shape;
use super::elements::LaneOutput;
use super::lane::{Lane, LaneState, Purpose, Run};
use super::run::{self, Feed, FollowUp, Outcome, RunEnd};
use super::serving::Serving;
use super::wake_ups::WakeUps;
use crate::elements::stamp;
use crate::elements::switch::audio::StreamPosition;
use crate::elements::switch::fact::Fact;
use crate::elements::switch::scoring::trial::{ModifiedFrame, Trial};
use crate::elements::switch::spans::Spans;
use crate::group::Member;
use crate::numbered::Numbered;
use crate::policy::{Availability, RunKind};

/// Frames for which a perturbed frame waits for slack: 10 s at 25 fps.
const PATIENCE: u64 = 250;

/// Everything behind the table's mutex.
#[derive(Debug, Default)]
pub struct Lanes {
    pub(super) lanes: Numbered<Lane>,
    /// Names of all lanes that ever were.
    pub(super) names: Vec<Arc<str>>,
    pub flushing: bool,
    pub trial: Option<Trial>,
    /// A changed frame that waits for slack.
    pub modified: Option<ModifiedFrame>,
    /// The lane that looked at a frame beside the active one, and the number of that frame.
    pub followed: Option<(usize, u64)>,
    /// The last answer that nobody waited for, and whose it is.
    pub held: Option<(usize, LaneOutput)>,
    pub(super) facts: VecDeque<Fact>,
    pub(super) awaited: Option<Awaited>,
    /// How late the streaming thread gets to know what it waited for.
    pub wake_ups: WakeUps,
    /// Where the stream stands, if it is audio.
    pub position: Option<StreamPosition>,
    /// Lanes that have become warm by audio and are yet to be announced.
    pub warmed: Vec<usize>,
    /// When the newest frame entered.
    pub newest: Option<gst::ClockTime>,
    /// What the frames that come in have to hold.
    pub input: Shape,
    /// What every answer has to be, where the switch holds to one output.
    pub output: Option<gst::Caps>,
    /// When the newest frame entered of those before that; answers to them may be otherwise.
    pub output_since: Option<gst::ClockTime>,
    /// The switch's place among those that share the machine.
    pub group: Option<Arc<Member>>,
    /// Whether the group shares the machine out, and the policy reckons in processor time.
    pub is_shared: bool,
    /// The lane that is expected to answer, were all ready: it warms up first.
    pub favorite: Option<usize>,
    /// The lane that was last asked to answer a frame.
    last_asked: Option<usize>,
    /// Who wants the times of runs.
    pub spans: Arc<Spans>,
}

/// The answer that the streaming thread is waiting for.
#[derive(Debug)]
pub(super) struct Awaited {
    pub lane: usize,
    pub stamp: gst::ClockTime,
    pub outcome: Option<Outcome>,
    /// When the lane told it.
    pub told: Option<Instant>,
}

impl Lanes {
    /// The streaming thread has just learned what it could have known since then.
    pub(super) fn wake_ups_saw(&mut self, since: Option<Instant>) {
        if let Some(since) = since {
            self.wake_ups.saw(since.elapsed());
        }
    }

    pub fn get(&self, lane: usize) -> Option<&Lane> {
        self.lanes.get(lane)
    }

    pub fn get_mut(&mut self, lane: usize) -> Option<&mut Lane> {
        self.lanes.get_mut(lane)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.values()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.lanes.values_mut()
    }

    /// The lanes with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Lane)> {
        self.lanes.iter()
    }

    /// Number of the first lane that is so.
    pub fn position(&self, is_so: impl Fn(&Lane) -> bool) -> Option<usize> {
        self.numbered().find(|it| is_so(it.1)).map(|it| it.0)
    }

    /// Writes by number who could answer now; who is not there is absent.
    pub fn write_availability(&self, into: &mut Vec<Availability>) {
        into.clear();
        into.resize(self.lanes.given(), Availability::Absent);
        for (number, lane) in self.numbered() {
            into[number] = lane.availability();
        }
    }

    /// Whether there is such a lane, and it is so.
    pub fn is(&self, lane: usize, is_so: impl FnOnce(&Lane) -> bool) -> bool {
        self.get(lane).is_some_and(is_so)
    }

    pub fn tell(&mut self, fact: Fact) {
        self.facts.push_back(fact);
    }

    /// Gives `lane` a frame; the caller pushes it into the lane after the lock is gone. `None` where the lane is gone.
    pub fn claim(&mut self, lane: usize, frame: gst::Buffer, purpose: Purpose) -> Option<Feed> {
        let stamp = stamp::read(&frame).unwrap_or_default();
        let is_first = self.last_asked != Some(lane);
        let is_awaited = matches!(purpose, Purpose::Answer | Purpose::Survey);
        if is_awaited {
            self.awaited = None;
        }
        let slot = self.lanes.get_mut(lane)?;
        let elements = slot.identity.elements.clone()?;
        let started = gst::get_timestamp();
        let is_lesson = purpose == Purpose::Shadow(RunKind::Idle);
        let is_counted = slot.identity.device.is_none() && !is_lesson;
        slot.serving = is_counted.then(|| Serving::start(self.group.clone(), started));
        slot.run = Some(Run {
            stamp,
            is_odd: self.input.contradiction(&frame).is_some(),
            pts: frame.pts(),
            started,
            purpose,
            abandoned: false,
            returned: None,
            is_first,
            reported_hung: false,
        });
        let flush_first = std::mem::take(&mut slot.needs_flush);
        if matches!(purpose, Purpose::Answer | Purpose::Stride) {
            self.last_asked = Some(lane);
        }
        self.awaited = is_awaited
            .then_some(Awaited {
                lane,
                stamp,
                outcome: None,
                told: None,
            })
            .or(self.awaited.take());
        Some(Feed {
            elements,
            frame,
            entered: stamp,
            flush_first,
            is_lesson,
        })
    }

    /// The run of that frame, if the lane still has it in hand.
    pub fn run_of(&mut self, lane: usize, entered: Option<gst::ClockTime>) -> Option<&mut Run> {
        let run = self.get_mut(lane)?.run.as_mut()?;
        (Some(run.stamp) == entered).then_some(run)
    }

    /// Ends the run of `lane`, which made nothing of its frame.
    pub fn gave_nothing(&mut self, lane: usize) {
        if let Some(slot) = self.get_mut(lane) {
            slot.unanswered += 1;
            slot.audio.notice_nothing();
        }
        self.end_without_answer(lane);
    }

    /// Time until the user should hear that the lane hangs, if it has a frame in hand and that was not told.
    pub(super) fn time_to_hang(&self, lane: usize) -> Option<Duration> {
        let run = self.get(lane)?.run.filter(|it| !it.reported_hung)?;
        let silence: Duration = gst::get_timestamp().saturating_sub(run.started).into();
        Some(run.patience().saturating_sub(silence))
    }

    /// Ends the run of `lane` without an answer, because the lane failed or dropped the frame.
    pub fn end_without_answer(&mut self, lane: usize) {
        if let Some(slot) = self.get_mut(lane) {
            slot.take_run(|_| true);
            slot.serving = None;
            slot.audio.end();
        }
        let is_open = |it: &&mut Awaited| it.lane == lane && it.outcome.is_none();
        if let Some(awaited) = self.awaited.as_mut().filter(is_open) {
            awaited.outcome = Some(Outcome::NoAnswer);
        }
        if self.trial.as_ref().is_some_and(|it| it.waits_for(lane)) {
            self.trial = None;
        }
    }

    /// Marks a lane as failed or gone; a frame that it has in hand goes to somebody else.
    pub fn fail(&mut self, lane: usize, state: LaneState) {
        let Some(slot) = self.get_mut(lane) else {
            return;
        };
        slot.set_state(state);
        self.end_without_answer(lane);
        self.tell(Fact::Failed { lane });
    }

    /// Takes a lane out that has to leave memory; a frame that it has in hand goes to somebody else. `false` where it failed
    /// or is gone, which stays what is known of it.
    pub fn unload(&mut self, lane: usize, load_time: Option<Duration>) -> bool {
        let is_up = |it: &&mut Lane| !matches!(it.state, LaneState::Failed { .. } | LaneState::Gone);
        let Some(slot) = self.get_mut(lane).filter(is_up) else {
            return false;
        };
        slot.set_state(LaneState::Unloaded { load_time });
        self.end_without_answer(lane);
        true
    }

    /// One that failed may be loaded again.
    pub fn may_return(&mut self, lane: usize) {
        if let Some(slot) = self.get_mut(lane) {
            slot.set_state(LaneState::Unloaded { load_time: None });
        }
        self.tell(Fact::MayReturn { lane });
    }

    /// Lanes that could answer a frame, warm or not.
    pub fn idle(&self) -> impl Iterator<Item = usize> {
        let all = self.numbered();
        all.filter(|it| it.1.could_answer()).map(|it| it.0)
    }

    /// A lane that is loaded, warm or not, and not one of `but`: the pinned one, while that may come, else the one that is
    /// named as the floor, else the first.
    pub fn cold(&self, pinned: Option<usize>, floor: Option<usize>, but: &[usize]) -> Option<usize> {
        let could = |lane: &usize| self.is(*lane, Lane::could_answer) && !but.contains(lane);
        match pinned {
            Some(lane) => Some(lane).filter(could),
            None => floor.filter(could).or_else(|| self.idle().find(could)),
        }
    }

    /// Takes the perturbed frame that waits, if its lane could run it within `slack` beside the active one. One that
    /// is out of date is dropped.
    pub fn take_modified(
        &mut self,
        active: usize,
        number: u64,
        slack: Duration,
        caps: Option<&gst::Caps>,
    ) -> Option<ModifiedFrame> {
        self.modified
            .take_if(|it| Some(&it.caps) != caps || it.number + PATIENCE < number);
        let lane = self.modified.as_ref()?.lane;
        let may_run = self.could_run_beside(lane, active, slack);
        self.modified.take_if(|_| may_run)
    }

    /// Gives a lesson up that got no time for so long that others should look at a frame instead; its run goes on.
    pub fn give_up_slow_lesson(&mut self, number: u64) {
        self.trial
            .take_if(|it| it.lesson.is_some() && it.number + PATIENCE < number);
    }

    /// The lane that looked at the frame before, if it could look at this one in the slack too.
    pub fn take_followed(&mut self, active: usize, number: u64, slack: Duration) -> Option<usize> {
        let (lane, before) = self.followed.take()?;
        let may_run = lane != active && before + 1 == number && self.could_run_beside(lane, active, slack);
        may_run.then_some(lane)
    }

    /// Whether the lane is free and, as a rule, done within `slack`; the active one must be free again long before the
    /// next frame.
    fn could_run_beside(&self, lane: usize, active: usize, slack: Duration) -> bool {
        let slack = if lane == active { slack / 2 } else { slack };
        self.is(lane, |it| {
            let usual = it.window.percentile(95.0);
            it.availability() == Availability::Ready && usual.is_some_and(|it| it <= slack)
        })
    }

    /// The lane that answers at once when those of `but` do not: `named` if it is idle, else, unless the frame
    /// itself will do, the fastest idle one.
    pub fn floor(&self, named: Option<usize>, frame_will_do: bool, but: &[usize]) -> Option<usize> {
        let others = || self.idle().filter(|it| !but.contains(it));
        // One that was never measured is better than nobody.
        let pace = |lane: &usize| {
            let slot = self.get(*lane);
            slot.and_then(|it| it.window.percentile(50.0))
                .unwrap_or(Duration::MAX)
        };
        match named.filter(|it| others().any(|lane| lane == *it)) {
            None if !frame_will_do => others().min_by_key(pace),
            named => named,
        }
    }

    /// The lane that should warm up next, of those that can: the favorite, else the first.
    pub fn to_warm(&self) -> Option<usize> {
        let can = |it: &Lane| it.is_warming() && it.is_idle();
        let favorite = self.favorite.filter(|it| self.is(*it, can));
        favorite.or_else(|| self.position(can))
    }

    /// The lane that should warm up next, if no other lane is warming up right now.
    pub fn next_to_warm(&self) -> Option<usize> {
        let is_beside = |purpose: &Purpose| matches!(purpose, Purpose::WarmUp | Purpose::Shadow(_));
        let mut runs = self.iter().filter_map(|it| it.run.as_ref());
        if runs.any(|it| is_beside(&it.purpose) && !it.reported_hung && !it.is_lesson()) {
            return None;
        }
        self.to_warm()
    }

    /// Gives up waiting: the run goes on, but its answer will be late.
    pub(super) fn abandon(&mut self) {
        let Some(awaited) = self.awaited.take() else {
            return;
        };
        let Some(run) = self.get_mut(awaited.lane).and_then(|it| it.run.as_mut()) else {
            return;
        };
        run.abandoned = true;
        if run.returned.is_some() {
            self.gave_nothing(awaited.lane);
        }
    }

    /// Ends a run in the record of its lane, and tells what it took. `true` when the lane became warm with it.
    pub fn end_run(&mut self, lane: usize, run: &Run, end: RunEnd) -> bool {
        let (newest, is_shared) = (self.newest, self.is_shared);
        let Some(slot) = self.lanes.get_mut(lane) else {
            return false;
        };
        slot.tally().runs.add(1);
        self.spans.ran(run, end.latency, &slot.identity.name);
        let (latency, kind) = (end.latency, run::kind(run, slot.is_warming(), newest));
        // What the group's other runs made of it is no load of others.
        let work = slot.serving.take().and_then(|it| it.end(end.used));
        let work = work.filter(|_| is_shared).unwrap_or(latency);
        if !matches!(kind, RunKind::WarmUp | RunKind::Idle) {
            slot.measured(latency, work);
        }
        let became_warm = end.may_be_warm && slot.warm_up();
        if end.has_output || kind != RunKind::WarmUp {
            let latency = work;
            self.tell(Fact::Ran { lane, latency, kind });
        }
        if became_warm {
            self.tell(Fact::Warm { lane });
        }
        became_warm
    }

    /// Takes in the answer that ended a run.
    pub(super) fn finish(
        &mut self,
        lane: usize,
        run: Run,
        answer: LaneOutput,
        (latency, used): (Duration, Option<Duration>),
    ) -> FollowUp {
        let end = RunEnd {
            latency,
            used,
            has_output: true,
            may_be_warm: true,
        };
        let became_warm = self.end_run(lane, &run, end);
        match run.purpose {
            Purpose::Answer | Purpose::Survey if !run.abandoned => {
                let is_awaited = |it: &&mut Awaited| it.lane == lane && it.stamp == run.stamp;
                if let Some(awaited) = self.awaited.as_mut().filter(is_awaited) {
                    awaited.outcome = Some(Outcome::Answered(answer));
                    awaited.told = Some(Instant::now());
                }
            }
            Purpose::Stride if !run.abandoned => self.held = Some((lane, answer)),
            Purpose::Shadow(_) if !run.abandoned => return self.continue_trial(lane, answer),
            _ => {}
        }
        if became_warm {
            FollowUp::Announce
        } else {
            FollowUp::Nothing
        }
    }

    fn continue_trial(&mut self, lane: usize, answer: LaneOutput) -> FollowUp {
        let Some(mut trial) = self.trial.take_if(|it| it.waits_for(lane)) else {
            return FollowUp::Nothing;
        };
        trial.answered(lane, answer);
        if let Some(lane) = trial.followed() {
            self.followed = Some((lane, trial.number));
        }
        // The lane that answers live must be free when the next frame comes.
        let next = trial.next_lane();
        let next = next.filter(|it| self.last_asked != Some(*it) && self.is(*it, Lane::is_idle));
        match next.and_then(|it| self.claim(it, trial.frame.clone(), trial.purpose(it))) {
            Some(feed) => {
                self.trial = Some(trial);
                FollowUp::RunNext(feed)
            }
            None => FollowUp::Score(trial),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_was_never_measured_stands_in_where_nobody_else_can() {
        let lane = |state: LaneState| Lane {
            state,
            ..Lane::new("a", crate::policy::Prior::default(), None)
        };
        let state = Lanes {
            lanes: [
                lane(LaneState::Loading),
                lane(LaneState::Warming { runs_left: 3 }),
                lane(LaneState::Loading),
            ]
            .into_iter()
            .enumerate()
            .collect(),
            ..Lanes::default()
        };
        assert_eq!(
            state.floor(Some(2), false, &[]),
            Some(1),
            "the named floor still loads"
        );
        assert_eq!(state.floor(None, false, &[]), Some(1));
        assert_eq!(state.floor(None, true, &[]), None, "the frame itself will do");
    }
}
