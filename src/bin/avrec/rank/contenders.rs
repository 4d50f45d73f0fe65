// SPDX-License-Identifier: MPL-2.0

//! Who is ranked: candidates of a library, or the models of a folder.

use std::path::Path;

use gstavrec::elements::infer::catalogue_properties;
use gstavrec::runtime::Task;
use gstavrec::runtime::catalog::{Candidate, Catalog, Source};

use super::material::hash;
use super::worker::wire;

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

/// Reads a library, or looks into a folder.
pub fn read(path: &Path, task: Option<Task>) -> Result<Contenders, String> {
    let properties = catalogue_properties();
    let names: Vec<_> = properties.iter().map(String::as_str).collect();
    let catalog = match path.is_dir() {
        true => of_folder(path, &names)?,
        false => Catalog::load(path, &names).map_err(|err| err.to_string())?,
    };
    let of_task = catalog.of_task(task.map(Task::name));
    let (catalog, others) = of_task.map_err(|err| err.to_string())?;
    let mut excluded: Vec<_> = others
        .into_iter()
        .map(|it| (it, "it is of another task".to_string()))
        .collect();
    let mut all = Vec::new();
    for candidate in &catalog.candidates {
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

fn contender(candidate: &Candidate) -> Result<Contender, String> {
    let properties: Vec<_> = candidate.properties.clone().into_iter().collect();
    let settings = properties.iter().map(|(name, value)| format!("{name}={value}"));
    let settings = settings.collect::<Vec<_>>().join("\n");
    let (source, key, sum) = match &candidate.source {
        Source::Element(fragment) => (wire::Source::Element(fragment.clone()), fragment.clone(), None),
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

/// The models that lie in a folder, as a catalog.
fn of_folder(folder: &Path, properties: &[&str]) -> Result<Catalog, String> {
    let failed = |err: std::io::Error| format!("{}: {err}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|it| it == "onnx") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("there is no .onnx file in {}", folder.display()));
    }
    let text = |it: Option<&std::ffi::OsStr>| it.unwrap_or_default().to_string_lossy().into_owned();
    let entries = files.iter().map(|it| {
        let (name, file) = (text(it.file_stem()), text(it.file_name()));
        format!(
            "[[candidate]]\nname = {}\nmodel = {}\n",
            quoted(&name),
            quoted(&file)
        )
    });
    let text: String = entries.collect();
    Catalog::parse(&folder.join("folder.toml"), &text, properties).map_err(|err| err.to_string())
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}
