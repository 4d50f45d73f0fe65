// SPDX-License-Identifier: MPL-2.0

//! Fits a fusion to answers whose truth is known, and says on parts that were left out whether it beats both sides.

use super::calibrate;
use super::fitted::{Fusion, SideFit};
use super::held::Holding;
use super::items::{FitError, Pairs, Raw, Right, Said};
use super::pool::{Distribution, Scaling, Side};
use super::report::{HeldOut, Report};
use super::worth::Measured;
use crate::recommend::{Clusters, FEWEST_CLUSTERS, FEWEST_ITEMS, TooLittle};

/// Parts of the material, each of which is judged by what was fitted to the others; clips, or stretches of time, stay whole.
pub const FOLDS: usize = 5;

/// Fits the fusion of two models to their answers about the same stretches.
///
/// `truth` has an entry for each answer about pictures; `None` is not labelled. An answer about sound belongs to a picture by
/// [`Holding::nearest`] within the same clip. `models` are their names, for people.
///
/// # Errors
///
/// Sentences that say what to change.
pub fn fit(
    models: [&str; 2],
    picture: &[Said],
    sound: &[Said],
    truth: &[Option<Right>],
    holding: &Holding,
) -> Result<Report, FitError> {
    let pairs = Pairs::of(picture, sound, truth, holding)?;
    let clusters = Clusters::new(&pairs.items);
    if pairs.len() < FEWEST_ITEMS || clusters.count() < FEWEST_CLUSTERS {
        return Err(FitError::TooLittle(TooLittle {
            value: None,
            items: pairs.len(),
            clusters: clusters.count(),
        }));
    }
    let folds = folds(&clusters, FOLDS);
    let mut judged: Vec<Option<[Distribution; 3]>> = vec![None; pairs.len()];
    for fold in 0..FOLDS {
        let (left_out, rest): (Vec<usize>, Vec<usize>) = (0..pairs.len()).partition(|it| folds[*it] == fold);
        let fitted = Fitted::to(&pairs, &rest);
        for item in left_out {
            judged[item] = Some(fitted.judge(&pairs, item));
        }
    }
    let judged: Vec<[Distribution; 3]> = judged.into_iter().flatten().collect();
    let all: Vec<usize> = (0..pairs.len()).collect();
    let fitted = Fitted::to(&pairs, &all);
    let sides = Side::BOTH.map(|side| {
        let answers = judged.iter().zip(&pairs.truth).filter_map(|(it, truth)| {
            let (class, confidence) = it[side.place()].best()?;
            Some((confidence, class == *truth))
        });
        SideFit {
            model: models[side.place()].to_owned(),
            scaling: fitted.scaling[side.place()],
            weight: fitted.weights[side.place()],
            measured: Measured::of(&answers.collect::<Vec<_>>()),
        }
    });
    let fusion = Fusion {
        labels: pairs.labels,
        sides,
    };
    let held_out = HeldOut {
        answers: &judged,
        truth: &pairs.truth,
        clusters,
    };
    Ok(Report::new(fusion, held_out, pairs.notes))
}

/// What was fitted to some of the items.
struct Fitted {
    scaling: [Scaling; 2],
    weights: [f64; 2],
}

impl Fitted {
    fn to(pairs: &Pairs, items: &[usize]) -> Fitted {
        let scaling = Side::BOTH.map(|side| scaling(&pairs.said[side.place()], &pairs.truth, items));
        let calibrated: Vec<[Distribution; 2]> = items
            .iter()
            .map(|item| {
                Side::BOTH.map(|side| pairs.said[side.place()][*item].calibrated(&scaling[side.place()]))
            })
            .collect();
        let known = calibrated.iter().zip(items);
        let known: Vec<_> = known
            .map(|(it, item)| (it.each_ref(), pairs.truth[*item]))
            .collect();
        Fitted {
            scaling,
            weights: calibrate::weights(&known),
        }
    }

    /// Picture, sound and their fusion.
    fn judge(&self, pairs: &Pairs, item: usize) -> [Distribution; 3] {
        let [picture, sound] =
            Side::BOTH.map(|side| pairs.said[side.place()][item].calibrated(&self.scaling[side.place()]));
        let mut fused = Distribution::default();
        fused.pool([&picture, &sound], self.weights);
        [picture, sound, fused]
    }
}

fn scaling(said: &[Raw], truth: &[usize], items: &[usize]) -> Scaling {
    let (mut classes, mut scores) = (Vec::new(), Vec::new());
    for item in items {
        match &said[*item] {
            Raw::Classes(it) => classes.push((it, truth[*item])),
            Raw::Score(score) => scores.push((*score, truth[*item] == 1)),
        }
    }
    if scores.is_empty() {
        return Scaling::Temperature(calibrate::temperature(&classes));
    }
    let (slope, intercept) = calibrate::platt(&scores);
    Scaling::Platt { slope, intercept }
}

/// The fold of each item: whole clusters, the largest first, each to the fold that has the fewest items.
fn folds(clusters: &Clusters, count: usize) -> Vec<usize> {
    let mut sizes = vec![0usize; clusters.count()];
    clusters.of().iter().for_each(|it| sizes[*it as usize] += 1);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|it| std::cmp::Reverse(sizes[*it]));
    let (mut fold_of, mut filled) = (vec![0; sizes.len()], vec![0usize; count.max(1)]);
    for cluster in order {
        let fold = (0..filled.len()).min_by_key(|it| filled[*it]).unwrap_or(0);
        fold_of[cluster] = fold;
        filled[fold] += sizes[cluster];
    }
    clusters.of().iter().map(|it| fold_of[*it as usize]).collect()
}
