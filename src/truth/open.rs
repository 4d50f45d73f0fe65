// SPDX-License-Identifier: MPL-2.0

//! Which format it is, and the label of an item.

use std::path::{Path, PathBuf};

use super::check::{Doubt, check};
use super::classes::Classes;
use super::columns::is_head;
use super::error::TruthError;
use super::folder::{Files, is_media, is_picture};
use super::item::ItemKey;
use super::known::Known;
use super::label::{Kind, Label};
use super::store::{Format, MOST_BYTES};
use super::{coco, mask, pairs, sounds, table, transcripts, yolo};
use crate::bounded_file;

/// What is known to be right of a material.
#[derive(Debug, Clone)]
pub struct Truth {
    format: Format,
    known: Known,
}

impl Truth {
    /// Reads labels, whichever format they have.
    pub fn open(path: &Path, classes: &mut Classes) -> Result<Truth, TruthError> {
        let format = if path.is_dir() {
            format_of_folder(path)?
        } else {
            format_of_file(path)?
        };
        Truth::open_as(path, format, classes)
    }

    /// Reads labels of a format that the user names.
    pub fn open_as(path: &Path, format: Format, classes: &mut Classes) -> Result<Truth, TruthError> {
        let store = match format {
            Format::Coco => coco::read(path, classes),
            Format::Yolo => yolo::read(path, classes),
            Format::Folders => pairs::read_folders(path, classes),
            Format::Table => table::read(path, classes),
            Format::Masks => pairs::read_masks(path, classes),
            Format::References => pairs::read_references(path),
            Format::Rttm => sounds::read_rttm(path, classes),
            Format::Audacity => sounds::read_audacity(path, classes),
            Format::Transcripts => transcripts::read(path),
        }?;
        let known = Known {
            path: path.to_owned(),
            store,
            classes: classes.clone(),
        };
        Ok(Truth { format, known })
    }

    /// Where the labels lie.
    pub fn path(&self) -> &Path {
        &self.known.path
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn kind(&self) -> Kind {
        self.known.store.kind
    }

    /// What of the labels was left out or assumed, in whole sentences.
    pub fn notes(&self) -> &[String] {
        &self.known.store.notes
    }

    /// How many files are labelled; 1 where the labels name no file.
    pub fn len(&self) -> usize {
        self.known.store.by_file.len() + usize::from(self.known.store.everywhere.is_some())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the labels say of which file they are.
    pub fn names_files(&self) -> bool {
        0 < self.known.store.by_file.len()
    }

    /// Whether the labels have no names for their classes: these are called "0", "1", … then, by their position.
    pub fn classes_are_numbers(&self) -> bool {
        self.known.store.unnamed
    }

    /// What is right of an item; `None` where that is not known, which is not the same as nothing being there.
    ///
    /// # Errors
    ///
    /// A mask that cannot be read; boxes in pixels, where the item has no size.
    pub fn of(&self, item: &ItemKey) -> Result<Option<Label>, TruthError> {
        self.known.of(item)
    }

    /// Looks for labels that do not fit the material: files that are not there, boxes outside of their picture, classes
    /// that the model never says, one class only. `said` are the names of the model's classes, empty where they are not
    /// known.
    pub fn check(&self, items: &[ItemKey], said: &[String]) -> Vec<Doubt> {
        check(&self.known, items, said)
    }
}

/// What a file starts with says what it is; the ending is asked only where that says nothing.
fn format_of_file(path: &Path) -> Result<Format, TruthError> {
    if is_media(path) {
        // Its size is looked at for what the system says of it.
        bounded_file::size(path).map_err(TruthError::unreadable(path))?;
        return Ok(Format::References);
    }
    let text = bounded_file::read_text(path, MOST_BYTES).map_err(TruthError::unreadable(path))?;
    let lines = || text.lines().map(str::trim).filter(|it| !it.is_empty());
    let Some(first) = lines().next() else {
        return Err(TruthError::unknown(path, "it is empty"));
    };
    let ending = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    let is = |endings: &[&str]| endings.iter().any(|it| it.eq_ignore_ascii_case(ending));
    if first.starts_with(['{', '[']) {
        return Ok(Format::Coco);
    }
    if first.starts_with('<') {
        return Err(TruthError::unknown(
            path,
            "it is XML, as of Pascal VOC; export the labels as COCO or YOLO",
        ));
    }
    if lines().any(sounds::is_rttm) {
        return Ok(Format::Rttm);
    }
    if sounds::is_audacity(first) {
        return Ok(Format::Audacity);
    }
    if is(&["yaml", "yml"]) || lines().all(yolo::is_line) {
        return Ok(Format::Yolo);
    }
    if is_head(&text) || is(&["csv", "tsv"]) {
        return Ok(Format::Table);
    }
    if is(&["txt"]) {
        return Ok(Format::Transcripts);
    }
    Err(TruthError::unknown(path, NOT_KNOWN))
}

const NOT_KNOWN: &str = "it is neither COCO JSON nor YOLO, CSV with a line of names, RTTM, Audacity's labels or a \
                         text; docs/labels.md has an example of each format";

/// What lies in a folder says what it is.
fn format_of_folder(path: &Path) -> Result<Format, TruthError> {
    let files = Files::below(path)?;
    let texts: Vec<&PathBuf> = files
        .ending(&["txt"])
        .filter(|it| !files.names_classes(it))
        .collect();
    let is_described = files.ending(&["yaml", "yml"]).next().is_some() && files.has_folder("labels");
    if is_described {
        return Ok(Format::Yolo);
    }
    if files.ending(&["rttm"]).next().is_some() {
        return Ok(Format::Rttm);
    }
    if files.ending(&["xml"]).count() * 2 > files.len() {
        return Err(TruthError::unknown(
            path,
            "its files are XML, as of Pascal VOC; export the labels as COCO or YOLO",
        ));
    }
    if !texts.is_empty() {
        return format_of_texts(&texts);
    }
    let media: Vec<&PathBuf> = files.all().filter(|it| is_media(it)).collect();
    if media.is_empty() {
        let jsons: Vec<&PathBuf> = files.ending(&["json", "csv", "tsv"]).collect();
        let cause = match &jsons[..] {
            [] => "there are no texts, pictures or sounds in it".to_owned(),
            [first, ..] => format!("give a file, such as '{}'", first.display()),
        };
        return Err(TruthError::unknown(path, cause));
    }
    // All of them in folders: then these are the classes, if there are several.
    let is_sorted = media.iter().all(|it| it.parent() != Some(path));
    let is_masks = media.iter().all(|it| is_picture(it)) && mask::are_classes(&media)?;
    Ok(match (is_masks, is_sorted) {
        (true, _) => Format::Masks,
        (false, true) => Format::Folders,
        (false, false) => Format::References,
    })
}

/// What most of the texts of a folder are.
fn format_of_texts(texts: &[&PathBuf]) -> Result<Format, TruthError> {
    // An empty one is a picture without objects, or silence.
    for path in texts {
        let text = bounded_file::read_text(path, yolo::MOST_BYTES).map_err(TruthError::unreadable(path))?;
        let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
        let Some(first) = lines.next() else { continue };
        return Ok(match () {
            () if sounds::is_audacity(first) => Format::Audacity,
            () if yolo::is_line(first) && lines.all(yolo::is_line) => Format::Yolo,
            () => Format::Transcripts,
        });
    }
    Ok(Format::Yolo)
}
