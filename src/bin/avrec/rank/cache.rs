// SPDX-License-Identifier: MPL-2.0

//! What was measured before: nothing runs twice on the same item, also after an interruption.
//!
//! A file for each model and question, a line for each item, written as soon as it was measured. A line that cannot be read
//! is left out, so that one that was cut off costs no more than itself.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use gstavrec::bounded_file;
use gstavrec::score::evaluation::Observation;
use gstavrec::truth::Classes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of one file, at most.
const MOST: u64 = 1 << 30;

/// What was measured of one model on one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub observation: Observation,
    pub latencies_ns: Vec<u64>,
    /// Time of processors.
    pub processor_ns: u64,
    /// Bytes that the process had beyond those before the model was loaded.
    pub memory: u64,
    /// Energy of the processors' packages meanwhile, in microjoules; `None` where the machine does not tell it.
    pub energy_uj: Option<u64>,
    /// What the model told until then: assumptions and warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    item: String,
    entry: Entry,
}

/// The file of one model and question.
#[derive(Debug, Default)]
pub struct Cache {
    known: HashMap<String, Entry>,
    file: Option<File>,
}

impl Cache {
    /// What is known of these keys in this folder.
    pub fn open(folder: &Path, keys: &[&str]) -> io::Result<Cache> {
        std::fs::create_dir_all(folder)?;
        let path = file_of(folder, keys, "jsonl");
        let text = match bounded_file::read_text(&path, MOST) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let lines = text
            .lines()
            .filter_map(|it| serde_json::from_str::<Line>(it).ok());
        let mut file = bounded_file::append(&path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(Cache {
            known: lines.map(|it| (it.item, it.entry)).collect(),
            file: Some(file),
        })
    }

    /// One that forgets with the process.
    pub fn forgetful() -> Cache {
        Cache::default()
    }

    pub fn get(&self, item: &str) -> Option<&Entry> {
        self.known.get(item)
    }

    /// Keeps an entry. One that cannot be written is kept for this time; the error says why.
    pub fn keep(&mut self, item: &str, entry: Entry) -> io::Result<()> {
        let line = Line {
            item: item.to_string(),
            entry,
        };
        let written = self.file.as_mut().map_or(Ok(()), |file| {
            let mut text = serde_json::to_string(&line)?;
            text.push('\n');
            file.write_all(text.as_bytes())
        });
        if written.is_err() {
            self.file = None;
        }
        self.known.insert(line.item, line.entry);
        written
    }
}

/// The numbers of classes, which entries have instead of their names: the same in each process that ranks the same question.
#[derive(Debug, Default)]
pub struct ClassNumbers {
    file: Option<File>,
    written: usize,
}

impl ClassNumbers {
    /// Gives the classes the numbers that they had.
    pub fn open(folder: &Path, keys: &[&str], classes: &mut Classes) -> io::Result<ClassNumbers> {
        std::fs::create_dir_all(folder)?;
        let path = file_of(folder, keys, "classes");
        let text = match bounded_file::read_text(&path, MOST) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        for name in text.lines() {
            if let Ok(name) = serde_json::from_str::<String>(name) {
                classes.number(&name);
            }
        }
        Ok(ClassNumbers {
            file: Some(bounded_file::append(&path)?),
            written: classes.len(),
        })
    }

    /// Writes the names that are new.
    pub fn keep(&mut self, classes: &Classes) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        for number in self.written..classes.len() {
            let name = classes.name(u32::try_from(number).unwrap_or(u32::MAX));
            let mut line = serde_json::to_string(&name)?;
            line.push('\n');
            file.write_all(line.as_bytes())?;
        }
        self.written = classes.len();
        Ok(())
    }
}

fn file_of(folder: &Path, keys: &[&str], end: &str) -> PathBuf {
    folder.join(format!("{}.{end}", digest(keys)))
}

/// A short name of keys.
pub fn digest(keys: &[&str]) -> String {
    let mut digest = Sha256::new();
    for key in keys {
        digest.update((key.len() as u64).to_le_bytes());
        digest.update(key.as_bytes());
    }
    digest
        .finalize()
        .iter()
        .take(16)
        .map(|it| format!("{it:02x}"))
        .collect()
}

/// Where answers are kept if nobody says where.
pub fn usual_folder() -> PathBuf {
    gst::glib::user_cache_dir().join("avrec").join("rank")
}
