// SPDX-License-Identifier: MPL-2.0

//! The catalogue: all candidates of one task with their prior quality, as a TOML file.
//!
//! It is read strictly: what is not understood is an error with its line, because a mistyped key that is
//! skipped costs its author an evening. Which properties of the inference element may stand in a
//! candidate is told by the caller, so that nothing here knows an element.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::catalogue_reader::Reader;

/// Bytes a catalogue may have: some ten thousand candidates.
const MAX_BYTES: u64 = 1 << 20;

/// What is wrong with a catalogue, where, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {cause}; {remedy}", .path.display())]
pub struct CatalogueError {
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
    pub(super) catalogue: PathBuf,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    pub path: PathBuf,
    pub task: Option<String>,
    /// Name of the candidate whose answers score the others.
    pub reference: Option<String>,
    /// Name of the candidate that answers at once.
    pub floor: Option<String>,
    /// In the order of the file; at least one, with names that differ.
    pub candidates: Vec<Candidate>,
}

impl Catalogue {
    /// Reads a catalogue. Model files must exist; their content is not read, see [`Candidate::verify`].
    pub fn load(path: &Path, properties: &[&str]) -> Result<Catalogue, CatalogueError> {
        let fault = |cause: String| CatalogueError {
            path: path.to_owned(),
            line: 1,
            cause,
            remedy: "set catalog to a TOML file that this user may read".into(),
        };
        let metadata = fs::metadata(path).map_err(|error| fault(format!("cannot read it: {error}")))?;
        if !metadata.is_file() || MAX_BYTES < metadata.len() {
            return Err(fault(format!("it is no file of at most {MAX_BYTES} bytes")));
        }
        let text = fs::read_to_string(path).map_err(|error| fault(format!("cannot read it: {error}")))?;
        Catalogue::parse(path, &text, properties)
    }

    /// Parses the text of a catalogue; models are looked for relative to the folder of `path`.
    pub fn parse(path: &Path, text: &str, properties: &[&str]) -> Result<Catalogue, CatalogueError> {
        let reader = Reader {
            path,
            text,
            properties,
        };
        reader.read()
    }

    /// Returns the candidate of this name.
    pub fn candidate(&self, name: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.name == name)
    }
}

impl Candidate {
    /// Compares the model file with `sha256`, if both are given. Reads the whole file.
    pub fn verify(&self) -> Result<(), CatalogueError> {
        let (Source::Model(model), Some(wanted)) = (&self.source, &self.sha256) else {
            return Ok(());
        };
        let fault = |cause: String, remedy: String| CatalogueError {
            path: self.catalogue.clone(),
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
    let mut chunk = vec![0u8; 1 << 16];
    loop {
        match file.read(&mut chunk)? {
            0 => {
                return Ok(hasher
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect());
            }
            length => hasher.update(&chunk[..length]),
        }
    }
}
