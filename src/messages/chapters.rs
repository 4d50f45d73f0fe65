// SPDX-License-Identifier: MPL-2.0

//! All structures, in the order of `docs/messages.md`.

use super::doc::StructureDoc;
use super::field::Part;
use super::{
    CandidateFailed, CandidateReady, CandidateScore, ClassesMeta, ClassificationParam, DetectionParam, Drift,
    Explanation, Frame, FuseStats, Fused, GroupPlace, InferStats, KeyFrame, LandmarksParam, ModelAnswer,
    ModelEvicted, ModelFailed, ModelLoaded, ModelWanted, OrientedParam, ProbeMessage, ProbeStats, ScoreMeta,
    SoundMeta, Survey, Swap, SwitchStats, Tensors, TextMeta,
};

/// Structures that come the same way.
#[derive(Debug, Clone, PartialEq)]
pub struct Chapter {
    pub title: &'static str,
    pub structures: Vec<StructureDoc>,
}

/// What the elements tell: messages by who posts them, structures to ask for, and what stands on buffers.
///
/// Structures inside of others are in these.
pub fn chapters() -> Vec<Chapter> {
    let mut of_infer = vec![ModelLoaded::structure_doc(), ModelFailed::structure_doc()];
    of_infer.extend(ModelAnswer::structure_docs());
    of_infer.extend([Tensors::structure_doc(), KeyFrame::structure_doc()]);
    let of_switch = vec![
        Swap::structure_doc(),
        GroupPlace::structure_doc(),
        CandidateReady::structure_doc(),
        CandidateFailed::structure_doc(),
        Drift::structure_doc(),
        ModelWanted::structure_doc(),
        ModelEvicted::structure_doc(),
        Frame::structure_doc(),
        CandidateScore::structure_doc(),
        Survey::structure_doc(),
    ];
    let asked = vec![
        Explanation::structure_doc(),
        SwitchStats::structure_doc(),
        ProbeStats::structure_doc(),
        InferStats::structure_doc(),
        FuseStats::structure_doc(),
    ];
    let custom_metas = vec![
        ScoreMeta::structure_doc(),
        TextMeta::structure_doc(),
        ClassesMeta::structure_doc(),
        SoundMeta::structure_doc(),
    ];
    let regions = vec![
        DetectionParam::structure_doc(),
        LandmarksParam::structure_doc(),
        OrientedParam::structure_doc(),
        ClassificationParam::structure_doc(),
    ];
    let chapter = |title, structures| Chapter { title, structures };
    vec![
        chapter("Messages of avrec-switch", of_switch),
        chapter("Messages of avrec-probe", vec![ProbeMessage::structure_doc()]),
        chapter("Messages of avrec-infer", of_infer),
        chapter("Messages of avrec-fuse", vec![Fused::structure_doc()]),
        chapter("Structures to ask for", asked),
        chapter("Custom metas", custom_metas),
        chapter("Regions of interest", regions),
    ]
}
