// SPDX-License-Identifier: MPL-2.0

//! A section `[[candidate]]`: read as it is written, then judged.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::candidate::{Candidate, Source};
use super::fault::{CatalogError, Text};
use super::measured::Measured;
use super::values::{CANDIDATE_KEYS, Privacy, is_day, is_interval, latency, misfit};
use crate::bounded_file;
use crate::runtime::Task;
use crate::runtime::options::is_digest;
use crate::runtime::source;

/// A section `[[candidate]]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Entry {
    name: Option<String>,
    element: Option<String>,
    model: Option<String>,
    task: Option<String>,
    quality: Option<f64>,
    quality_interval: Option<(f64, f64)>,
    #[serde(default)]
    cost: f64,
    latency_ms: Option<f64>,
    runs_on: Option<String>,
    license: Option<String>,
    sha256: Option<String>,
    origin: Option<String>,
    trained_on: Option<String>,
    privacy: Option<String>,
    #[serde(default)]
    sees: Vec<String>,
    memory: Option<u64>,
    parent: Option<String>,
    #[serde(default)]
    measured: Vec<Row>,
    /// Everything else: properties of the inference element, or mistakes.
    #[serde(flatten)]
    properties: BTreeMap<String, toml::Value>,
}

/// A section `[[candidate.measured]]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Row {
    measure: Option<String>,
    value: Option<f64>,
    interval: Option<(f64, f64)>,
    items: Option<u64>,
    material: Option<String>,
    truth: Option<String>,
    date: Option<String>,
    latency_ms: Option<f64>,
    latency_p95_ms: Option<f64>,
    latency_p99_ms: Option<f64>,
    machine: Option<String>,
    provider: Option<String>,
}

/// Tasks that candidates can have.
pub(super) fn tasks() -> impl Iterator<Item = &'static str> {
    std::iter::once("auto").chain(Task::ALL.iter().map(|it| it.name()))
}

/// What is wrong with a task that there is not, and what to write.
pub(super) fn no_task(task: &str) -> (String, String) {
    let remedy = format!("write one of {}", tasks().collect::<Vec<_>>().join(", "));
    (format!("unknown task '{task}'"), remedy)
}

/// Makes candidates of sections.
pub(super) struct Judge<'a> {
    pub text: &'a Text<'a>,
    /// Properties of the inference element that may stand in a candidate.
    pub properties: &'a [&'a str],
}

