// SPDX-License-Identifier: MPL-2.0

//! Who races, and for what.

use crate::policy::Weights;

/// What is known of a model before the race; guesses will do for what is measured in it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Entrant {
    /// What one item costs, in seconds.
    pub cost: f64,
    /// Latency of a run, in seconds.
    pub latency: f64,
    /// In bytes.
    pub memory: f64,
    /// C of the loss.
    pub complexity: f64,
}

/// What the race is to find.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Goal {
    /// All that may be in the set: the order of qualities, but for those that others dominate.
    #[default]
    Set,
    /// The model of the smallest loss.
    Winner,
}

/// How a race is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    pub goal: Goal,
    /// What latency and complexity weigh; misses do not count here.
    pub weights: Weights,
    /// Time one frame may take, in seconds: S is the latency over it.
    pub budget: f64,
    /// Difference of losses that is none.
    pub indifference: f64,
    /// Items of the first round; at least one of each stratum. Each further round doubles them.
    pub first: usize,
    /// What may be spent, in runs of the mean model over all items; `None` for all that is needed.
    pub limit: Option<f64>,
    pub seed: u64,
}

impl Rules {
    /// For so many models: at most 4 runs of the mean model, and at most 0.35 of what all would cost, but 2.
    pub fn new(models: usize) -> Rules {
        Rules {
            goal: Goal::Set,
            weights: Weights {
                latency: 0.002,
                ..Weights::default()
            },
            budget: 0.04,
            indifference: 0.005,
            first: 32,
            limit: Some((0.35 * models as f64).clamp(2.0, 4.0)),
            seed: 1,
        }
    }
}
