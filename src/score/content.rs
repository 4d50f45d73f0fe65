// SPDX-License-Identifier: MPL-2.0

//! What an answer carries that can be compared, and by which measure.

use super::Plane;
use crate::answer::Answer;

/// What an answer carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// What stands in its metas.
    Said(Answer),
    /// Luma of a picture.
    Picture(Plane),
    /// Alpha of a picture that is not opaque: a cut-out.
    Coverage(Plane),
    /// Samples by channel, each -1 to 1; the stretches that are compared are aligned.
    Sound(Vec<Vec<f32>>),
}

impl Content {
    /// What it is, for a sentence: "the answers of x carry …".
    pub fn kind(&self) -> &'static str {
        match self {
            Content::Said(answer) => kind_of(answer),
            Content::Picture(_) => "a picture",
            Content::Coverage(_) => "a picture with alpha",
            Content::Sound(_) => "sound",
        }
    }

    /// The measure that compares two of its kind.
    pub fn measure(&self) -> Measure {
        match self {
            Content::Said(Answer::Detections(_)) => Measure::F1,
            Content::Said(Answer::Classes(_)) => Measure::TotalVariation,
            Content::Said(Answer::ClassMap(_) | Answer::Matte(_)) | Content::Coverage(_) => Measure::MeanIou,
            Content::Said(Answer::Instances(_)) => Measure::PanopticQuality,
            Content::Said(Answer::Score(_)) => Measure::RankCorrelation,
            Content::Said(Answer::Text(_)) => Measure::EditDistance,
            Content::Picture(_) => Measure::Ssim,
            Content::Sound(_) => Measure::SiSdr,
        }
    }
}

/// As [`Content::kind`].
pub fn kind_of(answer: &Answer) -> &'static str {
    match answer {
        Answer::Detections(_) => "boxes",
        Answer::Classes(_) => "classes",
        Answer::ClassMap(_) => "a class map",
        Answer::Matte(_) => "a matte",
        Answer::Instances(_) => "outlined objects",
        Answer::Score(_) => "a score",
        Answer::Text(_) => "text",
    }
}

/// How two answers of one kind are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Of boxes; agreement as it is.
    F1,
    /// Of classifications; agreement is one less it.
    TotalVariation,
    /// Of class maps and of alpha; agreement as it is.
    MeanIou,
    /// Of outlined objects; agreement as it is.
    PanopticQuality,
    /// Of pictures; agreement as it is, at least 0.
    Ssim,
    /// Of sound, in decibels; agreement is r / (1 + r) of the plain ratio r.
    SiSdr,
    /// Of scores, over the last frames; agreement is (1 + ρ) / 2.
    RankCorrelation,
    /// Of texts, as a share of the longer one; agreement is one less it.
    EditDistance,
}

impl Measure {
    pub const ALL: [Measure; 8] = [
        Measure::F1,
        Measure::TotalVariation,
        Measure::MeanIou,
        Measure::PanopticQuality,
        Measure::Ssim,
        Measure::SiSdr,
        Measure::RankCorrelation,
        Measure::EditDistance,
    ];

    /// Name of its figure in statistics and messages, with the unit if it has one.
    pub fn field(self) -> &'static str {
        match self {
            Measure::F1 => "f1",
            Measure::TotalVariation => "total-variation",
            Measure::MeanIou => "mean-iou",
            Measure::PanopticQuality => "panoptic-quality",
            Measure::Ssim => "ssim",
            Measure::SiSdr => "si-sdr-db",
            Measure::RankCorrelation => "rank-correlation",
            Measure::EditDistance => "edit-distance",
        }
    }
}
