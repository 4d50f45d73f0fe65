// SPDX-License-Identifier: MPL-2.0

//! A world with two devices: the smallest candidate runs on the processor, the best one on an accelerator, the others on
//! either, and what loads one does not touch the other.

use crate::replay::{Cell, Column, Matrix, Random};

const FRAMES: usize = 3000;
const PERIOD_MS: f64 = 1000.0 / 30.0;
const BUDGET_MS: f64 = 30.0;

/// Baseline in milliseconds, and quality.
const CANDIDATES: [(f64, f64); 5] = [(3.0, 0.62), (6.0, 0.72), (10.0, 0.80), (16.0, 0.86), (24.0, 0.90)];

/// Quality of the input itself.
const FLOOR: f64 = 0.45;

/// Something that is loaded now and then: for 110 frames in the mean, after 220 in the mean without.
struct Loaded {
    strength: f64,
    factor: f64,
}

impl Loaded {
    fn pass(&mut self, random: &mut Random) {
        let is_loaded = 1.0 < self.factor;
        if random.chance(1.0 / if is_loaded { 110.0 } else { 220.0 }) {
            self.factor = if is_loaded {
                1.0
            } else {
                self.strength * random.between(0.85, 1.15)
            };
        }
    }
}

pub(super) fn generate(seed: u64) -> Matrix {
    let mut random = Random::new(seed.wrapping_add(161_803));
    let last = CANDIDATES.len() - 1;
    let devices: [usize; CANDIDATES.len()] = std::array::from_fn(|it| match it {
        0 => 0,
        it if it == last => 1,
        _ => random.whole(0, 1),
    });
    let mut loads = [(); 2].map(|()| Loaded {
        strength: random.between(1.6, 3.2),
        factor: 1.0,
    });
    let columns = CANDIDATES
        .iter()
        .zip(devices)
        .enumerate()
        .map(|(index, ((baseline, quality), device))| Column {
            name: format!("c{index}"),
            prior: Some(*quality),
            baseline_ms: Some(*baseline),
            device,
        });
    let mut matrix = Matrix::new(columns.collect(), BUDGET_MS, PERIOD_MS);
    matrix.floor = FLOOR;
    for _ in 0..FRAMES {
        loads.iter_mut().for_each(|it| it.pass(&mut random));
        let row: Vec<Cell> = (CANDIDATES.iter().zip(devices))
            .map(|((baseline, quality), device)| {
                let spike = if random.chance(0.003) {
                    1.0 + random.pareto(1.5)
                } else {
                    1.0
                };
                Cell {
                    latency_ms: baseline * loads[device].factor * spike * (0.06 * random.normal()).exp(),
                    quality: (quality + 0.02 * random.normal()).clamp(0.0, 1.0),
                }
            })
            .collect();
        matrix.push(row);
    }
    matrix
}
