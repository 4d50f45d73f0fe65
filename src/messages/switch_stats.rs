// SPDX-License-Identifier: MPL-2.0

//! The `stats` of `avrec-switch`.

use std::time::Duration;

use super::explanation::Basis;
use super::field::{Field, Figures};
use super::latencies::Percentiles;
use super::table::{group, structure};
use super::words::{words, words_of};
use crate::policy::Teaching;
use crate::score::LatencyHistogram;

structure! {
    /// `stats` of `avrec-switch`: what it has done since the start. Reading waits for no inference.
    #[derive(Default)]
    SwitchStats = "avrec/switch-stats" {
        /// Frames that came.
        frames_in: u64 = "in",
        /// Frames that left.
        frames_out: u64 = "out",
        /// Frames for which nothing left.
        dropped: u64 = "dropped",
        /// Frames that their candidate did not answer inside the budget, or for which none was ready.
        misses: u64 = "misses",
        /// Changes of the active candidate after the first one.
        swaps: u64 = "swaps",
        /// Frames that left after the budget.
        over_budget: u64 = "over-budget",
        /// Frames that left with the active candidate's own answer.
        active_answers: u64 = "active-answers",
        /// Frames that the floor answered.
        floor_answers: u64 = "floor-answers",
        /// Frames for which an earlier answer left again (`max-stride`).
        held_answers: u64 = "held-answers",
        /// The budget in force.
        budget: Duration = "budget-ns",
        /// Who answers; empty when nobody does.
        active: String = "active-candidate",
        /// How many times slower the machine is than calm; 1 before the first frame.
        slowdown: f64 = "slowdown",
        /// Whether the machine is heard.
        sense: SenseWord = "sense",
        /// Share of its time for which a run has to expect to wait for a processor, by the three that follow, 0 to 1. Absent
        /// where the machine says nothing, and before the first frame.
        waiting: Option<f64> = "waiting",
        /// Threads of the machine that could run, in the mean of the last 40 ms. Absent where the machine does not say.
        runnable: Option<f64> = "runnable",
        /// Share of the last 40 ms in which something waited for a processor, 0 to 1: of the machine, or in a container of
        /// that. Absent where the kernel does not count it.
        pressure: Option<f64> = "pressure",
        /// Share of the last 40 ms in which a quota stopped this process, 0 to 1. Absent where the machine says nothing.
        throttled: Option<f64> = "throttled",
        /// Priority of the threads that a frame waits for, as far as the system grants what `thread-priority` wants: `none`, `nice` or
        /// `realtime`.
        thread_priority: String = "thread-priority",
        /// Time that is kept back of the budget because threads are woken late. Absent before the first frame.
        wake_up_margin: Option<Duration> = "wake-up-margin-ns",
        /// The group that it shares the machine with. Absent where it is alone (`group` is empty).
        group: Option<String> = "group",
        /// Switches in the group, this one included. Absent where it is alone.
        streams: Option<u64> = "streams",
        /// What a gain of quality counts against the others'. Absent where it is alone.
        weight: Option<f64> = "weight",
        /// Processor time that a run may take, so that all of the group fit; zero where none may run. Absent where the group
        /// leaves all.
        share: Option<Duration> = "share-ns",
        /// What a missed frame costs now, in log-quality; it rises above `miss-rate` and falls below. Absent before the
        /// first frame.
        price_per_miss: Option<f64> = "price-per-miss",
        /// Whose answers score the others. Absent where nobody's do.
        reference: Option<String> = "reference",
        /// How the reference comes to score the others.
        teaching: TeachingWord = "teaching",
        /// Frames that the reference saw at idle priority.
        lessons: u64 = "lessons",
        /// Cuts between scenes that were found in the frames: raw video of the formats that avrec-infer takes, in system memory.
        cuts: u64 = "cuts",
        /// Bytes that the models of its group may take: the smallest `memory-limit` of its switches. Absent where nothing is limited.
        memory_limit: Option<u64> = "memory-limit",
        /// Bytes that they take. Absent where nothing is limited.
        memory: Option<u64> = "memory",
        /// What is known of each candidate.
        candidates: Vec<CandidateStats> = "candidates",
        /// Frame latency over the last frames. Absent before the first one.
        latency: Option<Percentiles> = "latency",
        /// Frame latency of all frames since the start.
        latency_histogram: LatencyHistogram = "latency",
    }
}

