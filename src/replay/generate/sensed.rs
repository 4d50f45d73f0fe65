// SPDX-License-Identifier: MPL-2.0

//! A world with a sense: a machine of a few processors shares them with other threads that come and go, and says how
//! long things wait.
//!
//! A run of the work t beside n others on c processors takes between t · max(1, (n + 1) / c), all threads spread evenly,
//! and t · (1 + n / c), none moved, where n is at least c (measured on two processors: 2.0, 2.5 and 4.6 for 2, 4 and 8
//! others, 1.0 for one); but for its first turn, which a thread that had slept mostly gets at once. So short runs show
//! nothing of what long ones meet. Beside others, runs of more than a turn scatter by 0.05 to 0.18 in the log domain, and
//! shorter ones by 0.5 (measured there).
//!
//! What is sensed is the share of waiting that an even spread implies, half of the time at least, up to a frame late, with noise. Of four seeds, one
//! has no sense, and one a cause of slowness that it does not see.

use crate::replay::{Cell, Column, Matrix, Random};

const FRAMES: usize = 3000;
const PERIOD_MS: f64 = 40.0;

/// What a thread that had slept gets before it waits.
const TURN_MS: f64 = 3.0;

/// Milliseconds of work, and quality.
const CANDIDATES: [(&str, f64, f64); 5] = [
    ("none", 0.3, 0.70),
    ("small", 2.2, 0.86),
    ("medium", 7.5, 0.90),
    ("large", 16.0, 0.92),
    ("huge", 27.0, 0.94),
];

/// What one seed's machine is like.
struct Machine {
    processors: f64,
    /// 0 for threads that are spread evenly, 1 for threads that stay where they are.
    uneven: f64,
    is_sensed: bool,
    has_blind_cause: bool,
}

/// What goes on beside.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Threads(f64),
    /// Slower by this factor, and nobody waits: memory or clocks.
    Unseen(f64),
    /// So many threads, which rest on half of the frames.
    Flickering(f64),
}

impl Machine {
    fn new(seed: u64, random: &mut Random) -> Machine {
        Machine {
            processors: [2.0, 2.0, 4.0, 8.0][(random.between(0.0, 4.0) as usize).min(3)],
            uneven: random.between(0.0, 1.0),
            is_sensed: seed % 4 != 3,
            has_blind_cause: seed % 4 == 2,
        }
    }

    /// What goes on from now on: nothing for 8 s in the mean, or something for 4 s.
    fn next(&self, before: Beside, random: &mut Random) -> Beside {
        let is_calm = matches!(before, Beside::Threads(n) if n < self.processors);
        if !random.chance(if is_calm { 1.0 / 200.0 } else { 1.0 / 100.0 }) {
            return before;
        }
        if !is_calm {
            return Beside::Threads(random.between(0.0, self.processors - 1.0).floor());
        }
        if self.has_blind_cause && random.chance(0.5) {
            return Beside::Unseen(random.between(1.3, 2.5));
        }
        let threads = (self.processors * random.between(1.0, 4.5)).round();
        if random.chance(0.2) {
            Beside::Flickering(threads)
        } else {
            Beside::Threads(threads)
        }
    }

    /// How much slower a long run is.
    fn factor(&self, beside: Beside) -> f64 {
        match beside {
            Beside::Unseen(factor) => factor,
            Beside::Flickering(_) => 1.0,
            Beside::Threads(n) if n < self.processors => 1.0,
            Beside::Threads(n) => self.fair(n) + self.uneven * (1.0 + n / self.processors - self.fair(n)),
        }
    }

    fn fair(&self, others: f64) -> f64 {
        ((others + 1.0) / self.processors).max(1.0)
    }

    /// Share of waiting that is sensed.
    fn pressure(&self, beside: Beside) -> f64 {
        match beside {
            Beside::Unseen(_) | Beside::Flickering(_) => 0.0,
            Beside::Threads(others) if others < self.processors => 0.0,
            Beside::Threads(others) => (1.0 - 1.0 / self.fair(others)).max(0.5),
        }
    }
}

pub(super) fn generate(seed: u64) -> Matrix {
    let mut random = Random::new(seed.wrapping_add(424_242));
    let machine = Machine::new(seed, &mut random);
    let columns = CANDIDATES.iter().map(|(name, work, quality)| Column {
        name: name.to_string(),
        prior: Some(*quality),
        baseline_ms: Some(*work),
        device: 0,
    });
    let mut matrix = Matrix::new(columns.collect(), PERIOD_MS, PERIOD_MS);
    matrix.floor = 0.5;
    let (mut beside, mut pressure) = (Beside::Threads(0.0), 0.0);
    let mut now = beside;
    for _ in 0..FRAMES {
        // What the time before this frame says, and a part of the one before that.
        let lag = random.between(0.0, 1.0);
        let seen = lag * pressure + (1.0 - lag) * machine.pressure(now);
        pressure = machine.pressure(now);
        if machine.is_sensed {
            matrix.sense(Some((seen + 0.05 * random.normal()).clamp(0.0, 1.0)));
        }
        beside = machine.next(beside, &mut random);
        now = match beside {
            Beside::Flickering(threads) if random.chance(0.5) => Beside::Threads(threads),
            _ => beside,
        };
        let factor = machine.factor(now);
        let is_busy = 1.0 < factor;
        let row: Vec<Cell> = (CANDIDATES.iter())
            .map(|&(_, work, quality)| {
                let head = if matches!(now, Beside::Unseen(_)) || random.chance(0.3) {
                    0.0
                } else {
                    work.min(TURN_MS)
                };
                let scatter = match is_busy {
                    true if work < TURN_MS => 0.5,
                    true => 0.17,
                    false => 0.04,
                };
                let slowed = head + (work - head) * factor;
                Cell {
                    latency_ms: slowed * (scatter * random.normal()).exp(),
                    quality: (quality + 0.01 * random.normal()).clamp(0.0, 1.0),
                }
            })
            .collect();
        matrix.push(row);
    }
    matrix
}
