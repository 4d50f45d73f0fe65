// SPDX-License-Identifier: MPL-2.0

//! The policy as its user sees it: facts in, a decision out. Holds the parts together and knows the order in which
//! they are asked; the arithmetic is theirs.

use std::time::Duration;

use super::beside::Beside;
use super::candidate::Standing;
use super::choice::{Mode, Situation};
use super::effective_budget::EffectiveBudget;
use super::estimates::Estimates;
use super::explain::{Present, outlook};
use super::lesson::Teaching;
use super::load::{Loads, Wishes};
use super::price::Price;
use super::shadow::{Scene, Shadow};
use super::stride::Stride;
use super::terms_table::{Conditions, TermsTable};
use super::{
    Availability, CandidateId, Config, ConfigError, Decision, Device, Drift, Evidence, Explanation,
    Knowledge, Outlook, Prior, Reason, RunKind, Switch,
};
use crate::clone_in_place::clone_in_place;

/// Chooses who answers the next frame.
///
/// The smallest cost wins, when the regret of staying has paid for the switch; see the module's documentation.
#[derive(Debug, Default)]
pub struct Policy {
    config: Config,
    budget: EffectiveBudget,
    estimates: Estimates,
    price: Price,
    beside: Beside,
    /// What was expected of each candidate at the last decision.
    table: TermsTable,
    active: Option<CandidateId>,
    /// Why the active one became it, and at which frame.
    since: Option<(Reason, u64)>,
    pinned: Option<CandidateId>,
    stride: Stride,
    /// Who answers in place of a missed answer.
    floor: Option<CandidateId>,
    mode: Mode,
    /// What the machine says.
    waiting: Option<f64>,
    /// Processor time of a run that others leave, if they do not leave all.
    left: Option<Duration>,
    /// Frames decided so far.
    frame: u64,
    now: Duration,
}

clone_in_place! { Policy: config budget estimates price beside table active since pinned stride floor mode waiting left frame now }

/// Frames between two corrections of the slowdown's origin: 10 s at 25 fps.
const ANCHOR: u64 = 250;

impl Policy {
    /// A policy without candidates.
    pub fn new(config: Config) -> Result<Policy, ConfigError> {
        let mut policy = Policy::default();
        policy.set_config(config).map(|()| policy)
    }

    /// Takes a new budget, period or miss rate; on an error the old ones stay. What was learned of the
    /// candidates stays too.
    pub fn set_config(&mut self, config: Config) -> Result<(), ConfigError> {
        self.config = config.checked()?;
        self.budget.set_config(&self.config);
        self.beside.set_period(self.config.period);
        Ok(())
    }

    /// Adds a candidate; it may answer from the next decision on, if it is available then.
    pub fn add(&mut self, prior: Prior) -> CandidateId {
        let id = self.estimates.add(prior);
        self.table.reserve(self.estimates.candidates.len());
        id
    }

    /// Removes a candidate and all that was learned of it. Its id is not used again.
    pub fn remove(&mut self, id: CandidateId) {
        self.estimates.remove(id);
        self.pinned = self.pinned.filter(|it| *it != id);
    }

    /// Takes a new prior. Scores that were seen outweigh it.
    pub fn update_prior(&mut self, id: CandidateId, prior: Prior) {
        let candidates = &mut self.estimates.candidates;
        candidates.change(id, |it| it.update_prior(prior));
    }

    /// Lets a candidate begin with what was learned of it in an earlier stream, so far as nothing was learned in this one.
    pub fn recall(&mut self, id: CandidateId, known: &Knowledge) {
        self.estimates.candidates.change(id, |it| it.recall(known));
    }

    /// What was learned of a candidate, for a later stream; of one that was removed, nothing.
    pub fn knowledge(&self, id: CandidateId) -> Knowledge {
        self.estimates.knowledge(id)
    }

    /// Who would answer if all could, of those of which is known what they take.
    pub fn favorite(&self) -> Option<CandidateId> {
        self.conditions().favorite()
    }

    /// Whether a candidate may answer at all. One that may not is still loaded, measured and scored.
    pub fn forbid(&mut self, id: CandidateId, is_forbidden: bool) {
        let candidates = &mut self.estimates.candidates;
        candidates.change(id, |it| it.is_forbidden = is_forbidden);
    }

    /// Other streams leave this one no more processor time than that for a run: candidates on the processor that are expected to
    /// take more may not answer; `None` where they leave all. Told once a frame, before the decision.
    pub fn leave(&mut self, most: Option<Duration>) {
        let before = std::mem::replace(&mut self.left, most);
        if before.or(most).is_some() {
            let is_more = |latency| most.is_some_and(|it| it < latency);
            self.estimates.hold_back(is_more);
        }
    }

    /// Whoever is pinned answers whenever it is available.
    pub fn pin(&mut self, id: Option<CandidateId>) {
        self.pinned = id.filter(|it| self.estimates.candidates.get(*it).is_some());
    }

    /// Who answers in place of a missed answer, so that a miss is worth that much; `None` for nobody: then a missed
    /// frame is worth nothing.
    pub fn set_floor(&mut self, id: Option<CandidateId>) {
        self.floor = id;
    }

