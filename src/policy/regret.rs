// SPDX-License-Identifier: MPL-2.0

//! Hysteresis: a switch for quality waits until staying has cost as much as the switch would.

/// Regret that pays for a switch, in log-quality times frames: a gain of 4 % pays in 14 frames, one of
/// 20 % in 3, so dwell scales itself (specification, section 3.6; 0.2 to 1.0 changed little there).
const PRICE: f64 = 0.5;

/// Frames within which a counterfactual comes true.
const SOON: f64 = 100.0;

/// Gain per frame that is not worth a switch however long it lasts, in log-quality: below what scores
/// can tell apart.
const NEGLIGIBLE: f64 = 0.003;

/// Spread of log-quality, worst to best candidate, for which the two above were chosen: ln(0.90 / 0.62).
const USUAL_SPREAD: f64 = 0.37;

/// Most that a narrow scale is stretched; beyond this, scores could not tell the candidates apart.
const MOST_STRETCH: f64 = 10.0;

/// How much to stretch log-quality, so that the same dwell serves a narrow scale as a wide one: structural
/// similarities of good upscalers lie within a few hundredths, accuracies of classifiers within tenths.
///
/// `worst` and `best` are the qualities of the candidates that there are, above zero.
pub(super) fn stretch(worst: f64, best: f64) -> f64 {
    let spread = (best / worst).ln();
    if spread < USUAL_SPREAD / MOST_STRETCH {
        return MOST_STRETCH;
    }
    (USUAL_SPREAD / spread).max(1.0)
}

/// Whether a gain per frame pays for a switch within some seconds, which is what a counterfactual promises.
pub(super) fn pays_soon(gain: f64, stretch: f64) -> bool {
    NEGLIGIBLE + PRICE / SOON < stretch * gain
}

/// Accumulated cost of not having switched to one rival.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Regret(f64);

impl Regret {
    /// One more frame on an active candidate that costs `gain` more than this one, on a scale that wants this much
    /// [`stretch`].
    pub(super) fn grow(&mut self, gain: f64, stretch: f64) {
        self.0 = (self.0 + stretch * gain - NEGLIGIBLE).clamp(0.0, PRICE);
    }

    /// Pays the usual price in advance, as for a candidate that was left on a false alarm.
    pub(super) fn prepay(&mut self) {
        self.0 = self.0.max(PRICE);
    }

    pub(super) fn forget(&mut self) {
        self.0 = 0.0;
    }

    /// Share of the usual price that is paid, 0..1.
    pub(super) fn paid(self) -> f64 {
        self.0 / PRICE
    }

    /// Whether it has paid for the switch.
    pub(super) fn has_paid(self) -> bool {
        PRICE <= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames_to_pay(rival: f64, active: f64) -> Option<usize> {
        let mut regret = Regret::default();
        (1..1000).find(|_| {
            regret.grow(f64::ln(rival / active), 1.0);
            regret.has_paid()
        })
    }

    #[test]
    fn a_large_gain_pays_sooner_than_a_small_one() {
        assert_eq!(frames_to_pay(0.96, 0.80), Some(3)); // ln 1.2 = 0.182
        assert_eq!(frames_to_pay(0.832, 0.80), Some(14)); // ln 1.04 = 0.039
    }

    #[test]
    fn a_narrow_scale_is_stretched_and_a_wide_one_is_not() {
        assert!((stretch(0.905, 0.949) - 7.8).abs() < 0.1);
        assert_eq!(stretch(0.5, 0.9), 1.0);
        assert_eq!(stretch(0.9, 0.9), MOST_STRETCH);
    }

    #[test]
    fn a_negligible_gain_never_pays() {
        assert_eq!(frames_to_pay(0.802, 0.80), None);
        assert_eq!(frames_to_pay(0.7, 0.8), None);
        assert!(!pays_soon(0.007, 1.0) && pays_soon(0.009, 1.0));
    }

    #[test]
    fn regret_is_lost_when_the_rival_is_no_longer_better() {
        let mut regret = Regret::default();
        regret.grow(1.0, 1.0);
        assert!(regret.has_paid());
        regret.grow(-1.0, 1.0);
        assert!(!regret.has_paid());
    }
}
