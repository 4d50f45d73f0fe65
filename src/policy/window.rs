// SPDX-License-Identifier: MPL-2.0

//! A sliding window of residuals with exact percentiles. Knows nothing of what the numbers mean.

use crate::clone_in_place::clone_in_place;

/// Residuals the window keeps: 10 s at 25 fps, 8 of them beyond the 97th percentile.
const WINDOW: usize = 256;

/// Assumed residuals: the fewest of which one outlier stays outside of the 97th percentile.
const ASSUMED: usize = 64;

/// Spread of the assumed residuals: what warm runs show on a quiet machine.
const ASSUMED_SPREAD: f64 = 0.06;

/// The last residuals, oldest first out, with exact percentiles.
///
/// A push costs a binary search and a move of at most 2 KiB; nothing allocates after construction.
#[derive(Debug)]
pub(super) struct Window {
    ring: Vec<f64>,
    sorted: Vec<f64>,
    oldest: usize,
}

clone_in_place! { Window: ring sorted oldest }

impl Window {
    pub(super) fn empty() -> Window {
        Window {
            ring: Vec::with_capacity(WINDOW),
            sorted: Vec::with_capacity(WINDOW),
            oldest: 0,
        }
    }

    /// Filled with assumed residuals, evenly spread over the percentiles of a logistic distribution,
    /// whose inverse needs no special function and whose tails are a little heavier than Gaussian.
    pub(super) fn assumed() -> Window {
        let mut window = Window::empty();
        (0..ASSUMED).for_each(|it| window.push(assumed(it)));
        window
    }

    /// Nothing was learned of a run, so what is known fades to what is assumed.
    pub(super) fn fade(&mut self) {
        // 37 is coprime to 64: neighbours in time are far apart in size.
        self.push(assumed((self.ring.len() + self.oldest) * 37 % ASSUMED));
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(super) fn push(&mut self, residual: f64) {
        if !residual.is_finite() {
            return;
        }
        if self.ring.len() < WINDOW {
            self.ring.push(residual);
        } else {
            let evicted = std::mem::replace(&mut self.ring[self.oldest], residual);
            self.oldest = (self.oldest + 1) % WINDOW;
            self.sorted.remove(self.position(evicted));
        }
        self.sorted.insert(self.position(residual), residual);
    }

    /// How many residuals are larger than this.
    pub(super) fn above(&self, residual: f64) -> usize {
        self.sorted.len() - self.sorted.partition_point(|it| *it <= residual)
    }

    /// The smallest residual that at least `share` of all residuals do not exceed; 0 without residuals.
    pub(super) fn percentile(&self, share: f64) -> f64 {
        let count = self.sorted.len();
        let rank = (share * count as f64).ceil() as usize;
        self.sorted
            .get(rank.clamp(1, count.max(1)) - 1)
            .copied()
            .unwrap_or(0.0)
    }

    /// Half the distance between the 16th and the 84th percentile: the standard deviation, if Gaussian;
    /// outliers do not move it.
    pub(super) fn spread(&self) -> f64 {
        (self.percentile(0.84) - self.percentile(0.16)) / 2.0
    }

    fn position(&self, residual: f64) -> usize {
        self.sorted.partition_point(|it| *it < residual)
    }
}
/// One of the assumed residuals, by its place in their order.
fn assumed(place: usize) -> f64 {
    let share = (place as f64 + 0.5) / ASSUMED as f64;
    // 1.664: half the distance between the 16th and 84th percentile of the standard logistic.
    ASSUMED_SPREAD / 1.664 * (share / (1.0 - share)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(values: impl Iterator<Item = f64>) -> Window {
        let mut window = Window::empty();
        values.for_each(|it| window.push(it));
        window
    }

    #[test]
    fn percentiles_are_exact_over_the_last_values() {
        // 1,000 values 0..1000 in a scrambled order: 617 is coprime to 1,000. The last 256 are kept.
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i * 617 % 1000)).collect();
        let window = filled(values.iter().copied());
        let mut last = values[1000 - WINDOW..].to_vec();
        last.sort_by(f64::total_cmp);
        assert_eq!(window.percentile(0.0), last[0]);
        assert_eq!(window.percentile(0.5), last[127]);
        assert_eq!(window.percentile(0.97), last[248]); // ceil(0.97 * 256) = 249.
        assert_eq!(window.percentile(1.0), last[255]);
    }

    #[test]
    fn a_fresh_window_has_the_assumed_spread() {
        let window = Window::assumed();
        assert!(
            (window.spread() - ASSUMED_SPREAD).abs() < 0.01,
            "{}",
            window.spread()
        );
        assert!(window.percentile(0.5).abs() < 0.01);
    }

    #[test]
    fn one_outlier_does_not_move_the_97th_percentile_but_two_do() {
        let mut window = Window::assumed();
        window.push(1.0);
        assert!(window.percentile(0.97) < 0.3);
        window.push(1.0);
        assert_eq!(window.percentile(0.97), 1.0);
    }

    #[test]
    fn what_is_above_is_counted_exactly() {
        let window = filled([0.1, 0.2, 0.2, 0.3].into_iter());
        let above = [0.0, 0.1, 0.2, 0.25, 0.3].map(|it| window.above(it));
        assert_eq!(above, [4, 3, 1, 1, 0]);
        assert_eq!(Window::empty().above(0.0), 0);
    }

    #[test]
    fn a_number_that_is_none_is_not_kept() {
        let mut window = filled(std::iter::repeat_n(0.01, WINDOW));
        window.push(f64::NAN);
        window.push(f64::INFINITY);
        assert_eq!(window.percentile(1.0), 0.01);
    }
}
