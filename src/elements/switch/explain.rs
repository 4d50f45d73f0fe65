// SPDX-License-Identifier: MPL-2.0

//! Why it is this candidate, as the structure `avrec/explanation` and as fields of `avrec/switch`.
//!
//! The policy is copied under the policy_adapter's lock, which takes 3 µs (18 µs at P99), and asked outside of it: that
//! takes 70 µs with 3 candidates and 300 µs with 16, and the streaming thread must not wait for it.

use std::sync::Arc;

use gst::prelude::*;

use super::fact::Fact;
use super::lanes::list::LaneList;
use super::messages::{self, ns};
use super::policy_adapter::PolicyAdapter;
use super::shared::Shared;
use crate::policy::{Account, Availability, CandidateId, Explanation, Policy, Reason, Terms, Weights};

/// All that an explanation is drawn up from, at one moment.
#[derive(Debug)]
pub struct Snapshot {
    pub policy: Policy,
    /// Who could answer when the policy was last asked.
    pub availability: Vec<Availability>,
    pub list: Arc<LaneList>,
    /// By lane: what comparisons have shown of its answers.
    pub figures: Vec<Vec<(&'static str, f64)>>,
    /// Number of the newest frame in the stream, and of the one from which on the active candidate answers.
    pub frame: u64,
    pub since: u64,
    /// Share of the user's budget that the policy knows as its budget.
    pub margin: f64,
}

/// An explanation in the user's terms: the whole budget, the stream's frames, and the candidates' names.
#[derive(Debug)]
pub struct NamedExplanation {
    explanation: Explanation,
    list: Arc<LaneList>,
    figures: Vec<Vec<(&'static str, f64)>>,
}

impl Snapshot {
    /// Draws up the explanation.
    pub fn explain(self) -> NamedExplanation {
        let mut explanation = self.policy.explain(&self.availability);
        explanation.frame = self.frame;
        explanation.since = explanation.since.map(|(reason, _)| (reason, self.since));
        explanation.flips_at = explanation
            .flips_at
            .map(|(budget, id)| (budget.div_f64(self.margin), id));
        NamedExplanation {
            explanation,
            list: self.list,
            figures: self.figures,
        }
    }
}

impl NamedExplanation {
    fn name(&self, id: CandidateId) -> &str {
        self.list.name(id.0)
    }

    /// Adds everything but what every message has: the frame, and the reason.
    pub fn add_to(&self, builder: gst::structure::Builder) -> gst::structure::Builder {
        let it = &self.explanation;
        let name = |id| self.name(id);
        let (runner_up, gap) = it.runner_up.unzip();
        let (flips_at, flips_to) = it.flips_at.unzip();
        let candidates = it.candidates.iter().map(|account| {
            let figures = self
                .figures
                .get(account.id.0)
                .map(Vec::as_slice)
                .unwrap_or_default();
            candidate(account, name(account.id), figures, &it.weights).to_send_value()
        });
        builder
            .field("text", it.sentence(&|id| name(id).to_string()))
            .field("active", it.active.map(name).unwrap_or_default())
            .field_if_some("since-frame", it.since.map(|since| since.1))
            .field("budget-ns", ns(it.budget))
            .field("slowdown", it.slowdown)
            .field("slowdown-sd", it.slowdown_sd)
            .field_if_some("step-probability", it.step_probability)
            .field("price-per-miss", it.weights.miss)
            .field("lambda-latency", it.weights.latency)
            .field("lambda-cost", it.weights.complexity)
            .field("binding", it.binding.nick())
            .field_if_some("binding-candidate", it.binding.candidate().map(name))
            .field_if_some("runner-up", runner_up.map(name))
            .field_if_some("runner-up-gap", gap)
            .field_if_some("flips-at-budget-ns", flips_at.map(ns))
            .field_if_some("flips-to", flips_to.map(name))
            .field_if_some("survives-slowdown", Some(it.survives).filter(|it| it.is_finite()))
            .field("candidates", gst::Array::from_values(candidates))
    }

