// SPDX-License-Identifier: MPL-2.0

//! Carries facts to the policy, and the policy's decision back.
//!
//! It belongs to the streaming thread. It translates lanes to candidates, settings to the policy's
//! configuration, and decides nothing itself.

use std::sync::Arc;
use std::time::Duration;

use super::deadline;
use super::enums::{LatePolicy, QualitySource};
use super::experience::book::{Book, Millis};
use super::experience::recollection::Recollection;
use super::explain::Snapshot;
use super::fact::Fact;
use super::group_share::{GroupShare, Wanted};
use super::lanes::chores::Chores;
use super::lanes::lane::LaneState;
use super::lanes::list::LaneList;
use super::lanes::server;
use super::lanes::state::Lanes;
use super::lanes::table::{Exchanged, LaneTable};
use super::plan::{Choice, NamedLanes, Plan};
use super::scoring::trial::TrialContext;
use super::settings::Settings;
use super::timing::{self, DEFAULT_PERIOD};
use super::ways::Ways;
use crate::clone_in_place::clone_in_place;
use crate::group::Member;
use crate::group::residency::Wish;
use crate::machine::{Monitor, Sense};
use crate::policy::{
    Availability, CandidateId, Config, Device, Drift, Outlook, Policy, Prior, RunKind, Shadow, Switch,
    Teaching,
};

/// Share of the budget that a candidate may use. The rest is for the switch's own work and the hand-over between
/// threads (0.1 ms at the 99th percentile, measured) and for the buffer's way to the sink.
const MARGIN: f64 = 0.97;

/// Weight of the newest gap between two arrivals: follows a change of pace within some ten frames.
const ARRIVAL_WEIGHT: f64 = 0.1;

/// Names of lanes in the catalogue; the properties override them.
#[derive(Debug, Default)]
pub struct CatalogNames {
    pub reference: Option<String>,
    pub floor: Option<String>,
}

clone_in_place! { CatalogNames: reference floor }

#[derive(Debug)]
pub struct PolicyAdapter {
    policy: Policy,
    /// What happened that the policy has yet to be told, and who could answer at the last decision.
    news: Exchanged,
    settings: Arc<Settings>,
    list: Arc<LaneList>,
    catalog: CatalogNames,
    /// Names of the devices other than the processor, which has the first number.
    devices: Vec<Arc<str>>,
    named: NamedLanes,
    /// References whose answers proved to be of another task.
    mismatches: Vec<usize>,
    /// What earlier streams have shown.
    recollection: Recollection,
    /// Whose priors have proved wrong, or right again, to be told.
    drifts: Vec<(usize, Drift)>,
    /// How often the user has said what quality rests on.
    epoch: u32,
    /// From the caps, or of a buffer of audio; zero when the frame rate is variable.
    frame_duration: Duration,
    /// Audio cannot be held over a buffer that nobody answered.
    is_audio: bool,
    arrival_gap: Option<Duration>,
    last_arrival: Option<Duration>,
    /// Share of the time for which a run has to expect to wait, and what the machine said that implies it.
    waiting: Option<f64>,
    sense: Option<Sense>,
    /// What the group leaves.
    share: GroupShare,
    /// To the candidates that are on servers.
    ways: Ways,
    frames: u64,
    /// Number of the frame from which on the active candidate answers.
    since: u64,
}

clone_in_place! { PolicyAdapter: policy news settings list catalog devices named mismatches recollection drifts epoch frame_duration is_audio arrival_gap last_arrival waiting sense share ways frames since }

impl PolicyAdapter {
    pub fn new(settings: Arc<Settings>) -> PolicyAdapter {
        PolicyAdapter {
            policy: Policy::default(),
            news: Exchanged::default(),
            settings,
            list: Arc::default(),
            catalog: CatalogNames::default(),
            devices: Vec::new(),
            named: NamedLanes::default(),
            mismatches: Vec::new(),
            recollection: Recollection::default(),
            drifts: Vec::new(),
            epoch: 0,
            frame_duration: Duration::ZERO,
            is_audio: false,
            arrival_gap: None,
            last_arrival: None,
            waiting: None,
            sense: None,
            share: GroupShare::default(),
            ways: Ways::default(),
            frames: 0,
            since: 0,
        }
    }

