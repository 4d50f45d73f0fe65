// SPDX-License-Identifier: MPL-2.0

//! What a group leaves its streams, on a clock that the test moves.

use std::time::Duration;

use gstavrec::group::{Place, Rung, Shares, Wants};

const PERIOD: Duration = Duration::from_millis(40);

/// A group of equal streams at 25 frames a second whose frames come together.
struct Crowd {
    shares: Shares,
    streams: Vec<usize>,
    rungs: Vec<Rung>,
    now: Duration,
}

impl Crowd {
    /// Works in milliseconds, with qualities.
    fn new(processors: usize, weights: &[f64], rungs: &[(f64, f64)]) -> Crowd {
        let mut shares = Shares::new(processors);
        let rung = |(candidate, (work, quality)): (usize, &(f64, f64))| Rung {
            candidate,
            work: work / 1e3,
            upper: work / 1e3,
            value: quality.ln(),
        };
        Crowd {
            streams: weights.iter().map(|it| shares.join(*it)).collect(),
            rungs: rungs.iter().enumerate().map(rung).collect(),
            shares,
            now: Duration::ZERO,
        }
    }

    /// A frame of each stream but those that `pause`; who runs what it may.
    fn frame(&mut self, pause: &[usize]) -> Vec<Place> {
        self.now += PERIOD;
        let mut places = Vec::new();
        for stream in self.streams.iter().filter(|it| !pause.contains(it)) {
            let wants = Wants {
                now: self.now,
                period: PERIOD,
                budget: Duration::from_millis(38),
                miss_rate: 0.03,
                rungs: &self.rungs,
            };
            places.push(self.shares.frame(*stream, &wants).place);
            if let Some(due) = self.shares.due(self.now) {
                self.shares.follow(&due, &due.plan(), self.now);
            }
        }
        places
    }

    fn frames(&mut self, count: usize, pause: &[usize]) -> Vec<Place> {
        (1..count).for_each(|_| drop(self.frame(pause)));
        self.frame(pause)
    }
}

fn held_back(places: &[Place]) -> usize {
    places
        .iter()
        .filter(|it| matches!(it, Place::HeldBack { .. }))
        .count()
}

#[test]
fn one_stream_is_left_all() {
    let mut crowd = Crowd::new(1, &[1.0], &[(5.0, 0.6), (90.0, 0.9)]);
    assert_eq!(crowd.frames(100, &[]), [Place::Free]);
}

#[test]
fn who_does_not_fit_is_held_back_and_a_pause_makes_room() {
    let mut crowd = Crowd::new(1, &[1.0, 1.0], &[(5.0, 0.6), (25.0, 0.9)]);
    assert_eq!(
        held_back(&crowd.frames(50, &[])),
        1,
        "30 ms fit into 38, 50 do not"
    );
    let other = crowd.streams[0];
    assert_eq!(crowd.frames(100, &[other]), [Place::Free]);
    assert_eq!(held_back(&crowd.frames(200, &[])), 1, "it is back");
    crowd.shares.leave(other);
    crowd.streams.remove(0);
    assert_eq!(crowd.frames(5, &[]), [Place::Free]);
}

#[test]
fn one_stream_too_many_has_no_place_after_a_second_and_the_heavier_ones_do() {
    let mut crowd = Crowd::new(1, &[2.0, 0.5, 1.0], &[(18.0, 0.6)]);
    assert!(!crowd.frames(20, &[]).contains(&Place::None), "it may pass");
    assert_eq!(crowd.frames(20, &[]), [Place::Free, Place::None, Place::Free]);
    let (first, second) = (crowd.streams[0], crowd.streams[1]);
    crowd.shares.set_weight(second, 4.0);
    crowd.shares.set_weight(first, 0.1);
    assert_eq!(crowd.frames(100, &[]), [Place::None, Place::Free, Place::Free]);
}

#[test]
fn misses_that_no_plan_foresaw_make_it_careful() {
    let mut crowd = Crowd::new(1, &[1.0, 1.0], &[(5.0, 0.6), (16.0, 0.9)]);
    assert_eq!(held_back(&crowd.frames(50, &[])), 0, "32 ms fit into 38");
    for _ in 0..50 {
        let missed = crowd.streams[0];
        crowd.shares.missed(missed);
        crowd.frame(&[]);
    }
    assert!(0 < held_back(&crowd.frame(&[])));
}

#[test]
fn more_is_given_to_one_at_a_time() {
    let mut crowd = Crowd::new(2, &[1.0; 6], &[(3.0, 0.6), (8.0, 0.8), (27.0, 0.9)]);
    crowd.frames(50, &[]);
    let all = crowd.streams.len();
    // A load of others that comes, and goes.
    let calm = crowd.rungs.clone();
    crowd
        .rungs
        .iter_mut()
        .for_each(|it| (it.work, it.upper) = (2.5 * it.work, 2.5 * it.upper));
    let least = |places: &[Place], work: f64| {
        let is_it = |it: &Place| matches!(it, Place::HeldBack { work: left } if left.as_secs_f64() < work);
        places.iter().filter(|it| is_it(it)).count()
    };
    let under_load = least(&crowd.frames(100, &[]), 0.010);
    assert!(
        all - 2 <= under_load && under_load <= all,
        "{under_load} at 7.5 ms"
    );
    crowd.rungs = calm;
    let mut before = least(&crowd.frame(&[]), 0.005);
    for _ in 0..200 {
        let now = least(&crowd.frame(&[]), 0.005);
        assert!(before <= now + 1, "{before} and then {now}");
        before = now;
    }
    assert_eq!(before, 0);
}
