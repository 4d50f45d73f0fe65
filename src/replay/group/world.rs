// SPDX-License-Identifier: MPL-2.0

//! Worlds of several streams on one machine, where what one chooses slows the others down.

use std::fmt;
use std::str::FromStr;

use crate::replay::Random;
use crate::replay::words::{choice, word};

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

impl Arrival {
    pub const ALL: [(Arrival, &'static str); 3] = [
        (Arrival::Together, "together"),
        (Arrival::Apart, "apart"),
        (Arrival::Mixed, "mixed"),
    ];
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(word(&Arrival::ALL, self))
    }
}

impl FromStr for Arrival {
    type Err = String;

    fn from_str(text: &str) -> Result<Arrival, String> {
        choice(&Arrival::ALL, "way for frames to arrive", text)
    }
}

/// What else runs on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Nothing.
    None,
    /// Loads of one, two or four threads that come and go.
    Some,
}

impl Load {
    pub const ALL: [(Load, &'static str); 2] = [(Load::None, "none"), (Load::Some, "some")];
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(word(&Load::ALL, self))
    }
}

impl FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Load, String> {
        choice(&Load::ALL, "load", text)
    }
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

/// Periods of streams at rates of their own: 50, 30, 25 and 24 frames a second.
const PERIODS_MS: [f64; 4] = [20.0, 33.3, 40.0, 41.7];

/// Work of the fastest candidate and of the slowest, of a stream of ordinary demand.
const LEAST_MS: f64 = 3.0;
const MOST_MS: f64 = 27.0;

impl World {
    /// So many streams on two processors, whose candidates take 3 to 27 ms, each stream's by a factor of its own.
    pub fn generate(streams: usize, arrival: Arrival, load: Load, seed: u64) -> World {
        let mut random = Random::new(seed ^ 0x6170_7570);
        let streams = (0..streams)
            .map(|_| Stream::generate(arrival, &mut random))
            .collect();
        let loads = match load {
            Load::None => vec![(0.0, 0)],
            Load::Some => passing_loads(&mut random),
        };
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

    /// The same with these weights, dealt to the streams in turn.
    pub fn weighted(mut self, weights: &[f64]) -> World {
        let dealt = weights.iter().cycle();
        self.streams
            .iter_mut()
            .zip(dealt)
            .for_each(|it| it.0.weight = *it.1);
        self
    }

    /// The same where all streams have the candidates of the first.
    pub fn alike(mut self) -> World {
        if let [first, others @ ..] = &mut self.streams[..] {
            let candidates = &first.candidates;
            others
                .iter_mut()
                .for_each(|it| it.candidates.clone_from(candidates));
        }
        self
    }
}

impl Stream {
    fn generate(arrival: Arrival, random: &mut Random) -> Stream {
        let period_ms = match arrival {
            Arrival::Mixed => PERIODS_MS[random.whole(0, 3)],
            Arrival::Together | Arrival::Apart => PERIOD_MS,
        };
        let demand = random.between(0.6, 1.6);
        let count = random.whole(3, 5);
        let best = random.between(0.8, 0.95);
        let fall = random.between(0.15, 0.45);
        let candidates = (0..count).map(|it| {
            let place = it as f64 / (count - 1) as f64;
            let ordinary = LEAST_MS * (MOST_MS / LEAST_MS).powf(place);
            Kind {
                work_ms: ordinary * demand * random.between(0.9, 1.1),
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
                Arrival::Apart | Arrival::Mixed => random.between(0.0, period_ms),
            },
            weight: 1.0,
        }
    }
}

/// Loads that come and go every 6 to 20 s.
fn passing_loads(random: &mut Random) -> Vec<(f64, usize)> {
    let mut loads = vec![(0.0, 0)];
    let mut at = random.between(6_000.0, 20_000.0);
    while at < DURATION_MS {
        let threads = match loads.last() {
            Some((_, 0)) => [1, 2, 4][random.whole(0, 2)],
            _ => 0,
        };
        loads.push((at, threads));
        at += random.between(6_000.0, 20_000.0);
    }
    loads
}
