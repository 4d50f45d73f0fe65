// SPDX-License-Identifier: MPL-2.0

//! The ways to choose for a group by name.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use super::avrec::{Avrec, Manner};
use super::fixed::Fixed;
use super::simulate::{Chooser, Course, Run, simulate};
use super::world::World;
use crate::policy::{Config, ConfigError};
use crate::replay::words::{choice, word};

/// A way to choose that can be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupPolicy {
    Group,
    Independent,
    Evidence,
    EqualShares,
    FirstCome,
    Optimum,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// One a stream.
    pub courses: Vec<Course>,
    /// Time that the decisions took, with all that was told for them; none where nothing is decided while it plays.
    pub thinking: Duration,
}

impl GroupPolicy {
    pub const ALL: [(GroupPolicy, &'static str); 6] = [
        (GroupPolicy::Group, "group"),
        (GroupPolicy::Independent, "independent"),
        (GroupPolicy::Evidence, "evidence"),
        (GroupPolicy::EqualShares, "equal-shares"),
        (GroupPolicy::FirstCome, "first-come"),
        (GroupPolicy::Optimum, "optimum"),
    ];

    /// Plays it over a world; `config` is for ours only.
    pub fn play(self, world: &World, config: Config) -> Result<Outcome, ConfigError> {
        let fixed = |mut fixed: Fixed| Outcome {
            courses: simulate(world, &mut fixed),
            thinking: Duration::ZERO,
        };
        let ours = |manner: Manner| {
            let mut timed = Timed {
                avrec: Avrec::new(world, manner, config)?,
                thinking: Duration::ZERO,
            };
            Ok(Outcome {
                courses: simulate(world, &mut timed),
                thinking: timed.thinking,
            })
        };
        match self {
            GroupPolicy::Group => ours(Manner::Group),
            GroupPolicy::Independent => ours(Manner::Alone),
            GroupPolicy::Evidence => ours(Manner::Evidence),
            GroupPolicy::EqualShares => Ok(fixed(Fixed::equal_shares(world))),
            GroupPolicy::FirstCome => Ok(fixed(Fixed::first_come(world))),
            GroupPolicy::Optimum => Ok(fixed(Fixed::optimum(world))),
        }
    }
}

/// Our policies by the clock.
struct Timed {
    avrec: Avrec,
    thinking: Duration,
}

impl Timed {
    fn time<T>(&mut self, call: impl FnOnce(&mut Avrec) -> T) -> T {
        let clock = Instant::now();
        let result = call(&mut self.avrec);
        self.thinking += clock.elapsed();
        result
    }
}

impl Chooser for Timed {
    fn frame(&mut self, stream: usize, now_ms: f64, free: &[bool], loads: f64) -> Option<usize> {
        self.time(|it| it.frame(stream, now_ms, free, loads))
    }

    fn started(&mut self, run: &Run) {
        self.time(|it| it.started(run));
    }

    fn ended(&mut self, run: &Run) {
        self.time(|it| it.ended(run));
    }

    fn missed(&mut self, run: &Run) {
        self.time(|it| it.missed(run));
    }

    fn shadow(&mut self, stream: usize, now_ms: f64, slack_ms: f64, free: &[bool]) -> Option<usize> {
        self.time(|it| it.shadow(stream, now_ms, slack_ms, free))
    }
}

impl fmt::Display for GroupPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(word(&GroupPolicy::ALL, self))
    }
}

impl FromStr for GroupPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<GroupPolicy, String> {
        choice(&GroupPolicy::ALL, "policy for a group", text)
    }
}
