// SPDX-License-Identifier: MPL-2.0

//! What the user asked of the switch: its properties, their defaults and their documentation.

use std::sync::Arc;

use gst::glib;
use gst::prelude::*;

use super::enums::{LatePolicy, Privacy, QualitySource, StartMode, Strategy, ThreadPriority};
use crate::elements::json;
use crate::{group, policy};

impl From<Strategy> for policy::Strategy {
    fn from(strategy: Strategy) -> policy::Strategy {
        match strategy {
            Strategy::Weighted => policy::Strategy::Weighted,
            Strategy::Rank => policy::Strategy::Rank,
        }
    }
}

/// Longest cross-fade: both candidates run that long, and nobody hears a swap in a shorter one.
const LONGEST_FADE: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// Largest weight: far beyond it nothing else would count, and no sum of terms gets near infinity.
const LARGEST_WEIGHT: f64 = 1e6;

/// Properties that a profile gives a value where the user has given none.
pub const GIVEN: [&str; 4] = ["lambda-latency", "lambda-cost", "strategy", "robustness-weight"];

/// Values of the writable properties.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub catalog: Option<String>,
    pub models: Option<String>,
    /// The file of what was learned.
    pub memory: Option<String>,
    /// The folder for frames that are hard.
    pub keep_hard_frames: Option<String>,
    pub hard_frames_limit: u32,
    pub privacy: Privacy,
    pub latency_budget: gst::ClockTime,
    pub miss_rate: f64,
    pub late_policy: LatePolicy,
    pub floor: Option<String>,
    pub reference: Option<String>,
    pub quality_source: QualitySource,
    pub auto_switch: bool,
    pub pinned: Option<String>,
    pub lambda_latency: f64,
    pub lambda_cost: f64,
    pub max_stride: u32,
    pub strategy: Strategy,
    pub robustness_weight: f64,
    pub forbidden: Option<String>,
    pub frame_messages: bool,
    pub exhaustive: bool,
    pub sense_machine: bool,
    pub thread_priority: ThreadPriority,
    pub crossfade: gst::ClockTime,
    pub output_caps: Option<gst::Caps>,
    pub start: StartMode,
    /// Zero is no limit.
    pub start_timeout: gst::ClockTime,
    /// `None` where the switch is alone.
    pub group: Option<String>,
    pub weight: f64,
    /// Bytes; zero is no limit.
    pub memory_limit: u64,
    pub profile: Option<String>,
    /// Names of the candidates that the profile does not want.
    pub unwanted: Arc<[String]>,
    /// Those of the settings that a profile may give that the user gave.
    pub explicit: Vec<&'static str>,
}

impl Default for Settings {
    fn default() -> Settings {
        let preferences = policy::Config::default();
        Settings {
            catalog: None,
            models: None,
            memory: None,
            keep_hard_frames: None,
            hard_frames_limit: 200,
            privacy: Privacy::default(),
            latency_budget: gst::ClockTime::ZERO,
            miss_rate: preferences.miss_rate,
            late_policy: LatePolicy::Auto,
            floor: None,
            reference: None,
            quality_source: QualitySource::default(),
            auto_switch: true,
            pinned: None,
            lambda_latency: preferences.lambda_latency,
            lambda_cost: preferences.lambda_complexity,
            max_stride: preferences.max_stride,
            strategy: Strategy::default(),
            robustness_weight: preferences.robustness_weight,
            forbidden: None,
            frame_messages: false,
            exhaustive: false,
            sense_machine: true,
            thread_priority: ThreadPriority::default(),
            crossfade: gst::ClockTime::from_mseconds(10),
            output_caps: None,
            start: StartMode::default(),
            // Longer than a model of some gigabytes takes from a usual disk, shorter than one believes in a dead pipeline.
            start_timeout: gst::ClockTime::from_seconds(10),
            group: Some(group::DEFAULT.to_owned()),
            weight: 1.0,
            memory_limit: 0,
            profile: None,
            unwanted: Arc::default(),
            explicit: Vec::new(),
        }
    }
}

