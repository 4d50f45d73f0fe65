// SPDX-License-Identifier: MPL-2.0

//! Why it is this candidate: everything that was compared, and what would have changed the choice. How it is drawn up
//! stands in `explain`.

use std::time::Duration;

use super::limit::Millis;
use super::objective::{Terms, Weights};
use super::{CandidateId, Device, Evidence, Limit, Reason};

/// What the policy believes of a candidate now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outlook {
    /// Predicted frame latency, if it was ever measured.
    pub latency: Option<Duration>,
    /// What it runs on, and how many times slower that is than when the baselines were measured.
    pub device: Device,
    pub slowdown: f64,
    /// The part of it that is not waiting which the machine tells of.
    pub work: Option<Duration>,
    /// Upper bound used for feasibility: all but the miss rate of its runs are expected to keep it.
    pub upper: Option<Duration>,
    /// Posterior quality and its standard deviation, before the strategy and the discount for doubt.
    pub quality: f64,
    pub quality_sd: f64,
    pub quality_source: Source,
    /// Latency samples and quality samples that went in.
    pub runs: u64,
    pub scores: u64,
    /// Expected share of missed frames, 0..1, and whether it is at most a half.
    pub miss: f64,
    pub feasible: bool,
    /// Agreement of its answers under small perturbations, 0..1, if it was sampled.
    pub robustness: Option<f64>,
    /// Whether the user forbade it.
    pub is_forbidden: bool,
    /// Whether the other streams of its group leave less processor time than it takes.
    pub is_held_back: bool,
}

/// The state of a choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Frames decided so far.
    pub frame: u64,
    pub active: Option<CandidateId>,
    /// Why it became active, and at which frame; `None` before the first one did.
    pub since: Option<(Reason, u64)>,
    /// What a frame latency is compared with now: the user's budget, less what the sink asked for by QoS.
    pub budget: Duration,
    /// Time from one frame to the next.
    pub period: Duration,
    /// How many times slower the active candidate's device is than when the baselines were measured, and the standard
    /// deviation of its natural logarithm.
    pub slowdown: f64,
    pub slowdown_sd: f64,
    /// Share of its time for which a run has to expect to wait, by what the machine says, 0..1; `None` where it says nothing.
    pub waiting: Option<f64>,
    /// Processor time of a run that the other streams of its group leave, if not all.
    pub left: Option<Duration>,
    /// While a slow run may have been a step of the machine or a spike: the probability that it was a step.
    pub step_probability: Option<f64>,
    pub weights: Weights,
    /// All candidates that there are, in the order in which they were added.
    pub candidates: Vec<Account>,
    pub binding: Binding,
    /// The rival that comes next, and the cost that it is behind: negative where it is better and has to wait.
    pub runner_up: Option<(CandidateId, f64)>,
    /// The smallest budget above the present one at which another candidate would be chosen, and which.
    pub flips_at: Option<(Duration, CandidateId)>,
    /// How many times slower than now the machine may become before another candidate is chosen; infinite if no
    /// slowdown changes the choice.
    pub survives: f64,
}

/// What is known of one candidate, and what it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Account {
    pub id: CandidateId,
    /// Whether it could answer the next frame.
    pub is_usable: bool,
    /// Present where it is not in memory: how long its load takes, as far as that is known.
    pub unloaded: Option<Option<Duration>>,
    pub outlook: Outlook,
    pub latency_source: Source,
    /// Frames since its last run.
    pub latency_age: Option<u64>,
    /// Frames since its last score.
    pub quality_age: Option<u64>,
    /// What is weighed, and the cost that comes of it; infinite for one whose latency is unknown.
    pub terms: Terms,
    pub cost: f64,
    /// Regret of not having switched to it, from 0 to 1: at 1 it has paid for the switch.
    pub regret: f64,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// Nobody knows.
    #[default]
    Unknown,
    /// The catalogue says so.
    Catalogue,
    /// It was learned in an earlier stream.
    Recalled,
    /// Runs of this candidate while it answered.
    Measured,
    /// Runs of it in the shadow.
    Shadow,
    /// Own runs some time ago, and what other candidates have told of the machine since.
    Shared,
    /// Mostly scores that rest on this.
    Scored(Evidence),
    /// Mostly what an operator said.
    Operator,
}

/// What keeps a better answer out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// Nothing: it is the best answer that there is.
    Nothing,
    /// Time: this candidate would be better, but misses too often.
    Time(CandidateId),
    /// This candidate seems better, but so little is known of it that it does not count as better.
    Doubt(CandidateId),
    /// This candidate would be better and is in time, but costs more than that is worth to the user.
    Preference(CandidateId),
    /// This rival is better, and has not paid for the switch yet.
    Switching(CandidateId),
    /// This candidate would be better and is in time, but is not in memory.
    Load(CandidateId),
    /// The other streams of the group leave less processor time than this candidate takes, which would be better.
    Group(CandidateId),
    /// The user pinned the active one, or switched choosing off.
    User,
    /// No other candidate can answer.
    Alone,
}

