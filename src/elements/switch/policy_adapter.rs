// SPDX-License-Identifier: MPL-2.0

//! The policy_adapter: carries facts from the board to the policy, and the policy's decision back.
//!
//! It belongs to the streaming thread. It translates lanes to candidates, settings to the policy's
//! configuration, and decides nothing itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::explain::Snapshot;
use super::lanes::run::{Fact, State};
use super::lanes::status::{LaneState, Purpose};
use super::lanes::table::Board;
use super::settings::{LatePolicy, Settings};
use crate::policy::{Availability, CandidateId, Config, Policy, Prior, Shadow, Switch};

/// Frame period assumed until the caps or the arrivals tell: 25 frames a second.
const DEFAULT_PERIOD: Duration = Duration::from_millis(40);

/// Share of the budget that a candidate may use. The rest is for the switch's own work and the hand-over between
/// threads (0.1 ms at the 99th percentile, measured) and for the buffer's way to the sink.
const MARGIN: f64 = 0.97;

/// Weight of the newest gap between two arrivals: follows a change of pace within some ten frames.
const ARRIVAL_WEIGHT: f64 = 0.1;

/// A lane that has said nothing for this long is reported as hung; longer than any model that could
/// serve a live stream, short enough for an operator to see the cause.
pub const HANG: Duration = Duration::from_secs(2);

/// Who answers a frame, in terms of lanes.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// The lane to run and to wait for; `None` when only the floor can answer, or a held answer leaves.
    pub answer: Option<usize>,
    pub switch: Option<Switch>,
    /// The lane whose held answer leaves, and whether it begins with this frame.
    pub hold: Option<(usize, bool)>,
}

/// What the policy decided for one frame, and what the user asked for.
#[derive(Debug)]
pub struct Plan {
    /// Number of the frame in the stream, from zero.
    pub number: u64,
    pub choice: Choice,
    /// The lane that the user pinned, and the one that he named as the floor.
    pub pinned: Option<usize>,
    pub floor: Option<usize>,
    pub budget: Duration,
    /// Time until the next frame is expected, from the entry of this one.
    pub period: Duration,
}

/// Housekeeping that a frame's arrival gives occasion for.
#[derive(Debug, Default)]
pub struct Chores {
    /// A failed lane whose pause is over.
    pub restart: Option<usize>,
    /// A lane that has said nothing for [`HANG`].
    pub hung: Option<(usize, Duration)>,
}

#[derive(Debug)]
pub struct PolicyAdapter {
    policy: Policy,
    facts: VecDeque<Fact>,
    /// Who could answer at the last decision.
    availability: Vec<Availability>,
    /// Who could run beside when that was last asked.
    beside: Vec<Availability>,
    names: Vec<String>,
    priors: Vec<Prior>,
    /// By lane: whether the user does not want it to answer.
    forbidden: Vec<bool>,
    settings: Arc<Settings>,
    /// Reference that the catalogue names; the property overrides it.
    catalog_reference: Option<String>,
    /// A reference whose answers proved to be of another task.
    stranger: Option<usize>,
    /// Floor that the catalogue names; the property overrides it.
    catalog_floor: Option<String>,
    /// From the caps, or of a buffer of sound; zero when the frame rate is variable.
    frame_duration: Duration,
    /// Sound cannot be held over a buffer that nobody answered.
    is_sound: bool,
    arrival_gap: Option<Duration>,
    last_arrival: Option<Duration>,
    frames: u64,
    /// Number of the frame from which on the active candidate answers.
    since: u64,
}

impl PolicyAdapter {
    pub fn new(settings: Arc<Settings>) -> PolicyAdapter {
        PolicyAdapter {
            policy: Policy::default(),
            facts: VecDeque::with_capacity(64),
            availability: Vec::with_capacity(16),
            beside: Vec::with_capacity(16),
            names: Vec::new(),
            priors: Vec::new(),
            forbidden: Vec::new(),
            settings,
            catalog_reference: None,
            catalog_floor: None,
            stranger: None,
            frame_duration: Duration::ZERO,
            is_sound: false,
            arrival_gap: None,
            last_arrival: None,
            frames: 0,
            since: 0,
        }
    }

