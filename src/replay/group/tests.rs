// SPDX-License-Identifier: MPL-2.0

//! The rules of a group's replay, and its figures, on worlds that can be worked out by hand.

use std::time::Duration;

use super::avrec::Manner;
use super::*;
use crate::policy::Config;

/// A stream of 25 frames a second and a budget of 38 ms, its candidates by work in milliseconds and quality.
fn stream(candidates: &[(f64, f64)]) -> Stream {
    let kind = |&(work_ms, quality): &(f64, f64)| Kind { work_ms, quality };
    Stream {
        period_ms: 40.0,
        budget_ms: 38.0,
        phase_ms: 0.0,
        weight: 1.0,
        candidates: candidates.iter().map(kind).collect(),
    }
}

/// A machine of one processor on which each run takes what it takes, and frames come to the moment: the first ones after 1 ms.
fn world(streams: &[Stream], duration_ms: f64) -> World {
    World {
        processors: 1,
        streams: streams.to_vec(),
        duration_ms,
        loads: vec![(0.0, 0)],
        scatter: 0.0,
        jitter_ms: 0.0,
        seed: 1,
    }
}

/// Asks on each frame whom it says for that stream, and remembers what it was told.
#[derive(Default)]
struct Script {
    picks: Vec<Vec<usize>>,
    /// Whom to run beside the first answer.
    beside: Option<usize>,
    frames: Vec<usize>,
    busy: Vec<(f64, Vec<bool>)>,
    ended: Vec<Run>,
    missed: Vec<f64>,
}

impl Script {
    fn new(picks: &[&[usize]]) -> Script {
        Script {
            picks: picks.iter().map(|it| it.to_vec()).collect(),
            frames: vec![0; picks.len()],
            ..Script::default()
        }
    }

    fn ends(&self) -> Vec<f64> {
        // To the microsecond.
        self.ended
            .iter()
            .map(|it| (it.end_ms * 1e3).round() / 1e3)
            .collect()
    }
}

impl Chooser for Script {
    fn frame(&mut self, stream: usize, now_ms: f64, free: &[bool], _: f64) -> Option<usize> {
        self.busy.push((now_ms, free.iter().map(|it| !it).collect()));
        let frame = self.frames[stream];
        self.frames[stream] += 1;
        self.picks[stream].get(frame).copied()
    }

    fn ended(&mut self, run: &Run) {
        self.ended.push(*run);
    }

    fn missed(&mut self, run: &Run) {
        self.missed.push(run.end_ms);
    }

    fn shadow(&mut self, _: usize, _: f64, _: f64, _: &[bool]) -> Option<usize> {
        self.beside.take()
    }
}

#[test]
fn two_runs_on_one_processor_share_it_and_on_two_they_do_not() {
    let mut world = world(&[stream(&[(10.0, 0.9)]), stream(&[(6.0, 0.9)])], 40.0);
    let ends = |world: &World| {
        let mut script = Script::new(&[&[0], &[0]]);
        simulate(world, &mut script);
        script.ends()
    };
    assert_eq!(ends(&world), [13.0, 17.0], "6 ms each in 12, then 4 alone");
    world.processors = 2;
    assert_eq!(ends(&world), [7.0, 11.0]);
}

#[test]
fn a_run_that_is_late_is_worth_nothing_and_keeps_its_candidate_busy() {
    let world = world(&[stream(&[(50.0, 0.9), (5.0, 0.5)])], 80.0);
    let mut script = Script::new(&[&[0, 0]]);
    let course = simulate(&world, &mut script).remove(0);
    assert_eq!(script.missed, [39.0]);
    assert_eq!(
        script.busy,
        [(1.0, vec![false, false]), (41.0, vec![true, false])]
    );
    assert_eq!(script.ends(), [51.0]);
    assert!(script.ended[0].is_late && script.ended[0].ran_into_next);
    // Nobody can be asked who is busy.
    assert_eq!(course.frames[1].candidate, None);
    assert_eq!((course.misses(), course.worth()), (1.0, 0.0));
}

#[test]
fn threads_of_others_take_their_share_from_when_they_come() {
    let mut world = world(&[stream(&[(10.0, 0.9)])], 40.0);
    world.loads = vec![(0.0, 0), (5.0, 1), (11.0, 0)];
    let mut script = Script::new(&[&[0]]);
    simulate(&world, &mut script);
    assert_eq!(script.ends(), [14.0], "4 ms, 3 ms of 6, and 3 ms");
}

#[test]
fn the_first_run_after_a_swap_takes_longer_and_the_first_of_all_does_not() {
    let world = world(&[stream(&[(10.0, 0.5), (20.0, 0.9)])], 160.0);
    let mut script = Script::new(&[&[0, 1, 1, 0]]);
    let course = simulate(&world, &mut script).remove(0);
    assert_eq!(script.ends(), [11.0, 64.0, 101.0, 132.5]);
    assert_eq!(course.swaps, [41.0, 121.0]);
}