    /// With `auto` off, the active candidate stays for as long as it is available.
    pub fn set_auto(&mut self, auto: bool) {
        self.mode = if auto { Mode::Auto } else { Mode::Hold };
    }

    /// Who answers the next frame; asked once a frame. `available` is indexed by id, and who is not in it is
    /// absent.
    pub fn decide(&mut self, now: Duration, available: &[Availability]) -> Decision {
        self.now = now;
        self.frame += 1;
        self.draw_up_table();
        let held = (self.estimates.candidates).may_be_held(self.active, self.pinned, available);
        if let Some(hold) = self.stride.hold(held, available) {
            self.frame_passes();
            return Decision::held(hold);
        }
        let situation = Situation {
            config: &self.config,
            available,
            table: &self.table,
            active: self.active,
            pinned: self.pinned,
            mode: self.mode,
            budget: self.budget.at(now),
            now,
        };
        let choice = situation.choose(&mut self.estimates);
        self.frame_passes();
        let switch = choice.map(|(to, reason)| {
            let from = self.active.replace(to);
            self.since = Some((reason, self.frame));
            self.estimates.candidates.forget_regret();
            Switch { from, to, reason }
        });
        let answer = (self.active).filter(|it| self.estimates.candidates.is_usable(*it, available));
        let hold = answer.and_then(|it| self.stride.begin(it, self.table.stride(it)));
        Decision {
            answer: answer.filter(|_| hold.is_none()),
            switch,
            hold,
        }
    }

    /// Who should be in memory, and who would come next after the active candidate.
    pub fn wishes<'a>(&'a self, available: &'a [Availability]) -> Wishes<'a> {
        let is_free = self.mode == Mode::Auto && self.pinned.is_none();
        let loads = Loads::new(available, &self.table, self.active, self.config.period);
        Wishes::new(loads, &self.estimates.candidates, is_free)
    }

    /// What time does to what is known. After the choice, so that who asks between two frames sees what the next
    /// choice will see.
    fn frame_passes(&mut self) {
        self.estimates.drift();
        self.price.frames(1, 0, self.config.miss_rate);
        self.beside.earn();
        if self.frame.is_multiple_of(ANCHOR) {
            self.estimates.anchor();
            self.estimates.half_forget(self.frame);
        }
    }

    /// Which runs beside the active one would teach most, given the time that is left of this frame.
    pub fn shadow(&mut self, now: Duration, slack: Duration, available: &[Availability]) -> Option<Shadow> {
        self.now = now;
        let active = self.active?;
        if let Some(suspect) = self.estimates.suspect(active, available) {
            return Some(Shadow::look_at(suspect));
        }
        let upper = self.estimates.upper(active, self.config.miss_rate);
        let scene = Scene {
            frame: self.frame,
            candidates: &self.estimates.candidates,
            available,
            active,
            slowdowns: &self.estimates.slowdowns,
            slack,
            period: self.config.period.as_secs_f64(),
            room: self.budget.at(now).saturating_sub(upper.unwrap_or(Duration::MAX)),
            price: self.table.weights.miss,
            robustness_weight: self.config.robustness_weight,
        };
        let shadow = self.beside.next(&scene)?;
        let asked = shadow.ids().chain([active]);
        self.estimates.candidates.asked(asked, self.frame);
        Some(shadow)
    }

    /// A candidate runs beside the active one for a reason that was not asked for here; it is paid from the same purse.
    pub fn runs_beside(&mut self, id: CandidateId) {
        self.beside.pay(self.estimates.latency(id).unwrap_or_default());
    }

    /// Whether a reference that never fits the slack may be run at idle priority; not before this is told.
    pub fn allow_lessons(&mut self, are_possible: bool) {
        self.beside.allow_lessons(are_possible);
    }

    /// How the reference comes to score the others.
    pub fn teaching(&self) -> Teaching {
        self.beside.teaching()
    }

    /// What is believed of a candidate now. Of one that was removed, nothing.
    pub fn outlook(&self, id: CandidateId) -> Outlook {
        outlook(id, &self.conditions(), &self.table)
    }

    /// Why it is this candidate, and what would change it. Allocates; for a switch, and for whoever asks.
    pub fn explain(&self, available: &[Availability]) -> Explanation {
        Present {
            conditions: self.conditions(),
            available,
            active: self.active(),
            since: self.since,
            waiting: self.waiting,
            left: self.left,
            is_chosen: self.pinned == self.active() || self.mode == Mode::Hold,
            frame: self.frame,
            now: self.now,
            effective_budget: &self.budget,
        }
        .explain()
    }

    /// How many times slower the device of the active candidate is now than when the baselines were measured.
    pub fn slowdown(&self) -> f64 {
        self.estimates.slowdown_of(self.active).level().mean.exp()
    }

    /// What a missed frame costs now, in log-quality, beyond what the frame itself was worth.
    pub fn price_per_miss(&self) -> f64 {
        self.price.per_miss()
    }

