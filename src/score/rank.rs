// SPDX-License-Identifier: MPL-2.0

//! Whether two candidates put frames in the same order.

use std::collections::VecDeque;

/// Spearman's rank correlation of pairs of numbers, -1 (opposite orders) to 1 (the same order): the correlation of their ranks,
/// ties sharing the mean of theirs (Kendall and Gibbons, "Rank Correlation Methods", chapter 3). `None` for fewer than two pairs, and
/// where either side is constant or has no number: then there is no order.
pub fn rank_correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let (first, second): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    if first.iter().chain(&second).any(|it| it.is_nan()) {
        return None;
    }
    let (first, second) = (ranks(&first), ranks(&second));
    // The mean of the ranks 1..=n, ties or not.
    let mean = (pairs.len() as f64 + 1.0) / 2.0;
    let product =
        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum() };
    let spread = (product(&first, &first) * product(&second, &second)).sqrt();
    (0.0 < spread).then(|| (product(&first, &second) / spread).clamp(-1.0, 1.0))
}

/// Ranks from 1 on; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&one, &other| values[one].total_cmp(&values[other]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tie in order.chunk_by(|&one, &other| values[one] == values[other]) {
        let shared = before as f64 + (tie.len() as f64 + 1.0) / 2.0;
        tie.iter().for_each(|&at| ranks[at] = shared);
        before += tie.len();
    }
    ranks
}

/// Pairs that the window keeps: the standard error of a correlation is then about 1/8.
const PAIRS: usize = 60;

/// Pairs from which on a correlation says something: below eight, chance alone reaches 0.7 in one case of ten.
const ENOUGH: usize = 8;

/// Rank correlation of the last scores of two candidates.
#[derive(Debug, Clone, Default)]
pub struct RankWindow {
    pairs: VecDeque<(f64, f64)>,
}

impl RankWindow {
    /// Takes in two scores of one frame; what is no number is left out.
    pub fn push(&mut self, answer: f32, reference: f32) {
        if answer.is_nan() || reference.is_nan() {
            return;
        }
        if PAIRS <= self.pairs.len() {
            self.pairs.pop_front();
        }
        self.pairs.push_back((answer.into(), reference.into()));
    }

    /// `None` before eight pairs, or where either side always says the same.
    pub fn correlation(&self) -> Option<f64> {
        let pairs: Vec<(f64, f64)> = self.pairs.iter().copied().collect();
        (ENOUGH <= pairs.len())
            .then(|| rank_correlation(&pairs))
            .flatten()
    }
}

/// A correlation as agreement, 0 (opposite) to 1 (the same order); no relation is a half.
pub fn agreement_of_ranks(correlation: f64) -> f64 {
    f64::midpoint(1.0, correlation.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_textbook_case_of_ten_pairs() {
        // IQ and hours of television: Σ d² = 194, so 1 - 6·194 / (10·99) = -29 / 165.
        let iq = [106.0, 100.0, 86.0, 101.0, 99.0, 103.0, 97.0, 113.0, 112.0, 110.0];
        let hours = [7.0, 27.0, 2.0, 50.0, 28.0, 29.0, 20.0, 12.0, 6.0, 17.0];
        let pairs: Vec<(f64, f64)> = iq.into_iter().zip(hours).collect();
        assert!((rank_correlation(&pairs).unwrap() + 29.0 / 165.0).abs() < 1e-12);
    }

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / √(4.5 · 5).
        let tied = [(1.0, 1.0), (2.0, 2.0), (2.0, 3.0), (4.0, 4.0)];
        assert!((rank_correlation(&tied).unwrap() - (4.5f64 / 5.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_order_has_no_correlation() {
        assert_eq!(rank_correlation(&[]), None);
        assert_eq!(rank_correlation(&[(1.0, 2.0)]), None);
        assert_eq!(rank_correlation(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(rank_correlation(&[(f64::NAN, 2.0), (1.0, 3.0)]), None);
    }

    #[test]
    fn a_window_waits_for_enough_and_forgets_the_oldest() {
        let mut window = RankWindow::default();
        for at in 0..ENOUGH {
            assert_eq!(window.correlation(), None);
            window.push(f32::NAN, 1.0);
            window.push(at as f32, 2.0 * at as f32 - 9.0);
        }
        assert_eq!(window.correlation(), Some(1.0));
        (0..PAIRS).for_each(|at| window.push(at as f32, -(at as f32)));
        assert_eq!(window.correlation(), Some(-1.0));
        assert_eq!(agreement_of_ranks(-1.0), 0.0);
        assert_eq!(agreement_of_ranks(0.0), 0.5);
    }
}
