// SPDX-License-Identifier: MPL-2.0

//! Our policy beside the others, by kind of contention.

use gstavrec::replay::generate::Kind;
use gstavrec::replay::{Figures, PolicyName, Summary};

use crate::text::{interval, percent, row, table};
use crate::world::{self, World};

pub fn run() {
    println!("policies: regret to the oracle % / misses % / swaps in 3,000 frames, seeds 100 to 109");
    let groups = [world::six(false), world::six(true), world::unequal()];
    let mut rows = vec![row(&["policy"])];
    rows[0].extend(Kind::six(false).map(|it| it.to_string()));
    rows[0].extend(row(&["mean", "mean, inverted", "unequal"]));
    let mut regrets = vec![row(&["regret %", "mean", "mean, inverted", "unequal"])];
    for (policy, name) in PolicyName::ALL
        .into_iter()
        // Without a column of what the machine says, avrec-blind is avrec.
        .filter(|it| !matches!(it.0, PolicyName::Oracle | PolicyName::AvrecBlind))
    {
        let played = groups.each_ref().map(|it| play(it, policy));
        let mut cells = row(&[name]);
        for kind in Kind::six(false) {
            let worlds = groups[0].iter().zip(&played[0]);
            let of_kind = worlds.filter(|it| it.0.kind == kind).map(|it| it.1.clone());
            cells.push(cell(&of_kind.collect::<Vec<_>>()));
        }
        cells.extend(played.iter().map(|it| cell(it)));
        rows.push(cells);
        let mut cells = row(&[name]);
        cells.extend(played.iter().map(|it| interval(Summary::new(it).regret)));
        regrets.push(cells);
    }
    table(&rows);
    println!("\nthe means with their 95 % bootstrap intervals over the worlds");
    table(&regrets);
}

fn play(worlds: &[World], policy: PolicyName) -> Vec<Figures> {
    worlds.iter().map(|it| it.play_named(policy)).collect()
}

fn cell(figures: &[Figures]) -> String {
    let summary = Summary::new(figures);
    format!(
        "{}/{}/{:.0}",
        percent(summary.regret.mean),
        percent(summary.miss_rate.mean),
        3.0 * summary.swaps_per_1000.mean
    )
}
