// SPDX-License-Identifier: MPL-2.0

//! The files of a folder, and what their endings say.

use std::path::{Path, PathBuf};

use super::error::TruthError;

/// Files that a folder may have: COCO's training set has 118 thousand pictures, ImageNet's 1.3 million.
const MOST_FILES: usize = 2_000_000;

/// Folders below folders that are looked into.
const DEPTH: usize = 8;

/// Endings of pictures.
const PICTURES: [&str; 12] = [
    "png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff", "gif", "ppm", "pgm", "avif", "heic",
];

/// Endings of clips and sounds.
const STREAMS: [&str; 20] = [
    "mp4", "mkv", "webm", "mov", "avi", "ts", "mts", "m2ts", "mxf", "y4m", "mpg", "m4v", "wav", "flac",
    "ogg", "opus", "mp3", "m4a", "aac", "aiff",
];

/// Whether the ending is that of a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    has_ending(path, &PICTURES)
}

/// Whether the ending is that of a picture, a clip or a sound.
pub(super) fn is_media(path: &Path) -> bool {
    is_picture(path) || has_ending(path, &STREAMS)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|it| it.to_str());
    ending.is_some_and(|ending| endings.iter().any(|it| it.eq_ignore_ascii_case(ending)))
}

/// All files below a folder, in the order of their paths; hidden ones are left out.
pub(super) struct Files {
    paths: Vec<PathBuf>,
    root: PathBuf,
}

impl Files {
    pub fn below(root: &Path) -> Result<Files, TruthError> {
        let mut paths = Vec::new();
        collect(root, root, DEPTH, &mut paths)?;
        paths.sort();
        Ok(Files {
            paths,
            root: root.to_owned(),
        })
    }

    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.paths.iter()
    }

    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Those with one of these endings.
    pub fn ending(&self, endings: &[&str]) -> impl Iterator<Item = &PathBuf> {
        self.paths.iter().filter(|it| has_ending(it, endings))
    }

    /// Whether a folder of this name is among them.
    pub fn has_folder(&self, name: &str) -> bool {
        self.paths.iter().any(|it| {
            let inner = it.strip_prefix(&self.root).unwrap_or(it);
            inner.parent().is_some_and(|it| it.iter().any(|it| it == name))
        })
    }

    /// Whether a text has names of classes and not labels.
    pub fn names_classes(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        super::class_names::FILES.contains(&name) || OTHER_TEXTS.contains(&name.to_lowercase().as_str())
    }
}

/// Texts that lie beside labels and are none.
const OTHER_TEXTS: [&str; 6] = [
    "readme.txt",
    "license.txt",
    "train.txt",
    "val.txt",
    "test.txt",
    "readme.dataset.txt",
];

fn collect(root: &Path, folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), TruthError> {
    let entries = std::fs::read_dir(folder).map_err(TruthError::unreadable(folder))?;
    for entry in entries {
        let entry = entry.map_err(TruthError::unreadable(folder))?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if 0 < depth {
                collect(root, &path, depth - 1, paths)?;
            }
        } else if path.is_file() {
            paths.push(path);
        }
        if MOST_FILES < paths.len() {
            let cause =
                format!("there are more than {MOST_FILES} files in it; give a folder of the labels alone");
            return Err(TruthError::unknown(root, cause));
        }
    }
    Ok(())
}
