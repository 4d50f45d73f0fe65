// SPDX-License-Identifier: MPL-2.0

//! Reads the file of labels that the user names.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::failure::Fault;
use crate::decode::labels;

/// Bytes that a labels file may have: far more than the largest vocabularies in use.
const MAX_LABELS_BYTES: u64 = 8 << 20;

/// The labels, one a line.
pub fn read(path: &Path) -> Result<Vec<String>, Fault> {
    let fault = |cause: String| Fault::Labels {
        path: path.to_owned(),
        cause,
    };
    let metadata = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?;
    if !metadata.is_file() {
        // A pipe would block, or never end.
        let cause = "it is not a regular file; give a text file with one label a line";
        return Err(fault(cause.into()));
    }
    let mut text = String::new();
    let file = File::open(path).map_err(|error| fault(error.to_string()))?;
    let mut limited = file.take(MAX_LABELS_BYTES + 1);
    let unread = |error| format!("{error}; give a text file in UTF-8 with one label a line");
    (limited.read_to_string(&mut text)).map_err(|error| fault(unread(error)))?;
    if MAX_LABELS_BYTES < text.len() as u64 {
        let most = format!("it has more than {MAX_LABELS_BYTES} bytes");
        return Err(fault(format!("{most}; give a text file with one label a line")));
    }
    labels::from_file(&text).map_err(|unfit| fault(unfit.to_string()))
}
