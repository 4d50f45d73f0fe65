// SPDX-License-Identifier: MPL-2.0

//! The catalogue: all candidates of one task with their prior quality, as a TOML file.
//!
//! It is read strictly: what is not understood is an error with its line, because a mistyped key that is
//! skipped costs its author an evening. Which properties of the inference element may stand in a
//! candidate is told by the caller, so that nothing here knows an element.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Deserializer;
use toml::de::DeTable;

use super::Task;
pub use super::catalog_candidate::{Candidate, CatalogError, Source};
use super::options::is_digest;
use crate::bounded_file;

/// Bytes a catalogue may have: some ten thousand candidates.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    pub path: PathBuf,
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
                false => "set catalog to a TOML file that this user may read",
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
        Reader::read(path, text, properties)
    }

    /// Returns the candidate of this name.
    pub fn candidate(&self, name: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.name == name)
    }
}

/// A catalog as it is written. Everything that serde can check is checked here; the rest, and the words, in [`Reader`].
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

/// A section `[[candidate]]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    name: Option<String>,
    element: Option<String>,
    model: Option<String>,
    quality: Option<f64>,
    #[serde(default)]
    cost: f64,
    latency_ms: Option<f64>,
    runs_on: Option<String>,
    license: Option<String>,
    sha256: Option<String>,
    /// Everything else: properties of the inference element, or mistakes.
    #[serde(flatten)]
    properties: BTreeMap<String, toml::Value>,
}

/// Keys of a candidate beside the properties.
const CANDIDATE_KEYS: &str = "name, element, model, quality, cost, latency-ms, runs-on, license, sha256";

/// Tasks that candidates can have in common.
fn tasks() -> impl Iterator<Item = &'static str> {
    std::iter::once("auto").chain(Task::ALL.iter().map(|it| it.name()))
}

/// What is wrong with a value that a key cannot have, and what to write.
fn misfit(key: &str) -> (String, String) {
    let (cause, remedy) = match key {
        "candidate" => (
            "'candidate' is no list",
            "write each candidate as a section [[candidate]]",
        ),
        "quality" => (
            "quality is no number from 0 to 1",
            "write a share, such as quality = 0.9",
        ),
        "cost" => (
            "cost is no number from 0 on",
            "write memory, energy or money in a unit of your choice, such as cost = 1.5",
        ),
        "latency-ms" => (
            "latency-ms is no number above 0",
            "write milliseconds, such as latency-ms = 8.3",
        ),
        "sha256" => (
            "sha256 is not 64 hexadecimal digits",
            "write what sha256sum prints",
        ),
        "task" | "reference" | "floor" | "output-caps" | "name" | "element" | "model" | "license"
        | "runs-on" => {
            return (format!("'{key}' is no string"), format!("write {key} = \"…\""));
        }
        // Of the values of a property, serde takes all that it can hold.
        _ => return (format!("'{key}' is too large"), "write a smaller number".into()),
    };
    (cause.into(), remedy.into())
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    properties: &'a [&'a str],
    /// The text with the place of each key.
    table: DeTable<'a>,
}

