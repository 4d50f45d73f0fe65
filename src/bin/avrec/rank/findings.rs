// SPDX-License-Identifier: MPL-2.0

//! All that `avrec rank` found, as the table, `--json` and the report tell it.

use gstavrec::recommend::{Estimate, TooLittle};
use serde::{Deserialize, Serialize};

/// Of the form of the JSON; it grows when a field is renamed or goes.
pub const VERSION: u32 = 1;

/// What was found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Findings {
    pub version: u32,
    /// As it was typed.
    pub command: String,
    /// Day, as 2026-11-28.
    pub date: String,
    pub machine: Machine,
    pub question: QuestionTold,
    pub material: Vec<MaterialTold>,
    pub settings: Settings,
    /// The measures of the task; the first one decides if nobody weighs others.
    pub measures: Vec<MeasureTold>,
    /// All that were measured, the recommended one first.
    pub models: Vec<ModelFindings>,
    /// Who was left out, and why.
    pub excluded: Vec<Excluded>,
    /// Whom a switch should hold, from cheap to good.
    pub set: Vec<Member>,
    /// What is told besides: assumptions, warnings, what could not be concluded; sentences.
    pub notes: Vec<String>,
    /// What the choice is worth on material that did not make it: chosen on some folds, scored on the one left out.
    pub promised: Option<Figure>,
    /// The same of the chosen one on all items, which flatters it.
    pub unpromised: Option<Figure>,
    pub effort: Effort,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub kernel: String,
    pub gstreamer: String,
}

/// What answers were compared with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct QuestionTold {
    /// `labels`, `restoration` or `agreement`.
    pub kind: String,
    /// A sentence.
    pub told: String,
    /// The candidate whose answers are the truth, with `agreement`.
    pub reference: Option<String>,
}

/// A file of the material.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MaterialTold {
    pub path: String,
    /// `clip`, `picture` or `sound`.
    pub form: String,
    pub sha256: String,
    /// Frames, pictures or stretches, and how many of them were drawn.
    pub items: usize,
    pub drawn: usize,
    /// Scenes that were told apart.
    pub scenes: usize,
    pub seconds: f64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settings {
    pub budget_ms: f64,
    pub lambda_latency: f64,
    pub lambda_cost: f64,
    pub strategy: String,
    /// Weights of measures in P, by their names.
    pub weights: Vec<(String, f64)>,
    pub seed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasureTold {
    /// Such as `map` or `ssim`.
    pub name: String,
    pub unit: String,
    pub higher_is_better: bool,
}

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub value: f64,
    /// Absent where there is too little to tell.
    pub interval: Option<(f64, f64)>,
    /// Items that it rests on.
    pub items: usize,
}

impl Figure {
    /// An estimate as it is told; `value` where there is too little for one.
    pub fn of(estimate: &Result<Estimate, TooLittle>, value: f64, items: usize) -> Figure {
        match estimate {
            Ok(it) => Figure {
                value: it.value,
                interval: Some((it.low, it.high)),
                items: it.items,
            },
            Err(_) => Figure {
                value,
                interval: None,
                items,
            },
        }
    }
}

/// One model.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ModelFindings {
    pub name: String,
    /// Path of the file, or the launch fragment.
    pub source: String,
    pub sha256: Option<String>,
    pub license: Option<String>,
    /// From 1; those that cannot be told apart share one.
    pub place: usize,
    /// Whether it is tied with others of its place.
    pub is_tied: bool,
    /// -ln P + λS + C and its interval.
    pub loss: Figure,
    /// Loss beyond that of the first one, item by item; absent of the first, and where there is too little to tell.
    pub behind: Option<Figure>,
    /// P, 0 to 1.
    pub quality: Figure,
    /// Share of the resamples in which it has the least loss, 0 to 1.
    pub best: f64,
    /// Of each measure of [`Findings::measures`], in that order; absent where the material says nothing.
    pub figures: Vec<Option<Figure>>,
    pub classes: Vec<ClassFindings>,
    pub latency: LatencyFindings,
    /// Processor time of an item, in milliseconds.
    pub processor_ms: f64,
    /// Bytes of its process beyond those before it was loaded, at most.
    pub memory: u64,
    /// Joules of an item; absent where the machine does not tell them.
    pub energy: Option<f64>,
    pub cost: f64,
    /// Items on which it gave no answer.
    pub unanswered: usize,
    pub robustness: Option<Robustness>,
    pub adversarial: Option<Adversarial>,
    /// Whether nothing is better in quality, latency and memory at once.
    pub is_on_front: bool,
    /// Who is better in all of them.
    pub dominated_by: Option<String>,
    /// Why it stands where it stands, and what would change that; sentences.
    pub reasons: Vec<String>,
    /// Where it was worst.
    pub worst: Vec<WorstItem>,
}

/// What a model is worth on one class.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClassFindings {
    pub name: String,
    /// Objects, items or cells that the truth has of it.
    pub support: f64,
    pub measure: String,
    /// Absent where there are too few.
    pub figure: Option<Figure>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LatencyFindings {
    /// Buffers that were timed.
    pub runs: usize,
    /// Milliseconds; the higher ones absent where there were too few runs for them.
    pub p50: Figure,
    pub p95: Option<Figure>,
    pub p99: Option<Figure>,
    /// Share of the runs within the budget.
    pub within: f64,
    /// Frames that one thread answers in a second.
    pub rate: f64,
}

/// What noise, blur, weather and coding take.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Robustness {
    /// Mean over all of the share of quality that is lost, 0 to 1.
    pub mean_drop: f64,
    pub worst_drop: f64,
    pub worst: String,
    pub each: Vec<Corrupted>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Corrupted {
    pub name: String,
    pub group: String,
    pub strength: u8,
    /// P on changed items, 0 to 1.
    pub quality: f64,
    /// Share of the quality on the same items unchanged.
    pub drop: f64,
}

/// What a bounded search found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Adversarial {
    /// Largest change of a channel, of 255.
    pub bound: u8,
    pub runs: u32,
    pub items: usize,
    /// How far answers agree with the truth on these items before and after, 0 to 1: a mean, and never more after.
    pub before: f64,
    pub after: f64,
}

/// An item on which a model was bad.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WorstItem {
    pub path: String,
    pub index: usize,
    pub seconds: f64,
    /// Agreement with the truth, 0 to 1.
    pub agreement: f64,
}

/// Who was not ranked.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Excluded {
    pub name: String,
    /// A sentence without its subject.
    pub reason: String,
}

/// A member of the set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    /// `floor`, `reference`, both, or none.
    pub roles: Vec<String>,
    /// From which to which slowdown of the machine it is the best; absent for one that is there for its role only.
    pub slowdown: Option<(f64, f64)>,
    /// A sentence.
    pub reason: String,
}

/// What ranking took.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Effort {
    /// Runs of models on items, and how many all on all would have been.
    pub runs: u64,
    pub runs_of_all: u64,
    /// Of these, found in the cache.
    pub cached: u64,
    /// Time of the runs over what all on all would have taken.
    pub share_of_time: f64,
    pub seconds: f64,
    /// Models that stopped early.
    pub stopped: usize,
}
