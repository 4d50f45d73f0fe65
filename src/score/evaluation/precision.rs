// SPDX-License-Identifier: MPL-2.0

//! Average precision as COCO defines it (`pycocotools`, `COCOeval`), by weights of the items.

use std::sync::Arc;

use super::figure::{ClassFigure, mean_of};
use super::objects::Objects;
use crate::score::Statistic;

/// Overlaps that a find must reach: 0.5, 0.55 … 0.95.
const THRESHOLDS: usize = 10;

/// Finds of one class that count on one item, the most confident ones.
const MOST: usize = 100;

/// Recalls at which the curve of precision is read: 0, 0.01 … 1.
const RECALLS: usize = 101;

/// Areas in square pixels, both included: all, small, medium, large.
const AREAS: [[f64; 2]; 4] = [
    [0.0, 1e10],
    [0.0, 32.0 * 32.0],
    [32.0 * 32.0, 96.0 * 96.0],
    [96.0 * 96.0, 1e10],
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    All,
    Small,
    Medium,
    Large,
}

/// All finds of all items in the order of their confidence, and what they have hit.
pub(super) struct Ranking {
    items: usize,
    /// In the order of their numbers.
    classes: Vec<Class>,
}

struct Class {
    class: u32,
    areas: [Area; 4],
}

#[derive(Default)]
struct Area {
    /// Item and weight of each object.
    objects: Vec<(usize, f64)>,
    /// The most confident first.
    found: Vec<Ranked>,
}

struct Ranked {
    item: usize,
    confidence: f32,
    /// By threshold, the weight of the object that it hits.
    hit: [f32; THRESHOLDS],
    /// By threshold, 1 where it is wrong; neither where it does not count.
    wrong: [f32; THRESHOLDS],
}

fn threshold(at: usize) -> f64 {
    // numpy.linspace(.5, .95, 10), to the last bit.
    if at + 1 == THRESHOLDS {
        return 0.95;
    }
    at as f64 * ((0.95 - 0.5) / 9.0) + 0.5
}

impl Ranking {
    pub fn new<'a>(items: impl Iterator<Item = &'a Objects> + Clone) -> Arc<Ranking> {
        let both = |it: &'a Objects| {
            let objects = it.objects.iter().map(|it| it.class);
            objects.chain(it.found.iter().map(|it| it.class))
        };
        let mut numbers: Vec<u32> = items.clone().flat_map(both).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let class = |&class: &u32| Class {
            class,
            areas: Default::default(),
        };
        let mut ranking = Ranking {
            items: 0,
            classes: numbers.iter().map(class).collect(),
        };
        for item in items {
            ranking.push(item);
        }
        for area in ranking.classes.iter_mut().flat_map(|it| &mut it.areas) {
            // Of equal ones, the earlier item first.
            area.found
                .sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
        }
        Arc::new(ranking)
    }

    fn place(&self, class: u32) -> Option<usize> {
        self.classes.binary_search_by_key(&class, |it| it.class).ok()
    }

    fn push(&mut self, item: &Objects) {
        let mut counts = vec![0; self.classes.len()];
        let places: Vec<usize> = item.found.iter().filter_map(|it| self.place(it.class)).collect();
        let is_used: Vec<bool> = places
            .iter()
            .map(|&class| {
                counts[class] += 1;
                counts[class] <= MOST
            })
            .collect();
        for (size, [least, most]) in AREAS.into_iter().enumerate() {
            let is_outside = |area: f64| area < least || most < area;
            let is_ignored: Vec<bool> = item
                .objects
                .iter()
                .map(|it| it.is_ignored || is_outside(it.area))
                .collect();
            for (object, _) in item.objects.iter().zip(&is_ignored).filter(|it| !it.1) {
                if let Some(class) = self.place(object.class) {
                    let area = &mut self.classes[class].areas[size];
                    area.objects.push((self.items, object.weight));
                }
            }
            let mut ranked: Vec<Ranked> = item
                .found
                .iter()
                .map(|it| Ranked {
                    item: self.items,
                    confidence: it.confidence,
                    hit: [0.0; THRESHOLDS],
                    wrong: [0.0; THRESHOLDS],
                })
                .collect();
            for at in 0..THRESHOLDS {
                let matched = item.matched(threshold(at), &is_ignored, &is_used);
                for ((ranked, found), pair) in ranked.iter_mut().zip(&item.found).zip(matched) {
                    match pair {
                        Some((object, _)) if is_ignored[object] => (),
                        Some((object, _)) => ranked.hit[at] = item.objects[object].weight as f32,
                        None if is_outside(found.area) => (),
                        None => ranked.wrong[at] = 1.0,
                    }
                }
            }
            for ((ranked, class), _) in ranked.into_iter().zip(&places).zip(&is_used).filter(|it| *it.1) {
                self.classes[*class].areas[size].found.push(ranked);
            }
        }
        self.items += 1;
    }

    /// The mean over the classes that have objects and over `thresholds`, by position.
    pub fn mean(self: &Arc<Self>, size: Size, thresholds: std::ops::Range<usize>) -> Precision {
        Precision {
            ranking: self.clone(),
            class: None,
            size,
            thresholds,
        }
    }

    /// The precision of each class.
    pub fn each(self: &Arc<Self>, thresholds: std::ops::Range<usize>) -> Vec<ClassFigure> {
        let classes = self.classes.iter().enumerate();
        classes
            .map(|(at, it)| ClassFigure {
                class: it.class,
                support: it.areas[0].objects.iter().map(|it| it.1).sum(),
                statistic: Box::new(Precision {
                    ranking: self.clone(),
                    class: Some(at),
                    size: Size::All,
                    thresholds: thresholds.clone(),
                }),
            })
            .collect()
    }
}

