// SPDX-License-Identifier: MPL-2.0

//! The rules of the replay, its oracles and its figures, on matrices that can be worked out by hand.

use gstavrec::replay::baseline::Static;
use gstavrec::replay::generate::{Kind, generate};
use gstavrec::replay::oracle::{clairvoyant, switch_aware};
use gstavrec::replay::{
    Cell, Column, Figures, Frames, Matrix, Outcome, Random, Run, Selector, ShadowRun, mean_of, simulate,
};

/// A matrix from rows of (latency in milliseconds, quality).
fn matrix(budget_ms: f64, period_ms: f64, rows: &[Vec<(f64, f64)>]) -> Matrix {
    let columns = (0..rows[0].len()).map(|it| Column {
        name: format!("c{it}"),
        prior: None,
        baseline_ms: None,
        device: 0,
    });
    let mut matrix = Matrix::new(columns.collect(), budget_ms, period_ms);
    for row in rows {
        matrix.push(row.iter().map(|(latency_ms, quality)| Cell {
            latency_ms: *latency_ms,
            quality: *quality,
        }));
    }
    matrix
}

/// Does on each frame what was written down for it, and remembers what it was told.
#[derive(Default)]
struct Script {
    picks: Vec<Option<usize>>,
    /// Whom to run in the shadow on which frame.
    shadows: Vec<(usize, usize)>,
    runs: Vec<Run>,
    shadowed: Vec<ShadowRun>,
    slacks: Vec<f64>,
}

impl Script {
    fn new(picks: &[usize]) -> Script {
        Script {
            picks: picks.iter().copied().map(Some).collect(),
            ..Script::default()
        }
    }
}

impl Selector for Script {
    fn pick(&mut self, frame: usize, _: f64) -> Option<usize> {
        self.picks[frame]
    }

    fn ran(&mut self, run: &Run) {
        self.runs.push(*run);
    }

    fn shadow(&mut self, _: f64, slack_ms: f64) -> Option<usize> {
        self.slacks.push(slack_ms);
        let frame = self.runs.last()?.frame;
        self.shadows.iter().find(|it| it.0 == frame).map(|it| it.1)
    }

    fn shadowed(&mut self, run: &ShadowRun) {
        self.shadowed.push(*run);
    }
}

fn figures(matrix: &Matrix, outcome: &Outcome) -> Figures {
    Figures::new(matrix, outcome, &clairvoyant(matrix), &switch_aware(matrix))
}

#[test]
fn the_first_run_after_a_swap_takes_15_percent_longer() {
    let rows = vec![vec![(8.0, 0.5), (8.0, 0.9)]; 3];
    let calm = matrix(9.5, 12.0, &rows);
    let mut script = Script::new(&[0, 1, 1]);
    let outcome = simulate(&calm, &mut script);
    let latencies: Vec<f64> = script.runs.iter().map(|it| it.latency_ms).collect();
    // 8 · 1.15 = 9.2: inside 9.5.
    assert!((latencies[1] - 9.2).abs() < 1e-9, "{latencies:?}");
    assert_eq!((latencies[0], latencies[2]), (8.0, 8.0));
    assert_eq!(outcome.worth, [0.5, 0.9, 0.9]);
    assert_eq!((outcome.swaps, outcome.decisions), (1, 3));

    let tight = matrix(9.0, 12.0, &rows);
    let outcome = simulate(&tight, &mut Script::new(&[0, 1, 1]));
    assert_eq!(outcome.worth, [0.5, 0.0, 0.9]);
    assert_eq!(outcome.missed, [false, true, false]);
}

#[test]
fn an_overrun_loses_the_frames_that_arrive_meanwhile() {
    let mut rows = vec![vec![(4.0, 0.8)]; 6];
    rows[1][0].0 = 25.0;
    let matrix = matrix(10.0, 10.0, &rows);
    let mut script = Script::new(&[0; 6]);
    let outcome = simulate(&matrix, &mut script);
    // Frame 1 takes until 35, so that those of 20 and 30 find the element busy.
    assert_eq!(outcome.picks, [Some(0), Some(0), None, None, Some(0), Some(0)]);
    assert_eq!(outcome.missed, [false, true, true, true, false, false]);
    assert_eq!(outcome.worth, [0.8, 0.0, 0.0, 0.0, 0.8, 0.8]);
    assert_eq!((script.runs[1].lost, script.runs[1].is_late), (2, true));
    assert_eq!(outcome.decisions, 4);
    // What is left of the third period after 25 ms.
    assert_eq!(script.slacks[1], 5.0);
}

