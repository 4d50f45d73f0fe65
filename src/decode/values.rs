// SPDX-License-Identifier: MPL-2.0

//! What the values of a map with one plane say: how far a place belongs to what the model looks for.

use super::classify::sigmoid;

/// How values of one plane are to be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values {
    /// 0 to 1.
    Confidences,
    /// Any number; the logistic function makes confidences of them.
    Logits,
    /// From the first number, which stands for 0, to the second, which stands for 1.
    Range(f32, f32),
    /// Nobody says: confidences, but logits where one of an answer's values is below 0 or above 1.
    Unsaid,
}

impl Values {
    /// The reading of one answer, by its own values alone.
    pub(super) fn settled(self, values: &[f32]) -> Values {
        let is_confidence = |it: &f32| (0.0..=1.0).contains(it) || !it.is_finite();
        match self {
            Values::Unsaid if values.iter().all(is_confidence) => Values::Confidences,
            Values::Unsaid => Values::Logits,
            said => said,
        }
    }

    /// The share that a value stands for, 0 to 1; NaN stays.
    pub(super) fn share(self, value: f32) -> f32 {
        match self {
            Values::Confidences | Values::Unsaid => value.clamp(0.0, 1.0),
            Values::Logits => sigmoid(value),
            Values::Range(low, high) => ((value - low) / (high - low)).clamp(0.0, 1.0),
        }
    }
}
