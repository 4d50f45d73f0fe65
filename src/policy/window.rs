// SPDX-License-Identifier: MPL-2.0

//! A sliding window of residuals with exact percentiles, and what is assumed of them before there are any.

use crate::clone_in_place::clone_in_place;
use crate::quantile::SlidingWindow;

/// Residuals the window keeps: 10 s at 25 fps, 8 of them beyond the 97th percentile.
const WINDOW: usize = 256;

/// Assumed residuals: the fewest of which one outlier stays outside of the 97th percentile.
const ASSUMED: usize = 64;

/// Spread of the assumed residuals: what warm runs show on a quiet machine.
const ASSUMED_SPREAD: f64 = 0.06;

/// The last residuals, oldest first out. Nothing allocates after construction.
#[derive(Debug)]
pub(super) struct Window {
    residuals: SlidingWindow<f64>,
}

clone_in_place! { Window: residuals }

impl Window {
    pub(super) fn empty() -> Window {
        let residuals = SlidingWindow::new(WINDOW);
        Window { residuals }
    }

    /// Filled with assumed residuals, evenly spread over the percentiles of a logistic distribution: its tails are a
    /// little heavier than Gaussian, as those of runs are.
    pub(super) fn assumed() -> Window {
        let mut window = Window::empty();
        (0..ASSUMED).for_each(|it| window.push(assumed(it)));
        window
    }

    /// Nothing was learned of a run, so what is known fades to what is assumed.
    pub(super) fn fade(&mut self) {
        // 37 is coprime to 64: neighbours in time are far apart in size.
        self.push(assumed(self.residuals.place() * 37 % ASSUMED));
    }

    pub(super) fn len(&self) -> usize {
        self.residuals.len()
    }

    pub(super) fn push(&mut self, residual: f64) {
        if residual.is_finite() {
            self.residuals.push(residual);
        }
    }

    /// How many residuals are larger than this.
    pub(super) fn above(&self, residual: f64) -> usize {
        self.residuals.above(residual)
    }

    /// The smallest residual that at least `share` of all residuals do not exceed; 0 without residuals.
    pub(super) fn percentile(&self, share: f64) -> f64 {
        self.residuals.percentile(share).unwrap_or(0.0)
    }

    /// Half the distance between the 16th and the 84th percentile: the standard deviation, if Gaussian;
    /// outliers do not move it.
    pub(super) fn spread(&self) -> f64 {
        (self.percentile(0.84) - self.percentile(0.16)) / 2.0
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
    fn a_number_that_is_none_is_not_kept() {
        let mut window = filled(std::iter::repeat_n(0.01, WINDOW));
        window.push(f64::NAN);
        window.push(f64::INFINITY);
        assert_eq!(window.percentile(1.0), 0.01);
    }
}
