// SPDX-License-Identifier: MPL-2.0

//! What is wrong with a catalogue, and where.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

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

/// The text of a catalogue with the place of each key.
pub(super) struct Text<'a> {
    pub path: &'a Path,
    pub text: &'a str,
    pub table: DeTable<'a>,
}

impl Text<'_> {
    /// A mistake at a key of the file, or of the candidate of this number.
    pub fn fault(
        &self,
        candidate: Option<usize>,
        key: &str,
        (cause, remedy): (impl Into<String>, impl Into<String>),
    ) -> CatalogError {
        self.fault_at(self.span(candidate, key), (cause, remedy))
    }

    pub fn fault_at(
        &self,
        span: Option<Range<usize>>,
        (cause, remedy): (impl Into<String>, impl Into<String>),
    ) -> CatalogError {
        CatalogError {
            path: self.path.to_owned(),
            line: self.line(span),
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    /// Where the value of a key stands; of a candidate without it, where the candidate begins.
    pub fn span(&self, candidate: Option<usize>, key: &str) -> Option<Range<usize>> {
        let Some(index) = candidate else {
            return Some(self.table.get(key)?.span());
        };
        let entry = self.table.get("candidate")?.get_ref().get(index)?;
        Some(entry.get_ref().get(key).unwrap_or(entry).span())
    }

    /// Where the value of a key of a measurement stands, of those of a candidate.
    pub fn span_in_measured(&self, candidate: usize, row: usize, key: &str) -> Option<Range<usize>> {
        let entry = self.table.get("candidate")?.get_ref().get(candidate)?;
        let row = entry.get_ref().get("measured")?.get_ref().get(row)?;
        Some(row.get_ref().get(key).unwrap_or(row).span())
    }

    /// A line, counted from 1.
    pub fn line(&self, span: Option<Range<usize>>) -> usize {
        line(self.text, span)
    }
}

/// A line, counted from 1.
pub(super) fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let before = text.bytes().take(span.map_or(0, |it| it.start));
    1 + before.filter(|it| *it == b'\n').count()
}
