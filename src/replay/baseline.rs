// SPDX-License-Identifier: MPL-2.0

//! The policies that ours is compared with. They are told the baselines that the matrix gives; where it gives
//! none, the median of the recording, which is more than they could know live.

use super::{Matrix, Random, Run, Selector};

/// Reads what every baseline policy may know beforehand.
struct Known {
    baselines: Vec<f64>,
    priors: Vec<f64>,
    budget: f64,
}

impl Known {
    fn new(matrix: &Matrix) -> Known {
        let baseline = |it: usize| {
            let given = matrix.columns[it].baseline_ms;
            let found = given.or_else(|| matrix.percentile_ms(it, 0.5)).unwrap_or(1.0);
            // A recording may round a time to nothing.
            found.max(1e-3)
        };
        let candidates = 0..matrix.candidates();
        Known {
            baselines: candidates.clone().map(baseline).collect(),
            priors: candidates
                .map(|it| matrix.columns[it].prior.unwrap_or(0.5))
                .collect(),
            budget: matrix.budget_ms,
        }
    }

    /// Candidates from the fastest to the slowest.
    fn by_speed(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.baselines.len()).collect();
        order.sort_by(|one, other| self.baselines[*one].total_cmp(&self.baselines[*other]));
        order
    }
}

/// One candidate for ever.
#[derive(Debug, Clone, Copy)]
pub struct Static(pub usize);

impl Static {
    /// The best by the catalogue: what most pipelines run.
    pub fn best(matrix: &Matrix) -> Static {
        let priors = Known::new(matrix).priors;
        Static(
            (0..priors.len())
                .max_by(|one, other| priors[*one].total_cmp(&priors[*other]))
                .unwrap_or(0),
        )
    }

    /// The best in hindsight of those that keep the budget on 99 of 100 frames; else the one that keeps it most.
    pub fn safe(matrix: &Matrix) -> Static {
        let p99 = |it: &usize| matrix.percentile_ms(*it, 0.99).unwrap_or(f64::INFINITY);
        let all = 0..matrix.candidates();
        let safe = all.clone().filter(|it| p99(it) <= matrix.budget_ms);
        let best = safe.max_by(|one, other| matrix.worth(*one).total_cmp(&matrix.worth(*other)));
        Static(
            best.or_else(|| all.min_by(|one, other| p99(one).total_cmp(&p99(other))))
                .unwrap_or(0),
        )
    }
}

impl Selector for Static {
    fn pick(&mut self, _: usize, _: f64) -> Option<usize> {
        Some(self.0)
    }

    fn ran(&mut self, _: &Run) {}
}

/// A ladder, as adaptive streaming and encoders have it: one step down when a frame took more than 0.9 of the budget,
/// one up after 60 frames below 0.6 of it.
#[derive(Debug, Clone)]
pub struct Ladder {
    rungs: Vec<usize>,
    at: usize,
    calm: u32,
    budget: f64,
}

impl Ladder {
    pub fn new(matrix: &Matrix) -> Ladder {
        let known = Known::new(matrix);
        let rungs = known.by_speed();
        Ladder {
            at: rungs.len() - 1,
            rungs,
            calm: 0,
            budget: known.budget,
        }
    }
}

impl Selector for Ladder {
    fn pick(&mut self, _: usize, _: f64) -> Option<usize> {
        Some(self.rungs[self.at])
    }

    fn ran(&mut self, run: &Run) {
        if 0.9 * self.budget < run.latency_ms {
            self.at = self.at.saturating_sub(1);
            self.calm = 0;
        } else if run.latency_ms < 0.6 * self.budget {
            self.calm += 1;
            if 60 <= self.calm {
                self.at = (self.at + 1).min(self.rungs.len() - 1);
                self.calm = 0;
            }
        } else {
            self.calm = 0;
        }
    }
}

/// A ladder that goes by what the machine says: one step down on each frame on which things wait for more than a third of
/// the time, one up after two frames on which they wait for less than a tenth. Where the machine says nothing, and when a
/// frame took more than the budget though nothing waited, it is the other ladder.
#[derive(Debug, Clone)]
pub struct PressureLadder {
    ladder: Ladder,
    pressure: Option<f64>,
    calm: u32,
}

impl PressureLadder {
    pub fn new(matrix: &Matrix) -> PressureLadder {
        PressureLadder {
            ladder: Ladder::new(matrix),
            pressure: None,
            calm: 0,
        }
    }
}

impl Selector for PressureLadder {
    fn sensed(&mut self, _: f64, pressure: Option<f64>) {
        self.pressure = pressure;
        let Some(pressure) = pressure else { return };
        self.calm = if pressure < 0.1 { self.calm + 1 } else { 0 };
        if 1.0 / 3.0 < pressure {
            self.ladder.at = self.ladder.at.saturating_sub(1);
        } else if 2 <= self.calm {
            self.ladder.at = (self.ladder.at + 1).min(self.ladder.rungs.len() - 1);
        }
    }

    fn pick(&mut self, frame: usize, now_ms: f64) -> Option<usize> {
        self.ladder.pick(frame, now_ms)
    }

