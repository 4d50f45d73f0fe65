// SPDX-License-Identifier: MPL-2.0

//! A frame, or a buffer of audio, on its way through the switch: its plan, the parts that it meets, and the record of how
//! it went.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deadline::{self, Limits};
use super::drift;
use super::enums::LatePolicy;
use super::lanes::feed::feed;
use super::lanes::lane::Purpose;
use super::lanes::run::Outcome;
use super::lanes::state::Lanes;
use super::lanes::watchdog;
use super::plan::Plan;
use super::scoring::trial::{Trial, TrialKind};
use super::settings::Settings;
use super::shared::Shared;
use super::spans::FrameTimes;
use super::stream::{Control, VideoStream};
use super::unanswered::{Fate, absence};
use super::video::convert::Conversion;
use crate::elements::stamp;
use crate::messages::{AnswerKind, Frame, Swap};
use crate::policy::{CandidateId, RunKind, Shadow, Switch};

/// Quality as QOS messages count it, in parts of a million; ours is in `stats`, frame by frame.
const QOS_FULL_QUALITY: i32 = 1_000_000;

/// A frame on its way.
pub struct FrameContext {
    pub frame: gst::Buffer,
    /// Monotonic time at which the frame entered; also its identity on the lanes.
    pub entered: gst::ClockTime,
    pub clock: Instant,
    pub plan: Plan,
    pub settings: Arc<Settings>,
    pub policy: LatePolicy,
    /// Whether a candidate that was asked did not answer inside the budget.
    pub missed: bool,
    /// Lanes that were given the frame, and did not answer it.
    pub unanswered: Vec<usize>,
    /// What is told of it when it has left, if somebody wants that.
    pub times: Option<FrameTimes>,
}

/// A frame's passage: the frame, and the parts that it meets on its way.
pub struct Pass<'a, S> {
    pub core: &'a Shared,
    pub control: &'a mut Control,
    pub stream: &'a mut S,
    pub context: FrameContext,
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    Active(usize),
    /// The last answer of a lane that answers only every k-th frame.
    Held(usize),
    Floor(usize),
    Passthrough,
}

impl AnsweredBy {
    /// The lane that answered.
    pub fn lane(self) -> Option<usize> {
        match self {
            AnsweredBy::Active(lane) | AnsweredBy::Held(lane) | AnsweredBy::Floor(lane) => Some(lane),
            AnsweredBy::Passthrough => None,
        }
    }

    /// What it is called where it is told.
    fn kind(answer: Option<AnsweredBy>) -> AnswerKind {
        match answer {
            Some(AnsweredBy::Active(_)) => AnswerKind::Active,
            Some(AnsweredBy::Held(_)) => AnswerKind::Held,
            Some(AnsweredBy::Floor(_)) => AnswerKind::Floor,
            Some(AnsweredBy::Passthrough) => AnswerKind::Passthrough,
            None => AnswerKind::Dropped,
        }
    }
}

/// What left of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Answer,
    /// It was dropped.
    Nothing,
    /// The first samples are still on their way through the lanes.
    NotYet,
}

impl FrameContext {
    /// Sends a frame on its way: marks it, and decides who answers it.
    pub fn enter(core: &Shared, control: &mut Control, mut frame: gst::Buffer) -> FrameContext {
        let (adapter, machine) = (&mut control.adapter, control.machine.as_deref());
        let entered = gst::get_timestamp();
        let clock = Instant::now();
        let settings = core.settings.load_full();
        stamp::stamp(frame.make_mut(), entered);
        let list = core.lanes.list();
        let is_changed = adapter.apply(&settings, &list);
        if let Some(pinned) = adapter.named().pinned {
            // A pin is obeyed to the frame, even where the candidate just looks at the last one in the shadow.
            core.lanes
                .wait_free(pinned, deadline::of_pin(clock, adapter.budget()));
        }
        adapter.hear(core.facts.take());
        let policy = core.timing.late_policy(&settings, &core.sink);
        let group = core.group.load();
        // A stream without deadlines takes what there is, when it is there.
        let group = group.as_deref().filter(|_| policy != LatePolicy::Wait);
        let (plan, chores) = adapter.plan(entered, is_changed, &core.lanes, machine, group);
        watchdog::do_chores(core, chores);
        control.usage.saw(&core.memory, adapter, &list, entered);
        FrameContext {
            frame,
            entered,
            clock,
            plan,
            settings,
            policy,
            missed: false,
            // Takes no memory as long as all answer.
            unanswered: Vec::new(),
            times: None,
        }
    }

