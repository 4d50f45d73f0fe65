// SPDX-License-Identifier: MPL-2.0

//! Our policy's switches over a matrix, each with its reason and what was known at that moment.

use gstavrec::policy::{CandidateId, Config, ConfigError};
use gstavrec::replay::avrec::Avrec;
use gstavrec::replay::{Matrix, Run, Selector, ShadowRun, simulate};
use serde::Serialize;

/// One switch; its fields are keys of `--json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    pub frame: usize,
    pub t_ms: f64,
    /// `None` at the start.
    pub from: Option<String>,
    pub to: String,
    /// One word, and the sentence with the numbers that were compared.
    pub reason: &'static str,
    pub reason_text: String,
    pub explanation: String,
}

/// Plays our policy over a matrix and tells its switches.
pub fn decisions(matrix: &Matrix, config: Config) -> Result<Vec<Decision>, ConfigError> {
    let mut listener = Listener {
        avrec: Avrec::new(matrix, config)?,
        matrix,
        switches: Vec::new(),
    };
    simulate(matrix, &mut listener);
    Ok(listener.switches)
}

/// Our policy, listened to.
struct Listener<'a> {
    avrec: Avrec,
    matrix: &'a Matrix,
    switches: Vec<Decision>,
}

impl Selector for Listener<'_> {
    fn pick(&mut self, frame: usize, now_ms: f64) -> Option<usize> {
        let pick = self.avrec.pick(frame, now_ms);
        if let Some(switch) = self.avrec.last_switch() {
            let name = |it: CandidateId| self.matrix.columns[it.0].name.clone();
            self.switches.push(Decision {
                frame,
                t_ms: now_ms,
                from: switch.from.map(name),
                to: name(switch.to),
                reason: switch.reason.nick(),
                reason_text: switch.reason.to_string(),
                explanation: self.avrec.explain().sentence(&name),
            });
        }
        pick
    }

    fn ran(&mut self, run: &Run) {
        self.avrec.ran(run);
    }

    fn shadow(&mut self, now_ms: f64, slack_ms: f64) -> Option<usize> {
        self.avrec.shadow(now_ms, slack_ms)
    }

    fn shadowed(&mut self, run: &ShadowRun) {
        self.avrec.shadowed(run);
    }
}
