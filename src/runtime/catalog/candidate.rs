// SPDX-License-Identifier: MPL-2.0

//! One candidate of a catalogue.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::measured::Measured;
use super::values::Privacy;
use crate::runtime::source;

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
    /// What its answers are; `None` where the catalogue says it for all, or nobody does.
    pub task: Option<String>,
    /// Measured offline, 0..=1; `None` when nobody measured it.
    pub quality: Option<f64>,
    /// Between which two values the quality lies with 95 %, 0..=1 and in this order.
    pub quality_interval: Option<(f64, f64)>,
    /// Memory, energy or money, in units of the author's choice; 0 when nothing is given.
    pub cost: f64,
    /// Median latency on a calm machine, above zero; `None` when nobody measured it.
    pub latency: Option<Duration>,
    /// Name of the device that it runs on; `None` for the processor, or where the element says so itself.
    pub runs_on: Option<String>,
    /// As it is written: an SPDX expression where the author knows them.
    pub license: Option<String>,
    /// What its model file must have, in lower case hexadecimal digits; checked by who loads it.
    pub sha256: Option<String>,
    /// Where it comes from: an address, or words.
    pub origin: Option<String>,
    /// What it was trained on, in words.
    pub trained_on: Option<String>,
    /// Who sees the frames; `None` where it is not said. [`Candidate::privacy`] has what follows then.
    pub stated_privacy: Option<Privacy>,
    /// What it sees that concerns people, such as `faces`.
    pub sees: Vec<String>,
    /// Bytes that it takes when loaded.
    pub memory: Option<u64>,
    /// The SHA-256 of the model file from which it was tuned, in lower case.
    pub parent: Option<String>,
    /// What was measured of it, in the order of the file.
    pub measured: Vec<Measured>,
    /// Properties of the inference element, as strings that GObject can read.
    pub properties: BTreeMap<String, String>,
    /// Where the candidate begins in the file, counted from 1.
    pub line: usize,
}

impl Candidate {
    /// Who sees the frames: what is stated, else nobody else for a model file, which the inference element runs in its own
    /// process. `None` for an element, which may send them anywhere, and for a model on a server, which may be anybody's.
    pub fn privacy(&self) -> Option<Privacy> {
        let is_file = self.model().is_some_and(|it| !source::is_address(it));
        let implied = is_file.then_some(Privacy::Local);
        self.stated_privacy.or(implied)
    }

    /// Where it runs: the execution provider that the candidate says, else its device, else its server (`host:port`), else
    /// the processor.
    pub fn provider(&self) -> &str {
        let said = self
            .properties
            .get("execution-provider")
            .or(self.runs_on.as_ref());
        let server = || self.model().and_then(source::server);
        said.map(String::as_str).or_else(server).unwrap_or("cpu")
    }

    /// The model file, or the address of a model on a server; `None` for an element.
    pub fn model(&self) -> Option<&std::path::Path> {
        match &self.source {
            Source::Model(path) => Some(path),
            Source::Element(_) => None,
        }
    }
}
