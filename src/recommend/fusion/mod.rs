// SPDX-License-Identifier: MPL-2.0

//! Late fusion: what a model of pictures and one of sound answer to the same question becomes one answer.
//!
//! Each side is calibrated ([`Scaling`]), and a logarithmic opinion pool puts them together ([`Distribution::pool`]) by
//! weights that are fitted ([`fit`]) and fall as a side's answers become less sure than they were ([`Worth`]). Classes are
//! names here, and times come as arguments.

mod calibrate;
mod fit;
mod fitted;
mod held;
mod items;
mod live;
mod names;
mod pool;
mod report;
mod vocabulary;
mod worth;

pub use fit::{FOLDS, fit};
pub use fitted::{FileError, Fusion, SideFit};
pub use held::{Held, Holding};
pub use items::{FitError, Right, Said, What};
pub use live::{Answer, Fused, Input, Live};
pub use names::{Shared, distinct, key, listed};
pub use pool::{Distribution, MOST_WEIGHT, Scaling, Side, UNFITTED_WEIGHT, weights};
pub use report::{Figures, Gain, Report};
pub use worth::{Measured, Worth};

#[cfg(test)]
mod tests;
