// SPDX-License-Identifier: MPL-2.0

//! What is known of a model's outputs beyond what it declares of them: how they are made, and what came out of a
//! run. It settles what shapes leave open, once and for all, when a model is loaded.

use std::sync::Arc;

use crate::tensor::Tensor;

/// What is known beyond declarations; all of it may be absent.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The operator that made the values of each output; empty where that is not known.
    pub makers: Vec<String>,
    /// The outputs of a run on a made-up picture or sound; none where there was no run.
    pub seen: Arc<Vec<Tensor>>,
    /// Whether the number of values depends on the picture, by an operator of the graph.
    pub counts: bool,
    /// Whether the model takes any number of pictures at once.
    pub is_batch_free: bool,
    /// Values of each output that stand for nothing and for everything, where somebody says them.
    pub ranges: Vec<Option<(f32, f32)>>,
    /// Lists of labels found beside the model, each with the name of its file.
    pub companions: Vec<(String, Vec<String>)>,
}

/// How the values of an output are bounded by the operator that makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// 0 to 1, and all together one.
    Distribution,
    /// 0 to 1, each for itself.
    Confidences,
    /// Any number: the sum of products.
    Sums,
}

impl Evidence {
    /// What the operator that made an output says of its values.
    pub(super) fn bound(&self, output: usize) -> Option<Bound> {
        match self.makers.get(output)?.as_str() {
            "Softmax" => Some(Bound::Distribution),
            "Sigmoid" | "HardSigmoid" => Some(Bound::Confidences),
            "Gemm" | "MatMul" | "Conv" | "ConvTranspose" | "LogSoftmax" => Some(Bound::Sums),
            _ => None,
        }
    }

    /// The name of the operator that made an output.
    pub(super) fn maker(&self, output: usize) -> &str {
        self.makers.get(output).map_or("", String::as_str)
    }

    /// What came out of the run at load.
    pub(super) fn tensor(&self, output: usize) -> Option<&Tensor> {
        self.seen.get(output)
    }

    /// The range that somebody says.
    pub(super) fn range(&self, output: usize) -> Option<(f32, f32)> {
        self.ranges.get(output).copied().flatten()
    }
}

/// The least and the highest of some values, and how many of them are no numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    pub low: f32,
    pub high: f32,
    pub count: usize,
    pub broken: usize,
}

impl Extent {
    pub const NONE: Extent = Extent {
        low: f32::INFINITY,
        high: f32::NEG_INFINITY,
        count: 0,
        broken: 0,
    };

    /// Of all values.
    pub fn of(values: impl IntoIterator<Item = f32>) -> Extent {
        let mut extent = Extent::NONE;
        for value in values {
            extent.count += 1;
            if value.is_finite() {
                extent.low = extent.low.min(value);
                extent.high = extent.high.max(value);
            } else {
                extent.broken += 1;
            }
        }
        extent
    }

    /// Whether there is a number at all.
    pub fn is_known(&self) -> bool {
        self.broken < self.count
    }

    /// Whether all numbers may be confidences, with what rounding adds.
    pub fn is_of_confidences(&self) -> bool {
        !self.is_known() || (-ROUNDING <= self.low && self.high <= 1.0 + ROUNDING)
    }
}

/// What confidences may be beyond 0 and 1 by the rounding of half precision and of eight bits.
pub(super) const ROUNDING: f32 = 0.01;

/// Whether values are a distribution over classes: none below zero, together one.
pub(super) fn is_distribution(values: &[f32]) -> bool {
    let sum: f32 = values.iter().sum();
    1 < values.len() && values.iter().all(|it| -ROUNDING <= *it) && (sum - 1.0).abs() < ROUNDING
}