    /// Takes over settings and lanes that changed since the last frame; free when none did. `true` when some did.
    pub fn apply(&mut self, settings: &Arc<Settings>, list: &Arc<LaneList>) -> bool {
        let has_settings = !Arc::ptr_eq(settings, &self.settings);
        let has_lanes = !Arc::ptr_eq(list, &self.list);
        if !has_settings && !has_lanes {
            return false;
        }
        self.settings = settings.clone();
        let before = std::mem::replace(&mut self.list, list.clone());
        let gone = before.lanes.numbers().filter(|it| list.is_gone(*it));
        gone.for_each(|it| self.policy.remove(CandidateId(it)));
        self.mismatches.retain(|it| !list.is_gone(*it));
        // The policy numbers candidates as the lanes are, so it hears also of one that has come and gone since.
        for lane in before.names.len()..list.names.len() {
            match list.lanes.get(lane) {
                Some(identity) => {
                    let prior = Prior {
                        device: self.device(identity.device.as_ref()),
                        ..identity.prior
                    };
                    self.policy.add(prior);
                }
                None => {
                    let id = self.policy.add(Prior::default());
                    self.policy.remove(id);
                }
            }
        }
        for (lane, identity) in list.lanes.iter() {
            let is_forbidden = settings.forbids(&identity.name);
            self.policy.forbid(CandidateId(lane), is_forbidden);
        }
        if has_lanes {
            let is_on_server = |lane| {
                let candidate = list.elements(lane).and_then(|it| it.candidate.first());
                candidate.and_then(server::of).is_some()
            };
            self.ways.set((0..list.names.len()).map(is_on_server));
        }
        self.resolve_names();
        self.recollection.has_news();
        if has_settings {
            self.configure();
        }
        true
    }

    /// Takes over what was learned in earlier streams.
    pub fn remember(&mut self, book: Option<Arc<Book>>) {
        self.recollection.begin(book);
    }

    /// Takes over what comes in: its caps, and how long a buffer of sound is.
    pub fn set_input(&mut self, caps: &gst::Caps, buffer: Option<Duration>) {
        self.recollection.set_input(caps, buffer);
    }

    /// What has been learned by now, for other streams.
    pub fn learned(&self, now: Millis) -> Book {
        self.recollection
            .learned(&self.policy, &self.list, self.named.reference, now)
    }

    /// Lets the policy begin with what earlier streams have shown, and the lanes know of whom is known what they take.
    fn recall(&mut self, lanes: &LaneTable) {
        if !self.recollection.take_due() {
            return;
        }
        let counts_scores = self.settings.quality_source != QualitySource::Prior;
        let reference = self.named.reference;
        let (policy, list) = (&mut self.policy, &self.list);
        let known = self.recollection.recall(policy, list, reference, counts_scores);
        let favorite = self.policy.favorite().map(|it| it.0);
        let mut lanes = lanes.lock();
        lanes.favorite = favorite;
        for lane in known {
            if let Some(lane) = lanes.get_mut(lane) {
                lane.shorten_warm_up();
            }
        }
    }

    /// The number of a device of this name.
    fn device(&mut self, name: Option<&Arc<str>>) -> Device {
        let Some(name) = name else {
            return Device::PROCESSOR;
        };
        let known = self.devices.iter().position(|it| it == name);
        let place = known.unwrap_or_else(|| {
            self.devices.push(name.clone());
            self.devices.len() - 1
        });
        Device(place + 1)
    }

    /// Takes over whom the catalogue names.
    pub fn set_catalog_names(&mut self, catalog: CatalogNames) {
        self.catalog = catalog;
        self.resolve_names();
    }

    /// Whom the catalogue names as the floor.
    pub fn catalog_floor(&self) -> Option<&String> {
        self.catalog.floor.as_ref()
    }

