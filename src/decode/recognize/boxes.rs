// SPDX-License-Identifier: MPL-2.0

//! Outputs of detectors.

use super::fit::{Family, Fit};
use super::{levels, outputs, points, priors, rows, text};
use crate::decode::model::{Model, Units};
use crate::decode::yolo::cells;
use crate::decode::{Boxes, Columns, EndToEnd, Extra, NanoDet, Order, Unfit, Yolo, end_to_end};

/// What the task understands, for errors.
const UNDERSTOOD: &str = "task=detect understands YOLO ([1, 4+C, N], [1, N, 5+C] or [1, N, 6]), \
     SSD (boxes, classes, scores, count), DETR (logits [1, N, C], boxes [1, N, 4]), RetinaFace, maps of text \
     ([1, 1, H, W]), and the outputs of SCRFD, YuNet, PicoDet and NanoDet";

/// The family of a detector's outputs, where nobody says it.
pub(super) fn fit(model: &Model) -> Result<Fit, Unfit> {
    if let Some(fit) = rows::fit(model)? {
        return Ok(fit);
    }
    if let Some(refusal) = points::cascade(model) {
        return Err(refusal);
    }
    if let Some(fit) = text::fit_map(model) {
        return Ok(fit);
    }
    if let Some(fit) = levels::fit(model)? {
        return Ok(fit);
    }
    if let Some(fit) = priors::fit(model)? {
        return Ok(fit);
    }
    if let Some(fit) = points::center_face(model) {
        return Ok(fit);
    }
    if let Some(fit) = outputs::fit(model)? {
        return Ok(fit);
    }
    if points::is_named(model)
        && let Some(fit) = points::fit(model)?
    {
        return Ok(fit);
    }
    rows(model)?.ok_or_else(|| {
        Unfit::new(
            format!("{UNDERSTOOD}, and the model has {}", model.listed()),
            "export it in one of these forms with fixed shapes, or set task=tensor to get the tensors as they are",
        )
    })
}

/// One output of rows: YOLO of any kind, or NanoDet.
pub(super) fn rows(model: &Model) -> Result<Option<Fit>, Unfit> {
    let says = |task: &str| model.metadata.get("task").is_some_and(|it| it.trim() == task);
    if says("obb") {
        return turned(model);
    }
    if says("pose") || model.metadata.contains_key("kpt_shape") || is_coco_pose(model) {
        return pose(model);
    }
    if let Some(fit) = nanodet(model)? {
        return Ok(Some(fit));
    }
    yolo(model, 0)
}

/// Key points of COCO's people, x, y and visibility each, and what a row has with one class before them.
const COCO_POINTS: (usize, usize) = (17, 3);
const COCO_POSE: usize = 56;

/// Whether rows have as many attributes as poses of COCO's people, and no labels contradict it.
fn is_coco_pose(model: &Model) -> bool {
    let sizes = model.first_of_rank(2).map(|(_, sizes)| sizes);
    let attributes = Some(Some(COCO_POSE));
    let end_to_end = Some(Some(COCO_POSE + 1));
    matches!(model.labels, None | Some(1))
        && !model.mentions("yolox")
        && sizes.is_some_and(|it| {
            it.first().copied() == attributes
                || it.last().copied() == attributes
                || (it.last().copied() == end_to_end && model.is_end_to_end())
        })
}

/// YOLO with key points after the classes, as the metadata's `kpt_shape` counts them: points and numbers of each.
pub(super) fn pose(model: &Model) -> Result<Option<Fit>, Unfit> {
    let said = model.metadata.get("kpt_shape");
    let (points, each) = match said {
        None => COCO_POINTS,
        Some(text) => {
            let numbers: Option<Vec<usize>> = text
                .trim_matches(['[', ']', '(', ')', ' '])
                .split(',')
                .map(|it| it.trim().parse().ok())
                .collect();
            match numbers.as_deref() {
                Some(&[points, each @ (2 | 3)]) if (1..=MOST_POINTS).contains(&points) => (points, each),
                _ => {
                    return Err(Unfit::new(
                        format!("kpt_shape={text} is not understood"),
                        "write points and numbers of each, such as [17, 3]",
                    ));
                }
            }
        }
    };
    let mut fit = with_extra(model, points * each, Extra::Points { each })?;
    if said.is_none()
        && let Some(fit) = &mut fit
    {
        fit.otherwise = Some("family=yolo");
        fit.assumed.push(format!(
            "Each row is taken as a box, a class and {points} key points of a person; kpt_shape=[points, numbers] in \
             the metadata says it for certain, family=yolo says that these are classes."
        ));
    }
    Ok(fit)
}