impl Settings {
    /// Takes over one property value; `false` when the property is not one of these.
    pub fn set(&mut self, value: &glib::Value, pspec: &glib::ParamSpec) -> bool {
        // The types were checked by GObject against the specification below.
        let text = || {
            value
                .get::<Option<String>>()
                .ok()
                .flatten()
                .filter(|it| !it.is_empty())
        };
        let given = GIVEN.iter().find(|it| **it == pspec.name());
        self.explicit
            .extend(given.filter(|it| !self.explicit.contains(it)));
        match pspec.name() {
            "profile" => self.profile = text(),
            "catalog" => self.catalog = text(),
            "models" => self.models = text(),
            "memory" => self.memory = text(),
            "keep-hard-frames" => self.keep_hard_frames = text(),
            "hard-frames-limit" => self.hard_frames_limit = value.get().unwrap_or(self.hard_frames_limit),
            "privacy" => self.privacy = value.get().unwrap_or_default(),
            "floor" => self.floor = text(),
            "reference" => self.reference = text(),
            "quality-source" => self.quality_source = value.get().unwrap_or_default(),
            "active-candidate" => self.pinned = text(),
            "latency-budget" => {
                self.latency_budget = gst::ClockTime::from_nseconds(value.get().unwrap_or_default())
            }
            "miss-rate" => self.miss_rate = value.get().unwrap_or(self.miss_rate),
            "late-policy" => self.late_policy = value.get().unwrap_or_default(),
            "auto-switch" => {
                self.auto_switch = value.get().unwrap_or(true);
                if self.auto_switch {
                    self.pinned = None;
                }
            }
            "lambda-latency" => self.lambda_latency = value.get().unwrap_or(self.lambda_latency),
            "lambda-cost" => self.lambda_cost = value.get().unwrap_or(self.lambda_cost),
            "max-stride" => self.max_stride = value.get().unwrap_or(self.max_stride),
            "strategy" => self.strategy = value.get().unwrap_or_default(),
            "robustness-weight" => self.robustness_weight = value.get().unwrap_or(self.robustness_weight),
            "forbidden" => self.forbidden = text(),
            "frame-messages" => self.frame_messages = value.get().unwrap_or_default(),
            "exhaustive" => self.exhaustive = value.get().unwrap_or_default(),
            "sense-machine" => self.sense_machine = value.get().unwrap_or(true),
            "thread-priority" => self.thread_priority = value.get().unwrap_or_default(),
            "crossfade" => self.crossfade = gst::ClockTime::from_nseconds(value.get().unwrap_or_default()),
            "output-caps" => self.output_caps = value.get().unwrap_or_default(),
            "start" => self.start = value.get().unwrap_or_default(),
            "start-timeout" => {
                self.start_timeout = gst::ClockTime::from_nseconds(value.get().unwrap_or_default())
            }
            "group" => self.group = text(),
            "memory-limit" => self.memory_limit = value.get().unwrap_or_default(),
            "weight" => self.weight = value.get().unwrap_or(self.weight),
            _ => return false,
        }
        true
    }

    /// The value of one property that only mirrors what was set.
    pub fn get(&self, pspec: &glib::ParamSpec) -> Option<glib::Value> {
        Some(match pspec.name() {
            "catalog" => self.catalog.to_value(),
            "models" => self.models.to_value(),
            "memory" => self.memory.to_value(),
            "keep-hard-frames" => self.keep_hard_frames.to_value(),
            "hard-frames-limit" => self.hard_frames_limit.to_value(),
            "privacy" => self.privacy.to_value(),
            "floor" => self.floor.to_value(),
            "reference" => self.reference.to_value(),
            "quality-source" => self.quality_source.to_value(),
            "latency-budget" => self.latency_budget.nseconds().to_value(),
            "miss-rate" => self.miss_rate.to_value(),
            "late-policy" => self.late_policy.to_value(),
            "auto-switch" => (self.auto_switch && self.pinned.is_none()).to_value(),
            "lambda-latency" => self.lambda_latency.to_value(),
            "lambda-cost" => self.lambda_cost.to_value(),
            "max-stride" => self.max_stride.to_value(),
            "strategy" => self.strategy.to_value(),
            "robustness-weight" => self.robustness_weight.to_value(),
            "forbidden" => self.forbidden.to_value(),
            "frame-messages" => self.frame_messages.to_value(),
            "exhaustive" => self.exhaustive.to_value(),
            "sense-machine" => self.sense_machine.to_value(),
            "thread-priority" => self.thread_priority.to_value(),
            "crossfade" => self.crossfade.nseconds().to_value(),
            "output-caps" => self.output_caps.to_value(),
            "start" => self.start.to_value(),
            "start-timeout" => self.start_timeout.nseconds().to_value(),
            "group" => self.group.as_deref().unwrap_or_default().to_value(),
            "weight" => self.weight.to_value(),
            "memory-limit" => self.memory_limit.to_value(),
            "profile" => self.profile.to_value(),
            _ => return None,
        })
    }

    /// Whether the user does not want the candidate to answer.
    pub fn forbids(&self, name: &str) -> bool {
        self.forbidden().any(|it| it == name) || self.unwanted.iter().any(|it| it == name)
    }

    /// Names of the candidates that may not answer.
    pub fn forbidden(&self) -> impl Iterator<Item = &str> {
        let names = self.forbidden.as_deref().unwrap_or_default().split(',');
        names.map(str::trim).filter(|it| !it.is_empty())
    }

