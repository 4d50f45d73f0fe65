// SPDX-License-Identifier: MPL-2.0

//! `avrec library show`: all that is known of one candidate.

use gstavrec::library::conditions::bytes;
use gstavrec::runtime::catalog::{Candidate, Catalog, Measured, Privacy, Source};
use gstavrec::runtime::describe;
use gstavrec::runtime::source::is_address;
use serde_json::{Value, json};

use super::args::ShowArgs;
use super::source;
use crate::check::tables;
use crate::console::{left_aligned, say};
use crate::failure::Failure;

/// Shows what was named.
pub fn run(typed: &ShowArgs) -> Result<(), Failure> {
    let catalog = source::read(&typed.library)?;
    let Some(candidate) = catalog.candidate(&typed.name) else {
        let names: Vec<&str> = catalog.candidates.iter().map(|it| it.name.as_str()).collect();
        let text = format!(
            "{}: it has no candidate '{}' (it has {})",
            typed.library.display(),
            typed.name,
            names.join(", ")
        );
        return Err(Failure::Usage(text));
    };
    match typed.json {
        true => say(&object(&catalog, candidate).to_string()),
        false => say(&card(&catalog, candidate)),
    }
    Ok(())
}

/// A candidate as JSON, in the words of the catalogue; what is not known is absent.
pub fn object(catalog: &Catalog, it: &Candidate) -> Value {
    let ms = |it: Option<std::time::Duration>| it.map(|it| 1e3 * it.as_secs_f64());
    let (element, model) = match &it.source {
        Source::Element(fragment) => (Some(fragment.clone()), None),
        Source::Model(path) => (None, Some(path.display().to_string())),
    };
    let measured = it.measured.iter().map(|it| {
        without_nulls(json!({
            "measure": it.measure, "value": it.value, "interval": it.interval, "items": it.items, "material": it.material,
            "truth": it.truth, "date": it.date, "latency_ms": ms(it.latency), "latency_p95_ms": ms(it.latency_p95),
            "latency_p99_ms": ms(it.latency_p99), "machine": it.machine, "provider": it.provider,
        }))
    });
    let measured: Vec<Value> = measured.collect();
    let list = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    without_nulls(json!({
        "name": it.name, "element": element, "model": model, "task": catalog.task_of(it), "license": it.license,
        "sha256": it.sha256, "origin": it.origin, "trained_on": it.trained_on, "privacy": it.privacy().map(Privacy::name),
        "sees": list(&it.sees), "memory": it.memory, "parent": it.parent, "quality": it.quality,
        "quality_interval": it.quality_interval, "latency_ms": ms(it.latency), "cost": it.cost, "provider": it.provider(),
        "properties": (!it.properties.is_empty()).then_some(&it.properties),
        "measured": (!measured.is_empty()).then_some(measured),
    }))
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, it| !it.is_null());
    }
    value
}

fn card(catalog: &Catalog, it: &Candidate) -> String {
    let ms = |it: std::time::Duration| format!("{:.1} ms", 1e3 * it.as_secs_f64());
    let role = |name: &Option<String>| name.as_ref() == Some(&it.name);
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut row = |key: &str, value: Option<String>| {
        rows.push([key.to_owned(), value.unwrap_or_else(|| "not said".to_owned())]);
    };
    row("task", catalog.task_of(it).map(str::to_owned));
    match &it.source {
        Source::Element(fragment) => row("element", Some(fragment.clone())),
        Source::Model(path) => {
            row("model", Some(path.display().to_string()));
            row("sha256", it.sha256.clone());
            let producer = describe(path).ok().map(|it| it.producer);
            row("written by", producer.filter(|it| !it.is_empty()));
        }
    }
    row("licence", it.license.clone());
    row("origin", it.origin.clone());
    row("trained on", it.trained_on.clone());
    row("frames are seen by", it.privacy().map(|it| it.name().to_owned()));
    row("memory", it.memory.map(bytes));
    row("runs on", Some(it.provider().to_owned()));
    row(
        "quality",
        it.quality.map(|quality| match it.quality_interval {
            Some((low, high)) => format!("{quality:.3} ({low:.3} to {high:.3})"),
            None => format!("{quality:.3}"),
        }),
    );
    row("latency", it.latency.map(ms));
    let optional = [
        ("sees", (!it.sees.is_empty()).then(|| it.sees.join(", "))),
        ("tuned from", it.parent.clone()),
        ("role", role(&catalog.reference).then(|| "reference".to_owned())),
        ("role", role(&catalog.floor).then(|| "floor".to_owned())),
        ("cost", (it.cost != 0.0).then(|| it.cost.to_string())),
    ];
    for (key, value) in optional {
        if value.is_some() {
            row(key, value);
        }
    }
    for (name, value) in it.properties.iter().filter(|property| property.0 != "task") {
        row(name, Some(value.clone()));
    }
    let mut text = format!("{}\n{}", it.name, left_aligned(&rows));
    if let Some(path) = it.model().filter(|it| !is_address(it)) {
        text += &format!("\n\n{}", tables::ports(path));
    }
    for measured in &it.measured {
        text += &format!("\n\nmeasured: {}", sentence(measured));
    }
    text
}

/// A measurement in words.
fn sentence(it: &Measured) -> String {
    let mut parts = Vec::new();
    let measure = it.measure.as_deref().unwrap_or("quality");
    if let Some(value) = it.value {
        let interval = it
            .interval
            .map_or(String::new(), |(low, high)| format!(" ({low} to {high})"));
        parts.push(format!("{measure} {value}{interval}"));
    }
    let latencies = [
        ("p50", it.latency),
        ("p95", it.latency_p95),
        ("p99", it.latency_p99),
    ];
    for (name, latency) in latencies {
        parts.extend(latency.map(|it| format!("{name} {:.1} ms", 1e3 * it.as_secs_f64())));
    }
    parts.extend(it.items.map(|it| format!("{it} items")));
    parts.extend(it.material.as_ref().map(|it| format!("on {it}")));
    parts.extend(it.truth.as_ref().map(|it| format!("by {it}")));
    parts.extend(it.machine.as_ref().map(|it| format!("on a {it}")));
    parts.extend(it.provider.clone());
    parts.extend(it.date.clone());
    parts.join(", ")
}
