// SPDX-License-Identifier: MPL-2.0

//! A candidate of a catalog or library that is tuned, and the entry that the new model gets there.

use std::path::{Path, PathBuf};

use gstavrec::elements::infer;
use gstavrec::runtime::catalog::{Catalog, Document, Entry, Measured, Source};
use gstavrec::runtime::source;

use super::date::today;
use super::material::File;
use super::measured::Measured as Gain;
use crate::failure::Failure;

/// A candidate in the file that it stands in.
pub struct Listed {
    catalog: PathBuf,
    name: String,
    license: Option<String>,
    trained_on: Option<String>,
    pub model: PathBuf,
    /// Properties of the inference element.
    pub properties: Vec<(String, String)>,
}

impl Listed {
    /// Finds a candidate.
    pub fn find(catalog: &Path, name: &str) -> Result<Listed, Failure> {
        let properties = infer::catalogue_properties();
        let known: Vec<&str> = properties.iter().map(String::as_str).collect();
        let read = Catalog::load(catalog, &known).map_err(|err| Failure::Usage(err.to_string()))?;
        let unknown = |cause: String| Failure::Usage(format!("--candidate {name}: {cause}"));
        let Some(candidate) = read.candidate(name) else {
            let names: Vec<&str> = read.candidates.iter().map(|it| it.name.as_str()).collect();
            return Err(unknown(format!("{} has {}", catalog.display(), names.join(", "))));
        };
        let Some(model) = candidate.model() else {
            return Err(unknown("it is an element and no model".to_owned()));
        };
        if source::is_address(model) {
            return Err(unknown(
                "it is on a server; tune the file that the server runs".to_owned(),
            ));
        }
        let mut properties: Vec<_> = candidate.properties.clone().into_iter().collect();
        let task = read.task_of(candidate).filter(|it| *it != "auto");
        if let Some(task) = task.filter(|_| properties.iter().all(|it| it.0 != "task")) {
            properties.push(("task".to_owned(), task.to_owned()));
        }
        Ok(Listed {
            catalog: catalog.to_owned(),
            name: name.to_owned(),
            license: candidate.license.clone(),
            trained_on: candidate.trained_on.clone(),
            model: model.to_owned(),
            properties,
        })
    }

    /// Adds the new model as a candidate besides; returns its name.
    pub fn add(
        &self,
        output: &Path,
        (digest, parent): (String, String),
        gain: &Gain,
        files: &[File],
    ) -> Result<String, Failure> {
        let failed = |err: &dyn std::fmt::Display| {
            Failure::Output(format!(
                "{} was written, but not into the catalog: {err}",
                output.display()
            ))
        };
        let mut document = Document::open(&self.catalog).map_err(|err| failed(&err))?;
        let names = document.names();
        let free = (1..).map(|it| match it {
            1 => format!("{}-tuned", self.name),
            it => format!("{}-tuned-{it}", self.name),
        });
        let name = free
            .into_iter()
            .find(|it| !names.contains(it))
            .unwrap_or_default();
        let listed: Vec<String> = files.iter().map(|it| it.path.display().to_string()).collect();
        let material = match listed.as_slice() {
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
            [] => String::new(),
        };
        let trained = self
            .trained_on
            .as_ref()
            .map_or(String::new(), |it| format!("{it}; "));
        let entry = Entry {
            name: name.clone(),
            source: Some(Source::Model(output.to_owned())),
            license: self.license.clone(),
            sha256: Some(digest),
            parent: Some(parent),
            trained_on: Some(format!("{trained}last layer tuned on {material}")),
            properties: self
                .properties
                .iter()
                .filter(|it| it.0 != "task")
                .cloned()
                .collect(),
            measured: vec![Measured {
                measure: Some(gain.figure.to_owned()),
                value: Some(gain.value()),
                interval: None,
                items: gain.gain.map(|it| it.items as u64),
                material: Some(format!("{material}, second half")),
                date: Some(today()),
                ..Measured::default()
            }],
            ..Entry::default()
        };
        document.put(&entry).map_err(|err| failed(&err))?;
        document.save().map_err(|err| failed(&err))?;
        Ok(name)
    }
}
