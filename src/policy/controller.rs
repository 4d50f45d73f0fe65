// SPDX-License-Identifier: MPL-2.0

//! The policy as its user sees it: facts in, a decision out. Holds the estimates together and knows the
//! order in which they are asked; the arithmetic is theirs.

mod account;
mod choice;
mod facts;
mod learning;

use std::time::Duration;

use super::candidate::{Candidate, Standing};
use super::limit::Limit;
use super::price::Price;
use super::shadow::{Plan, Scene, Shadow};
use super::slowdown::Slowdown;
use super::stride::Stride;
use super::weighing::Weighing;
use super::{
    Availability, CandidateId, Config, ConfigError, Decision, Outlook, Prior, Reason, RunKind, Source, Switch,
};

/// Chooses who answers the next frame.
///
/// The smallest cost wins, when the regret of staying has paid for the switch; see the module's documentation.
#[derive(Debug, Clone)]
pub struct Policy {
    config: Config,
    limit: Limit,
    /// By id; `None` once removed.
    candidates: Vec<Option<Candidate>>,
    slowdown: Slowdown,
    price: Price,
    shadows: Plan,
    /// What was expected of each at the last decision.
    weighing: Weighing,
    active: Option<CandidateId>,
    /// Why the active one became it, and at which frame.
    since: Option<(Reason, u64)>,
    pinned: Option<CandidateId>,
    stride: Stride,
    /// Who answers in place of a missed answer.
    floor: Option<CandidateId>,
    mode: Mode,
    /// Frames decided so far.
    frame: u64,
    now: Duration,
}

/// Whether the active candidate may be left for anything but its absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Auto,
    Hold,
}

/// Frames between two corrections of the slowdown's origin: 10 s at 25 fps.
const ANCHOR: u64 = 250;

impl Default for Policy {
    /// A policy without candidates for the default configuration.
    fn default() -> Policy {
        let config = Config::default();
        Policy {
            config,
            limit: Limit::new(&config),
            candidates: Vec::new(),
            slowdown: Slowdown::new(),
            price: Price::new(),
            shadows: Plan::new(config.period),
            weighing: Weighing::default(),
            active: None,
            since: None,
            pinned: None,
            stride: Stride::default(),
            floor: None,
            mode: Mode::Auto,
            frame: 0,
            now: Duration::ZERO,
        }
    }
}

impl Policy {
    /// A policy without candidates.
    pub fn new(config: Config) -> Result<Policy, ConfigError> {
        let mut policy = Policy::default();
        policy.set_config(config)?;
        Ok(policy)
    }

    /// Takes a new budget, period or miss rate; on an error the old ones stay. What was learned of the
    /// candidates stays too.
    pub fn set_config(&mut self, config: Config) -> Result<(), ConfigError> {
        self.config = config.checked()?;
        self.limit.set_config(&self.config);
        self.slowdown.leave_out(self.config.without);
        self.price.leave_out(self.config.without);
        for candidate in self.candidates.iter_mut().flatten() {
            candidate.latency.leave_out(self.config.without);
        }
        self.shadows.set_period(self.config.period);
        Ok(())
    }

    /// What the user asked for.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Adds a candidate; it may answer from the next decision on, if it is available then.
    pub fn add(&mut self, prior: Prior) -> CandidateId {
        let mut candidate = Candidate::new(prior);
        candidate.latency.leave_out(self.config.without);
        self.candidates.push(Some(candidate));
        self.weighing.clear();
        self.weighing.reserve(self.candidates.len());
        CandidateId(self.candidates.len() - 1)
    }

    /// Removes a candidate and all that was learned of it. Its id is not used again.
    pub fn remove(&mut self, id: CandidateId) {
        if let Some(slot) = self.candidates.get_mut(id.0) {
            *slot = None;
        }
        self.slowdown.forget_alarm_of(id);
        self.pinned = self.pinned.filter(|it| *it != id);
    }

    /// Takes a new prior. Scores that were seen outweigh it.
    pub fn update_prior(&mut self, id: CandidateId, prior: Prior) {
        if let Some(candidate) = self.candidate_mut(id) {
            candidate.quality.update_prior(prior);
        }
    }

    /// Whether a candidate may answer at all. One that may not is still loaded, measured and scored.
    pub fn forbid(&mut self, id: CandidateId, is_forbidden: bool) {
        if let Some(candidate) = self.candidate_mut(id) {
            candidate.is_forbidden = is_forbidden;
        }
    }

    /// Whoever is pinned answers whenever it is available.
    pub fn pin(&mut self, id: Option<CandidateId>) {
        self.pinned = id.filter(|it| self.candidate(*it).is_some());
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
        self.weigh();
        if let Some(hold) = self.stride.hold(self.may_be_held(available), available) {
            self.frame_passes();
            return Decision {
                answer: None,
                switch: None,
                hold: Some(hold),
            };
        }
        let choice = self.choice(available);
        self.frame_passes();
        let switch = choice.map(|(to, reason)| {
            let from = self.active.replace(to);
            self.since = Some((reason, self.frame));
            for candidate in self.candidates.iter_mut().flatten() {
                candidate.regret.forget();
            }
            Switch { from, to, reason }
        });
        let answer = self.active.filter(|it| self.is_usable(*it, available));
        let stride = answer
            .and_then(|it| self.weighing.terms.get(it.0))
            .map_or(1, |it| it.stride);
        let hold = answer.and_then(|it| self.stride.begin(it, stride));
        Decision {
            answer: answer.filter(|_| hold.is_none()),
            switch,
            hold,
        }
    }