    /// `avrec/explanation`.
    pub fn structure(&self) -> gst::Structure {
        let reason = self.explanation.since.map(|it| it.0);
        let builder = gst::Structure::builder("avrec/explanation")
            .field("frame", self.explanation.frame)
            .field_if_some("reason", reason.as_ref().map(Reason::nick))
            .field_if_some("reason-text", reason.map(|it| it.to_string()));
        self.add_to(builder).build()
    }
}

/// One candidate of an explanation.
fn candidate(
    account: &Account,
    name: &str,
    figures: &[(&'static str, f64)],
    weights: &Weights,
) -> gst::Structure {
    let parts = Parts::of(&account.terms, weights);
    gst::Structure::builder("candidate")
        .field("name", name)
        .field("usable", account.is_usable)
        .field("forbidden", account.is_forbidden)
        .field("feasible", account.is_feasible)
        .field_if_some("latency-ns", account.latency.map(ns))
        .field_if_some("latency-upper-ns", account.upper.map(ns))
        .field("latency-source", account.latency_source.nick())
        .field_if_some("latency-age-frames", account.latency_age)
        .field("miss", account.terms.miss)
        .field("quality", account.quality)
        .field("quality-sd", account.quality_sd)
        .field("quality-source", account.quality_source.nick())
        .field_if_some("evidence", messages::evidence(figures))
        .field_if_some("quality-age-frames", account.quality_age)
        .field_if_some("robustness", account.robustness)
        .field("term-quality", parts.quality)
        .field("term-miss", parts.miss)
        .field("term-latency", parts.latency)
        .field("term-cost", parts.complexity)
        .field_if_some("cost", Some(account.cost).filter(|it| it.is_finite()))
        .field("regret", account.regret)
        .build()
}

/// What each term adds to the cost; their sum is the cost.
struct Parts {
    quality: f64,
    /// What a miss loses of the quality, and its price.
    miss: f64,
    latency: f64,
    complexity: f64,
}

impl Parts {
    fn of(terms: &Terms, weights: &Weights) -> Parts {
        let answer = Terms {
            quality: terms.quality,
            ..Terms::default()
        };
        let in_time = Terms {
            miss: terms.miss,
            ..answer
        };
        let quality = answer.cost(&Weights::default());
        let price = Weights {
            miss: weights.miss,
            ..Weights::default()
        };
        Parts {
            quality,
            miss: in_time.cost(&price) - quality,
            latency: weights.latency * terms.latency,
            complexity: weights.complexity * terms.complexity,
        }
    }
}

impl Shared {
    /// Why it is this candidate, by the settings of this moment and what was known at the last frame.
    pub fn explain(&self) -> NamedExplanation {
        let mut adapter = self.published.lock().clone();
        adapter.apply(&self.settings.load_full(), &self.lanes.list());
        self.explanation(&adapter)
    }

    /// Why it is this candidate, by what the adapter knows.
    pub fn explanation(&self, adapter: &PolicyAdapter) -> NamedExplanation {
        let lanes = self.lanes.lock();
        let figures = lanes.iter().map(|it| it.figures.clone()).collect();
        drop(lanes);
        let snapshot = adapter.snapshot();
        Snapshot { figures, ..snapshot }.explain()
    }

    /// Takes in what an operator says the answers of a candidate are worth, 0..1; without a name, those of the active
    /// one. The policy is told with the next frame.
    ///
    /// # Errors
    ///
    /// When there is no such candidate, or the score is no share: why not, and what there is.
    pub fn feedback(&self, candidate: Option<&str>, score: f64) -> Result<(), (String, String)> {
        if !(0.0..=1.0).contains(&score) {
            return Err((
                format!("{score} is no score"),
                "give a number from 0 (useless) to 1 (perfect)".to_string(),
            ));
        }
        let lane = match candidate.filter(|it| !it.is_empty()) {
            Some(name) => self.lanes.list().id(name),
            None => self.totals.lock().active,
        };
        let Some(lane) = lane else {
            let names = self.lanes.list().names();
            let asked = candidate.filter(|it| !it.is_empty());
            return Err((
                asked.map_or("nobody answers yet".to_string(), |it| {
                    format!("there is no candidate {it}")
                }),
                format!("the candidates are: {names}"),
            ));
        };
        self.lanes.lock().tell(Fact::Rated { lane, score });
        Ok(())
    }
}
