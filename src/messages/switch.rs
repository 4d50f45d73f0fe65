// SPDX-License-Identifier: MPL-2.0

//! The messages of `avrec-switch`.

use std::time::Duration;

use gst::structure::Builder;
use gst::{ClockTime, StructureRef};

use super::explanation::{ReasonWord, Why};
use super::field::{Field, FieldError, group, structure, words, words_of};
use crate::policy::{Evidence, Limit, Reason};
use crate::score::Measure;

structure! {
    /// Another candidate answers from this frame on.
    Swap = "avrec/switch" {
        /// Empty at the start.
        from: String = "from",
        to: String = "to",
        reason: ReasonWord = "reason",
        /// The reason as a sentence.
        reason_text: String = "reason-text",
        frame: u64 = "frame",
        pts: Option<ClockTime> = "pts",
        running_time: Option<ClockTime> = "running-time",
        why: Why = "",
        compared: Compared = "",
    }
}

group! {
    /// The numbers that were compared; which there are follows from the reason.
    #[derive(Default)]
    Compared {
        upper: Option<Duration> = "latency-upper-ns",
        /// What the latency passed: the budget, or the time between frames where that is shorter.
        budget: Option<Duration> = "latency-budget-ns",
        period: Option<Duration> = "latency-period-ns",
        quality: Option<f64> = "quality",
        cost: Option<f64> = "cost",
        over: Option<f64> = "over",
        busy: Option<Duration> = "busy-ns",
    }
}

impl From<Reason> for Compared {
    fn from(reason: Reason) -> Compared {
        let mut it = Compared::default();
        match reason {
            Reason::Infeasible { upper, limit } => {
                it.upper = Some(upper);
                match limit {
                    Limit::Budget(budget) => it.budget = Some(budget),
                    Limit::Period { .. } => it.period = Some(limit.time()),
                }
            }
            Reason::Better { quality, over } => (it.quality, it.over) = (Some(quality), Some(over)),
            Reason::Cheaper { cost, over } => (it.cost, it.over) = (Some(cost), Some(over)),
            Reason::Busy { elapsed } => it.busy = Some(elapsed),
            Reason::Start | Reason::Gone | Reason::Pinned => {}
        }
        it
    }
}

structure! {
    /// What became of one frame.
    Frame = "avrec/frame" {
        number: u64 = "frame",
        pts: Option<ClockTime> = "pts",
        running_time: Option<ClockTime> = "running-time",
        /// Monotonic time at which it left.
        time: Duration = "time-ns",
        latency: Duration = "latency-ns",
        budget: Duration = "budget-ns",
        /// Whose answer left; empty where none did.
        candidate: String = "candidate",
        active: String = "active",
        answer: AnswerKind = "answer",
        /// The active candidate's answer was not there in time; the floor may have stood in on time.
        is_miss: bool = "late",
    }
}

words! {
    /// How the answer to a frame came about.
    AnswerKind {
        /// The active candidate answered this frame.
        Active = "active",
        /// The active candidate's answer to an earlier frame left again.
        Held = "held",
        /// The floor stood in, because nobody else would have been on time.
        Floor = "floor",
        /// The frame itself left.
        Passthrough = "passthrough",
        /// Nothing left.
        Dropped = "dropped",
    }
}

structure! {
    /// One piece of evidence of what a candidate's answers are worth.
    Score = "avrec/score" {
        frame: u64 = "frame",
        pts: Option<ClockTime> = "pts",
        candidate: String = "candidate",
        /// Of a comparison, as are the agreement and the figure.
        reference: Option<String> = "reference",
        evidence: EvidenceWord = "evidence",
        agreement: Option<f64> = "agreement",
        figure: Option<MeasuredFigure> = "",
        /// Of evidence that needs no reference, 0 to 1.
        score: Option<f64> = "score",
    }
}

words_of! {
    /// What a score rests on.
    EvidenceWord: Evidence {
        Agreement = "agreement" <- Evidence::Agreement,
        Restore = "restore" <- Evidence::Restoration,
        Confidence = "confidence" <- Evidence::Calibrated | Evidence::Claimed,
        Stability = "stability" <- Evidence::Stability,
    }
}

/// What a comparison measured, in a field that is named after the measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredFigure {
    pub measure: Measure,
    pub value: f64,
}

impl MeasuredFigure {
    fn measure_in(structure: &StructureRef) -> Option<Measure> {
        let mut all = Measure::ALL.into_iter();
        all.find(|it| structure.has_field(it.field()))
    }
}

impl Field for MeasuredFigure {
    fn write(self, _: &str, builder: Builder) -> Builder {
        self.value.write(self.measure.field(), builder)
    }

    fn read(_: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        let measure = MeasuredFigure::measure_in(structure)
            .ok_or_else(|| FieldError::missing(structure, "of a measure"))?;
        Ok(MeasuredFigure {
            measure,
            value: Field::read(measure.field(), structure)?,
        })
    }

    fn is_in(_: &str, structure: &StructureRef) -> bool {
        MeasuredFigure::measure_in(structure).is_some()
    }
}

structure! {
    /// What every candidate made of one frame.
    Survey = "avrec/survey" {
        frame: u64 = "frame",
        pts: Option<ClockTime> = "pts",
        running_time: Option<ClockTime> = "running-time",
        budget: Duration = "budget-ns",
        /// Whose answers the others' are compared with; empty where nobody's are.
        reference: String = "reference",
        candidates: Vec<Surveyed> = "candidates",
    }
}

structure! {
    /// What one candidate made of a frame.
    Surveyed = "candidate" {
        name: String = "name",
        /// Of the catalogue.
        prior: Option<f64> = "prior",
        /// `None` when no answer came.
        latency: Option<Duration> = "latency-ns",
        /// With the reference's answer, 0 to 1; `None` for the reference, and where nothing could be compared.
        agreement: Option<f64> = "agreement",
    }
}

structure! {
    /// The candidate is loaded and warm, and may answer from now on.
    CandidateReady = "avrec/candidate-ready" {
        candidate: String = "candidate",
    }
}

structure! {
    /// The candidate cannot answer, why, and what to change.
    CandidateFailed = "avrec/candidate-failed" {
        candidate: String = "candidate",
        cause: String = "cause",
        remedy: String = "remedy",
    }
}