#[test]
fn an_answer_inside_two_periods_is_on_time_and_costs_the_next_frame() {
    let matrix = matrix(20.0, 10.0, &vec![vec![(15.0, 0.8)]; 4]);
    let outcome = simulate(&matrix, &mut Static(0));
    assert_eq!(outcome.worth, [0.8, 0.0, 0.8, 0.0]);
    assert_eq!(outcome.missed, [false, true, false, true]);
}

#[test]
fn nobody_s_frame_is_worth_the_floor_and_no_miss() {
    let mut matrix = matrix(10.0, 10.0, &vec![vec![(4.0, 0.8)]; 2]);
    matrix.floor = 0.3;
    let mut script = Script::new(&[0, 0]);
    script.picks[0] = None;
    let outcome = simulate(&matrix, &mut script);
    assert_eq!(outcome.worth, [0.3, 0.8]);
    assert_eq!(
        (outcome.missed, outcome.swaps),
        (vec![false, false], 0),
        "the start is no swap"
    );
}

#[test]
fn a_shadow_run_that_fits_costs_nothing_but_its_time() {
    let matrix = matrix(10.0, 10.0, &vec![vec![(4.0, 0.5), (6.0, 0.9)]; 3]);
    let mut script = Script::new(&[0; 3]);
    script.shadows = vec![(0, 1)];
    let outcome = simulate(&matrix, &mut script);
    assert_eq!(outcome.worth, [0.5; 3]);
    assert_eq!(outcome.shadow_ms, 6.0);
    assert_eq!(outcome.swaps, 0);
    let told = ShadowRun {
        frame: 0,
        candidate: 1,
        latency_ms: 6.0,
        fits: true,
        quality: 0.9,
        active: 0,
        active_quality: 0.5,
    };
    assert_eq!(script.shadowed, [told]);
    assert!((figures(&matrix, &outcome).shadow_share - 0.2).abs() < 1e-12);
}

#[test]
fn a_shadow_run_that_does_not_fit_delays_the_next_frame() {
    let matrix = matrix(10.0, 10.0, &vec![vec![(7.5, 0.5), (6.0, 0.9)]; 4]);
    let mut script = Script::new(&[0; 4]);
    script.shadows = vec![(0, 1)];
    let outcome = simulate(&matrix, &mut script);
    // 7.5 + 6 leaves 3.5 ms of the next period: its answer comes after 11 ms, and the frame after it is lost.
    assert_eq!(script.runs[1].waited_ms, 3.5);
    assert!(!script.shadowed[0].fits);
    assert_eq!(outcome.missed, [false, true, true, false]);
}

#[test]
fn a_shadow_run_on_another_device_delays_only_what_runs_there() {
    let mut two = matrix(10.0, 10.0, &vec![vec![(7.5, 0.5), (6.0, 0.9)]; 4]);
    two.columns[1].device = 1;
    for (next, waited_ms) in [(0, 0.0), (1, 3.5)] {
        let mut script = Script::new(&[0, next, next, next]);
        script.shadows = vec![(0, 1)];
        simulate(&two, &mut script);
        assert!(!script.shadowed[0].fits);
        assert_eq!((script.runs[1].frame, script.runs[1].waited_ms), (1, waited_ms));
    }
}

#[test]
fn a_shadow_run_of_several_periods_loses_whole_frames() {
    let matrix = matrix(10.0, 10.0, &vec![vec![(4.0, 0.5), (29.0, 0.9)]; 5]);
    let mut script = Script::new(&[0; 5]);
    script.shadows = vec![(0, 1)];
    let outcome = simulate(&matrix, &mut script);
    // Busy until 33: the frames of 10 and 20 are gone, that of 30 waits for 3 ms.
    assert_eq!(outcome.missed, [false, true, true, false, false]);
    assert_eq!((script.runs[1].frame, script.runs[1].waited_ms), (3, 3.0));
}

#[test]
fn the_clairvoyant_takes_the_best_answer_in_time_or_the_floor() {
    let rows = [
        vec![(5.0, 0.5), (9.0, 0.9)],
        vec![(5.0, 0.5), (11.0, 0.9)],
        vec![(12.0, 0.5), (11.0, 0.9)],
        vec![(5.0, 0.1), (11.0, 0.9)],
    ];
    let mut matrix = matrix(10.0, 10.0, &rows);
    matrix.floor = 0.2;
    let ideal = clairvoyant(&matrix);
    assert_eq!(ideal.worth, [0.9, 0.5, 0.2, 0.2]);
    assert_eq!(ideal.picks, [Some(1), Some(0), None, None]);
}

