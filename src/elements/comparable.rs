// SPDX-License-Identifier: MPL-2.0

//! As what two answers are compared. A frame on which nothing was found carries nothing, so what a stream said before
//! counts too.

use super::content::Carried;
use crate::answer::Answer;
use crate::score::{Content, Unlike};

/// The contents to compare: of an answer, and of the truth, each with an empty answer of the kind that its stream last
/// said in metas.
///
/// # Errors
///
/// [`Unlike::Kinds`] for answers of different tasks; [`Unlike::Nothing`] where this pair does not tell.
pub fn contents(
    (answer, answer_said): (&Carried, Option<&Answer>),
    (truth, truth_said): (&Carried, Option<&Answer>),
) -> Result<(Content, Content), Unlike> {
    let kinds = Unlike::Kinds(answer.kind(), truth.kind());
    let said = |it: &Answer| Content::Said(it.clone());
    match (answer, truth) {
        (Carried::Said(answer), Carried::Said(truth)) => Ok((said(answer), said(truth))),
        // The truth has found nothing this time.
        (Carried::Said(answer), Carried::Pixels(_)) => {
            let nothing = truth_said.filter(|it| may_be_empty(it)).ok_or(kinds)?;
            Ok((said(answer), said(nothing)))
        }
        // The candidate has found nothing, this time or ever: that is as good as an empty list.
        (Carried::Pixels(_), Carried::Said(truth)) => {
            let nothing = Some(empty(truth)).filter(may_be_empty).ok_or(kinds)?;
            Ok((Content::Said(nothing), said(truth)))
        }
        (Carried::Pixels(answer), Carried::Pixels(truth)) => match (answer_said, truth_said) {
            (_, Some(kind)) if may_be_empty(kind) => Ok((said(kind), said(kind))),
            (Some(_), None) => Err(Unlike::Nothing),
            _ if answer.is_cut_out() || truth.is_cut_out() => Ok((
                Content::Coverage(answer.clone().coverage()),
                Content::Coverage(truth.clone().coverage()),
            )),
            _ => Ok((
                Content::Picture(answer.luma.clone()),
                Content::Picture(truth.luma.clone()),
            )),
        },
        (Carried::Sound(one), Carried::Sound(other)) if one.rate == other.rate => {
            one.aligned(other).ok_or(Unlike::Nothing)
        }
        (Carried::Sound(_), Carried::Sound(_)) => {
            Err(Unlike::Kinds("sound of one rate", "sound of another rate"))
        }
        _ => Err(kinds),
    }
}

/// An answer of the same kind that says nothing.
pub fn empty(answer: &Answer) -> Answer {
    match answer {
        Answer::Detections(_) => Answer::Detections(Vec::new()),
        Answer::Classes(_) => Answer::Classes(Vec::new()),
        Answer::ClassMap(_) => Answer::ClassMap(Default::default()),
        Answer::Matte(_) => Answer::Matte(Default::default()),
        Answer::Instances(_) => Answer::Instances(Vec::new()),
        Answer::Score(it) => Answer::Score(*it),
        Answer::Text(_) => Answer::Text(Default::default()),
    }
}

/// Whether a frame without metas may be an answer of this kind: nothing was found, nothing was likely enough.
pub fn may_be_empty(kind: &Answer) -> bool {
    matches!(
        kind,
        Answer::Detections(_) | Answer::Instances(_) | Answer::Classes(_)
    )
}
