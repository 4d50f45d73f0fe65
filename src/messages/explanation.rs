// SPDX-License-Identifier: MPL-2.0

//! Why it is this candidate: what the signal `explain` returns, and what each `avrec/switch` says, too.

use std::time::Duration;

use super::field::{Field, Figures, group, structure, words};
use crate::policy;

structure! {
    /// What the signal `explain` returns.
    Explanation = "avrec/explanation" {
        frame: u64 = "frame",
        /// Why the active candidate became active; `None` before the first one did.
        reason: Option<ReasonWord> = "reason",
        reason_text: Option<String> = "reason-text",
        why: Why = "",
    }
}

group! {
    /// Everything that was compared, and what would have changed the choice.
    Why {
        text: String = "text",
        /// Empty when nobody answers.
        active: String = "active",
        since_frame: Option<u64> = "since-frame",
        budget: Duration = "budget-ns",
        slowdown: f64 = "slowdown",
        slowdown_sd: f64 = "slowdown-sd",
        step_probability: Option<f64> = "step-probability",
        price_per_miss: f64 = "price-per-miss",
        lambda_latency: f64 = "lambda-latency",
        lambda_cost: f64 = "lambda-cost",
        binding: Binding = "binding",
        binding_candidate: Option<String> = "binding-candidate",
        runner_up: Option<String> = "runner-up",
        runner_up_gap: Option<f64> = "runner-up-gap",
        flips_at_budget: Option<Duration> = "flips-at-budget-ns",
        flips_to: Option<String> = "flips-to",
        /// `None` where no slowdown changes the choice.
        survives_slowdown: Option<f64> = "survives-slowdown",
        candidates: Vec<ExplainedCandidate> = "candidates",
    }
}

structure! {
    /// What is known of one candidate, and what it counts.
    ExplainedCandidate = "candidate" {
        name: String = "name",
        is_usable: bool = "usable",
        is_forbidden: bool = "forbidden",
        is_feasible: bool = "feasible",
        latency: Option<Duration> = "latency-ns",
        upper: Option<Duration> = "latency-upper-ns",
        latency_source: Basis = "latency-source",
        latency_age: Option<u64> = "latency-age-frames",
        miss: f64 = "miss",
        quality: f64 = "quality",
        quality_sd: f64 = "quality-sd",
        quality_source: Basis = "quality-source",
        evidence: Figures = "evidence",
        quality_age: Option<u64> = "quality-age-frames",
        robustness: Option<f64> = "robustness",
        term_quality: f64 = "term-quality",
        term_miss: f64 = "term-miss",
        term_latency: f64 = "term-latency",
        term_cost: f64 = "term-cost",
        /// The sum of the terms; `None` for one whose latency is unknown.
        cost: Option<f64> = "cost",
        regret: f64 = "regret",
    }
}

words! {
    /// Why the active candidate changed.
    ReasonWord {
        Start = "start",
        Infeasible = "infeasible",
        Better = "better",
        Cheaper = "cheaper",
        Busy = "busy",
        Gone = "gone",
        Pinned = "pinned",
    }
}

impl From<&policy::Reason> for ReasonWord {
    fn from(reason: &policy::Reason) -> ReasonWord {
        match reason {
            policy::Reason::Start => ReasonWord::Start,
            policy::Reason::Infeasible { .. } => ReasonWord::Infeasible,
            policy::Reason::Better { .. } => ReasonWord::Better,
            policy::Reason::Cheaper { .. } => ReasonWord::Cheaper,
            policy::Reason::Busy { .. } => ReasonWord::Busy,
            policy::Reason::Gone => ReasonWord::Gone,
            policy::Reason::Pinned => ReasonWord::Pinned,
        }
    }
}

words! {
    /// What keeps a better answer out.
    Binding {
        Nothing = "nothing",
        Time = "time",
        Doubt = "doubt",
        Preference = "preference",
        Switching = "switching",
        User = "user",
        Alone = "alone",
    }
}

impl From<policy::Binding> for Binding {
    fn from(binding: policy::Binding) -> Binding {
        match binding {
            policy::Binding::Nothing => Binding::Nothing,
            policy::Binding::Time(_) => Binding::Time,
            policy::Binding::Doubt(_) => Binding::Doubt,
            policy::Binding::Preference(_) => Binding::Preference,
            policy::Binding::Switching(_) => Binding::Switching,
            policy::Binding::User => Binding::User,
            policy::Binding::Alone => Binding::Alone,
        }
    }
}

words! {
    /// What a latency or a quality mostly rests on.
    Basis {
        Unknown = "unknown",
        Catalogue = "catalogue",
        Measured = "measured",
        Shadow = "shadow",
        Shared = "shared",
        Agreement = "agreement",
        Restore = "restore",
        Confidence = "confidence",
        Stability = "stability",
        Operator = "operator",
    }
}

impl From<policy::Source> for Basis {
    fn from(source: policy::Source) -> Basis {
        use policy::{Evidence, Source};
        match source {
            Source::Unknown => Basis::Unknown,
            Source::Catalogue => Basis::Catalogue,
            Source::Measured => Basis::Measured,
            Source::Shadow => Basis::Shadow,
            Source::Shared => Basis::Shared,
            Source::Scored(Evidence::Agreement) => Basis::Agreement,
            Source::Scored(Evidence::Restoration) => Basis::Restore,
            Source::Scored(Evidence::Calibrated | Evidence::Claimed) => Basis::Confidence,
            Source::Scored(Evidence::Stability) => Basis::Stability,
            Source::Operator => Basis::Operator,
        }
    }
}
