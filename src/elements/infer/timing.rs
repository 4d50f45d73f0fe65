// SPDX-License-Identifier: MPL-2.0

//! How long a model takes.

use std::time::Duration;

/// How long one frame took.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The run of the model alone.
    pub run: Duration,
    /// All of it: frame to tensor, run, tensor to frame.
    pub frame: Duration,
}
