// SPDX-License-Identifier: MPL-2.0

//! A world as one was measured: four candidates on a two-core machine while `stress-ng --cpu 4` comes and goes. What
//! differs from the simple worlds: the longer a run, the more contention slows it down (1.8, 3.2 and 4.5 times for runs
//! of 2.6, 8.5 and 27 ms, for short ones fit into a scheduler slice), single runs scatter widely while the machine is
//! busy, and what slows a long run down lasts over several frames.

use crate::replay::{Cell, Column, Matrix, Random};

const FRAMES: usize = 3000;
const PERIOD_MS: f64 = 40.0;

/// What was measured of one candidate.
struct Candidate {
    name: &'static str,
    baseline_ms: f64,
    quality: f64,
    /// Median factor under contention, the standard deviation of its logarithm, and how much of it a frame hands on.
    slowdown: f64,
    scatter: f64,
    carried: f64,
}

const CANDIDATES: [Candidate; 4] = [
    Candidate {
        name: "bilinear",
        baseline_ms: 0.4,
        quality: 0.80,
        slowdown: 1.6,
        scatter: 1.0,
        carried: 0.0,
    },
    Candidate {
        name: "small",
        baseline_ms: 2.6,
        quality: 0.90,
        slowdown: 1.8,
        scatter: 0.7,
        carried: 0.32,
    },
    Candidate {
        name: "medium",
        baseline_ms: 8.5,
        quality: 0.92,
        slowdown: 3.2,
        scatter: 0.5,
        carried: 0.67,
    },
    Candidate {
        name: "large",
        baseline_ms: 27.0,
        quality: 0.94,
        slowdown: 4.5,
        scatter: 0.5,
        carried: 0.9,
    },
];

pub(super) fn generate(seed: u64) -> Matrix {
    let mut random = Random::new(seed.wrapping_add(77_777));
    let columns = CANDIDATES.iter().map(|it| Column {
        name: it.name.to_string(),
        prior: Some(it.quality),
        baseline_ms: Some(it.baseline_ms),
        device: 0,
    });
    let mut matrix = Matrix::new(columns.collect(), PERIOD_MS, PERIOD_MS);
    let mut state = [0.0; CANDIDATES.len()];
    let mut busy = false;
    for _ in 0..FRAMES {
        // Busy for 5 s in the mean, calm for 10 s.
        busy = random.chance(if busy { 0.992 } else { 0.004 });
        let row: Vec<Cell> = (CANDIDATES.iter().zip(&mut state))
            .map(|(it, state)| {
                *state = it.carried * *state + (1.0 - it.carried * it.carried).sqrt() * random.normal();
                let contended = it.slowdown.ln() + it.scatter * *state;
                // Contention never makes a run faster.
                let slower = if busy { contended.max(0.0) } else { 0.0 };
                let noise = 0.04 * random.normal();
                Cell {
                    latency_ms: it.baseline_ms * (slower + noise).exp(),
                    quality: (it.quality + 0.01 * random.normal()).clamp(0.0, 1.0),
                }
            })
            .collect();
        matrix.push(row);
    }
    matrix
}