    pub fn properties() -> Vec<glib::ParamSpec> {
        let default = Settings::default();
        vec![
            glib::ParamSpecString::builder("catalog")
                .nick("Catalog")
                .blurb("TOML file that lists the candidates (unset = they are the children and models). Read on the way to READY, before the children are used.")
                .mutable_ready()
                .build(),
            glib::ParamSpecString::builder("models")
                .nick("Models")
                .blurb("ONNX files, separated by commas, each of which becomes an avrec-infer candidate named like its file (unset = none). Read on the way to READY.")
                .mutable_ready()
                .build(),
            glib::ParamSpecString::builder("keep-hard-frames")
                .nick("Keep hard frames")
                .blurb("Folder in which frames are kept that are hard for the candidates, as PNG with a line of JSON beside each, for a later ranking (unset = none). Pictures only.")
                .mutable_playing()
                .build(),
            glib::ParamSpecUInt::builder("hard-frames-limit")
                .nick("Limit of hard frames")
                .blurb("Most frames that keep-hard-frames leaves in its folder, earlier streams' included; a harder one takes the place of the least hard one. They never take more than 2 GiB.")
                .minimum(1)
                .maximum(1_000_000)
                .default_value(default.hard_frames_limit)
                .mutable_playing()
                .build(),
            glib::ParamSpecEnum::builder_with_default("privacy", default.privacy)
                .nick("Privacy")
                .blurb("What may be kept of the stream, and whether its frames may leave the machine. With no-frames keep-hard-frames keeps nothing, and a warning says so. With local and no-frames candidates on servers of other machines get none. An element that sends frames elsewhere by itself is not seen.")
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("memory")
                .nick("Memory of what was learned")
                .blurb("File in which is kept what was learned of the candidates (how long they take, how they react to load, what they are worth), to begin with at the next start (unset = nothing is kept; it has nothing to do with memory-limit). Read on the way to READY, written while the stream plays and when it stops.")
                .mutable_ready()
                .build(),
            glib::ParamSpecUInt64::builder("latency-budget")
                .nick("Latency budget")
                .blurb("Time that one frame may spend in this element, in nanoseconds (0 = one frame or buffer duration).")
                // Beyond it a time is none, or its sum with another one.
                .maximum(i64::MAX as u64)
                .default_value(default.latency_budget.nseconds())
                .mutable_playing()
                .build(),
            glib::ParamSpecDouble::builder("miss-rate")
                .nick("Miss rate")
                .blurb("Share of the frames whose candidate may fail to answer inside the budget, 0.001 to 0.5 (0.03 = 3 %).")
                .minimum(0.001)
                .maximum(0.5)
                .default_value(default.miss_rate)
                .mutable_playing()
                .build(),
            glib::ParamSpecEnum::builder_with_default("late-policy", default.late_policy)
                .nick("Late policy")
                .blurb("What happens to a frame whose candidate does not answer inside the budget.")
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("floor")
                .nick("Floor")
                .blurb("Candidate that answers when the active one is late (unset = the frame itself, where input and output caps agree).")
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("reference")
                .nick("Reference")
                .blurb("Candidate whose answers score the others (unset = the catalog's, else the one of the best prior, else the last).")
                .mutable_playing()
                .build(),
            glib::ParamSpecEnum::builder_with_default("quality-source", default.quality_source)
                .nick("Quality source")
                .blurb("What the live quality of the candidates rests on.")
                .mutable_playing()
                .build(),
            glib::ParamSpecBoolean::builder("auto-switch")
                .nick("Automatic switching")
                .blurb("Whether the switch chooses by itself. Setting it to true also removes a pin.")
                .default_value(default.auto_switch)
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("active-candidate")
                .nick("Active candidate")
                .blurb("Candidate that answers now (empty = nobody yet). Writing a name pins it from the next frame on, writing an empty string gives the choice back.")
                .mutable_playing()
                .build(),
            weight("lambda-latency")
                .nick("Weight of latency")
                .blurb("What a latency of one whole budget costs, in log-quality (0 = any latency inside the budget is as good).")
                .default_value(default.lambda_latency)
                .build(),
            weight("lambda-cost")
                .nick("Weight of cost")
                .blurb("What one unit of the catalog's cost of a candidate costs, in log-quality (0 = it does not matter).")
                .default_value(default.lambda_cost)
                .build(),
            glib::ParamSpecUInt::builder("max-stride")
                .nick("Largest stride")
                .blurb("Longest distance, in frames, between those that a candidate too slow for each frame may answer, its answer held in between (1 = each frame).")
                .minimum(1)
                .maximum(4)
                .default_value(default.max_stride)
                .mutable_playing()
                .build(),
            glib::ParamSpecEnum::builder_with_default("strategy", default.strategy)
                .nick("Strategy")
                .blurb("How quality and robustness become one number. Ranks compare also where scales do not.")
                .mutable_playing()
                .build(),
            glib::ParamSpecDouble::builder("robustness-weight")
                .nick("Weight of robustness")
                .blurb("Share of robustness in what counts as quality, 0 to 1 (0 = quality alone, 1 = robustness alone).")
                .minimum(0.0)
                .maximum(1.0)
                .default_value(default.robustness_weight)
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("forbidden")
                .nick("Forbidden candidates")
                .blurb("Candidates that may not answer, separated by commas (unset = none). They stay loaded and are measured.")
                .mutable_playing()
                .build(),
            glib::ParamSpecBoolean::builder("frame-messages")
                .nick("Frame messages")
                .blurb("Whether to post an avrec/frame element message for each frame and an avrec/candidate-score for each comparison.")
                .default_value(default.frame_messages)
                .mutable_playing()
                .build(),
            glib::ParamSpecBoolean::builder("exhaustive")
                .nick("Exhaustive")
                .blurb("Whether every candidate runs on every frame, one after the other, told in avrec/survey messages. For recordings, since it is slower than real time.")
                .default_value(default.exhaustive)
                .mutable_playing()
                .build(),
            glib::ParamSpecBoolean::builder("sense-machine")
                .nick("Sense the machine")
                .blurb("Whether what the kernel says of waiting for processors counts, beside what the candidates' own runs tell. It needs Linux.")
                .default_value(default.sense_machine)
                .mutable_playing()
                .build(),
            glib::ParamSpecEnum::builder_with_default("thread-priority", default.thread_priority)
                .nick("Thread priority")
                .blurb("Priority of the threads that a frame waits for, while it does, where the system grants it. What it grants is in stats.")
                .mutable_playing()
                .build(),
            glib::ParamSpecUInt64::builder("crossfade")
                .nick("Cross-fade")
                .blurb("Time over which sound goes from one candidate to the next at a swap, in nanoseconds (0 = a hard cut).")
                .maximum(LONGEST_FADE.nseconds())
                .default_value(default.crossfade.nseconds())
                .mutable_playing()
                .build(),
            glib::ParamSpecBoxed::builder::<gst::Caps>("output-caps")
                .nick("Output caps")
                .blurb("Caps that every answer has; what they leave open is as in the first frame that leaves, so that ANY holds to that one (unset = each candidate's own).")
                .mutable_playing()
                .build(),
            glib::ParamSpecEnum::builder_with_default("start", default.start)
                .nick("Start")
                .blurb("What leaves before a candidate is ready. Takes effect at the next start.")
                .mutable_ready()
                .build(),
            glib::ParamSpecUInt64::builder("start-timeout")
                .nick("Start timeout")
                .blurb("Longest time that start=wait keeps the stream from starting, in nanoseconds (0 = no limit). Takes effect at the next start.")
                .maximum(i64::MAX as u64)
                .default_value(default.start_timeout.nseconds())
                .mutable_ready()
                .build(),
            glib::ParamSpecString::builder("group")
                .nick("Group")
                .blurb("Name of the group of switches in this process that share the machine (empty = alone). Takes effect at the next start.")
                .default_value(default.group.as_deref())
                .mutable_ready()
                .build(),
            glib::ParamSpecDouble::builder("weight")
                .nick("Weight in the group")
                .blurb("What a gain of quality of this stream counts against the others' of its group where not all fit, 0.001 to 1000.")
                .minimum(0.001)
                .maximum(1000.0)
                .default_value(default.weight)
                .mutable_playing()
                .build(),
            glib::ParamSpecUInt64::builder("memory-limit")
                .nick("Memory limit")
                .blurb("Memory that the models of all candidates of the group may take together, in bytes; those that are chosen the least are unloaded (0 = no limit). Of several limits in a group the smallest holds.")
                .default_value(default.memory_limit)
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("profile")
                .nick("Profile")
                .blurb("TOML file with the user's weights, conditions and feedback (unset = none). What is set otherwise goes before it. Read on the way to READY.")
                .mutable_ready()
                .build(),
            json::stats_property(),
            glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                .nick("Statistics")
                .blurb("Counters, latencies in nanoseconds and qualities from 0 to 1 of the switch and of each candidate. Reading never waits for an inference.")
                .read_only()
                .doc_show_default()
                .build(),
        ]
    }
}

/// A property that weighs one term of the objective.
fn weight(name: &str) -> glib::ParamSpecDoubleBuilder<'_> {
    glib::ParamSpecDouble::builder(name)
        .minimum(0.0)
        .maximum(LARGEST_WEIGHT)
        .mutable_playing()
}
