// SPDX-License-Identifier: MPL-2.0

//! Worlds of several streams on one machine, where what one chooses slows the others down.

use crate::replay::Random;

/// What one candidate of a stream is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kind {
    /// Processor time of a run, in milliseconds, at the median.
    pub work_ms: f64,
    /// What its answers are worth, 0..1.
    pub quality: f64,
}

/// One stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    pub period_ms: f64,
    pub budget_ms: f64,
    /// When its first frame comes.
    pub phase_ms: f64,
    pub weight: f64,
    /// From the fastest to the slowest.
    pub candidates: Vec<Kind>,
}

/// How the frames of the streams come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// All together: of one source, or locked to one clock.
    Together,
    /// Each at a phase of its own.
    Apart,
    /// At rates of their own.
    Mixed,
}

/// The machine and its streams.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    pub processors: usize,
    pub streams: Vec<Stream>,
    pub duration_ms: f64,
    /// From when on how many threads of others run all the time, the first from the start.
    pub loads: Vec<(f64, usize)>,
    /// Standard deviation of the logarithm of a run's work.
    pub scatter: f64,
    /// Largest time by which a frame comes early or late, in milliseconds.
    pub jitter_ms: f64,
    pub seed: u64,
}

/// 25 frames a second for 100 s.
const PERIOD_MS: f64 = 40.0;
const DURATION_MS: f64 = 100_000.0;
/// What the switch itself leaves of a frame's duration.
const SHARE: f64 = 0.95;

impl World {
    /// So many streams on two processors, whose candidates take 3 to 27 ms, each stream's by a factor of its own; with loads
    /// that come and go, or without.
    pub fn generate(streams: usize, arrival: Arrival, is_loaded: bool, seed: u64) -> World {
        let mut random = Random::new(seed ^ 0x6170_7570);
        let streams = (0..streams).map(|_| {
            let period_ms = match arrival {
                Arrival::Mixed => [20.0, 33.3, 40.0, 41.7][random.whole(0, 3)],
                _ => PERIOD_MS,
            };
            let demand = random.between(0.6, 1.6);
            let count = random.whole(3, 5);
            let (least, most) = (3.0, 27.0f64);
            let best = random.between(0.8, 0.95);
            let fall = random.between(0.15, 0.45);
            let candidates = (0..count).map(|it| {
                let place = it as f64 / (count - 1) as f64;
                Kind {
                    work_ms: least * (most / least).powf(place) * demand * random.between(0.9, 1.1),
                    // Each doubling brings less than the one before.
                    quality: best * (1.0 - fall * (1.0 - place).powf(1.6)),
                }
            });
            Stream {
                candidates: candidates.collect(),
                period_ms,
                budget_ms: SHARE * period_ms,
                phase_ms: match arrival {
                    Arrival::Together => 0.0,
                    _ => random.between(0.0, period_ms),
                },
                weight: 1.0,
            }
        });
        let streams = streams.collect();
        let mut loads = vec![(0.0, 0)];
        let mut at = 0.0;
        while is_loaded {
            at += random.between(6_000.0, 20_000.0);
            if DURATION_MS <= at {
                break;
            }
            let before = loads.last().map_or(0, |it| it.1);
            let next = if before == 0 {
                [1, 2, 4][random.whole(0, 2)]
            } else {
                0
            };
            loads.push((at, next));
        }
        World {
            processors: 2,
            streams,
            duration_ms: DURATION_MS,
            loads,
            scatter: 0.06,
            jitter_ms: 0.3,
            seed,
        }
    }

    /// The same with the streams of even number so many times as heavy as the others.
    pub fn weighted(mut self, times: f64) -> World {
        self.streams
            .iter_mut()
            .step_by(2)
            .for_each(|it| it.weight = times);
        self
    }
}
