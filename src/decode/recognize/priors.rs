// SPDX-License-Identifier: MPL-2.0

//! Detectors with boxes relative to priors: which output is what, and which priors there are.

use super::fit::{Family, Fit};
use crate::decode::model::Model;
use crate::decode::priors::count;
use crate::decode::{Boxes, Grid, PriorSource, Priors, Unfit};
use crate::letterbox::Size;

/// Which outputs are what, as far as sizes and names tell.
struct Parts {
    boxes: usize,
    scores: usize,
    points: Option<usize>,
    priors: Option<usize>,
    key_points: usize,
    /// With the one for no object.
    scores_each: usize,
    /// Rows, where they are declared or were seen.
    rows: Option<usize>,
}

/// Priors of public models: sizes by grid, of the authors' own training configurations.
const FACES: &str = "8:16,32;16:64,128;32:256,512";
/// RetinaFace on plates, which are told by four corners.
const PLATES: &str = "8:24,48;16:96,192;32:384,768";
/// SSD for inputs of 300×300.
const SSD_VOC: &str = "8:30>60:2;16:60>111:2,3;32:111>162:2,3;64:162>213:2,3;100:213>264:2;300:264>315:2";
const SSD_COCO: &str = "8:21>45:2;16:45>99:2,3;32:99>153:2,3;64:153>207:2,3;100:207>261:2;300:261>315:2";
/// Classes of COCO with one for no object.
const COCO: usize = 81;
/// Boxes of the two.
const SSD_BOXES: usize = 8732;

/// A detector with priors, if the outputs are those of one.
///
/// Without the metadata's `family`, boxes must be as many as the priors of a public model, and not called boxes.
pub(super) fn fit(model: &Model) -> Result<Option<Fit>, Unfit> {
    let said = model.metadata.get("priors");
    let is_asked = said.is_some() || matches!(model.family(), Some("retinaface" | "ssd-priors"));
    let Some(parts) = parts(model, is_asked) else {
        return Ok(None);
    };
    let (grids, name) = match (said, parts.priors) {
        (Some(text), _) => (parse(text)?, "priors"),
        (None, Some(_)) => (Vec::new(), "priors"),
        (None, None) => match usual(model, &parts) {
            Some((text, name)) if is_asked || matches(&parse(text)?, model.input, &parts) => {
                (parse(text)?, name)
            }
            _ => return Ok(None),
        },
    };
    let classes = parts.scores_each - 1;
    let priors = Priors {
        boxes: parts.boxes,
        scores: parts.scores,
        points: parts.points.filter(|_| parts.priors.is_none()),
        key_points: parts.key_points,
        classes,
        activation: model.activation()?,
        source: match (said, parts.priors) {
            (None, Some(output)) => PriorSource::Output(output),
            _ => PriorSource::Grids(grids.clone()),
        },
        input: model.input,
    };
    let mut fit = Fit::certain(Family::Boxes(Boxes::Priors(priors)), Some(classes));
    if said.is_none() && parts.priors.is_none() {
        fit.assumed.push(format!(
            "The boxes in {} are taken as relative to the priors of {name}, priors={}; priors=STEP:SIZE,SIZE;… says \
             others.",
            model.outputs[parts.boxes].name,
            spell(&grids)
        ));
    }
    Ok(Some(fit))
}

/// The priors that are usual for models of these outputs, and whose they are.
fn usual(model: &Model, parts: &Parts) -> Option<(&'static str, &'static str)> {
    let ssd = model.family() == Some("ssd-priors") || parts.rows == Some(SSD_BOXES);
    match parts.key_points {
        0 if ssd && parts.scores_each == COCO => Some((SSD_COCO, "SSD for COCO at 300×300")),
        0 if ssd => Some((SSD_VOC, "SSD at 300×300")),
        4 => Some((PLATES, "RetinaFace for plates")),
        _ => Some((FACES, "RetinaFace")),
    }
}

/// Whether boxes are as many as priors, where both are known; where not, key points say that it is RetinaFace.
fn matches(grids: &[Grid], input: Option<Size>, parts: &Parts) -> bool {
    match (input, parts.rows) {
        (Some(input), Some(rows)) => count(grids, input) == rows,
        _ => parts.points.is_some(),
    }
}

