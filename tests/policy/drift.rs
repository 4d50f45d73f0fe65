// SPDX-License-Identifier: MPL-2.0

//! A prior that does not hold is noticed by the comparisons that are made anyway.

use crate::support::world::World;

/// Frames of 20 s at 25 fps.
const TWENTY_SECONDS: usize = 500;

/// Candidates as the world has them, the third of which is worth `quality`.
fn world(quality: f64, seed: u64) -> World {
    World {
        candidates: vec![
            (1.0, 0.70, Some(0.70)),
            (3.0, 0.80, Some(0.80)),
            (6.0, quality, Some(0.90)),
            (14.0, 0.95, Some(0.95)),
        ],
        seed,
        ..World::default()
    }
}

#[test]
fn a_prior_that_is_far_too_high_is_noticed_within_twenty_seconds() {
    let mut noticed: Vec<usize> = (0..100)
        .map(|seed| {
            let drifts = world(0.60, seed).run(TWENTY_SECONDS).drifts;
            let first = drifts.iter().find(|it| it.1 == 2 && it.2.is_apart);
            first.map_or(usize::MAX, |it| it.0)
        })
        .collect();
    noticed.sort();
    println!("frames: median {}, worst {}", noticed[50], noticed[99]);
    assert!(noticed[99] < TWENTY_SECONDS, "{noticed:?}");
}

#[test]
fn where_priors_are_right_hardly_anything_is_told_in_three_minutes() {
    let is_false = |seed: &u64| !world(0.90, *seed).run(4_500).drifts.is_empty();
    let told: Vec<u64> = (0..100).filter(is_false).collect();
    println!("false drifts: {} of 100", told.len());
    assert!(told.len() <= 5, "{told:?}");
}
