// SPDX-License-Identifier: MPL-2.0

//! The recommended set as a catalog: what `avrec-switch` starts from.

use std::path::Path;
use std::time::Duration;

use gstavrec::runtime::catalog::{self, Catalog, Entry, Head, Measured};

use super::contenders::Contender;
use super::findings::{Figure, Findings, ModelFindings, QuestionTold};

/// Writes the members of the set, from cheap to good, with what was measured of them.
///
/// # Errors
///
/// A sentence on why the file cannot be written.
pub fn write(
    path: &Path,
    findings: &Findings,
    contenders: &[Contender],
    library: &Catalog,
) -> Result<(), String> {
    let role = |role: &str| {
        let holder = findings
            .set
            .iter()
            .find(|it| it.roles.iter().any(|it| it == role));
        holder.map(|it| it.name.clone())
    };
    let head = Head {
        task: library.task.clone(),
        reference: role("reference"),
        floor: role("floor"),
        output_caps: library.output_caps.clone(),
    };
    let entries = findings.set.iter().filter_map(|member| {
        let contender = contenders.iter().find(|it| it.candidate.name == member.name)?;
        let model = findings.models.iter().find(|it| it.name == member.name)?;
        Some(entry(contender, model, findings))
    });
    let entries: Vec<_> = entries.collect();
    catalog::write(path, &head, &entries).map_err(|err| err.to_string())
}

fn entry(contender: &Contender, model: &ModelFindings, findings: &Findings) -> Entry {
    let candidate = &contender.candidate;
    let milliseconds = |it: f64| {
        Duration::try_from_secs_f64(it / 1e3)
            .ok()
            .filter(|it| !it.is_zero())
    };
    let latency = milliseconds(model.latency.p50.value);
    let measured = findings
        .measures
        .iter()
        .zip(&model.figures)
        .filter_map(|(measure, figure)| {
            let figure: Figure = (*figure)?;
            Some(Measured {
                measure: Some(measure.name.clone()),
                value: Some(figure.value),
                interval: figure.interval,
                items: Some(figure.items as u64),
                material: Some(material(findings)),
                truth: Some(truth(&findings.question)),
                date: Some(findings.date.clone()),
                latency,
                latency_p95: model.latency.p95.and_then(|it| milliseconds(it.value)),
                latency_p99: model.latency.p99.and_then(|it| milliseconds(it.value)),
                machine: Some(findings.machine.processor.clone()),
                provider: Some(candidate.provider().to_string()),
            })
        });
    Entry {
        name: candidate.name.clone(),
        source: Some(candidate.source.clone()),
        task: candidate.task.clone(),
        quality: Some(model.quality.value),
        quality_interval: model.quality.interval,
        cost: (0.0 < candidate.cost).then_some(candidate.cost),
        latency,
        runs_on: candidate.runs_on.clone(),
        license: candidate.license.clone(),
        sha256: contender.sha256.clone(),
        origin: candidate.origin.clone(),
        trained_on: candidate.trained_on.clone(),
        privacy: candidate.stated_privacy,
        sees: candidate.sees.clone(),
        memory: Some(model.memory),
        parent: candidate.parent.clone(),
        properties: candidate.properties.clone().into_iter().collect(),
        measured: measured.collect(),
    }
}

/// `labels`, `restoration`, or `agreement with` the reference.
fn truth(question: &QuestionTold) -> String {
    match &question.reference {
        Some(name) => format!("{} with {name}", question.kind),
        None => question.kind.clone(),
    }
}

fn material(findings: &Findings) -> String {
    let names: Vec<_> = findings
        .material
        .iter()
        .filter_map(|it| Path::new(&it.path).file_name())
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    match &names[..] {
        few @ ([] | [_] | [_, _] | [_, _, _]) => few.join(", "),
        [first, .., last] => format!("{first} to {last} ({} files)", names.len()),
    }
}
