// SPDX-License-Identifier: MPL-2.0

//! Whether a family explains all that a model says: outputs that carry data and that nobody reads are a sign that the
//! model is something else.

use super::fit::Family;
use crate::decode::model::Model;
use crate::decode::{Boxes, Unfit};
use crate::tensor::ElementType;

/// The outputs that carry data, and that the family neither reads nor knows to say the same again.
pub(super) fn unexplained(family: &Family, model: &Model) -> Vec<usize> {
    let read = family.outputs_read();
    let carries = |output: &usize| !model.sizes(*output).contains(&Some(0));
    (0..model.outputs.len())
        .filter(|it| !read.contains(it))
        .filter(carries)
        .filter(|&it| !is_redundant(family, model, it))
        .collect()
}

/// Refuses a detector of which outputs are not read, and warns of outputs that other answers leave out.
///
/// A detector whose boxes are read from a part of its outputs finds nothing, or nonsense; a row of classes is right
/// also where the model says more.
pub(super) fn check(family: &Family, model: &Model, warnings: &mut Vec<String>) -> Result<(), Unfit> {
    let unread = unexplained(family, model);
    if unread.is_empty() {
        return Ok(());
    }
    let names = model.names(&unread);
    if matches!(family, Family::Boxes(_) | Family::Instances(..)) {
        return Err(Unfit::doubt(
            format!(
                "by the shape of some of its outputs the model is a detector ({}), but nothing is known of {names}",
                family.name()
            ),
            "set task=tensor to get the tensors as they are, or export the model with suppression inside",
        ));
    }
    warnings.push(format!(
        "The answer is that of {}; {names} is not read. task=tensor gives all outputs.",
        model.names(&family.outputs_read())
    ));
    Ok(())
}

/// Whether an output says again what the family reads elsewhere.
fn is_redundant(family: &Family, model: &Model, output: usize) -> bool {
    match family {
        Family::Boxes(Boxes::Yolo(yolo)) => is_raw_head(model, output, yolo.attributes()),
        // The same map at another depth, or from a helper that was needed in training.
        Family::Map(map) => model.sizes(output) == model.sizes(map.output) && model.is_float(output),
        // The best class, beside the confidences of all.
        Family::Classes(_) => {
            let single = model.sizes(output).iter().all(|it| matches!(it, None | Some(1)));
            let is_whole = matches!(
                model.outputs[output].element_type,
                ElementType::I32 | ElementType::I64
            );
            single && is_whole
        }
        _ => false,
    }
}

/// Whether an output is one grid of YOLO's proposals before they were put together, [1, 3, H, W, attributes], as old
/// exporters leave beside the whole.
fn is_raw_head(model: &Model, output: usize, attributes: usize) -> bool {
    matches!(model.sizes(output).as_slice(), [_, _, _, _, Some(last)] if *last == attributes)
}
