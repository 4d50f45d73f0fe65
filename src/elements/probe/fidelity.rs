// SPDX-License-Identifier: MPL-2.0

//! Means of PSNR and SSIM over frames.

use std::collections::VecDeque;

use crate::score;

/// PSNR of equal frames is infinite, which neither averages nor plots; other meters cap it here too.
const BEST_PSNR_DB: f64 = 100.0;

/// One frame against its reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// In squared levels.
    pub mse: f64,
    pub ssim: f64,
}

/// How near frames came to their references.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Fidelity {
    /// Frames that were compared.
    pub pairs: u64,
    /// Frames that were not.
    pub unmatched: u64,
    /// PSNR of the mean squared error in decibels, at most 100, and mean SSIM; `None` without pairs.
    pub means: Option<(f64, f64)>,
}

/// Scores since the start, since the last message, and of the last pairs.
#[derive(Debug)]
pub struct Scores {
    total: Sums,
    interval: Sums,
    last: VecDeque<Score>,
    window: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    pairs: u64,
    unmatched: u64,
    mse: f64,
    ssim: f64,
}

impl Scores {
    pub fn new(window: usize) -> Self {
        let (total, interval) = (Sums::default(), Sums::default());
        Scores {
            total,
            interval,
            last: VecDeque::new(),
            window,
        }
    }

    pub fn add(&mut self, score: Score) {
        for sums in [&mut self.total, &mut self.interval] {
            sums.add(score);
        }
        if self.window <= self.last.len() {
            self.last.pop_front();
        }
        self.last.push_back(score);
    }

    pub fn add_unmatched(&mut self, frames: u64) {
        self.total.unmatched += frames;
        self.interval.unmatched += frames;
    }

    pub fn total(&self) -> Fidelity {
        self.total.fidelity()
    }

    /// The means over the last pairs.
    pub fn window(&self) -> Option<(f64, f64)> {
        let mut sums = Sums::default();
        self.last.iter().for_each(|score| sums.add(*score));
        sums.fidelity().means
    }

    /// What came since this was last asked.
    pub fn take_interval(&mut self) -> Fidelity {
        std::mem::take(&mut self.interval).fidelity()
    }
}

impl Sums {
    fn add(&mut self, score: Score) {
        self.pairs += 1;
        self.mse += score.mse;
        self.ssim += score.ssim;
    }

    fn fidelity(&self) -> Fidelity {
        let count = self.pairs as f64;
        let means = (0 < self.pairs).then(|| {
            (
                score::decibels(self.mse / count).min(BEST_PSNR_DB),
                self.ssim / count,
            )
        });
        Fidelity {
            pairs: self.pairs,
            unmatched: self.unmatched,
            means,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_averaged_before_they_become_decibels() {
        let mut scores = Scores::new(1);
        scores.add(Score { mse: 0.0, ssim: 1.0 });
        assert_eq!(scores.take_interval().means, Some((100.0, 1.0)));
        scores.add(Score { mse: 50.0, ssim: 0.5 });
        let (psnr, ssim) = scores.total().means.unwrap();
        // The mean error is 25: 20 log10(255 / 5).
        assert!((psnr - 34.1514).abs() < 1e-4 && ssim == 0.75, "{psnr} {ssim}");
        assert_eq!(scores.window().map(|it| it.1), Some(0.5));
        assert_eq!(scores.take_interval().pairs, 1);
        assert_eq!(scores.take_interval(), Fidelity::default());
    }
}
