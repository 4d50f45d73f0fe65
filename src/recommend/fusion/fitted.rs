// SPDX-License-Identifier: MPL-2.0

//! How two answers become one, and the file in which that stands, as TOML: what `avrec-fuse` takes, and for people what was
//! measured.

use serde::Deserialize;

use super::names;
use super::pool::{MOST_WEIGHT, Scaling, Side, UNFITTED_WEIGHT};
use super::worth::Measured;

/// What is known of one side.
#[derive(Debug, Clone, PartialEq)]
pub struct SideFit {
    /// Name of the model that was fitted, for people; may be empty.
    pub model: String,
    pub scaling: Scaling,
    /// Weight where both sides are at their best, 0 to [`MOST_WEIGHT`].
    pub weight: f64,
    /// `None` where nothing was measured; then the weight does not follow what the side is worth.
    pub measured: Option<Measured>,
}

/// How two answers become one.
#[derive(Debug, Clone, PartialEq)]
pub struct Fusion {
    /// The classes that both sides know; empty where each gives one number.
    pub labels: Vec<String>,
    /// Picture, sound.
    pub sides: [SideFit; 2],
}

impl Fusion {
    /// Without a fit: both sides as they are, each with [`UNFITTED_WEIGHT`]. No labels: one number each, a probability.
    pub fn unfitted(labels: Vec<String>) -> Fusion {
        let scaling = match labels.is_empty() {
            true => Scaling::Probability,
            false => Scaling::Temperature(1.0),
        };
        let side = SideFit {
            model: String::new(),
            scaling,
            weight: UNFITTED_WEIGHT,
            measured: None,
        };
        Fusion {
            labels,
            sides: [side.clone(), side],
        }
    }

    /// Reads the text of a fit: what [`super::Report::to_toml`] wrote, or somebody by hand.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn from_toml(text: &str) -> Result<Fusion, FileError> {
        let file: File =
            toml::from_str(text).map_err(|it| FileError::Syntax(it.to_string().trim().to_owned()))?;
        if file.version != VERSION {
            return Err(FileError::Version(file.version));
        }
        let labels = file.labels.unwrap_or_default();
        let distinct = names::distinct(labels.iter().map(String::as_str)).len();
        if distinct != labels.len() || labels.len() == 1 {
            return Err(FileError::Labels(names::listed(&labels)));
        }
        let is_of_scores = labels.is_empty();
        let fusion = Fusion {
            labels,
            sides: [
                file.picture.read(Side::Picture, is_of_scores)?,
                file.sound.read(Side::Sound, is_of_scores)?,
            ],
        };
        let sum = fusion.weights().iter().sum::<f64>();
        if MOST_WEIGHT + 1e-3 < sum {
            return Err(FileError::Sum(format!("{sum:.3}")));
        }
        Ok(fusion)
    }

    /// Whether each side gives one number.
    pub fn is_of_scores(&self) -> bool {
        self.labels.is_empty()
    }

    /// Classes of the pool: of one number there are two, no and yes.
    pub fn classes(&self) -> usize {
        if self.is_of_scores() { 2 } else { self.labels.len() }
    }

    /// The fitted weights.
    pub fn weights(&self) -> [f64; 2] {
        [self.sides[0].weight, self.sides[1].weight]
    }
}

/// Layout that this writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// Temperatures that are read: beyond them an answer is its best class alone, or nothing. Fits are from 0.05 to 20.
const LEAST_TEMPERATURE: f64 = 0.01;
const MOST_TEMPERATURE: f64 = 100.0;

/// Why a text is no fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("it is no fit of a fusion: {0}")]
    Syntax(String),
    #[error("it has layout {0}, and this reads {VERSION}; write it anew with `avrec rank --fuse`")]
    Version(u32),
    #[error(
        "`labels` names {0}; name at least two different classes, or leave it out where each side gives one number"
    )]
    Labels(String),
    #[error(
        "[{side}] has no `temperature`, which classes need; write {LEAST_TEMPERATURE} to {MOST_TEMPERATURE}"
    )]
    NoTemperature { side: &'static str },
    #[error("[{side}] has a temperature of {temperature}; write {LEAST_TEMPERATURE} to {MOST_TEMPERATURE}")]
    Temperature { side: &'static str, temperature: String },
    #[error("[{side}] has no numbers `slope` and `intercept`, which one number instead of classes needs")]
    Platt { side: &'static str },
    #[error("[{side}] has a weight of {weight}; write 0 to {MOST_WEIGHT}")]
    Weight { side: &'static str, weight: String },
    #[error(
        "the weights are {0} together; at most {MOST_WEIGHT} is right, since the sides are not independent"
    )]
    Sum(String),
    #[error("[{side}] has an accuracy or a confidence outside of 0 to 1, or one without the other")]
    Measured { side: &'static str },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    version: u32,
    #[serde(default)]
    labels: Option<Vec<String>>,
    picture: Section,
    sound: Section,
    /// For people.
    #[serde(default, rename = "held-out")]
    _held_out: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    #[serde(default)]
    model: String,
    weight: f64,
    temperature: Option<f64>,
    slope: Option<f64>,
    intercept: Option<f64>,
    accuracy: Option<f64>,
    confidence: Option<f64>,
}

impl Section {
    fn read(self, side: Side, is_of_scores: bool) -> Result<SideFit, FileError> {
        let side = side.word();
        let finite = |it: &f64| it.is_finite();
        let scaling = if is_of_scores {
            let both = self.slope.filter(finite).zip(self.intercept.filter(finite));
            let (slope, intercept) = both.ok_or(FileError::Platt { side })?;
            Scaling::Platt { slope, intercept }
        } else {
            let temperature = self.temperature.ok_or(FileError::NoTemperature { side })?;
            if !(LEAST_TEMPERATURE..=MOST_TEMPERATURE).contains(&temperature) {
                let temperature = temperature.to_string();
                return Err(FileError::Temperature { side, temperature });
            }
            Scaling::Temperature(temperature)
        };
        if !(0.0..=MOST_WEIGHT).contains(&self.weight) {
            let weight = self.weight.to_string();
            return Err(FileError::Weight { side, weight });
        }
        let shares = [self.accuracy, self.confidence];
        let is_share = |it: &f64| (0.0..=1.0).contains(it);
        if shares.iter().flatten().any(|it| !is_share(it)) || shares[0].is_some() != shares[1].is_some() {
            return Err(FileError::Measured { side });
        }
        Ok(SideFit {
            model: self.model,
            scaling,
            weight: self.weight,
            measured: shares[0]
                .zip(shares[1])
                .map(|(accuracy, confidence)| Measured { accuracy, confidence }),
        })
    }
}
