// SPDX-License-Identifier: MPL-2.0

//! Why it is this candidate: what the signal `explain` returns, and what each `avrec/switch` says, too.

use std::time::Duration;

use super::field::{Field, Figures, group, structure, words_of};
use crate::policy::{self, Evidence, Reason, Source};

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
    #[derive(Default)]
    Why {
        text: String = "text",
        /// Empty when nobody answers.
        active: String = "active",
        since_frame: Option<u64> = "since-frame",
        budget: Duration = "budget-ns",
        /// Time from one frame to the next.
        period: Duration = "frame-period-ns",
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

words_of! {
    /// Why the active candidate changed.
    ReasonWord: Reason {
        Start = "start" <- Reason::Start,
        Infeasible = "infeasible" <- Reason::Infeasible { .. },
        Better = "better" <- Reason::Better { .. },
        Cheaper = "cheaper" <- Reason::Cheaper { .. },
        Busy = "busy" <- Reason::Busy { .. },
        Gone = "gone" <- Reason::Gone,
        Pinned = "pinned" <- Reason::Pinned,
    }
}

words_of! {
    /// What keeps a better answer out.
    #[derive(Default)]
    Binding: policy::Binding {
        #[default]
        Nothing = "nothing" <- policy::Binding::Nothing,
        Time = "time" <- policy::Binding::Time(_),
        Doubt = "doubt" <- policy::Binding::Doubt(_),
        Preference = "preference" <- policy::Binding::Preference(_),
        Switching = "switching" <- policy::Binding::Switching(_),
        User = "user" <- policy::Binding::User,
        Alone = "alone" <- policy::Binding::Alone,
    }
}

words_of! {
    /// What a latency or a quality mostly rests on.
    Basis: Source {
        Unknown = "unknown" <- Source::Unknown,
        Catalogue = "catalogue" <- Source::Catalogue,
        Measured = "measured" <- Source::Measured,
        Shadow = "shadow" <- Source::Shadow,
        Shared = "shared" <- Source::Shared,
        Agreement = "agreement" <- Source::Scored(Evidence::Agreement),
        Restore = "restore" <- Source::Scored(Evidence::Restoration),
        Confidence = "confidence" <- Source::Scored(Evidence::Calibrated | Evidence::Claimed),
        Stability = "stability" <- Source::Scored(Evidence::Stability),
        Operator = "operator" <- Source::Operator,
    }
}
