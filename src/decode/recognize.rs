// SPDX-License-Identifier: MPL-2.0

//! Finds how a model's outputs are to be read: from what the user asked for, identifiers of the public
//! tensor-id registry, the metadata that exporters write, and shapes.

use std::collections::BTreeMap;

use super::model::{Model, Units};
use super::{Boxes, Task, Unfit, labels};
use crate::letterbox::{Placement, Size};
use crate::tensor::TensorInfo;

mod boxes;
mod classes;
mod fit;
mod outputs;
mod places;
mod task;
mod text;

pub use fit::Family;

/// How a model's outputs will be read, and how sure that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognition {
    pub task: Task,
    pub family: Family,
    /// How models of the family are fed in training.
    pub placement: Placement,
    /// Number of classes, where the model declares it.
    pub classes: Option<usize>,
    /// Number of labels, of the user or the metadata.
    pub labels: Option<usize>,
    /// Labels of the metadata; empty where the user gave some, or there are none.
    pub names: Vec<String>,
    /// What was assumed where nothing said it, a sentence each, with what to write if it is wrong.
    pub assumed: Vec<String>,
    /// What the user should know though it works.
    pub warnings: Vec<String>,
}

impl Recognition {
    /// Finds the family of a model's outputs.
    ///
    /// `task` is what the user asked for, `None` to guess it. `input` is the size of the model's input, where it
    /// is fixed. `metadata` are the model's own, with the hints that the module's documentation lists. `labels` is
    /// the number of labels that the user gave, `None` if none: then the metadata's `names` count.
    pub fn new(
        task: Option<Task>,
        outputs: &[TensorInfo],
        input: Option<Size>,
        metadata: &BTreeMap<String, String>,
        labels: Option<usize>,
    ) -> Result<Self, Unfit> {
        let mut warnings = Vec::new();
        let read = match (metadata.get("names"), metadata.get("character")) {
            _ if labels.is_some() => Ok(Vec::new()),
            (Some(names), _) => labels::from_names(names),
            (None, Some(characters)) => labels::from_characters(characters),
            (None, None) => Ok(Vec::new()),
        };
        let mut names = read.unwrap_or_else(|error| {
            warnings.push(error.to_string());
            Vec::new()
        });
        let model = Model {
            outputs,
            input,
            metadata,
            labels: labels.or((!names.is_empty()).then_some(names.len())),
        };
        // A hint that is not understood is an error for each task.
        model.units()?;
        model.activation()?;
        model.blank()?;
        let mut assumed = Vec::new();
        let task = match task {
            Some(task) => task,
            None => task::guess(&model, &mut assumed)?,
        };
        let fit = task::fit(task, &model)?;
        assumed.extend(fit.assumed);
        if let (Some(labels), Some(classes)) = (model.labels, fit.classes) {
            warnings.extend(labels::check(labels, classes)?);
        }
        if let (Family::Boxes(Boxes::TextMap(_)), None) = (&fit.family, model.labels) {
            names.push("text".into());
        }
        Ok(Recognition {
            task,
            placement: placement(&fit.family, &model),
            family: fit.family,
            classes: fit.classes,
            labels: model.labels.or((!names.is_empty()).then_some(names.len())),
            names,
            assumed,
            warnings,
        })
    }
}

/// YOLO keeps proportions, YOLOX with the picture in the corner; others stretch.
fn placement(family: &Family, model: &Model) -> Placement {
    match family {
        Family::Boxes(Boxes::Yolo(it)) if it.units == Units::Cells => Placement::Cornered,
        Family::Boxes(Boxes::Yolo(_)) if model.mentions("yolox") => Placement::Cornered,
        Family::Boxes(Boxes::Yolo(it)) if it.units == Units::Fractions => Placement::Stretched,
        Family::Boxes(Boxes::Yolo(_) | Boxes::EndToEnd(_)) | Family::Instances(..) => Placement::Centered,
        Family::Boxes(Boxes::Ssd(_) | Boxes::Detr(_) | Boxes::TextMap(_)) => Placement::Stretched,
        Family::Text(_) => Placement::Line,
        Family::Map(_) | Family::Classes(_) | Family::Score(_) => Placement::Stretched,
    }
}