impl<'a> Reader<'a> {
    fn read(path: &'a Path, text: &'a str, properties: &'a [&'a str]) -> Result<Catalog, CatalogError> {
        let table = DeTable::parse(text).map_err(|error| CatalogError {
            path: path.to_owned(),
            line: line(text, error.span()),
            cause: error.message().replace('\n', " "),
            remedy: "correct the TOML of this line".into(),
        })?;
        let reader = Reader {
            path,
            text,
            properties,
            table: table.get_ref().clone(),
        };
        match File::deserialize(Deserializer::from(table)) {
            Ok(file) => reader.catalog(file),
            Err(error) => Err(reader.misread(&error)),
        }
    }

    fn catalog(&self, file: File) -> Result<Catalog, CatalogError> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for (index, entry) in file.candidate.into_iter().enumerate() {
            let candidate = self.candidate(index, entry)?;
            if let Some(first) = candidates.iter().find(|it| it.name == candidate.name) {
                let cause = format!(
                    "candidate '{}' stands in line {} already",
                    candidate.name, first.line
                );
                let remedy = "give each candidate a name of its own";
                return Err(self.fault(Some(index), "name", cause, remedy));
            }
            candidates.push(candidate);
        }
        if candidates.is_empty() {
            return Err(self.fault(None, "", "it has no candidate", "add a section [[candidate]]"));
        }
        let is_task = |it: &String| tasks().any(|task| task == it);
        if let Some(task) = file.task.as_ref().filter(|it| !is_task(it)) {
            let remedy = format!("write one of {}", tasks().collect::<Vec<_>>().join(", "));
            return Err(self.fault(None, "task", format!("unknown task '{task}'"), remedy));
        }
        let names: Vec<_> = candidates.iter().map(|it| it.name.as_str()).collect();
        for (role, name) in [("reference", &file.reference), ("floor", &file.floor)] {
            if let Some(name) = name.as_ref().filter(|it| !names.contains(&it.as_str())) {
                let cause = format!("{role} '{name}' is no candidate");
                let remedy = format!("write one of {}", names.join(", "));
                return Err(self.fault(None, role, cause, remedy));
            }
        }
        Ok(Catalog {
            path: self.path.to_owned(),
            task: file.task,
            reference: file.reference,
            floor: file.floor,
            output_caps: file.output_caps,
            candidates,
        })
    }

    fn candidate(&self, index: usize, entry: Entry) -> Result<Candidate, CatalogError> {
        let place = Some(index);
        let Some(name) = entry.name.filter(|it| !it.is_empty()) else {
            return Err(self.fault(
                place,
                "",
                "a candidate has no name",
                "add the line 'name = \"…\"'",
            ));
        };
        let latency = entry.latency_ms.map(|it| Duration::try_from_secs_f64(it / 1e3));
        let fits = [
            (
                "quality",
                entry.quality.is_none_or(|it| (0.0..=1.0).contains(&it)),
            ),
            ("cost", entry.cost.is_finite() && 0.0 <= entry.cost),
            (
                "latency-ms",
                !matches!(latency, Some(Err(_) | Ok(Duration::ZERO))),
            ),
            ("sha256", entry.sha256.as_deref().is_none_or(is_digest)),
        ];
        if let Some((key, _)) = fits.into_iter().find(|it| !it.1) {
            let (cause, remedy) = misfit(key);
            return Err(self.fault(place, key, cause, remedy));
        }
        let source = match (entry.element, entry.model) {
            (Some(element), None) => Source::Element(element),
            (None, Some(model)) => Source::Model(self.model(&model, place)?),
            (Some(_), Some(_)) => {
                let cause = format!("candidate '{name}' has both element and model");
                return Err(self.fault(place, "model", cause, "keep one of the two lines"));
            }
            (None, None) => {
                let cause = format!("candidate '{name}' has neither element nor model");
                let remedy = "add 'model = \"file.onnx\"' or 'element = \"…\"'";
                return Err(self.fault(place, "", cause, remedy));
            }
        };
        Ok(Candidate {
            quality: entry.quality,
            cost: entry.cost,
            latency: latency.and_then(Result::ok),
            runs_on: entry.runs_on.filter(|it| !it.is_empty()),
            license: entry.license,
            sha256: entry.sha256.map(|it| it.to_ascii_lowercase()),
            properties: self.properties(entry.properties, &source, place)?,
            line: line(self.text, self.span(place, "")),
            catalog: self.path.to_owned(),
            name,
            source,
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
            if !self.properties.contains(&name.as_str()) {
                let cause = format!("unknown key '{name}'");
                let known = self.properties.join(", ");
                let remedy = format!("write one of {CANDIDATE_KEYS}, {known}");
                return Err(self.fault(place, &name, cause, remedy));
            }
            if matches!(source, Source::Element(_)) {
                let cause = format!("'{name}' is a property of models");
                let remedy = format!("write {name}=… inside of element");
                return Err(self.fault(place, &name, cause, remedy));
            }
            let spelled = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => {
                    value.to_string()
                }
                _ => {
                    let cause = format!("'{name}' is no single value");
                    return Err(self.fault(place, &name, cause, "write a string or a number"));
                }
            };
            properties.insert(name, spelled);
        }
        Ok(properties)
    }

    /// Finds a model file, which may lie elsewhere only where its author says so by an absolute path.
    fn model(&self, model: &str, place: Option<usize>) -> Result<PathBuf, CatalogError> {
        let stated = Path::new(model);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(stated);
        let outside = || {
            let cause = format!("model '{model}' lies outside of the catalogue's folder");
            let remedy = "move the file beside the catalogue, or write its absolute path";
            self.fault(place, "model", cause, remedy)
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
            return Err(self.fault(place, "model", cause, remedy));
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

    /// What serde did not take, in the words of the key that it stands at.
    fn misread(&self, error: &toml::de::Error) -> CatalogError {
        let at = error.span().unwrap_or(0..0);
        let entries = self.table.get("candidate").and_then(|it| it.get_ref().as_array());
        let inside = entries
            .into_iter()
            .flatten()
            .filter_map(|it| it.get_ref().as_table());
        let keys = inside.flatten().map(|it| (it.0, false));
        let keys = keys.chain(self.table.iter().map(|it| (it.0, true)));
        let nearest = keys
            .filter(|it| it.0.span().start <= at.start)
            .max_by_key(|it| it.0.span().start);
        // A section that should be a list is found wrong before its name.
        let (key, is_outside) = nearest.map_or(("candidate", true), |it| (it.0.get_ref().as_ref(), it.1));
        let is_known =
            !is_outside || ["task", "reference", "floor", "output-caps", "candidate"].contains(&key);
        let (cause, remedy) = if is_known {
            misfit(key)
        } else {
            let remedy = "write task, reference, floor or [[candidate]]";
            (format!("unknown key '{key}'"), remedy.into())
        };
        CatalogError {
            path: self.path.to_owned(),
            line: line(self.text, Some(at)),
            cause,
            remedy,
        }
    }

    /// A mistake at a key of the file, or of the candidate of this number.
    fn fault(
        &self,
        candidate: Option<usize>,
        key: &str,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> CatalogError {
        CatalogError {
            path: self.path.to_owned(),
            line: line(self.text, self.span(candidate, key)),
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    /// Where the value of a key stands; of a candidate without it, where the candidate begins.
    fn span(&self, candidate: Option<usize>, key: &str) -> Option<Range<usize>> {
        let Some(index) = candidate else {
            return Some(self.table.get(key)?.span());
        };
        let entry = self.table.get("candidate")?.get_ref().get(index)?;
        Some(entry.get_ref().get(key).unwrap_or(entry).span())
    }
}

/// A line, counted from 1.
fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let before = text.bytes().take(span.map_or(0, |it| it.start));
    1 + before.filter(|it| *it == b'\n').count()
}