/// Mean average precision.
pub(super) struct Precision {
    ranking: Arc<Ranking>,
    /// One alone, by its position.
    class: Option<usize>,
    size: Size,
    thresholds: std::ops::Range<usize>,
}

impl Statistic for Precision {
    fn len(&self) -> usize {
        self.ranking.items
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let area = |it: &Class| self.area(&it.areas[self.size as usize], weights);
        match self.class {
            Some(class) => area(&self.ranking.classes[class]),
            None => mean_of(self.ranking.classes.iter().filter_map(area)),
        }
    }
}

impl Precision {
    /// Of one class; `None` without an object.
    fn area(&self, area: &Area, weights: &[f64]) -> Option<f64> {
        let weight = |item: usize| weights.get(item).copied().unwrap_or_default();
        let total: f64 = area.objects.iter().map(|it| weight(it.0) * it.1).sum();
        if total <= 0.0 {
            return None;
        }
        // By threshold: what was right and wrong so far, and recall and precision after each hit; in between precision only
        // falls, so that nothing else can be the best at a recall.
        let mut sums = [(0.0, 0.0); THRESHOLDS];
        let mut curves: [Vec<(f64, f64)>; THRESHOLDS] = Default::default();
        for found in &area.found {
            let weight = weight(found.item);
            if weight <= 0.0 {
                continue;
            }
            for at in self.thresholds.clone() {
                let (right, wrong) = &mut sums[at];
                *wrong += weight * f64::from(found.wrong[at]);
                if 0.0 < found.hit[at] {
                    *right += weight * f64::from(found.hit[at]);
                    // Weights add up to a little less than their total in another order.
                    let recall = Some(*right / total).filter(|it| *it < 1.0 - 1e-12);
                    curves[at].push((recall.unwrap_or(1.0), *right / (*right + *wrong)));
                }
            }
        }
        mean_of(
            curves[self.thresholds.clone()]
                .iter_mut()
                .map(|it| mean_height(it)),
        )
    }
}

/// The mean over the recalls of the best precision there or beyond.
fn mean_height(curve: &mut [(f64, f64)]) -> f64 {
    let mut best = 0.0f64;
    for (_, precision) in curve.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    let (mut sum, mut at) = (0.0, 0);
    for step in 0..RECALLS {
        // numpy.linspace(0, 1, 101), to the last bit.
        let recall = step as f64 * 0.01;
        at += curve[at..].iter().take_while(|it| it.0 < recall).count();
        sum += curve.get(at).map_or(0.0, |it| it.1);
    }
    sum / RECALLS as f64
}

/// F1 at the confidence from which on it is best, at an overlap of a half: that of one threshold for all classes.
pub(super) struct BestF1 {
    items: usize,
    /// Item and weight of each object.
    objects: Vec<(usize, f64)>,
    /// Item, confidence, hit and wrong; the most confident first.
    found: Vec<(usize, f32, f64, f64)>,
}

impl BestF1 {
    pub fn new(ranking: &Ranking) -> BestF1 {
        let all = || ranking.classes.iter().map(|it| &it.areas[0]);
        let found = all().flat_map(|it| &it.found);
        let mut found: Vec<_> = found
            .map(|it| {
                (
                    it.item,
                    it.confidence,
                    f64::from(it.hit[0]),
                    f64::from(it.wrong[0]),
                )
            })
            .collect();
        found.sort_by(|one, other| other.1.total_cmp(&one.1));
        BestF1 {
            items: ranking.items,
            objects: all().flat_map(|it| &it.objects).copied().collect(),
            found,
        }
    }
}

impl Statistic for BestF1 {
    fn len(&self) -> usize {
        self.items
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let weight = |item: usize| weights.get(item).copied().unwrap_or_default();
        let total: f64 = self.objects.iter().map(|it| weight(it.0) * it.1).sum();
        let (mut hits, mut wrong, mut best) = (0.0, 0.0, 0.0f64);
        for equal in self.found.chunk_by(|one, other| one.1 == other.1) {
            for it in equal {
                hits += weight(it.0) * it.2;
                wrong += weight(it.0) * it.3;
            }
            best = best.max(2.0 * hits / (hits + wrong + total));
        }
        (0.0 < total).then_some(best)
    }
}