    /// Who answered last, or would have.
    pub fn active(&self) -> Option<CandidateId> {
        self.active
            .filter(|it| self.estimates.candidates.get(*it).is_some())
    }

    /// The machine says that something which could run waits for this share of the time, 0..1, if it says anything.
    /// Told once a frame, ahead of the other facts and the decision: what it says covers the last frame.
    pub fn sensed(&mut self, now: Duration, waiting: Option<f64>) {
        (self.now, self.waiting) = (now, waiting);
        // What was sensed last holds while nothing is heard: a thread that reads may wait, too.
        if waiting.is_some_and(|it| self.estimates.slowdowns.of_mut(Device::PROCESSOR).waits(it)) {
            // The ground on which somebody was left is gone, so nobody waits to be taken back.
            self.estimates.candidates.prepay_regret();
        }
    }

    /// A run ended after `latency`.
    pub fn ran(&mut self, now: Duration, id: CandidateId, latency: Duration, kind: RunKind) {
        self.now = now;
        let (frame, allowed) = (self.frame, self.table.allowed(id, &self.config));
        let Some(candidate) = self.estimates.candidates.get_mut(id) else {
            return;
        };
        let overdue = candidate.run_ended(frame);
        if kind == RunKind::Idle {
            return self.beside.lesson_ended();
        }
        let is_untold_miss = overdue.is_none() && self.active == Some(id) && allowed < latency;
        if is_untold_miss && kind != RunKind::Shadow {
            self.one_is_missed();
        }
        self.estimates.learn(id, latency, kind, overdue, self.active);
    }

    /// The deadline passed and the run is not finished: its latency is at least `elapsed`. Told once a run; a
    /// `ran` of the same run may follow.
    pub fn missed(&mut self, now: Duration, id: CandidateId, elapsed: Duration) {
        self.now = now;
        self.one_is_missed();
        self.estimates.missed(id, elapsed);
    }

    fn one_is_missed(&mut self) {
        self.beside.missed(self.frame);
        self.price.frames(0, 1, self.config.miss_rate);
    }

    /// An answer was found to be worth this much, 0..1, by this evidence: for instance by its agreement with the
    /// reference's on the same frame. Returns whether its prior has proved wrong, or right again, if that is new.
    pub fn scored(&mut self, now: Duration, id: CandidateId, score: f64, by: Evidence) -> Option<Drift> {
        self.now = now;
        (self.estimates.candidates).scored(id, self.frame, score, by)
    }

    /// The content has changed, as at a cut: what is known of qualities counts little from now on, and is asked for anew.
    /// Taken at most once in thirty frames; a score far from what was known says the same.
    pub fn content_changed(&mut self, now: Duration) {
        self.now = now;
        self.estimates.candidates.content_changed(self.frame);
    }

    /// An operator says what the answers of a candidate are worth, 0..1.
    pub fn rated(&mut self, now: Duration, id: CandidateId, score: f64) {
        let frame = self.frame;
        self.now = now;
        self.estimates.candidates.change(id, |it| it.rated(frame, score));
    }

    /// An answer agreed to this degree, 0..1, with the answer to the same frame slightly perturbed.
    pub fn perturbed(&mut self, now: Duration, id: CandidateId, agreement: f64) {
        self.now = now;
        let candidates = &mut self.estimates.candidates;
        candidates.change(id, |it| it.robustness.sampled(agreement));
    }

    /// Frames that nobody could be asked to answer: each is a miss.
    pub fn lost(&mut self, now: Duration, frames: u32) {
        self.now = now;
        self.price.frames(frames, frames, self.config.miss_rate);
    }

    /// The sink got a frame `jitter` too late.
    pub fn late_downstream(&mut self, now: Duration, jitter: Duration) {
        self.now = now;
        self.budget.late(now, jitter);
        self.beside.missed(self.frame);
    }

    /// A candidate failed; it is not considered until it recovered, whatever its lane says.
    pub fn failed(&mut self, now: Duration, id: CandidateId) {
        self.now = now;
        self.estimates.set_standing(id, Standing::Failed);
    }

    /// A candidate that had failed can answer again.
    pub fn recovered(&mut self, now: Duration, id: CandidateId) {
        self.now = now;
        self.estimates.set_standing(id, Standing::Sound);
    }

    /// The stream was flushed: runs in flight will not end, and what they hinted at is forgotten.
    pub fn flushed(&mut self, now: Duration) {
        self.now = now;
        self.estimates.flushed();
        self.beside.flushed();
        self.budget.forget();
    }

    /// Draws up what is expected of all candidates by what is known now.
    fn draw_up_table(&mut self) {
        let mut table = std::mem::take(&mut self.table);
        table.draw_up(&self.conditions());
        self.table = table;
    }

    fn conditions(&self) -> Conditions<'_> {
        Conditions {
            config: &self.config,
            estimates: &self.estimates,
            budget: self.budget.at(self.now),
            shift: 0.0,
            per_miss: self.price.per_miss(),
            floor: (self.floor.and_then(|it| self.estimates.candidates.get(it)))
                .map_or(0.0, |it| it.quality.mean()),
        }
    }
}
