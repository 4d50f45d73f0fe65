// SPDX-License-Identifier: MPL-2.0

//! Detectors whose boxes, classes and scores are outputs of their own: which output is what.

use super::fit::{Family, Fit};
use crate::decode::model::{Activation, Model, Units};
use crate::decode::{Boxes, Detr, Edges, Logits, Scores, Ssd, Unfit};

/// Boxes that DETR-like models propose at most; SSD's anchors are thousands.
const MOST_QUERIES: usize = 1000;

/// DETR's classes of COCO with one for no object.
const DETR_COCO: usize = 92;

/// Several outputs of which one holds boxes.
pub(super) fn fit(model: &Model) -> Result<Option<Fit>, Unfit> {
    let Some(boxes) = boxes_of(model) else {
        return Ok(None);
    };
    let others = || (0..model.outputs.len()).filter(move |&it| it != boxes);
    // The dense form has one dimension more than one number for each box.
    let rank = model.sizes(boxes).len();
    if 3 < rank {
        return Ok(None);
    }
    let dense = others().find(|&it| model.is_float(it) && model.sizes(it).len() == rank);
    if let Some(scores) = dense {
        return dense_of(model, boxes, scores);
    }
    finished(
        model,
        boxes,
        others().filter(|&it| model.sizes(it).len() + 1 == rank).collect(),
    )
}

/// All boxes that a model proposes with a score for each class, as family=ultraface asks for.
pub(super) fn dense(model: &Model) -> Result<Option<Fit>, Unfit> {
    match pair(model) {
        Some((boxes, scores, each)) => anchored(model, boxes, scores, each).map(Some),
        None => Ok(None),
    }
}

/// Queries, as family=detr asks for.
pub(super) fn queries(model: &Model) -> Result<Option<Fit>, Unfit> {
    match pair(model) {
        Some((boxes, logits, each)) => detr(model, boxes, logits, each),
        None => Ok(None),
    }
}

/// Boxes and the first output with a number for each of them and each class, and how many those are.
fn pair(model: &Model) -> Option<(usize, usize, usize)> {
    let boxes = boxes_of(model)?;
    let rank = model.sizes(boxes).len();
    let is_dense = |it: &usize| *it != boxes && model.is_float(*it) && model.sizes(*it).len() == rank;
    let scores = (0..model.outputs.len()).find(is_dense)?;
    Some((boxes, scores, model.sizes(scores).last().copied().flatten()?))
}

/// The output of floats that ends in four, by its name where there are two or no sizes.
fn boxes_of(model: &Model) -> Option<usize> {
    let named = |it: &usize| model.calls(*it, &["box", "dets", "postprocess"]);
    let four = |it: &usize| {
        let sizes = model.sizes(*it);
        let last = sizes.last().copied();
        let fits = last == Some(Some(4)) || (last == Some(None) && named(it));
        // A row for each picture of a batch is no table of boxes.
        let is_table = sizes.len() != 2 || model.has_rows(*it);
        model.is_float(*it) && 2 <= sizes.len() && fits && is_table
    };
    let all = || (0..model.outputs.len()).filter(four);
    all().find(named).or_else(|| all().next())
}

/// One score a box; the class and the count may be outputs too.
fn finished(model: &Model, boxes: usize, rows: Vec<usize>) -> Result<Option<Fit>, Unfit> {
    let named = |words: &[&str]| rows.iter().copied().find(|&it| model.calls(it, words));
    // TensorFlow Lite's operator names all outputs alike, but for their number.
    let lite = model.calls(boxes, &["postprocess"]);
    let scores = if lite {
        named(&[":2"])
    } else {
        named(&["score", "conf"])
    };
    let classes = if lite {
        named(&[":1"])
    } else {
        named(&["class", "label"])
    };
    let integers = || rows.iter().copied().find(|&it| !model.is_float(it));
    let classes = classes.or_else(|| integers().filter(|it| Some(*it) != scores));
    let floats = || {
        rows.iter()
            .copied()
            .find(|&it| model.is_float(it) && Some(it) != classes)
    };
    let Some(scores) = scores.or_else(|| floats().filter(|_| classes.is_some() || rows.len() == 1)) else {
        return Ok(None);
    };
    let count = (0..model.outputs.len()).find(|&it| {
        let one = model.sizes(it).iter().all(|it| matches!(it, None | Some(1)));
        let named = model.calls(it, &["count", "num", ":3"]);
        one && ![boxes, scores].contains(&it) && Some(it) != classes && named
    });
    let tensorflow = lite || model.calls(boxes, &["detection_boxes", "ssd-mobilenet"]);
    let (edges, units) = if tensorflow {
        (Edges::TopFirst, Units::Fractions)
    } else {
        (Edges::LeftFirst, Units::Unsaid)
    };
    let ssd = Ssd {
        boxes,
        scores,
        kind: Scores::Finished { classes },
        count,
        edges,
        units: model.units()?.unwrap_or(units),
    };
    let mut fit = Fit::certain(Family::Boxes(Boxes::Ssd(ssd)), None);
    if !tensorflow {
        fit.assumed.push(
            "Boxes are taken as left, top, right, bottom; as fractions of the input unless one is beyond 2, \
             which the metadata boxes=pixels or fractions says for certain."
                .into(),
        );
    }
    Ok(Some(fit))
}

