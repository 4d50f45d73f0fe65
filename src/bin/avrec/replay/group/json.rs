// SPDX-License-Identifier: MPL-2.0

//! A group's replay as one JSON object. Its keys are told in the help of the command, and do not change.

use gstavrec::replay::Interval;
use gstavrec::replay::group::GroupSummary;
use serde_json::{Value, json};

use super::args::GroupPlan;
use super::worlds::Worlds;

/// The whole replay.
pub fn object(plan: &GroupPlan, all: &[Worlds]) -> Value {
    let worlds: Vec<Value> = all.iter().flat_map(each).collect();
    let mean: Vec<Value> = all.iter().map(mean).collect();
    json!({
        "miss_rate": plan.others.config.miss_rate,
        "streams": plan.streams,
        "processors": all.first().map(|it| it.processors),
        "weights": plan.weights,
        "alike": plan.alike,
        "worlds": worlds,
        "mean": mean,
    })
}

/// Each world with what each policy made of it.
fn each(worlds: &Worlds) -> impl Iterator<Item = Value> {
    worlds
        .seeds
        .iter()
        .zip(&worlds.best)
        .enumerate()
        .map(|(at, (seed, best))| {
            let policies = worlds.played.iter().map(|(policy, figures)| {
                // A world is its own mean, so one way of telling figures is enough.
                let summary = GroupSummary::new(std::slice::from_ref(&figures[at]));
                let tell = |it: Interval, unit: f64| json!(unit * it.mean);
                told(&policy.to_string(), &summary, tell)
            });
            json!({
                "arrival": worlds.arrival.to_string(),
                "load": worlds.load.to_string(),
                "seed": seed,
                "optimum_quality": best,
                "policies": policies.collect::<Vec<_>>(),
            })
        })
}

/// The means over the worlds of one kind.
fn mean(worlds: &Worlds) -> Value {
    let tell = |it: Interval, unit: f64| json!({"mean": unit * it.mean, "low": unit * it.low, "high": unit * it.high});
    let policies = worlds
        .summaries()
        .map(|(policy, it)| told(&policy.to_string(), &it, tell));
    json!({
        "arrival": worlds.arrival.to_string(),
        "load": worlds.load.to_string(),
        "seeds": worlds.seeds.len(),
        "policies": policies.collect::<Vec<_>>(),
    })
}

/// The figures of one policy, each told by `tell` in its unit.
fn told(policy: &str, it: &GroupSummary, tell: fn(Interval, f64) -> Value) -> Value {
    let kept = it.kept.iter();
    let kept = kept.map(|(weight, share)| json!({"weight": weight, "share": tell(*share, 1.0)}));
    json!({
        "policy": policy,
        "loss_percent": tell(it.loss, 100.0),
        "effective_quality": tell(it.worth, 1.0),
        "miss_rate": tell(it.miss_rate, 1.0),
        "miss_rate_worst": it.miss_rate_worst,
        "swaps_per_1000_frames": tell(it.swaps_per_1000, 1.0),
        "joint_swaps_per_1000_frames": tell(it.joint_swaps_per_1000, 1.0),
        "kept": kept.collect::<Vec<_>>(),
        "gave_way_share": it.gave_way.map(|it| tell(it, 1.0)),
        // Nothing is decided in no time.
        "decision_us": Some(it.decision_us).filter(|it| 0.0 < it.mean).map(|it| tell(it, 1.0)),
    })
}
