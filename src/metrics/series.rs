// SPDX-License-Identifier: MPL-2.0

//! Every series that there is: its name, its kind, and what it says.

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// Ends of names that are units, as OpenMetrics wants them told.
const UNITS: [&str; 4] = ["seconds", "bytes", "ratio", "decibels"];

macro_rules! series {
    ($($(#[doc = $help:literal])* $series:ident: $kind:ident $name:literal,)*) => {
        /// A series, by what it says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Series { $($(#[doc = $help])* $series,)* }

        impl Series {
            /// All of them, in the order in which they are written.
            pub const ALL: &[Series] = &[$(Series::$series,)*];

            /// As a query names it, but for `_bucket`, `_sum` and `_count` of a histogram.
            pub const fn name(self) -> &'static str {
                match self { $(Series::$series => $name,)* }
            }

            /// What it says, as a sentence.
            pub fn help(self) -> &'static str {
                match self { $(Series::$series => concat!($($help),*).trim(),)* }
            }

            pub const fn kind(self) -> MetricType {
                match self { $(Series::$series => MetricType::$kind,)* }
            }
        }
    };
}

series! {
    /// The version of avrec, and of GStreamer that it runs with.
    Build: Info "avrec_build_info",
    /// Elements of avrec that are shown.
    Elements: Gauge "avrec_elements",
    /// Elements that are not shown, since there are too many.
    ElementsLeftOut: Gauge "avrec_elements_left_out",
    /// Elements that are not shown, since they did not answer within a second.
    ElementsSilent: Gauge "avrec_elements_silent",
    /// Candidates that are not shown, since their switches have too many.
    CandidatesLeftOut: Gauge "avrec_candidates_left_out",

    /// Frames that entered a switch.
    FramesIn: Counter "avrec_frames_in_total",
    /// Frames by how they were answered: by the active candidate, the floor, an answer that was held, or not at all (dropped).
    Frames: Counter "avrec_frames_total",
    /// Frames that their candidate did not answer inside the budget, or for which none was ready.
    Misses: Counter "avrec_misses_total",
    /// Frames that left the switch after the budget.
    Late: Counter "avrec_late_total",
    /// Changes of the active candidate after the first one, by their reason.
    Swaps: Counter "avrec_swaps_total",
    /// Candidates that became unable to answer.
    CandidateFailures: Counter "avrec_candidate_failures_total",
    /// Time that a frame spent in the switch.
    Latency: Histogram "avrec_latency_seconds",
    /// Percentiles of that over the last frames; of a probe, of the time since the stamp.
    LatencyWindow: Gauge "avrec_latency_window_seconds",
    /// The budget of a frame that is in force.
    Budget: Gauge "avrec_budget_seconds",
    /// How many times slower the machine is than calm.
    Slowdown: Gauge "avrec_slowdown_ratio",
    /// Share of its time for which a run has to expect to wait for a processor.
    Waiting: Gauge "avrec_machine_waiting_ratio",
    /// Threads of the machine that could run, in the mean of the last 40 ms.
    Runnable: Gauge "avrec_machine_runnable_threads",
    /// Share of the last 40 ms in which something waited for a processor.
    Pressure: Gauge "avrec_machine_pressure_ratio",
    /// Share of the last 40 ms in which a quota stopped the process.
    Throttled: Gauge "avrec_machine_throttled_ratio",
    /// Time that is kept back of the budget because threads are woken late.
    WakeUpMargin: Gauge "avrec_wake_up_margin_seconds",
    /// What a missed frame costs now, in log-quality; it rises above the wanted rate of misses and falls below.
    MissPrice: Gauge "avrec_miss_price",
    /// Frames that the reference saw at idle priority.
    Lessons: Counter "avrec_lessons_total",
    /// Cuts between scenes that were found.
    Cuts: Counter "avrec_cuts_total",
    /// Switches in the group of this one.
    GroupStreams: Gauge "avrec_group_streams",
    /// What a gain of quality of this switch counts against the others'.
    GroupWeight: Gauge "avrec_group_weight",
    /// Processor time that a run may take, so that all of the group fit; none where the group leaves all.
    GroupShare: Gauge "avrec_group_share_seconds",
    /// Memory that the models of the group take; only under a memory-limit.
    GroupMemory: Gauge "avrec_group_memory_bytes",
    /// Memory that they may take; only under a memory-limit.
    GroupMemoryLimit: Gauge "avrec_group_memory_limit_bytes",

    /// 1 for the candidate that answers, 0 for the others.
    Active: Gauge "avrec_active",
    /// 1 for the state that the candidate is in, 0 for the others.
    LaneState: Gauge "avrec_lane_state",
    /// Frames that the candidate saw.
    CandidateRuns: Counter "avrec_candidate_runs_total",
    /// Frames that it answered.
    CandidateAnswers: Counter "avrec_candidate_answers_total",
    /// Frames that it was to answer and did not inside the budget.
    CandidateMisses: Counter "avrec_candidate_misses_total",
    /// Percentiles of the time that its last runs took.
    CandidateLatency: Gauge "avrec_candidate_latency_window_seconds",
    /// What a run of it would take now.
    ExpectedLatency: Gauge "avrec_candidate_expected_latency_seconds",
    /// Upper bound of that.
    ExpectedLatencyUpper: Gauge "avrec_candidate_expected_latency_upper_seconds",
    /// Share of frames that it is expected to miss.
    ExpectedMiss: Gauge "avrec_candidate_expected_miss_ratio",
    /// How likely its answers are right.
    Quality: Gauge "avrec_quality_ratio",
    /// Standard deviation of that.
    QualitySd: Gauge "avrec_quality_sd_ratio",
    /// How steady its answers are under small perturbations of the frame.
    Robustness: Gauge "avrec_robustness_ratio",
    /// Memory that its model takes, or would take; only under a memory-limit.
    ModelMemory: Gauge "avrec_model_memory_bytes",
    /// How long its load took; only under a memory-limit, and for the model of an avrec-infer.
    ModelLoad: Gauge "avrec_model_load_seconds",

    /// What the model of an avrec-infer is for, and what runs it.
    Model: Info "avrec_model_info",
    /// Frames, or buffers of sound, that left an avrec-infer.
    ModelFrames: Counter "avrec_model_frames_total",
    /// Runs of its model.
    ModelRuns: Counter "avrec_model_runs_total",
    /// Models that it loaded.
    ModelLoads: Counter "avrec_model_loads_total",
    /// Models that it refused.
    ModelLoadFailures: Counter "avrec_model_load_failures_total",
    /// For how long a model has been loading that is to answer; none while none does.
    ModelLoading: Gauge "avrec_model_loading_seconds",
    /// Values of its answers that were no numbers or outside of the frame.
    ModelDroppedValues: Counter "avrec_model_dropped_values_total",
    /// Percentiles of the time that a frame spent in the avrec-infer, over the last 300 runs.
    ModelLatency: Gauge "avrec_model_latency_window_seconds",
    /// Percentiles of the time that the model alone took, over the last 300 runs.
    ModelRun: Gauge "avrec_model_run_window_seconds",
    /// How many elements of the process share the model.
    ModelUsers: Gauge "avrec_model_users",
    /// There and back to the server with nothing to do, the median of its last nine looks.
    RemoteRoundTrip: Gauge "avrec_remote_round_trip_seconds",
    /// What an answer takes the server by its own statistics, waiting there included.
    RemoteServing: Gauge "avrec_remote_serving_seconds",
    /// Tensors that were sent to the server, by all who share the model.
    RemoteSent: Counter "avrec_remote_sent_bytes_total",
    /// Answers that came from the server, to all who share the model.
    RemoteReceived: Counter "avrec_remote_received_bytes_total",

    /// Buffers that passed a probe.
    ProbeFrames: Counter "avrec_probe_frames_total",
    /// Those without a stamp, which have no latency.
    ProbeUnstamped: Counter "avrec_probe_unstamped_total",
    /// Those whose latency was above the budget.
    ProbeMisses: Counter "avrec_probe_misses_total",
    /// Frames, or stretches of sound, that were compared with the reference.
    ProbePairs: Counter "avrec_probe_pairs_total",
    /// Those that were not: no partner, another size or kind, or measuring fell behind.
    ProbeUnmatched: Counter "avrec_probe_unmatched_total",
    /// PSNR of luma of the last pairs.
    ProbePsnr: Gauge "avrec_probe_psnr_decibels",
    /// SI-SDR of sound.
    ProbeSiSdr: Gauge "avrec_probe_si_sdr_decibels",
    /// SSIM of luma of the last pairs.
    ProbeSsim: Gauge "avrec_probe_ssim_ratio",
    /// Other figures of how near frames came to their references, by name.
    ProbeFidelity: Gauge "avrec_probe_fidelity_ratio",

    /// Frames that passed a fuse, by the sides that there was an answer about: both, picture, sound or none.
    FuseFrames: Counter "avrec_fuse_frames_total",
    /// Those for which the sound had not come when their time was up.
    FuseLate: Counter "avrec_fuse_sound_late_total",
    /// What a side counts, 0 to 1.5.
    FuseWeight: Gauge "avrec_fuse_weight",
    /// What the answers of a side are worth, 0 to 1.
    FuseWorth: Gauge "avrec_fuse_worth_ratio",
}