impl Binding {
    /// The candidate that is kept out.
    pub fn candidate(self) -> Option<CandidateId> {
        match self {
            Binding::Time(id)
            | Binding::Doubt(id)
            | Binding::Preference(id)
            | Binding::Switching(id)
            | Binding::Load(id)
            | Binding::Group(id) => Some(id),
            Binding::Nothing | Binding::User | Binding::Alone => None,
        }
    }
}

impl Explanation {
    pub fn account(&self, id: CandidateId) -> Option<&Account> {
        self.candidates.iter().find(|it| it.id == id)
    }

    /// What the latency of a candidate is held against.
    pub fn limit(&self, of: &Account) -> Limit {
        Limit::of(self.budget, self.period, of.terms.stride)
    }

    /// How much of the latency of a candidate is waiting, where the machine tells of that.
    fn waiting_of(&self, of: &Account) -> Option<String> {
        self.waiting?;
        let (work, latency) = (of.outlook.work?, of.outlook.latency?);
        let waiting = latency.saturating_sub(work);
        Some(format!(
            " ({} of work and {} of waiting)",
            Millis(work),
            Millis(waiting)
        ))
    }

    /// The explanation as sentences, with the candidates by name.
    pub fn sentence(&self, name: &dyn Fn(CandidateId) -> String) -> String {
        let Some((active, account)) = self.active.and_then(|it| Some((it, self.account(it)?))) else {
            return "Nobody answers: no candidate is ready.".to_string();
        };
        let ms = |it: Duration| Millis(it).to_string();
        let percent = |it: f64| format!("{:.1} %", 1e2 * it);
        let mut text = format!("{} answers", name(active));
        if 1 < account.terms.stride {
            text += &format!(" on every {}. frame, held in between", account.terms.stride);
        }
        if let Some(latency) = account.outlook.latency {
            text += &format!(
                ": {} of the {} expected{}, {} missed, quality {:.3} ± {:.3}",
                ms(latency),
                self.limit(account),
                self.waiting_of(account).unwrap_or_default(),
                percent(account.terms.miss),
                account.outlook.quality,
                account.outlook.quality_sd
            );
        }
        text += ". ";
        // A miss is told with what it comes of.
        let too_slow = |id: CandidateId| {
            let account = self.account(id)?;
            let (upper, limit) = (account.outlook.upper?, self.limit(account));
            let waiting = self.waiting_of(account).unwrap_or_default();
            (limit.time() < upper).then(|| format!(": it may take {}, over the {limit}{waiting}", ms(upper)))
        };
        let of = |id: CandidateId| {
            self.account(id)
                .map_or((0.0, 0.0), |it| (it.outlook.quality, it.terms.miss))
        };
        let load_time = |id: CandidateId| self.account(id)?.unloaded?;
        text += &match self.binding {
            Binding::Nothing => "No candidate is better.".to_string(),
            Binding::Time(id) => format!(
                "{} would be better ({:.3}) but would miss {} of its frames{}.",
                name(id),
                of(id).0,
                percent(of(id).1),
                too_slow(id).unwrap_or_default()
            ),
            Binding::Doubt(id) => format!(
                "{} seems better ({:.3}), but too little is known of it.",
                name(id),
                of(id).0
            ),
            Binding::Preference(id) => format!(
                "{} is better ({:.3}) and in time, but costs more than that is worth by the weights.",
                name(id),
                of(id).0
            ),
            Binding::Switching(id) => format!(
                "{} is better by now and has to pay for the switch first.",
                name(id)
            ),
            Binding::Load(id) => format!(
                "{} would be better ({:.3}) but is not loaded{}.",
                name(id),
                of(id).0,
                load_time(id).map_or(String::new(), |it| format!(
                    " (its load took {:.1} s)",
                    it.as_secs_f64()
                ))
            ),
            Binding::Group(id) => format!(
                "{} would be better ({:.3}), but the other streams of the group leave {} of a processor for a frame.",
                name(id),
                of(id).0,
                ms(self.left.unwrap_or_default())
            ),
            Binding::User => "The user chose it.".to_string(),
            Binding::Alone => "No other candidate can answer.".to_string(),
        };
        if let Some((id, gap)) = self.runner_up {
            text += &format!(" Next is {}, {:.3} behind.", name(id), gap);
        }
        if let Some((budget, id)) = self.flips_at {
            text += &format!(" From a budget of {} on it would be {}.", ms(budget), name(id));
        }
        if self.survives.is_finite() {
            text += &format!(
                " It stays until the machine is {:.2} times as slow as now ({:.2} times the baseline).",
                self.survives,
                self.survives * self.slowdown
            );
        }
        text
    }
}
