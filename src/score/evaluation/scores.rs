// SPDX-License-Identifier: MPL-2.0

//! Whether scores put items in the right order, by weights of the items.

use crate::score::Statistic;

/// Spearman's rank correlation of answers with the truth, as `scipy.stats.spearmanr` has it: ties share the mean of their
/// ranks. An item of weight 2 is two equal items.
///
/// An answer that is missing says nothing of where its item stands, and has the middle rank; an item without a truth does not count.
pub(super) struct RankCorrelation {
    answers: Vec<Option<f64>>,
    truths: Vec<Option<f64>>,
    /// Positions that have an answer and a truth, or a truth, by value.
    answer_order: Vec<usize>,
    truth_order: Vec<usize>,
}

impl RankCorrelation {
    pub fn new(pairs: impl Iterator<Item = (Option<f64>, Option<f64>)>) -> RankCorrelation {
        let (answers, truths): (Vec<_>, Vec<_>) = pairs.unzip();
        let order = |values: &[Option<f64>]| {
            let known = |it: &usize| values[*it].is_some() && truths[*it].is_some();
            let mut order: Vec<usize> = (0..values.len()).filter(known).collect();
            let value = |it: usize| values[it].unwrap_or_default();
            order.sort_by(|&one, &other| value(one).total_cmp(&value(other)));
            order
        };
        RankCorrelation {
            answer_order: order(&answers),
            truth_order: order(&truths),
            answers,
            truths,
        }
    }

    /// For each item how near the answer's rank is to the truth's: one less their distance over the largest one there can be.
    pub fn nearness(&self) -> Vec<Option<f64>> {
        let weights = vec![1.0; self.answers.len()];
        let largest = self.truth_order.len().saturating_sub(1);
        let [answers, truths] = self.ranks(&weights);
        let near = |at: usize| {
            self.answers[at].and(self.truths[at])?;
            (0 < largest).then(|| 1.0 - (answers[at] - truths[at]).abs() / largest as f64)
        };
        (0..self.answers.len()).map(near).collect()
    }

    /// Ranks less their mean; 0 for what has none.
    fn ranks(&self, weights: &[f64]) -> [Vec<f64>; 2] {
        [
            ranks(&self.answers, &self.answer_order, weights),
            ranks(&self.truths, &self.truth_order, weights),
        ]
    }
}

fn ranks(values: &[Option<f64>], order: &[usize], weights: &[f64]) -> Vec<f64> {
    let weight = |at: &usize| weights.get(*at).copied().unwrap_or_default();
    let total: f64 = order.iter().map(weight).sum();
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0.0;
    for tie in order.chunk_by(|&one, &other| values[one] == values[other]) {
        let own: f64 = tie.iter().map(weight).sum();
        // The mean of before + 1 ..= before + own, less that of 1 ..= total.
        let rank = before + (own - total) / 2.0;
        tie.iter().for_each(|&at| ranks[at] = rank);
        before += own;
    }
    ranks
}

impl Statistic for RankCorrelation {
    fn len(&self) -> usize {
        self.answers.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let [answers, truths] = self.ranks(weights);
        let product = |one: &[f64], other: &[f64]| -> f64 {
            let pairs = one.iter().zip(other).zip(weights);
            pairs.map(|((one, other), weight)| weight * one * other).sum()
        };
        let spread = (product(&answers, &answers) * product(&truths, &truths)).sqrt();
        (0.0 < spread).then(|| (product(&answers, &truths) / spread).clamp(-1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::rank::rank_correlation;

    #[test]
    fn a_weight_is_a_number_of_equal_items() {
        let pairs = [(3.0, 1.0), (1.0, 2.0), (1.0, 4.0), (8.0, 4.0), (5.0, 3.0)];
        let correlation = RankCorrelation::new(pairs.iter().map(|it| (Some(it.0), Some(it.1))));
        let plain = correlation.value(&[1.0; 5]).unwrap();
        assert!((plain - rank_correlation(&pairs).unwrap()).abs() < 1e-12);
        let weighted = correlation.value(&[2.0, 0.0, 1.0, 3.0, 1.0]).unwrap();
        let (a, b) = (pairs[0], pairs[3]);
        let repeated = [a, a, pairs[2], b, b, b, pairs[4]];
        assert!((weighted - rank_correlation(&repeated).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn a_missing_answer_is_in_the_middle_and_no_order_is_no_correlation() {
        let of = |answers: &[Option<f64>], truths: &[f64]| {
            RankCorrelation::new(answers.iter().copied().zip(truths.iter().map(|it| Some(*it))))
        };
        let full = of(&[Some(1.0), Some(2.0), Some(3.0)], &[1.0, 2.0, 3.0]);
        assert_eq!(full.value(&[1.0; 3]), Some(1.0));
        assert_eq!(full.nearness(), [Some(1.0); 3]);
        let missing = of(&[Some(1.0), None, Some(3.0), None], &[1.0, 2.0, 3.0, 4.0]);
        let value = missing.value(&[1.0; 4]).unwrap();
        assert!(0.0 < value && value < 1.0, "{value}");
        assert_eq!(missing.nearness()[1], None);
        assert_eq!(of(&[None, None], &[1.0, 2.0]).value(&[1.0; 2]), None);
        assert_eq!(of(&[Some(1.0); 2], &[1.0, 2.0]).value(&[1.0; 2]), None);
        assert_eq!(of(&[], &[]).value(&[]), None);
    }
}