    /// The active candidate, unless it must not answer any longer, or another one is pinned.
    fn may_be_held(&self, available: &[Availability]) -> Option<CandidateId> {
        let pinned = self.pinned.filter(|it| self.is_usable(*it, available));
        let may = |it: &CandidateId| {
            self.is_sound(*it) && !self.is_forbidden(*it) && pinned.is_none_or(|pinned| pinned == *it)
        };
        self.active.filter(may)
    }

    /// What time does to what is known. After the choice, so that who asks between two frames sees what the next
    /// choice will see.
    fn frame_passes(&mut self) {
        self.slowdown.drift();
        self.price.frames(1, 0, self.config.miss_rate);
        self.shadows.earn();
        for candidate in self.candidates.iter_mut().flatten() {
            candidate.latency.drift();
        }
        if self.frame.is_multiple_of(ANCHOR) {
            self.anchor();
            self.revert();
        }
    }

    /// Which runs beside the active one would teach most, given the time that is left of this frame.
    pub fn shadow(&mut self, now: Duration, slack: Duration, available: &[Availability]) -> Option<Shadow> {
        self.now = now;
        let active = self.active?;
        let suspect = self.slowdown.suspect();
        let suspect = suspect.filter(|it| *it != active && self.is_sound(*it));
        if let Some(id) = suspect.filter(|it| available.get(it.0) == Some(&Availability::Ready)) {
            return Some(Shadow {
                runs: [Some(id), None],
                kind: RunKind::Overlapped,
                perturbed: false,
            });
        }
        let upper = self.candidate(active).and_then(|it| self.upper(it));
        let room = self.limit.at(now).saturating_sub(upper.unwrap_or(Duration::MAX));
        let shadow = self.shadows.next(&Scene {
            frame: self.frame,
            candidates: &self.candidates,
            available,
            active,
            slowdown: self.slowdown.level(),
            residuals: self.slowdown.residuals(),
            slack,
            room,
            period: self.config.period.as_secs_f64(),
            price: self.weighing.weights.miss,
        })?;
        for id in shadow.ids().chain([active]) {
            self.asked(id);
        }
        Some(shadow)
    }

    /// A candidate runs beside the active one for a reason that was not asked for here; it is paid from the same purse.
    pub fn runs_beside(&mut self, id: CandidateId) {
        let level = self.slowdown.level().mean;
        let latency = self.candidate(id).and_then(|it| it.latency.latency(level));
        self.shadows.pay(latency.unwrap_or_default());
    }

    /// What is believed of a candidate now. Of one that was removed, nothing.
    pub fn outlook(&self, id: CandidateId) -> Outlook {
        let Some(candidate) = self.candidate(id) else {
            return Outlook {
                latency: None,
                upper: None,
                quality: 0.0,
                quality_sd: 0.0,
                quality_source: Source::Unknown,
                runs: 0,
                scores: 0,
                miss: 1.0,
                feasible: false,
                robustness: None,
            };
        };
        let miss = self.weighing.terms.get(id.0).map_or(1.0, |it| it.miss);
        Outlook {
            latency: candidate.latency.latency(self.slowdown.level().mean),
            upper: self.upper(candidate),
            quality: candidate.quality.mean(),
            quality_sd: candidate.quality.sd(),
            quality_source: candidate.quality.source(),
            runs: candidate.runs,
            scores: candidate.quality.scores(),
            miss,
            feasible: self.is_feasible(id),
            robustness: candidate.robustness.mean(),
        }
    }

    /// How many times slower the machine is now than when the baselines were measured.
    pub fn slowdown(&self) -> f64 {
        self.slowdown.level().mean.exp()
    }

    /// What a missed frame costs now, in log-quality, beyond what the frame itself was worth.
    pub fn price_per_miss(&self) -> f64 {
        self.price.per_miss()
    }

    /// Who answered last, or would have.
    pub fn active(&self) -> Option<CandidateId> {
        self.active.filter(|it| self.candidate(*it).is_some())
    }

    fn upper(&self, candidate: &Candidate) -> Option<Duration> {
        candidate.latency.upper(
            self.slowdown.level(),
            self.config.miss_rate,
            self.slowdown.residuals(),
        )
    }

    fn is_sound(&self, id: CandidateId) -> bool {
        self.candidate(id)
            .is_some_and(|it| it.standing == Standing::Sound)
    }

    fn is_forbidden(&self, id: CandidateId) -> bool {
        self.candidate(id).is_some_and(|it| it.is_forbidden)
    }

    fn is_usable(&self, id: CandidateId, available: &[Availability]) -> bool {
        self.is_sound(id) && !self.is_forbidden(id) && available.get(id.0) == Some(&Availability::Ready)
    }

    fn candidate(&self, id: CandidateId) -> Option<&Candidate> {
        self.candidates.get(id.0)?.as_ref()
    }

    fn candidate_mut(&mut self, id: CandidateId) -> Option<&mut Candidate> {
        self.candidates.get_mut(id.0)?.as_mut()
    }
}