    /// Who is pinned, unless the frame cannot wait for that one any more.
    pub fn pinned(&self) -> Option<usize> {
        let has_time = self.waits() || !deadline::is_late_to_begin(self.clock);
        let pinned = self.plan.named.pinned.filter(|_| has_time);
        pinned.filter(|it| !self.unanswered.contains(it))
    }

    pub fn now(&self) -> Duration {
        gst::get_timestamp().into()
    }

    /// Time that is left until the next frame.
    pub fn slack(&self) -> Duration {
        self.plan.period.saturating_sub(self.clock.elapsed())
    }

    pub fn waits(&self) -> bool {
        self.policy == LatePolicy::Wait
    }
}

impl<S> Pass<'_, S> {
    /// Decides anew, after the lane that should have answered failed.
    pub fn replan(&mut self) {
        // A switch that led to nobody's answer is told before the next one.
        self.announce();
        let now = self.context.now();
        self.context.plan.choice = self.control.adapter.decide(now, &self.core.lanes);
    }

    /// Gives the frame to a lane.
    pub fn start(&self, lane: usize, purpose: Purpose) {
        let frame = self.context.frame.clone();
        let next = self.core.lanes.lock().claim(lane, frame, purpose);
        feed(self.core, next);
    }

    /// Runs one lane on the frame and waits for its answer.
    pub fn run(&self, lane: usize, purpose: Purpose, deadline: Instant) -> Outcome {
        self.start(lane, purpose);
        self.await_answer(|_| Some(deadline))
    }

    /// Waits for the answer that was asked for last; where it does not come for long, the user is told.
    pub fn await_answer(&self, deadline: impl Fn(&Lanes) -> Option<Instant>) -> Outcome {
        loop {
            match self.core.lanes.wait_answer(&deadline) {
                Outcome::Silent => watchdog::look_after(self.core),
                outcome => return outcome,
            }
        }
    }

    /// A trial of the frame; `caps` where it is a picture.
    pub fn trial(&self, lanes: &Lanes, caps: Option<gst::Caps>, kind: RunKind, aim: TrialKind) -> Trial {
        let frame = (self.context.frame.clone(), caps, self.context.plan.number);
        Trial::new(frame, (kind, aim), self.control.adapter.trial_context(lanes))
    }

    /// Looks who could run beside the active lane.
    pub fn look_who_is_free(&mut self, lanes: &Lanes) {
        lanes.write_availability(&mut self.control.beside);
    }

    /// Whom the policy wants to run beside the active lane, of those that were free when that was last looked at.
    pub fn shadow(&mut self, active: usize) -> Option<(Shadow, [Option<usize>; 2])> {
        let (now, slack) = (self.context.now(), self.context.slack());
        let Control {
            adapter,
            beside,
            told_teaching,
            ..
        } = &mut *self.control;
        let group = self.core.group.load();
        let shadow = adapter.shadow(now, slack, beside, group.as_deref());
        told_teaching.tell(&self.core.bus, &self.core.lanes.list(), adapter.teaching());
        let shadow = shadow?;
        let mut others = shadow.ids().map(|it| it.0).filter(|it| *it != active);
        let others = [others.next(), others.next()];
        Some((shadow, others))
    }

    /// Tells of the switch that was decided for this frame, if there was one.
    ///
    /// Called once the frame is with the candidate: drawing up why takes some 0.1 ms, in which it works already.
    pub fn announce(&mut self) {
        let Some(change) = self.context.plan.choice.switch.take() else {
            return;
        };
        self.control.totals.counts.swaps += u64::from(change.from.is_some());
        self.core.published.set_active(Some(change.to.0));
        self.core.bus.switched(self.swap(&change));
    }

    /// Keeps the record of what left, by whom, and tells whoever listens.
    pub fn record(&mut self, answer: Option<AnsweredBy>, left: Left, latency: Duration) {
        let (core, context) = (self.core, &self.context);
        let lane = answer.and_then(AnsweredBy::lane);
        let is_miss = context.missed || lane.is_none() || context.plan.budget < latency;
        if let Some(tally) = lane.and_then(|it| core.lanes.tally(it)) {
            tally.answers.add(1);
            tally.misses.add(u64::from(is_miss && !context.missed));
        }
        let totals = &mut self.control.totals;
        let counts = &mut totals.counts;
        counts.frames_in += 1;
        counts.budget = context.plan.budget;
        counts.misses += u64::from(is_miss);
        counts.frames_out += u64::from(left == Left::Answer);
        counts.over_budget += u64::from(left == Left::Answer && context.plan.budget < latency);
        counts.dropped += u64::from(left == Left::Nothing);
        if let Some(answer) = answer {
            counts.held_answers += u64::from(matches!(answer, AnsweredBy::Held(_)));
            let is_floor = matches!(answer, AnsweredBy::Floor(_) | AnsweredBy::Passthrough);
            counts.floor_answers += u64::from(is_floor);
            let is_active = !is_floor && !matches!(answer, AnsweredBy::Held(_));
            counts.active_answers += u64::from(is_active && left == Left::Answer);
            counts.latency_histogram.push(latency);
            totals.window.push(latency);
        }
        if context.settings.frame_messages {
            let answer = answer.filter(|_| left != Left::Nothing);
            core.bus.post(self.message(answer, latency, is_miss));
        }
        if is_miss {
            self.tell_miss(latency);
        }
        for (lane, drift) in self.control.adapter.take_drifts() {
            let list = core.lanes.list();
            drift::tell(&core.bus, list.name(lane), &drift, self.context.plan.number);
        }
        let group = core.group.load();
        let control = &mut *self.control;
        // That nobody is ready yet says nothing of what fits.
        let is_late = is_miss && (context.missed || lane.is_some());
        if let (true, Some(group)) = (is_late, group.as_deref()) {
            group.missed();
        }
        let share = control.adapter.share();
        share.tell(&mut control.told_place, &core.bus, group.as_deref());
        let fate = Fate {
            at: context.now(),
            is_answered: lane.is_some(),
            is_miss,
            budget: context.plan.budget,
            policy: context.policy,
        };
        let unanswered = &mut self.control.unanswered;
        unanswered.saw(&fate, &core.bus, &core.lanes.list(), &context.settings);
        if core.spans.wants(context.entered) {
            let answer = answer.filter(|_| left != Left::Nothing);
            let times = self.times(answer, latency, is_miss);
            self.context.times = Some(times);
        }
    }

    fn times(&self, answer: Option<AnsweredBy>, latency: Duration, is_miss: bool) -> FrameTimes {
        let (context, list) = (&self.context, self.core.lanes.list());
        let lane = answer.and_then(AnsweredBy::lane);
        FrameTimes {
            entered: context.entered,
            number: context.plan.number,
            pts: context.frame.pts(),
            answer: AnsweredBy::kind(answer),
            candidate: lane.and_then(|it| list.names.get(it)).cloned(),
            budget: context.plan.budget,
            latency,
            is_miss,
            pushed: None,
            ended: context.entered,
        }
    }

    /// Tells the application that quality was given up to keep the deadline.
    fn tell_miss(&self, latency: Duration) {
        let (frame, budget) = (&self.context.frame, self.context.plan.budget);
        let counts = &self.control.totals.counts;
        let segment = self.core.segment();
        let place = segment.as_ref().zip(frame.pts());
        let jitter = latency.as_nanos() as i64 - budget.as_nanos() as i64;
        let proportion = latency.as_secs_f64() / budget.as_secs_f64();
        self.core.bus.send(|switch| {
            gst::message::Qos::builder(!self.context.waits())
                .running_time_if_some(place.and_then(|(segment, pts)| segment.to_running_time(pts)))
                .stream_time_if_some(place.and_then(|(segment, pts)| segment.to_stream_time(pts)))
                .timestamp_if_some(frame.pts())
                .duration_if_some(frame.duration())
                .values(jitter, proportion, QOS_FULL_QUALITY)
                .stats(
                    gst::format::Buffers::from_u64(counts.frames_out),
                    gst::format::Buffers::from_u64(counts.dropped),
                )
                .src(switch)
                .build()
        });
    }

    /// Running time of the frame, where its segment and PTS give one.
    pub fn running_time(&self) -> Option<gst::ClockTime> {
        self.core.segment()?.to_running_time(self.context.frame.pts()?)
    }

    /// Another candidate answers from this frame on.
    fn swap(&self, change: &Switch) -> Swap {
        let list = self.core.lanes.list();
        let name = |it: CandidateId| list.name(it.0).to_string();
        let explanation = self.control.adapter.snapshot();
        Swap {
            from: change.from.map(name).unwrap_or_default(),
            to: name(change.to),
            reason: change.reason.into(),
            reason_text: change.reason.to_string(),
            frame: self.context.plan.number,
            pts: self.context.frame.pts(),
            running_time: self.running_time(),
            why: explanation.explain(&self.core.scoring.figures()).why,
            compared: change.reason.into(),
        }
    }

    /// What became of the frame; posted while `frame-messages` is set.
    fn message(&self, answer: Option<AnsweredBy>, latency: Duration, is_miss: bool) -> Frame {
        let list = self.core.lanes.list();
        let candidate = match answer {
            Some(AnsweredBy::Passthrough) => "passthrough",
            answer => answer.and_then(AnsweredBy::lane).map_or("", |it| list.name(it)),
        };
        Frame {
            number: self.context.plan.number,
            pts: self.context.frame.pts(),
            running_time: self.running_time(),
            time: gst::get_timestamp().into(),
            latency,
            budget: self.context.plan.budget,
            candidate: candidate.to_string(),
            active: self.core.active_name(),
            answer: AnsweredBy::kind(answer),
            is_miss,
        }
    }
}

