// SPDX-License-Identifier: MPL-2.0

//! Why it is this candidate: the policy's explanation, in the words of [`crate::messages::Explanation`].

use super::group_share::GroupShare;
use super::lanes::list::LaneList;
use super::lanes::server;
use super::scoring::judge::LaneFigures;
use crate::messages::{ExplainedCandidate, Explanation, Why};
use crate::numbered::Numbered;
use crate::policy::{self, Account, Availability, CandidateId, Policy, Terms, Weights};

/// All that an explanation is drawn up from, at one moment.
#[derive(Debug)]
pub struct Snapshot<'a> {
    pub policy: &'a Policy,
    /// Who could answer when the policy was last asked.
    pub availability: &'a [Availability],
    pub list: &'a LaneList,
    /// Number of the newest frame in the stream, and of the one from which on the active candidate answers.
    pub frame: u64,
    pub since: u64,
    /// Share of the user's budget that the policy knows as its budget.
    pub margin: f64,
    pub share: &'a GroupShare,
}

impl Snapshot<'_> {
    /// Draws up the explanation in the user's terms: the whole budget, the stream's frames, and the candidates' names;
    /// with what comparisons have shown of each lane's answers.
    pub fn explain(&self, figures: &Numbered<LaneFigures>) -> Explanation {
        let mut it = self
            .share
            .explanation_as_seen(self.policy.explain(self.availability));
        it.flips_at = it.flips_at.map(|(budget, id)| (budget.div_f64(self.margin), id));
        let name = |id: CandidateId| self.list.name(id.0).to_string();
        let reason = it.since.map(|(reason, _)| reason);
        let (runner_up, runner_up_gap) = it.runner_up.unzip();
        let (flips_at_budget, flips_to) = it.flips_at.unzip();
        let candidates = it.candidates.iter();
        let why = Why {
            text: it.sentence(&name) + &self.way(&it).unwrap_or_default(),
            active: it.active.map(name).unwrap_or_default(),
            since_frame: reason.map(|_| self.since),
            budget: it.budget,
            period: it.period,
            slowdown: it.slowdown,
            slowdown_sd: it.slowdown_sd,
            waiting: it.waiting,
            step_probability: it.step_probability,
            price_per_miss: it.weights.miss,
            lambda_latency: it.weights.latency,
            lambda_cost: it.weights.complexity,
            binding: it.binding.into(),
            binding_candidate: it.binding.candidate().map(name),
            runner_up: runner_up.map(name),
            runner_up_gap,
            flips_at_budget,
            flips_to: flips_to.map(name),
            survives_slowdown: Some(it.survives).filter(|it| it.is_finite()),
            candidates: candidates
                .map(|account| ExplainedCandidate {
                    device: self.list.device(account.id.0).to_string(),
                    ..candidate(account, name(account.id), figures.get(account.id.0), &it.weights)
                })
                .collect(),
        };
        Explanation {
            frame: self.frame,
            reason: reason.map(Into::into),
            reason_text: reason.map(|it| it.to_string()),
            why,
        }
    }
}

impl Snapshot<'_> {
    /// What the latency of the candidate comes of that is better and too slow, where it runs on a server.
    fn way(&self, it: &policy::Explanation) -> Option<String> {
        let policy::Binding::Time(id) = it.binding else {
            return None;
        };
        let account = it.candidates.iter().find(|it| it.id == id)?;
        let candidate = self.list.elements(id.0)?.candidate.first()?;
        let text = server::account_for(candidate, account.outlook.latency?)?;
        Some(format!(" {text}"))
    }
}

/// One candidate of an explanation.
fn candidate(
    account: &Account,
    name: String,
    figures: Option<&LaneFigures>,
    weights: &Weights,
) -> ExplainedCandidate {
    let outlook = &account.outlook;
    // What each term adds to the cost; their sum is the cost.
    let terms = &account.terms;
    let answer = Terms {
        quality: terms.quality,
        ..Terms::default()
    };
    let in_time = Terms {
        miss: terms.miss,
        ..answer
    };
    let price = Weights {
        miss: weights.miss,
        ..Weights::default()
    };
    let term_quality = answer.cost(&Weights::default());
    ExplainedCandidate {
        name,
        is_usable: account.is_usable,
        is_forbidden: outlook.is_forbidden,
        is_loaded: account.unloaded.is_none(),
        load_time: account.unloaded.flatten(),
        is_held_back: outlook.is_held_back,
        is_feasible: outlook.feasible,
        device: String::new(),
        device_slowdown: outlook.slowdown,
        latency: outlook.latency,
        work: outlook.work,
        upper: outlook.upper,
        latency_source: account.latency_source.into(),
        latency_age: account.latency_age,
        miss: terms.miss,
        quality: outlook.quality,
        quality_sd: outlook.quality_sd,
        quality_source: outlook.quality_source.into(),
        evidence: figures.map(|it| (&**it).into()).unwrap_or_default(),
        quality_age: account.quality_age,
        robustness: outlook.robustness,
        term_quality,
        // What a miss loses of the quality, and its price.
        term_miss: in_time.cost(&price) - term_quality,
        term_latency: weights.latency * terms.latency,
        term_cost: weights.complexity * terms.complexity,
        cost: Some(account.cost).filter(|it| it.is_finite()),
        regret: account.regret,
    }
}
