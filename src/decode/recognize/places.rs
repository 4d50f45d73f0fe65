// SPDX-License-Identifier: MPL-2.0

//! Outputs of models that segment.

use super::fit::{Family, Fit};
use super::{boxes, matte};
use crate::decode::model::Model;
use crate::decode::segment::VOID;
use crate::decode::values::Values;
use crate::decode::{Map, Places, Prototypes, Unfit};

/// Prototype masks that a model may have; the usual number is 32.
const MOST_PROTOTYPES: usize = 1024;

/// Boxes with prototype masks, else a map.
pub(super) fn fit(model: &Model) -> Result<Fit, Unfit> {
    if let Some(fit) = instances(model)? {
        return Ok(fit);
    }
    map(model)?.ok_or_else(|| {
        Unfit::new(
            format!(
                "task=segment understands maps of classes ([1, H, W] or [1, 1, H, W]), scores ([1, C, H, W] or \
                 [1, H, W, C]) and YOLO's boxes with prototypes ([1, 4+C+K, N] and [1, K, h, w]), and the model has {}",
                model.listed()
            ),
            "export it in one of these forms, or set task=tensor to get the tensors as they are",
        )
    })
}

fn instances(model: &Model) -> Result<Option<Fit>, Unfit> {
    let Some((output, sizes)) = model.first_of_rank(3) else {
        return Ok(None);
    };
    let Some(count) = sizes[0].filter(|it| *it <= MOST_PROTOTYPES) else {
        return Ok(None);
    };
    let Some(fit) = boxes::yolo(model, count)? else {
        return Ok(None);
    };
    let Family::Boxes(boxes) = fit.family else {
        return Ok(None);
    };
    let family = Family::Instances(boxes, Prototypes { output, count });
    Ok(Some(Fit { family, ..fit }))
}

fn map(model: &Model) -> Result<Option<Fit>, Unfit> {
    for output in 0..model.outputs.len() {
        let Some(sizes) = model.unbatched(output) else {
            continue;
        };
        let Some(places) = places(model, &sizes, model.is_float(output)) else {
            continue;
        };
        let classes = match places {
            Places::Classes | Places::Foreground(_) => None,
            Places::Planes { classes } | Places::Interleaved { classes } => Some(classes),
        };
        if let Some(classes) = classes.filter(|it| usize::from(VOID) < *it) {
            return Err(Unfit::new(
                format!("the model segments {classes} classes, and a map holds {VOID}"),
                "set task=tensor to get the tensors as they are",
            ));
        }
        let (places, sentence) = match places {
            Places::Foreground(_) => {
                let (values, sentence) = matte::reading(model, output)?;
                (Places::Foreground(values), sentence)
            }
            places => (places, None),
        };
        let mut fit = Fit::certain(Family::Map(Map { output, places }), classes);
        if matches!(places, Places::Foreground(_)) {
            fit.assumed.push(format!(
                "{} is taken for the foreground, which is where it is above mask-threshold.",
                model.outputs[output].name
            ));
        }
        fit.assumed.extend(sentence);
        return Ok(Some(fit));
    }
    Ok(None)
}

/// What sizes without the batch say.
fn places(model: &Model, sizes: &[Option<usize>], float: bool) -> Option<Places> {
    let single = if float {
        Places::Foreground(Values::Unsaid)
    } else {
        Places::Classes
    };
    match *sizes {
        [_, _] | [Some(1), _, _] | [_, _, Some(1)] => Some(single),
        [first, _, last] if float => {
            let planes = first.map(|classes| Places::Planes { classes });
            let interleaved = last.map(|classes| Places::Interleaved { classes });
            match (first, last) {
                (Some(first), Some(last)) => {
                    let labels = model.labels.filter(|it| [first, last].contains(it));
                    let by_labels = labels.map(|it| it == first);
                    // There are fewer classes than places in a row.
                    if by_labels.unwrap_or(first <= last) {
                        planes
                    } else {
                        interleaved
                    }
                }
                _ => planes.or(interleaved),
            }
        }
        _ => None,
    }
}

/// Whether a map is more likely to be one than a picture or a depth, which have one or three planes.
pub(super) fn is_likely(model: &Model) -> bool {
    match fit(model).map(|it| it.family) {
        Ok(Family::Map(map)) => match map.places {
            Places::Classes => true,
            Places::Foreground(_) => false,
            Places::Planes { classes } | Places::Interleaved { classes } => {
                let sizes = model.sizes(map.output);
                let flat = sizes.iter().filter(|it| **it != Some(1)).count() < 3;
                !flat && (classes != 3 || model.labels == Some(3))
            }
        },
        Ok(_) => true,
        Err(_) => false,
    }
}