/// Of all sequences of candidates the largest sum of worths less half a frame a swap.
fn brute_force(matrix: &Matrix) -> f64 {
    let (frames, count) = (matrix.frames(), matrix.candidates());
    let value = |sequence: usize| {
        let pick = |frame: usize| sequence / count.pow(frame as u32) % count;
        let worth = |frame: usize| {
            let cell = matrix.cell(frame, pick(frame));
            if cell.latency_ms <= matrix.budget_ms {
                cell.quality.max(matrix.floor)
            } else {
                matrix.floor
            }
        };
        let swaps = (1..frames).filter(|it| pick(*it) != pick(it - 1)).count();
        (0..frames).map(worth).sum::<f64>() - 0.5 * swaps as f64
    };
    (0..count.pow(frames as u32)).map(value).fold(f64::MIN, f64::max)
}

#[test]
fn no_sequence_beats_the_switch_aware_oracle() {
    let mut random = Random::new(1);
    let mut swaps = 0;
    for _ in 0..200 {
        let rows: Vec<Vec<(f64, f64)>> = (0..7)
            .map(|_| {
                (0..3)
                    .map(|_| (random.between(5.0, 13.0), random.between(0.0, 1.0)))
                    .collect()
            })
            .collect();
        let mut matrix = matrix(10.0, 10.0, &rows);
        matrix.floor = 0.1;
        let ideal = switch_aware(&matrix);
        let value = ideal.worth.iter().sum::<f64>() - 0.5 * ideal.swaps() as f64;
        assert!((value - brute_force(&matrix)).abs() < 1e-9);
        assert!(ideal.mean() <= clairvoyant(&matrix).mean() + 1e-12);
        swaps += ideal.swaps();
    }
    assert!(50 < swaps, "worlds without a swap prove little: {swaps}");
}

#[test]
fn regret_is_what_is_missing_of_what_was_possible() {
    // On each frame 0.9 is possible but for the last one.
    let mut rows = vec![vec![(4.0, 0.6), (8.0, 0.9)]; 10];
    rows[9][1].0 = 11.0;
    let matrix = matrix(10.0, 20.0, &rows);
    let outcome = simulate(&matrix, &mut Static(1));
    let figures = figures(&matrix, &outcome);
    assert_eq!((figures.miss_rate, figures.swaps_per_1000), (0.1, 0.0));
    assert!((figures.effective_quality - 0.81).abs() < 1e-12);
    // The clairvoyant has 0.87; a swap is worth 0.6 on the last frame and costs 0.5.
    assert!((figures.regret - (1.0 - 0.81 / 0.87)).abs() < 1e-12);
    assert_eq!(figures.regret, figures.regret_switch_aware);
    assert_eq!(figures.shadow_share, 0.0);

    let swapping = simulate(&matrix, &mut Script::new(&[0, 0, 1, 1, 1, 1, 1, 1, 1, 0]));
    let figures = self::figures(&matrix, &swapping);
    assert_eq!((figures.miss_rate, figures.swaps_per_1000), (0.0, 200.0));
}

/// Two candidates of 4 and 8 ms at a budget of 10, all of it `factor` times slower on frames 20 to 39 of 60.
fn loaded(factor: f64) -> Matrix {
    let slowdown = |frame: usize| {
        if (20..40).contains(&frame) { factor } else { 1.0 }
    };
    let rows: Vec<Vec<(f64, f64)>> = (0..60)
        .map(|frame| vec![(4.0 * slowdown(frame), 0.6), (8.0 * slowdown(frame), 0.9)])
        .collect();
    matrix(10.0, 40.0, &rows)
}

#[test]
fn reaction_counts_from_the_onset_to_the_first_of_five_in_time() {
    let matrix = loaded(2.0);
    // Stays for two frames of the load, and for three after it.
    let pick = |frame: usize| usize::from(!(22..43).contains(&frame));
    let picks: Vec<usize> = (0..60).map(pick).collect();
    let figures = figures(&matrix, &simulate(&matrix, &mut Script::new(&picks)));
    assert_eq!(
        (figures.reaction.clone(), figures.recovery.clone()),
        (vec![2], vec![3])
    );
    assert_eq!(figures.miss_rate, 2.0 / 60.0);

    // A relapse on the fourth frame in time starts the count again.
    let relapsing: Vec<usize> = (0..60).map(|it| if it == 25 { 1 } else { pick(it) }).collect();
    let figures = self::figures(&matrix, &simulate(&matrix, &mut Script::new(&relapsing)));
    assert_eq!((figures.reaction, figures.recovery), (vec![6], vec![3]));
}

