// SPDX-License-Identifier: MPL-2.0

//! The file of what was learned, as it is written: JSON with a version.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::policy::{KnownLatency, KnownQuality};

/// What a file says that it is.
pub const FORMAT: &str = "avrec-memory";

/// Version of the format. One that is greater is not understood.
pub const VERSION: u32 = 1;

/// Longest text of a key, in bytes: an element candidate's fingerprint and a processor's name are far shorter.
const LONGEST_TEXT: usize = 512;

#[derive(Debug, Serialize, Deserialize)]
pub struct File {
    pub format: String,
    pub version: u32,
    #[serde(default)]
    pub latencies: Vec<LatencyEntry>,
    #[serde(default)]
    pub qualities: Vec<QualityEntry>,
}

/// How long a candidate takes on a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LatencyEntry {
    #[serde(flatten)]
    pub key: LatencyKey,
    /// What it was called last, for the reader.
    #[serde(default)]
    pub name: String,
    pub calm_ms: f64,
    pub sd: f64,
    pub reaction: f64,
    pub reaction_sd: f64,
    pub is_touched: bool,
    /// Milliseconds since 1970.
    pub updated: u64,
}

/// What a latency holds for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LatencyKey {
    pub candidate: String,
    pub machine: String,
    pub device: String,
    pub input: String,
}

/// What a candidate's answers are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct QualityEntry {
    #[serde(flatten)]
    pub key: QualityKey,
    #[serde(default)]
    pub name: String,
    /// The prior that it began with.
    pub prior: Option<f64>,
    pub mean: f64,
    pub score_sd: f64,
    pub weight: f64,
    pub updated: u64,
}

/// What a quality holds for, on whatever machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct QualityKey {
    pub candidate: String,
    /// The candidate whose answers it was compared with; `None` where it was with nobody's.
    pub reference: Option<String>,
    pub input: String,
}

/// An entry of either kind.
pub trait Entry: Clone {
    type Key: Ord + Clone;

    fn key(&self) -> &Self::Key;
    fn updated(&self) -> u64;
    /// Whether all that it says can be.
    fn is_sound(&self) -> bool;
    /// What it and one that was learned apart say together.
    fn and(&self, other: &Self) -> Self;
}

impl LatencyEntry {
    pub fn new(key: LatencyKey, name: &str, known: &KnownLatency, updated: u64) -> LatencyEntry {
        LatencyEntry {
            key,
            name: name.to_owned(),
            calm_ms: known.calm.as_secs_f64() * 1e3,
            sd: known.sd,
            reaction: known.reaction,
            reaction_sd: known.reaction_sd,
            is_touched: known.is_touched,
            updated,
        }
    }

    pub fn known(&self) -> KnownLatency {
        KnownLatency {
            calm: Duration::from_secs_f64(self.calm_ms / 1e3),
            sd: self.sd,
            reaction: self.reaction,
            reaction_sd: self.reaction_sd,
            is_touched: self.is_touched,
        }
    }
}

impl Entry for LatencyEntry {
    type Key = LatencyKey;

    fn key(&self) -> &LatencyKey {
        &self.key
    }

    fn updated(&self) -> u64 {
        self.updated
    }

    fn is_sound(&self) -> bool {
        let key = &self.key;
        let texts = [&key.candidate, &key.machine, &key.device, &key.input, &self.name];
        // A tenth of a microsecond to a day.
        (1e-4..=8.64e7).contains(&self.calm_ms)
            && (0.0..=3.0).contains(&self.sd)
            && (-1.0..=1.5).contains(&self.reaction)
            && (0.0..=3.0).contains(&self.reaction_sd)
            && are_short(texts)
    }

    fn and(&self, other: &LatencyEntry) -> LatencyEntry {
        let known = self.known().and(other.known());
        LatencyEntry::new(self.key.clone(), &self.name, &known, self.updated)
    }
}

impl QualityEntry {
    pub fn new(
        key: QualityKey,
        (name, prior): (&str, Option<f64>),
        known: &KnownQuality,
        updated: u64,
    ) -> QualityEntry {
        QualityEntry {
            key,
            name: name.to_owned(),
            prior,
            mean: known.mean,
            score_sd: known.score_sd,
            weight: known.weight,
            updated,
        }
    }

    pub fn known(&self) -> KnownQuality {
        KnownQuality {
            mean: self.mean,
            score_sd: self.score_sd,
            weight: self.weight,
        }
    }
}

impl Entry for QualityEntry {
    type Key = QualityKey;

    fn key(&self) -> &QualityKey {
        &self.key
    }

    fn updated(&self) -> u64 {
        self.updated
    }

    fn is_sound(&self) -> bool {
        let key = &self.key;
        let texts = [&key.candidate, &key.input, &self.name]
            .into_iter()
            .chain(&key.reference);
        (0.0..=1.0).contains(&self.mean)
            && (0.0..=1.0).contains(&self.score_sd)
            && (0.0..=1e3).contains(&self.weight)
            && self.prior.is_none_or(|it| (0.0..=1.0).contains(&it))
            && are_short(texts)
    }

    fn and(&self, other: &QualityEntry) -> QualityEntry {
        let known = self.known().and(other.known());
        QualityEntry::new(self.key.clone(), (&self.name, self.prior), &known, self.updated)
    }
}

fn are_short<'a>(texts: impl IntoIterator<Item = &'a String>) -> bool {
    texts.into_iter().all(|it| it.len() <= LONGEST_TEXT)
}
