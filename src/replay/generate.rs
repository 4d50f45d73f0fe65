// SPDX-License-Identifier: MPL-2.0

//! Seeded worlds. The six kinds of contention of the specification (section 4), the same with unequal candidates or
//! with a catalogue that becomes wrong, `machine`: as one was measured, and `wild`: worlds of other shapes, on which
//! nothing was tuned.

mod contention;
mod devices;
mod machine;
mod random_worlds;
mod sensed;

use std::fmt;
use std::str::FromStr;

use super::{Cell, Column, Matrix, Random};
pub use contention::Shape;
use contention::{SHAPES, contention};

/// A kind of world: a shape, and whether the catalogue becomes wrong: the second-best candidate loses 0.12 of quality
/// after 500 frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    pub shape: Shape,
    pub inverted: bool,
}

impl Kind {
    /// The six shapes on which policies are compared.
    pub fn six(inverted: bool) -> impl Iterator<Item = Kind> {
        SHAPES[..6].iter().map(move |(shape, _)| Kind {
            shape: *shape,
            inverted,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            self.shape,
            if self.inverted { "+inverted" } else { "" }
        )
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let (name, inverted) = match text.strip_suffix("+inverted") {
            Some(name) => (name, true),
            None => (text, false),
        };
        match SHAPES.iter().find(|it| it.1 == name) {
            Some((Shape::Wild | Shape::Machine | Shape::Sensed | Shape::TwoDevices, _)) if inverted => {
                Err(format!("{name} worlds say by themselves what the catalogue says"))
            }
            Some((shape, _)) => Ok(Kind {
                shape: *shape,
                inverted,
            }),
            None => {
                let names: Vec<&str> = SHAPES.iter().map(|it| it.1).collect();
                Err(format!(
                    "'{text}' is no kind of world; known: {}, each but machine, wild, sensed and two-devices also with +inverted",
                    names.join(", ")
                ))
            }
        }
    }
}

/// 100 s at 30 frames a second.
const FRAMES: usize = 3000;
const PERIOD_MS: f64 = 1000.0 / 30.0;
const BUDGET_MS: f64 = 30.0;

/// Baseline in milliseconds, and quality.
const CANDIDATES: [(f64, f64); 5] = [(3.0, 0.62), (6.0, 0.72), (10.0, 0.80), (16.0, 0.86), (24.0, 0.90)];

/// Quality of the input itself.
const FLOOR: f64 = 0.45;

/// Makes the world of this kind and seed; the same on each platform, but for the last bits of its mathematics.
pub fn generate(kind: Kind, seed: u64) -> Matrix {
    match kind.shape {
        Shape::Wild => return random_worlds::generate(seed),
        Shape::Machine => return machine::generate(seed),
        Shape::Sensed => return sensed::generate(seed),
        Shape::TwoDevices => return devices::generate(seed),
        _ => {}
    }
    let mut random = Random::new(seed);
    let contention = contention(kind.shape, FRAMES, &mut random);
    let spread = if kind.shape == Shape::Unequal { 0.5 } else { 0.15 };
    let exponents = CANDIDATES.map(|_| random.between(1.0 - spread, 1.0 + spread));
    let errors = CANDIDATES.map(|_| 0.02 * random.normal());
    let spikes = if kind.shape == Shape::Tail { 0.02 } else { 0.003 };
    let columns = CANDIDATES
        .iter()
        .enumerate()
        .map(|(index, (baseline, quality))| Column {
            name: format!("c{index}"),
            prior: Some(*quality),
            baseline_ms: Some(*baseline),
            device: 0,
        });
    let mut matrix = Matrix::new(columns.collect(), BUDGET_MS, PERIOD_MS);
    matrix.floor = FLOOR;
    let mut content = 0.0;
    for (frame, slowdown) in contention.into_iter().enumerate() {
        let spike = if random.chance(spikes) {
            1.0 + random.pareto(1.5)
        } else {
            1.0
        };
        content = 0.98 * content + 0.01 * random.normal();
        let row: Vec<Cell> = (0..CANDIDATES.len())
            .map(|it| {
                let (baseline, quality) = CANDIDATES[it];
                let fallen = kind.inverted && it == 3 && 500 < frame;
                let quality = quality + errors[it] + content - if fallen { 0.12 } else { 0.0 };
                Cell {
                    latency_ms: baseline
                        * slowdown.powf(exponents[it])
                        * spike
                        * (0.06 * random.normal()).exp(),
                    quality: quality.clamp(0.0, 1.0),
                }
            })
            .collect();
        matrix.push(row);
    }
    matrix
}
