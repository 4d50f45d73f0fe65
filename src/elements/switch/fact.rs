// SPDX-License-Identifier: MPL-2.0

//! What happens on other threads than the streaming one, and that the policy has yet to be told.

use std::time::Duration;

use crate::policy::{Evidence, RunKind};

/// Something that the policy learns with the next frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fact {
    Ran {
        lane: usize,
        latency: Duration,
        kind: RunKind,
    },
    Scored {
        lane: usize,
        score: f64,
        evidence: Evidence,
    },
    Failed {
        lane: usize,
    },
    Warm {
        lane: usize,
    },
    /// One that failed may be loaded again.
    MayReturn {
        lane: usize,
    },
    /// The lane's answers to a frame and to the same frame slightly perturbed agreed to this degree.
    Perturbed {
        lane: usize,
        agreement: f64,
    },
    /// An operator said what the lane's answers are worth.
    Rated {
        lane: usize,
        score: f64,
    },
    LateDownstream {
        jitter: Duration,
    },
    /// The reference's answers proved to be of another task.
    Mismatch {
        reference: usize,
        /// Of the trial that showed it.
        epoch: u32,
    },
    /// It is known of one more candidate which it is.
    Identified,
    /// More is known of what candidates answer.
    KindsKnown,
    /// The user names another reference or another kind of evidence: what was said of the old one does not hold any more.
    /// A new epoch begins.
    MismatchForgotten,
}
