// SPDX-License-Identifier: MPL-2.0

//! What policies made of traces.

use gstavrec::replay::{Figures, PolicyName, Summary};
use serde_json::Value;

/// What one policy made of one trace.
#[derive(Debug, Clone)]
pub struct Played {
    pub policy: PolicyName,
    pub figures: Figures,
}

impl Played {
    /// The figures as means over one trace, so that one way of telling them is enough.
    pub fn summary(&self) -> Summary {
        Summary::new(std::slice::from_ref(&self.figures))
    }
}

/// What was played so far.
#[derive(Debug)]
pub struct Replay {
    /// Each policy with its figures, one a trace.
    pub policies: Vec<(PolicyName, Vec<Figures>)>,
    /// Each trace as JSON, if that is asked for.
    pub traces: Vec<Value>,
}

impl Replay {
    pub fn summaries(&self) -> impl Iterator<Item = (PolicyName, Summary)> {
        self.policies
            .iter()
            .map(|(policy, figures)| (*policy, Summary::new(figures)))
    }
}
