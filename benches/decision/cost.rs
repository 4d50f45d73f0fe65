// SPDX-License-Identifier: MPL-2.0

//! What a decision costs with sixteen candidates: time, and allocations.

use gstavrec::policy::Config;
use gstavrec::replay::avrec::Avrec;
use gstavrec::replay::{Cell, Column, Matrix, Random, Run, Selector, ShadowRun, simulate};

use crate::allocations;

const CANDIDATES: usize = 16;
const FRAMES: usize = 3000;

/// Frames until everything has grown to its size.
const WARM_UP: usize = 300;

const REPETITIONS: usize = 9;

pub struct Cost {
    /// Of the repetitions' mean times of a decision, in microseconds.
    pub least_us: f64,
    pub median_us: f64,
    pub most_us: f64,
    /// After the warm-up, over all decisions of one repetition.
    pub allocations: u64,
    pub swaps: usize,
    pub shadow_runs: usize,
}

/// Sixteen candidates of 2 to 30 ms at a budget of 30, beside a load that comes and goes.
fn matrix() -> Matrix {
    let mut random = Random::new(16);
    let place = |it: usize| it as f64 / (CANDIDATES - 1) as f64;
    let baseline = |it: usize| 2.0 * 15f64.powf(place(it));
    let quality = |it: usize| 0.5 + 0.45 * place(it).powf(0.6);
    let columns = (0..CANDIDATES).map(|it| Column {
        name: format!("c{it}"),
        prior: Some(quality(it)),
        baseline_ms: Some(baseline(it)),
        device: 0,
    });
    let mut matrix = Matrix::new(columns.collect(), 30.0, 100.0 / 3.0);
    for frame in 0..FRAMES {
        let slowdown = if frame % 500 < 150 { 2.2 } else { 1.0 };
        let row: Vec<Cell> = (0..CANDIDATES)
            .map(|it| Cell {
                latency_ms: baseline(it) * slowdown * (0.06 * random.normal()).exp(),
                quality: (quality(it) + 0.02 * random.normal()).clamp(0.0, 1.0),
            })
            .collect();
        matrix.push(row);
    }
    matrix
}

/// Our policy with its allocations counted.
struct Counted {
    avrec: Avrec,
    allocations: u64,
    shadow_runs: usize,
    frame: usize,
}

impl Counted {
    fn count<T>(&mut self, call: impl FnOnce(&mut Avrec) -> T) -> T {
        let before = allocations();
        let result = call(&mut self.avrec);
        if WARM_UP <= self.frame {
            self.allocations += allocations() - before;
        }
        result
    }
}

impl Selector for Counted {
    fn pick(&mut self, frame: usize, now_ms: f64) -> Option<usize> {
        self.frame = frame;
        self.count(|it| it.pick(frame, now_ms))
    }

    fn ran(&mut self, run: &Run) {
        self.count(|it| it.ran(run));
    }

    fn shadow(&mut self, now_ms: f64, slack_ms: f64) -> Option<usize> {
        self.count(|it| it.shadow(now_ms, slack_ms))
    }

    fn shadowed(&mut self, run: &ShadowRun) {
        self.shadow_runs += 1;
        self.count(|it| it.shadowed(run));
    }
}

pub fn measure() -> Cost {
    let matrix = matrix();
    let avrec = || Avrec::new(&matrix, Config::default()).expect("a sound configuration");
    let mut times: Vec<f64> = (0..REPETITIONS)
        .map(|_| {
            let outcome = simulate(&matrix, &mut avrec());
            outcome.thinking.as_secs_f64() * 1e6 / outcome.decisions as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let mut counted = Counted {
        avrec: avrec(),
        allocations: 0,
        shadow_runs: 0,
        frame: 0,
    };
    let outcome = simulate(&matrix, &mut counted);
    Cost {
        least_us: times[0],
        median_us: times[REPETITIONS / 2],
        most_us: times[REPETITIONS - 1],
        allocations: counted.allocations,
        swaps: outcome.swaps,
        shadow_runs: counted.shadow_runs,
    }
}

pub fn run() {
    let cost = measure();
    println!(
        "cost: a decision among 16 candidates, with all that is learned of its run: {:.1} µs ({:.1} to {:.1} in {REPETITIONS} \
         repetitions; reach 30, aim 10)",
        cost.median_us, cost.least_us, cost.most_us
    );
    println!(
        "allocations in {} frames with {} swaps and {} shadow runs: {} (reach 0)",
        FRAMES - WARM_UP,
        cost.swaps,
        cost.shadow_runs,
        cost.allocations
    );
}
