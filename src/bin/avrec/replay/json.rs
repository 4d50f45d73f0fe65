// SPDX-License-Identifier: MPL-2.0

//! A replay as one JSON object. Its keys are told in the help of the command, and do not change.

use gstavrec::replay::{Figures, Frames, Interval, Summary};
use serde_json::{Map, Value, json};

use super::args::ReplayPlan;
use super::decisions::Decision;
use super::trace::{Source, Trace};
use super::{Played, Replay};

/// The whole replay.
pub fn object(plan: &ReplayPlan, replay: &Replay) -> Value {
    let mean = replay.summaries().map(|(policy, summary)| {
        let mut object = Map::new();
        object.insert("policy".to_string(), Value::from(policy.to_string()));
        object.insert("traces".to_string(), Value::from(summary.traces));
        object.extend(means(&summary));
        Value::Object(object)
    });
    json!({
        "miss_rate": plan.config.miss_rate,
        "traces": replay.traces,
        "mean": mean.collect::<Vec<_>>(),
    })
}

/// One trace with what each policy made of it.
pub fn trace(trace: &Trace, played: &[Played], told: Option<&[Decision]>) -> Value {
    let mut object = Map::new();
    let mut add = |key: &str, value: Value| object.insert(key.to_string(), value);
    add("name", Value::from(trace.source.to_string()));
    match &trace.source {
        Source::File(path) => {
            add("file", Value::from(path.display().to_string()));
        }
        Source::World(kind, seed) => {
            add("kind", Value::from(kind.to_string()));
            add("seed", Value::from(*seed));
        }
    }
    let matrix = &trace.matrix;
    let names = matrix.columns.iter().map(|it| Value::from(it.name.clone()));
    add("frames", Value::from(matrix.frames()));
    add("candidates", names.collect());
    add("budget_ms", Value::from(matrix.budget_ms));
    add("period_ms", Value::from(matrix.period_ms));
    let policies = played
        .iter()
        .map(|it| policy(&it.policy.to_string(), &it.figures));
    add("policies", policies.collect());
    if let Some(told) = told {
        add("decisions", told.iter().map(decision).collect());
    }
    Value::Object(object)
}

fn policy(name: &str, figures: &Figures) -> Value {
    let mut object = Map::new();
    object.insert("policy".to_string(), Value::from(name));
    let numbers = [
        ("miss_rate", figures.miss_rate),
        ("effective_quality", figures.effective_quality),
        ("regret_percent", 100.0 * figures.regret),
        ("regret_switch_aware_percent", 100.0 * figures.regret_switch_aware),
        ("swaps_per_1000_frames", figures.swaps_per_1000),
    ];
    object.extend(numbers.map(|(key, value)| (key.to_string(), Value::from(value))));
    let reaction = Frames::new(figures.reaction.iter().copied());
    let recovery = Frames::new(figures.recovery.iter().copied());
    object.extend(reactions(&reaction, &recovery));
    object.insert("shadow_share".to_string(), Value::from(figures.shadow_share));
    object.insert("decision_us".to_string(), time(figures.decision_us));
    Value::Object(object)
}

fn means(summary: &Summary) -> Map<String, Value> {
    let interval = |it: Interval, unit: f64| json!({"mean": unit * it.mean, "low": unit * it.low, "high": unit * it.high});
    let mut object = Map::new();
    let numbers = [
        ("miss_rate", summary.miss_rate, 1.0),
        ("effective_quality", summary.effective_quality, 1.0),
        ("regret_percent", summary.regret, 100.0),
        ("regret_switch_aware_percent", summary.regret_switch_aware, 100.0),
        ("swaps_per_1000_frames", summary.swaps_per_1000, 1.0),
    ];
    object.extend(numbers.map(|(key, of, unit)| (key.to_string(), interval(of, unit))));
    object.extend(reactions(&summary.reaction, &summary.recovery));
    object.insert("shadow_share".to_string(), interval(summary.shadow_share, 1.0));
    let decision = if 0.0 < summary.decision_us.mean {
        interval(summary.decision_us, 1.0)
    } else {
        Value::Null
    };
    object.insert("decision_us".to_string(), decision);
    object
}

fn reactions(reaction: &Frames, recovery: &Frames) -> [(String, Value); 6] {
    [
        ("onsets", Value::from(reaction.count())),
        ("reaction_median_frames", Value::from(reaction.median())),
        ("reaction_max_frames", Value::from(reaction.max())),
        ("ends", Value::from(recovery.count())),
        ("recovery_median_frames", Value::from(recovery.median())),
        ("recovery_p90_frames", Value::from(recovery.percentile(0.9))),
    ]
    .map(|(key, value)| (key.to_string(), value))
}

/// An oracle decides in no time.
fn time(us: f64) -> Value {
    if 0.0 < us { Value::from(us) } else { Value::Null }
}

fn decision(told: &Decision) -> Value {
    json!({
        "frame": told.frame,
        "t_ms": told.t_ms,
        "from": told.from,
        "to": told.to,
        "reason": told.reason,
        "reason_text": told.reason_text,
        "explanation": told.explanation,
    })
}