    /// Finds the lanes that are named, and tells the policy.
    fn resolve_names(&mut self) {
        let lane = |name: Option<&String>| self.list.id(name?);
        let may_answer = |it: &usize| !self.settings.forbids(self.list.name(*it));
        let pinned = lane(self.settings.pinned.as_ref()).filter(may_answer);
        let floor = self.settings.floor.as_ref().or(self.catalog.floor.as_ref());
        let floor = lane(floor).filter(may_answer);
        let reference = self.reference();
        let before = std::mem::replace(
            &mut self.named,
            NamedLanes {
                pinned,
                floor,
                reference,
            },
        );
        self.policy.pin(pinned.map(CandidateId));
        self.policy.set_auto(self.settings.auto_switch);
        let stands_in = floor.filter(|_| self.settings.late_policy != LatePolicy::Drop);
        self.policy.set_floor(stands_in.map(CandidateId));
        if before.reference != reference {
            for lane in [before.reference, reference].into_iter().flatten() {
                if let Some(identity) = self.list.lanes.get(lane) {
                    let mut prior = identity.prior;
                    prior.is_reference = reference == Some(lane);
                    self.policy.update_prior(CandidateId(lane), prior);
                }
            }
        }
    }

    /// Who is named as the reference, by the user or else by the catalogue.
    fn reference_name(&self) -> Option<&String> {
        self.settings
            .reference
            .as_ref()
            .or(self.catalog.reference.as_ref())
    }

    /// The lane whose answers score the others: the one that is named, else the one of the best prior, and
    /// of several such the last of the task that most are of. `None` where no candidate has the name, where nothing is
    /// compared, and for one whose answers are of another task.
    fn reference(&self) -> Option<usize> {
        if !self.settings.quality_source.compares() {
            return None;
        }
        match self.reference_name() {
            Some(named) => self.list.id(named).filter(|it| !self.mismatches.contains(it)),
            None => self.list.best_prior(|it| !self.mismatches.contains(&it)),
        }
    }

    /// Sets the frame duration from the caps, zero when it varies, or the usual duration of a buffer of audio.
    pub fn set_frame_duration(&mut self, duration: Duration, is_audio: bool) {
        (self.frame_duration, self.is_audio) = (duration, is_audio);
        self.configure();
    }

    /// Time one frame may take.
    pub fn budget(&self) -> Duration {
        timing::budget(&self.settings, self.frame_duration)
    }

    fn period(&self) -> Duration {
        if self.frame_duration.is_zero() {
            self.arrival_gap.unwrap_or(DEFAULT_PERIOD)
        } else {
            self.frame_duration
        }
    }

    fn config(&self) -> Config {
        Config {
            budget: self.budget().mul_f64(MARGIN),
            period: self.period(),
            miss_rate: self.settings.miss_rate,
            lambda_latency: self.settings.lambda_latency,
            lambda_complexity: self.settings.lambda_cost,
            strategy: self.settings.strategy.into(),
            robustness_weight: self.settings.robustness_weight,
            max_stride: if self.is_audio {
                1
            } else {
                self.settings.max_stride
            },
        }
    }

    fn configure(&mut self) {
        let config = self.config();
        // A lane of sound hears each buffer, in its order.
        self.policy.allow_lessons(!self.is_audio);
        // The properties are bounded and the durations above zero, so the configuration is valid.
        let _ = self.policy.set_config(config);
    }

