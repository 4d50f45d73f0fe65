// SPDX-License-Identifier: MPL-2.0

//! The objects of one item, found and true, and which is taken for which.

use serde::{Deserialize, Serialize};

use crate::answer::{Detection, Instance};
use crate::score::detection::{MIN_IOU, Overlap, box_overlap};
use crate::score::overlap::mask_overlap;

/// What COCO's files say of an object beyond its class and place.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Remark {
    /// It stands for many objects of its class, or is too hard to tell ("difficult" of PASCAL VOC): what is found in it is neither
    /// right nor wrong, and it is never overlooked.
    pub is_ignored: bool,
    /// Its own area in square pixels, by which it is small, medium or large; that of its box where this is absent.
    pub area: Option<f64>,
}

/// What was found and what is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Objects {
    /// The most confident first.
    pub found: Vec<Found>,
    pub objects: Vec<Object>,
    /// Which of `found` overlaps which of `objects` of its class by half or more, and by how much; in ascending order.
    overlaps: Vec<(u32, u32, f64)>,
    /// Whether the overlaps are those of outlines.
    pub are_outlined: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    pub class: u32,
    pub confidence: f32,
    pub area: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Object {
    pub class: u32,
    /// How much it counts, 0 to 1.
    pub weight: f64,
    pub area: f64,
    pub is_ignored: bool,
}

impl Objects {
    pub fn of_boxes(found: &[Detection], truth: &[Detection], remarks: &[Remark]) -> Objects {
        let found: Vec<&Detection> = found.iter().collect();
        let truth: Vec<&Detection> = truth.iter().collect();
        Objects::new(&found, &truth, remarks, |found, object| {
            box_overlap(&found.region, &object.region)
        })
    }

    pub fn of_outlines(found: &[Instance], truth: &[Instance], remarks: &[Remark]) -> Objects {
        let mut found: Vec<&Instance> = found.iter().collect();
        found.sort_by(|one, other| by_confidence(&one.detection, &other.detection));
        let boxes = |all: &[&Instance]| all.iter().map(|it| it.detection.clone()).collect::<Vec<_>>();
        let (found_boxes, truth_boxes) = (boxes(&found), boxes(&truth.iter().collect::<Vec<_>>()));
        let mut objects = Objects::of_boxes(&found_boxes, &truth_boxes, remarks);
        objects.are_outlined = true;
        objects.overlaps = overlapping(&objects, |one, other| mask_overlap(found[one], &truth[other]));
        objects
    }

    fn new(
        found: &[&Detection],
        truth: &[&Detection],
        remarks: &[Remark],
        overlap: impl Fn(&Detection, &Detection) -> Overlap,
    ) -> Objects {
        let mut found = found.to_vec();
        found.sort_by(|one, other| by_confidence(one, other));
        let object = |(at, it): (usize, &&Detection)| {
            let remark = remarks.get(at).copied().unwrap_or_default();
            Object {
                class: it.class,
                weight: weight(it.confidence),
                area: remark.area.unwrap_or_else(|| area(it)),
                is_ignored: remark.is_ignored,
            }
        };
        let mut objects = Objects {
            found: found.iter().map(|it| Found::of(it)).collect(),
            objects: truth.iter().enumerate().map(object).collect(),
            ..Objects::default()
        };
        objects.overlaps = overlapping(&objects, |one, other| overlap(found[one], truth[other]));
        objects
    }

    /// For each of `found`, the object that it is taken for and their overlap, by COCO's rule (`pycocotools`, `evaluateImg`): the
    /// most confident first, each takes the object of its class that it overlaps most, by `threshold` at least, and that no other
    /// has; one that is ignored only where there is no other, and as often as one likes. `is_used` says which of `found` take part.
    pub fn matched(
        &self,
        threshold: f64,
        is_ignored: &[bool],
        is_used: &[bool],
    ) -> Vec<Option<(usize, f64)>> {
        let mut is_taken = vec![false; self.objects.len()];
        let mut matches = vec![None; self.found.len()];
        for candidates in self.overlaps.chunk_by(|one, other| one.0 == other.0) {
            let found = candidates[0].0 as usize;
            if !is_used[found] {
                continue;
            }
            let mut best: Option<(usize, f64)> = None;
            for ignored in [false, true] {
                // Of equal ones the last, as there.
                for &(_, object, overlap) in candidates {
                    let object = object as usize;
                    let is_free = !is_taken[object] || self.objects[object].is_ignored;
                    let least = best.map_or(threshold.min(1.0 - 1e-10), |it| it.1);
                    if is_ignored[object] == ignored && is_free && least <= overlap {
                        best = Some((object, overlap));
                    }
                }
                if best.is_some() {
                    break;
                }
            }
            if let Some((object, _)) = best {
                is_taken[object] = true;
            }
            matches[found] = best;
        }
        matches
    }

