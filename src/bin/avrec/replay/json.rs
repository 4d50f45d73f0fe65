// SPDX-License-Identifier: MPL-2.0

//! A replay as one JSON object. Its keys are told in the help of the command, and do not change.

use gstavrec::replay::{Interval, Summary};
use serde_json::{Map, Value, json};

use super::args::ReplayPlan;
use super::decisions::Decision;
use super::played::{Played, Replay};
use super::trace::{Source, Trace};

/// The whole replay.
pub fn object(plan: &ReplayPlan, replay: &Replay) -> Value {
    let mean = replay.summaries().map(|(policy, summary)| {
        let mut object = Map::new();
        object.insert("policy".to_string(), Value::from(policy.to_string()));
        object.insert("traces".to_string(), Value::from(summary.traces));
        figures(
            &mut object,
            &summary,
            |it, unit| json!({"mean": unit * it.mean, "low": unit * it.low, "high": unit * it.high}),
        );
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
    let policies = played.iter().map(|it| {
        let mut object = Map::new();
        object.insert("policy".to_string(), Value::from(it.policy.to_string()));
        figures(&mut object, &it.summary(), |it, unit| Value::from(unit * it.mean));
        Value::Object(object)
    });
    add("policies", policies.collect());
    if let Some(told) = told {
        add("decisions", told.iter().map(decision).collect());
    }
    Value::Object(object)
}

/// The figures of one policy over a trace, or over several, each told by `tell` in its unit.
fn figures(object: &mut Map<String, Value>, it: &Summary, tell: fn(Interval, f64) -> Value) {
    // An oracle decides in no time.
    let decision = if 0.0 < it.decision_us.mean {
        tell(it.decision_us, 1.0)
    } else {
        Value::Null
    };
    let figures = [
        ("miss_rate", tell(it.miss_rate, 1.0)),
        ("effective_quality", tell(it.effective_quality, 1.0)),
        ("regret_percent", tell(it.regret, 100.0)),
        ("regret_switch_aware_percent", tell(it.regret_switch_aware, 100.0)),
        ("swaps_per_1000_frames", tell(it.swaps_per_1000, 1.0)),
        ("onsets", Value::from(it.reaction.count())),
        ("reaction_median_frames", Value::from(it.reaction.median())),
        ("reaction_max_frames", Value::from(it.reaction.max())),
        ("ends", Value::from(it.recovery.count())),
        ("recovery_median_frames", Value::from(it.recovery.median())),
        ("recovery_p90_frames", Value::from(it.recovery.percentile(0.9))),
        ("shadow_share", tell(it.shadow_share, 1.0)),
        ("decision_us", decision),
    ];
    object.extend(figures.map(|(key, value)| (key.to_string(), value)));
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
