// SPDX-License-Identifier: MPL-2.0

//! Outputs of detectors that leave one row for each object: as many as there are, so no picture at load tells how
//! many.

use super::fit::{Family, Fit};
use crate::decode::evidence::Extent;
use crate::decode::model::{Model, Units};
use crate::decode::scan;
use crate::decode::{Boxes, Columns, EndToEnd, Extra, Unfit};

/// Rows of five to seven numbers whose count is free; `None` where there are none.
pub(super) fn fit(model: &Model) -> Result<Option<Fit>, Unfit> {
    let found = (0..model.outputs.len()).find_map(|output| Some((output, columns(model, output)?)));
    let Some((output, columns)) = found else {
        return Ok(None);
    };
    let own = match columns {
        Columns::PictureClassScoreBox => Units::Fractions,
        _ => Units::Pixels,
    };
    let boxes = Boxes::EndToEnd(EndToEnd {
        output,
        columns,
        coefficients: 0,
        extra: Extra::Masks,
        units: model.units()?.unwrap_or(own),
    });
    let mut fit = Fit::certain(Family::Boxes(boxes), None);
    fit.assumed.push(format!(
        "Each row of {} is taken as {}; set task=tensor to get the rows as they are.",
        model.outputs[output].name,
        columns.listed()
    ));
    Ok(Some(fit))
}

fn columns(model: &Model, output: usize) -> Option<Columns> {
    if !model.is_float(output) {
        return None;
    }
    match model.sizes(output).as_slice() {
        [_, Some(6)] if model.has_rows(output) => Some(six(model, output)),
        [_, Some(7)] if model.has_rows(output) => Some(Columns::PictureBoxClassScore),
        [Some(1) | None, Some(1), _, Some(7)] => Some(Columns::PictureClassScoreBox),
        [rows @ .., Some(5)] => {
            let classes = (0..model.outputs.len()).find(|&it| {
                let beside = model.sizes(it);
                !model.is_float(it) && it != output && (beside == rows || beside.len() == rows.len())
            });
            classes
                .filter(|&it| rows.len() <= 2 && model.calls(it, &["label", "class"]))
                .map(|classes| Columns::BoxScore { classes })
        }
        _ => None,
    }
}

/// PaddleDetection writes class and score first. Its suppression is named so; else the rows of the run at load show it,
/// if there are any.
fn six(model: &Model, output: usize) -> Columns {
    if model.calls(output, &["multiclass_nms", "matrix_nms"]) {
        return Columns::ClassScoreBox;
    }
    let mut scratch = Vec::new();
    let seen = model.evidence.tensor(output);
    let values = seen.map_or(&[][..], |it| scan::floats(it, &mut scratch));
    let rows = values.chunks_exact(6);
    let column = |at: usize| Extent::of(rows.clone().map(|row| row[at]));
    let is_whole = rows.clone().all(|row| row[0].fract() == 0.0 && -1.0 <= row[0]);
    let first = column(1).is_of_confidences() && is_whole && !column(4).is_of_confidences();
    if first && 0 < rows.len() {
        Columns::ClassScoreBox
    } else {
        Columns::BoxScoreClass
    }
}
