// SPDX-License-Identifier: MPL-2.0

//! Who is ranked: candidates of a library, or the models of a folder.

use std::path::Path;
use std::time::SystemTime;

use gstavrec::library::conditions::{Conditions, Subject};
use gstavrec::runtime::Task;
use gstavrec::runtime::catalog::{Candidate, Catalog, Source, TaskError};
use gstavrec::runtime::source::is_address;

use super::material::hash;
use super::worker::wire;
use crate::failure::Failure;
use crate::library::source;

/// One that is ranked.
#[derive(Debug, Clone)]
pub struct Contender {
    pub candidate: Candidate,
    pub source: wire::Source,
    /// What its answers depend on: content of its file and settings.
    pub key: String,
    /// SHA-256 of its file; `None` for an element.
    pub sha256: Option<String>,
}

/// All, and what the library says of them together.
#[derive(Debug)]
pub struct Contenders {
    pub all: Vec<Contender>,
    pub catalog: Catalog,
    /// Who is left out, and why.
    pub excluded: Vec<(String, String)>,
}

impl Contenders {
    /// Why nobody of a library is ranked.
    pub fn nobody(&self, path: &Path) -> Failure {
        let excluded = self.excluded.iter();
        let reasons: Vec<String> = excluded
            .map(|(name, reason)| format!("\n  {name}: {reason}"))
            .collect();
        let path = path.display();
        Failure::Usage(format!("{path}: no model is left to rank:{}", reasons.concat()))
    }
}

/// Reads a library, or looks into a folder, and leaves out whom the conditions exclude.
pub fn read(path: &Path, task: Option<Task>, conditions: &Conditions) -> Result<Contenders, Failure> {
    let catalog = source::read(path)?;
    let of_task = catalog.of_task(task.map(Task::name));
    let (catalog, others) = of_task.map_err(|err| Failure::Usage(one_task(&err)))?;
    let mut excluded: Vec<_> = others
        .into_iter()
        .map(|it| (it, "it is of another task".to_string()))
        .collect();
    let mut all = Vec::new();
    for candidate in &catalog.candidates {
        let mut subject = Subject::from(candidate);
        // Memory that nobody says will be measured.
        subject.memory = subject.memory.or(Some(0));
        if let Some(exclusion) = conditions.exclusion(subject) {
            excluded.push((candidate.name.clone(), exclusion.to_string()));
            continue;
        }
        match contender(candidate) {
            Ok(contender) => all.push(contender),
            Err(cause) => excluded.push((candidate.name.clone(), cause)),
        }
    }
    Ok(Contenders {
        all,
        catalog,
        excluded,
    })
}

/// Which option says the task.
fn one_task(err: &TaskError) -> String {
    match err {
        TaskError::Several { path, tasks } => {
            let path = path.display();
            let options: Vec<String> = tasks.iter().map(|it| format!("--task {it}")).collect();
            format!(
                "{path}: it has models of several tasks, which are not ranked together; add {}",
                options.join(" or ")
            )
        }
        other => other.to_string(),
    }
}

fn contender(candidate: &Candidate) -> Result<Contender, String> {
    let properties: Vec<_> = candidate.properties.clone().into_iter().collect();
    let settings = properties.iter().map(|(name, value)| format!("{name}={value}"));
    let settings = settings.collect::<Vec<_>>().join("\n");
    let (source, key, sum) = match &candidate.source {
        Source::Element(fragment) => (wire::Source::Element(fragment.clone()), fragment.clone(), None),
        Source::Model(address) if is_address(address) => {
            let source = wire::Source::Model {
                path: address.clone(),
                properties,
            };
            // Nobody knows whether it is still the same model, or as far away: what was kept of it is not asked.
            let now = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            (
                source,
                format!("{}\n{settings}\n{}", address.display(), now.as_nanos()),
                None,
            )
        }
        Source::Model(path) => {
            let sum = hash(path).map_err(|err| format!("{}: {err}", path.display()))?;
            if let Some(stated) = candidate.sha256.as_ref().filter(|it| **it != sum) {
                return Err(format!(
                    "its file has the SHA-256 {sum}, and the library says {stated}; correct the line, or get the file again"
                ));
            }
            let source = wire::Source::Model {
                path: path.clone(),
                properties,
            };
            (source, format!("{sum}\n{settings}"), Some(sum))
        }
    };
    Ok(Contender {
        candidate: candidate.clone(),
        source,
        key,
        sha256: sum,
    })
}
