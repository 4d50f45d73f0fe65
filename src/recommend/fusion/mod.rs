// SPDX-License-Identifier: MPL-2.0

//! Late fusion: what a model of pictures and one of sound answer to the same question becomes one answer.
//!
//! Each side is calibrated ([`Scaling`]), and a logarithmic opinion pool puts them together ([`Distribution::pool`]) by
//! weights that are fitted ([`fit`]) and fall as a side's answers become less sure than they were ([`Worth`]). Classes are
//! names here, and times come as arguments.

mod calibrate;
mod file;
mod fit;
mod held;
mod items;
mod live;
mod names;
mod pool;
mod report;
mod worth;

pub use file::FileError;
pub use fit::{FOLDS, fit};
pub use held::{Held, Holding};
pub use items::{FitError, Right, Said, What};
pub use live::{Answer, Fused, Input, Live};
pub use names::{Shared, distinct, key, listed};
pub use pool::{Distribution, MOST_WEIGHT, Scaling, Side, UNFITTED_WEIGHT, weights};
pub use report::{Figures, Gain, Report};
pub use worth::{Measured, Worth};

/// What is known of one side.
#[derive(Debug, Clone, PartialEq)]
pub struct SideFit {
    /// Name of the model that was fitted, for people; may be empty.
    pub model: String,
    pub scaling: Scaling,
    /// Weight where both sides are at their best, 0 to [`MOST_WEIGHT`].
    pub weight: f64,
    /// `None` where nothing was measured; then the weight does not follow what the side is worth.
    pub measured: Option<Measured>,
}

/// How two answers become one.
#[derive(Debug, Clone, PartialEq)]
pub struct Fusion {
    /// The classes that both sides know; empty where each gives one number.
    pub labels: Vec<String>,
    /// Picture, sound.
    pub sides: [SideFit; 2],
}

impl Fusion {
    /// Without a fit: both sides as they are, each with [`UNFITTED_WEIGHT`]. No labels: one number each, a probability.
    pub fn unfitted(labels: Vec<String>) -> Fusion {
        let scaling = match labels.is_empty() {
            true => Scaling::Probability,
            false => Scaling::Temperature(1.0),
        };
        let side = SideFit {
            model: String::new(),
            scaling,
            weight: UNFITTED_WEIGHT,
            measured: None,
        };
        Fusion {
            labels,
            sides: [side.clone(), side],
        }
    }

    /// Reads the text of a fit: what [`Report::to_toml`] wrote, or somebody by hand.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn from_toml(text: &str) -> Result<Fusion, FileError> {
        file::read(text)
    }

    /// Whether each side gives one number.
    pub fn is_of_scores(&self) -> bool {
        self.labels.is_empty()
    }

    /// Classes of the pool: of one number there are two, no and yes.
    pub fn classes(&self) -> usize {
        if self.is_of_scores() { 2 } else { self.labels.len() }
    }

    /// The fitted weights.
    pub fn weights(&self) -> [f64; 2] {
        [self.sides[0].weight, self.sides[1].weight]
    }
}

#[cfg(test)]
mod tests;
