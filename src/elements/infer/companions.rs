// SPDX-License-Identifier: MPL-2.0

//! Labels in files beside a model: a list, or the configuration that is kept with models for transformers.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::decode::labels;

/// Bytes that such a file may have: far more than the largest vocabularies in use.
const MAX_BYTES: u64 = 8 << 20;

/// Names of lists that are beside a model, whatever it is called.
const LISTS: [&str; 2] = ["labels.txt", "classes.txt"];

/// Where transformers keep `id2label`.
const CONFIGURATION: &str = "config.json";

/// The lists of labels beside a model, each with the name of its file. What cannot be read is none.
pub fn labels(model: &Path) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let lists = [model.with_extension("labels.txt"), model.with_extension("txt")].into_iter();
    let lists = lists.chain(LISTS.iter().map(|it| model.with_file_name(it)));
    for path in lists {
        if let Some(labels) = read(&path).and_then(|it| labels::from_file(&it).ok()) {
            found.push((name(&path), labels));
        }
    }
    let path = model.with_file_name(CONFIGURATION);
    if let Some(labels) = read(&path).and_then(|it| labels::from_configuration(&it)) {
        found.push((format!("{}: id2label", name(&path)), labels));
    }
    found
}

fn read(path: &PathBuf) -> Option<String> {
    // A pipe would block, or never end.
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let mut limited = File::open(path).ok()?.take(MAX_BYTES + 1);
    limited.read_to_string(&mut text).ok()?;
    (text.len() as u64 <= MAX_BYTES).then_some(text)
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