    /// Takes in a frame that entered then, and decides who answers it; with what has to be done beside. `is_changed` where
    /// settings or lanes did.
    pub fn plan(
        &mut self,
        entered: gst::ClockTime,
        is_changed: bool,
        lanes: &LaneTable,
        machine: Option<&Monitor>,
        group: Option<&Member>,
    ) -> (Plan, Chores) {
        let now = Duration::from(entered);
        if let Some(last) = self.last_arrival.replace(now) {
            let gap = now.saturating_sub(last);
            let smoothed =
                self.arrival_gap.unwrap_or(gap).mul_f64(1.0 - ARRIVAL_WEIGHT) + gap.mul_f64(ARRIVAL_WEIGHT);
            self.arrival_gap = Some(smoothed);
        }
        let number = self.frames;
        self.frames += 1;
        let settings = is_changed.then_some(&*self.settings);
        let floor = (self.named.floor, self.budget());
        let chores = lanes.exchange(Some(entered), settings, floor, &mut self.news);
        self.sense_machine(now, machine);
        self.tell(now);
        self.recall(lanes);
        self.take_share(now, group);
        let choice = self.choose(now);
        let plan = Plan {
            number,
            choice,
            named: self.named,
            budget: self.budget(),
            period: self.pace(),
            waiting: self.waiting,
        };
        (plan, chores)
    }

    /// Time between two frames as they really come: an unpaced file comes faster than its frame rate.
    fn pace(&self) -> Duration {
        self.period().min(self.arrival_gap.unwrap_or(Duration::MAX))
    }

    /// Decides anew for the frame in hand, after the lane that should have answered it failed.
    pub fn decide(&mut self, now: Duration, lanes: &LaneTable) -> Choice {
        lanes.exchange(None, None, (None, Duration::ZERO), &mut self.news);
        self.choose(now)
    }

    /// Takes in what the machine says as a frame enters.
    fn sense_machine(&mut self, now: Duration, machine: Option<&Monitor>) {
        let machine = machine.filter(|_| self.settings.sense_machine);
        self.sense = machine.and_then(Monitor::sense);
        let ran = self.news.facts.iter().filter_map(|it| match it {
            Fact::Ran { latency, .. } => Some(*latency),
            _ => None,
        });
        // Runs that have ended since the last frame came.
        let own = ran.sum::<Duration>().as_secs_f32() / self.pace().as_secs_f32().max(1e-3);
        let processors = machine.map_or(1.0, Monitor::processors);
        let waiting = |it: Sense| match self.share.is_shared() {
            // What the group's runs leave each other is known better.
            true if it.runnable.is_none() => None,
            true => Some(f64::from(it.of_others().waiting(0.0, processors))),
            false => Some(f64::from(it.waiting(own.min(1.0), processors))),
        };
        self.waiting = self.sense.and_then(waiting);
        // Where it is not asked any more, what it said last does not hold.
        self.policy
            .sensed(now, machine.map_or(Some(0.0), |_| self.waiting));
    }

    /// How long a frame's run is waited for.
    fn until_given_up(&self) -> Duration {
        let budget = self.config().budget;
        match self.settings.late_policy {
            LatePolicy::Drop | LatePolicy::Wait => budget,
            _ => deadline::before(budget, self.news.kept_back),
        }
    }

    /// Takes in what the group leaves for the frame at hand.
    fn take_share(&mut self, now: Duration, group: Option<&Member>) {
        let chosen = match self.settings.auto_switch {
            true => self.named.pinned,
            false => self.policy.active().map(|it| it.0),
        };
        let wanted = Wanted {
            now,
            period: self.pace(),
            budget: self.until_given_up(),
            miss_rate: self.settings.miss_rate,
            chosen,
            availability: &self.news.availability,
        };
        let has_changed = self.share.take(group, &self.policy, &wanted);
        self.news.is_shared = self.share.is_shared();
        if has_changed {
            let mut config = self.config();
            if self.share.is_shared() {
                config.budget = self.share.budget(wanted.budget);
            }
            // The properties are bounded and the durations above zero, so the configuration is valid.
            let _ = self.policy.set_config(config);
            self.policy.leave(self.share.left().filter(|_| chosen.is_none()));
            let lanes = 0..self.news.availability.len();
            // Who is named to stand in does, whatever the group leaves.
            let is_held_back =
                |it: usize| self.policy.outlook(CandidateId(it)).is_held_back && self.named.floor != Some(it);
            let held_back = lanes.map(is_held_back);
            self.news.held_back.clear();
            self.news.held_back.extend(held_back);
        }
    }

