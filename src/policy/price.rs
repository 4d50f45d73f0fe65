// SPDX-License-Identifier: MPL-2.0

//! What a miss costs: the dual variable of the promise to miss no more than a share of the frames. Each miss above
//! the share raises it, each frame below lowers it, so that unspent misses buy quality and overspent ones are earned
//! back. A price orders candidates by what they gain per miss, which a bound cannot (specification, section 2).

use super::ablation::{Part, is_out};

/// Step of the price in its logarithm: multiplicative, because nobody knows the scale of the qualities beforehand. A
/// miss raises it by a quarter, and at 3 % allowed it takes 32 frames without one to fall back.
const STEP: f64 = 0.25;

/// The price at the start, in log-quality times frames.
const START: f64 = 1.15;

/// At the lower end a miss costs hardly more than the frame that it spoils, which the formula counts anyway: while the
/// promise is kept, misses are spent where they buy quality. At the upper end it costs six times the frame, so that a burst
/// of misses that nobody could avoid does not bar everybody for minutes.
const RANGE: (f64, f64) = (0.1, 5.0);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Price {
    per_miss: f64,
}

impl Default for Price {
    fn default() -> Price {
        Price { per_miss: START }
    }
}

impl Price {
    pub(super) fn per_miss(self) -> f64 {
        self.per_miss
    }

    /// So many frames passed, and so many of them were missed.
    pub(super) fn frames(&mut self, passed: u32, missed: u32, miss_rate: f64) {
        let above = f64::from(missed) - miss_rate * f64::from(passed);
        if !is_out(Part::Price) {
            self.per_miss = (self.per_miss * (STEP * above).exp()).clamp(RANGE.0, RANGE.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_stands_still_when_the_promise_is_spent_exactly() {
        let mut price = Price::default();
        price.frames(0, 4, 0.03);
        let before = price.per_miss();
        price.frames(100, 3, 0.03);
        assert!((price.per_miss() - before).abs() < 1e-9);
    }

    #[test]
    fn misses_raise_it_and_calm_lowers_it_within_bounds() {
        let mut price = Price::default();
        price.frames(0, 4, 0.03);
        assert!((price.per_miss() - START * std::f64::consts::E).abs() < 1e-9);
        price.frames(0, 100, 0.03);
        assert_eq!(price.per_miss(), RANGE.1);
        price.frames(10_000, 0, 0.03);
        assert_eq!(price.per_miss(), RANGE.0);
    }

    #[test]
    fn a_generous_promise_is_cheaper() {
        let after = |miss_rate: f64| {
            let mut price = Price::default();
            price.frames(20, 4, miss_rate);
            price.per_miss()
        };
        assert!(after(0.05) < after(0.01));
    }
}
