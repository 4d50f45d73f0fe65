// SPDX-License-Identifier: MPL-2.0

//! Finds how a model's outputs are to be read: from what the user asked for, identifiers of the public
//! tensor-id registry, the metadata that exporters write, and shapes.

use std::collections::BTreeMap;

use super::model::{Model, Units};
use super::{Boxes, Evidence, Head, Source, Ssd, Taken, Task, Unfit, doubt, labels};
use crate::letterbox::{Placement, Size};
use crate::tensor::{Tensor, TensorInfo};

mod activation;
mod boxes;
mod classes;
mod explain;
mod faces;
mod fit;
mod levels;
mod matte;
mod named;
mod names;
mod outputs;
mod places;
mod points;
mod priors;
mod rows;
mod statements;
mod task;
mod text;

pub use fit::Family;

/// How a model's outputs will be read, and how sure that is.
#[derive(Debug, Clone, PartialEq)]
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
    /// What it is taken for, one thing each, and who said it.
    pub taken: Vec<Taken>,
    /// What the user should know though it works.
    pub warnings: Vec<String>,
}

impl Recognition {
    /// Finds the family of a model's outputs by what it declares.
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
        Self::with_evidence(task, outputs, input, metadata, labels, &Evidence::default())
    }

    /// The same with what else is known of the outputs.
    ///
    /// # Errors
    ///
    /// An [`Unfit`] that is a doubt, where the task is to be guessed, and where a detector's outputs are not all read:
    /// outputs of which nothing is known, or numbers that cannot be what they would be taken for. Where the user says
    /// the task, doubts are warnings.
    pub fn with_evidence(
        task: Option<Task>,
        outputs: &[TensorInfo],
        input: Option<Size>,
        metadata: &BTreeMap<String, String>,
        labels: Option<usize>,
        evidence: &Evidence,
    ) -> Result<Self, Unfit> {
        let mut warnings = Vec::new();
        let given = match labels {
            None => names::of_metadata(metadata, &mut warnings),
            Some(_) => None,
        };
        let mut model = Model {
            outputs,
            input,
            metadata,
            labels: labels.or(given.as_ref().map(|it| it.labels.len())),
            evidence,
        };
        // A hint that is not understood is an error for each task.
        model.units()?;
        model.activation()?;
        model.blank()?;
        let mut assumed = Vec::new();
        let is_asked = task.is_some();
        let task = match task {
            Some(task) => task,
            None => task::guess(&model, &mut assumed)?,
        };
        let fit = task::fit(task, &model)?;
        explain::check(&fit.family, &model, &mut warnings)?;
        let doubts = doubt::of(&fit.family, outputs, &evidence.seen);
        warnings.extend(doubts.against.into_iter().chain(doubts.strange).map(|clause| {
            let task = task.name();
            format!(
                "The outputs are taken for task={task}, and {clause}; task=tensor gives them as they are."
            )
        }));
        assumed.extend(fit.assumed);
        let characters = matches!(&fit.family, Family::Text(_)).then(|| text::table(&model));
        let characters = characters.flatten().filter(|_| model.labels.is_none());
        let given = given.or(characters.map(names::Labels::of_characters));
        let given = given.or_else(|| names::beside(metadata, evidence, labels, fit.classes));
        model.labels = labels.or(given.as_ref().map(|it| it.labels.len()));
        if let (Some(labels), Some(classes)) = (model.labels, fit.classes) {
            warnings.extend(labels::check(labels, classes)?);
        }
        let mut family = fit.family;
        settle(&mut family, evidence);
        let mut taken = statements::of(&model, (&family, fit.otherwise), task, is_asked, given.as_ref())?;
        taken.extend(fit.taken);
        // What those find that nobody names.
        let found = match &family {
            Family::Boxes(_) if model.labels.is_some() => None,
            Family::Boxes(Boxes::TextMap(_)) => Some(vec!["text".to_owned()]),
            Family::Boxes(boxes) if faces::are_found(boxes, &model) => Some(vec!["face".to_owned()]),
            _ => None,
        };
        Ok(Recognition {
            task,
            placement: placement(&family, &model),
            taken,
            family,
            classes: fit.classes,
            labels: model.labels.or(found.as_ref().map(Vec::len)),
            names: given.map(|it| it.labels).or(found).unwrap_or_default(),
            assumed,
            warnings,
        })
    }
}

impl Recognition {
    /// Lets the outputs of a run at load, on an input of this size, say what no declaration does: whether boxes of a YOLO
    /// model count in cells, as YOLOX's do, by which the family and how it is fed is known.
    pub fn settle(&mut self, outputs: &[Tensor], input: Size) {
        if let Family::Boxes(Boxes::Yolo(yolo)) = &mut self.family {
            yolo.settle(outputs, input);
            if yolo.units == Units::Cells {
                self.placement = Placement::Cornered;
                let units = self.taken.iter_mut().filter(|it| it.key == "boxes");
                for taken in units {
                    (taken.value, taken.source) = ("cells".to_owned(), Source::Family("YOLOX"));
                }
                let families = self.taken.iter_mut().filter(|it| it.key == "family");
                families.for_each(|it| it.value = "yolox".to_owned());
            }
        }
    }

    /// Whether a run can say more, as [`Recognition::settle`] tells.
    pub fn is_unsettled(&self) -> bool {
        matches!(&self.family, Family::Boxes(Boxes::Yolo(yolo)) if yolo.units == Units::Unsaid)
    }
}

/// Decides by the run at load what coordinates are counted in, where nobody says it, so that each answer is read in the
/// same way.
fn settle(family: &mut Family, evidence: &Evidence) {
    let Family::Boxes(Boxes::Ssd(ssd)) = family else {
        return;
    };
    let seen = ssd.extents(&evidence.seen);
    if let (Units::Unsaid, Some((_, edges))) = (ssd.units, seen)
        && edges.is_known()
        && edges.low < edges.high
    {
        ssd.units = Ssd::units_of(edges.high);
    }
}

/// YOLO keeps proportions, YOLOX and models of faces with the picture in the corner; others stretch.
fn placement(family: &Family, model: &Model) -> Placement {
    match family {
        Family::Boxes(Boxes::Yolo(it)) if it.units == Units::Cells => Placement::Cornered,
        Family::Boxes(Boxes::Yolo(_)) if model.mentions("yolox") => Placement::Cornered,
        Family::Boxes(Boxes::Yolo(it)) if it.units == Units::Fractions => Placement::Stretched,
        Family::Boxes(Boxes::Yolo(_) | Boxes::EndToEnd(_)) | Family::Instances(..) => Placement::Centered,
        Family::Boxes(Boxes::Levels(it)) if it.head != Head::PicoDet => Placement::Cornered,
        Family::Boxes(Boxes::Priors(it)) if it.points.is_some() => Placement::Cornered,
        Family::Boxes(_) => Placement::Stretched,
        Family::Text(_) => Placement::Line,
        Family::Map(_) | Family::Matte(_) | Family::Classes(_) | Family::Score(_) => Placement::Stretched,
    }
}
