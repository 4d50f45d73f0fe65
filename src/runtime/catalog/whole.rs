// SPDX-License-Identifier: MPL-2.0

//! A whole catalogue, as it is read.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Deserializer;
use toml::de::DeTable;

use super::candidate::Candidate;
use super::entry::{Entry, Judge, no_task, tasks};
use super::fault::{CatalogError, Text, line};
use super::values::{HEAD_KEYS, MEASURED_KEYS, misfit};
use crate::bounded_file;

/// Bytes a catalogue may have: some ten thousand candidates.
pub(super) const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    pub path: PathBuf,
    /// What the answers of all candidates are that say nothing else.
    pub task: Option<String>,
    /// Name of the candidate whose answers score the others.
    pub reference: Option<String>,
    /// Name of the candidate that answers at once.
    pub floor: Option<String>,
    /// What every answer has to be, as GStreamer writes caps; whether it is caps is for the reader to see.
    pub output_caps: Option<String>,
    /// In the order of the file; at least one, with names that differ.
    pub candidates: Vec<Candidate>,
}

/// Why the candidates of a catalogue are not of one task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    #[error("{}: it has candidates of several tasks ({}); write task = \"…\" on top, or name the task", .path.display(), .tasks.join(", "))]
    Several { path: PathBuf, tasks: Vec<String> },
    #[error("{}: it has no candidate of the task {task} (it has {}); name one of these", .path.display(), .tasks.join(", "))]
    None {
        path: PathBuf,
        task: String,
        tasks: Vec<String>,
    },
}

impl Catalog {
    /// Reads a catalogue. Model files must exist; their content is not read.
    pub fn load(path: &Path, properties: &[&str]) -> Result<Catalog, CatalogError> {
        let fault = |cause: String| {
            CatalogError {
            path: path.to_owned(),
            line: 1,
            cause,
            remedy: match path.extension().is_some_and(|it| it == "onnx") {
                true => "set models to models, separated by commas, and catalog to a TOML file that lists candidates",
                false => "name a TOML file that this user may read",
            }
            .into(),
        }
        };
        let text = bounded_file::read_text(path, MAX_BYTES)
            .map_err(|error| fault(format!("cannot read it: {error}")))?;
        Catalog::parse(path, &text, properties)
    }

    /// Parses the text of a catalogue; models are looked for relative to the folder of `path`.
    pub fn parse(path: &Path, text: &str, properties: &[&str]) -> Result<Catalog, CatalogError> {
        let table = DeTable::parse(text).map_err(|error| CatalogError {
            path: path.to_owned(),
            line: line(text, error.span()),
            cause: error.message().replace('\n', " "),
            remedy: "correct the TOML of this line".into(),
        })?;
        let places = Text {
            path,
            text,
            table: table.get_ref().clone(),
        };
        match File::deserialize(Deserializer::from(table)) {
            Ok(file) => file.judge(&places, properties),
            Err(error) => Err(misread(&places, &error)),
        }
    }

    /// Returns the candidate of this name.
    pub fn candidate(&self, name: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.name == name)
    }

    /// What the answers of a candidate are; `None` where nobody says it.
    pub fn task_of<'a>(&'a self, candidate: &'a Candidate) -> Option<&'a str> {
        let said = candidate.task.as_deref().or(self.task.as_deref());
        said.filter(|it| *it != "auto")
    }

    /// Tasks of the candidates, each once, in the order of the file.
    pub fn tasks(&self) -> Vec<&str> {
        let mut tasks = Vec::new();
        for task in self.candidates.iter().filter_map(|it| self.task_of(it)) {
            if !tasks.contains(&task) {
                tasks.push(task);
            }
        }
        tasks
    }

    /// Keeps the candidates of one task, and those that say none: of `task`, else of the one on top, else of the only one
    /// that there is. Also returns the names of those that were left out.
    ///
    /// # Errors
    ///
    /// When no task is named and candidates have several, and when none has the one that is named.
    pub fn of_task(mut self, task: Option<&str>) -> Result<(Catalog, Vec<String>), TaskError> {
        let tasks: Vec<String> = self.tasks().into_iter().map(str::to_owned).collect();
        let top = self.task.as_deref().filter(|it| *it != "auto");
        let wanted = match (task.or(top), tasks.as_slice()) {
            (None, [] | [_]) => return Ok((self, Vec::new())),
            (None, _) => {
                return Err(TaskError::Several {
                    path: self.path,
                    tasks,
                });
            }
            (Some(wanted), _) => wanted.to_owned(),
        };
        let kept = |it: &Candidate| self.task_of(it).is_none_or(|task| task == wanted);
        if !tasks.is_empty() && !tasks.contains(&wanted) {
            return Err(TaskError::None {
                path: self.path,
                task: wanted,
                tasks,
            });
        }
        let (kept, left): (Vec<_>, Vec<_>) = self.candidates.clone().into_iter().partition(kept);
        let is_there = |name: &String| kept.iter().any(|it| it.name == *name);
        self.reference = self.reference.filter(is_there);
        self.floor = self.floor.filter(is_there);
        self.candidates = kept;
        self.task = Some(wanted);
        Ok((self, left.into_iter().map(|it| it.name).collect()))
    }
}

