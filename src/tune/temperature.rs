// SPDX-License-Identifier: MPL-2.0

//! Confidences that mean what they say: one temperature for all classes, and the threshold at which most is found for what
//! is invented.

use super::logistic::softmax;

/// Temperatures that are looked between.
const RANGE: (f64, f64) = (0.05, 20.0);

/// The temperature by which logits are divided so that the right classes are the likeliest: the least mean of -ln p
/// (Guo et al., "On Calibration of Modern Neural Networks", 2017). `rows` are logits and the right class. Found by golden
/// section on the logarithm, on which the loss has one valley. `None` without rows.
pub fn temperature(rows: &[(Vec<f64>, usize)]) -> Option<f64> {
    if rows.is_empty() {
        return None;
    }
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (RANGE.0.ln(), RANGE.1.ln());
    let at = |it: f64| loss(rows, it.exp());
    for _ in 0..60 {
        let (one, other) = (high - golden * (high - low), low + golden * (high - low));
        if at(one) < at(other) {
            high = other;
        } else {
            low = one;
        }
    }
    Some(((low + high) / 2.0).exp())
}

/// Mean of -ln p of the right class with this temperature, in nats.
pub fn loss(rows: &[(Vec<f64>, usize)], temperature: f64) -> f64 {
    let of = |(logits, class): &(Vec<f64>, usize)| {
        let mut scaled: Vec<f64> = logits.iter().map(|it| it / temperature).collect();
        softmax(&mut scaled);
        -scaled.get(*class).copied().unwrap_or_default().max(1e-12).ln()
    };
    rows.iter().map(of).sum::<f64>() / rows.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_too_sure_gets_the_temperature_that_it_was_heated_by() {
        // Right in three of four cases, and so should say 0.75: logits ±ln(3)/2, told four times as large.
        let sure = 4.0 * 3.0_f64.ln() / 2.0;
        let rows: Vec<_> = (0..40)
            .map(|it| (vec![sure, -sure], usize::from(it % 4 == 0)))
            .collect();
        let found = temperature(&rows).unwrap();
        assert!((found - 4.0).abs() < 1e-6, "{found}");
        assert!(loss(&rows, found) < loss(&rows, 1.0));
        assert_eq!(temperature(&[]), None);
    }
}
