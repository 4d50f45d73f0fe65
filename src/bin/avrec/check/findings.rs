// SPDX-License-Identifier: MPL-2.0

//! What a check has learned.

use gstavrec::messages::{InferStats, Loaded};

use super::material::Material;
use super::pass::Pass;

/// What was learned of the model, for the draft and the doubts.
pub struct Findings {
    pub loaded: Loaded,
    /// The pass whose answer is drawn.
    pub shown: Pass,
    pub stats: Option<InferStats>,
    pub material: Material,
}
