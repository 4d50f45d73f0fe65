// SPDX-License-Identifier: MPL-2.0

//! How contention goes in a world.

use std::fmt;

use crate::replay::Random;

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
    /// A machine shared with other threads, which says how long things wait.
    Sensed,
    /// Candidates on a processor and on an accelerator, each loaded at times of its own.
    TwoDevices,
}

pub(super) const SHAPES: [(Shape, &str); 11] = [
    (Shape::None, "none"),
    (Shape::Step, "step"),
    (Shape::Ramp, "ramp"),
    (Shape::Periodic, "periodic"),
    (Shape::Bursty, "bursty"),
    (Shape::Tail, "tail"),
    (Shape::Unequal, "unequal"),
    (Shape::Machine, "machine"),
    (Shape::Wild, "wild"),
    (Shape::Sensed, "sensed"),
    (Shape::TwoDevices, "two-devices"),
];

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(SHAPES.iter().find(|it| it.0 == *self).map_or("", |it| it.1))
    }
}

/// A factor for each frame.
pub(super) fn contention(shape: Shape, frames: usize, random: &mut Random) -> Vec<f64> {
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
            Shape::None | Shape::Tail | Shape::Machine | Shape::Wild | Shape::Sensed | Shape::TwoDevices => {
                1.0
            }
        }
    };
    (0..frames).map(at).collect()
}
