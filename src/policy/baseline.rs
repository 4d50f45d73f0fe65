// SPDX-License-Identifier: MPL-2.0

//! What a candidate takes on a calm machine: given by the catalogue, or found by its first runs.

use std::time::Duration;

use crate::quantile::nearest_rank;

/// Latencies in seconds that can be told apart from nothing and still be added up, so that hostile ones cannot make
/// numbers that are none.
const RANGE: (f64, f64) = (1e-7, 1e5);

/// Runs whose median is the baseline: few, so that a candidate may answer soon; what they got wrong goes
/// into the offset.
const RUNS: usize = 5;

/// Seconds a run takes when it is warm and nothing slows it down.
#[derive(Debug, Clone)]
pub(super) struct Baseline {
    /// Clean runs, freed of the slowdown; the first `clean` are valid.
    first: [f64; RUNS],
    clean: usize,
    /// Fastest disturbed run, freed of the slowdown; infinite without one.
    best: f64,
    seconds: Option<f64>,
}

impl Baseline {
    pub(super) fn unknown() -> Baseline {
        Baseline {
            first: [0.0; RUNS],
            clean: 0,
            best: f64::INFINITY,
            seconds: None,
        }
    }

    /// Somebody measured it beforehand.
    pub(super) fn given(seconds: f64) -> Baseline {
        Baseline {
            clean: RUNS,
            seconds: Some(seconds),
            ..Baseline::unknown()
        }
    }

    /// `None` when nothing is known, not even from disturbed runs.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.seconds
    }

    /// Whether it stands, so that a run tells of the slowdown.
    pub(super) fn stands(&self) -> bool {
        self.clean == RUNS
    }

    /// A clean run before the baseline stands.
    pub(super) fn found(&mut self, seconds: f64) {
        self.first[self.clean] = seconds;
        self.clean += 1;
        let mut runs = self.first;
        let runs = &mut runs[..self.clean];
        runs.sort_by(f64::total_cmp);
        let median = nearest_rank(runs, 0.5).unwrap_or(seconds);
        // Until the median means something, the best disturbed run bounds it.
        self.seconds = Some(if self.stands() {
            median
        } else {
            self.best.min(median)
        });
    }

    /// A disturbed run before the baseline stands. It can only have been slower than a clean run, so the best
    /// of them is the provisional baseline.
    pub(super) fn ran_disturbed(&mut self, seconds: f64) {
        self.best = self.best.min(seconds);
        self.seconds = Some(self.seconds.map_or(seconds, |it| it.min(seconds)));
    }

    /// What was freed of too much slowdown is put right by a factor.
    pub(super) fn scale(&mut self, factor: f64) {
        self.first.iter_mut().for_each(|it| *it *= factor);
        self.best *= factor;
        self.seconds = self.seconds.map(|it| it * factor);
    }
}

pub(super) fn seconds(latency: Duration) -> f64 {
    latency.as_secs_f64().clamp(RANGE.0, RANGE.1)
}

pub(super) fn duration(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(RANGE.0, RANGE.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_median_of_the_first_clean_runs() {
        let mut baseline = Baseline::unknown();
        assert_eq!(baseline.seconds(), None);
        [27.0, 26.0, 90.0, 28.0, 27.5]
            .iter()
            .for_each(|it| baseline.found(*it));
        assert_eq!(baseline.seconds(), Some(27.5));
        assert!(baseline.stands());
    }

    #[test]
    fn disturbed_runs_give_their_best_until_a_clean_one_comes() {
        let mut baseline = Baseline::unknown();
        [80.0, 31.0, 33.0]
            .iter()
            .for_each(|it| baseline.ran_disturbed(*it));
        assert_eq!(baseline.seconds(), Some(31.0));
        baseline.found(27.0);
        assert_eq!(baseline.seconds(), Some(27.0));
        assert!(!baseline.stands());
    }
}
