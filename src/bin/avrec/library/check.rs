// SPDX-License-Identifier: MPL-2.0

//! `avrec library check`: whether what a library says can be.

use std::path::Path;

use gstavrec::bounded_file;
use gstavrec::library::conditions::bytes;
use gstavrec::library::license::License;
use gstavrec::runtime::catalog::{Candidate, Catalog};
use gstavrec::runtime::source::is_address;

use super::args::CheckArgs;
use super::examine::examine;
use super::look::sum;
use super::source;
use crate::console::{say, warn};
use crate::failure::Failure;

/// What is found: mistakes, and what is no more than worth a look.
#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    notes: Vec<String>,
}

/// Checks all candidates.
pub fn run(typed: &CheckArgs) -> Result<(), Failure> {
    // What cannot be read at all is what a check is there to find.
    let catalog = source::read(&typed.library).map_err(|failure| match typed.library.exists() {
        true => Failure::Pipeline(failure.to_string()),
        false => failure,
    })?;
    let mut bad = Vec::new();
    for candidate in &catalog.candidates {
        let found = look(&catalog, candidate);
        let word = match found.wrong.is_empty() {
            true => "ok",
            false => "wrong",
        };
        let details = found.wrong.iter().chain(&found.notes);
        let details: String = details.map(|it| format!("\n  {it}")).collect();
        say(&format!("{}: {word}{details}", candidate.name));
        if !found.wrong.is_empty() {
            bad.push(candidate.name.as_str());
        }
    }
    for (one, other) in twins(&catalog.candidates) {
        warn(&format!(
            "{one} and {other} are the same file with the same settings; remove one of them"
        ));
    }
    match bad.as_slice() {
        [] => Ok(()),
        bad => Err(Failure::Pipeline(format!(
            "{}: something is wrong with {}",
            typed.library.display(),
            bad.join(", ")
        ))),
    }
}

fn look(catalog: &Catalog, it: &Candidate) -> Found {
    let mut found = Found::default();
    match it.license.as_deref().map(License::parse) {
        Some(Err(error)) => found.wrong.push(format!("licence: {error}")),
        Some(Ok(_)) => {}
        None => found
            .notes
            .push("licence: not said; add 'license = \"…\"'".into()),
    }
    let Some(model) = it.model() else { return found };
    if !is_address(model) && !is_the_file(model, it, &mut found) {
        return found;
    }
    if it.parent.is_some() && it.parent == it.sha256 {
        found
            .wrong
            .push("parent: it is the file itself; write the sha256 of the one that it was tuned from".into());
    }
    plausible(it, &mut found);
    let settings: Vec<_> = it
        .properties
        .iter()
        .map(|(name, it)| (name.clone(), it.clone()))
        .collect();
    match examine(model, &settings) {
        Err(cause) => found.wrong.push(format!("it does not load: {cause}")),
        Ok(examined) => {
            if !examined.fault.is_empty() {
                let text = "it does not run on what GStreamer makes";
                found.notes.push(format!("{text}: {}", examined.fault));
            }
            let said = catalog.task_of(it).filter(|said| *said != examined.task);
            found.notes.extend(said.map(|said| {
                format!(
                    "task: {said} is said, and it is taken for {}; see `avrec check`",
                    examined.task
                )
            }));
        }
    }
    found
}

/// Whether a file is there; notes where it is not the one that is said.
fn is_the_file(model: &Path, it: &Candidate, found: &mut Found) -> bool {
    match (sum(model), &it.sha256) {
        (Err(error), _) => {
            found.wrong.push(format!("{}: {error}", model.display()));
            return false;
        }
        (Ok(now), Some(said)) if now != *said => found.wrong.push(format!(
            "sha256: {} has {now}, and {said} is said; put the right file there, or add this one anew",
            model.display()
        )),
        (Ok(_), Some(_)) => {}
        (Ok(now), None) => found
            .notes
            .push(format!("sha256: not said; add 'sha256 = \"{now}\"'")),
    }
    true
}

/// Numbers that contradict each other.
fn plausible(it: &Candidate, found: &mut Found) {
    let file = it.model().and_then(|it| bounded_file::size(it).ok()).unwrap_or(0);
    if let Some(memory) = it.memory.filter(|it| *it < file / 2) {
        found.notes.push(format!(
            "memory: {} is less than half of the file; is it in bytes?",
            bytes(memory)
        ));
    }
    for measured in &it.measured {
        let latencies = [measured.latency, measured.latency_p95, measured.latency_p99];
        let told: Vec<_> = latencies.into_iter().flatten().collect();
        if !told.is_sorted() {
            found
                .wrong
                .push("measured: a later percentile of the latency is below an earlier one".into());
        }
        if let (Some(value), Some((low, high))) = (measured.value, measured.interval)
            && !(low..=high).contains(&value)
        {
            found
                .wrong
                .push(format!("measured: {value} lies outside of its interval"));
        }
        if measured.items == Some(0) && measured.value.is_some() {
            found
                .wrong
                .push("measured: a value that rests on no items".into());
        }
    }
}

/// Pairs of candidates that are the same.
fn twins(candidates: &[Candidate]) -> Vec<(&str, &str)> {
    let is_twin = |one: &Candidate, other: &Candidate| {
        one.sha256.is_some() && one.sha256 == other.sha256 && one.properties == other.properties
    };
    let mut twins = Vec::new();
    for (place, one) in candidates.iter().enumerate() {
        let earlier = candidates.iter().take(place);
        let earlier = earlier.filter(|it| is_twin(it, one));
        twins.extend(earlier.map(|it| (it.name.as_str(), one.name.as_str())));
    }
    twins
}