/// More points than whole bodies with hands and faces have.
const MOST_POINTS: usize = 1000;

/// YOLO with an angle after the classes.
pub(super) fn turned(model: &Model) -> Result<Option<Fit>, Unfit> {
    with_extra(model, 1, Extra::Angle)
}

fn with_extra(model: &Model, count: usize, extra: Extra) -> Result<Option<Fit>, Unfit> {
    let mut fit = yolo(model, count)?;
    match fit.as_mut().map(|it| &mut it.family) {
        Some(Family::Boxes(Boxes::Yolo(it))) => it.extra = extra,
        Some(Family::Boxes(Boxes::EndToEnd(it))) => it.extra = extra,
        _ => {}
    }
    Ok(fit)
}

/// NanoDet's rows of confidences and distributions.
///
/// Where neither labels nor `family` tell them from YOLOX's, the values of each answer do.
pub(super) fn nanodet(model: &Model) -> Result<Option<Fit>, Unfit> {
    let Some((output, sizes)) = model.first_of_rank(2) else {
        return Ok(None);
    };
    let &[rows, Some(each)] = &sizes[..] else {
        return Ok(None);
    };
    let Some(classes) = each.checked_sub(NanoDet::ATTRIBUTES).filter(|it| 0 < *it) else {
        return Ok(None);
    };
    let on_grid = match (model.input, rows) {
        (Some(input), Some(rows)) => NanoDet::grids(input, rows).is_some(),
        _ => model.mentions("nanodet"),
    };
    let is_asked = model.family() == Some("nanodet");
    // 85 are YOLOX's for COCO, by far.
    if !is_asked && each == COCO + 5 {
        return Ok(None);
    }
    if model.outputs.len() != 1 || !(on_grid || is_asked) || model.is_ultralytics() || model.mentions("yolox")
    {
        return Ok(None);
    }
    let is_said = is_asked || model.labels == Some(classes) || classes == COCO || model.mentions("nanodet");
    let otherwise = match (is_said, model.labels) {
        (true, _) => None,
        (false, Some(_)) => return Ok(None),
        (false, None) => match yolo(model, 0)?.map(|it| it.family) {
            Some(Family::Boxes(Boxes::Yolo(yolo))) => Some(yolo),
            _ => None,
        },
    };
    let is_open = otherwise.is_some();
    let family = NanoDet {
        output,
        classes,
        are_logits: model.are_logits()?,
        otherwise,
    };
    let mut fit = Fit::certain(
        Family::Boxes(Boxes::NanoDet(family)),
        (!is_open).then_some(classes),
    );
    if is_open {
        fit.otherwise = Some("family=yolox");
        fit.assumed.push(format!(
            "Rows of {each} numbers are taken as NanoDet's of {classes} classes where each starts with confidences, \
             else as YOLOX's of {}; labels, one for each class, or family=nanodet or yolox would tell.",
            each.saturating_sub(5)
        ));
    }
    Ok(Some(fit))
}

/// COCO's classes.
const COCO: usize = 80;

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
            columns: Columns::BoxScoreClass,
            coefficients,
            extra: Extra::Masks,
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
        extra: Extra::Masks,
        units: units(model, order)?,
    };
    Ok(Some(Fit {
        assumed,
        ..Fit::certain(Family::Boxes(Boxes::Yolo(yolo)), Some(classes))
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
