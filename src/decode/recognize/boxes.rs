// SPDX-License-Identifier: MPL-2.0

//! Outputs of detectors.

use super::fit::{Family, Fit};
use super::{outputs, text};
use crate::decode::model::{Model, Units};
use crate::decode::yolo::cells;
use crate::decode::{Boxes, EndToEnd, Order, Unfit, Yolo, end_to_end};

/// What the task understands, for errors.
const UNDERSTOOD: &str = "task=detect understands YOLO ([1, 4+C, N], [1, N, 5+C] or [1, N, 6]), \
     SSD (boxes, classes, scores, count), DETR (logits [1, N, C], boxes [1, N, 4]) and maps of text ([1, 1, H, W])";

/// The family of a detector's outputs.
pub(super) fn fit(model: &Model) -> Result<Fit, Unfit> {
    if let Some(fit) = text::fit_map(model) {
        return Ok(fit);
    }
    if let Some(fit) = outputs::fit(model)? {
        return Ok(fit);
    }
    yolo(model, 0)?.ok_or_else(|| {
        Unfit::new(
            format!("{UNDERSTOOD}, and the model has {}", model.listed()),
            "export it in one of these forms with fixed shapes, or set task=tensor to get the tensors as they are",
        )
    })
}

/// A dense or finished YOLO output, with so many coefficients of masks for each box.
pub(super) fn yolo(model: &Model, coefficients: usize) -> Result<Option<Fit>, Unfit> {
    let Some((output, sizes)) = model.first_of_rank(2) else {
        return Ok(None);
    };
    let [first, second] = sizes[..] else {
        return Ok(None);
    };
    if second == Some(end_to_end::ATTRIBUTES + coefficients) && is_finished(model, first) {
        let boxes = Boxes::EndToEnd(EndToEnd {
            output,
            coefficients,
            units: model.units()?.unwrap_or(Units::Pixels),
        });
        return Ok(Some(Fit::certain(Family::Boxes(boxes), None)));
    }
    let mut assumed = Vec::new();
    let Some((order, attributes)) = order(model, output, first, second, coefficients, &mut assumed) else {
        return Ok(None);
    };
    let before = if order == Order::ObjectnessRows { 5 } else { 4 };
    let Some(classes) = attributes.checked_sub(before + coefficients).filter(|it| 0 < *it) else {
        return Ok(None);
    };
    let yolo = Yolo {
        output,
        order,
        classes,
        coefficients,
        units: units(model, order)?,
    };
    Ok(Some(Fit {
        family: Family::Boxes(Boxes::Yolo(yolo)),
        classes: Some(classes),
        assumed,
    }))
}

/// Whether rows of six numbers are finished detections and not proposals of one or two classes: proposals are as
/// many as the cells of their grids.
fn is_finished(model: &Model, rows: Option<usize>) -> bool {
    match (rows, model.input) {
        _ if model.is_end_to_end() => true,
        _ if model.mentions("yolox") || model.mentions("rtdetr") => false,
        (None, _) => true,
        (Some(rows), Some(_)) => anchors(model, rows).is_none(),
        (Some(rows), None) => rows <= MOST_FINISHED,
    }
}

/// Finished detections that a model writes: 300 by default; a grid over the smallest usual input has more rows.
const MOST_FINISHED: usize = 1000;

/// How many proposals each cell of the grids has, if rows are proposals of grids over the input.
fn anchors(model: &Model, rows: usize) -> Option<usize> {
    let input = model.input?;
    [1, 3].into_iter().find(|each| {
        [3, 4]
            .iter()
            .any(|&grids| cells(input, grids).checked_mul(*each) == Some(rows) && rows != 0)
    })
}

/// Which dimension is which, and how many attributes there are.
fn order(
    model: &Model,
    output: usize,
    first: Option<usize>,
    second: Option<usize>,
    coefficients: usize,
    assumed: &mut Vec<String>,
) -> Option<(Order, usize)> {
    let grid = |size: Option<usize>| size.and_then(|it| anchors(model, it));
    let planes = match (first, second) {
        _ if model.id_starts("yolo-v8") => true,
        _ if grid(second).is_some() => true,
        _ if grid(first).is_some() => false,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (Some(first), Some(second)) if first == second => return None,
        (Some(first), Some(second)) => first < second,
        // Ultralytics' exporter leaves both free when sizes are dynamic; the classes are known by their names.
        (None, None) => {
            let attributes = model.labels?.checked_add(4 + coefficients)?;
            return model.is_ultralytics().then_some((Order::Planes, attributes));
        }
    };
    if planes {
        return Some((Order::Planes, first?));
    }
    let attributes = second?;
    let plain = attributes.checked_sub(4 + coefficients);
    let objectness = attributes.checked_sub(5 + coefficients);
    let order = match grid(first) {
        Some(3) => Order::ObjectnessRows,
        _ if model.mentions("yolox") => Order::ObjectnessRows,
        _ if model.is_ultralytics() || model.mentions("rtdetr") => Order::Rows,
        _ if model.labels.is_some() && model.labels == plain => Order::Rows,
        _ if model.labels.is_some() && model.labels == objectness => Order::ObjectnessRows,
        // COCO's classes without objectness.
        _ if plain == Some(80) => Order::Rows,
        _ => {
            assumed.push(format!(
                "Each row of {} is taken as a box, an objectness and {} classes; labels for each class would tell.",
                model.outputs[output].name,
                objectness.unwrap_or(0)
            ));
            Order::ObjectnessRows
        }
    };
    Some((order, attributes))
}

fn units(model: &Model, order: Order) -> Result<Units, Unfit> {
    if let Some(said) = model.units()? {
        return Ok(said);
    }
    let fractions = model.outputs.iter().any(|it| it.id.ends_with("-normalized"));
    Ok(match order {
        _ if fractions || model.mentions("rtdetr") => Units::Fractions,
        Order::ObjectnessRows => Units::Unsaid,
        Order::Planes | Order::Rows => Units::Pixels,
    })
}