/// A number for each box and class: logits of queries, or scores of anchors.
fn dense_of(model: &Model, boxes: usize, scores: usize) -> Result<Option<Fit>, Unfit> {
    let sizes = model.sizes(scores);
    let (Some(Some(each)), proposals) = (sizes.last().copied(), sizes[sizes.len() - 2]) else {
        return Ok(None);
    };
    let anchors = model.calls(scores, &["score", "conf"]) && !model.calls(boxes, &["pred_boxes", "dets"]);
    let queries = model.calls(scores, &["logit"]) || model.calls(boxes, &["pred_boxes", "dets"]);
    if queries || (!anchors && proposals.is_none_or(|it| it <= MOST_QUERIES)) {
        return detr(model, boxes, scores, each);
    }
    anchored(model, boxes, scores, each).map(Some)
}

fn anchored(model: &Model, boxes: usize, scores: usize, each: usize) -> Result<Fit, Unfit> {
    let ultra_light = model.family() == Some("ultraface")
        || model.has_id("ultra-lightweight-face-detection-rfb-320-v1-variant-1-out-scores");
    let background = match model.labels {
        _ if each < 2 => false,
        _ if ultra_light => true,
        Some(labels) => labels < each,
        None => true,
    };
    let classes = each - usize::from(background);
    let ssd = Ssd {
        boxes,
        scores,
        kind: Scores::Dense { classes, background },
        count: None,
        edges: Edges::LeftFirst,
        units: model.units()?.unwrap_or(Units::Unsaid),
    };
    let mut fit = Fit::certain(Family::Boxes(Boxes::Ssd(ssd)), Some(classes));
    if !ultra_light {
        let first = if background { "no object" } else { "class 0" };
        fit.assumed.push(format!(
            "Boxes are taken as left, top, right, bottom, and the first of {each} scores as {first}; \
             labels, one for each class, would tell."
        ));
    }
    Ok(fit)
}

fn detr(model: &Model, boxes: usize, logits: usize, each: usize) -> Result<Option<Fit>, Unfit> {
    let mut assumed = Vec::new();
    let kind = match (model.activation()?, model.labels) {
        (Some(Activation::Softmax), _) => Logits::Softmax,
        (Some(Activation::Sigmoid), _) => Logits::Sigmoid,
        (Some(Activation::None), _) => Logits::Confidences,
        (None, Some(labels)) if labels == each => Logits::Sigmoid,
        (None, Some(labels)) if Some(labels) == each.checked_sub(1) => Logits::Softmax,
        (None, _) => {
            let (kind, reading) = if each == DETR_COCO {
                (Logits::Softmax, "the last one is for no object (softmax)")
            } else {
                (Logits::Sigmoid, "each is for itself (sigmoid)")
            };
            assumed.push(format!(
                "Of {each} logits {reading}; labels, one for each class, or the metadata activation would tell."
            ));
            kind
        }
    };
    let Some(classes) = each
        .checked_sub(usize::from(kind == Logits::Softmax))
        .filter(|it| 0 < *it)
    else {
        return Ok(None);
    };
    let detr = Detr {
        logits,
        boxes,
        classes,
        kind,
        units: model.units()?.unwrap_or(Units::Fractions),
    };
    Ok(Some(Fit {
        family: Family::Boxes(Boxes::Detr(detr)),
        classes: Some(classes),
        assumed,
    }))
}
