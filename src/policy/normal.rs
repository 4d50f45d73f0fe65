// SPDX-License-Identifier: MPL-2.0

//! The little of the standard normal distribution that the policy needs.

/// Gauss-Hermite nodes and weights, of five points (Abramowitz and Stegun, table 25.10, rescaled).
const NODES: [(f64, f64); 5] = [
    (0.0, 0.533_333_333),
    (1.355_626_18, 0.222_075_922),
    (-1.355_626_18, 0.222_075_922),
    (REACH, 0.011_257_411),
    (-REACH, 0.011_257_411),
];

/// The largest of the nodes.
pub(super) const REACH: f64 = 2.856_970_01;

/// Mean of a function over a standard normal variable.
pub(super) fn mean(of: impl Fn(f64) -> f64) -> f64 {
    NODES.iter().map(|(at, weight)| weight * of(*at)).sum()
}

/// Distribution function: Φ(z) = erfc(-z / √2) / 2.
pub(super) fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_powers_are_exact() {
        for (power, expected) in [(0, 1.0), (1, 0.0), (2, 1.0), (4, 3.0), (6, 15.0)] {
            assert!(
                (mean(|it| it.powi(power)) - expected).abs() < 1e-5,
                "power {power}"
            );
        }
    }

    #[test]
    fn the_distribution_function_is_exact_in_the_tails_too() {
        // Abramowitz and Stegun, tables 26.1 and 26.2.
        let table = [
            (0.0, 0.5),
            (1.0, 0.841_344_746),
            (-1.880_793_608, 0.03),
            (-3.0, 1.349_898_032e-3),
            (-6.0, 9.865_876_45e-10),
        ];
        for (z, expected) in table {
            assert!((cdf(z) / expected - 1.0).abs() < 1e-8, "{z}: {}", cdf(z));
        }
    }
}
