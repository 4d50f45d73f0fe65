// SPDX-License-Identifier: MPL-2.0

//! One number for each class, [1, C]: logits or confidences, and their smoothing over time.

use super::Fault;
use super::Settings;
use super::found::{output, shape};
use super::model::Activation;
use super::scan;
use crate::answer::ClassScore;
use crate::tensor::Tensor;

/// Where the classes are and what makes confidences out of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classes {
    /// Which output of the model it is.
    pub output: usize,
    /// `None` where the model does not declare it.
    pub classes: Option<usize>,
    /// `None` where nobody says: each answer's own values show it.
    pub activation: Option<Activation>,
}

/// What is kept from answer to answer.
#[derive(Debug, Default)]
pub(super) struct Memory {
    confidences: Vec<f32>,
    smoothed: Vec<f32>,
}

impl Memory {
    /// Begins anew, as after a gap in the stream.
    pub fn reset(&mut self) {
        self.smoothed.clear();
    }

    /// Exponential smoothing, `s += (1 - 2^(-1 / half_life)) (c - s)`: after `half_life` answers half of a step
    /// is reached. A class without a number keeps what it had.
    fn smooth(&mut self, half_life: f32) -> &[f32] {
        if half_life.is_nan() || half_life <= 0.0 {
            self.smoothed.clear();
            return &self.confidences;
        }
        if self.smoothed.len() != self.confidences.len() {
            self.smoothed.clone_from(&self.confidences);
        }
        let share = 1.0 - (-1.0 / half_life).exp2();
        for (smoothed, &confidence) in self.smoothed.iter_mut().zip(&self.confidences) {
            if smoothed.is_nan() {
                *smoothed = confidence;
            } else if !confidence.is_nan() {
                *smoothed += share * (confidence - *smoothed);
            }
        }
        &self.smoothed
    }
}

impl Classes {
    /// The best classes, the most confident first and the lower one of equals; returns how many were dropped
    /// for a value that is not finite (a logit of -∞ is a confidence of 0).
    pub(super) fn read(
        &self,
        outputs: &[Tensor],
        settings: &Settings,
        memory: &mut Memory,
        scratch: &mut Vec<f32>,
        best: &mut Vec<ClassScore>,
    ) -> Result<u64, Fault> {
        let tensor = output(outputs, self.output)?;
        let values = scan::floats(tensor, scratch);
        let expected = self.classes.unwrap_or(values.len());
        if values.is_empty() || values.len() != expected {
            let expected = self
                .classes
                .map_or("[1, C]".to_owned(), |it| format!("[1, {it}]"));
            return Err(shape(self.output, tensor, expected));
        }
        let activation = self.activation.unwrap_or_else(|| judge(values));
        memory.confidences.clear();
        memory.confidences.extend_from_slice(values);
        let dropped = activate(activation, &mut memory.confidences);
        let confidences = memory.smooth(settings.half_life);
        best.clear();
        let scores = confidences.iter().enumerate().filter(|(_, it)| !it.is_nan());
        best.extend(scores.map(|(class, &confidence)| ClassScore {
            class: class as u32,
            confidence,
        }));
        if let Some(wanted) = &settings.classes {
            best.retain(|it| wanted.contains(&it.class));
        }
        keep_top(best, settings.top_k);
        Ok(dropped)
    }
}

/// Sorts the `count` most confident to the front and leaves out the others.
fn keep_top(best: &mut Vec<ClassScore>, count: usize) {
    let order = |it: &ClassScore, other: &ClassScore| {
        other
            .confidence
            .total_cmp(&it.confidence)
            .then(it.class.cmp(&other.class))
    };
    if 0 < count && count < best.len() {
        best.select_nth_unstable_by(count - 1, order);
    }
    best.truncate(count);
    best.sort_unstable_by(order);
}

/// What the values of one answer are: a distribution or confidences each for itself, else logits. One number alone
/// cannot compete with others.
pub(super) fn judge(values: &[f32]) -> Activation {
    let mut finite = values.iter().filter(|it| it.is_finite());
    let are_logits = finite.any(|it| !(0.0..=1.0).contains(it)) || values.contains(&f32::NEG_INFINITY);
    match (are_logits, values.len()) {
        (false, _) => Activation::None,
        (true, 1) => Activation::Sigmoid,
        (true, _) => Activation::Softmax,
    }
}

/// Values to confidences in place; what has none becomes NaN. Returns how many those are.
fn activate(activation: Activation, values: &mut [f32]) -> u64 {
    let usable = |it: f32| !it.is_nan() && it != f32::INFINITY;
    values
        .iter_mut()
        .filter(|it| !usable(**it))
        .for_each(|it| *it = f32::NAN);
    let dropped = values.iter().filter(|it| it.is_nan()).count();
    match activation {
        Activation::None => values.iter_mut().for_each(|it| *it = clamped(*it)),
        Activation::Sigmoid => values.iter_mut().for_each(|it| *it = sigmoid(*it)),
        Activation::Softmax => softmax(values),
    }
    dropped as u64
}

/// Into 0 to 1; NaN stays.
fn clamped(value: f32) -> f32 {
    value.clamp(0.0, 1.0)
}

pub(super) fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

/// `exp(v - max) / Σ exp(v - max)` over what is a number; all 0 where each is infinitely low.
fn softmax(values: &mut [f32]) {
    // `max` passes over NaN.
    let highest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let highest = if highest.is_finite() { highest } else { 0.0 };
    values.iter_mut().for_each(|it| *it = (*it - highest).exp());
    let sum: f32 = values.iter().filter(|it| !it.is_nan()).sum();
    if 0.0 < sum {
        values.iter_mut().for_each(|it| *it /= sum);
    }
}
