// SPDX-License-Identifier: MPL-2.0

//! What all tasks need to know of what was asked for.

use std::path::PathBuf;

use super::args::TuneArgs;
use super::library::Listed;

/// What all tasks need.
pub struct Job {
    pub typed: TuneArgs,
    pub output: PathBuf,
    pub listed: Option<Listed>,
}
