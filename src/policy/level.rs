// SPDX-License-Identifier: MPL-2.0

//! A belief about the shared slowdown.

/// What is believed of the shared slowdown: level and variance, in the log domain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub mean: f64,
    pub variance: f64,
}
