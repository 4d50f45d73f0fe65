// SPDX-License-Identifier: MPL-2.0

//! A model and the candidates that have it: where they are, what keeps them in memory, and what that is worth.

use std::time::Duration;

use super::step::{Step, User};

/// Seconds that a byte is assumed to take to load, as long as no load was measured: 200 MB a second.
const ASSUMED_PACE: f64 = 1.0 / 200e6;

/// What is known of a candidate before it is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Equal for all that share a model.
    pub model: String,
    /// Bytes that it is expected to take.
    pub estimate: u64,
    /// Quality by the catalog, 0..1; the middle where that says nothing.
    pub prior: f64,
    pub is_floor: bool,
}

/// How much a stream wants a candidate that it does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    #[default]
    None,
    /// It is expected to gain by it.
    Gain,
    /// The user pinned it: the active candidate may make room for it.
    Pin,
}

/// What a stream says of one of its candidates.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Report {
    pub lane: usize,
    /// Frames since the last report that it ran on, or would have.
    pub uses: f64,
    pub wish: Wish,
    pub is_active: bool,
    pub is_floor: bool,
}

/// Where a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Out,
    Loading,
    In,
    Leaving,
    /// It failed, and is not loaded before that is asked for anew.
    Failed,
}

impl Place {
    /// Whether it holds its model in memory.
    pub fn holds(self) -> bool {
        matches!(self, Place::Loading | Place::In | Place::Leaving)
    }

    /// Whether it goes on to.
    fn stays(self) -> bool {
        matches!(self, Place::Loading | Place::In)
    }
}

#[derive(Debug)]
pub(super) struct Record {
    pub user: User,
    pub place: Place,
    pub uses: f64,
    pub prior: f64,
    pub wish: Wish,
    pub is_active: bool,
    pub is_floor: bool,
    /// What its stream has yet to do.
    pub step: Option<Step>,
    /// The limit for which it was told that it does not fit.
    pub told: Option<u64>,
}

/// A model, for all that have it.
#[derive(Debug)]
pub(super) struct Model {
    pub key: String,
    pub bytes: u64,
    /// What it was expected to take at first.
    pub estimate: u64,
    /// Known once it was measured.
    pub load_time: Option<Duration>,
    /// Priority of the model that had been evicted last when this one was last used.
    pub inflation: f64,
    pub users: Vec<Record>,
}

impl Model {
    pub fn new(candidate: Candidate, user: Record) -> Model {
        Model {
            key: candidate.model,
            bytes: candidate.estimate,
            estimate: candidate.estimate,
            load_time: None,
            inflation: 0.0,
            users: vec![user],
        }
    }

    pub fn is_there(&self) -> bool {
        self.users.iter().any(|it| it.place.holds())
    }

    pub fn stays(&self) -> bool {
        self.users.iter().any(|it| it.place.stays())
    }

    /// What evicting it costs, in frames times seconds a byte.
    pub fn value(&self) -> f64 {
        let uses: f64 = self.users.iter().map(|it| it.uses).sum();
        let bytes = self.bytes.max(1) as f64;
        let load = self.load_time.map_or(bytes * ASSUMED_PACE, |it| it.as_secs_f64());
        uses * load / bytes
    }

    /// The model of the least leaves first.
    pub fn priority(&self) -> f64 {
        self.inflation + self.value()
    }

    /// What keeps it in memory; `None` where a load or a floor does, which nobody undoes.
    pub fn hold(&self) -> Option<Hold> {
        let staying = || self.users.iter().filter(|it| it.place.stays());
        let is_fixed = staying().any(|it| it.is_floor || it.place == Place::Loading);
        if is_fixed || !self.stays() {
            return None;
        }
        staying().map(Record::hold).max()
    }
}

/// Expects of the models that were never loaded what those have shown that were: as much more or less than was expected.
pub fn learn_sizes(models: &mut [Model]) {
    let measured = models
        .iter()
        .filter(|it| it.load_time.is_some() && 0 < it.estimate);
    let Some(ratio) = measured
        .map(|it| it.bytes as f64 / it.estimate as f64)
        .reduce(f64::max)
    else {
        return;
    };
    for model in models.iter_mut().filter(|it| it.load_time.is_none()) {
        model.bytes = (model.estimate as f64 * ratio) as u64;
    }
}

impl Record {
    pub fn new(user: User, candidate: &Candidate) -> Record {
        Record {
            user,
            place: Place::Out,
            uses: 0.0,
            prior: candidate.prior,
            wish: Wish::None,
            is_active: false,
            is_floor: candidate.is_floor,
            step: None,
            told: None,
        }
    }

    pub fn hold(&self) -> Hold {
        match (self.is_active || self.wish == Wish::Pin, self.wish) {
            (true, _) => Hold::Answers,
            (false, Wish::None) => Hold::Nothing,
            (false, _) => Hold::Wish,
        }
    }
}

/// What keeps a model in memory, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hold {
    Nothing,
    /// It is about to be chosen.
    Wish,
    /// It answers.
    Answers,
}

/// What is in memory of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub place: Place,
    /// Bytes that its model takes, measured or estimated.
    pub bytes: u64,
    /// How long its load took, if it was measured.
    pub load_time: Option<Duration>,
}
