// SPDX-License-Identifier: MPL-2.0

//! `avrec library add`: models into a TOML file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gstavrec::elements::infer;
use gstavrec::library::conditions::bytes;
use gstavrec::runtime::catalog::{Catalog, Document, Entry, Source};

use super::args::AddArgs;
use super::look::{Looked, Typed, look};
use super::{found, source};
use crate::console::{say, warn};
use crate::failure::Failure;
use crate::paths::check_folder;

/// Candidates that the library has: name, with file and sum where they have one.
type Known = BTreeMap<String, (Option<PathBuf>, Option<String>)>;

/// Adds what was named.
pub fn run(typed: &AddArgs) -> Result<(), Failure> {
    source::start()?;
    let library = &typed.library;
    if library.extension().is_none_or(|it| it != "toml") {
        let text = format!(
            "{}: a library is a TOML file, and comes first: avrec library add models.toml {}",
            library.display(),
            library.display()
        );
        return Err(Failure::Usage(text));
    }
    check_folder(library).map_err(Failure::Usage)?;
    let models = found::models(&typed.models).map_err(Failure::Usage)?;
    if let (Some(name), false) = (&typed.name, models.len() == 1) {
        let text = format!(
            "--name {name}: these are {} models; add them one by one",
            models.len()
        );
        return Err(Failure::Usage(text));
    }
    let mut known = known(library)?;
    let mut document = Document::open(library).map_err(|error| Failure::Usage(error.to_string()))?;
    let (mut done, mut failed) = (0, Vec::new());
    let all: Vec<PathBuf> = models
        .iter()
        .map(|it| real(it))
        .chain(known.values().filter_map(|it| it.0.clone()))
        .collect();
    for model in &models {
        match add(typed, model, &all, &mut known, &mut document) {
            Ok(text) => {
                done += 1;
                say(&text);
            }
            Err(cause) => {
                warn(&format!("{} is not added: {cause}", model.display()));
                failed.push(model.display().to_string());
            }
        }
    }
    if 0 < done {
        document
            .save()
            .map_err(|error| Failure::Output(error.to_string()))?;
        say(&format!(
            "\n{}: {done} of {} written",
            library.display(),
            models.len()
        ));
    }
    match failed.as_slice() {
        [] => Ok(()),
        failed => Err(Failure::Pipeline(format!("not added: {}", failed.join(", ")))),
    }
}

/// What the library has already; a mistake in it is told before anything is read.
fn known(library: &Path) -> Result<Known, Failure> {
    if !library.exists() {
        return Ok(Known::new());
    }
    let properties = infer::catalogue_properties();
    let names: Vec<_> = properties.iter().map(String::as_str).collect();
    let is_empty = || Document::open(library).is_ok_and(|it| it.names().is_empty());
    match Catalog::load(library, &names) {
        Ok(catalog) => {
            let candidates = catalog.candidates.into_iter();
            let known = candidates.map(|it| (it.name.clone(), (it.model().map(real), it.sha256.clone())));
            Ok(known.collect())
        }
        // One that has lost its last candidate, or has only a head, may be filled.
        Err(error) if error.cause == "it has no candidate" && is_empty() => Ok(Known::new()),
        Err(error) => Err(Failure::Usage(error.to_string())),
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Looks at a model and puts it in; returns what to say of it.
fn add(
    typed: &AddArgs,
    model: &Path,
    all: &[PathBuf],
    known: &mut Known,
    document: &mut Document,
) -> Result<String, String> {
    let file = real(model);
    let old = known
        .iter()
        .find(|it| it.1.0.as_ref() == Some(&file))
        .map(|it| it.0.clone());
    let name = typed
        .name
        .clone()
        .or(old)
        .unwrap_or_else(|| found::name(&file, all));
    let taken = known.get(&name).filter(|it| it.0.as_ref() != Some(&file));
    if let Some((other, _)) = taken {
        let other = other
            .as_ref()
            .map_or("an element".into(), |it| it.display().to_string());
        return Err(format!(
            "a candidate is called {name} already ({other}); give it another name by --name"
        ));
    }
    let is_new = !known.contains_key(&name);
    let Looked { mut entry, mut notes } = look(model, name.clone(), &Typed::from(typed))?;
    let same = known
        .iter()
        .find(|it| it.0 != &name && it.1.1.is_some() && it.1.1 == entry.sha256);
    if let Some((same, _)) = same {
        notes.push(format!("it is the same file as {same}, byte for byte"));
    }
    entry.privacy = typed.privacy;
    entry.sees.clone_from(&typed.sees);
    document.put(&entry).map_err(|error| error.to_string())?;
    known.insert(name, (Some(file), entry.sha256.clone()));
    Ok(told(&entry, is_new, &notes))
}

fn told(entry: &Entry, is_new: bool, notes: &[String]) -> String {
    let memory = entry
        .memory
        .map_or(String::new(), |it| format!(", {} of memory", bytes(it)));
    let file = match &entry.source {
        Some(Source::Model(path)) => path.display().to_string(),
        _ => String::new(),
    };
    let mut text = format!(
        "{} {}: {}, {}{memory} ({file})",
        if is_new { "added" } else { "updated" },
        entry.name,
        entry.task.as_deref().unwrap_or("task not known"),
        entry.license.as_deref().unwrap_or("licence not known"),
    );
    for note in notes {
        text += &format!("\n  {note}");
    }
    text
}
