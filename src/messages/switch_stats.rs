// SPDX-License-Identifier: MPL-2.0

//! The `stats` of `avrec-switch`.

use std::time::Duration;

use super::explanation::Basis;
use super::field::{Field, Figures, group, structure, words, words_of};
use super::latencies::Percentiles;
use crate::policy::Teaching;

structure! {
    /// What the switch has done so far.
    #[derive(Default)]
    SwitchStats = "avrec-switch-stats" {
        frames_in: u64 = "in",
        frames_out: u64 = "out",
        dropped: u64 = "dropped",
        misses: u64 = "misses",
        swaps: u64 = "swaps",
        floor_answers: u64 = "floor-answers",
        held_answers: u64 = "held-answers",
        budget: Duration = "budget-ns",
        /// Empty when nobody answers.
        active: String = "active-candidate",
        slowdown: f64 = "slowdown",
        price_per_miss: Option<f64> = "price-per-miss",
        /// Whose answers score the others; `None` where nobody's do.
        reference: Option<String> = "reference",
        teaching: TeachingWord = "teaching",
        /// Frames that the reference saw at idle priority.
        lessons: u64 = "lessons",
        candidates: Vec<CandidateStats> = "candidates",
        latency: Option<Percentiles> = "latency",
    }
}

structure! {
    /// What the switch knows of one candidate.
    CandidateStats = "candidate" {
        name: String = "name",
        state: CandidateState = "state",
        /// Why it failed.
        cause: Option<String> = "cause",
        /// What its answers are, as far as is known.
        gives: Option<String> = "gives",
        runs: u64 = "runs",
        answers: u64 = "answers",
        misses: u64 = "misses",
        latency: Option<Percentiles> = "latency",
        /// `None` before the policy was first asked.
        estimates: Option<Estimates> = "",
    }
}

group! {
    /// What the policy expects of a candidate.
    Estimates {
        latency: Option<Duration> = "latency-ns",
        upper: Option<Duration> = "latency-upper-ns",
        quality: f64 = "quality",
        quality_sd: f64 = "quality-sd",
        quality_source: Basis = "quality-source",
        evidence: Figures = "evidence",
        scores: u64 = "scores",
        is_feasible: bool = "feasible",
        miss: f64 = "miss",
        robustness: Option<f64> = "robustness",
    }
}

words_of! {
    /// How the reference comes to score the others.
    #[derive(Default)]
    TeachingWord: Teaching {
        #[default]
        Unknown = "unknown" <- Teaching::Unknown,
        Slack = "slack" <- Teaching::InSlack,
        Idle = "idle" <- Teaching::AtIdle { .. },
        Never = "never" <- Teaching::Never { .. },
    }
}

words! {
    /// How far a candidate has come.
    CandidateState {
        Loading = "loading",
        Warming = "warming",
        Ready = "ready",
        Hung = "hung",
        Failed = "failed",
    }
}
