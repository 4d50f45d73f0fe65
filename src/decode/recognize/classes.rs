// SPDX-License-Identifier: MPL-2.0

//! Outputs of classifiers and of models that give one number.

use super::activation;
use super::fit::{Family, Fit};
use crate::decode::model::Model;
use crate::decode::{Classes, Score, Unfit};

/// One output with all classes in one dimension; others of size one may stand around it.
pub(super) fn fit(model: &Model) -> Result<Fit, Unfit> {
    let row = |output: usize| one_row(&model.sizes(output)).map(|classes| (output, classes));
    let floats = (0..model.outputs.len()).filter(|&it| model.is_float(it));
    let Some((output, classes)) = floats.clone().find_map(row) else {
        return Err(Unfit::new(
            format!(
                "task=classify understands one output of floats [1, C], and the model has {}",
                model.listed()
            ),
            "set another task, or task=tensor to get the tensors as they are",
        ));
    };
    let known = activation::of(model, output, classes)?;
    let family = Family::Classes(Classes {
        output,
        classes,
        activation: known.activation,
    });
    let mut fit = Fit::certain(family, classes);
    fit.assumed.extend(known.assumed);
    Ok(fit)
}

/// The only size that may be another than one: `Some(None)` where it is free, `None` where there are two.
fn one_row(sizes: &[Option<usize>]) -> Option<Option<usize>> {
    // A free first size before others is the batch.
    let sizes = match sizes {
        [None, rest @ ..] if !rest.is_empty() => rest,
        _ => sizes,
    };
    let mut others = sizes.iter().filter(|it| **it != Some(1));
    match (others.next(), others.next()) {
        (None, _) => Some(Some(1)),
        (Some(Some(0)), _) => None,
        (Some(classes), None) => Some(*classes),
        _ => None,
    }
}

/// The first output of one element.
pub(super) fn fit_score(model: &Model) -> Result<Fit, Unfit> {
    // Free sizes may turn out to be one.
    let single = |output: &usize| model.sizes(*output).iter().all(|it| matches!(it, None | Some(1)));
    let Some(output) = (0..model.outputs.len()).find(single) else {
        return Err(Unfit::new(
            format!(
                "task=score understands one output of one number, and the model has {}",
                model.listed()
            ),
            "set task=classify for one number a class, or task=tensor to get the tensors as they are",
        ));
    };
    Ok(Fit::certain(Family::Score(Score { output }), None))
}
