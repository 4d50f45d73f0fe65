// SPDX-License-Identifier: MPL-2.0

//! Linear regression of what is missing, drawn to what is there: from sums over rows, which are gathered one after another.
//!
//! With rows x of features (the last one 1, for the bias) and e = wanted - given of each output, the change D of the weights
//! minimizes Σ|e - Dᵀx|² + λ Σ_j g_j |D_j|², g the diagonal of G = Σ x xᵀ: ridge regression centred on the old weights, with
//! every feature in its own unit. So (G + λ diag g) D = Σ x eᵀ, and the error of D on other rows follows from their sums.

use super::cholesky::{Cholesky, dot};

/// Rows that are summed at once.
const BATCH: usize = 256;

/// Sums over rows of features and of what is missing.
#[derive(Debug, Clone)]
pub struct Sums {
    /// Features, the constant one included.
    pub size: usize,
    pub outputs: usize,
    /// G, lower triangle, `size` × `size`.
    gram: Vec<f64>,
    /// Σ x eᵀ, by output: `outputs` × `size`.
    missing: Vec<f64>,
    /// Σ e².
    squares: f64,
    pub rows: usize,
    /// By feature, then by row.
    batch: Vec<f64>,
    /// By output, then by row.
    errors: Vec<f64>,
    filled: usize,
}

impl Sums {
    pub fn new(features: usize, outputs: usize) -> Sums {
        let size = features + 1;
        Sums {
            size,
            outputs,
            gram: vec![0.0; size * size],
            missing: vec![0.0; outputs * size],
            squares: 0.0,
            rows: 0,
            batch: vec![0.0; size * BATCH],
            errors: vec![0.0; outputs * BATCH],
            filled: 0,
        }
    }

    /// Adds a row: its features, and what is missing of each output.
    pub fn add(&mut self, features: &[f32], missing: impl Iterator<Item = f32>) {
        let at = self.filled;
        let ones = features.iter().copied().chain([1.0]);
        for (line, feature) in self.batch.chunks_exact_mut(BATCH).zip(ones) {
            line[at] = feature.into();
        }
        for (line, error) in self.errors.chunks_exact_mut(BATCH).zip(missing) {
            line[at] = error.into();
        }
        self.filled += 1;
        if self.filled == BATCH {
            self.settle();
        }
    }

    /// Sums what was added.
    pub fn settle(&mut self) {
        let (filled, size) = (self.filled, self.size);
        let line = |index: usize| &self.batch[index * BATCH..][..filled];
        for row in 0..size {
            let one = line(row);
            let sums = self.gram[row * size..][..=row].iter_mut().enumerate();
            sums.for_each(|(column, sum)| *sum += dot(one, line(column)));
        }
        for (output, errors) in self.errors.chunks_exact(BATCH).enumerate() {
            let errors = &errors[..filled];
            let sums = self.missing[output * size..][..size].iter_mut().enumerate();
            sums.for_each(|(feature, sum)| *sum += dot(errors, line(feature)));
            self.squares += dot(errors, errors);
        }
        self.rows += filled;
        self.filled = 0;
    }

    /// The sums of both. Both must be settled.
    pub fn plus(mut self, other: &Sums) -> Sums {
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        add(&mut self.gram, &other.gram);
        add(&mut self.missing, &other.missing);
        self.squares += other.squares;
        self.rows += other.rows;
        self
    }

    /// The change of the weights, by output: `outputs` × `size`, the bias last. `None` where nothing can be solved.
    pub fn change(&self, ridge: f64) -> Option<Vec<f64>> {
        let mut matrix = self.gram.clone();
        let largest = (0..self.size)
            .map(|it| self.gram[it * self.size + it])
            .fold(0.0, f64::max);
        if !largest.is_finite() || largest <= 0.0 {
            return None;
        }
        for index in 0..self.size {
            let at = &mut matrix[index * self.size + index];
            // A feature that is always zero is left alone.
            *at += ridge * *at + largest * 1e-12;
        }
        let solver = Cholesky::of(&matrix, self.size)?;
        let mut change = self.missing.clone();
        change.chunks_exact_mut(self.size).for_each(|it| solver.solve(it));
        change.iter().all(|it| it.is_finite()).then_some(change)
    }

    /// Mean squared error over rows and outputs that is left with a change of the weights.
    pub fn error(&self, change: &[f64]) -> f64 {
        let mut left = self.squares;
        for (change, missing) in change
            .chunks_exact(self.size)
            .zip(self.missing.chunks_exact(self.size))
        {
            left -= 2.0 * dot(change, missing);
            for row in 0..self.size {
                let line = &self.gram[row * self.size..][..=row];
                let twice = 2.0 * dot(&line[..row], &change[..row]) + line[row] * change[row];
                left += change[row] * twice;
            }
        }
        left / (self.rows * self.outputs).max(1) as f64
    }

