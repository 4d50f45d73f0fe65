// SPDX-License-Identifier: MPL-2.0

//! The figures of each task, the primary one first.

use super::calibration_error::CalibrationError;
use super::figure::{ClassSums, Figure, Sums, mean, ratio};
use super::objects::{Objects, f1, panoptic_quality, sum};
use super::observation::Edits;
use super::precision::{BestF1, Ranking, Size};
use super::scores::RankCorrelation;
use crate::score::Energies;
use crate::score::fidelity::decibels;
use crate::score::overlap::Cells;
use crate::score::rank::agreement_of_ranks;

/// Decibels at which a ratio is cut: an equal picture has no finite one.
const MOST_DB: f64 = 100.0;

/// A part of each class's sums.
type OfSums<const N: usize> = fn([f64; N]) -> Option<f64>;

pub(super) fn of_objects(items: &[&Objects]) -> Vec<Figure> {
    let ranking = Ranking::new(items.iter().copied());
    let tallies: Vec<_> = items.iter().map(|it| it.tallies()).collect();
    let together = Sums {
        items: tallies.iter().map(|it| sum(it)).collect(),
        figure: f1,
    };
    let classes = ClassSums::new(tallies.into_iter());
    let precision = |name, size, thresholds| Figure::share(name, ranking.mean(size, thresholds));
    let each = |figure: OfSums<4>| classes.each(figure, |[_, hits, _, overlooked]| hits + overlooked);
    let of_classes = |name, figure| Figure::share(name, classes.mean(figure)).with_classes(each(figure));
    let mut figures = vec![
        precision("map", Size::All, 0..10).with_classes(ranking.each(0..10)),
        precision("map-50", Size::All, 0..1).with_classes(ranking.each(0..1)),
        precision("map-75", Size::All, 5..6),
        precision("map-small", Size::Small, 0..10),
        precision("map-medium", Size::Medium, 0..10),
        precision("map-large", Size::Large, 0..10),
        Figure::share("f1", together).with_classes(each(f1)),
        Figure::share("best-f1", BestF1::new(&ranking)),
        of_classes("recall", |[_, hits, _, overlooked]| {
            ratio([hits, hits + overlooked])
        }),
        of_classes("precision", |[_, hits, invented, _]| {
            ratio([hits, hits + invented])
        }),
    ];
    if items.iter().any(|it| it.are_outlined) {
        figures.insert(1, of_classes("panoptic-quality", panoptic_quality));
    }
    figures
}

/// Right class and how much it counts; the best classes of the answer with their confidences.
pub(super) type Label<'a> = (Option<(u32, f64)>, &'a [(u32, f64)]);

pub(super) fn of_labels(items: &[Label]) -> Vec<Figure> {
    let place = |&(truth, best): &Label| {
        let (class, weight) = truth?;
        Some((best.iter().position(|it| it.0 == class), weight))
    };
    let top = |most: usize| {
        let part = |(at, weight): (Option<usize>, f64)| match at {
            Some(at) if at < most => [weight, weight],
            _ => [0.0, weight],
        };
        Sums {
            items: items.iter().map(|it| place(it).map_or([0.0; 2], part)).collect(),
            figure: ratio,
        }
    };
    let classes = ClassSums::new(items.iter().map(|(truth, best)| {
        let Some((truth, weight)) = *truth else {
            return Vec::new();
        };
        let best = best.first().map(|it| it.0);
        let hit = if best == Some(truth) { weight } else { 0.0 };
        let answer = best.map(|it| (it, [0.0, 0.0, weight]));
        [(truth, [hit, weight, 0.0])].into_iter().chain(answer).collect()
    }));
    let certainty = items.iter().map(|(truth, best)| {
        let (truth, best) = truth.zip(best.first())?;
        Some((best.1, f64::from(u8::from(best.0 == truth.0))))
    });
    let of_classes = |name, figure| {
        Figure::share(name, classes.mean(figure)).with_classes(classes.each(figure, |it| it[1]))
    };
    let mut figures = vec![
        of_classes("balanced-accuracy", recall),
        Figure::share("top-1", top(1)),
        of_classes("macro-f1", dice),
        Figure::error("calibration-error", CalibrationError::new(certainty)),
    ];
    // Of five classes or fewer all are among the best five.
    if 5 < classes.classes.len() {
        figures.insert(2, Figure::share("top-5", top(5)));
    }
    figures
}

