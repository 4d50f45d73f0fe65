// SPDX-License-Identifier: MPL-2.0

//! Outputs of models that find text, and of models that read it.

use super::fit::{Family, Fit};
use crate::decode::model::Model;
use crate::decode::{Blank, Boxes, Ctc, Steps, Table, TextMap, Unfit, labels};

/// Characters of the smallest table that is one without being called so: digits.
const LEAST_CHARACTERS: usize = 10;

/// A table of characters, and an output with one number for each of them in each step.
pub(super) fn fit(model: &Model) -> Result<Fit, Unfit> {
    let Some(characters) = characters(model) else {
        return Err(Unfit::new(
            format!(
                "task=text needs to know which character each class of {} is",
                model.listed()
            ),
            "give labels-file with one character a line, in the order of the classes, or the metadata character",
        ));
    };
    let floats = (0..model.outputs.len()).filter(|&it| model.is_float(it));
    let Some((output, steps, classes)) = floats
        .into_iter()
        .find_map(|it| steps(model, it, characters).map(|(steps, classes)| (it, steps, classes)))
    else {
        return Err(Unfit::new(
            format!(
                "task=text understands one number for each character and the blank in each step ([1, T, C], \
                 [T, 1, C] or [1, C, T], C from {characters} to {} for a table of {characters} characters), and the \
                 model has {}",
                characters.saturating_add(2),
                model.listed()
            ),
            "give labels-file the table that the model was trained with, one character a line",
        ));
    };
    let table = match classes - characters {
        0 => Table::Whole,
        1 => Table::WithoutBlank,
        _ => Table::WithoutBlankAndSpace,
    };
    let said = model.blank()?;
    let ctc = Ctc {
        output,
        classes,
        steps,
        is_paddle: model.has_characters() || table == Table::WithoutBlankAndSpace,
        table,
        blank: said.unwrap_or(match table {
            Table::Whole => Blank::Called,
            Table::WithoutBlank | Table::WithoutBlankAndSpace => Blank::First,
        }),
        activation: model.activation()?,
    };
    let mut assumed = Vec::new();
    if said.is_none() && !(model.has_characters() && table == Table::WithoutBlankAndSpace) {
        let reading = match table {
            Table::Whole => "the first character of the table, or the last one if that is called blank",
            Table::WithoutBlank => "the first class, before the characters of the table",
            Table::WithoutBlankAndSpace => "the first class, and the last one for a space",
        };
        assumed.push(format!(
            "No character is taken to be {reading}; the line blank=first or blank=last of the output in the \
             .modelinfo says it for certain."
        ));
    }
    Ok(Fit {
        assumed,
        // The labels were compared with the classes here.
        ..Fit::certain(Family::Text(ctc), None)
    })
}

/// Whether labels and shape go together so that nothing else is likely: more than one step, and many characters.
pub(super) fn is_likely(model: &Model) -> bool {
    let is_rows = |it: usize| steps(model, 0, it).is_some_and(|(it, _)| it == Steps::Rows);
    is_line(model) && characters(model).is_some_and(|it| LEAST_CHARACTERS <= it && is_rows(it))
}

/// Whether the only output has more than one step for a table of characters.
pub(super) fn is_line(model: &Model) -> bool {
    let several = match model.sizes(0).as_slice() {
        [None, Some(1), _] => !model.evidence.is_batch_free,
        [steps, Some(1), _] => *steps != Some(1),
        [None | Some(1), ..] if model.sizes(0).len() == 3 => true,
        // Steps first and a batch that is left free, or the other way around.
        [Some(_), None, _] => true,
        // One row for each of a batch is no line.
        [steps, _] => matches!(steps, Some(2..)),
        _ => false,
    };
    let fits = |it: usize| steps(model, 0, it).is_some();
    several && model.outputs.len() == 1 && model.is_float(0) && characters(model).is_some_and(fits)
}

/// Whether the only output is a row of classes for each of several steps, of which nobody says what they are.
pub(super) fn is_sequence(model: &Model) -> bool {
    let is_sequence = match model.sizes(0).as_slice() {
        [Some(2..) | None, Some(1), Some(classes)] | [Some(2..), None, Some(classes)] => {
            LEAST_CHARACTERS <= *classes
        }
        _ => false,
    };
    is_sequence && model.outputs.len() == 1 && model.is_float(0)
}

/// How many characters the table has: the labels, or those that PaddleOCR's exporters write.
fn characters(model: &Model) -> Option<usize> {
    model.labels.or_else(|| table(model).map(|it| it.len()))
}

/// The table that PaddleOCR's exporters write.
pub(super) fn table(model: &Model) -> Option<Vec<String>> {
    labels::from_characters(model.metadata.get("character")?).ok()
}

/// How the steps of an output stand, and how many classes they have, if that goes with so many characters.
fn steps(model: &Model, output: usize, characters: usize) -> Option<(Steps, usize)> {
    let sizes = model.sizes(output);
    let goes = |it: &Option<usize>| it.filter(|it| (characters..=characters.saturating_add(2)).contains(it));
    match sizes.as_slice() {
        [None | Some(1), first, last] | [first, None | Some(1), last] | [first, last] => {
            let rows = goes(last).map(|it| (Steps::Rows, it));
            let is_batched = sizes.len() == 2 || matches!(sizes.first(), Some(None | Some(1)));
            let planes = goes(first).filter(|_| is_batched);
            rows.or_else(|| planes.map(|it| (Steps::Planes, it)))
        }
        _ => None,
    }
}

/// A map of the likelihood of text, which is a single plane and the only output.
pub(super) fn fit_map(model: &Model) -> Option<Fit> {
    if model.outputs.len() != 1 || !model.is_float(0) {
        return None;
    }
    let plane = |it: &Option<usize>| it.is_none_or(|it| 1 < it);
    match model.sizes(0).as_slice() {
        [None | Some(1), Some(1), height, width] if plane(height) && plane(width) => {}
        // Some exporters leave all sizes out.
        [None, None, None, None] => {}
        _ => return None,
    }
    let mut fit = Fit::certain(Family::Boxes(Boxes::TextMap(TextMap { output: 0 })), Some(1));
    fit.assumed.push(format!(
        "{} is taken for a map of where text is (family db); set task to what else the model is for.",
        model.outputs[0].name
    ));
    Some(fit)
}
