// SPDX-License-Identifier: MPL-2.0

//! Models of key points alone, CenterFace's maps, and cascades whose single nets are no detectors.

use super::fit::{Family, Fit};
use crate::decode::model::{Model, Units};
use crate::decode::{Boxes, CenterFace, Landmarks, Unfit};

/// Numbers that public models of key points have: 5, 68, 98 and 106 points of a face; 468 and 478 with depth; 21 of a
/// hand with depth.
const USUAL: [usize; 8] = [10, 136, 196, 212, 1404, 1434, 63, 42];

/// Names that outputs of key points have.
const NAMES: [&str; 5] = ["landmark", "ldmk", "landms", "keypoint", "kpts"];

/// The only output that is one row of numbers of this count, and how many there are.
fn row(model: &Model) -> Option<(usize, usize)> {
    let of = |output: usize| {
        let sizes = model.sizes(output);
        let (batch, rest) = sizes.split_first()?;
        let times = |all: usize, size: &Option<usize>| size.and_then(|it| all.checked_mul(it));
        let count = rest.iter().try_fold(1, times)?;
        let is_row = matches!(batch, None | Some(1)) && 4 <= count && (count % 2 == 0 || count % 3 == 0);
        (is_row && model.is_float(output)).then_some((output, count))
    };
    let mut rows = (0..model.outputs.len()).filter_map(of);
    rows.next().filter(|_| rows.next().is_none())
}

/// Whether the outputs are said to be key points of one object by their names.
pub(super) fn is_named(model: &Model) -> bool {
    row(model).is_some_and(|(output, _)| model.calls(output, &NAMES))
}

/// A doubt about a model of key points that looks like a classifier.
pub(super) fn doubt(model: &Model) -> Option<Unfit> {
    let (_, count) = row(model).filter(|_| model.labels.is_none() && model.family().is_none())?;
    (USUAL.contains(&count) && model.outputs.len() <= 2).then(|| {
        Unfit::new(
            format!(
                "{count} numbers without labels may be coordinates of key points as well as classes ({})",
                model.listed()
            ),
            "set family=landmarks for key points, or task=classify for classes",
        )
    })
}

/// One row of coordinates.
pub(super) fn fit(model: &Model) -> Result<Option<Fit>, Unfit> {
    let Some((output, count)) = row(model) else {
        return Ok(None);
    };
    let sizes = model.sizes(output);
    let each = match sizes.last() {
        // A point a row.
        Some(Some(each @ (2 | 3))) if 2 < sizes.len() => *each,
        _ if matches!(count, 1404 | 1434 | 63) || count % 2 != 0 => 3,
        _ => 2,
    };
    let presence = (0..model.outputs.len()).find(|&it| {
        it != output && model.is_float(it) && model.sizes(it).iter().all(|it| matches!(it, None | Some(1)))
    });
    let units = model.units()?.unwrap_or(Units::Unsaid);
    let landmarks = Landmarks {
        output,
        points: count / each,
        each,
        units,
        presence,
    };
    let mut fit = Fit::certain(Family::Boxes(Boxes::Landmarks(landmarks)), Some(1));
    fit.assumed.push(format!(
        "{} is taken for {} points of one object; their numbers are pixels of the input where some are beyond 2, from \
         -1 to 1 where some are below -0.3, else fractions, which boxes=pixels or fractions says for certain.",
        model.outputs[output].name,
        count / each
    ));
    Ok(Some(fit))
}

/// Maps of a heat, sizes, offsets and key points.
pub(super) fn center_face(model: &Model) -> Option<Fit> {
    let planes = |output: usize| match model.sizes(output)[..] {
        [_, Some(planes), _, _] if model.is_float(output) => Some(planes),
        _ => None,
    };
    let all: Option<Vec<usize>> = (0..model.outputs.len()).map(planes).collect();
    let [1, 2, 2, points] = all?[..] else {
        return None;
    };
    let family = Boxes::CenterFace(CenterFace {
        heat: 0,
        sizes: 1,
        offsets: 2,
        points: 3,
        key_points: points / 2,
    });
    let is_points = points % 2 == 0 && 4 <= points;
    is_points.then(|| {
        let mut fit = Fit::certain(Family::Boxes(family), Some(1));
        fit.assumed.push(format!(
            "The maps {} are taken for those of CenterFace: a heat, logarithms of sizes, offsets and {} key points.",
            model.listed(),
            points / 2
        ));
        fit
    })
}

/// Says of a single net of MTCNN that it is no detector: it judges one small picture, or each place of one, and the
/// boxes are corrections of where that was cut out.
pub(super) fn cascade(model: &Model) -> Option<Unfit> {
    let sizes: Vec<Vec<Option<usize>>> = (0..model.outputs.len()).map(|it| model.sizes(it)).collect();
    let single = |it: &[Option<usize>]| matches!(it, [_, Some(_)]) && it[0] == Some(1);
    let place = |it: &[Option<usize>]| it.len() == 4;
    let same_kind = sizes.iter().all(|it| single(it)) || sizes.iter().all(|it| place(it));
    let planes = |it: &Vec<Option<usize>>| {
        let last = it.last().copied().flatten();
        let second = it.get(1).copied().flatten();
        if it.len() == 4 && !matches!(last, Some(2 | 4 | 10)) {
            second
        } else {
            last
        }
    };
    let mut counts: Vec<Option<usize>> = sizes.iter().map(planes).collect();
    counts.sort_unstable();
    let is_net = matches!(counts[..], [Some(2), Some(4)] | [Some(2), Some(4), Some(10)]);
    (same_kind && is_net && model.family().is_none()).then(|| {
        Unfit::new(
            format!(
                "{} looks like a single net of a cascade (MTCNN), whose boxes only correct where its input was cut out",
                model.listed()
            ),
            "use a detector in one network, or task=tensor to run the cascade in the application",
        )
    })
}