#[test]
fn who_is_never_caught_reacts_in_no_time_and_may_never_recover() {
    let matrix = loaded(2.0);
    let fast = figures(&matrix, &simulate(&matrix, &mut Static(0)));
    assert_eq!((fast.reaction, fast.recovery), (vec![0], vec![20]));
    let slow = figures(&matrix, &simulate(&matrix, &mut Static(1)));
    assert_eq!((slow.reaction, slow.recovery), (vec![20], vec![0]));
}

#[test]
fn five_frames_in_time_at_the_very_end_count() {
    let matrix = loaded(2.0);
    let picks: Vec<usize> = (0..60).map(|it| usize::from(!(20..55).contains(&it))).collect();
    let figures = figures(&matrix, &simulate(&matrix, &mut Script::new(&picks)));
    assert_eq!(figures.recovery, [15]);
}

#[test]
fn a_small_or_a_single_change_is_no_onset() {
    let matrix = loaded(1.4);
    let calm = figures(&matrix, &simulate(&matrix, &mut Static(0)));
    assert_eq!((calm.reaction, calm.recovery), (vec![], vec![]));
    let mut rows = vec![vec![(4.0, 0.6)]; 40];
    rows[20][0].0 = 40.0;
    let matrix = self::matrix(10.0, 50.0, &rows);
    let spike = figures(&matrix, &simulate(&matrix, &mut Static(0)));
    assert_eq!((spike.reaction, spike.recovery), (vec![], vec![]));
}

#[test]
fn the_interval_of_a_mean_narrows_with_the_traces() {
    let none = mean_of(&[]);
    assert_eq!((none.mean, none.low, none.high), (0.0, 0.0, 0.0));
    let same = mean_of(&[0.25; 8]);
    assert_eq!((same.mean, same.low, same.high), (0.25, 0.25, 0.25));
    let coin = |count: usize| mean_of(&(0..count).map(|it| (it % 2) as f64).collect::<Vec<_>>());
    let (few, many) = (coin(16), coin(400));
    assert_eq!((few.mean, many.mean), (0.5, 0.5));
    // 1.96 standard errors of a fair coin: 0.245 and 0.049.
    for (interval, half) in [(few, 0.245), (many, 0.049)] {
        assert!(
            ((interval.high - interval.low) / 2.0 - half).abs() < 0.2 * half,
            "{interval:?}"
        );
    }
    assert_eq!(mean_of(&[0.0, 0.3, 1.0]), mean_of(&[0.0, 0.3, 1.0]));
}

#[test]
fn percentiles_of_frames_are_frames_that_were_seen() {
    let frames = Frames::new([9, 1, 4, 2]);
    assert_eq!((frames.median(), frames.max()), (Some(2), Some(9)));
    assert_eq!(
        (frames.percentile(0.9), frames.percentile(0.0)),
        (Some(9), Some(1))
    );
    assert_eq!(Frames::new([]).median(), None);
}

#[test]
fn a_world_never_changes() {
    // Figures are quoted by seed, so a generator that gives other numbers makes them worthless.
    for (kind, candidates, latency_ms, quality) in WORLDS {
        let world = generate(kind.parse::<Kind>().unwrap(), 100);
        let cells = || (0..world.frames()).flat_map(|it| world.row(it));
        let mean = |of: fn(&Cell) -> f64| cells().map(of).sum::<f64>() / cells().count() as f64;
        let found = (
            kind,
            world.candidates(),
            mean(|it| it.latency_ms),
            mean(|it| it.quality),
        );
        assert_eq!(world.frames(), 3000);
        let is_same = candidates == found.1
            && (latency_ms - found.2).abs() < 1e-9 * latency_ms
            && (quality - found.3).abs() < 1e-9;
        assert!(is_same, "{found:?}");
    }
}

/// Kind, candidates, and the mean latency in milliseconds and quality of all cells of the world of seed 100.
const WORLDS: [(&str, usize, f64, f64); 10] = [
    ("none", 5, 11.90492081993016, 0.7729451315204009),
    ("step", 5, 16.917651783600476, 0.7729451315204009),
    ("ramp", 5, 27.70468747409749, 0.7729451315204009),
    ("periodic", 5, 23.276886666213176, 0.7729451315204009),
    ("bursty", 5, 15.767028682845599, 0.7483040809186225),
    ("tail", 5, 12.67027793829358, 0.7954222089460494),
    ("unequal", 5, 17.72799105886638, 0.7729451315204009),
    ("step+inverted", 5, 16.917651783600476, 0.7529531315204018),
    ("machine", 4, 17.51103732057473, 0.8898739203953886),
    ("wild", 6, 19.2666229230211, 0.8433247688717115),
];
