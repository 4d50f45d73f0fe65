// SPDX-License-Identifier: MPL-2.0

//! Detectors with some outputs for each of their grids: which output is what, told by how many numbers a row has.

use super::fit::{Family, Fit};
use crate::decode::levels::BINS;
use crate::decode::model::Model;
use crate::decode::{Boxes, Head, Levels, Unfit};

/// Grids of such a model.
const GRIDS: std::ops::RangeInclusive<usize> = 3..=5;

/// Key points of an object at most; two numbers each.
const MOST_POINTS: usize = 133;

/// Outputs of floats with the same number of numbers a row.
struct Kind {
    each: usize,
    outputs: Vec<usize>,
}

/// Outputs by how many numbers a row has; `None` where one is no table of rows.
fn kinds(model: &Model) -> Option<Vec<Kind>> {
    let mut kinds: Vec<Kind> = Vec::new();
    for output in 0..model.outputs.len() {
        let sizes = model.sizes(output);
        let (last, before) = sizes.split_last()?;
        let is_table = match before {
            [_] => true,
            [batch, _] => matches!(batch, None | Some(1)),
            _ => false,
        };
        let each = last.filter(|it| is_table && *it != 0 && model.is_float(output))?;
        match kinds.iter_mut().find(|it| it.each == each) {
            Some(kind) => kind.outputs.push(output),
            None => kinds.push(Kind {
                each,
                outputs: vec![output],
            }),
        }
    }
    Some(kinds)
}

/// A detector with outputs for each grid, if all outputs are such ones.
pub(super) fn fit(model: &Model) -> Result<Option<Fit>, Unfit> {
    let Some(kinds) = kinds(model) else {
        return Ok(None);
    };
    let Some(levels) = picodet(model, &kinds).or_else(|| faces(&kinds)) else {
        return Ok(None);
    };
    let levels = Levels {
        are_logits: model.are_logits()?,
        ..levels
    };
    let is_scrfd = levels.head == Head::Scrfd;
    let classes = levels.classes;
    let mut fit = Fit::certain(Family::Boxes(Boxes::Levels(levels)), Some(classes));
    if is_scrfd && model.family().is_none() {
        fit.assumed.push(format!(
            "The outputs {} are taken for those of SCRFD: distances of edges from cells, in strides; family says \
             another decoder.",
            model.listed()
        ));
    }
    Ok(Some(fit))
}

/// Scores of C classes and four distributions for each grid.
fn picodet(model: &Model, kinds: &[Kind]) -> Option<Levels> {
    let width = 4 * BINS;
    let (scores, boxes) = match kinds {
        [one, other] if other.each == width => (one.outputs.clone(), other.outputs.clone()),
        [one, other] if one.each == width => (other.outputs.clone(), one.outputs.clone()),
        // As many classes as numbers of a distribution: names tell.
        [one] if one.each == width => {
            let scores = |it: &usize| model.calls(*it, &["cls", "score", "conf"]);
            one.outputs.iter().copied().partition(scores)
        }
        _ => return None,
    };
    let classes = model.sizes(*scores.first()?).last().copied().flatten()?;
    let is_whole = scores.len() == boxes.len() && GRIDS.contains(&boxes.len());
    is_whole.then_some(Levels {
        head: Head::PicoDet,
        scores,
        boxes,
        points: Vec::new(),
        classes,
        key_points: 0,
        are_logits: false,
    })
}

/// One or two scores, a box and perhaps key points for each grid.
fn faces(kinds: &[Kind]) -> Option<Levels> {
    let of = |each: usize| kinds.iter().find(|it| it.each == each);
    let (scores, boxes) = (&of(1)?.outputs, &of(4)?.outputs);
    let others: Vec<&Kind> = kinds.iter().filter(|it| ![1, 4].contains(&it.each)).collect();
    let points = match others[..] {
        [] => None,
        [points] => Some(points),
        _ => return None,
    };
    let is_points = |it: &&Kind| {
        it.each.is_multiple_of(2) && it.each <= 2 * MOST_POINTS && it.outputs.len() == boxes.len()
    };
    if !GRIDS.contains(&boxes.len()) || !points.iter().all(is_points) {
        return None;
    }
    let head = match scores.len() {
        count if count == boxes.len() => Head::Scrfd,
        count if count == 2 * boxes.len() => Head::YuNet,
        _ => return None,
    };
    Some(Levels {
        head,
        scores: scores.clone(),
        boxes: boxes.clone(),
        points: points.map_or(Vec::new(), |it| it.outputs.clone()),
        classes: 1,
        key_points: points.map_or(0, |it| it.each / 2),
        are_logits: false,
    })
}
