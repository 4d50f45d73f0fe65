// SPDX-License-Identifier: MPL-2.0

use super::*;

const MB: u64 = 1_000_000;

/// Time of a load.
const HALF: Duration = Duration::from_millis(500);

fn user(stream: usize, lane: usize) -> User {
    User { stream, lane }
}

/// Candidates of one stream, lane by lane: model, megabytes, and prior; the first one is the floor.
fn stream_of(limit: u64, candidates: &[(&str, u64, f64)]) -> Residency {
    let mut it = Residency::default();
    it.set_limit(0, limit * MB);
    add_stream(&mut it, 0, candidates);
    it
}

fn add_stream(it: &mut Residency, stream: usize, candidates: &[(&str, u64, f64)]) {
    for (lane, (model, megabytes, prior)) in candidates.iter().enumerate() {
        let candidate = Candidate {
            model: model.to_string(),
            estimate: megabytes * MB,
            prior: *prior,
            is_floor: lane == 0,
        };
        it.add(user(stream, lane), candidate);
    }
}

/// The lane of the first stream whose load begins.
fn load(it: &mut Residency) -> Option<usize> {
    match it.step(0) {
        Some(Step::Load { lane, .. }) => Some(lane),
        _ => None,
    }
}

/// Does what there is to do, at once; returns it.
fn settle(it: &mut Residency, streams: usize) -> Vec<String> {
    let mut done = Vec::new();
    while let Some((stream, step)) = (0..streams).find_map(|at| Some((at, it.step(at)?))) {
        match step {
            Step::Load { lane, .. } => {
                let bytes = it.account(user(stream, lane)).unwrap().bytes;
                it.loaded(user(stream, lane), HALF, bytes);
                done.push(format!("load {stream}.{lane}"));
            }
            Step::Unload { lane, .. } => {
                it.left(user(stream, lane));
                done.push(format!("unload {stream}.{lane}"));
            }
            Step::DoesNotFit { lane, refusal } => {
                let (needed, kept) = (refusal.needed / MB, refusal.kept / MB);
                done.push(format!("refuse {stream}.{lane} {needed}+{kept}"));
            }
        }
        assert!(done.len() < 100, "it comes to rest: {done:?}");
    }
    done
}

fn says(lane: usize, uses: f64, wish: Wish, is_active: bool) -> Report {
    Report {
        lane,
        uses,
        wish,
        is_active,
        is_floor: lane == 0,
    }
}

const THREE: [(&str, u64, f64); 4] = [("floor", 5, 0.5), ("a", 40, 0.7), ("b", 40, 0.9), ("c", 40, 0.8)];

#[test]
fn the_floor_is_loaded_first_and_then_by_prior_what_there_is_room_for() {
    let mut it = stream_of(90, &THREE);
    assert_eq!(settle(&mut it, 1), ["load 0.0", "load 0.2", "load 0.3"]);
    assert_eq!(it.used(), 85 * MB);
    let mut unlimited = stream_of(0, &THREE);
    assert_eq!(settle(&mut unlimited, 1).len(), 4);
}

#[test]
fn one_load_at_a_time() {
    let mut it = stream_of(90, &THREE);
    assert_eq!(load(&mut it), Some(0));
    assert_eq!(load(&mut it), None);
    it.loaded(user(0, 0), HALF, 5 * MB);
    assert_eq!(load(&mut it), Some(2));
    it.failed(user(0, 2));
    assert_eq!(load(&mut it), Some(3), "the others go on");
}

#[test]
fn one_that_is_wished_for_takes_the_place_of_the_least_used() {
    let mut it = stream_of(90, &THREE);
    settle(&mut it, 1);
    let used = [(0, 1.0), (2, 5.0), (3, 0.0)].map(|(lane, uses)| says(lane, uses, Wish::None, lane == 2));
    it.report(0, 25, &used);
    it.report(
        0,
        25,
        &[used[0], used[1], used[2], says(1, 20.0, Wish::Gain, false)],
    );
    assert_eq!(settle(&mut it, 1), ["unload 0.3", "load 0.1"]);
    assert!(it.used() <= 90 * MB);
}

