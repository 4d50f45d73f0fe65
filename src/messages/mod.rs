// SPDX-License-Identifier: MPL-2.0

//! What the elements tell, as types: the element messages `avrec/…`, the structures behind `stats`, and the explanation.
//! Elements build structures of them, and whoever listens (the command, an application, a test) gets them back by
//! `TryFrom`. What the fields mean stands in `docs/messages.md`, which is written from these types ([`chapters`]).

mod chapters;
mod doc;
mod explanation;
mod field;
mod fuse;
mod infer;
mod json;
mod latencies;
mod metas;
mod model_answer;
mod probe;
pub mod sentence;
mod switch;
mod switch_stats;
mod table;
mod words;

pub use chapters::{Chapter, chapters};
pub use doc::{FieldDoc, Inner, StructureDoc};

pub use explanation::{Basis, Binding, ExplainedCandidate, Explanation, ReasonWord, Why};
pub use field::{FieldError, Figures, Nested};
pub use fuse::{Combined, FuseStats, Fused, FusedSide};
pub use infer::{
    Class, Corner, InferStats, KeyFrame, Loaded, ModelFailed, ModelLoaded, Object, Point, RemoteStats,
    RunningModel, Share, StatementPart, TensorPart, Tensors,
};
pub use json::json;
pub use latencies::Percentiles;
pub use metas::{
    Classes, ClassesMeta, ClassificationParam, DetectionParam, LandmarksParam, OrientedParam, ScoreMeta,
    SoundMeta, TextMeta,
};
pub use model_answer::{ModelAnswer, Place, Said};
pub use probe::{FIGURES, Fidelity, Latencies, ProbeMessage, ProbeStats, Summary};
pub use switch::{
    AnswerKind, CandidateFailed, CandidateReady, CandidateScore, Compared, Drift, DriftWord, EvictedWord,
    EvidenceWord, Frame, GroupPlace, MeasuredFigure, ModelEvicted, ModelWanted, PlaceWord, Survey, Surveyed,
    Swap, WantedWord,
};
pub use switch_stats::{CandidateState, CandidateStats, Estimates, SenseWord, SwitchStats, TeachingWord};

/// Any element message of avrec.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    Swap(Box<Swap>),
    Group(GroupPlace),
    Frame(Frame),
    CandidateScore(CandidateScore),
    Survey(Survey),
    CandidateReady(CandidateReady),
    CandidateFailed(CandidateFailed),
    Drift(Drift),
    ModelWanted(ModelWanted),
    ModelEvicted(ModelEvicted),
    Probe(Box<ProbeMessage>),
    Fused(Box<Fused>),
    ModelLoaded(ModelLoaded),
    ModelFailed(ModelFailed),
    Tensors(Tensors),
    Answer(ModelAnswer),
    KeyFrame(KeyFrame),
}

impl TryFrom<&gst::StructureRef> for Message {
    type Error = FieldError;

    fn try_from(structure: &gst::StructureRef) -> Result<Message, FieldError> {
        Ok(match structure.name().as_str() {
            Swap::NAME => Message::Swap(Box::new(structure.try_into()?)),
            GroupPlace::NAME => Message::Group(structure.try_into()?),
            Frame::NAME => Message::Frame(structure.try_into()?),
            CandidateScore::NAME => Message::CandidateScore(structure.try_into()?),
            Survey::NAME => Message::Survey(structure.try_into()?),
            CandidateReady::NAME => Message::CandidateReady(structure.try_into()?),
            Drift::NAME => Message::Drift(structure.try_into()?),
            CandidateFailed::NAME => Message::CandidateFailed(structure.try_into()?),
            ModelWanted::NAME => Message::ModelWanted(structure.try_into()?),
            ModelEvicted::NAME => Message::ModelEvicted(structure.try_into()?),
            ProbeMessage::NAME => Message::Probe(Box::new(structure.try_into()?)),
            Fused::NAME => Message::Fused(Box::new(structure.try_into()?)),
            ModelLoaded::NAME => Message::ModelLoaded(structure.try_into()?),
            ModelFailed::NAME => Message::ModelFailed(structure.try_into()?),
            Tensors::NAME => Message::Tensors(structure.try_into()?),
            KeyFrame::NAME => Message::KeyFrame(structure.try_into()?),
            // Its name says what kind of answer it is.
            _ => Message::Answer(structure.try_into()?),
        })
    }
}
