// SPDX-License-Identifier: MPL-2.0

//! What is said of a candidate, and how it comes into its section.

use std::time::Duration;

use toml_edit::{Array, ArrayOfTables, Item, Table, Value};

use super::candidate::Source;
use super::measured::Measured;
use super::values::Privacy;

/// What is to be said of a candidate; `None` and empty leave what is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    pub name: String,
    pub source: Option<Source>,
    pub task: Option<String>,
    /// 0..=1, as all qualities; four digits are kept.
    pub quality: Option<f64>,
    pub quality_interval: Option<(f64, f64)>,
    pub cost: Option<f64>,
    pub latency: Option<Duration>,
    pub runs_on: Option<String>,
    pub license: Option<String>,
    pub sha256: Option<String>,
    pub origin: Option<String>,
    pub trained_on: Option<String>,
    pub privacy: Option<Privacy>,
    pub sees: Vec<String>,
    /// Bytes.
    pub memory: Option<u64>,
    /// The SHA-256 of the file that it was tuned from.
    pub parent: Option<String>,
    /// Properties of the inference element.
    pub properties: Vec<(String, String)>,
    /// Each takes the place of one with the same measure, material, truth, machine and provider.
    pub measured: Vec<Measured>,
}

/// What a candidate is called.
pub(super) fn name(table: &Table) -> Option<&str> {
    table.get("name")?.as_str()
}

/// Sets a key; a comment behind an old value stays.
pub(super) fn set(table: &mut Table, key: &str, new: impl Into<Value>) {
    let mut new = new.into();
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(new));
}

/// Writes what is said of a candidate into its section; `source` is the key and the text of what answers.
pub(super) fn fill(table: &mut Table, entry: &Entry, source: Option<(&'static str, String)>) {
    if let Some((key, text)) = source {
        let other = if key == "model" { "element" } else { "model" };
        table.remove(other);
        set(table, key, text);
    }
    let texts = [
        ("task", &entry.task),
        ("license", &entry.license),
        ("sha256", &entry.sha256),
        ("origin", &entry.origin),
        ("trained-on", &entry.trained_on),
        ("parent", &entry.parent),
        ("runs-on", &entry.runs_on),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            set(table, key, text.as_str());
        }
    }
    if let Some(privacy) = entry.privacy {
        set(table, "privacy", privacy.name());
    }
    if !entry.sees.is_empty() {
        set(table, "sees", entry.sees.iter().collect::<Array>());
    }
    let numbers = [
        ("quality", entry.quality.map(|it| rounded(it, 4))),
        ("cost", entry.cost),
        ("latency-ms", entry.latency.map(milliseconds)),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            set(table, key, number);
        }
    }
    if let Some((low, high)) = entry.quality_interval {
        // Outwards where the quality would fall out of it by rounding.
        let quality = entry.quality.map(|it| rounded(it, 4));
        let low = quality.map_or(rounded(low, 4), |it| rounded(low, 4).min(it));
        let high = quality.map_or(rounded(high, 4), |it| rounded(high, 4).max(it));
        set(table, "quality-interval", Array::from_iter([low, high]));
    } else if entry.quality.is_some() {
        // The old one was of the old quality.
        table.remove("quality-interval");
    }
    if let Some(memory) = entry.memory {
        set(table, "memory", i64::try_from(memory).unwrap_or(i64::MAX));
    }
    for (name, text) in &entry.properties {
        set(table, name, property(text));
    }
    entry.measured.iter().for_each(|it| put_measured(table, it));
}

/// A property as the number or truth value that it reads as, else as text.
fn property(text: &str) -> Value {
    let number = text.parse::<i64>().map(Value::from);
    let number = number.or_else(|_| text.parse::<f64>().map(Value::from));
    let exact = number.ok().filter(|it| it.to_string() == text);
    exact
        .or_else(|| text.parse::<bool>().ok().map(Value::from))
        .unwrap_or_else(|| Value::from(text))
}

fn put_measured(table: &mut Table, measured: &Measured) {
    let item = table
        .entry("measured")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(rows) = item.as_array_of_tables_mut() else {
        return;
    };
    const SUBJECT: [&str; 5] = ["measure", "material", "truth", "machine", "provider"];
    let subject = measured.subject();
    let is_same = |row: &Table| {
        let mut parts = SUBJECT.iter().zip(subject);
        parts.all(|(key, it)| row.get(key).and_then(Item::as_str) == it.as_deref())
    };
    let place = rows.iter().position(is_same);
    let row = match place {
        Some(place) => rows.get_mut(place),
        None => {
            rows.push(Table::new());
            let last = rows.len().saturating_sub(1);
            rows.get_mut(last)
        }
    };
    let Some(row) = row else { return };
    let texts = [
        ("measure", &measured.measure),
        ("material", &measured.material),
        ("truth", &measured.truth),
        ("date", &measured.date),
        ("machine", &measured.machine),
        ("provider", &measured.provider),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            set(row, key, text.as_str());
        }
    }
    let interval = measured
        .interval
        .map(|(low, high)| Value::from(Array::from_iter([rounded(low, 6), rounded(high, 6)])));
    let numbers = [
        ("value", measured.value.map(|it| rounded(it, 6).into())),
        ("interval", interval),
        (
            "items",
            measured
                .items
                .map(|it| i64::try_from(it).unwrap_or(i64::MAX).into()),
        ),
        ("latency-ms", measured.latency.map(|it| milliseconds(it).into())),
        (
            "latency-p95-ms",
            measured.latency_p95.map(|it| milliseconds(it).into()),
        ),
        (
            "latency-p99-ms",
            measured.latency_p99.map(|it| milliseconds(it).into()),
        ),
    ];
    for (key, number) in numbers {
        match number {
            Some(number) => set(row, key, number),
            // It belonged to the measurement that this one replaces.
            None => drop(row.remove(key)),
        }
    }
}

fn rounded(number: f64, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    let rounded = (number * unit).round() / unit;
    if rounded.is_finite() { rounded } else { number }
}

/// Milliseconds to a microsecond, and never none.
fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3, 3).max(0.001)
}
