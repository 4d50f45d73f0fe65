// SPDX-License-Identifier: MPL-2.0

//! Which task a model is for, where the user did not say it, and what its outputs are for a task.

use super::fit::{Family, Fit};
use super::{boxes, classes, explain, matte, named, places, points, text};
use crate::decode::model::Model;
use crate::decode::{Task, Unfit, doubt};

/// Beginnings of identifiers of the public tensor-id registry, and the task of their tensors.
const REGISTRY: &[(&str, Task)] = &[
    ("yolo-v8-segmentation-out", Task::Segment),
    ("yolo-v8-out", Task::Detect),
    ("yolox-out", Task::Detect),
    ("ssd-mobilenet-v1-variant-1-out", Task::Detect),
    (
        "ultra-lightweight-face-detection-rfb-320-v1-variant-1-out",
        Task::Detect,
    ),
    ("classification-generic", Task::Classify),
];

/// The task that identifiers, the exporter's metadata or shapes tell, in this order.
pub(super) fn guess(model: &Model, assumed: &mut Vec<String>) -> Result<Task, Unfit> {
    if let Some((_, task)) = REGISTRY.iter().find(|(start, _)| model.id_starts(start)) {
        return Ok(*task);
    }
    if model.family().is_some_and(named::is_detector) {
        return Ok(Task::Detect);
    }
    if let Some(task) = model.metadata.get("task") {
        return match task.trim() {
            // Ultralytics' exporter says what is found besides boxes: key points, or how they are turned.
            "detect" | "pose" | "obb" => Ok(Task::Detect),
            "classify" => Ok(Task::Classify),
            "segment" => Ok(Task::Segment),
            "matte" => Ok(Task::Matte),
            "score" => Ok(Task::Score),
            "text" => Ok(Task::Text),
            other => Err(Unfit::new(
                format!("the model's metadata say task={other}, which is none that is decoded"),
                "set task=tensor to get the tensors as they are",
            )),
        };
    }
    if model.has_characters() && text::is_line(model) {
        return Ok(Task::Text);
    }
    let (task, reason) = by_shape(model)?;
    assumed.push(format!(
        "The outputs {} are taken for task={}, because {reason}; set task to say it for certain.",
        model.listed(),
        task.name()
    ));
    Ok(task)
}

/// The first task that fits by shape, explains all outputs, and against which the run at load does not speak.
fn by_shape(model: &Model) -> Result<(Task, &'static str), Unfit> {
    if let Some(doubt) = points::cascade(model) {
        return Err(doubt);
    }
    if points::is_named(model) {
        return Ok((Task::Detect, "the answer is called key points"));
    }
    if let Some(doubt) = points::doubt(model) {
        return Err(doubt);
    }
    let mut doubts = Vec::new();
    for (task, reason) in likely(model) {
        let Ok(fit) = fit(task, model) else { continue };
        match against(&fit, model) {
            None => return Ok((task, reason)),
            Some(doubt) => doubts.push(format!("task={} would fit, but {doubt}", task.name())),
        }
    }
    let is_plane = (0..model.outputs.len()).any(|it| matte::is_over_picture(model, it));
    if is_plane && doubts.is_empty() {
        doubts.push(
            "a single plane whose values are not known to go from 0 to 1 may be a depth, a map of logits, or a picture"
                .into(),
        );
    }
    let remedy = if model.labels.is_none() && text::is_sequence(model) {
        "if the model reads text, set task=text labels-file=FILE with its characters, one a line in the order of the \
         classes; or set task=tensor to get the tensors as they are"
    } else {
        "set task to what the model is for, or task=tensor to get the tensors as they are"
    };
    if doubts.is_empty() {
        return Err(Unfit::new(
            format!("no task understands the outputs {}", model.listed()),
            remedy,
        ));
    }
    Err(Unfit::doubt(doubts.join("; "), remedy))
}

/// Tasks by what the outputs are shaped like, the likelier ones first.
fn likely(model: &Model) -> Vec<(Task, &'static str)> {
    let single = model
        .outputs
        .iter()
        .enumerate()
        .all(|(it, _)| model.sizes(it).iter().all(|it| *it == Some(1)));
    let is_score = single && model.labels.is_none() && !model.outputs.is_empty();
    let detect = (Task::Detect, "the answer has the shape of boxes");
    let all = [
        (
            is_score,
            (Task::Score, "the answer is one number and has no labels"),
        ),
        (
            text::is_likely(model),
            (
                Task::Text,
                "the labels are as many as the classes of each step, but for the blank",
            ),
        ),
        (
            // Maps of a detector's grids are no maps of classes.
            points::center_face(model).is_none() && places::is_likely(model),
            (
                Task::Segment,
                "the answer is a class for each place, or boxes with masks",
            ),
        ),
        (model.is_of_paddle(), detect),
        (
            matte::is_likely(model),
            (Task::Matte, "the answer is one plane of values from 0 to 1"),
        ),
        // A single plane may be a map of anything; that it is one of text is to be said.
        (text::fit_map(model).is_none(), detect),
        (true, (Task::Classify, "the answer is one row of numbers")),
    ];
    all.into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, task)| task)
        .collect()
}

/// What speaks against a family that fits by shape.
fn against(fit: &Fit, model: &Model) -> Option<String> {
    let unread = explain::unexplained(&fit.family, model);
    if !unread.is_empty() {
        return Some(format!("nothing is known of {}", model.names(&unread)));
    }
    if let Family::Classes(_) = fit.family
        && fit.classes.is_none()
        && model.labels.is_none()
    {
        return Some("the number of classes is free".into());
    }
    if let Family::Classes(_) = fit.family
        && text::is_sequence(model)
    {
        return Some(
            "how many rows of classes there are follows from the frame, as of a model that reads text".into(),
        );
    }
    doubt::of(&fit.family, model.outputs, &model.evidence.seen)
        .against
        .into_iter()
        .next()
}

/// The family of a model's outputs for a task.
pub(super) fn fit(task: Task, model: &Model) -> Result<Fit, Unfit> {
    match task {
        Task::Detect => match model.family() {
            Some(name) => named::fit(name, model),
            None => boxes::fit(model),
        },
        Task::Classify => classes::fit(model),
        Task::Segment => places::fit(model),
        Task::Matte => matte::fit(model),
        Task::Score => classes::fit_score(model),
        Task::Text => text::fit(model),
    }
}