    fn ran(&mut self, run: &Run) {
        if self.pressure.is_none() || run.is_late {
            self.ladder.ran(run);
        }
    }
}

/// After ALERT (Wan et al., USENIX ATC 2020), as far as it is known to us: one linear slowdown by a Kalman filter
/// with adaptive process noise, and the candidate of the largest expected accuracy on each frame. Our reading,
/// with constants from memory; indicative.
pub struct Alert {
    known: Known,
    mean: f64,
    variance: f64,
    gain: f64,
    process: f64,
    innovation: f64,
}

impl Alert {
    pub fn new(matrix: &Matrix) -> Alert {
        Alert {
            known: Known::new(matrix),
            mean: 1.0,
            variance: 0.1,
            gain: 0.5,
            process: 0.1,
            innovation: 0.0,
        }
    }
}

impl Selector for Alert {
    fn pick(&mut self, _: usize, _: f64) -> Option<usize> {
        let expected = |it: usize| {
            let room = self.known.budget / self.known.baselines[it] - self.mean;
            self.known.priors[it] * normal_cdf(room / self.variance.sqrt())
        };
        // Of equals the fastest, which is the first in the catalogue.
        let mut best = (0, f64::MIN);
        for it in 0..self.known.priors.len() {
            if best.1 < expected(it) {
                best = (it, expected(it));
            }
        }
        Some(best.0)
    }

    fn ran(&mut self, run: &Run) {
        self.process = (0.3 * self.process + 0.7 * (self.gain * self.innovation).powi(2)).max(0.1);
        let predicted = (1.0 - self.gain) * self.variance + self.process;
        self.gain = predicted / (predicted + 0.001);
        self.innovation = run.latency_ms / self.known.baselines[run.candidate] - self.mean;
        self.mean += self.gain * self.innovation;
        self.variance = predicted * (1.0 - self.gain) + 0.1;
    }
}

/// After LiteReconfig (Xu et al., EuroSys 2022), as far as it is known to us: the best accuracy whose predicted mean
/// latency keeps the budget with a margin of 1.3; latency predicted by an average of the slowdown.
pub struct LiteReconfig {
    known: Known,
    slowdown: f64,
}

impl LiteReconfig {
    pub fn new(matrix: &Matrix) -> LiteReconfig {
        LiteReconfig {
            known: Known::new(matrix),
            slowdown: 1.0,
        }
    }
}

impl Selector for LiteReconfig {
    fn pick(&mut self, _: usize, _: f64) -> Option<usize> {
        let fits = |it: &usize| 1.3 * self.slowdown * self.known.baselines[*it] <= self.known.budget;
        let all = 0..self.known.priors.len();
        let best = all
            .filter(fits)
            .max_by(|one, other| self.known.priors[*one].total_cmp(&self.known.priors[*other]));
        best.or_else(|| self.known.by_speed().first().copied())
    }

    fn ran(&mut self, run: &Run) {
        self.slowdown += 0.2 * (run.latency_ms / self.known.baselines[run.candidate] - self.slowdown);
    }
}

/// Exp3 (Auer et al., 2002): no model at all, weights by what the answers were worth. It is given the quality of
/// each of its own answers, by the catalogue.
pub struct Exp3 {
    known: Known,
    weights: Vec<f64>,
    shares: Vec<f64>,
    random: Random,
}

/// Share of frames that Exp3 explores.
const EXPLORATION: f64 = 0.05;

impl Exp3 {
    pub fn new(matrix: &Matrix) -> Exp3 {
        let count = matrix.candidates();
        Exp3 {
            known: Known::new(matrix),
            weights: vec![1.0; count],
            shares: vec![1.0 / count as f64; count],
            random: Random::new(count as u64),
        }
    }
}

impl Selector for Exp3 {
    fn pick(&mut self, _: usize, _: f64) -> Option<usize> {
        let count = self.weights.len() as f64;
        let total: f64 = self.weights.iter().sum();
        for (share, weight) in self.shares.iter_mut().zip(&self.weights) {
            *share = (1.0 - EXPLORATION) * weight / total + EXPLORATION / count;
        }
        let mut rest = self.random.unit();
        let picked = self.shares.iter().position(|it| {
            rest -= it;
            rest <= 0.0
        });
        picked.or(Some(self.shares.len() - 1))
    }

    fn ran(&mut self, run: &Run) {
        let worth = if run.is_late {
            0.0
        } else {
            self.known.priors[run.candidate]
        };
        let estimate = worth / self.shares[run.candidate];
        let count = self.weights.len() as f64;
        self.weights[run.candidate] *= (EXPLORATION * estimate / count).exp();
        let largest = self.weights.iter().copied().fold(f64::MIN, f64::max);
        // Only ratios count; a floor of a millionth lets a candidate come back.
        self.weights
            .iter_mut()
            .for_each(|it| *it = (*it / largest).max(1e-6));
    }
}

/// Distribution function of the standard normal (Abramowitz and Stegun 7.1.26, error below 1e-7).
fn normal_cdf(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let erf = 1.0 - poly * (-x * x).exp();
    0.5 * (1.0 + erf.copysign(z))
}
