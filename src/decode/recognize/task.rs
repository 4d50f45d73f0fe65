// SPDX-License-Identifier: MPL-2.0

//! Which task a model is for, where the user did not say it, and what its outputs are for a task.

use super::fit::{Family, Fit};
use super::{boxes, classes, places, text};
use crate::decode::model::Model;
use crate::decode::{Boxes, Task, Unfit};

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
    if let Some(task) = model.metadata.get("task") {
        return match task.trim() {
            "detect" => Ok(Task::Detect),
            "classify" => Ok(Task::Classify),
            "segment" => Ok(Task::Segment),
            "score" => Ok(Task::Score),
            "text" => Ok(Task::Text),
            other => Err(Unfit::new(
                format!("the model's metadata say task={other}, which is none that is decoded"),
                "set task=tensor to get the tensors as they are",
            )),
        };
    }
    if model.has_characters() && text::fit(model).is_ok() {
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

fn by_shape(model: &Model) -> Result<(Task, &'static str), Unfit> {
    let single = model
        .outputs
        .iter()
        .enumerate()
        .all(|(it, _)| model.sizes(it).iter().all(|it| *it == Some(1)));
    if single && model.labels.is_none() && !model.outputs.is_empty() {
        return Ok((Task::Score, "the answer is one number and has no labels"));
    }
    if text::is_likely(model) {
        return Ok((
            Task::Text,
            "the labels are as many as the classes of each step, but for the blank",
        ));
    }
    if places::is_likely(model) {
        return Ok((
            Task::Segment,
            "the answer is a class for each place, or boxes with masks",
        ));
    }
    let tried = [
        (Task::Detect, "the answer has the shape of boxes"),
        (Task::Classify, "the answer is one row of numbers"),
    ];
    tried
        .into_iter()
        // A single plane may be anything; that it is a map of text is to be said.
        .find(|(task, _)| {
            let fit = fit(*task, model);
            fit.is_ok_and(|it| !matches!(it.family, Family::Boxes(Boxes::TextMap(_))))
        })
        .ok_or_else(|| {
            Unfit::new(
                format!("no task understands the outputs {}", model.listed()),
                "set task to what the model is for, or task=tensor to get the tensors as they are",
            )
        })
}

/// The family of a model's outputs for a task.
pub(super) fn fit(task: Task, model: &Model) -> Result<Fit, Unfit> {
    match task {
        Task::Detect => boxes::fit(model),
        Task::Classify => classes::fit(model),
        Task::Segment => places::fit(model),
        Task::Score => classes::fit_score(model),
        Task::Text => text::fit(model),
    }
}