#[test]
fn a_run_beside_takes_its_turn_and_answers_nothing() {
    let mut streams = vec![stream(&[(4.0, 0.5), (10.0, 0.9)]), stream(&[(10.0, 0.9)])];
    streams[1].phase_ms = 10.0;
    let mut script = Script {
        beside: Some(1),
        ..Script::new(&[&[0], &[0]])
    };
    let courses = simulate(&world(&streams, 40.0), &mut script);
    // The run beside is alone from 5 to 11, shares until 19, and leaves 6 of 10 ms of the other one.
    assert_eq!(script.ends(), [5.0, 19.0, 25.0]);
    assert!(script.ended[1].is_shadow && !script.ended[2].is_shadow);
    assert!(courses[0].worth() < 0.7, "what left is the answer of the first");
    assert!(courses[0].swaps.is_empty());
}

#[test]
fn the_best_joint_choice_is_no_worse_than_any_other() {
    for (arrival, _) in Arrival::ALL {
        for (load, _) in Load::ALL {
            let world = World {
                processors: 1,
                duration_ms: 20_000.0,
                ..World::generate(2, arrival, load, 1)
            };
            let worth = |policy: GroupPolicy| {
                let outcome = policy.play(&world, Config::default()).unwrap();
                GroupFigures::new(&world, &outcome, 1.0).worth
            };
            let best = worth(GroupPolicy::Optimum);
            for (policy, _) in GroupPolicy::ALL {
                let other = worth(policy);
                assert!(
                    other <= best + 0.001,
                    "{policy}, {arrival}, {load}: {other} {best}"
                );
            }
        }
    }
}

#[test]
fn a_seed_is_a_world_and_a_course() {
    let world = |seed| World {
        duration_ms: 5_000.0,
        ..World::generate(3, Arrival::Mixed, Load::Some, seed)
    };
    assert_eq!(world(7), world(7));
    assert_ne!(world(7).streams, world(8).streams);
    let courses = |seed| {
        let mut avrec = avrec::Avrec::new(&world(seed), Manner::Group, Config::default()).unwrap();
        simulate(&world(seed), &mut avrec)
    };
    assert_eq!(courses(7), courses(7));
    assert_ne!(courses(7), courses(8));
}

#[test]
fn words_are_read_as_they_are_told() {
    for (arrival, _) in Arrival::ALL {
        assert_eq!(arrival.to_string().parse(), Ok(arrival));
    }
    for (policy, _) in GroupPolicy::ALL {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    let error = "heavy".parse::<Load>().unwrap_err();
    assert_eq!(error, "'heavy' is no load; known: none, some");
}

/// Frames each 40 ms from these candidates, each worth a half.
fn course(candidates: &[usize], swaps: &[f64]) -> Course {
    let frame = |(frame, candidate): (usize, &usize)| Answer {
        at_ms: 40.0 * frame as f64,
        candidate: Some(*candidate),
        worth: 0.5,
        is_missed: false,
    };
    Course {
        frames: candidates.iter().enumerate().map(frame).collect(),
        swaps: swaps.to_vec(),
    }
}

fn figures(world: &World, courses: Vec<Course>) -> GroupFigures {
    let thinking = Duration::from_micros(60);
    GroupFigures::new(world, &Outcome { courses, thinking }, 0.8)
}

#[test]
fn only_swaps_of_different_streams_without_a_common_cause_count_as_joint() {
    let mut world = world(&vec![stream(&[(3.0, 0.5)]); 2], 40_000.0);
    world.loads = vec![(0.0, 0), (20_000.0, 2)];
    let joint = |one: &[f64], other: &[f64]| {
        let courses = vec![course(&[0; 10], one), course(&[0; 10], other)];
        (figures(&world, courses).joint_swaps_per_1000 * 20.0 / 1e3).round() as usize
    };
    assert_eq!(joint(&[5_000.0], &[5_400.0]), 2);
    assert_eq!(joint(&[5_000.0], &[5_600.0]), 0);
    assert_eq!(joint(&[5_000.0, 5_100.0], &[]), 0, "one stream alone");
    assert_eq!(joint(&[5_000.0], &[5_000.0]), 2, "at the same moment");
    assert_eq!(joint(&[21_000.0], &[21_100.0]), 0, "a load came");
    assert_eq!(joint(&[1_000.0], &[1_100.0]), 0, "all begin");
}

#[test]
fn who_gave_way_is_counted_where_demands_are_the_same() {
    let alike = world(&vec![stream(&[(3.0, 0.5), (9.0, 1.0)]); 2], 400.0).weighted(&[4.0, 1.0]);
    let of = figures(
        &alike,
        vec![course(&[0, 1, 0, 1], &[]), course(&[0, 0, 1, 1], &[])],
    );
    assert_eq!(
        of.gave_way,
        Some(0.75),
        "the light one stands higher in one of four"
    );
    assert_eq!(of.kept, [(4.0, 0.5), (1.0, 0.5)]);
    assert_eq!((of.worth, of.decision_us), (0.5, 7.5));
    assert!((of.loss - 0.375).abs() < 1e-9);
    let equal = alike.clone().weighted(&[1.0]);
    assert_eq!(figures(&equal, vec![course(&[0], &[]); 2]).gave_way, None);
    let (mut works, mut periods) = (alike.clone(), alike);
    works.streams[1].candidates[1].work_ms = 8.0;
    periods.streams[1].period_ms = 20.0;
    for unlike in [works, periods] {
        assert_eq!(figures(&unlike, vec![course(&[0], &[]); 2]).gave_way, None);
    }
}
