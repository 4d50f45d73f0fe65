// SPDX-License-Identifier: MPL-2.0

//! A catalogue that is written: comments, order and all that is not changed stay as their author left them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table};

use super::candidate::Source;
use super::fault::{CatalogError, line};
use super::said::{Entry, fill, name, set};
use super::whole::MAX_BYTES;
use crate::bounded_file;

/// What is to be said on top; `None` leaves what is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    pub task: Option<String>,
    pub reference: Option<String>,
    pub floor: Option<String>,
    pub output_caps: Option<String>,
}

/// A catalogue to change and to write back.
pub struct Document {
    path: PathBuf,
    /// As it was read; `None` where there was no file.
    read: Option<String>,
    content: DocumentMut,
}

/// Updates or makes a catalogue: what it says on top, and these candidates by their names.
///
/// # Errors
///
/// As [`Document::open`] and [`Document::save`].
pub fn write(path: &Path, head: &Head, entries: &[Entry]) -> Result<(), CatalogError> {
    let mut document = Document::open(path)?;
    document.set_head(head);
    entries.iter().try_for_each(|it| document.put(it))?;
    document.save()
}

impl Document {
    /// Reads a catalogue as text, or begins an empty one where there is no file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no TOML. Whether it is a catalogue is for [`Catalog`](super::Catalog) to say.
    pub fn open(path: &Path) -> Result<Document, CatalogError> {
        let read = match bounded_file::read_text(path, MAX_BYTES) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let remedy = "name a TOML file that this user may read";
                return Err(fault(path, format!("cannot read it: {error}"), remedy));
            }
        };
        let text = read.as_deref().unwrap_or_default();
        let content = text.parse::<DocumentMut>().map_err(|error| CatalogError {
            path: path.to_owned(),
            line: line(text, error.span()),
            cause: error.message().replace('\n', " "),
            remedy: "correct the TOML of this line".into(),
        })?;
        let is_list = content
            .get("candidate")
            .is_none_or(|it| it.is_array_of_tables() || it.as_array().is_some_and(Array::is_empty));
        if !is_list {
            let remedy = "write each candidate as a section [[candidate]]";
            return Err(fault(path, "'candidate' is no list of sections".into(), remedy));
        }
        Ok(Document {
            path: path.to_owned(),
            read,
            content,
        })
    }

    /// Begins an empty one, which may never be written: its path says where models are named from.
    pub fn new(path: &Path) -> Document {
        Document {
            path: path.to_owned(),
            read: None,
            content: DocumentMut::new(),
        }
    }

    /// Names of the candidates.
    pub fn names(&self) -> Vec<String> {
        let all = self
            .candidates()
            .into_iter()
            .flat_map(ArrayOfTables::iter)
            .filter_map(name);
        all.map(str::to_owned).collect()
    }

    fn candidates(&self) -> Option<&ArrayOfTables> {
        self.content.get("candidate")?.as_array_of_tables()
    }

    pub fn set_head(&mut self, head: &Head) {
        let keys = [
            ("task", &head.task),
            ("reference", &head.reference),
            ("floor", &head.floor),
            ("output-caps", &head.output_caps),
        ];
        for (key, text) in keys {
            if let Some(text) = text {
                set(self.content.as_table_mut(), key, text.as_str());
            }
        }
    }

    /// Updates the candidate of this name, or adds one.
    ///
    /// # Errors
    ///
    /// When a number is none that the catalogue could have, or when a path is no text.
    pub fn put(&mut self, entry: &Entry) -> Result<(), CatalogError> {
        let source = entry.source.as_ref().map(|it| self.source(it)).transpose()?;
        self.check(entry)?;
        let item = self
            .content
            .entry("candidate")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        if !item.is_array_of_tables() {
            *item = Item::ArrayOfTables(ArrayOfTables::new());
        }
        let Some(all) = item.as_array_of_tables_mut() else {
            return Ok(());
        };
        if all.iter().all(|it| name(it) != Some(&entry.name)) {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            set(&mut table, "name", entry.name.as_str());
            all.push(table);
        }
        if let Some(table) = all.iter_mut().find(|it| name(it) == Some(&entry.name)) {
            fill(table, entry, source);
        }
        Ok(())
    }

    /// Removes a candidate; returns whether it was there. One that is named on top is removed there too.
    pub fn remove(&mut self, candidate: &str) -> bool {
        let item = self.content.get_mut("candidate");
        let Some(all) = item.and_then(Item::as_array_of_tables_mut) else {
            return false;
        };
        let before = all.len();
        all.retain(|it| name(it) != Some(candidate));
        let is_removed = all.len() < before;
        for role in ["reference", "floor"] {
            if is_removed && self.content.get(role).and_then(Item::as_str) == Some(candidate) {
                self.content.remove(role);
            }
        }
        is_removed
    }

    /// The text as it would be written.
    pub fn text(&self) -> String {
        self.content.to_string().trim_start_matches('\n').to_owned()
    }

    /// Writes it, whole or not at all; the old file stays where that fails.
    ///
    /// # Errors
    ///
    /// When it was changed by somebody else meanwhile, when it would be too large to be read again, and when it cannot be
    /// written.
    pub fn save(&self) -> Result<(), CatalogError> {
        let now = bounded_file::read_text(&self.path, MAX_BYTES).ok();
        if now != self.read {
            let cause = "it was changed by somebody else meanwhile, and is left as it is".to_owned();
            return Err(fault(&self.path, cause, "try again"));
        }
        let text = self.text();
        if MAX_BYTES < text.len() as u64 {
            let cause = format!("it would have more than the {MAX_BYTES} bytes of a catalogue");
            return Err(fault(&self.path, cause, "write some candidates into another one"));
        }
        bounded_file::replace(&self.path, text).map_err(|error| {
            let remedy = match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    "make room on the disk; the file is as it was"
                }
                _ => "name a file in a folder that this user may write to; what was there is as it was",
            };
            fault(&self.path, format!("cannot write it: {error}"), remedy)
        })
    }

    fn check(&self, entry: &Entry) -> Result<(), CatalogError> {
        let is_share = |it: &f64| (0.0..=1.0).contains(it);
        let interval = entry.quality_interval;
        let fits = [
            ("name", !entry.name.is_empty()),
            ("quality", entry.quality.as_ref().is_none_or(is_share)),
            (
                "quality-interval",
                interval.is_none_or(|it| is_share(&it.0) && is_share(&it.1) && it.0 <= it.1),
            ),
            ("cost", entry.cost.is_none_or(|it| it.is_finite() && 0.0 <= it)),
            (
                "measured",
                entry.measured.iter().all(|it| {
                    let interval = it.interval.into_iter().flat_map(|(low, high)| [low, high]);
                    it.value.into_iter().chain(interval).all(f64::is_finite)
                }),
            ),
        ];
        match fits.into_iter().find(|it| !it.1) {
            Some((key, _)) => {
                let cause = format!("{key} of candidate '{}' cannot be written", entry.name);
                Err(fault(
                    &self.path,
                    cause,
                    "give it a value that a catalogue can have",
                ))
            }
            None => Ok(()),
        }
    }

    /// The key and the text of what answers: a model beside the catalogue or below by its relative path.
    fn source(&self, source: &Source) -> Result<(&'static str, String), CatalogError> {
        let path = match source {
            Source::Element(fragment) => return Ok(("element", fragment.clone())),
            Source::Model(path) => path,
        };
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let absolute = |it: &Path| it.canonicalize().or_else(|_| std::path::absolute(it));
        let unusable = |error| {
            fault(
                &self.path,
                format!("{}: {error}", path.display()),
                "name another file",
            )
        };
        let folder = absolute(folder).map_err(unusable)?;
        // Links of the file itself stay: what it is called tells more than where a store keeps it.
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let named = absolute(parent).map_err(unusable)?;
        let named = path.file_name().map_or(named.clone(), |it| named.join(it));
        let stays = absolute(path).map_err(unusable)?.starts_with(&folder);
        let written = match named.strip_prefix(&folder) {
            Ok(inside) if stays => inside,
            _ => named.as_path(),
        };
        let text = written.to_str().ok_or_else(|| {
            let cause = format!("the path {} is no text in UTF-8", path.display());
            fault(&self.path, cause, "rename the file")
        })?;
        Ok(("model", text.to_owned()))
    }
}

fn fault(path: &Path, cause: String, remedy: &str) -> CatalogError {
    CatalogError {
        path: path.to_owned(),
        line: 1,
        cause,
        remedy: remedy.into(),
    }
}
