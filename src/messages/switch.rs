// SPDX-License-Identifier: MPL-2.0

//! The messages of `avrec-switch`.

use std::time::Duration;

use gst::structure::Builder;
use gst::{ClockTime, StructureRef};

use super::doc::FieldDoc;
use super::explanation::{ReasonWord, Why};
use super::field::{Field, FieldError};
use super::probe::meaning_of;
use super::table::{group, structure};
use super::words::{words, words_of};
use crate::group::residency::{Cause, Urgency};
use crate::policy::{Evidence, Limit, Reason};
use crate::score::Measure;

structure! {
    /// Another candidate answers from this frame on. Carries the explanation of it, and what was compared.
    Swap = "avrec/switch" {
        /// Who answered before; empty at the start.
        from: String = "from",
        /// Who answers now.
        to: String = "to",
        /// Why.
        reason: ReasonWord = "reason",
        /// The reason as a sentence.
        reason_text: String = "reason-text",
        /// Number of the frame.
        frame: u64 = "frame",
        /// PTS of the frame. Absent where it has none.
        pts: Option<ClockTime> = "pts",
        /// Running time of the frame. Absent where it has no PTS.
        running_time: Option<ClockTime> = "running-time",
        why: Why = "",
        compared: Compared = "",
    }
}

group! {
    /// The numbers that were compared; which there are follows from the reason.
    #[derive(Default)]
    Compared {
        /// Upper bound of the latency of `from`. Absent unless `reason` is `infeasible`.
        upper: Option<Duration> = "latency-upper-ns",
        /// The budget, where the latency passed it. Absent unless `reason` is `infeasible`.
        budget: Option<Duration> = "latency-budget-ns",
        /// The time between frames, where the latency passed that and it is shorter than the budget. Absent unless
        /// `reason` is `infeasible`.
        period: Option<Duration> = "latency-period-ns",
        /// Quality of `to`, 0 to 1. Absent unless `reason` is `better`.
        quality: Option<f64> = "quality",
        /// Cost of `to` in log-quality. Absent unless `reason` is `cheaper`.
        cost: Option<f64> = "cost",
        /// Quality or cost of `from`. Absent unless `reason` is `better` or `cheaper`.
        over: Option<f64> = "over",
        /// How long `from` has been at work on an earlier frame. Absent unless `reason` is `busy`.
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
            Reason::Start | Reason::HeldBack | Reason::Gone | Reason::Pinned => {}
        }
        it
    }
}

