// SPDX-License-Identifier: MPL-2.0

//! A figure over many answers, as the arithmetic of [`crate::recommend`] takes it: by weights of the items, so that
//! resampling them, leaving some out and weighing strata are one operation.

/// A figure over items: frames, or stretches of sound. It need not be a mean; average precision is none.
pub trait Statistic: Send + Sync {
    /// Number of items.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The figure with these weights, one for each item, each 0 or more: all 1 is the plain figure, 2 counts an item
    /// twice, 0 leaves it out. `None` where the items that count say nothing, such as precision without an object.
    fn value(&self, weights: &[f64]) -> Option<f64>;
}
