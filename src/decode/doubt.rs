// SPDX-License-Identifier: MPL-2.0

//! Whether the numbers of a run can be what they are taken for.

use super::evidence::{Extent, ROUNDING, is_distribution};
use super::model::{Activation, Units};
use super::scan;
use super::values::Values;
use super::{Boxes, Classes, Family, Logits};
use crate::tensor::{Tensor, TensorInfo};

/// Boxes of at most so many pixels are smaller than anything that a detector is trained on.
pub(super) const LEAST_PIXELS: f32 = 2.0;

/// Scores of boxes below this one are logits. Little below 0 they find nothing, and do no harm.
const LEAST_SCORE: f32 = -1.0;

/// Scores of boxes up to here are 1, by rounding.
const MOST_SCORE: f32 = 1.0 + ROUNDING;

/// What makes a reading unlikely, a clause each.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// The reading is wrong, as far as one run can show it.
    pub against: Vec<String>,
    /// It may be right, and should be looked at.
    pub strange: Vec<String>,
}

/// What the outputs of a run say against a family.
pub(super) fn of(family: &Family, infos: &[TensorInfo], outputs: &[Tensor]) -> Doubts {
    let mut doubts = Doubts::default();
    if outputs.len() < infos.len() {
        return doubts;
    }
    let name = |output: usize| infos.get(output).map_or("", |it| it.name.as_str());
    match family {
        Family::Boxes(boxes) | Family::Instances(boxes, _) => of_boxes(boxes, name, outputs, &mut doubts),
        Family::Classes(classes) => of_classes(classes, name(classes.output), outputs, &mut doubts),
        Family::Matte(matte) => {
            let extent = outputs.get(matte.output).map(extent);
            if matte.values == Values::Confidences
                && let Some(extent) = extent.filter(|it| !it.is_of_confidences())
            {
                doubts.against.push(beyond(name(matte.output), extent));
            }
        }
        Family::Map(_) | Family::Score(_) | Family::Text(_) => {}
    }
    for &output in &family.outputs_read() {
        let Some(extent) = outputs.get(output).map(extent).filter(|it| 0 < it.broken) else {
            continue;
        };
        let clause = format!(
            "{} of {} values of {} are no numbers",
            extent.broken,
            extent.count,
            name(output)
        );
        doubts.strange.push(clause);
    }
    doubts
}

fn extent(tensor: &Tensor) -> Extent {
    let mut scratch = Vec::new();
    Extent::of(scan::floats(tensor, &mut scratch).iter().copied())
}

fn beyond(name: &str, extent: Extent) -> String {
    let (low, high) = (extent.low, extent.high);
    format!("confidences in {name} would run from {low:.4} to {high:.4}, and not from 0 to 1")
}

fn of_boxes<'a>(boxes: &Boxes, name: impl Fn(usize) -> &'a str, outputs: &[Tensor], doubts: &mut Doubts) {
    let (scores, edges, units, output) = match boxes {
        Boxes::Yolo(it) => {
            let Some((scores, edges, is_distribution)) = it.extents(outputs) else {
                return;
            };
            if is_distribution {
                let clause = "each row is a distribution over all its numbers, as of a model that reads text";
                doubts.against.push(clause.into());
            }
            if it.units == Units::Unsaid && edges.is_known() && 0.0 <= edges.low && edges.high <= 1.0 {
                let clause =
                    "centers and sizes of all boxes lie from 0 to 1, which are neither pixels nor cells";
                doubts.against.push(clause.into());
            }
            (Some(scores), edges, it.units, it.output)
        }
        Boxes::EndToEnd(it) => {
            let Some((scores, edges)) = it.extents(outputs) else {
                return;
            };
            (Some(scores), edges, it.units, it.output)
        }
        Boxes::Ssd(it) => {
            let Some((scores, edges)) = it.extents(outputs) else {
                return;
            };
            (Some(scores), edges, it.units, it.scores)
        }
        Boxes::Detr(it) => {
            let Some((logits, edges)) = it.extents(outputs) else {
                return;
            };
            let scores = (it.kind == Logits::Confidences).then_some(logits);
            (scores, edges, it.units, it.logits)
        }
        // All of their outputs were told apart by what they are.
        Boxes::Levels(_)
        | Boxes::NanoDet(_)
        | Boxes::Priors(_)
        | Boxes::CenterFace(_)
        | Boxes::Landmarks(_)
        | Boxes::TextMap(_) => return,
    };
    let may_be_scores =
        |it: &Extent| it.is_of_confidences() || (LEAST_SCORE <= it.low && it.high <= MOST_SCORE);
    if let Some(scores) = scores.filter(|it| !may_be_scores(it)) {
        doubts.against.push(beyond(name(output), scores));
    }
    let is_tiny = 0.0 < edges.high && edges.high <= LEAST_PIXELS;
    if units == Units::Pixels && edges.is_known() && is_tiny {
        doubts.against.push(format!(
            "no box reaches beyond {:.3} pixels; boxes=fractions in the metadata or the .modelinfo would make them \
             fractions of the input",
            edges.high
        ));
    }
}

fn of_classes(classes: &Classes, name: &str, outputs: &[Tensor], doubts: &mut Doubts) {
    let Some(tensor) = outputs.get(classes.output) else {
        return;
    };
    let mut scratch = Vec::new();
    let values = scan::floats(tensor, &mut scratch);
    let extent = Extent::of(values.iter().copied());
    if values.len() < 2 || !extent.is_known() {
        return;
    }
    if classes.activation == Some(Activation::None) && !extent.is_of_confidences() {
        doubts.against.push(beyond(name, extent));
    }
    let is_whole = values.iter().all(|it| it.fract() == 0.0);
    if is_whole && 1.0 < extent.high && classes.activation != Some(Activation::None) {
        let clause = format!("all values of {name} are whole numbers, as of indices");
        doubts.against.push(clause);
    }
    if extent.low == extent.high {
        doubts.strange.push(format!(
            "all {} values of {name} are {}, so no class is likelier than another",
            values.len(),
            extent.low
        ));
    }
    if classes.activation == Some(Activation::Softmax) && is_distribution(values) && extent.low != extent.high
    {
        doubts.strange.push(format!(
            "the values of {name} are a distribution already, of which activation=softmax makes a flatter one"
        ));
    }
}
