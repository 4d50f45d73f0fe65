// SPDX-License-Identifier: MPL-2.0

//! Reads the file of labels that the user names.

use std::path::Path;

use super::failure::Fault;
use crate::bounded_file;
use crate::decode::labels;

/// Bytes that a labels file may have: far more than the largest vocabularies in use.
const MAX_LABELS_BYTES: u64 = 8 << 20;

/// The labels, one a line.
pub fn read(path: &Path) -> Result<Vec<String>, Fault> {
    let fault = |cause: String| Fault::Labels {
        path: path.to_owned(),
        cause,
    };
    let text = bounded_file::read_text(path, MAX_LABELS_BYTES).map_err(|error| {
        fault(format!(
            "{error}; give a text file in UTF-8 with one label a line"
        ))
    })?;
    labels::from_file(&text).map_err(|unfit| fault(unfit.to_string()))
}
