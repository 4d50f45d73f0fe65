// SPDX-License-Identifier: MPL-2.0

//! `avrec replay`: policies over recorded matrices and made-up worlds, and what each made of them.

mod args;
mod decisions;
mod group;
mod help;
mod json;
mod table;
mod trace;

use std::io::{BufWriter, Write};
use std::path::Path;

use gstavrec::bounded_file;
use gstavrec::policy::{Config, ConfigError};
use gstavrec::replay::{Figures, Matrix, PolicyName, Summary, oracle, write};
use serde_json::Value;

pub use args::ReplayArgs;
use args::{Plan, ReplayPlan};
use trace::Trace;

use crate::console::say;
use crate::failure::{Failure, cannot_write};

/// A policy with its figures, one a trace.
type Played = (PolicyName, Vec<Figures>);

/// Replays what was asked for.
pub fn run(typed: ReplayArgs) -> Result<(), Failure> {
    match typed.plan().map_err(Failure::Usage)? {
        Plan::Traces(plan) => run_traces(&plan),
        Plan::Group(plan) => group::run(&plan),
    }
}

fn run_traces(plan: &ReplayPlan) -> Result<(), Failure> {
    let files = trace::read_all(plan).map_err(Failure::Usage)?;
    let policies = plan.policies.iter();
    let mut played: Vec<Played> = policies.map(|it| (*it, Vec::new())).collect();
    let mut written = Ok(());
    let mut objects = Vec::new();
    let mut traces = 0;
    for trace in files.into_iter().chain(trace::worlds(plan)) {
        if let Some(path) = &plan.typed.write
            && matches!(trace.source, trace::Source::World(..))
        {
            written = write_matrix(path, &trace.matrix);
        }
        let object = add(plan, &trace, &mut played);
        objects.extend(object.map_err(|err| Failure::Usage(format!("{}: {err}", trace.source)))?);
        traces += 1;
    }
    let summaries = played.iter().map(|it| (it.0, Summary::new(&it.1)));
    if plan.typed.json {
        say(&json::object(plan.config.miss_rate, objects, summaries).to_string());
    } else {
        if 1 < traces {
            say(&table::means(traces, summaries));
            say("");
        }
        say(table::LEGEND);
    }
    written
}

/// Plays all policies over one trace, and prints it, or returns it as JSON.
fn add(plan: &ReplayPlan, trace: &Trace, played: &mut [Played]) -> Result<Option<Value>, ConfigError> {
    let summaries = play(&trace.matrix, plan.config, played)?;
    let told = plan
        .typed
        .decisions
        .then(|| decisions::decisions(&trace.matrix, plan.config))
        .transpose()?;
    if plan.typed.json {
        return Ok(Some(json::trace(trace, &summaries, told.as_deref())));
    }
    say(&table::trace(trace, &summaries));
    if let Some(told) = told {
        say(&table::decisions(&told));
    }
    say("");
    Ok(None)
}

/// Adds the figures of one trace, and returns them as means over it alone, so that one way of telling them is enough.
fn play(
    matrix: &Matrix,
    config: Config,
    played: &mut [Played],
) -> Result<Vec<(PolicyName, Summary)>, ConfigError> {
    let (clairvoyant, switch_aware) = (oracle::clairvoyant(matrix), oracle::switch_aware(matrix));
    let summary = |(policy, all): &mut Played| {
        let outcome = policy.play(matrix, config)?;
        let figures = Figures::new(matrix, &outcome, &clairvoyant, &switch_aware);
        let summary = Summary::new(std::slice::from_ref(&figures));
        all.push(figures);
        Ok((*policy, summary))
    };
    played.iter_mut().map(summary).collect()
}

fn write_matrix(path: &Path, matrix: &Matrix) -> Result<(), Failure> {
    let written = bounded_file::create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        write(matrix, &mut file)?;
        file.flush()
    });
    written.map_err(|err| Failure::Output(cannot_write("matrix", path, &err)))
}