#[test]
fn an_active_candidate_leaves_for_a_pin_in_its_own_stream_alone() {
    let mut it = stream_of(50, &THREE);
    assert_eq!(settle(&mut it, 1), ["load 0.0", "load 0.2"]);
    let floor = says(0, 0.0, Wish::None, false);
    let active = says(2, 25.0, Wish::None, true);
    it.report(0, 25, &[floor, active, says(1, 25.0, Wish::Gain, false)]);
    assert_eq!(settle(&mut it, 1), ["refuse 0.1 40+45"], "not for a gain");
    it.report(0, 25, &[floor, active, says(1, 25.0, Wish::Gain, false)]);
    assert_eq!(settle(&mut it, 1), [""; 0], "which is told once");
    it.report(0, 25, &[floor, active, says(1, 0.0, Wish::Pin, false)]);
    assert_eq!(settle(&mut it, 1), ["unload 0.2", "load 0.1"]);
    // Another stream's pin does not fit, and is told that once.
    add_stream(&mut it, 1, &[("floor", 5, 0.5), ("d", 40, 0.5)]);
    it.report(0, 25, &[floor, says(1, 25.0, Wish::Pin, true)]);
    it.report(1, 25, &[floor, says(1, 0.0, Wish::Pin, false)]);
    assert_eq!(settle(&mut it, 2), ["load 1.0", "refuse 1.1 40+45"]);
    it.report(1, 25, &[floor, says(1, 0.0, Wish::Pin, false)]);
    assert_eq!(settle(&mut it, 2), [""; 0]);
}

#[test]
fn a_model_that_two_streams_have_counts_once_and_leaves_with_both() {
    let mut it = stream_of(90, &THREE);
    add_stream(&mut it, 1, &THREE);
    let done = settle(&mut it, 2);
    assert_eq!(
        done,
        [
            "load 0.0", "load 1.0", "load 0.2", "load 1.2", "load 0.3", "load 1.3"
        ]
    );
    assert_eq!(it.used(), 85 * MB);
    // What only the other stream uses stays.
    let idle = [says(0, 0.0, Wish::None, false)];
    it.report(0, 25, &idle);
    it.report(1, 25, &[idle[0], says(3, 25.0, Wish::None, true)]);
    it.report(0, 25, &[idle[0], says(1, 25.0, Wish::Gain, false)]);
    assert_eq!(
        settle(&mut it, 2),
        ["unload 0.2", "unload 1.2", "load 0.1", "load 1.1"]
    );
}

#[test]
fn a_limit_below_the_floor_is_told_once_and_the_floor_stays_alone() {
    let mut it = stream_of(90, &THREE);
    settle(&mut it, 1);
    it.report(
        0,
        25,
        &[says(0, 0.0, Wish::None, false), says(2, 25.0, Wish::None, true)],
    );
    it.set_limit(0, 3 * MB);
    assert_eq!(settle(&mut it, 1), ["unload 0.2", "unload 0.3", "refuse 0.0 5+0"]);
    assert_eq!(settle(&mut it, 1), [""; 0]);
    assert_eq!(it.account(user(0, 0)).unwrap().place, Place::In);
    // It is loaded at the start, too.
    let mut it = stream_of(3, &THREE);
    assert_eq!(settle(&mut it, 1), ["refuse 0.0 5+0", "load 0.0"]);
}

#[test]
fn without_a_floor_the_one_that_answers_stays_whatever_the_limit() {
    let mut it = stream_of(90, &THREE);
    settle(&mut it, 1);
    it.report(
        0,
        25,
        &[Report {
            is_active: true,
            lane: 2,
            ..Report::default()
        }],
    );
    it.set_limit(0, MB);
    assert_eq!(settle(&mut it, 1), ["unload 0.0", "unload 0.3"]);
}

#[test]
fn the_smallest_limit_of_the_streams_holds() {
    let mut it = stream_of(90, &THREE);
    it.set_limit(1, 50 * MB);
    assert_eq!(it.limit(), Some(50 * MB));
    it.remove_stream(1);
    assert_eq!(it.limit(), Some(90 * MB));
}

#[test]
fn what_takes_more_than_was_expected_leaves_again_and_others_are_expected_to_take_more() {
    let mut it = stream_of(90, &THREE);
    for lane in [0, 2] {
        assert_eq!(load(&mut it), Some(lane));
        it.loaded(user(0, lane), HALF, [5, 0, 40][lane] * MB);
    }
    it.report(
        0,
        25,
        &[says(0, 1.0, Wish::None, false), says(2, 25.0, Wish::None, true)],
    );
    assert_eq!(load(&mut it), Some(3));
    it.loaded(user(0, 3), HALF, 60 * MB);
    assert_eq!(settle(&mut it, 1), ["unload 0.3"]);
}

#[test]
fn of_two_equally_used_the_one_leaves_that_loads_faster_for_its_size() {
    let mut it = stream_of(
        60,
        &[
            ("floor", 5, 0.5),
            ("quick", 25, 0.5),
            ("slow", 25, 0.5),
            ("new", 25, 0.5),
        ],
    );
    let times = [(0, 10), (1, 100), (2, 900)];
    for (lane, ms) in times {
        assert_eq!(load(&mut it), Some(lane));
        it.loaded(user(0, lane), Duration::from_millis(ms), [5, 25, 25][lane] * MB);
    }
    let used = [0, 1, 2].map(|lane| says(lane, 5.0, Wish::None, lane == 0));
    it.report(0, 25, &used);
    it.report(
        0,
        25,
        &[used[0], used[1], used[2], says(3, 5.0, Wish::Gain, false)],
    );
    assert_eq!(settle(&mut it, 1), ["unload 0.1", "load 0.3"]);
}

