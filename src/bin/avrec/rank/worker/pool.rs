// SPDX-License-Identifier: MPL-2.0

//! Workers that wait with their models loaded, as many as there is memory for.

use std::collections::BTreeMap;

use gstavrec::machine::memory;

use super::wire::{Item, Outcome, Source};
use super::{Limits, Worker};

/// Bytes that a model is taken to need while nobody has measured or stated them.
const UNKNOWN: u64 = 1 << 30;

/// Bytes that are left to everything else.
const SPARE: u64 = 512 << 20;

/// A model that is run.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// Its number, the same each time.
    pub model: usize,
    pub source: &'a Source,
    /// Bytes that it takes by its library.
    pub memory: Option<u64>,
    /// Whether the items are sound.
    pub listens: bool,
}

/// Running workers, each with its model; the one that ran last is the last.
pub struct Pool {
    workers: Vec<(usize, Worker)>,
    limits: Limits,
    /// Bytes that each model took at most.
    measured: BTreeMap<usize, u64>,
}

impl Pool {
    /// Without any worker yet.
    pub fn new(limits: Limits) -> Pool {
        Pool {
            workers: Vec::new(),
            limits,
            measured: BTreeMap::new(),
        }
    }

    /// Runs a model on an item; starts a worker where none waits, which runs on the item once before it counts, since memory and
    /// caches are cold at first.
    ///
    /// # Errors
    ///
    /// A sentence on why nothing comes of it; its worker is gone then.
    pub fn run(&mut self, job: Job, item: &Item, bytes: &[u8]) -> Result<(Outcome, Vec<u8>), String> {
        let (mut worker, earlier) = match self.workers.iter().position(|it| it.0 == job.model) {
            Some(at) => (self.workers.remove(at).1, Vec::new()),
            None => self.start(job, item, bytes)?,
        };
        let (mut outcome, answer) = worker.run(item, bytes)?;
        outcome.notes.splice(0..0, earlier);
        let most = self.measured.entry(job.model).or_default();
        *most = outcome.memory.max(*most);
        self.workers.push((job.model, worker));
        Ok((outcome, answer))
    }

    /// A worker that has run once, and what was told meanwhile.
    fn start(&mut self, job: Job, item: &Item, bytes: &[u8]) -> Result<(Worker, Vec<String>), String> {
        let needed = self.measured.get(&job.model).copied().or(job.memory);
        self.make_room(needed.unwrap_or(UNKNOWN), memory::available);
        let mut worker = Worker::start(job.source, self.limits)?;
        if worker.listens() != job.listens {
            let takes = if worker.listens() { "sound" } else { "pictures" };
            return Err(format!("it takes {takes}, and the material has none"));
        }
        let notes = worker.run(item, bytes)?.0.notes;
        Ok((worker, notes))
    }

    /// Lets workers go until so many bytes are left, those first that ran the longest time ago. Where nobody says what is left,
    /// none waits.
    fn make_room(&mut self, needed: u64, available: impl Fn() -> Option<u64>) {
        while !self.workers.is_empty() && available().is_none_or(|it| it < needed.saturating_add(SPARE)) {
            self.workers.remove(0);
        }
    }

    /// Lets the worker of a model go.
    pub fn dismiss(&mut self, model: usize) {
        self.workers.retain(|it| it.0 != model);
    }
}
