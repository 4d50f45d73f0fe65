// SPDX-License-Identifier: MPL-2.0

//! A person's or a station's own preferences, as a TOML file that the switch and the command share: weights, conditions, whom
//! they do not want, and what they found of candidates so far.
//!
//! It is read as strictly as a catalogue. What is told of candidates later is written behind the rest, which stays as it is.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use crate::bounded_file;
use crate::library::conditions::{Conditions, size};
use crate::library::license::Allowed;
use crate::runtime::catalog::Privacy;

/// Bytes that a profile may have: some thousand ratings.
const MAX_BYTES: u64 = 1 << 20;

/// Weights go no further: far beyond it nothing else would count.
const LARGEST_WEIGHT: f64 = 1e6;

/// What is wrong with a profile, where, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {cause}; {remedy}", .path.display())]
pub struct ProfileError {
    pub path: PathBuf,
    /// Counted from 1.
    pub line: usize,
    pub cause: String,
    pub remedy: String,
}

/// How much each thing counts against the others; `None` where it is not said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights {
    pub quality: Option<f64>,
    pub latency: Option<f64>,
    pub cost: Option<f64>,
    pub robustness: Option<f64>,
    /// Of single measures of quality, by their names.
    pub measures: BTreeMap<String, f64>,
}

impl Weights {
    /// What a latency of one budget costs, in log-quality.
    pub fn lambda_latency(&self) -> Option<f64> {
        Some((self.latency? / self.quality()).min(LARGEST_WEIGHT))
    }

    /// What one unit of a candidate's cost costs, in log-quality.
    pub fn lambda_cost(&self) -> Option<f64> {
        Some((self.cost? / self.quality()).min(LARGEST_WEIGHT))
    }

    /// Share of robustness in what counts as quality, 0..=1.
    pub fn robustness_weight(&self) -> Option<f64> {
        let robustness = self.robustness?;
        Some(robustness / (robustness + self.quality()))
    }

    fn quality(&self) -> f64 {
        self.quality.unwrap_or(1.0)
    }
}

/// What somebody found the answers of a candidate worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    pub candidate: String,
    /// 0 (useless) to 1 (perfect).
    pub rating: f64,
    /// As `2026-11-28`.
    pub date: Option<String>,
    pub note: Option<String>,
}

/// How several measures become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    Weighted,
    Rank,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    pub weights: Weights,
    pub strategy: Option<Strategy>,
    /// With the candidates that are forbidden.
    pub conditions: Conditions,
    pub feedback: Vec<Feedback>,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or at the first thing in it that is not understood.
    pub fn load(path: &Path) -> Result<Profile, ProfileError> {
        let text = bounded_file::read_text(path, MAX_BYTES).map_err(|error| {
            let remedy = "name a TOML file that this user may read";
            fault(
                path,
                "",
                None,
                (format!("cannot read it: {error}"), remedy.into()),
            )
        })?;
        Profile::parse(path, &text)
    }

    /// Reads the text of a profile; `path` is for errors.
    ///
    /// # Errors
    ///
    /// As [`Profile::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Profile, ProfileError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let words = (error.message().replace('\n', " "), "correct this line".into());
            fault(path, text, error.span(), words)
        })?;
        file.judge()
            .map_err(|(span, words)| fault(path, text, span, words))
    }

    /// Writes what was found of candidates behind what a profile has, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// When what is there is no profile, when a rating is none, and when it cannot be written; the old file stays then.
    pub fn remember(path: &Path, feedback: &[Feedback]) -> Result<(), ProfileError> {
        let text = match bounded_file::read_text(path, MAX_BYTES) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => {
                let words = (format!("cannot read it: {error}"), "name another file".into());
                return Err(fault(path, "", None, words));
            }
            Ok(text) => text,
        };
        let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            let words = (error.message().replace('\n', " "), "correct this line".into());
            fault(path, &text, error.span(), words)
        })?;
        let list = || Item::ArrayOfTables(ArrayOfTables::new());
        let rows = document.entry("feedback").or_insert_with(list);
        let Some(rows) = rows.as_array_of_tables_mut() else {
            let words = (
                "'feedback' is no list of sections",
                "write each as a section [[feedback]]",
            );
            return Err(fault(path, &text, None, (words.0.into(), words.1.into())));
        };
        for it in feedback {
            let mut row = Table::new();
            row.insert("candidate", value(it.candidate.as_str()));
            row.insert("rating", value(it.rating));
            for (key, text) in [("date", &it.date), ("note", &it.note)] {
                if let Some(text) = text {
                    row.insert(key, value(text.as_str()));
                }
            }
            rows.push(row);
        }
        let new = document.to_string();
        let new = new.trim_start_matches('\n');
        // What cannot be read again is not written.
        Profile::parse(path, new)?;
        bounded_file::replace(path, new).map_err(|error| {
            let remedy = "make room, or name a file that this user may write; what was there is as it was";
            fault(
                path,
                "",
                None,
                (format!("cannot write it: {error}"), remedy.into()),
            )
        })
    }
}

