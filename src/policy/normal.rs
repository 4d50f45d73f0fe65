// SPDX-License-Identifier: MPL-2.0

//! The little of the standard normal distribution that the policy needs.

/// Gauss-Hermite nodes and weights, of five points (Abramowitz and Stegun, table 25.10, rescaled).
const NODES: [(f64, f64); 5] = [
    (0.0, 0.533_333_333),
    (1.355_626_18, 0.222_075_922),
    (-1.355_626_18, 0.222_075_922),
    (2.856_970_01, 0.011_257_411),
    (-2.856_970_01, 0.011_257_411),
];

/// Mean of a function over a standard normal variable.
pub(super) fn mean(of: impl Fn(f64) -> f64) -> f64 {
    NODES.iter().map(|(at, weight)| weight * of(*at)).sum()
}

/// Distribution function, by the logistic one with the same standard deviation: at most 0.023 off, and without a
/// special function.
pub(super) fn cdf(z: f64) -> f64 {
    1.0 / (1.0 + (-std::f64::consts::PI / 3f64.sqrt() * z).exp())
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
    fn the_distribution_function_is_near() {
        for (z, expected) in [(-2.0, 0.0228), (0.0, 0.5), (1.0, 0.8413)] {
            assert!((cdf(z) - expected).abs() < 0.023, "{z}: {}", cdf(z));
        }
    }
}
