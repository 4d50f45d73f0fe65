// SPDX-License-Identifier: MPL-2.0

//! Ways to choose that know the candidates and learn nothing; and the best joint choice in hindsight.

use super::simulate::{Chooser, Course, simulate};
use super::world::{Kind, Stream, World};
use crate::group::{Demand, Rung, plan};

/// One candidate for each stream from a time on.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixed {
    /// From when on, in milliseconds, and whom each stream asks.
    pub choices: Vec<(f64, Vec<usize>)>,
}

impl Chooser for Fixed {
    fn frame(&mut self, stream: usize, now_ms: f64, free: &[bool], _: f64) -> Option<usize> {
        let choice = self.choices.iter().rev().find(|it| it.0 <= now_ms)?;
        let wanted = *choice.1.get(stream)?;
        // While one is still at the last frame nobody else is asked, or runs would pile up for ever.
        free.iter().all(|it| *it).then_some(wanted)
    }
}

impl Fixed {
    /// The processors in equal shares: the best candidate whose work fits into its own.
    pub fn equal_shares(world: &World) -> Fixed {
        let streams = world.streams.len().max(1) as f64;
        let choices = world.streams.iter().map(|it| {
            let share = (it.budget_ms * world.processors as f64 / streams).min(it.budget_ms) * 0.9;
            it.candidates
                .iter()
                .rposition(|it| it.work_ms <= share)
                .unwrap_or(0)
        });
        Fixed {
            choices: vec![(0.0, choices.collect())],
        }
    }

    /// Who comes first takes what fits beside the least that the others need.
    pub fn first_come(world: &World) -> Fixed {
        let least = |it: &Stream| it.candidates[0].work_ms / it.budget_ms;
        let mut left = world.processors as f64 * 0.9 - world.streams.iter().map(least).sum::<f64>();
        let choices = world.streams.iter().map(|it| {
            let fits = |work: f64| work / it.budget_ms - least(it) <= left && work <= 0.9 * it.budget_ms;
            let choice = it.candidates.iter().rposition(|it| fits(it.work_ms)).unwrap_or(0);
            left -= it.candidates[choice].work_ms / it.budget_ms - least(it);
            choice
        });
        Fixed {
            choices: vec![(0.0, choices.collect())],
        }
    }

    /// The best joint choice under each load, which it knows, as does when it comes and goes: found by steps up, down and
    /// across from several starts, each played on a machine whose load stays.
    pub fn optimum(world: &World) -> Fixed {
        let mut known: Vec<(usize, Vec<usize>)> = Vec::new();
        let choices = world.loads.iter().map(|&(at, load)| {
            let best = match known.iter().find(|it| it.0 == load) {
                Some(known) => known.1.clone(),
                None => best_under(world, load),
            };
            known.push((load, best.clone()));
            (at, best)
        });
        Fixed {
            choices: choices.collect(),
        }
    }
}

/// Factors on all works at which plans are starts of the search.
const FACTORS: [f64; 5] = [0.95, 1.1, 1.4, 2.0, 3.0];

/// What the plan of a group says where the works are known.
fn planned(world: &World, factor: f64) -> Vec<usize> {
    let rungs = |it: &Stream| {
        let rung = |(candidate, it): (usize, &Kind)| Rung {
            candidate,
            work: factor * it.work_ms / 1e3,
            upper: factor * 1.1 * it.work_ms / 1e3,
            value: it.quality.ln(),
        };
        it.candidates.iter().enumerate().map(rung).collect()
    };
    let demands = world.streams.iter().map(|it| Demand {
        phase: it.phase_ms / 1e3,
        period: it.period_ms / 1e3,
        budget: it.budget_ms / 1e3,
        weight: it.weight,
        rungs: rungs(it),
        ..Demand::default()
    });
    let demands: Vec<Demand> = demands.collect();
    let chosen = plan(&demands, world.processors).chosen;
    chosen.iter().map(|it| it.map_or(0, |it| it.candidate)).collect()
}

/// Time that a choice is tried for: where rates differ, phases go by each other slowly.
const TRIAL_MS: f64 = 4_000.0;
const LONG_TRIAL_MS: f64 = 25_000.0;

/// Starts that the search goes on from.
const STARTS: usize = 2;

/// Gain in worth that is not worth another step: less than the draws of a trial make.
const NEGLIGIBLE: f64 = 1e-4;

fn best_under(world: &World, load: usize) -> Vec<usize> {
    let has_one_period = world
        .streams
        .windows(2)
        .all(|it| it[0].period_ms == it[1].period_ms);
    let still = World {
        loads: vec![(0.0, load)],
        duration_ms: if has_one_period { TRIAL_MS } else { LONG_TRIAL_MS },
        ..world.clone()
    };
    let tried = |choice: Vec<usize>| {
        let mut fixed = Fixed {
            choices: vec![(0.0, choice.clone())],
        };
        (weighted_worth(&still, &simulate(&still, &mut fixed)), choice)
    };
    let tops: Vec<usize> = world.streams.iter().map(|it| it.candidates.len() - 1).collect();
    let mut starts = vec![
        tried(vec![0; tops.len()]),
        tried(Fixed::equal_shares(world).choices.remove(0).1),
    ];
    starts.extend(FACTORS.map(|it| tried(planned(world, it))));
    starts.sort_by(|one, other| other.0.total_cmp(&one.0));
    starts.dedup_by(|one, other| one.1 == other.1);
    let climbed = starts.into_iter().take(STARTS).map(|mut best| {
        let better = |best: &(f64, Vec<usize>)| {
            let all = moves(&best.1, &tops).into_iter().map(tried);
            let next = all.max_by(|one, other| one.0.total_cmp(&other.0));
            next.filter(|it| best.0 + NEGLIGIBLE < it.0)
        };
        while let Some(next) = better(&best) {
            best = next;
        }
        best
    });
    // Of equal ones the first.
    let best = climbed.reduce(|best, it| if best.0 < it.0 { it } else { best });
    best.map(|it| it.1).unwrap_or_default()
}

/// One stream a candidate up, or down, or one down and another up.
fn moves(choice: &[usize], tops: &[usize]) -> Vec<Vec<usize>> {
    let up = |from: &[usize], stream: usize| {
        let mut next = from.to_vec();
        next[stream] += 1;
        next
    };
    let streams = 0..choice.len();
    let can_rise = |it: &usize| choice[*it] < tops[*it];
    let mut moves = Vec::new();
    for stream in streams.clone() {
        if can_rise(&stream) {
            moves.push(up(choice, stream));
        }
        if 0 < choice[stream] {
            let mut down = choice.to_vec();
            down[stream] -= 1;
            let others = streams.clone().filter(|it| *it != stream).filter(can_rise);
            let across: Vec<Vec<usize>> = others.map(|it| up(&down, it)).collect();
            moves.push(down);
            moves.extend(across);
        }
    }
    moves
}

/// Mean worth over the streams, as their weights are.
pub fn weighted_worth(world: &World, courses: &[Course]) -> f64 {
    let weights = || world.streams.iter().map(|it| it.weight);
    let sum: f64 = weights()
        .zip(courses)
        .map(|(weight, it)| weight * it.worth())
        .sum();
    sum / weights().sum::<f64>()
}