/// A profile as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    weights: WeightLines,
    strategy: Option<Spanned<String>>,
    #[serde(default)]
    conditions: ConditionLines,
    #[serde(default)]
    forbidden: Vec<String>,
    #[serde(default)]
    feedback: Vec<FeedbackLines>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WeightLines {
    quality: Option<Spanned<f64>>,
    latency: Option<Spanned<f64>>,
    cost: Option<Spanned<f64>>,
    robustness: Option<Spanned<f64>>,
    #[serde(default)]
    measures: BTreeMap<String, Spanned<f64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ConditionLines {
    #[serde(alias = "license")]
    licence: Option<Spanned<String>>,
    privacy: Option<Spanned<String>>,
    max_memory: Option<Spanned<toml::Value>>,
    provider: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedbackLines {
    candidate: String,
    rating: Spanned<f64>,
    date: Option<String>,
    note: Option<String>,
}

/// Where a mistake stands, what it is, and what to write.
type Mistake = (Option<Range<usize>>, (String, String));

fn mistake<T>(at: &Spanned<T>, cause: impl Into<String>, remedy: impl Into<String>) -> Mistake {
    (Some(at.span()), (cause.into(), remedy.into()))
}

impl File {
    fn judge(self) -> Result<Profile, Mistake> {
        let lines = self.weights;
        let quality = lines.quality.as_ref();
        if let Some(quality) = quality.filter(|it| *it.get_ref() <= 0.0) {
            return Err(mistake(
                quality,
                "the weight of quality is not above 0",
                "write such as quality = 1",
            ));
        }
        let measures = lines
            .measures
            .iter()
            .map(|(name, it)| Ok((name.clone(), weight(it)?)));
        let strategy = self.strategy.as_ref().map(|it| match it.get_ref().as_str() {
            "weighted" => Ok(Strategy::Weighted),
            "rank" => Ok(Strategy::Rank),
            other => Err(mistake(
                it,
                format!("unknown strategy '{other}'"),
                "write weighted or rank",
            )),
        });
        let feedback = self.feedback.into_iter().map(|it| {
            let rating = *it.rating.get_ref();
            if !(0.0..=1.0).contains(&rating) {
                let remedy = "write a number from 0 (useless) to 1 (perfect)";
                return Err(mistake(&it.rating, format!("{rating} is no rating"), remedy));
            }
            let (candidate, date, note) = (it.candidate, it.date, it.note);
            Ok(Feedback {
                candidate,
                rating,
                date,
                note,
            })
        });
        Ok(Profile {
            weights: Weights {
                quality: quality.map(weight).transpose()?,
                latency: lines.latency.as_ref().map(weight).transpose()?,
                cost: lines.cost.as_ref().map(weight).transpose()?,
                robustness: lines.robustness.as_ref().map(weight).transpose()?,
                measures: measures.collect::<Result<_, _>>()?,
            },
            strategy: strategy.transpose()?,
            conditions: self.conditions.judge(self.forbidden)?,
            feedback: feedback.collect::<Result<_, _>>()?,
        })
    }
}

impl ConditionLines {
    fn judge(self, forbidden: Vec<String>) -> Result<Conditions, Mistake> {
        let licence = self.licence.map(|it| {
            let allowed = Allowed::parse(it.get_ref());
            allowed.map_err(|error| {
                (
                    Some(it.span()),
                    (format!("licence: {error}"), "see docs/library.md".into()),
                )
            })
        });
        let privacy = self.privacy.map(|it| {
            let named = Privacy::named(it.get_ref());
            let cause = format!("'{}' is no privacy", it.get_ref());
            named.ok_or_else(|| mistake(&it, cause, "write local, remote or uploads-frames"))
        });
        let memory = self.max_memory.map(|it| {
            let text = match it.get_ref() {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            size(&text).map_err(|cause| mistake(&it, format!("max-memory: {cause}"), "bytes are taken too"))
        });
        Ok(Conditions {
            licence: licence.transpose()?,
            privacy: privacy.transpose()?,
            max_memory: memory.transpose()?,
            provider: self.provider,
            forbidden,
        })
    }
}

fn weight(it: &Spanned<f64>) -> Result<f64, Mistake> {
    let weight = *it.get_ref();
    match (0.0..=LARGEST_WEIGHT).contains(&weight) {
        true => Ok(weight),
        false => Err(mistake(
            it,
            format!("{weight} is no weight"),
            format!("write a number from 0 to {LARGEST_WEIGHT}"),
        )),
    }
}

fn fault(
    path: &Path,
    text: &str,
    span: Option<Range<usize>>,
    (cause, remedy): (String, String),
) -> ProfileError {
    let before = text.bytes().take(span.map_or(0, |it| it.start));
    ProfileError {
        path: path.to_owned(),
        line: 1 + before.filter(|it| *it == b'\n').count(),
        cause,
        remedy,
    }
}

#[cfg(test)]
mod tests;