/// A catalogue as it is written. Everything that serde can check is checked here; the rest where it is judged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    task: Option<String>,
    reference: Option<String>,
    floor: Option<String>,
    #[serde(rename = "output-caps")]
    output_caps: Option<String>,
    #[serde(default)]
    candidate: Vec<Entry>,
}

impl File {
    fn judge(self, text: &Text, properties: &[&str]) -> Result<Catalog, CatalogError> {
        let judge = Judge { text, properties };
        let mut candidates: Vec<Candidate> = Vec::new();
        for (index, entry) in self.candidate.into_iter().enumerate() {
            let candidate = judge.candidate(index, entry)?;
            if let Some(first) = candidates.iter().find(|it| it.name == candidate.name) {
                let cause = format!(
                    "candidate '{}' stands in line {} already",
                    candidate.name, first.line
                );
                let remedy = "give each candidate a name of its own";
                return Err(text.fault(Some(index), "name", (cause, remedy)));
            }
            candidates.push(candidate);
        }
        if candidates.is_empty() {
            return Err(text.fault(None, "", ("it has no candidate", "add a section [[candidate]]")));
        }
        let is_task = |it: &String| tasks().any(|task| task == it);
        if let Some(task) = self.task.as_ref().filter(|it| !is_task(it)) {
            return Err(text.fault(None, "task", no_task(task)));
        }
        let names: Vec<_> = candidates.iter().map(|it| it.name.as_str()).collect();
        for (role, name) in [("reference", &self.reference), ("floor", &self.floor)] {
            if let Some(name) = name.as_ref().filter(|it| !names.contains(&it.as_str())) {
                let cause = format!("{role} '{name}' is no candidate");
                let remedy = format!("write one of {}", names.join(", "));
                return Err(text.fault(None, role, (cause, remedy)));
            }
        }
        Ok(Catalog {
            path: text.path.to_owned(),
            task: self.task,
            reference: self.reference,
            floor: self.floor,
            output_caps: self.output_caps,
            candidates,
        })
    }
}

/// Where a key stands.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    File,
    Candidate,
    Measured,
}

/// The sections of a list.
fn sections<'a>(table: &'a DeTable<'a>, key: &str) -> impl Iterator<Item = &'a DeTable<'a>> {
    let array = table.get(key).and_then(|it| it.get_ref().as_array());
    let sections = array.into_iter().flatten();
    sections.filter_map(|it| it.get_ref().as_table())
}

/// What serde did not take, in the words of the key that it stands at.
fn misread(text: &Text, error: &toml::de::Error) -> CatalogError {
    let at = error.span().unwrap_or(0..0);
    let candidates: Vec<&DeTable> = sections(&text.table, "candidate").collect();
    let rows = candidates.iter().flat_map(|it| sections(it, "measured"));
    let keys = |level: Level, table: &DeTable| -> Vec<(usize, Level, String)> {
        let key = table.iter().map(|it| it.0);
        key.map(|it| (it.span().start, level, it.get_ref().to_string()))
            .collect()
    };
    let all = candidates.iter().flat_map(|it| keys(Level::Candidate, it));
    let all = all.chain(rows.flat_map(|it| keys(Level::Measured, it)));
    let all = all.chain(keys(Level::File, &text.table));
    let nearest = all.filter(|it| it.0 <= at.start).max_by_key(|it| it.0);
    // A section that should be a list is found wrong before its name.
    let (_, level, key) = nearest.unwrap_or((0, Level::File, "candidate".into()));
    let words = match level {
        Level::File if !HEAD_KEYS.contains(&key.as_str()) => {
            let remedy = "write task, reference, floor or [[candidate]]";
            (format!("unknown key '{key}'"), remedy.into())
        }
        Level::Measured if !MEASURED_KEYS.contains(&key.as_str()) => {
            let remedy = format!("write one of {}", MEASURED_KEYS.join(", "));
            (format!("unknown key '{key}' of a measurement"), remedy)
        }
        _ => misfit(&key),
    };
    text.fault_at(Some(at), words)
}
