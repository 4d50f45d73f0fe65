// SPDX-License-Identifier: MPL-2.0

//! One candidate of a catalogue.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What is wrong with a catalogue, where, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {cause}; {remedy}", .path.display())]
pub struct CatalogError {
    pub path: PathBuf,
    /// Counted from 1.
    pub line: usize,
    pub cause: String,
    pub remedy: String,
}

/// What answers for a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A launch fragment.
    Element(String),
    /// A model file for the inference element; absolute, or relative to the process as the catalogue is.
    Model(PathBuf),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub name: String,
    pub source: Source,
    /// Measured offline, 0..=1; `None` when nobody measured it.
    pub quality: Option<f64>,
    /// Memory, energy or money, in units of the author's choice; 0 when nothing is given.
    pub cost: f64,
    /// Median latency on a calm machine, above zero; `None` when nobody measured it.
    pub latency: Option<Duration>,
    /// Name of the device that it runs on; `None` for the processor, or where the element says so itself.
    pub runs_on: Option<String>,
    pub license: Option<String>,
    /// What its model file must have, in lower case hexadecimal digits; checked by who loads it.
    pub sha256: Option<String>,
    /// Properties of the inference element, as strings that GObject can read.
    pub properties: BTreeMap<String, String>,
    /// Where the candidate begins in the file, counted from 1.
    pub line: usize,
    /// The file that it comes from.
    pub(super) catalog: PathBuf,
}
