// SPDX-License-Identifier: MPL-2.0

//! What became of one frame, and who answered it.

use std::time::Duration;

use gstavrec::messages::AnswerKind;

/// Who answered a frame, and how; a candidate that stands in as the floor is told apart from itself as the active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    pub candidate: String,
    pub answer: AnswerKind,
}

impl std::fmt::Display for Answerer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.answer {
            AnswerKind::Active => f.write_str(&self.candidate),
            AnswerKind::Held => write!(f, "{} (held)", self.candidate),
            AnswerKind::Floor => write!(f, "{} (floor)", self.candidate),
            AnswerKind::Passthrough => f.write_str("the frame itself"),
            AnswerKind::Dropped => f.write_str("nobody (dropped)"),
        }
    }
}

/// One frame that left the switch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameSample {
    pub at: Duration,
    pub latency: Duration,
    /// Position among the answerers of the record.
    pub answerer: usize,
    pub fate: Fate,
}

/// Whether a frame was in time, and if not, what that says of the active candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    OnTime,
    /// It came before a model was ready to answer it: nobody was too slow.
    BeforeReady,
    /// The active candidate was too slow, and somebody stood in for it on time: a miss that nobody had to wait for.
    Rescued,
    /// It left later than the budget, or not at all: a miss.
    Late,
}
