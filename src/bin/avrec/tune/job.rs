// SPDX-License-Identifier: MPL-2.0

//! What all tasks need to know of what was asked for.

use std::path::PathBuf;

use gstavrec::recommend::FEWEST_ITEMS;
use gstavrec::tune::blocks::Split;

use super::args::TuneArgs;
use super::library::Listed;
use crate::failure::Failure;

/// What all tasks need.
pub struct Job {
    pub typed: TuneArgs,
    pub output: PathBuf,
    pub listed: Option<Listed>,
}

/// Refuses material of which too little is left once it is halved.
pub fn check_enough(split: &Split) -> Result<(), Failure> {
    let fewest = split.fitted.len().min(split.held.len());
    if FEWEST_ITEMS <= fewest {
        return Ok(());
    }
    Err(Failure::NoGain(format!(
        "nothing can be concluded from so little material: a half of it has {fewest} frames or stretches of sound, and needs \
         {FEWEST_ITEMS}; give more of it, or more --frames. Nothing was written"
    )))
}
