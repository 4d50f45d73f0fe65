// SPDX-License-Identifier: MPL-2.0

//! A replay as one JSON object. Its keys are told in the help of the command, and do not change.

use gstavrec::replay::{Interval, PolicyName, Summary};
use serde_json::{Value, json};

use super::decisions::Decision;
use super::trace::{Source, Trace};

/// The whole replay.
pub fn object(
    miss_rate: f64,
    traces: Vec<Value>,
    summaries: impl Iterator<Item = (PolicyName, Summary)>,
) -> Value {
    let interval = |it: Interval, unit: f64| json!({"mean": unit * it.mean, "low": unit * it.low, "high": unit * it.high});
    let mean = summaries.map(|(policy, summary)| {
        let head = [
            ("policy", json!(policy.to_string())),
            ("traces", json!(summary.traces)),
        ];
        head.into_iter()
            .chain(figures(&summary, interval))
            .collect::<Value>()
    });
    json!({ "miss_rate": miss_rate, "traces": traces, "mean": mean.collect::<Value>() })
}

/// One trace with what each policy made of it.
pub fn trace(trace: &Trace, played: &[(PolicyName, Summary)], told: Option<&[Decision]>) -> Value {
    let source = match &trace.source {
        Source::File(path) => vec![("file", json!(path.display().to_string()))],
        Source::World(kind, seed) => vec![("kind", json!(kind.to_string())), ("seed", json!(seed))],
    };
    let policies = played.iter().map(|(policy, summary)| {
        let head = [("policy", json!(policy.to_string()))];
        let mean = |it: Interval, unit: f64| json!(unit * it.mean);
        head.into_iter().chain(figures(summary, mean)).collect::<Value>()
    });
    let matrix = &trace.matrix;
    let names = matrix.columns.iter().map(|it| it.name.as_str());
    let name = [("name", json!(trace.source.to_string()))];
    let rest = [
        ("frames", json!(matrix.frames())),
        ("candidates", names.collect::<Value>()),
        ("budget_ms", json!(matrix.budget_ms)),
        ("period_ms", json!(matrix.period_ms)),
        ("policies", policies.collect::<Value>()),
    ];
    let decisions = told.map(|told| ("decisions", json!(told)));
    name.into_iter()
        .chain(source)
        .chain(rest)
        .chain(decisions)
        .collect()
}

/// The figures of one policy over a trace, or over several, each told by `tell` in its unit.
fn figures(it: &Summary, tell: fn(Interval, f64) -> Value) -> [(&'static str, Value); 13] {
    // An oracle decides in no time.
    let decision = if 0.0 < it.decision_us.mean {
        tell(it.decision_us, 1.0)
    } else {
        Value::Null
    };
    [
        ("miss_rate", tell(it.miss_rate, 1.0)),
        ("effective_quality", tell(it.effective_quality, 1.0)),
        ("regret_percent", tell(it.regret, 100.0)),
        ("regret_switch_aware_percent", tell(it.regret_switch_aware, 100.0)),
        ("swaps_per_1000_frames", tell(it.swaps_per_1000, 1.0)),
        ("onsets", json!(it.reaction.count())),
        ("reaction_median_frames", json!(it.reaction.median())),
        ("reaction_max_frames", json!(it.reaction.max())),
        ("ends", json!(it.recovery.count())),
        ("recovery_median_frames", json!(it.recovery.median())),
        ("recovery_p90_frames", json!(it.recovery.percentile(0.9))),
        ("shadow_share", tell(it.shadow_share, 1.0)),
        ("decision_us", decision),
    ]
}
