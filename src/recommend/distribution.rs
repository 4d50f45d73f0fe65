// SPDX-License-Identifier: MPL-2.0

//! The normal and Student's t distribution, as intervals need them.

use std::f64::consts::FRAC_1_SQRT_2;

/// Distribution function of the standard normal distribution: Φ(z) = erfc(-z / √2) / 2.
pub(super) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The value that a standard normal variable stays below with this probability, which lies within 0 and 1.
pub(super) fn normal_quantile(probability: f64) -> f64 {
    bisect(probability, normal_cdf)
}

/// The same for Student's t with so many degrees of freedom, above 0 and not necessarily whole.
pub(super) fn t_quantile(probability: f64, freedom: f64) -> f64 {
    bisect(probability, |it| t_cdf(it, freedom))
}

/// Distribution function of Student's t: P(T ≤ t) = 1 - I_x(ν/2, ½) / 2 with x = ν / (ν + t²), for t ≥ 0.
fn t_cdf(t: f64, freedom: f64) -> f64 {
    let upper = 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    if t < 0.0 { upper } else { 1.0 - upper }
}

/// The argument at which an increasing function of a symmetric variable has this value.
fn bisect(probability: f64, cdf: impl Fn(f64) -> f64) -> f64 {
    // By symmetry only the lower tail is looked up, where nothing cancels.
    let tail = probability.min(1.0 - probability).max(f64::MIN_POSITIVE);
    let (mut low, mut high) = (-1.0, 0.0);
    while tail < cdf(low) && -1e12 < low {
        low *= 2.0;
    }
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if cdf(middle) < tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    let quantile = 0.5 * (low + high);
    if probability < 0.5 { quantile } else { -quantile }
}

/// The value that a variable of the beta distribution stays below with this probability: 0 for a = 0, 1 for b = 0.
pub(super) fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    if a <= 0.0 || b <= 0.0 {
        return f64::from(b <= 0.0);
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if incomplete_beta(a, b, middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Probability of at most so many `hits` in `count` independent trials of this `rate`.
pub(super) fn binomial_cdf(hits: usize, count: usize, rate: f64) -> f64 {
    match count <= hits {
        true => 1.0,
        false => incomplete_beta((count - hits) as f64, hits as f64 + 1.0, 1.0 - rate),
    }
}

/// Regularized incomplete beta function I_x(a, b) by Lentz's continued fraction (Numerical Recipes, 3rd ed., 6.4).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if 1.0 <= x {
        return 1.0;
    }
    if (a + 1.0) / (a + b + 2.0) < x {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (1.0 - x).ln();
    front.exp() * fraction(a, b, x) / a
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |it: f64| if it.abs() < TINY { TINY } else { it };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut product = d;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            product *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-14 {
            break;
        }
    }
    product
}

/// Density of the standard normal distribution.
#[cfg(test)]
fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (probability, expected) in [(0.5, 0.0), (0.975, 1.959_963_985), (0.01, -2.326_347_874)] {
            assert!((normal_quantile(probability) - expected).abs() < 1e-8);
        }
        let table = [
            (0.975, 1.0, 12.706_204_74),
            (0.975, 7.0, 2.364_624_25),
            (0.995, 30.0, 2.749_995_65),
        ];
        for (probability, freedom, expected) in table {
            let quantile = t_quantile(probability, freedom);
            assert!((quantile - expected).abs() < 1e-6, "{freedom}: {quantile}");
        }
        assert!((t_quantile(0.05, 1e6) - normal_quantile(0.05)).abs() < 1e-5);
    }

    #[test]
    fn beta_quantiles_are_those_of_exact_intervals_of_rates() {
        // Clopper and Pearson (1934) for 8 of 10: 0.444 to 0.975.
        assert!((beta_quantile(0.025, 8.0, 3.0) - 0.443_904_5).abs() < 1e-6);
        assert!((beta_quantile(0.975, 9.0, 2.0) - 0.974_789_3).abs() < 1e-6);
        assert_eq!(
            (beta_quantile(0.5, 0.0, 3.0), beta_quantile(0.5, 3.0, 0.0)),
            (0.0, 1.0)
        );
    }

    #[test]
    fn the_distribution_function_is_the_integral_of_the_density() {
        let step = 1e-4;
        let area: f64 = (0..10_000)
            .map(|it| step * normal_density(step * (f64::from(it) + 0.5)))
            .sum();
        assert!((normal_cdf(1.0) - 0.5 - area).abs() < 1e-8);
    }
}
