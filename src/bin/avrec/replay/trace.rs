// SPDX-License-Identifier: MPL-2.0

//! What is replayed: matrices from files and made-up worlds.

use std::fmt;
use std::path::{Path, PathBuf};

use gstavrec::bounded_file;
use gstavrec::replay::avrec::Avrec;
use gstavrec::replay::generate::{Kind, generate};
use gstavrec::replay::{Matrix, Timing, read_timed};

use super::args::ReplayPlan;

/// Bytes that a matrix may have: days of frames.
const MOST_BYTES: u64 = 1 << 30;

/// A matrix and where it comes from.
#[derive(Debug)]
pub struct Trace {
    pub source: Source,
    pub matrix: Matrix,
}

/// Where a matrix comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    World(Kind, u64),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => write!(f, "{}", path.display()),
            Source::World(kind, seed) => write!(f, "{kind}, seed {seed}"),
        }
    }
}

/// Reads all files, so that a wrong one is told before any is replayed.
pub fn read_all(plan: &ReplayPlan) -> Result<Vec<Trace>, String> {
    plan.typed
        .files
        .iter()
        .map(|path| {
            let matrix = read_file(path, plan.timing)?;
            // Its times have to be such as a policy can be told.
            Avrec::new(&matrix, plan.config).map_err(|err| format!("{}: {err}", path.display()))?;
            Ok(Trace {
                source: Source::File(path.clone()),
                matrix,
            })
        })
        .collect()
}

fn read_file(path: &Path, timing: Timing) -> Result<Matrix, String> {
    let name = path.display();
    let text =
        bounded_file::read(path, MOST_BYTES).map_err(|err| format!("{name}: cannot be opened: {err}"))?;
    read_timed(text.as_slice(), timing).map_err(|err| format!("{name}: {err}"))
}

/// The made-up worlds, each made when it is asked for.
pub fn worlds(plan: &ReplayPlan) -> impl Iterator<Item = Trace> {
    let seeds = || plan.typed.seeds.iter().flat_map(|it| it.clone());
    let all = plan
        .kinds
        .iter()
        .flat_map(move |it| seeds().map(|seed| (*it, seed)));
    all.map(|(kind, seed)| {
        let mut matrix = generate(kind, seed);
        matrix.budget_ms = plan.timing.budget_ms.unwrap_or(matrix.budget_ms);
        matrix.period_ms = plan.timing.period_ms.unwrap_or(matrix.period_ms);
        Trace {
            source: Source::World(kind, seed),
            matrix,
        }
    })
}
