// SPDX-License-Identifier: MPL-2.0

//! Reads the text of a catalogue, with a line for each mistake.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Task;
use super::catalogue::{Candidate, Catalogue, CatalogueError, Source};

/// Tasks that candidates can have in common.
const TASKS: [&str; 8] = {
    let [a, b, c, d, e, f, g] = Task::ALL;
    [
        "auto",
        a.name(),
        b.name(),
        c.name(),
        d.name(),
        e.name(),
        f.name(),
        g.name(),
    ]
};

type Value<'i> = Spanned<DeValue<'i>>;

pub(super) struct Reader<'a> {
    pub path: &'a Path,
    pub text: &'a str,
    pub properties: &'a [&'a str],
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(span.start);
        1 + before.filter(|&&byte| byte == b'\n').count()
    }

    fn fault(
        &self,
        span: &Range<usize>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> CatalogueError {
        CatalogueError {
            path: self.path.to_owned(),
            line: self.line(span),
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    pub(super) fn read(&self) -> Result<Catalogue, CatalogueError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.fault(
                &span,
                error.message().replace('\n', " "),
                "correct the TOML of this line",
            )
        })?;
        self.catalogue(table.get_ref())
    }

    fn catalogue(&self, table: &DeTable<'_>) -> Result<Catalogue, CatalogueError> {
        let mut candidates = Vec::new();
        let mut texts: BTreeMap<&str, (String, Range<usize>)> = BTreeMap::new();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                name @ ("task" | "reference" | "floor") => {
                    texts.insert(name, (self.text(name, value)?, value.span()));
                }
                "candidate" => candidates = self.candidates(value)?,
                other => {
                    let cause = format!("unknown key '{other}'");
                    return Err(self.fault(
                        &key.span(),
                        cause,
                        "write task, reference, floor or [[candidate]]",
                    ));
                }
            }
        }
        if candidates.is_empty() {
            return Err(self.fault(&(0..0), "it has no candidate", "add a section [[candidate]]"));
        }
        if let Some((task, span)) = texts
            .get("task")
            .filter(|(task, _)| !TASKS.contains(&task.as_str()))
        {
            let cause = format!("unknown task '{task}'");
            return Err(self.fault(span, cause, format!("write one of {}", TASKS.join(", "))));
        }
        for role in ["reference", "floor"] {
            let Some((name, span)) = texts.get(role) else {
                continue;
            };
            if !candidates
                .iter()
                .any(|candidate: &Candidate| candidate.name == *name)
            {
                let names: Vec<_> = candidates
                    .iter()
                    .map(|candidate| candidate.name.as_str())
                    .collect();
                let cause = format!("{role} '{name}' is no candidate");
                return Err(self.fault(span, cause, format!("write one of {}", names.join(", "))));
            }
        }
        let mut take = |key: &str| texts.remove(key).map(|(text, _)| text);
        Ok(Catalogue {
            path: self.path.to_owned(),
            task: take("task"),
            reference: take("reference"),
            floor: take("floor"),
            candidates,
        })
    }

    fn candidates(&self, value: &Value<'_>) -> Result<Vec<Candidate>, CatalogueError> {
        let not_a_list = |span| {
            self.fault(
                span,
                "'candidate' is no list",
                "write each candidate as a section [[candidate]]",
            )
        };
        let DeValue::Array(entries) = value.get_ref() else {
            return Err(not_a_list(&value.span()));
        };
        let mut candidates: Vec<Candidate> = Vec::new();
        for entry in entries.iter() {
            let DeValue::Table(table) = entry.get_ref() else {
                return Err(not_a_list(&entry.span()));
            };
            let candidate = self.candidate(table, &entry.span())?;
            if let Some(first) = candidates.iter().find(|other| other.name == candidate.name) {
                let span = table.get("name").map_or(entry.span(), |name| name.span());
                let cause = format!(
                    "candidate '{}' stands in line {} already",
                    candidate.name, first.line
                );
                return Err(self.fault(&span, cause, "give each candidate a name of its own"));
            }
            candidates.push(candidate);
        }
        Ok(candidates)
    }

    fn candidate(&self, table: &DeTable<'_>, span: &Range<usize>) -> Result<Candidate, CatalogueError> {
        let text = |key: &str| table.get(key).map(|value| self.text(key, value)).transpose();
        let Some(name) = text("name")?.filter(|name| !name.is_empty()) else {
            return Err(self.fault(span, "a candidate has no name", "add the line 'name = \"…\"'"));
        };
        let source = match (text("element")?, text("model")?) {
            (Some(element), None) => Source::Element(element),
            (None, Some(model)) => Source::Model(self.model(&model, &table["model"].span())?),
            (Some(_), Some(_)) => {
                let span = table["model"].span();
                let cause = format!("candidate '{name}' has both element and model");
                return Err(self.fault(&span, cause, "keep one of the two lines"));
            }
            (None, None) => {
                let cause = format!("candidate '{name}' has neither element nor model");
                return Err(self.fault(span, cause, "add 'model = \"file.onnx\"' or 'element = \"…\"'"));
            }
        };
        Ok(Candidate {
            quality: table
                .get("quality")
                .map(|value| self.quality(value))
                .transpose()?,
            cost: table
                .get("cost")
                .map(|value| self.cost(value))
                .transpose()?
                .unwrap_or_default(),
            latency: table
                .get("latency-ms")
                .map(|value| self.latency(value))
                .transpose()?,
            license: text("license")?,
            sha256: table.get("sha256").map(|value| self.sha256(value)).transpose()?,
            properties: self.properties(table, &source)?,
            line: self.line(span),
            catalogue: self.path.to_owned(),
            name,
            source,
        })
    }

    fn properties(
        &self,
        table: &DeTable<'_>,
        source: &Source,
    ) -> Result<BTreeMap<String, String>, CatalogueError> {
        const OWN: [&str; 8] = [
            "name",
            "element",
            "model",
            "quality",
            "cost",
            "latency-ms",
            "license",
            "sha256",
        ];
        let mut properties = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if OWN.contains(&name) {
                continue;
            }
            if !self.properties.contains(&name) {
                let cause = format!("unknown key '{name}'");
                let remedy = format!("write one of {}, {}", OWN.join(", "), self.properties.join(", "));
                return Err(self.fault(&key.span(), cause, remedy));
            }
            if matches!(source, Source::Element(_)) {
                let cause = format!("'{name}' is a property of models");
                return Err(self.fault(&key.span(), cause, format!("write {name}=… inside of element")));
            }
            let spelled = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => number.to_string(),
                    Err(_) => {
                        return Err(self.fault(
                            &value.span(),
                            format!("'{name}' is too large"),
                            "write a smaller number",
                        ));
                    }
                },
                DeValue::Float(number) => number.as_str().to_owned(),
                DeValue::Boolean(truth) => truth.to_string(),
                _ => {
                    return Err(self.fault(
                        &value.span(),
                        format!("'{name}' is no single value"),
                        "write a string or a number",
                    ));
                }
            };
            properties.insert(name.to_owned(), spelled);
        }
        Ok(properties)
    }

    /// Finds a model file, which may lie elsewhere only where its author says so by an absolute path.
    fn model(&self, model: &str, span: &Range<usize>) -> Result<PathBuf, CatalogueError> {
        let stated = Path::new(model);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(stated);
        let outside = || {
            let cause = format!("model '{model}' lies outside of the catalogue's folder");
            self.fault(
                span,
                cause,
                "move the file beside the catalogue, or write its absolute path",
            )
        };
        if stated.is_relative() && stated.components().any(|part| part == Component::ParentDir) {
            return Err(outside());
        }
        if !path.is_file() {
            let cause = format!("model file {} does not exist", path.display());
            return Err(self.fault(
                span,
                cause,
                "correct the path, which is relative to the catalogue",
            ));
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

    fn text(&self, key: &str, value: &Value<'_>) -> Result<String, CatalogueError> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(self.fault(
                &value.span(),
                format!("'{key}' is no string"),
                format!("write {key} = \"…\""),
            )),
        }
    }

    fn quality(&self, value: &Value<'_>) -> Result<f64, CatalogueError> {
        number(value)
            .filter(|number| (0.0..=1.0).contains(number))
            .ok_or_else(|| {
                self.fault(
                    &value.span(),
                    "quality is no number from 0 to 1",
                    "write a share, such as quality = 0.9",
                )
            })
    }

    fn cost(&self, value: &Value<'_>) -> Result<f64, CatalogueError> {
        number(value)
            .filter(|number| number.is_finite() && 0.0 <= *number)
            .ok_or_else(|| {
                self.fault(
                    &value.span(),
                    "cost is no number from 0 on",
                    "write memory, energy or money in a unit of your choice, such as cost = 1.5",
                )
            })
    }

    fn latency(&self, value: &Value<'_>) -> Result<Duration, CatalogueError> {
        number(value)
            .and_then(|number| Duration::try_from_secs_f64(number / 1e3).ok())
            .filter(|latency| !latency.is_zero())
            .ok_or_else(|| {
                self.fault(
                    &value.span(),
                    "latency-ms is no number above 0",
                    "write milliseconds, such as latency-ms = 8.3",
                )
            })
    }

    fn sha256(&self, value: &Value<'_>) -> Result<String, CatalogueError> {
        let digits = self.text("sha256", value)?.to_ascii_lowercase();
        match digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            true => Ok(digits),
            false => Err(self.fault(
                &value.span(),
                "sha256 is not 64 hexadecimal digits",
                "write what sha256sum prints",
            )),
        }
    }
}

/// A number that TOML writes with or without a point.
fn number(value: &Value<'_>) -> Option<f64> {
    match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Integer(number) => i32::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(f64::from),
        _ => None,
    }
}