impl Series {
    /// The name without what follows from kind and unit, and the unit.
    pub(super) fn stem_and_unit(self) -> (&'static str, Option<Unit>) {
        let name = self.name();
        let name = match self.kind() {
            MetricType::Counter => name.strip_suffix("_total"),
            MetricType::Info => name.strip_suffix("_info"),
            _ => None,
        }
        .unwrap_or(name);
        let parts = name.rsplit_once('_').filter(|(_, unit)| UNITS.contains(unit));
        match parts {
            Some((stem, unit)) => (stem, Some(Unit::Other(unit.to_owned()))),
            None => (name, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_as_prometheus_wants_them() {
        let names: BTreeSet<&str> = Series::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Series::ALL.len(), "a name has one meaning");
        for series in Series::ALL {
            let name = series.name();
            let allowed = |it: char| it.is_ascii_lowercase() || it == '_';
            assert!(name.starts_with("avrec_") && name.chars().all(allowed), "{name}");
            let of_kind = |kind, end: &str| (series.kind() == kind) == name.ends_with(end);
            assert!(of_kind(MetricType::Counter, "_total"), "{name}");
            assert!(of_kind(MetricType::Info, "_info"), "{name}");
            assert!(
                !["_count", "_sum", "_bucket"].iter().any(|it| name.ends_with(it)),
                "{name}"
            );
            assert!(
                series.help().ends_with('.') && !series.help().contains('\n'),
                "{name}"
            );
        }
    }
}
