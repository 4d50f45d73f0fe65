// SPDX-License-Identifier: MPL-2.0

//! Whether a change is a gain: the mean of differences on the same items, with the interval that blocks of them give.

/// A mean difference with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    pub items: usize,
    pub blocks: usize,
}

/// Fewest blocks and items that say something.
pub const FEWEST: (usize, usize) = (4, 8);

impl Gain {
    /// Of differences, each with the block that it stands in. `None` where they are too few.
    pub fn of(differences: &[(f64, usize)]) -> Option<Gain> {
        let blocks = differences.iter().map(|it| it.1 + 1).max().unwrap_or(0);
        let mut sums = vec![(0.0, 0.0); blocks];
        for (difference, block) in differences {
            sums[*block].0 += difference;
            sums[*block].1 += 1.0;
        }
        sums.retain(|it| 0.0 < it.1);
        if sums.len() < FEWEST.0 || differences.len() < FEWEST.1 {
            return None;
        }
        let count = differences.len() as f64;
        let mean = sums.iter().map(|it| it.0).sum::<f64>() / count;
        // Of a ratio of sums over blocks, by its residuals.
        let n = sums.len() as f64;
        let squares: f64 = sums.iter().map(|(sum, items)| (sum - mean * items).powi(2)).sum();
        let deviation = (squares * n / (n - 1.0)).sqrt() / count;
        let reach = student(sums.len() - 1) * deviation;
        Some(Gain {
            mean,
            low: mean - reach,
            high: mean + reach,
            items: differences.len(),
            blocks: sums.len(),
        })
    }
}

/// The 97.5 % quantile of Student's distribution, by Cornish and Fisher's expansion from five degrees on.
fn student(degrees: usize) -> f64 {
    match degrees {
        0 => f64::INFINITY,
        1 => 12.706,
        2 => 4.303,
        3 => 3.182,
        4 => 2.776,
        _ => {
            let (z, n) = (1.959_964_f64, degrees as f64);
            let cube = z.powi(3);
            let first = (cube + z) / (4.0 * n);
            let second = (5.0 * z.powi(5) + 16.0 * cube + 3.0 * z) / (96.0 * n * n);
            let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * cube - 15.0 * z) / (384.0 * n.powi(3));
            z + first + second + third
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_blocks_give_the_interval_of_their_means() {
        let of = |value: f64, block: usize| [(value, block), (value, block)];
        let values: Vec<_> = [1.0, 2.0, 3.0, 4.0]
            .iter()
            .enumerate()
            .flat_map(|(block, it)| of(*it, block))
            .collect();
        let gain = Gain::of(&values).unwrap();
        // Standard error of 1, 2, 3, 4: 1.290994 / 2, times 3.182.
        assert!(
            (gain.mean - 2.5).abs() < 1e-12 && (gain.high - 2.5 - 2.053_972).abs() < 1e-3,
            "{gain:?}"
        );
        assert_eq!((gain.items, gain.blocks), (8, 4));
    }

    #[test]
    fn of_few_nothing_is_concluded() {
        assert_eq!(Gain::of(&[(1.0, 0), (1.0, 1)]), None);
        assert_eq!(Gain::of(&[]), None);
        let same_block = [(1.0, 0); 30];
        assert_eq!(Gain::of(&same_block), None);
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        for (degrees, wanted) in [(5, 2.571), (10, 2.228), (30, 2.042), (1000, 1.962)] {
            assert!(
                (student(degrees) - wanted).abs() < 0.004,
                "{degrees}: {}",
                student(degrees)
            );
        }
    }
}