impl Judge<'_> {
    pub fn candidate(&self, index: usize, entry: Entry) -> Result<Candidate, CatalogError> {
        let place = Some(index);
        let fault = |key: &str, words: (String, String)| self.text.fault(place, key, words);
        let Some(name) = entry.name.filter(|it| !it.is_empty()) else {
            let words = ("a candidate has no name", "add the line 'name = \"…\"'");
            return Err(self.text.fault(place, "", words));
        };
        let latency = entry.latency_ms.map(latency);
        let privacy = entry.privacy.as_deref().map(Privacy::named);
        let is_share = |it: f64| (0.0..=1.0).contains(&it);
        let fits = [
            ("quality", entry.quality.is_none_or(is_share)),
            (
                "quality-interval",
                entry
                    .quality_interval
                    .is_none_or(|it| is_interval(it) && is_share(it.0) && is_share(it.1)),
            ),
            ("cost", entry.cost.is_finite() && 0.0 <= entry.cost),
            ("latency-ms", latency != Some(None)),
            ("sha256", entry.sha256.as_deref().is_none_or(is_digest)),
            ("parent", entry.parent.as_deref().is_none_or(is_digest)),
            ("privacy", privacy != Some(None)),
            ("memory", entry.memory != Some(0)),
        ];
        if let Some((key, _)) = fits.into_iter().find(|it| !it.1) {
            return Err(fault(key, misfit(key)));
        }
        if let (Some(quality), Some((low, high))) = (entry.quality, entry.quality_interval)
            && !(low..=high).contains(&quality)
        {
            let cause = format!("quality {quality} lies outside of its interval");
            return Err(fault(
                "quality-interval",
                (cause, "correct one of the two".into()),
            ));
        }
        if let Some(task) = entry.task.as_deref().filter(|it| tasks().all(|task| task != *it)) {
            return Err(fault("task", no_task(task)));
        }
        let source = match (entry.element, entry.model) {
            (Some(element), None) => Source::Element(element),
            (None, Some(model)) => Source::Model(self.model(&model, place)?),
            (Some(_), Some(_)) => {
                let cause = format!("candidate '{name}' has both element and model");
                return Err(fault("model", (cause, "keep one of the two lines".into())));
            }
            (None, None) => {
                let cause = format!("candidate '{name}' has neither element nor model");
                let remedy = "add 'model = \"file.onnx\"' or 'element = \"…\"'";
                return Err(fault("", (cause, remedy.into())));
            }
        };
        let rows = entry.measured.into_iter().enumerate();
        let measured = rows.map(|(row, it)| self.measured(index, row, it));
        let mut properties = self.properties(entry.properties, &source, place)?;
        if let (Source::Model(_), Some(task)) = (&source, &entry.task)
            && self.properties.contains(&"task")
        {
            properties.insert("task".into(), task.clone());
        }
        Ok(Candidate {
            task: entry.task,
            quality: entry.quality,
            quality_interval: entry.quality_interval,
            cost: entry.cost,
            latency: latency.flatten(),
            runs_on: entry.runs_on.filter(|it| !it.is_empty()),
            license: entry.license,
            sha256: entry.sha256.map(|it| it.to_ascii_lowercase()),
            origin: entry.origin,
            trained_on: entry.trained_on,
            stated_privacy: privacy.flatten(),
            sees: entry.sees,
            memory: entry.memory,
            parent: entry.parent.map(|it| it.to_ascii_lowercase()),
            measured: measured.collect::<Result<_, _>>()?,
            properties,
            line: self.text.line(self.text.span(place, "")),
            name,
            source,
        })
    }

    fn measured(&self, candidate: usize, index: usize, row: Row) -> Result<Measured, CatalogError> {
        let times = [row.latency_ms, row.latency_p95_ms, row.latency_p99_ms].map(|it| it.map(latency));
        let fits = [
            ("value", row.value.is_none_or(f64::is_finite)),
            ("interval", row.interval.is_none_or(is_interval)),
            ("date", row.date.as_deref().is_none_or(is_day)),
            ("latency-ms", times[0] != Some(None)),
            ("latency-p95-ms", times[1] != Some(None)),
            ("latency-p99-ms", times[2] != Some(None)),
        ];
        if let Some((key, _)) = fits.into_iter().find(|it| !it.1) {
            let span = self.text.span_in_measured(candidate, index, key);
            return Err(self.text.fault_at(span, misfit(key)));
        }
        let [latency, latency_p95, latency_p99] = times.map(Option::flatten);
        Ok(Measured {
            measure: row.measure,
            value: row.value,
            interval: row.interval,
            items: row.items,
            material: row.material,
            truth: row.truth,
            date: row.date,
            latency,
            latency_p95,
            latency_p99,
            machine: row.machine,
            provider: row.provider,
        })
    }

    fn properties(
        &self,
        given: BTreeMap<String, toml::Value>,
        source: &Source,
        place: Option<usize>,
    ) -> Result<BTreeMap<String, String>, CatalogError> {
        let mut properties = BTreeMap::new();
        for (name, value) in given {
            let fault = |cause: String, remedy: String| self.text.fault(place, &name, (cause, remedy));
            if !self.properties.contains(&name.as_str()) {
                let known = self.properties.join(", ");
                let remedy = format!("write one of {CANDIDATE_KEYS}, {known}");
                return Err(fault(format!("unknown key '{name}'"), remedy));
            }
            if matches!(source, Source::Element(_)) {
                let remedy = format!("write {name}=… inside of element");
                return Err(fault(format!("'{name}' is a property of models"), remedy));
            }
            let spelled = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => {
                    value.to_string()
                }
                _ => {
                    let cause = format!("'{name}' is no single value");
                    return Err(fault(cause, "write a string or a number".into()));
                }
            };
            properties.insert(name, spelled);
        }
        Ok(properties)
    }

    /// Finds a model file, which may lie elsewhere only where its author says so by an absolute path.
    fn model(&self, model: &str, place: Option<usize>) -> Result<PathBuf, CatalogError> {
        let stated = Path::new(model);
        if source::is_address(stated) {
            return Ok(stated.to_owned());
        }
        let folder = self.text.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(stated);
        let outside = || {
            let cause = format!("model '{model}' lies outside of the catalogue's folder");
            let remedy = "move the file beside the catalogue, or write its absolute path";
            self.text.fault(place, "model", (cause, remedy))
        };
        if stated.is_relative() && stated.components().any(|part| part == Component::ParentDir) {
            return Err(outside());
        }
        if let Err(error) = bounded_file::size(&path) {
            let path = path.display();
            let (cause, remedy) = match error.kind() {
                ErrorKind::NotFound => (
                    format!("model file {path} does not exist"),
                    "correct the path, which is relative to the catalogue",
                ),
                _ => (
                    format!("cannot read model file {path}: {error}"),
                    "write the path of an .onnx file that this user may read",
                ),
            };
            return Err(self.text.fault(place, "model", (cause, remedy)));
        }
        // A link may lead outside too.
        let base = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let is_inside = match (path.canonicalize(), base.canonicalize()) {
            (Ok(path), Ok(base)) => path.starts_with(base),
            _ => false,
        };
        if stated.is_relative() && !is_inside {
            return Err(outside());
        }
        Ok(path)
    }
}
