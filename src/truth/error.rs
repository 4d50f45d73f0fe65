// SPDX-License-Identifier: MPL-2.0

//! What can be wrong with labels, each with its file and what to change.

use std::path::{Path, PathBuf};

/// Labels could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The system does not give the file, or it is too large.
    #[error("'{}' cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },

    /// Nothing that we know.
    #[error("'{}' holds no labels that avrec reads: {cause}", .path.display())]
    Unknown { path: PathBuf, cause: String },

    /// A format that we know, with something in it that is wrong.
    #[error("'{}', {place}: {cause}", .path.display())]
    Wrong {
        path: PathBuf,
        /// Such as "line 7".
        place: String,
        cause: String,
    },
}

impl TruthError {
    pub(super) fn unknown(path: &Path, cause: impl Into<String>) -> TruthError {
        TruthError::Unknown {
            path: path.to_owned(),
            cause: cause.into(),
        }
    }

    pub(super) fn line(path: &Path, line: usize, cause: impl Into<String>) -> TruthError {
        TruthError::at(path, format!("line {line}"), cause)
    }

    pub(super) fn at(path: &Path, place: impl Into<String>, cause: impl Into<String>) -> TruthError {
        TruthError::Wrong {
            path: path.to_owned(),
            place: place.into(),
            cause: cause.into(),
        }
    }

    pub(super) fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> TruthError + use<> {
        let path = path.to_owned();
        |source| TruthError::Unreadable { path, source }
    }
}