    /// Class, overlap and whether it counts of each pair at half an overlap; and what has no pair.
    fn pairs(&self) -> Vec<Option<(usize, f64)>> {
        let is_ignored: Vec<bool> = self.objects.iter().map(|it| it.is_ignored).collect();
        self.matched(f64::from(MIN_IOU), &is_ignored, &vec![true; self.found.len()])
    }

    /// Of each object and each find: its class, the overlap of pairs, hits, inventions and oversights. An object counts by
    /// `weight`.
    fn tallies_by(&self, weight: impl Fn(&Object) -> f64) -> Vec<(u32, [f64; 4])> {
        let pairs = self.pairs();
        let mut tallies = Vec::new();
        for (found, pair) in self.found.iter().zip(&pairs) {
            match pair {
                Some((object, _)) if self.objects[*object].is_ignored => (),
                Some((object, overlap)) => {
                    let weight = weight(&self.objects[*object]);
                    tallies.push((found.class, [weight * overlap, weight, 0.0, 0.0]));
                }
                None => tallies.push((found.class, [0.0, 0.0, 1.0, 0.0])),
            }
        }
        for (at, object) in self.objects.iter().enumerate().filter(|it| !it.1.is_ignored) {
            if !pairs.iter().flatten().any(|it| it.0 == at) {
                tallies.push((object.class, [0.0, 0.0, 0.0, weight(object)]));
            }
        }
        tallies
    }

    pub fn tallies(&self) -> Vec<(u32, [f64; 4])> {
        self.tallies_by(|it| it.weight)
    }

    /// All classes together, each object counting once.
    fn total(&self) -> [f64; 4] {
        sum(&self.tallies_by(|_| 1.0))
    }

    /// As [`crate::score::detection::Matching::f1`].
    pub fn f1(&self) -> f64 {
        f1(self.total()).unwrap_or(1.0)
    }

    /// As [`crate::score::overlap::panoptic_quality`].
    pub fn panoptic_quality(&self) -> f64 {
        panoptic_quality(self.total()).unwrap_or(1.0)
    }
}

/// Of all classes together.
pub(super) fn sum(tallies: &[(u32, [f64; 4])]) -> [f64; 4] {
    let mut total = [0.0; 4];
    for (_, parts) in tallies {
        total.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    total
}

/// 2 TP / (2 TP + FP + FN); `None` where there is nothing.
pub(super) fn f1([_, hits, invented, overlooked]: [f64; 4]) -> Option<f64> {
    let all = 2.0 * hits + invented + overlooked;
    (0.0 < all).then(|| 2.0 * hits / all)
}

/// The overlaps over the pairs and half of what has none; `None` where there is nothing.
pub(super) fn panoptic_quality([overlap, hits, invented, overlooked]: [f64; 4]) -> Option<f64> {
    let all = hits + (invented + overlooked) / 2.0;
    (0.0 < all).then(|| overlap / all)
}

/// How much of an object a truth of this confidence stands for; one that is no number, for none.
fn weight(confidence: f32) -> f64 {
    f64::from(confidence).clamp(0.0, 1.0).max(0.0)
}

fn area(it: &Detection) -> f64 {
    let area = f64::from(it.region.width) * f64::from(it.region.height);
    if area.is_finite() { area } else { 0.0 }
}

fn by_confidence(one: &Detection, other: &Detection) -> std::cmp::Ordering {
    known(other.confidence).total_cmp(&known(one.confidence))
}

/// A confidence that has an order and can be written; one that is no number comes last.
fn known(confidence: f32) -> f32 {
    if confidence.is_nan() {
        f32::MIN
    } else {
        confidence.clamp(f32::MIN, f32::MAX)
    }
}

impl Found {
    fn of(it: &Detection) -> Found {
        Found {
            class: it.class,
            confidence: known(it.confidence),
            area: area(it),
        }
    }
}

/// Where an object is ignored, what counts is how much of the find lies in it.
fn overlapping(objects: &Objects, overlap: impl Fn(usize, usize) -> Overlap) -> Vec<(u32, u32, f64)> {
    let mut overlaps = Vec::new();
    for (one, found) in objects.found.iter().enumerate() {
        for (other, object) in objects.objects.iter().enumerate() {
            if found.class != object.class {
                continue;
            }
            let overlap = overlap(one, other);
            let share = if object.is_ignored {
                overlap.share_of_found()
            } else {
                overlap.iou()
            };
            if f64::from(MIN_IOU) <= share {
                overlaps.push((one as u32, other as u32, share));
            }
        }
    }
    overlaps
}