    /// Mean squared error as it is.
    pub fn error_before(&self) -> f64 {
        self.squares / (self.rows * self.outputs).max(1) as f64
    }
}

/// Strengths of the ridge that are tried, from almost none to one that leaves little of the change.
pub const RIDGES: [f64; 9] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0];

/// A change of the weights with how it was chosen.
#[derive(Debug, Clone)]
pub struct Fit {
    /// By output, the bias last.
    pub change: Vec<f64>,
    pub ridge: f64,
    /// Mean squared error on folds that were left out, before and after.
    pub before: f64,
    pub after: f64,
}

/// Chooses the ridge by folds, each left out once, and fits all of them with it. `None` where no ridge makes the folds that
/// are left out better, or there are fewer than two.
pub fn fit(folds: &[Sums]) -> Option<Fit> {
    let first = folds.first().filter(|_| 2 <= folds.len())?;
    let sum = |left_out: Option<usize>| {
        let kept = folds
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != left_out);
        kept.fold(Sums::new(first.size - 1, first.outputs), |sum, (_, it)| {
            sum.plus(it)
        })
    };
    let rows: usize = folds.iter().map(|it| it.rows).sum();
    let pooled = |error: &dyn Fn(&Sums, usize) -> Option<f64>| {
        let all = folds
            .iter()
            .enumerate()
            .map(|(index, it)| Some(error(it, index)? * it.rows as f64));
        Some(all.sum::<Option<f64>>()? / rows.max(1) as f64)
    };
    let others: Vec<Sums> = (0..folds.len()).map(|it| sum(Some(it))).collect();
    let before = pooled(&|fold, _| Some(fold.error_before()))?;
    let tried = RIDGES.iter().filter_map(|&ridge| {
        let after = pooled(&|fold, index| Some(fold.error(&others[index].change(ridge)?)))?;
        Some((after, ridge))
    });
    let (after, ridge) = tried.min_by(|one, other| one.0.total_cmp(&other.0))?;
    if after.is_nan() || before <= after {
        return None;
    }
    let change = sum(None).change(ridge)?;
    Some(Fit {
        change,
        ridge,
        before,
        after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between -1 and 1 without a pattern.
    fn noise(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        }
    }

    fn folds(seed: u64, signal: f32) -> Vec<Sums> {
        let mut next = noise(seed);
        (0..4)
            .map(|_| {
                let mut sums = Sums::new(3, 2);
                for _ in 0..300 {
                    let x = [next(), next(), next()];
                    let first = signal * (0.5 * x[0] - 0.25 * x[2] + 0.125) + 0.1 * next();
                    sums.add(&x, [first, 0.1 * next()].into_iter());
                }
                sums.settle();
                sums
            })
            .collect()
    }

    #[test]
    fn what_is_missing_is_found() {
        let fit = fit(&folds(1, 1.0)).unwrap();
        let wanted = [0.5, 0.0, -0.25, 0.125];
        for (found, wanted) in fit.change.iter().zip(wanted) {
            assert!((found - wanted).abs() < 0.02, "{:?}", fit.change);
        }
        assert!(fit.after < 0.2 * fit.before, "{fit:?}");
    }

    #[test]
    fn sums_tell_the_error_that_rows_have() {
        let mut next = noise(3);
        let rows: Vec<[f32; 4]> = (0..70).map(|_| [next(), next(), next(), next()]).collect();
        let mut sums = Sums::new(3, 1);
        rows.iter().for_each(|it| sums.add(&it[..3], [it[3]].into_iter()));
        sums.settle();
        let change = [0.3, -0.2, 0.7, 0.1];
        let left = |row: &[f32; 4]| {
            let given: f64 = (0..3).map(|it| change[it] * f64::from(row[it])).sum();
            (f64::from(row[3]) - given - change[3]).powi(2)
        };
        let mean = rows.iter().map(left).sum::<f64>() / 70.0;
        assert!((sums.error(&change) - mean).abs() < 1e-12);
    }

    #[test]
    fn noise_is_hardly_ever_taken_for_a_signal() {
        let taken = (0..100)
            .filter_map(|seed| fit(&folds(seed, 0.0)))
            .filter(|it| it.after < 0.99 * it.before);
        assert_eq!(taken.count(), 0);
    }
}
