// SPDX-License-Identifier: MPL-2.0

//! Worlds of several streams, and what each way to choose made of them.

use gstavrec::policy::{Config, ConfigError};
use gstavrec::replay::group::{Arrival, GroupFigures, GroupPolicy, GroupSummary, Load, Outcome, World};

use super::args::GroupPlan;

/// Worlds of one kind, one a seed, with what each policy made of them.
pub struct Worlds {
    pub arrival: Arrival,
    pub load: Load,
    pub processors: usize,
    pub seeds: Vec<u64>,
    /// The best joint choice's worth, one a seed.
    pub best: Vec<f64>,
    /// One a seed.
    pub played: Vec<(GroupPolicy, Vec<GroupFigures>)>,
}

impl Worlds {
    /// What came of each policy over all seeds.
    pub fn summaries(&self) -> impl Iterator<Item = (GroupPolicy, GroupSummary)> {
        self.played.iter().map(|it| (it.0, GroupSummary::new(&it.1)))
    }
}

/// Plays all policies over the worlds of one kind.
pub fn play(plan: &GroupPlan, arrival: Arrival, load: Load) -> Result<Worlds, ConfigError> {
    let mut worlds = Worlds {
        arrival,
        load,
        processors: 0,
        seeds: plan.others.seeds.iter().flat_map(|it| it.clone()).collect(),
        best: Vec::new(),
        played: plan.policies.iter().map(|it| (*it, Vec::new())).collect(),
    };
    for seed in &worlds.seeds {
        let world = World::generate(plan.streams, arrival, load, *seed).weighted(&plan.weights);
        let world = if plan.alike { world.alike() } else { world };
        worlds.processors = world.processors;
        let optimum = GroupPolicy::Optimum.play(&world, Config::default())?;
        let best = GroupFigures::new(&world, &optimum, 0.0).worth;
        worlds.best.push(best);
        for (policy, figures) in &mut worlds.played {
            let outcome: Outcome = match policy {
                GroupPolicy::Optimum => optimum.clone(),
                other => other.play(&world, plan.others.config)?,
            };
            figures.push(GroupFigures::new(&world, &outcome, best));
        }
    }
    Ok(worlds)
}
