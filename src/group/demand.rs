// SPDX-License-Identifier: MPL-2.0

//! What streams would use of the machine.

/// A run that a stream could make of each frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rung {
    /// Number of the candidate, for who asks.
    pub candidate: usize,
    /// Processor time of a run, in seconds: the expected, and that which all but the miss rate of its runs keep.
    pub work: f64,
    pub upper: f64,
    /// What its answers are worth, in log-quality.
    pub value: f64,
}

/// What one stream would use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Demand {
    /// When a frame came, in seconds, and the time from one to the next.
    pub phase: f64,
    pub period: f64,
    /// Time that a run may take, in seconds.
    pub budget: f64,
    /// What a gain of this stream counts against another's.
    pub weight: f64,
    /// Its candidates, in any order; those of unknown latency are left out.
    pub rungs: Vec<Rung>,
    /// The largest candidate that it may use now, if that was said; of two that would gain alike, who has goes before who has
    /// not.
    pub present: Option<usize>,
    /// It has no place now.
    pub is_out: bool,
}

impl Demand {
    /// The largest run that the stream may make now, if it has a place and that was said.
    pub(super) fn present_rung(&self) -> Option<Rung> {
        let rung = self.rungs.iter().find(|it| Some(it.candidate) == self.present);
        rung.copied().filter(|_| !self.is_out)
    }
}
