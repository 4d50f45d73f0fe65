// SPDX-License-Identifier: MPL-2.0

//! The families of detectors by the names that the key `family` takes.

use super::fit::Fit;
use super::{boxes, levels, outputs, points, priors, text};
use crate::decode::model::Model;
use crate::decode::{Boxes, Extra, Family, Head, Unfit};

/// What finds the outputs of a family, and whether what it found is of this family.
type Finder = (fn(&Model) -> Result<Option<Fit>, Unfit>, fn(&Boxes) -> bool);

/// Names, what each needs, and who finds it.
const FAMILIES: &[(&str, &str, Finder)] = &[
    (
        "yolo",
        "[1, 4+C, N], [1, N, 5+C] or [1, N, 6]",
        (boxes::rows, is_yolo),
    ),
    ("yolox", "[1, N, 5+C]", (boxes::rows, is_yolo)),
    ("yolo-pose", "[1, 5+3k, N] with kpt_shape", (boxes::pose, is_pose)),
    ("yolo-obb", "[1, 4+C+1, N]", (boxes::turned, is_turned)),
    (
        "scrfd",
        "[N, 1], [N, 4] and [N, 2k] for each grid",
        (levels::fit, |it| is_head(it, Head::Scrfd)),
    ),
    (
        "yunet",
        "two [1, N, 1], [1, N, 4] and [1, N, 2k] for each grid",
        (levels::fit, |it| is_head(it, Head::YuNet)),
    ),
    (
        "picodet",
        "[1, N, C] and [1, N, 32] for each grid",
        (levels::fit, |it| is_head(it, Head::PicoDet)),
    ),
    (
        "nanodet",
        "[1, N, C+32]",
        (boxes::nanodet, |it| matches!(it, Boxes::NanoDet(_))),
    ),
    (
        "retinaface",
        "[1, N, 4], [1, N, 2] and [1, N, 2k]",
        (priors::fit, is_priors),
    ),
    ("ssd-priors", "[1, N, 4] and [1, N, C]", (priors::fit, is_priors)),
    (
        "ssd",
        "boxes, classes, scores, or boxes [1, N, 4] and scores [1, N, C]",
        (outputs::fit, is_ssd),
    ),
    (
        "ultraface",
        "scores [1, N, 2] and boxes [1, N, 4]",
        (outputs::dense, is_ssd),
    ),
    (
        "detr",
        "logits [1, N, C] and boxes [1, N, 4]",
        (outputs::queries, |it| matches!(it, Boxes::Detr(_))),
    ),
    (
        "rtdetr",
        "labels, boxes and scores, or logits and boxes",
        (outputs::fit, |it| matches!(it, Boxes::Detr(_) | Boxes::Ssd(_))),
    ),
    (
        "centerface",
        "maps of 1, 2, 2 and 2k planes",
        (
            |it| Ok(points::center_face(it)),
            |it| matches!(it, Boxes::CenterFace(_)),
        ),
    ),
    (
        "db",
        "a plane [1, 1, H, W] alone",
        (|it| Ok(text::fit_map(it)), |it| matches!(it, Boxes::TextMap(_))),
    ),
    (
        "landmarks",
        "one row of 2k or 3k numbers",
        (points::fit, |it| matches!(it, Boxes::Landmarks(_))),
    ),
];

fn is_yolo(boxes: &Boxes) -> bool {
    matches!(boxes, Boxes::Yolo(_) | Boxes::EndToEnd(_))
}

fn is_extra(boxes: &Boxes, wanted: fn(Extra) -> bool) -> bool {
    match boxes {
        Boxes::Yolo(it) => wanted(it.extra),
        Boxes::EndToEnd(it) => wanted(it.extra),
        _ => false,
    }
}

fn is_pose(boxes: &Boxes) -> bool {
    is_extra(boxes, |it| matches!(it, Extra::Points { .. }))
}

fn is_turned(boxes: &Boxes) -> bool {
    is_extra(boxes, |it| it == Extra::Angle)
}

fn is_head(boxes: &Boxes, head: Head) -> bool {
    matches!(boxes, Boxes::Levels(it) if it.head == head)
}

fn is_priors(boxes: &Boxes) -> bool {
    matches!(boxes, Boxes::Priors(_))
}

fn is_ssd(boxes: &Boxes) -> bool {
    matches!(boxes, Boxes::Ssd(_))
}

/// Whether the key asks for a family of detectors.
pub(super) fn is_detector(name: &str) -> bool {
    FAMILIES.iter().any(|(known, ..)| *known == name)
}

/// The names, for errors.
pub(super) fn names() -> String {
    let names: Vec<&str> = FAMILIES.iter().map(|(name, ..)| *name).collect();
    names.join(", ")
}

/// A model's outputs as those of the family that is asked for; an error where they are none.
pub(super) fn fit(name: &str, model: &Model) -> Result<Fit, Unfit> {
    let Some((_, needs, (find, is_of))) = FAMILIES.iter().find(|(known, ..)| *known == name) else {
        return Err(Unfit::new(
            format!("family={name} is no family of detectors that is known"),
            format!("write one of {}, or auto", names()),
        ));
    };
    let found = find(model)?;
    let is_right = |it: &Fit| matches!(&it.family, Family::Boxes(boxes) if is_of(boxes));
    found.filter(is_right).ok_or_else(|| {
        Unfit::new(
            format!(
                "family={name} needs outputs {needs}, and the model has {}",
                model.listed()
            ),
            "set family to what the model is, or auto",
        )
    })
}
