// SPDX-License-Identifier: MPL-2.0

//! Seeded worlds. The six kinds of contention of the specification (section 4), the same with unequal candidates or
//! with a catalogue that becomes wrong, `machine`: as one was measured, and `wild`: worlds of other shapes, on which
//! nothing was tuned.

mod machine;
mod wild;

use std::fmt;
use std::str::FromStr;

use super::{Cell, Column, Matrix, Random};

/// How contention goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    None,
    /// 2.2 times slower in the middle third.
    Step,
    /// Up to 3.5 times slower and back.
    Ramp,
    /// Between 1 and 2.8 times slower, every 10 s.
    Periodic,
    /// 2.5 times slower for 1 s in the mean, every 6 s in the mean.
    Bursty,
    /// No contention, but 2 % of the frames take 1 + Pareto(1.5) times as long.
    Tail,
    /// A step that moves each candidate by its own exponent between 0.5 and 1.5.
    Unequal,
    /// As one machine was measured: long runs are slowed down more than short ones, and scatter widely.
    Machine,
    /// Everything is drawn: candidates, rates, budgets, noise, contention, what the catalogue says.
    Wild,
}

const SHAPES: [(Shape, &str); 9] = [
    (Shape::None, "none"),
    (Shape::Step, "step"),
    (Shape::Ramp, "ramp"),
    (Shape::Periodic, "periodic"),
    (Shape::Bursty, "bursty"),
    (Shape::Tail, "tail"),
    (Shape::Unequal, "unequal"),
    (Shape::Machine, "machine"),
    (Shape::Wild, "wild"),
];

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

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(SHAPES.iter().find(|it| it.0 == *self).map_or("", |it| it.1))
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
            Some((Shape::Wild | Shape::Machine, _)) if inverted => {
                Err(format!("{name} worlds say by themselves what the catalogue says"))
            }
            Some((shape, _)) => Ok(Kind {
                shape: *shape,
                inverted,
            }),
            None => {
                let names: Vec<&str> = SHAPES.iter().map(|it| it.1).collect();
                Err(format!(
                    "'{text}' is no kind of world; known: {}, each but machine and wild also with +inverted",
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
        Shape::Wild => return wild::generate(seed),
        Shape::Machine => return machine::generate(seed),
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

/// A factor for each frame.
fn contention(shape: Shape, frames: usize, random: &mut Random) -> Vec<f64> {
    let mut busy = false;
    let length = frames as f64;
    let at = |frame: usize| {
        let t = frame as f64;
        match shape {
            Shape::Step | Shape::Unequal => {
                if (frames / 3..2 * frames / 3).contains(&frame) {
                    2.2
                } else {
                    1.0
                }
            }
            Shape::Ramp => 1.0 + 2.5 * (1.0 - (2.0 * t / length - 1.0).abs()),
            Shape::Periodic => 1.0 + 0.9 * (1.0 + (std::f64::consts::TAU * t / 300.0).sin()),
            Shape::Bursty => {
                busy = if busy {
                    !random.chance(1.0 / 30.0)
                } else {
                    random.chance(1.0 / 150.0)
                };
                if busy { 2.5 } else { 1.0 }
            }
            Shape::None | Shape::Tail | Shape::Machine | Shape::Wild => 1.0,
        }
    };
    (0..frames).map(at).collect()
}