pub(super) fn of_places(items: &[&Cells]) -> Vec<Figure> {
    let parts = |cells: &&Cells| -> Vec<(u32, [f64; 3])> {
        let part = |&(truth, answer, count): &(u8, Option<u8>, u64)| {
            let (count, is_hit) = (count as f64, answer == Some(truth));
            let of_truth = (u32::from(truth), [if is_hit { count } else { 0.0 }, count, 0.0]);
            let of_answer = answer.map(|it| (u32::from(it), [0.0, 0.0, count]));
            [of_truth].into_iter().chain(of_answer)
        };
        cells.iter().flat_map(part).collect()
    };
    let classes = ClassSums::new(items.iter().map(parts));
    let right = |cells: &&Cells| {
        let count = |it: &(u8, Option<u8>, u64)| it.2 as f64;
        let hits = cells.iter().filter(|it| it.1 == Some(it.0)).map(count).sum();
        [hits, cells.iter().map(count).sum()]
    };
    let pixels = Sums {
        items: items.iter().map(right).collect(),
        figure: ratio,
    };
    let of_classes = |name, figure| {
        Figure::share(name, classes.mean(figure)).with_classes(classes.each(figure, |it| it[1]))
    };
    vec![
        of_classes("mean-iou", iou),
        of_classes("mean-dice", dice),
        of_classes("balanced-accuracy", recall),
        Figure::share("pixel-accuracy", pixels),
    ]
}

/// Hits over what the truth has: recall.
fn recall([hits, of_truth, _]: [f64; 3]) -> Option<f64> {
    ratio([hits, of_truth])
}

/// F1 of one class, which of places is the Dice index.
fn dice([hits, of_truth, of_answer]: [f64; 3]) -> Option<f64> {
    ratio([2.0 * hits, of_truth + of_answer])
}

fn iou([hits, of_truth, of_answer]: [f64; 3]) -> Option<f64> {
    ratio([hits, of_truth + of_answer - hits])
}

/// `overlaps` and mean absolute and squared differences of the items.
pub(super) fn of_coverages(overlaps: &[Option<f64>], differences: &[Option<[f64; 2]>]) -> Vec<Figure> {
    let difference = |at: usize| mean(differences.iter().map(move |it| it.map(|it| it[at])));
    vec![
        Figure::share("mean-iou", mean(overlaps.iter().copied())),
        Figure::error("mae", difference(0)),
        Figure::error("mse", difference(1)),
    ]
}

/// Indices, and mean squared errors with the numbers of samples that they are of.
pub(super) fn of_pictures(indices: &[Option<f64>], errors: &[(f64, f64)]) -> Vec<Figure> {
    let squares = Sums {
        items: errors
            .iter()
            .map(|(mse, samples)| [mse * samples, *samples])
            .collect(),
        figure: |sums| ratio(sums).map(|it| decibels(it).min(MOST_DB)),
    };
    let each = errors
        .iter()
        .map(|(mse, samples)| (0.0 < *samples).then(|| decibels(*mse).min(MOST_DB)));
    let of_peak: fn(f64) -> f64 = |db| 1.0 - 10f64.powf(-db / 20.0);
    vec![
        Figure::share("ssim", mean(indices.iter().copied())),
        Figure::share("psnr-db", squares).in_unit("dB", of_peak),
        Figure::share("mean-psnr-db", mean(each)).in_unit("dB", of_peak),
    ]
}

pub(super) fn of_sounds(items: &[(Energies, Option<f64>)]) -> Vec<Figure> {
    let together = Sums {
        items: items.iter().map(|it| it.0.sums()).collect(),
        figure: |sums| Energies::from_sums(sums).si_sdr_db(),
    };
    let each = items.iter().map(|(energies, _)| {
        let says_something = energies.has_reference();
        energies.si_sdr_db().filter(|_| says_something)
    });
    let of_ratio: fn(f64) -> f64 = |db| 1.0 / (1.0 + 10f64.powf(-db / 10.0));
    let mut figures = vec![
        Figure::share("si-sdr-db", together).in_unit("dB", of_ratio),
        Figure::share("mean-si-sdr-db", mean(each)).in_unit("dB", of_ratio),
    ];
    if items.iter().any(|it| it.1.is_some()) {
        figures.push(Figure::share("stoi", mean(items.iter().map(|it| it.1))));
    }
    figures
}

pub(super) fn of_scores(ranks: RankCorrelation) -> Vec<Figure> {
    vec![Figure::share("rank-correlation", ranks).in_unit("", agreement_of_ranks)]
}

pub(super) fn of_texts(items: &[Edits]) -> Vec<Figure> {
    let rate = |of: fn(&Edits) -> [u64; 2]| Sums {
        items: items
            .iter()
            .map(|it| of(it).map(|it| it as f64))
            .map(|[edits, all]| [edits, all, 1.0])
            .collect(),
        // As jiwer: where nothing was to be read, each insertion counts as one.
        figure: |[edits, all, items]| (0.0 < items).then(|| ratio([edits, all]).unwrap_or(edits)),
    };
    let is_right = items
        .iter()
        .map(|it| Some(f64::from(u8::from(it.of_characters == 0))));
    vec![
        Figure::error(
            "character-error-rate",
            rate(|it| [it.of_characters, it.characters]),
        ),
        Figure::error("word-error-rate", rate(|it| [it.of_words, it.words])),
        Figure::share("exact-match", mean(is_right)),
    ]
}
