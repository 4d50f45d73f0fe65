// SPDX-License-Identifier: MPL-2.0

//! What came of a group's replay, in the figures that ways to choose are compared by.

use super::fixed::weighted_worth;
use super::policy_name::Outcome;
use super::simulate::Course;
use super::world::{Stream, World};
use crate::replay::{Interval, mean_of};

/// Swaps of different streams that are no further apart count as made together.
const TOGETHER_MS: f64 = 500.0;

/// Time after a load came or went, and after the start, in which streams swap for that common cause.
const CAUSED_MS: f64 = 2_000.0;

/// Figures of one way to choose over one world. Shares are in 0..1.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupFigures {
    /// Mean worth of what left, as the streams' weights are; a missed frame is worth nothing.
    pub worth: f64,
    /// Share of the best joint choice's worth that was lost.
    pub loss: f64,
    /// Share of the frames that were missed: of the streams in the mean, and of the worst one.
    pub miss_rate: f64,
    pub miss_rate_worst: f64,
    /// Swaps in 1,000 frames of a stream.
    pub swaps_per_1000: f64,
    /// Those of them within half a second of another stream's without a load that came or went.
    pub joint_swaps_per_1000: f64,
    /// Weights, the largest first, with what left for the streams of each as a share of what their best candidates are worth.
    pub kept: Vec<(f64, f64)>,
    /// Share of the lighter streams' frames in which none of the heavier ones stands on a lower candidate; `None` where all
    /// weigh the same, or candidates or periods differ.
    pub gave_way: Option<f64>,
    /// Time that a decision took, with all that was told for it; zero where nothing is decided.
    pub decision_us: f64,
}

impl GroupFigures {
    /// `best` is the worth of the best joint choice.
    pub fn new(world: &World, outcome: &Outcome, best: f64) -> GroupFigures {
        let courses = &outcome.courses;
        let frames = courses.iter().map(|it| it.frames.len()).sum::<usize>().max(1) as f64;
        let swaps: usize = courses.iter().map(|it| it.swaps.len()).sum();
        let misses = || courses.iter().map(Course::misses);
        let worth = weighted_worth(world, courses);
        GroupFigures {
            worth,
            loss: if 0.0 < best { 1.0 - worth / best } else { 0.0 },
            miss_rate: misses().sum::<f64>() / courses.len().max(1) as f64,
            miss_rate_worst: misses().fold(0.0, f64::max),
            swaps_per_1000: 1e3 * swaps as f64 / frames,
            joint_swaps_per_1000: 1e3 * joint_swaps(world, courses) as f64 / frames,
            kept: kept(world, courses),
            gave_way: gave_way(world, courses),
            decision_us: outcome.thinking.as_secs_f64() * 1e6 / frames,
        }
    }
}

/// Figures of one way to choose over several worlds of the same streams' weights.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSummary {
    pub worlds: usize,
    pub worth: Interval,
    pub loss: Interval,
    pub miss_rate: Interval,
    /// Of the worst stream of all worlds.
    pub miss_rate_worst: f64,
    pub swaps_per_1000: Interval,
    pub joint_swaps_per_1000: Interval,
    pub kept: Vec<(f64, Interval)>,
    pub gave_way: Option<Interval>,
    pub decision_us: Interval,
}

impl GroupSummary {
    pub fn new(figures: &[GroupFigures]) -> GroupSummary {
        let mean = |of: fn(&GroupFigures) -> f64| mean_of(&figures.iter().map(of).collect::<Vec<_>>());
        let weights = figures.first().map_or(&[][..], |it| &it.kept);
        let kept = weights.iter().enumerate().map(|(class, (weight, _))| {
            let shares: Vec<f64> = figures.iter().map(|it| it.kept[class].1).collect();
            (*weight, mean_of(&shares))
        });
        let gave_way: Option<Vec<f64>> = figures.iter().map(|it| it.gave_way).collect();
        GroupSummary {
            worlds: figures.len(),
            worth: mean(|it| it.worth),
            loss: mean(|it| it.loss),
            miss_rate: mean(|it| it.miss_rate),
            miss_rate_worst: figures.iter().map(|it| it.miss_rate_worst).fold(0.0, f64::max),
            swaps_per_1000: mean(|it| it.swaps_per_1000),
            joint_swaps_per_1000: mean(|it| it.joint_swaps_per_1000),
            kept: kept.collect(),
            gave_way: gave_way.filter(|it| !it.is_empty()).map(|it| mean_of(&it)),
            decision_us: mean(|it| it.decision_us),
        }
    }
}

fn joint_swaps(world: &World, courses: &[Course]) -> usize {
    let is_caused = |at: f64| {
        world
            .loads
            .iter()
            .any(|it| (it.0..it.0 + CAUSED_MS).contains(&at))
    };
    let swaps = || {
        courses
            .iter()
            .enumerate()
            .flat_map(|(stream, it)| it.swaps.iter().map(move |at| (stream, *at)))
    };
    let mut all: Vec<(usize, f64)> = swaps().filter(|it| !is_caused(it.1)).collect();
    all.sort_by(|one, other| one.1.total_cmp(&other.1));
    let is_joint = |(at, swap): (usize, &(usize, f64))| {
        let near = |it: &&(usize, f64)| (it.1 - swap.1).abs() <= TOGETHER_MS;
        let before = all[..at].iter().rev().take_while(near);
        before
            .chain(all[at..].iter().take_while(near))
            .any(|it| it.0 != swap.0)
    };
    all.iter().enumerate().filter(|it| is_joint(*it)).count()
}

fn kept(world: &World, courses: &[Course]) -> Vec<(f64, f64)> {
    let share = |weight: f64| {
        let streams = || {
            world
                .streams
                .iter()
                .zip(courses)
                .filter(move |it| it.0.weight == weight)
        };
        let possible = |it: &Stream| it.candidates.iter().map(|it| it.quality).fold(0.0, f64::max);
        let left: f64 = streams().map(|it| it.1.worth()).sum();
        left / streams()
            .map(|it| possible(it.0))
            .sum::<f64>()
            .max(f64::MIN_POSITIVE)
    };
    weights(world).into_iter().map(|it| (it, share(it))).collect()
}

/// The streams' different weights, the largest first.
fn weights(world: &World) -> Vec<f64> {
    let mut weights: Vec<f64> = world.streams.iter().map(|it| it.weight).collect();
    weights.sort_by(|one, other| other.total_cmp(one));
    weights.dedup();
    weights
}

fn gave_way(world: &World, courses: &[Course]) -> Option<f64> {
    let first = world.streams.first()?;
    let is_alike = |it: &Stream| it.candidates == first.candidates && it.period_ms == first.period_ms;
    if !world.streams.iter().all(is_alike) {
        return None;
    }
    let heaviest = *weights(world).first()?;
    let streams = || world.streams.iter().zip(courses);
    let (mut frames, mut held) = (0usize, 0usize);
    for (light, course) in streams().filter(|it| it.0.weight < heaviest) {
        let heavier: Vec<&Course> = streams()
            .filter(|it| light.weight < it.0.weight)
            .map(|it| it.1)
            .collect();
        for frame in &course.frames {
            let stands_lower = |it: &&Course| {
                it.newest(frame.at_ms)
                    .is_some_and(|it| it.candidate < frame.candidate)
            };
            frames += 1;
            held += usize::from(!heavier.iter().any(stands_lower));
        }
    }
    (0 < frames).then(|| held as f64 / frames as f64)
}