    /// Tells the policy of a new lane; lanes and candidates are counted alike.
    pub fn add(&mut self, name: &str, prior: Prior) -> usize {
        let CandidateId(lane) = self.policy.add(prior);
        self.names.push(name.to_string());
        self.priors.push(prior);
        self.resolve_forbidden();
        self.resolve_pin();
        self.resolve_reference();
        lane
    }

    pub fn remove(&mut self, lane: usize) {
        if let Some(name) = self.names.get_mut(lane) {
            name.clear();
        }
        self.policy.remove(CandidateId(lane));
        self.resolve_reference();
    }

    /// Takes over whom the catalogue names as reference and floor.
    pub fn catalogue_says(&mut self, reference: Option<String>, floor: Option<String>) {
        (self.catalog_reference, self.catalog_floor) = (reference, floor);
        self.resolve_reference();
    }

    /// Number of the lane with that name.
    pub fn lane(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|it| it == name)
    }

    /// The lane that stands in for one that is late, if the user or the catalogue names one.
    pub fn floor_lane(&self) -> Option<usize> {
        let named = self.settings.floor.as_deref().or(self.catalog_floor.as_deref())?;
        self.lane(named).filter(|it| self.may_answer(*it))
    }

    /// The lane whose answers score the others: the one that is named, else the one of the best prior, and
    /// of several such the last, because candidates are listed from cheap to good. `None` where no candidate has the name,
    /// where nothing is compared, and for one whose answers are of another task.
    pub fn reference_lane(&self) -> Option<usize> {
        let compares = self.settings.quality_source.compares();
        let lane = compares.then(|| self.trusted_lane()).flatten();
        lane.filter(|it| Some(*it) != self.stranger)
    }

    fn trusted_lane(&self) -> Option<usize> {
        let named = self
            .settings
            .reference
            .as_deref()
            .or(self.catalog_reference.as_deref());
        if let Some(named) = named {
            return self.lane(named);
        }
        let prior = |lane: &usize| {
            self.priors
                .get(*lane)
                .and_then(|it| it.quality)
                .unwrap_or_default()
        };
        let present = (0..self.names.len()).filter(|it| !self.names[*it].is_empty());
        present.max_by(|one, other| prior(one).total_cmp(&prior(other)))
    }

    /// Quality that the catalogue gives the lane, if it does.
    pub fn prior(&self, lane: usize) -> Option<f64> {
        self.priors.get(lane)?.quality
    }

    /// Tells the policy who the reference is now.
    fn resolve_reference(&mut self) {
        let reference = self.reference_lane();
        for (lane, prior) in self.priors.iter_mut().enumerate() {
            let is_reference = reference == Some(lane);
            if prior.is_reference != is_reference {
                prior.is_reference = is_reference;
                self.policy.update_prior(CandidateId(lane), *prior);
            }
        }
    }

    pub fn active(&self) -> Option<usize> {
        self.policy.active().map(|it| it.0)
    }

    /// Takes over settings that changed since the last frame; free when none did.
    pub fn apply(&mut self, settings: &Arc<Settings>) {
        if Arc::ptr_eq(settings, &self.settings) {
            return;
        }
        self.settings = settings.clone();
        self.resolve_forbidden();
        self.resolve_pin();
        self.configure();
        self.resolve_reference();
    }

    pub fn pinned(&self) -> Option<usize> {
        self.lane(self.settings.pinned.as_deref()?)
            .filter(|it| self.may_answer(*it))
    }

    fn may_answer(&self, lane: usize) -> bool {
        self.forbidden.get(lane) != Some(&true)
    }

    fn resolve_forbidden(&mut self) {
        self.forbidden.resize(self.names.len(), false);
        for (lane, (name, forbidden)) in self.names.iter().zip(&mut self.forbidden).enumerate() {
            *forbidden = self.settings.forbidden().any(|it| it == name);
            self.policy.forbid(CandidateId(lane), *forbidden);
        }
    }

    fn resolve_pin(&mut self) {
        self.policy.pin(self.pinned().map(CandidateId));
        self.policy.set_auto(self.settings.auto_switch);
    }

    /// Sets the frame duration from the caps, zero when it varies, or the usual duration of a buffer of sound.
    pub fn set_frame_duration(&mut self, duration: Duration, is_sound: bool) {
        (self.frame_duration, self.is_sound) = (duration, is_sound);
        self.configure();
    }

    /// Time one frame may take: the property, or else one frame duration.
    pub fn budget(&self) -> Duration {
        let asked: Duration = self.settings.latency_budget.into();
        [asked, self.frame_duration]
            .into_iter()
            .find(|it| !it.is_zero())
            .unwrap_or(DEFAULT_PERIOD)
    }

    fn period(&self) -> Duration {
        if self.frame_duration.is_zero() {
            self.arrival_gap.unwrap_or(DEFAULT_PERIOD)
        } else {
            self.frame_duration
        }
    }

    fn configure(&mut self) {
        let config = Config {
            budget: self.budget().mul_f64(MARGIN),
            period: self.period(),
            miss_rate: self.settings.miss_rate,
            lambda_latency: self.settings.lambda_latency,
            lambda_complexity: self.settings.lambda_cost,
            strategy: self.settings.strategy.into(),
            robustness_weight: self.settings.robustness_weight,
            max_stride: if self.is_sound {
                1
            } else {
                self.settings.max_stride
            },
            ..Config::default()
        };
        // The properties are bounded and the durations above zero, so the configuration is valid.
        let _ = self.policy.set_config(config);
    }

    /// Takes in a frame that arrived at `now`, and decides who answers it.
    pub fn plan(&mut self, now: Duration, board: &Board) -> Plan {
        if let Some(last) = self.last_arrival.replace(now) {
            let gap = now.saturating_sub(last);
            let smoothed =
                self.arrival_gap.unwrap_or(gap).mul_f64(1.0 - ARRIVAL_WEIGHT) + gap.mul_f64(ARRIVAL_WEIGHT);
            self.arrival_gap = Some(smoothed);
        }
        let number = self.frames;
        self.frames += 1;
        board.lock().newest = gst::ClockTime::try_from(now).ok();
        let (pinned, floor) = (self.pinned(), self.floor_lane());
        let stands_in = floor.filter(|_| self.settings.late_policy != LatePolicy::Drop);
        self.policy.set_floor(stands_in.map(CandidateId));
        let choice = self.decide(now, board);
        Plan {
            number,
            choice,
            pinned,
            floor,
            budget: self.budget(),
            period: self.pace(),
        }
    }

    /// Time between two frames as they really come: an unpaced file comes faster than its frame rate.
    fn pace(&self) -> Duration {
        self.period().min(self.arrival_gap.unwrap_or(Duration::MAX))
    }

    /// Decides anew for the frame in hand, after the lane that should have answered it failed.
    pub fn decide(&mut self, now: Duration, board: &Board) -> Choice {
        self.tell(now, board);
        self.availability.clear();
        let stranger = board.lock().stranger;
        if std::mem::replace(&mut self.stranger, stranger) != stranger {
            self.resolve_reference();
        }
        {
            let mut state = board.lock();
            for (slot, forbidden) in state.slots.iter_mut().zip(&self.forbidden) {
                slot.is_forbidden = *forbidden;
            }
            self.availability
                .extend(state.slots.iter().map(|it| it.availability()));
        }
        let decision = self.policy.decide(now, &self.availability);
        if decision.switch.is_some() {
            self.since = self.newest_frame();
        }
        let mut state = board.lock();
        state.outlooks.clear();
        state
            .outlooks
            .extend((0..self.names.len()).map(|it| self.policy.outlook(CandidateId(it))));
        state.slowdown = Some(self.policy.slowdown());
        state.price_per_miss = Some(self.policy.price_per_miss());
        Choice {
            answer: decision.answer.map(|it| it.0),
            switch: decision.switch,
            hold: decision.hold.map(|it| (it.id.0, it.starts)),
        }
    }

    fn newest_frame(&self) -> u64 {
        self.frames.saturating_sub(1)
    }

    /// What an explanation is drawn up from.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            policy: self.policy.clone(),
            availability: self.availability.clone(),
            names: self.names.clone(),
            figures: Vec::new(),
            frame: self.newest_frame(),
            since: self.since,
            margin: MARGIN,
        }
    }

    fn tell(&mut self, now: Duration, board: &Board) {
        board.take_facts(&mut self.facts);
        for fact in self.facts.drain(..) {
            match fact {
                Fact::Ran { lane, latency, kind } => self.policy.ran(now, CandidateId(lane), latency, kind),
                Fact::Scored {
                    lane,
                    score,
                    evidence,
                } => {
                    self.policy.scored(now, CandidateId(lane), score, evidence);
                }
                Fact::Failed { lane } => self.policy.failed(now, CandidateId(lane)),
                Fact::Warm { lane } => self.policy.recovered(now, CandidateId(lane)),
                Fact::Perturbed { lane, agreement } => {
                    self.policy.perturbed(now, CandidateId(lane), agreement);
                }
                Fact::NamedExplanation { lane, score } => self.policy.told(now, CandidateId(lane), score),
                Fact::LateDownstream { jitter } => self.policy.late_downstream(now, jitter),
            }
        }
    }

    pub fn missed(&mut self, now: Duration, lane: usize, elapsed: Duration, board: &Board) {
        // The policy wants its facts in the order of time.
        self.tell(now, board);
        self.policy.missed(now, CandidateId(lane), elapsed);
    }

    /// Nobody was ready for a frame.
    pub fn lost(&mut self, now: Duration) {
        self.policy.lost(now, 1);
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
    pub fn shadow(&mut self, now: Duration, slack: Duration, board: &Board) -> Option<Shadow> {
        self.beside.clear();
        self.beside
            .extend(board.lock().slots.iter().map(|it| it.availability()));
        self.policy.shadow(now, slack, &self.beside)
    }
}