impl Pass<'_, VideoStream> {
    /// Whether no deadline is kept. Before the first answer nothing else could go out either.
    pub fn is_patient(&self) -> bool {
        self.context.waits() || self.control.output.caps().is_none()
    }

    /// Whether downstream would take the frame as it is.
    pub fn frame_will_do(&self) -> bool {
        self.stream.passes || self.control.output.caps() == self.stream.caps.as_ref()
    }

    /// How the frame can be made to look like what leaves; drawn up when it is asked for.
    pub fn conversion(&mut self) -> Option<&mut Conversion> {
        let (from, to) = (self.stream.caps.as_ref()?, self.control.output.caps()?);
        let known = self.stream.conversion.take_if(|it| it.is_of(from, to));
        let conversion = known.unwrap_or_else(|| {
            let output = self.core.lanes.lock().output.clone();
            Box::new(Conversion::new(from, to, output.as_ref()))
        });
        let conversion = self.stream.conversion.insert(conversion);
        conversion.is_possible().then_some(conversion)
    }

    /// Whether the frame as it is would be what the switch holds to, if it holds to anything.
    pub fn frame_fits_output(&self) -> bool {
        let lanes = self.core.lanes.lock();
        let both = lanes.output.as_ref().zip(self.stream.caps.as_ref());
        both.is_none_or(|(output, caps)| caps.can_intersect(output))
    }

    pub fn limits(&mut self, lane: usize) -> Limits {
        let frame_will_do = self.frame_will_do();
        Limits {
            converts: !frame_will_do && self.conversion().is_some(),
            clock: self.context.clock,
            budget: self.context.plan.budget,
            asked: Instant::now(),
            is_insisted: self.context.waits() && self.context.pinned() == Some(lane),
            floor: self.context.plan.named.floor,
            frame_will_do,
            is_patient: self.is_patient(),
            drops: self.context.policy == LatePolicy::Drop,
        }
    }
}

/// Says that the stream cannot go on, and why.
pub fn give_up(core: &Shared) -> gst::FlowError {
    let absence = absence(&core.lanes.list(), &core.settings.load());
    let (text, remedy) = match &absence {
        Some(absence) => (absence.text(), absence.remedy()),
        None => (
            "no candidate can answer".to_string(),
            "see the warnings before this",
        ),
    };
    let remedy = format!("{remedy}; with late-policy=floor the frame itself would pass");
    core.bus.fail(gst::StreamError::Failed, &text, &remedy)
}
