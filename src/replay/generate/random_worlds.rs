// SPDX-License-Identifier: MPL-2.0

//! Worlds of other shapes: what users may bring. Everything is drawn from the seed.

use super::contention::{Shape, contention};
use crate::replay::{Cell, Column, Matrix, Random};

const FRAMES: usize = 3000;

/// What is drawn for one candidate.
struct Candidate {
    baseline: f64,
    quality: f64,
    /// Exponent on contention; zero for one that runs elsewhere.
    exponent: f64,
    /// Standard deviation of the log-normal noise, and how much of it is carried to the next frame.
    noise: f64,
    carried: f64,
    /// Share of frames in the slow mode, and its factor.
    slow: (f64, f64),
    state: f64,
}

/// What is drawn for the world.
struct Surroundings {
    contention: Vec<f64>,
    /// Share of frames on which all are slower by 1 + Pareto(1.5), and on which all pause for some periods.
    spikes: f64,
    pauses: f64,
    /// Frames between scene cuts in the mean, and by how much a cut moves each candidate's quality.
    cuts: f64,
    moved: f64,
    /// Standard deviation of a single answer's quality.
    scatter: f64,
}

pub(super) fn generate(seed: u64) -> Matrix {
    let mut random = Random::new(seed.wrapping_mul(2).wrapping_add(1_000_003));
    let period = 1000.0 / [25.0, 30.0, 50.0, 60.0][random.whole(0, 3)];
    let budget = period * [0.5, 0.7, 0.9, 1.0, 1.0, 1.5, 2.0][random.whole(0, 6)];
    let mut candidates = candidates(budget, &mut random);
    let surroundings = surroundings(&mut random);
    let mut matrix = Matrix::new(columns(&candidates, &mut random), budget, period);
    let mut content = 0.0;
    let mut offsets = vec![0.0; candidates.len()];
    for frame in 0..FRAMES {
        if 0 < frame && random.chance(1.0 / surroundings.cuts) {
            offsets
                .iter_mut()
                .for_each(|it| *it = surroundings.moved * random.normal());
        }
        let shared = if random.chance(surroundings.spikes) {
            1.0 + random.pareto(1.5)
        } else {
            1.0
        };
        let pause = if random.chance(surroundings.pauses) {
            random.between(1.0, 4.0) * period
        } else {
            0.0
        };
        content = 0.98 * content + 0.006 * random.normal();
        let slowdown = surroundings.contention[frame];
        let row: Vec<Cell> = (candidates.iter_mut().zip(&offsets))
            .map(|(it, offset)| {
                let fresh = (1.0 - it.carried * it.carried).sqrt() * it.noise * random.normal();
                it.state = it.carried * it.state + fresh;
                let mode = if random.chance(it.slow.0) { it.slow.1 } else { 1.0 };
                let quality = it.quality + offset + content + surroundings.scatter * random.normal();
                Cell {
                    latency_ms: it.baseline * slowdown.powf(it.exponent) * mode * shared * it.state.exp()
                        + pause,
                    quality: quality.clamp(0.0, 1.0),
                }
            })
            .collect();
        matrix.push(row);
    }
    matrix
}

fn candidates(budget: f64, random: &mut Random) -> Vec<Candidate> {
    let count = random.whole(3, 8);
    let (fastest, slowest) = (
        budget * random.between(0.04, 0.2),
        budget * random.between(0.6, 1.3),
    );
    let (worst, best) = (random.between(0.3, 0.8), random.between(0.82, 0.97));
    let is_bimodal = random.chance(0.35);
    let noise = random.between(0.02, 0.12);
    let carried = if random.chance(0.3) { 0.9 } else { 0.0 };
    let unequal = random.between(0.0, 0.4);
    (0..count)
        .map(|index| {
            let place = index as f64 / (count - 1) as f64;
            let elsewhere = random.chance(0.12);
            let slow = is_bimodal && random.chance(0.5);
            Candidate {
                baseline: fastest * (slowest / fastest).powf(place) * (0.15 * random.normal()).exp(),
                // Concave: the last milliseconds buy least.
                quality: (worst + (best - worst) * place.powf(0.6) + 0.03 * random.normal()).min(0.98),
                exponent: if elsewhere {
                    0.0
                } else {
                    1.0 + unequal * random.between(-1.0, 1.0)
                },
                noise,
                carried,
                slow: if slow {
                    (random.between(0.02, 0.3), random.between(1.3, 2.5))
                } else {
                    (0.0, 1.0)
                },
                state: 0.0,
            }
        })
        .collect()
}

fn surroundings(random: &mut Random) -> Surroundings {
    let shapes = [
        Shape::None,
        Shape::Step,
        Shape::Ramp,
        Shape::Periodic,
        Shape::Bursty,
        Shape::Bursty,
    ];
    let shape = shapes[random.whole(0, 5)];
    let strength = random.between(0.3, 1.4);
    let contention = contention(shape, FRAMES, random);
    Surroundings {
        contention: contention.into_iter().map(|it: f64| it.powf(strength)).collect(),
        spikes: if random.chance(0.4) {
            random.between(0.005, 0.03)
        } else {
            0.002
        },
        pauses: if random.chance(0.3) { 0.003 } else { 0.0 },
        cuts: if random.chance(0.4) {
            random.between(200.0, 800.0)
        } else {
            f64::INFINITY
        },
        moved: random.between(0.02, 0.1),
        scatter: random.between(0.0, 0.06),
    }
}

/// What the catalogue says: the truth about, the truth reversed, or nothing.
fn columns(candidates: &[Candidate], random: &mut Random) -> Vec<Column> {
    let what = random.unit();
    let has_baselines = random.chance(0.7);
    let count = candidates.len();
    (0..count)
        .map(|index| {
            let told = &candidates[if what < 0.15 { count - 1 - index } else { index }];
            let prior = (told.quality + 0.03 * random.normal()).clamp(0.05, 0.99);
            let it = &candidates[index];
            let mode = if 0.5 < it.slow.0 { it.slow.1 } else { 1.0 };
            Column {
                name: format!("c{index}"),
                prior: (what < 0.75).then_some(prior),
                baseline_ms: has_baselines.then_some(it.baseline * mode),
                device: 0,
            }
        })
        .collect()
}