fn parts(model: &Model, is_asked: bool) -> Option<Parts> {
    let floats = || (0..model.outputs.len()).filter(|&it| model.is_float(it));
    let last = |it: usize| model.sizes(it).last().copied().flatten();
    let is_table = |it: usize| (2..=3).contains(&model.sizes(it).len());
    let rows = |it: usize| model.sizes(it).iter().rev().nth(1).copied().flatten();
    let priors = floats().find(|&it| model.calls(it, &["prior"]));
    let boxes = floats().find(|&it| {
        let flat = priors.is_some() && model.calls(it, &["loc"]);
        // What is called boxes was decoded in the model.
        let decoded = model.calls(it, &["boxes", "dets"]) && !is_asked;
        Some(it) != priors && is_table(it) && !decoded && (flat || last(it) == Some(4))
    })?;
    let other = |it: &usize| *it != boxes && Some(*it) != priors && is_table(*it);
    let same = |it: &usize| rows(*it) == rows(boxes);
    let tables: Vec<usize> = floats()
        .filter(other)
        .filter(|it| priors.is_some() || same(it))
        .collect();
    let named = |words: &[&str]| tables.iter().copied().find(|&it| model.calls(it, words));
    let scores = named(&["conf", "score", "cls", "class"])
        .or_else(|| tables.iter().copied().find(|&it| last(it) == Some(2)))?;
    let points = tables.iter().copied().find(|&it| it != scores);
    let key_points = points.and_then(last).unwrap_or(0);
    let known = [Some(boxes), Some(scores), points, priors]
        .into_iter()
        .flatten()
        .count();
    if known != model.outputs.len() || key_points % 2 != 0 || (points.is_some() && key_points == 0) {
        return None;
    }
    // Flat scores do not tell how many classes there are; labels do.
    let scores_each = match model.sizes(scores).len() {
        2 if priors.is_some() => model.labels? + 1,
        _ => last(scores).filter(|it| 2 <= *it)?,
    };
    Some(Parts {
        boxes,
        scores,
        points,
        priors,
        key_points: key_points / 2,
        scores_each,
        rows: rows(boxes).filter(|_| priors.is_none()),
    })
}

/// Reads `STEP:SIZE,SIZE;…`, each grid perhaps with `>NEXT` behind its size and `:RATIO,RATIO` behind that.
fn parse(text: &str) -> Result<Vec<Grid>, Unfit> {
    let unfit = || {
        Unfit::new(
            format!("priors={text} is not understood"),
            "write STEP:SIZE,SIZE;STEP:SIZE,SIZE in pixels of the input, such as priors=8:16,32;16:64,128;32:256,512",
        )
    };
    let number = |it: &str| {
        it.trim()
            .parse::<u32>()
            .ok()
            .filter(|it| (1..=MOST_PIXELS).contains(it))
    };
    let numbers = |it: &str| it.split(',').map(number).collect::<Option<Vec<u32>>>();
    let grid = |text: &str| {
        let mut parts = text.split(':');
        let step = number(parts.next()?)?;
        let sizes = parts.next()?;
        let (sizes, next) = match sizes.split_once('>') {
            Some((sizes, next)) => (numbers(sizes)?, Some(number(next)?)),
            None => (numbers(sizes)?, None),
        };
        let ratios = parts.next().map_or(Some(Vec::new()), numbers)?;
        (parts.next().is_none()).then_some(Grid {
            step: step as usize,
            sizes,
            next,
            ratios,
        })
    };
    let grids: Option<Vec<Grid>> = text.trim_end_matches(';').split(';').map(grid).collect();
    grids.ok_or_else(unfit)
}

/// Larger inputs than any detector has.
const MOST_PIXELS: u32 = 16_384;

/// As [`parse`] reads it.
fn spell(grids: &[Grid]) -> String {
    let list = |numbers: &[u32]| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let grid = |it: &Grid| {
        let next = it.next.map_or(String::new(), |next| format!(">{next}"));
        let ratios = match it.ratios.as_slice() {
            [] => String::new(),
            ratios => format!(":{}", list(ratios)),
        };
        format!("{}:{}{next}{ratios}", it.step, list(&it.sizes))
    };
    grids.iter().map(grid).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priors_are_read_as_they_are_told() {
        for text in [FACES, PLATES, SSD_VOC, SSD_COCO] {
            assert_eq!(spell(&parse(text).unwrap()), text);
        }
        for text in ["", "8", "8:", "8:0", "8:16;x:3", "8:16:2:3", "99999:8"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn public_models_have_so_many_priors() {
        let square = |side| Size {
            width: side,
            height: side,
        };
        assert_eq!(count(&parse(SSD_VOC).unwrap(), square(300)), SSD_BOXES);
        assert_eq!(count(&parse(FACES).unwrap(), square(640)), 16_800);
    }
}
