// SPDX-License-Identifier: MPL-2.0

//! `avrec library list`: a row a candidate, and why others are left out.

use gstavrec::library::conditions::{Conditions, Exclusion, Subject, bytes};
use gstavrec::runtime::catalog::{Candidate, Catalog, Privacy};
use serde_json::{Value, json};

use super::args::ListArgs;
use super::{show, source};
use crate::console::{left_aligned, say};
use crate::failure::Failure;

/// Lists what fulfils the conditions.
pub fn run(typed: ListArgs) -> Result<(), Failure> {
    let catalog = source::read(&typed.library)?;
    let conditions = Conditions::from(typed.conditions);
    let of_task = |it: &&Candidate| typed.task.is_none() || catalog.task_of(it) == typed.task.as_deref();
    let mut kept = Vec::new();
    let mut left = Vec::new();
    for candidate in catalog.candidates.iter().filter(of_task) {
        match conditions.exclusion(Subject::from(candidate)) {
            None => kept.push(candidate),
            Some(reason) => left.push((candidate, reason)),
        }
    }
    let names: Vec<&str> = catalog.candidates.iter().map(|it| it.name.as_str()).collect();
    if let Some(unknown) = conditions.unknown_names(&names).first() {
        let text = format!(
            "--forbid {unknown}: no candidate is called so; they are {}",
            names.join(", ")
        );
        return Err(Failure::Usage(text));
    }
    match typed.json {
        true => say(&object(&catalog, &kept, &left).to_string()),
        false => say(&table(&catalog, &kept, &left)),
    }
    Ok(())
}

fn object(catalog: &Catalog, kept: &[&Candidate], left: &[(&Candidate, Exclusion)]) -> Value {
    let left = left
        .iter()
        .map(|(it, reason)| json!({"name": it.name, "reason": reason.to_string()}));
    json!({
        "library": catalog.path.display().to_string(),
        "reference": catalog.reference,
        "floor": catalog.floor,
        "candidates": kept.iter().map(|it| show::object(catalog, it)).collect::<Vec<_>>(),
        "left_out": left.collect::<Vec<_>>(),
    })
}

fn table(catalog: &Catalog, kept: &[&Candidate], left: &[(&Candidate, Exclusion)]) -> String {
    let head = [
        "name", "task", "licence", "frames", "memory", "quality", "latency", "on",
    ]
    .map(String::from);
    let unknown = || "-".to_string();
    let row = |it: &&Candidate| {
        let quality = match (it.quality, it.quality_interval) {
            (Some(quality), Some((low, high))) => format!("{quality:.3} ({low:.3} to {high:.3})"),
            (Some(quality), None) => format!("{quality:.3}"),
            (None, _) => unknown(),
        };
        [
            it.name.clone(),
            catalog.task_of(it).map_or_else(unknown, str::to_owned),
            it.license.clone().unwrap_or_else(unknown),
            it.privacy()
                .map(Privacy::name)
                .map_or_else(unknown, str::to_owned),
            it.memory.map_or_else(unknown, bytes),
            quality,
            it.latency
                .map_or_else(unknown, |it| format!("{:.1} ms", 1e3 * it.as_secs_f64())),
            it.provider().to_owned(),
        ]
    };
    let rows: Vec<_> = std::iter::once(head).chain(kept.iter().map(row)).collect();
    let mut text = match kept {
        [] => "no candidate is left".to_owned(),
        _ => left_aligned(&rows),
    };
    for (it, reason) in left {
        text += &format!("\nleft out: {} {reason}", it.name);
    }
    text
}