/// The first lane that has warm-up runs left and nothing in hand, if no other lane is warming up right now.
pub fn next_to_warm(state: &State) -> Option<usize> {
    let is_beside = |purpose: &Purpose| matches!(purpose, Purpose::WarmUp | Purpose::Shadow(_));
    if state
        .slots
        .iter()
        .filter_map(|it| it.run.as_ref())
        .any(|it| is_beside(&it.purpose) && !it.reported_hung)
    {
        return None;
    }
    state
        .slots
        .iter()
        .position(|it| it.is_idle() && matches!(it.residency, LaneState::Warming { .. }))
}

/// Looks for lanes that want to be restarted or reported.
pub fn chores(state: &mut State, now: gst::ClockTime) -> Chores {
    let mut chores = Chores::default();
    for (lane, slot) in state.slots.iter_mut().enumerate() {
        match &mut slot.residency {
            LaneState::Failed { retry_at, .. } if retry_at.is_some_and(|it| it <= now) => {
                *retry_at = None;
                chores.restart = Some(lane);
            }
            _ => {}
        }
        if let Some(run) = slot.run.as_mut().filter(|it| !it.reported_hung) {
            let silence: Duration = now.saturating_sub(run.started).into();
            if HANG <= silence {
                run.reported_hung = true;
                chores.hung = Some((lane, silence));
            }
        }
    }
    chores
}
