// SPDX-License-Identifier: MPL-2.0

//! What a change is worth on the half that was held out.

use gstavrec::recommend::Estimate;
use gstavrec::score::Statistic;
use gstavrec::tune::blocks::Place;
use gstavrec::tune::gain::gain;

/// A figure of which more is better, on the half that was held out.
pub struct Measured {
    /// The field's name of the figure.
    pub figure: &'static str,
    /// What stands behind a value, such as `dB`.
    pub unit: &'static str,
    pub before: f64,
    pub after: f64,
    /// `None` where nothing can be concluded.
    pub gain: Option<Estimate>,
    /// Decimals that are told.
    decimals: usize,
    /// What the figure is told times.
    factor: f64,
}

impl Measured {
    /// Of a figure before and after, over items at these places; values are told times a factor, with so many decimals.
    pub fn of(
        (figure, unit): (&'static str, &'static str),
        (factor, decimals): (f64, usize),
        places: &[Place],
        (before, after): (&dyn Statistic, &dyn Statistic),
    ) -> Measured {
        let places: Vec<&Place> = places.iter().collect();
        let weights = vec![1.0; places.len()];
        let value = |it: &dyn Statistic| it.value(&weights).unwrap_or(f64::NAN) * factor;
        let gain = gain(&places, before, after).ok().map(|it| Estimate {
            value: it.value * factor,
            low: it.low * factor,
            high: it.high * factor,
            ..it
        });
        Measured {
            figure,
            unit,
            before: value(before),
            after: value(after),
            gain,
            decimals,
            factor,
        }
    }

    /// Of items that say nothing.
    pub fn nothing(unit: &'static str) -> Measured {
        Measured {
            figure: unit,
            unit,
            before: f64::NAN,
            after: f64::NAN,
            gain: None,
            decimals: 3,
            factor: 1.0,
        }
    }

    /// The figure after the change, in its own unit.
    pub fn value(&self) -> f64 {
        self.after / self.factor
    }

    /// Whether the interval of the gain lies above zero.
    pub fn is_gain(&self) -> bool {
        self.gain.is_some_and(|it| 0.0 < it.low)
    }

    /// `34.33 → 34.60 dB`
    pub fn short(&self) -> String {
        let (unit, decimals) = (self.unit, self.decimals);
        format!("{:.decimals$} → {:.decimals$} {unit}", self.before, self.after)
    }

    /// `34.33 → 34.60 dB on the held-out half (+0.267, 0.21 to 0.32)`
    pub fn text(&self) -> String {
        let (unit, decimals) = (self.unit, self.decimals);
        let start = format!(
            "{:.decimals$} → {:.decimals$} {unit} on the held-out half",
            self.before, self.after
        );
        match self.gain {
            Some(gain) => {
                let more = self.decimals + 1;
                let (value, low, high) = (gain.value, gain.low, gain.high);
                format!("{start} ({value:+.more$}, {low:.more$} to {high:.more$})")
            }
            None => start,
        }
    }
}
