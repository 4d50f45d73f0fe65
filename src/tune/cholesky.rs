// SPDX-License-Identifier: MPL-2.0

//! Systems of linear equations whose matrix is symmetric and positive.

/// A lower triangle L with L Lᵀ = A.
#[derive(Debug, Clone)]
pub struct Cholesky {
    size: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Decomposes a matrix of `size` × `size`, of which the lower triangle is read (Cholesky-Banachiewicz). `None` where it
    /// is not positive, as with features that are all zero and no ridge.
    pub fn of(matrix: &[f64], size: usize) -> Option<Cholesky> {
        let mut lower = matrix.to_vec();
        for row in 0..size {
            let (above, here) = lower.split_at_mut(row * size);
            for column in 0..row {
                let other = &above[column * size..][..=column];
                let sum = dot(&here[..column], &other[..column]);
                here[column] = (here[column] - sum) / other[column];
            }
            let rest = here[row] - dot(&here[..row], &here[..row]);
            // A pivot that is lost in rounding is none.
            if rest.is_nan() || rest <= matrix[row * size + row] * 1e-14 {
                return None;
            }
            here[row] = rest.sqrt();
        }
        Some(Cholesky { size, lower })
    }

    /// Solves A x = b for one b.
    pub fn solve(&self, right: &mut [f64]) {
        let row = |index: usize| &self.lower[index * self.size..][..=index];
        for index in 0..self.size {
            let line = row(index);
            right[index] = (right[index] - dot(&line[..index], &right[..index])) / line[index];
        }
        for index in (0..self.size).rev() {
            let line = row(index);
            right[index] /= line[index];
            let value = right[index];
            right[..index]
                .iter_mut()
                .zip(line)
                .for_each(|(it, factor)| *it -= factor * value);
        }
    }
}

/// Eight sums side by side, so that the processor adds several at once.
pub fn dot(one: &[f64], other: &[f64]) -> f64 {
    let ((ones, one), (others, other)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (one, other) in ones.iter().zip(others) {
        for lane in 0..8 {
            sums[lane] += one[lane] * other[lane];
        }
    }
    sums.iter().sum::<f64>() + one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        // Of A = M Mᵀ + I with M[i][j] = sin(i + 2 j).
        let size = 11;
        let entry = |row: usize, column: usize| ((row + 2 * column) as f64).sin();
        let matrix: Vec<f64> = (0..size * size)
            .map(|at| {
                let (row, column) = (at / size, at % size);
                let sum: f64 = (0..size).map(|it| entry(row, it) * entry(column, it)).sum();
                sum + f64::from(u8::from(row == column))
            })
            .collect();
        let wanted: Vec<f64> = (0..size).map(|it| it as f64 - 3.5).collect();
        let mut right: Vec<f64> = (0..size)
            .map(|row| dot(&matrix[row * size..][..size], &wanted))
            .collect();
        Cholesky::of(&matrix, size).unwrap().solve(&mut right);
        let off = right.iter().zip(&wanted).map(|(one, other)| (one - other).abs());
        assert!(off.fold(0.0, f64::max) < 1e-11, "{right:?}");
    }

    #[test]
    fn a_matrix_that_is_not_positive_is_refused() {
        assert!(Cholesky::of(&[1.0, 1.0, 1.0, 1.0], 2).is_none());
        assert!(Cholesky::of(&[-1.0], 1).is_none());
        assert!(Cholesky::of(&[f64::NAN], 1).is_none());
    }
}
