// SPDX-License-Identifier: MPL-2.0

//! What the policy answers, with the numbers that were compared.

use std::fmt;
use std::time::Duration;

use super::CandidateId;
use super::limit::{Limit, Millis};

/// Who answers the next frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Decision {
    /// The candidate to run; `None` when nobody is available and the floor must answer.
    pub answer: Option<CandidateId>,
    /// Set when the active candidate changed with this decision.
    pub switch: Option<Switch>,
    /// Set when the last answer of a candidate leaves again for this frame; `answer` is `None` then.
    pub hold: Option<Hold>,
}

impl Decision {
    /// That a held answer leaves.
    pub(super) fn held(hold: Hold) -> Decision {
        Decision {
            hold: Some(hold),
            ..Decision::default()
        }
    }
}

/// A frame for which a held answer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub id: CandidateId,
    /// Whether the candidate begins with this frame, without being waited for.
    pub starts: bool,
}

/// A change of the active candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Switch {
    pub from: Option<CandidateId>,
    pub to: CandidateId,
    pub reason: Reason,
}

/// Why the active candidate changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// The first candidate became able to answer, or the first one whose latency is known.
    Start,
    /// The active candidate's upper latency bound passed the limit that it was compared with.
    Infeasible { upper: Duration, limit: Limit },
    /// A rival promises better quality, misses and latency counted.
    Better { quality: f64, over: f64 },
    /// A rival of no better quality costs less, for it misses less, is faster or is simpler.
    Cheaper { cost: f64, over: f64 },
    /// The active candidate is still busy with an earlier frame, begun `elapsed` ago.
    Busy { elapsed: Duration },
    /// Other streams leave less processor time than the active candidate takes.
    HeldBack,
    /// The active candidate failed, was removed, or had to leave memory.
    Gone,
    /// The user pinned it.
    Pinned,
}

impl Reason {
    /// One word for logs, messages and tests.
    pub fn nick(&self) -> &'static str {
        match self {
            Reason::Start => "start",
            Reason::Infeasible { .. } => "infeasible",
            Reason::Better { .. } => "better",
            Reason::Cheaper { .. } => "cheaper",
            Reason::Busy { .. } => "busy",
            Reason::HeldBack => "held-back",
            Reason::Gone => "gone",
            Reason::Pinned => "pinned",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Start => write!(f, "the first candidate is ready"),
            Reason::Infeasible { upper, limit } => {
                write!(f, "upper latency {} is over the {limit}", Millis(*upper))
            }
            Reason::Better { quality, over } => {
                write!(
                    f,
                    "quality {quality:.3} over {over:.3}, misses and latency counted"
                )
            }
            Reason::Cheaper { cost, over } => {
                write!(f, "cost {cost:.3} under {over:.3}, misses and latency counted")
            }
            Reason::Busy { elapsed } => {
                write!(f, "still busy with an earlier frame after {}", Millis(*elapsed))
            }
            Reason::HeldBack => write!(
                f,
                "the other streams of its group leave less processor time than the active candidate takes"
            ),
            Reason::Gone => write!(
                f,
                "the active candidate failed, was removed, or had to leave memory"
            ),
            Reason::Pinned => write!(f, "pinned by the user"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_sentence_with_the_numbers_that_were_compared() {
        let cases = [
            (
                Reason::Infeasible {
                    upper: Duration::from_micros(47_100),
                    limit: Limit::Budget(Duration::from_millis(40)),
                },
                "infeasible: upper latency 47.1 ms is over the budget of 40.0 ms",
            ),
            (
                Reason::Infeasible {
                    upper: Duration::from_micros(47_100),
                    limit: Limit::Period {
                        period: Duration::from_millis(40),
                        frames: 1,
                    },
                },
                "infeasible: upper latency 47.1 ms is over the frame period of 40.0 ms",
            ),
            (
                Reason::Better {
                    quality: 0.921,
                    over: 0.88,
                },
                "better: quality 0.921 over 0.880, misses and latency counted",
            ),
            (
                Reason::Cheaper {
                    cost: 0.12,
                    over: 0.3,
                },
                "cheaper: cost 0.120 under 0.300, misses and latency counted",
            ),
            (
                Reason::Busy {
                    elapsed: Duration::from_millis(52),
                },
                "busy: still busy with an earlier frame after 52.0 ms",
            ),
        ];
        for (reason, expected) in cases {
            assert_eq!(format!("{}: {reason}", reason.nick()), expected);
        }
    }
}
