// SPDX-License-Identifier: MPL-2.0

//! Outputs of models that cut out people or things softly: one plane, of which others may be the same at other depths.

use super::fit::{Family, Fit};
use crate::decode::evidence::{Bound, Extent};
use crate::decode::model::{Activation, Model};
use crate::decode::values::Values;
use crate::decode::{Matte, Unfit, scan};

/// Names of mattes, the likelier ones first.
const CALLED: [&str; 4] = ["pha", "alpha", "matte", "mask"];

/// A plane of floats with more than one place.
pub(super) fn fit(model: &Model) -> Result<Fit, Unfit> {
    let planes: Vec<usize> = (0..model.outputs.len())
        .filter(|&it| is_plane(model, it))
        .collect();
    let called = CALLED.iter().find_map(|word| {
        let mut called = planes.iter().filter(|&&it| model.calls(it, &[word]));
        called.next()
    });
    let Some(&output) = called.or_else(|| planes.first()) else {
        return Err(Unfit::new(
            format!(
                "task=matte understands a plane of floats ([1, 1, H, W] or [1, H, W]), and the model has {}",
                model.listed()
            ),
            "set another task, or task=tensor to get the tensors as they are",
        ));
    };
    let (values, sentence) = reading(model, output)?;
    let redundant = (0..model.outputs.len()).filter(|&it| it != output && says_the_same(model, it, output));
    let matte = Matte {
        output,
        values,
        redundant: redundant.collect(),
    };
    let mut fit = Fit::certain(Family::Matte(matte), None);
    fit.assumed.extend(sentence);
    Ok(fit)
}

/// Whether an output is one plane of floats.
fn is_plane(model: &Model, output: usize) -> bool {
    let several = |it: &Option<usize>| it.is_none_or(|it| 1 < it);
    let sizes = model.unbatched(output).unwrap_or_default();
    model.is_float(output)
        && match sizes.as_slice() {
            [height, width] | [Some(1), height, width] | [height, width, Some(1)] => {
                several(height) && several(width)
            }
            _ => false,
        }
}

/// Whether another output is the same map at another depth, or the colors of what is cut out.
fn says_the_same(model: &Model, output: usize, matte: usize) -> bool {
    let (sizes, own) = (model.sizes(output), model.sizes(matte));
    let same = model.is_float(output) && sizes == own;
    let colors = match (sizes.as_slice(), own.as_slice()) {
        ([_, Some(3), places @ ..], [_, Some(1), own @ ..]) => places == own,
        _ => false,
    };
    same || colors
}

/// How values of a plane are read, with the sentence for what nobody says.
pub(super) fn reading(model: &Model, output: usize) -> Result<(Values, Option<String>), Unfit> {
    let name = &model.outputs[output].name;
    let sentence = |what: &str| {
        let line =
            "ranges=0.0,1.0 or activation=sigmoid in its section of the .modelinfo says it for certain";
        Some(format!("{name} is taken for {what}; {line}."))
    };
    if let Some((low, high)) = model.evidence.range(output) {
        return Ok((Values::Range(low, high), None));
    }
    match model.activation()? {
        Some(Activation::Sigmoid | Activation::Softmax) => return Ok((Values::Logits, None)),
        Some(Activation::None) => return Ok((Values::Confidences, None)),
        None => {}
    }
    if model.evidence.bound(output) == Some(Bound::Confidences) {
        return Ok((Values::Confidences, None));
    }
    let extent = seen(model, output);
    Ok(match extent {
        Some(it) if it.is_of_confidences() => (
            Values::Confidences,
            sentence("confidences from 0 to 1, as a run at load gave them"),
        ),
        Some(_) => (
            Values::Logits,
            sentence("logits, as a run at load gave numbers beyond 0 and 1"),
        ),
        None => (
            Values::Unsaid,
            sentence("confidences, or for logits on a frame on which a value is not from 0 to 1"),
        ),
    })
}

/// The extent of an output in the run at load, if there was one with a number in it.
fn seen(model: &Model, output: usize) -> Option<Extent> {
    let mut scratch = Vec::new();
    let values = scan::floats(model.evidence.tensor(output)?, &mut scratch);
    Some(Extent::of(values.iter().copied())).filter(Extent::is_known)
}

/// Whether a plane lies over the picture: it has the input's proportions, and is not a few cells of it.
pub(super) fn is_over_picture(model: &Model, output: usize) -> bool {
    let sizes = model.unbatched(output).unwrap_or_default();
    let (height, width) = match sizes.as_slice() {
        [height, width] | [Some(1), height, width] | [height, width, Some(1)] => (*height, *width),
        _ => return false,
    };
    match (model.input, height.zip(width)) {
        (Some(input), Some((height, width))) => {
            let across = width as f64 / input.width as f64;
            let down = height as f64 / input.height as f64;
            LEAST_SCALE <= across && (across / down - 1.0).abs() < MOST_SKEW
        }
        // Both follow the frame's.
        (None, None) => height.is_none() && width.is_none(),
        (Some(_), None) => true,
        (None, Some(_)) => false,
    }
}

/// A map with fewer places for each pixel of the input has nothing of a picture left.
const LEAST_SCALE: f64 = 1.0 / 16.0;

/// What rounding may do to the proportions of a map.
const MOST_SKEW: f64 = 0.1;

/// Whether a plane is likely to be a matte: it lies over the picture, and its values go from 0 to 1, which those of
/// depths and heights do not.
pub(super) fn is_likely(model: &Model) -> bool {
    let Ok(Family::Matte(matte)) = fit(model).map(|it| it.family) else {
        return false;
    };
    is_over_picture(model, matte.output) && matches!(matte.values, Values::Confidences | Values::Range(..))
}
