// SPDX-License-Identifier: MPL-2.0

//! A group's replay for people: tables that fit into 100 columns.

use gstavrec::replay::group::{GroupPolicy, GroupSummary, Load};

use super::super::table::{tenths, time};
use super::args::GroupPlan;
use super::worlds::Worlds;
use crate::console::aligned;

/// Columns before those of the weights.
const HEAD: [&str; 7] = ["", "loss %", "95 %", "miss %", "worst %", "swaps/1k", "joint/1k"];

/// What the columns mean that do not say it themselves.
pub fn legend(plan: &GroupPlan) -> String {
    let mut text = "\
loss: of the quality of the best joint choice in hindsight, and its 95 % bootstrap interval over the
seeds; a missed frame is worth nothing. miss: of the streams in the mean, worst: of the worst stream
of all seeds. swaps/1k: swaps in 1,000 frames of a stream, joint/1k: those within half a second of
another stream's without a load that came or went. µs: time of a decision. -: none."
        .to_string();
    if 1 < plan.weights.len() {
        text += "
×: quality of the streams of that weight, of what their best candidates are worth.";
    }
    if 1 < plan.weights.len() && plan.alike {
        text += "
way: frames of lighter streams while none of the heavier ones stood on a lower candidate.";
    }
    text
}

/// The worlds of one kind with what each policy made of them.
pub fn worlds(plan: &GroupPlan, worlds: &Worlds) -> String {
    let summaries: Vec<(GroupPolicy, GroupSummary)> = worlds.summaries().collect();
    let (kept, has_way) = summaries.first().map_or((&[][..], false), |it| {
        let kept = if it.1.kept.len() < 2 {
            &[][..]
        } else {
            &it.1.kept[..]
        };
        (kept, it.1.gave_way.is_some())
    });
    let mut head: Vec<String> = HEAD.map(String::from).to_vec();
    head.extend(kept.iter().map(|it| format!("×{} %", it.0)));
    head.extend(has_way.then(|| "way %".to_string()));
    head.push("µs".to_string());
    let rows = summaries.iter().map(|(policy, summary)| row(*policy, summary));
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let load = match worlds.load {
        Load::None => "no load",
        Load::Some => "loads that come and go",
    };
    let seeds = match worlds.seeds.len() {
        1 => format!("seed {}", worlds.seeds[0]),
        count => format!("{count} seeds"),
    };
    format!(
        "{}, {load}: {} streams on {} processors, {seeds}\n{}",
        worlds.arrival,
        plan.streams,
        worlds.processors,
        aligned(&rows)
    )
}

fn row(policy: GroupPolicy, it: &GroupSummary) -> Vec<String> {
    let mut row = vec![
        policy.to_string(),
        tenths(100.0 * it.loss.mean),
        match it.worlds {
            1 => "-".to_string(),
            _ => format!("{}–{}", tenths(100.0 * it.loss.low), tenths(100.0 * it.loss.high)),
        },
        tenths(100.0 * it.miss_rate.mean),
        tenths(100.0 * it.miss_rate_worst),
        tenths(it.swaps_per_1000.mean),
        tenths(it.joint_swaps_per_1000.mean),
    ];
    if 1 < it.kept.len() {
        row.extend(it.kept.iter().map(|it| tenths(100.0 * it.1.mean)));
    }
    row.extend(it.gave_way.map(|it| tenths(100.0 * it.mean)));
    row.push(time(it.decision_us.mean));
    row
}
