// SPDX-License-Identifier: MPL-2.0

//! What switches of one group make of worlds that nothing was tuned on, beside switches that each believe to be alone.
//! 20 s of each world; the figures of whole ones are in docs/figures.md.

use std::ops::Range;

use gstavrec::policy::Config;
use gstavrec::replay::group::{Arrival, GroupFigures, GroupPolicy, Load, World};

const SEEDS: Range<u64> = 7000..7003;

fn world(streams: usize, arrival: Arrival, load: Load, seed: u64) -> World {
    World {
        duration_ms: 20_000.0,
        ..World::generate(streams, arrival, load, seed)
    }
}

fn figures(world: &World, policy: GroupPolicy) -> GroupFigures {
    let outcome = policy.play(world, Config::default()).unwrap();
    // The best joint choice takes long to find, and differences are told without it.
    GroupFigures::new(world, &outcome, 1.0)
}

/// By how much the quality of a group is above that of independent switches, in percent and in the mean of the seeds.
fn gain(streams: usize, arrival: Arrival, load: Load) -> f64 {
    let gains = SEEDS.map(|seed| {
        let world = world(streams, arrival, load, seed);
        let worth = |policy| figures(&world, policy).worth;
        100.0 * (worth(GroupPolicy::Group) / worth(GroupPolicy::Independent) - 1.0)
    });
    gains.sum::<f64>() / SEEDS.count() as f64
}

/// What a group may be behind in 20 s: streams of different rates, of which few share the machine, may lose as much by plans
/// that look at some periods and not at how phases go by each other.
const LEAST: f64 = 0.8;

#[track_caller]
fn check_gains(streams: usize, arrival: Arrival) -> f64 {
    let gains = Load::ALL.map(|it| (it.1, gain(streams, arrival, it.0)));
    for (load, gain) in gains {
        assert!(
            -LEAST <= gain,
            "{streams} streams, {arrival}, load {load}: {gain} %"
        );
    }
    gains.iter().map(|it| it.1).sum::<f64>() / gains.len() as f64
}

#[test]
fn eight_streams_whose_frames_come_together_gain_two_percent() {
    let gain = check_gains(8, Arrival::Together);
    assert!(2.0 <= gain, "{gain} % in the mean with and without load");
}

#[test]
fn eight_streams_whose_frames_come_apart_lose_nothing() {
    check_gains(8, Arrival::Apart);
}

#[test]
fn eight_streams_of_different_rates_lose_nothing() {
    check_gains(8, Arrival::Mixed);
}

#[test]
fn four_streams_lose_nothing() {
    for (arrival, _) in Arrival::ALL {
        check_gains(4, arrival);
    }
}

#[test]
fn hardly_a_stream_misses_more_than_it_may_where_it_is_calm() {
    let (mut streams, mut over) = (0, Vec::new());
    for (arrival, _) in Arrival::ALL {
        for seed in SEEDS {
            let world = world(8, arrival, Load::None, seed);
            let outcome = GroupPolicy::Group.play(&world, Config::default()).unwrap();
            let misses = outcome.courses.iter().map(|it| it.misses());
            streams += outcome.courses.len();
            // What is allowed, and a point of what cannot be foreseen.
            over.extend(misses.filter(|it| 0.04 < *it).map(|it| (arrival, seed, it)));
        }
    }
    assert_eq!(streams, 72);
    assert!(over.len() <= 1, "{over:?}");
    let is_together = |it: &(Arrival, u64, f64)| it.0 == Arrival::Together;
    assert!(!over.iter().any(is_together), "{over:?}");
}

/// Where frames come apart a light stream may have room that is no use to a heavy one, so this is of those that come together.
#[test]
fn light_streams_give_way_to_heavy_ones_of_the_same_demand() {
    for seed in SEEDS {
        let world = world(8, Arrival::Together, Load::None, seed)
            .weighted(&[4.0, 1.0])
            .alike();
        let figures = figures(&world, GroupPolicy::Group);
        let gave_way = figures.gave_way.unwrap();
        assert!(0.95 <= gave_way, "seed {seed}: {gave_way}");
        let [(_, heavy), (_, light)] = figures.kept[..] else {
            panic!("two weights: {:?}", figures.kept)
        };
        assert!(light + 0.05 < heavy, "seed {seed}: not all fit, {heavy} {light}");
    }
}