#[test]
fn what_was_used_much_long_ago_leaves_before_what_is_used_now() {
    let mut it = stream_of(90, &THREE);
    settle(&mut it, 1);
    for _ in 0..400 {
        it.report(
            0,
            25,
            &[says(0, 0.0, Wish::None, false), says(2, 25.0, Wish::None, true)],
        );
    }
    // From now on it is the other one, for some minutes.
    for _ in 0..400 {
        it.report(
            0,
            25,
            &[says(0, 0.0, Wish::None, false), says(3, 25.0, Wish::None, true)],
        );
    }
    it.report(
        0,
        25,
        &[
            says(0, 0.0, Wish::None, true),
            says(3, 1.0, Wish::None, false),
            says(1, 25.0, Wish::Gain, false),
        ],
    );
    assert_eq!(settle(&mut it, 1), ["unload 0.2", "load 0.1"]);
}

#[test]
fn sizes_that_were_measured_tell_of_those_that_were_not() {
    let mut it = stream_of(90, &[("a", 40, 0.5), ("b", 40, 0.4), ("c", 40, 0.3)]);
    assert_eq!(load(&mut it), Some(0));
    it.loaded(user(0, 0), HALF, 28 * MB);
    assert_eq!(settle(&mut it, 1), ["load 0.1", "load 0.2"]);
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % end
    }
}

#[test]
fn whatever_happens_the_limit_holds_and_floors_and_active_candidates_stay() {
    const LANES: usize = 6;
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut it = Residency::default();
        let streams = 1 + random.below(4) as usize;
        let sizes: Vec<u64> = (0..8).map(|_| 1 + random.below(60)).collect();
        let mut actives = vec![0; streams];
        for stream in 0..streams {
            for lane in 0..LANES {
                let model = random.below(8) as usize;
                let candidate = Candidate {
                    model: model.to_string(),
                    estimate: sizes[model] * MB,
                    prior: random.below(10) as f64 / 10.0,
                    is_floor: lane == 0,
                };
                it.add(user(stream, lane), candidate);
            }
        }
        // All floors and all that may be active fit.
        let limit = 60 * MB * (2 * streams as u64 + 1);
        it.set_limit(0, limit);
        for _ in 0..200 {
            let stream = random.below(streams as u64) as usize;
            let place = |it: &Residency, lane| it.account(user(stream, lane)).unwrap().place;
            match random.below(3) {
                0 => {
                    let lane = random.below(LANES as u64) as usize;
                    if place(&it, lane) == Place::In {
                        actives[stream] = lane;
                    }
                }
                1 => {
                    let lane = random.below(LANES as u64) as usize;
                    if place(&it, lane) == Place::Loading {
                        it.failed(user(stream, lane));
                    } else {
                        it.retry(user(stream, lane));
                    }
                }
                _ => {}
            }
            let wishes = [Wish::None, Wish::Gain];
            let reports: Vec<Report> = (0..LANES)
                .map(|lane| {
                    let uses = random.below(25) as f64;
                    says(
                        lane,
                        uses,
                        wishes[random.below(2) as usize],
                        actives[stream] == lane,
                    )
                })
                .collect();
            it.report(stream, 25, &reports);
            if let Some(step) = it.step(stream) {
                match step {
                    Step::Load { lane, .. } => {
                        let bytes = it.account(user(stream, lane)).unwrap().bytes;
                        it.loaded(user(stream, lane), HALF, bytes);
                    }
                    Step::Unload { lane, .. } => {
                        assert!(lane != 0 && lane != actives[stream], "seed {seed}");
                        it.left(user(stream, lane));
                    }
                    Step::DoesNotFit { .. } => panic!("seed {seed}: all of them fit"),
                }
            }
            assert!(it.used() <= limit, "seed {seed}");
        }
        settle(&mut it, streams);
        for (stream, active) in actives.iter().enumerate() {
            for lane in [0, *active] {
                let place = it.account(user(stream, lane)).unwrap().place;
                assert!(
                    matches!(place, Place::In | Place::Failed),
                    "seed {seed}: {stream}.{lane} {place:?}"
                );
            }
        }
    }
}

#[test]
fn that_one_left_does_not_undo_its_load() {
    let mut it = stream_of(100, &[("a", 10, 0.5)]);
    assert!(!it.is_changing());
    assert_eq!(load(&mut it), Some(0));
    // It was told to stay away before, and says only now that it has left.
    it.left(user(0, 0));
    assert!(it.is_changing());
    assert_eq!(it.step(0), None, "it is not loaded twice");
    it.loaded(user(0, 0), HALF, 10 * MB);
    assert!(!it.is_changing());
    it.left(user(0, 0));
    assert_eq!(
        load(&mut it),
        Some(0),
        "one that was there and left is loaded again"
    );
}