    fn choose(&mut self, now: Duration) -> Choice {
        self.tell(now);
        let decision = self.policy.decide(now, &self.news.availability);
        if decision.switch.is_some() {
            self.since = self.newest_frame();
        }
        let switch = decision.switch.map(|it| Switch {
            reason: self.share.reason_as_seen(it.reason),
            ..it
        });
        Choice {
            answer: decision.answer.map(|it| it.0),
            switch,
            hold: decision.hold.map(|it| (it.id.0, it.starts)),
        }
    }

    fn newest_frame(&self) -> u64 {
        self.frames.saturating_sub(1)
    }

    /// Who the reference is, and how it comes to score the others.
    pub fn teaching(&self) -> (Option<usize>, Teaching) {
        (self.named.reference, self.policy.teaching())
    }

    /// What an explanation is drawn up from.
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot {
            policy: &self.policy,
            availability: &self.news.availability,
            list: &self.list,
            frame: self.newest_frame(),
            since: self.since,
            margin: MARGIN,
            share: &self.share,
        }
    }

    /// What is believed of a lane; nothing before the first decision that knew it.
    pub fn outlook(&self, lane: usize) -> Option<Outlook> {
        let is_known = 0 < self.frames && lane < self.list.names.len();
        is_known.then(|| self.share.as_seen(self.policy.outlook(CandidateId(lane))))
    }

    /// How many times slower the machine is than calm, and what a miss costs; nothing before the first decision.
    pub fn slowdown_and_price(&self) -> Option<(f64, f64)> {
        (0 < self.frames).then(|| (self.policy.slowdown(), self.policy.price_per_miss()))
    }

    /// Who would come next after the active lane, of all that are in memory or could be.
    pub fn rival(&self) -> Option<usize> {
        let rival = self.policy.wishes(&self.news.availability).rival();
        rival.map(|it| it.0)
    }

    /// How much a lane is wanted in memory.
    pub fn wish(&self, lane: usize) -> Wish {
        if self.named.pinned == Some(lane) {
            return Wish::Pin;
        }
        match self
            .policy
            .wishes(&self.news.availability)
            .wants(CandidateId(lane))
        {
            true => Wish::Gain,
            false => Wish::None,
        }
    }

    /// Takes whose priors have proved wrong, or right again. Takes no memory where none has.
    pub fn take_drifts(&mut self) -> Vec<(usize, Drift)> {
        std::mem::take(&mut self.drifts)
    }

    /// Who answers, or would have.
    pub fn active(&self) -> Option<usize> {
        self.policy.active().map(|it| it.0)
    }

    /// What is kept back of a budget because the streaming thread is woken late; `None` before the first frame.
    pub fn wake_up_margin(&self) -> Option<Duration> {
        (0 < self.frames).then(|| deadline::margin(self.late(), self.budget()))
    }

    /// How late the streaming thread is usually woken.
    pub fn late(&self) -> Duration {
        self.news.late
    }

    /// What the machine said as the last frame entered.
    pub fn sense(&self) -> Option<Sense> {
        self.sense
    }

    /// Share of the time for which a run has to expect to wait by that.
    pub fn waiting(&self) -> Option<f64> {
        self.waiting
    }

    /// What judging has to know about a trial that begins now.
    pub fn trial_context(&self, lanes: &Lanes) -> TrialContext {
        let is_there = |it: &usize| lanes.is(*it, |it| it.state == LaneState::Ready);
        TrialContext {
            settings: self.settings.clone(),
            list: self.list.clone(),
            reference: self.named.reference.filter(is_there),
            named_reference: self.reference_name().and_then(|it| self.list.id(it)),
            epoch: self.epoch,
        }
    }

    pub fn named(&self) -> NamedLanes {
        self.named
    }

    /// Takes in what other threads told.
    pub fn hear(&mut self, facts: Vec<Fact>) {
        self.news.facts.extend(facts);
    }

    /// Tells the policy what happened, in the order of time.
    fn tell(&mut self, now: Duration) {
        while let Some(fact) = self.news.facts.pop_front() {
            match fact {
                Fact::Ran { lane, latency, kind } => {
                    let is_usual = self.ways.answered(now, lane, latency, self.period());
                    let is_beside = matches!(kind, RunKind::Shadow | RunKind::Overlapped);
                    let kind = if is_beside && !is_usual {
                        RunKind::WarmUp
                    } else {
                        kind
                    };
                    self.policy.ran(now, CandidateId(lane), latency, kind);
                }
                Fact::Scored {
                    lane,
                    score,
                    evidence,
                } => {
                    let drift = self.policy.scored(now, CandidateId(lane), score, evidence);
                    self.drifts.extend(drift.map(|it| (lane, it)));
                }
                Fact::Failed { lane } => self.policy.failed(now, CandidateId(lane)),
                Fact::Warm { lane } | Fact::MayReturn { lane } => {
                    self.policy.recovered(now, CandidateId(lane));
                }
                Fact::Perturbed { lane, agreement } => {
                    self.policy.perturbed(now, CandidateId(lane), agreement);
                }
                Fact::Rated { lane, score } => self.policy.rated(now, CandidateId(lane), score),
                Fact::LateDownstream { jitter } => self.policy.late_downstream(now, jitter),
                Fact::Mismatch { reference, epoch } if epoch == self.epoch => {
                    self.set_mismatch(Some(reference));
                }
                Fact::Mismatch { .. } => {}
                Fact::Identified => self.recollection.has_news(),
                Fact::KindsKnown => self.resolve_names(),
                Fact::MismatchForgotten => {
                    self.epoch += 1;
                    self.set_mismatch(None);
                }
            }
        }
    }

    fn set_mismatch(&mut self, mismatch: Option<usize>) {
        match mismatch {
            Some(lane) => self.mismatches.push(lane),
            None => self.mismatches.clear(),
        }
        self.resolve_names();
    }

    /// The lane did not answer in time.
    pub fn missed(&mut self, now: Duration, lane: usize, elapsed: Duration, lanes: &LaneTable) {
        // The policy wants its facts in the order of time.
        lanes.take_facts(&mut self.news.facts);
        self.tell(now);
        let elapsed = lanes.served(lane, elapsed, now);
        self.policy.missed(now, CandidateId(lane), elapsed);
    }

    /// Nobody was ready for a frame.
    pub fn lost(&mut self, now: Duration) {
        self.policy.lost(now, 1);
    }

    /// The frame that came last begins another scene.
    pub fn content_changed(&mut self, now: Duration) {
        self.policy.content_changed(now);
    }

    pub fn flushed(&mut self, now: Duration) {
        self.policy.flushed(now);
        self.last_arrival = None;
    }

    /// The lane runs beside, for a reason that the policy did not ask for.
    pub fn runs_beside(&mut self, lane: usize) {
        self.policy.runs_beside(CandidateId(lane));
    }

    /// Whom to run beside the active lane, if anyone, when `slack` is left until the next frame.
    ///
    /// Nobody where that would delay others of the group.
    pub fn shadow(
        &mut self,
        now: Duration,
        slack: Duration,
        available: &[Availability],
        group: Option<&Member>,
    ) -> Option<Shadow> {
        let awake = self
            .ways
            .awake()
            .filter(|it| Some(*it) != self.active() && available.get(*it) == Some(&Availability::Ready));
        if let Some(lane) = awake {
            self.policy.runs_beside(CandidateId(lane));
            return Some(Shadow::look_at(CandidateId(lane)));
        }
        let shadow = self.policy.shadow(now, slack, available)?;
        let Some(group) = group else {
            return Some(shadow);
        };
        let latencies = shadow.ids().filter_map(|it| self.policy.outlook(it).latency);
        let work = latencies.sum();
        group.has_room(now, work, now + slack).then_some(shadow)
    }

    /// What the group leaves the stream.
    pub fn share(&self) -> &GroupShare {
        &self.share
    }
}
