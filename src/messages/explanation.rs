// SPDX-License-Identifier: MPL-2.0

//! Why it is this candidate: what the signal `explain` returns, and what each `avrec/switch` says, too.

use std::time::Duration;

use super::field::{Field, Figures};
use super::table::{group, structure};
use super::words::words_of;
use crate::policy::{self, Evidence, Reason, Source};

structure! {
    /// What the action signal `explain` of the switch returns, at any time and from any thread, without waiting for an
    /// inference: what was known at the last frame, under the settings of now.
    Explanation = "avrec/explanation" {
        /// Number of the newest frame.
        frame: u64 = "frame",
        /// Why the active candidate became active. Absent before the first one did.
        reason: Option<ReasonWord> = "reason",
        /// The same as a sentence. Absent before the first one did.
        reason_text: Option<String> = "reason-text",
        why: Why = "",
    }
}

group! {
    /// Everything that was compared, and what would have changed the choice.
    #[derive(Default)]
    Why {
        /// The explanation as sentences.
        text: String = "text",
        /// Who answers; empty when nobody does.
        active: String = "active",
        /// Number of the frame from which on the active candidate answers. Absent when nobody does.
        since_frame: Option<u64> = "since-frame",
        /// What latencies are compared with: 97 % of the budget, less what the sink asked for by QoS.
        budget: Duration = "budget-ns",
        /// Time from one frame to the next, which is the limit where it is shorter.
        period: Duration = "frame-period-ns",
        /// How many times slower the device of the active candidate is than calm.
        slowdown: f64 = "slowdown",
        /// Standard deviation of the logarithm of `slowdown`.
        slowdown_sd: f64 = "slowdown-sd",
        /// Share of its time for which a run has to expect to wait for a processor, by what the machine says, 0 to 1. Absent
        /// where it says nothing.
        waiting: Option<f64> = "waiting",
        /// How likely a slow run was a lasting step, 0 to 1. Absent unless it may have been a spike.
        step_probability: Option<f64> = "step-probability",
        /// What a missed frame costs now, in log-quality.
        price_per_miss: f64 = "price-per-miss",
        /// The property, in log-quality a budget.
        lambda_latency: f64 = "lambda-latency",
        /// The property, in log-quality a unit of cost.
        lambda_cost: f64 = "lambda-cost",
        /// What keeps a better answer out.
        binding: Binding = "binding",
        /// Who is kept out. Absent where nobody is.
        binding_candidate: Option<String> = "binding-candidate",
        /// Who comes next. Absent without a rival.
        runner_up: Option<String> = "runner-up",
        /// How much more the next one costs, in log-quality. Absent without a rival.
        runner_up_gap: Option<f64> = "runner-up-gap",
        /// The smallest larger `latency-budget` that changes the choice. Absent where none does.
        flips_at_budget: Option<Duration> = "flips-at-budget-ns",
        /// Who would answer with it. Absent where none does.
        flips_to: Option<String> = "flips-to",
        /// Times that the machine may become slower before the choice changes. Absent where no slowdown changes it.
        survives_slowdown: Option<f64> = "survives-slowdown",
        /// What is known of each candidate.
        candidates: Vec<ExplainedCandidate> = "candidates",
    }
}

structure! {
    /// What an explanation knows of one candidate, and what it counts.
    ExplainedCandidate = "candidate-explanation" {
        /// The candidate.
        name: String = "name",
        /// Whether it could answer at the last frame.
        is_usable: bool = "usable",
        /// Whether the user forbade it.
        is_forbidden: bool = "forbidden",
        /// Whether it is in memory, or on the way there; not where others are, under a `memory-limit`.
        is_loaded: bool = "loaded",
        /// How long its load took. Absent unless it is not in memory and was before.
        load_time: Option<Duration> = "load-time-ns",
        /// Whether the other streams of the group leave less processor time than it takes.
        is_held_back: bool = "held-back",
        /// Whether it is in time more often than not.
        is_feasible: bool = "feasible",
        /// What it runs on: `cpu`, or what the catalog's `runs-on` says.
        device: String = "device",
        /// How many times slower that is than calm.
        device_slowdown: f64 = "device-slowdown",
        /// What it would take now. Absent before anything is known of it.
        latency: Option<Duration> = "latency-ns",
        /// What of that is not waiting which the machine tells of. Absent before anything is known of it.
        work: Option<Duration> = "work-ns",
        /// Upper bound of that. Absent before anything is known of it.
        upper: Option<Duration> = "latency-upper-ns",
        /// What its latency mostly rests on.
        latency_source: Basis = "latency-source",
        /// Frames since its last run. Absent before the first one.
        latency_age: Option<u64> = "latency-age-frames",
        /// Share of frames that it is expected to miss, 0 to 1.
        miss: f64 = "miss",
        /// How likely its answers are right, 0 to 1.
        quality: f64 = "quality",
        /// Standard deviation of `quality`.
        quality_sd: f64 = "quality-sd",
        /// What its quality mostly rests on.
        quality_source: Basis = "quality-source",
        /// Figures of its answers. Absent before the first one.
        evidence: Figures = "evidence",
        /// Frames since its last score. Absent before the first one.
        quality_age: Option<u64> = "quality-age-frames",
        /// How steady its answers are under small perturbations of the frame, 0 to 1. Absent where that was not measured.
        robustness: Option<f64> = "robustness",
        /// Term of the objective: what its errors cost, in log-quality, as are the other three.
        term_quality: f64 = "term-quality",
        /// Term of the objective: what its misses cost.
        term_miss: f64 = "term-miss",
        /// Term of the objective: what its latency costs.
        term_latency: f64 = "term-latency",
        /// Term of the objective: what the catalog's `cost` of it costs.
        term_cost: f64 = "term-cost",
        /// The sum of the terms. Absent for one whose latency is unknown.
        cost: Option<f64> = "cost",
        /// What staying has cost against it; at 1 it has paid for the switch.
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
        HeldBack = "held-back" <- Reason::HeldBack,
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
        Load = "load" <- policy::Binding::Load(_),
        Group = "group" <- policy::Binding::Group(_),
        User = "user" <- policy::Binding::User,
        Alone = "alone" <- policy::Binding::Alone,
    }
}

words_of! {
    /// What a latency or a quality mostly rests on.
    Basis: Source {
        Unknown = "unknown" <- Source::Unknown,
        Catalogue = "catalogue" <- Source::Catalogue,
        Recalled = "recalled" <- Source::Recalled,
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