structure! {
    /// What the switch knows of one candidate.
    CandidateStats = "candidate-stats" {
        /// The candidate.
        name: String = "name",
        /// How far it has come.
        state: CandidateState = "state",
        /// Why it failed, as a sentence. Absent unless it did.
        cause: Option<String> = "cause",
        /// What its answers are: `boxes`, `classes`, `masks`, `scores`, `pictures`, `sound` or `raw tensors`. Absent while
        /// that is not known.
        gives: Option<String> = "gives",
        /// Frames that it saw.
        runs: u64 = "runs",
        /// Frames that it answered.
        answers: u64 = "answers",
        /// Frames that it was to answer and did not inside the budget.
        misses: u64 = "misses",
        /// Bytes of memory that its model takes, or would take: the growth of the process by its load and first runs, and before
        /// the first load what follows from its file. Absent without a `memory-limit`.
        memory: Option<u64> = "memory",
        /// How long its load took. Absent before one was timed, which needs a `memory-limit`.
        load_time: Option<Duration> = "load-time-ns",
        /// Latency of its last runs. Absent before the first one.
        latency: Option<Percentiles> = "latency",
        /// Absent before the first frame.
        estimates: Option<Estimates> = "",
    }
}

group! {
    /// What the policy expects of a candidate.
    Estimates {
        /// What it would take now. Absent before anything is known of it.
        latency: Option<Duration> = "latency-ns",
        /// Upper bound of that. Absent before anything is known of it.
        upper: Option<Duration> = "latency-upper-ns",
        /// How likely its answers are right, 0 to 1.
        quality: f64 = "quality",
        /// Standard deviation of `quality`.
        quality_sd: f64 = "quality-sd",
        /// What its quality mostly rests on.
        quality_source: Basis = "quality-source",
        /// Means over the last 60 comparisons: the figures of `avrec/probe`, `calibration-error`, and of trials without a
        /// reference `restored-ssim`, `stability` and `confidence`. Absent before the first one.
        evidence: Figures = "evidence",
        /// Scores behind `quality`.
        scores: u64 = "scores",
        /// Whether it is in time more often than not.
        is_feasible: bool = "feasible",
        /// Share of frames that it is expected to miss, 0 to 1.
        miss: f64 = "miss",
        /// How steady its answers are under small perturbations of the frame, 0 to 1. Absent where that was not measured.
        robustness: Option<f64> = "robustness",
    }
}

words_of! {
    /// How the reference comes to score the others.
    #[derive(Default)]
    TeachingWord: Teaching {
        #[default]
        Unknown = "unknown" <- Teaching::Unknown,
        /// It sees frames in the slack of the active candidate, or answers itself.
        Slack = "slack" <- Teaching::InSlack,
        /// By lessons: copies of frames at idle priority.
        Idle = "idle" <- Teaching::AtIdle { .. },
        /// It cannot.
        Never = "never" <- Teaching::Never { .. },
    }
}

words! {
    /// Whether what the machine says of itself counts.
    #[derive(Default)]
    SenseWord {
        /// `sense-machine` is false.
        Off = "off",
        /// It said nothing as the last frame entered: before the first frame and where it cannot be asked (it needs Linux).
        #[default]
        Silent = "silent",
        Heard = "heard",
    }
}

words! {
    /// How far a candidate has come.
    CandidateState {
        Loading = "loading",
        Warming = "warming",
        Ready = "ready",
        /// It does not come back from a frame.
        Hung = "hung",
        /// `cause` says why.
        Failed = "failed",
        /// It is not in memory, since others are (`memory-limit`); it is loaded in the background when that pays.
        Unloaded = "unloaded",
    }
}