structure! {
    /// What became of one frame. Only while `frame-messages` is set.
    Frame = "avrec/frame" {
        /// Number of the frame.
        number: u64 = "frame",
        /// PTS of the frame. Absent where it has none.
        pts: Option<ClockTime> = "pts",
        /// Running time of the frame. Absent where it has no PTS.
        running_time: Option<ClockTime> = "running-time",
        /// Monotonic time at which it left.
        time: Duration = "time-ns",
        /// Time that it spent in the switch.
        latency: Duration = "latency-ns",
        /// Time that it might spend there.
        budget: Duration = "budget-ns",
        /// Whose answer left; empty where none did.
        candidate: String = "candidate",
        /// Whose answer was wanted; empty where nobody was active.
        active: String = "active",
        /// How the answer came about.
        answer: AnswerKind = "answer",
        /// Whether the active candidate's answer was not there in time; the floor may have stood in on time.
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
    /// One piece of evidence of what a candidate's answers are worth. Only while `frame-messages` is set.
    CandidateScore = "avrec/candidate-score" {
        /// Number of the frame that was answered.
        frame: u64 = "frame",
        /// PTS of the frame. Absent where it has none.
        pts: Option<ClockTime> = "pts",
        /// Whose answer it was.
        candidate: String = "candidate",
        /// With whose answer it was compared. Absent where it was with nobody's.
        reference: Option<String> = "reference",
        /// What the evidence is.
        source: EvidenceWord = "quality-source",
        /// How far the two agree, 0 to 1. Absent without `reference`.
        agreement: Option<f64> = "agreement",
        /// Present where the answers were compared by this measure.
        figure: Option<MeasuredFigure> = "",
        /// What the evidence is worth, 0 to 1. Absent with `reference`.
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

    fn documented(_: &str, doc: &str) -> Vec<FieldDoc> {
        let all = Measure::ALL.into_iter();
        all.map(|it| FieldDoc::new::<f64>(it.field(), meaning_of(it.field())).besides(doc))
            .collect()
    }
}

structure! {
    /// What a candidate's answers are worth on this stream is not what its prior says: the interval of the scores of late
    /// and that of the prior lie apart. Once, and once more when it has come back.
    Drift = "avrec/drift" {
        /// Whose answers.
        candidate: String = "candidate",
        /// Whether it is so, or has ended.
        state: DriftWord = "state",
        /// What the catalog says, 0 to 1.
        prior: f64 = "prior",
        /// Between which values that lies with 95 %, as far as the catalog says it, 0 to 1; 0.1 to either side where it does not.
        prior_low: f64 = "prior-low",
        /// The other end.
        prior_high: f64 = "prior-high",
        /// Mean of the scores of late, 0 to 1.
        live: f64 = "live",
        /// Between which values their mean lies with 95 %, 0 to 1.
        live_low: f64 = "live-low",
        /// The other end.
        live_high: f64 = "live-high",
        /// Number of the frame since which `live` has been outside of the prior's interval, or inside again.
        since: u64 = "since-frame",
        /// Number of the newest frame.
        frame: u64 = "frame",
    }
}

words! {
    /// How live quality and prior stand to each other.
    DriftWord {
        /// They lie apart.
        Apart = "apart",
        /// They agree again.
        Returned = "returned",
    }
}

structure! {
    /// What every candidate made of one frame. Only while `exhaustive` is set.
    Survey = "avrec/survey" {
        /// Number of the frame.
        frame: u64 = "frame",
        /// PTS of the frame. Absent where it has none.
        pts: Option<ClockTime> = "pts",
        /// Running time of the frame. Absent where it has no PTS.
        running_time: Option<ClockTime> = "running-time",
        /// The budget in force.
        budget: Duration = "budget-ns",
        /// Whose answers the others' are compared with; empty where nobody's are.
        reference: String = "reference",
        /// Share of its time for which a run had to expect to wait for a processor as the frame came, by what the machine says,
        /// 0 to 1. Absent where it says nothing.
        waiting: Option<f64> = "waiting",
        /// What each candidate made of it.
        candidates: Vec<Surveyed> = "candidates",
    }
}

structure! {
    /// What one candidate made of a frame.
    Surveyed = "candidate-survey" {
        /// The candidate.
        name: String = "name",
        /// The catalog's `quality` of it, 0 to 1. Absent where it has none.
        prior: Option<f64> = "prior",
        /// How long it took. Absent when no answer came.
        latency: Option<Duration> = "latency-ns",
        /// How far it agrees with the reference's answer, 0 to 1. Absent for the reference, and where nothing could be
        /// compared.
        agreement: Option<f64> = "agreement",
    }
}

structure! {
    /// The group leaves the switch another share of the processors than before.
    GroupPlace = "avrec/group" {
        /// Name of the group.
        group: String = "group",
        /// Switches in it.
        streams: u64 = "streams",
        /// What a gain of quality counts against the others'.
        weight: f64 = "weight",
        /// What may answer.
        place: PlaceWord = "place",
        /// Processor time that a run may take. Absent unless `place` is `held-back`.
        share: Option<Duration> = "share-ns",
    }
}

words! {
    /// What a group leaves one of its switches.
    PlaceWord {
        /// Any candidate may answer.
        Free = "free",
        /// Not those that take more processor time than others leave.
        HeldBack = "held-back",
        /// No candidate, for not even the fastest of all streams fit: the floor answers.
        None = "none",
    }
}

structure! {
    /// The candidate is loaded and warm, and may answer from now on.
    CandidateReady = "avrec/candidate-ready" {
        /// Its name.
        candidate: String = "candidate",
    }
}

structure! {
    /// The candidate is loaded from now on, in the background. Only under a `memory-limit`.
    ModelWanted = "avrec/model-wanted" {
        /// Its name.
        candidate: String = "candidate",
        /// Why.
        reason: WantedWord = "reason",
        /// Bytes that its model is expected to take, none where another stream has it in memory.
        bytes: u64 = "bytes",
    }
}

words_of! {
    /// Why a candidate is loaded.
    WantedWord: Urgency {
        Floor = "floor" <- Urgency::Floor,
        Pinned = "pinned" <- Urgency::Pinned,
        /// Another stream has its model in memory.
        Shared = "shared" <- Urgency::Shared,
        /// The stream would gain by it.
        Gain = "gain" <- Urgency::Gain,
        /// There is room.
        Room = "room" <- Urgency::Room,
    }
}

structure! {
    /// The candidate has to leave memory. It stays a candidate. Only under a `memory-limit`.
    ModelEvicted = "avrec/model-evicted" {
        /// Its name.
        candidate: String = "candidate",
        /// Bytes that its model takes.
        bytes: u64 = "bytes",
        /// Why.
        reason: EvictedWord = "reason",
        /// Who takes its place. Absent unless that is a candidate of the same switch.
        instead: Option<String> = "for",
    }
}

words_of! {
    /// Why a candidate has to leave memory.
    EvictedWord: Cause {
        /// More is in memory than the limit allows.
        Limit = "limit" <- Cause::OverLimit,
        /// For another one.
        Room = "room" <- Cause::Room { .. },
    }
}

structure! {
    /// The candidate cannot answer. The same is a WARNING message.
    CandidateFailed = "avrec/candidate-failed" {
        /// Its name.
        candidate: String = "candidate",
        /// Why, as a sentence.
        cause: String = "cause",
        /// What to change, as a sentence.
        remedy: String = "remedy",
    }
}
