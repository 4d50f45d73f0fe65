// SPDX-License-Identifier: MPL-2.0

//! `avrec replay`: policies over recorded matrices and made-up worlds, and what each made of them.

mod args;
mod decisions;
mod json;
mod played;
mod table;
mod trace;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use gstavrec::policy::{Config, ConfigError};
use gstavrec::replay::{Figures, Matrix, PolicyName, oracle, write};

pub use args::ReplayArgs;
use args::{Decisions, Format, ReplayPlan};
use played::{Played, Replay};
use trace::Trace;

use crate::console::say;
use crate::failure::{Failure, cannot_write};

/// Replays what was asked for.
pub fn run(typed: ReplayArgs) -> Result<(), Failure> {
    let plan = typed.plan().map_err(Failure::Usage)?;
    let files = trace::read_all(&plan).map_err(Failure::Usage)?;
    let mut replay = Replay {
        policies: plan.policies.iter().map(|it| (*it, Vec::new())).collect(),
        traces: Vec::new(),
    };
    let mut written = Ok(());
    let mut traces = 0;
    for trace in files.into_iter().chain(trace::worlds(&plan)) {
        if let Some(path) = &plan.write
            && matches!(trace.source, trace::Source::World(..))
        {
            written = write_matrix(path, &trace.matrix);
        }
        add(&plan, &trace, &mut replay).map_err(|err| Failure::Usage(format!("{}: {err}", trace.source)))?;
        traces += 1;
    }
    match plan.format {
        Format::Json => say(&json::object(&plan, &replay).to_string()),
        Format::Table => {
            if 1 < traces {
                say(&table::means(traces, replay.summaries()));
                say("");
            }
            say(table::LEGEND);
        }
    }
    written
}

/// Plays all policies over one trace, and tells it or keeps it.
fn add(plan: &ReplayPlan, trace: &Trace, replay: &mut Replay) -> Result<(), ConfigError> {
    let played = play(&plan.policies, &trace.matrix, plan.config)?;
    for ((_, figures), it) in replay.policies.iter_mut().zip(&played) {
        figures.push(it.figures.clone());
    }
    let told = match plan.decisions {
        Decisions::Told => Some(decisions::decisions(&trace.matrix, plan.config)?),
        Decisions::Hidden => None,
    };
    match plan.format {
        Format::Json => replay.traces.push(json::trace(trace, &played, told.as_deref())),
        Format::Table => {
            say(&table::trace(trace, &played));
            if let Some(told) = told {
                say(&table::decisions(&told));
            }
            say("");
        }
    }
    Ok(())
}

fn play(policies: &[PolicyName], matrix: &Matrix, config: Config) -> Result<Vec<Played>, ConfigError> {
    let (clairvoyant, switch_aware) = (oracle::clairvoyant(matrix), oracle::switch_aware(matrix));
    let figures = |policy: PolicyName| {
        let outcome = policy.play(matrix, config)?;
        Ok(Figures::new(matrix, &outcome, &clairvoyant, &switch_aware))
    };
    let played = policies.iter().map(|policy| {
        Ok(Played {
            policy: *policy,
            figures: figures(*policy)?,
        })
    });
    played.collect()
}

fn write_matrix(path: &Path, matrix: &Matrix) -> Result<(), Failure> {
    let written = File::create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        write(matrix, &mut file)?;
        file.flush()
    });
    written.map_err(|err| Failure::Output(cannot_write("matrix", path, &err)))
}
