// SPDX-License-Identifier: MPL-2.0

//! One candidate of a catalogue, and whether its model file is the one that its author meant.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

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
    pub license: Option<String>,
    /// Lower case hexadecimal digits.
    pub sha256: Option<String>,
    /// Properties of the inference element, as strings that GObject can read.
    pub properties: BTreeMap<String, String>,
    /// Where the candidate begins in the file, counted from 1.
    pub line: usize,
    /// The file that it comes from.
    pub(super) catalog: PathBuf,
}

impl Candidate {
    /// Compares the model file with `sha256`, if both are given. Reads the whole file.
    pub fn verify(&self) -> Result<(), CatalogError> {
        let (Source::Model(model), Some(wanted)) = (&self.source, &self.sha256) else {
            return Ok(());
        };
        let fault = |cause: String, remedy: String| CatalogError {
            path: self.catalog.clone(),
            line: self.line,
            cause,
            remedy,
        };
        let actual = digest(model).map_err(|error| {
            fault(
                format!("cannot read {}: {error}", model.display()),
                "make it readable for this user".into(),
            )
        })?;
        if actual == *wanted {
            return Ok(());
        }
        let cause = format!("{} has the sha256 {actual}, not {wanted}", model.display());
        Err(fault(
            cause,
            format!("fetch the right file, or write sha256 = \"{actual}\" if you trust this one"),
        ))
    }
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}
