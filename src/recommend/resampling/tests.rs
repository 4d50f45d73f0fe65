// SPDX-License-Identifier: MPL-2.0

use super::*;
use crate::recommend::{Item, Scale};

struct Mean(Vec<f64>);

impl Statistic for Mean {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let sum: f64 = self.0.iter().zip(weights).map(|it| it.0 * it.1).sum();
        (0.0 < total).then(|| sum / total)
    }
}

#[test]
fn the_standard_error_of_a_mean_of_single_items_is_the_textbooks() {
    let values: Vec<f64> = (0..30).map(|it| f64::from(it * it % 17)).collect();
    let mean = values.iter().sum::<f64>() / 30.0;
    let variance = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 29.0;
    let resampling = Resampling::new(Clusters::of_each(30), vec![1.0; 30], 4000, 1);
    let figure = resampling.of(&Mean(values)).unwrap();
    let se = resampling.standard_error(&figure).unwrap();
    assert!((se - (variance / 30.0).sqrt()).abs() < 1e-9);
    let spread = figure.draws.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 4000.0;
    assert!(
        (spread.sqrt() / se - 1.0).abs() < 0.05,
        "the draws spread as much: {spread}"
    );
    let all = resampling.from_population(30);
    assert_eq!(
        all.standard_error(&figure),
        Some(0.0),
        "nothing is open of what was seen whole"
    );
}

#[test]
fn who_was_judged_on_fewer_items_is_compared_on_those() {
    let items: Vec<Item> = (0..60)
        .map(|it| Item {
            clip: it / 5,
            ..Item::default()
        })
        .collect();
    // The second half is much easier; the second model is worse by 0.1 on each item.
    let ease: Vec<f64> = (0..60).map(|it| if it < 30 { 0.4 } else { 0.8 }).collect();
    let longer = Mean(ease.clone());
    let fewer = Mean(ease[..30].iter().map(|it| it - 0.1).collect());
    let resampling = Resampling::new(Clusters::new(&items), vec![1.0; 60], 50, 1);
    let fewer = resampling.of_fewer(&fewer, &[1.0; 30], &longer).unwrap();
    assert!((fewer.value - 0.5).abs() < 1e-9);
    let longer = resampling.of(&longer).unwrap();
    let difference = resampling.difference(&longer, &fewer).unwrap();
    assert!(
        (difference.value - 0.1).abs() < 1e-9 && difference.half_width() < 1e-6,
        "{difference:?}"
    );
    assert!(resampling.estimate(&longer, Scale::Share).unwrap().covers(0.6));
}

#[test]
fn a_clip_that_is_one_stretch_is_resampled_with_others() {
    let items = [(0, 0.0), (0, 1.0), (0, 2.0), (1, 0.0), (2, 0.0)];
    let items = items.map(|(clip, time)| Item {
        clip,
        time,
        stratum: 0,
    });
    let clusters = Clusters::new(&items);
    let resampling = Resampling::new(clusters, vec![1.0; 5], 10, 1);
    let figure = resampling.of(&Mean(vec![1.0, 2.0, 3.0, 4.0, 5.0])).unwrap();
    assert_eq!(figure.without.len(), resampling.clusters().count());
    assert!(
        figure.without.iter().all(|it| it.is_finite()) && 0.0 < resampling.standard_error(&figure).unwrap()
    );
    let nothing = Resampling::new(Clusters::new(&[]), Vec::new(), 10, 1);
    assert_eq!(nothing.of(&Mean(Vec::new())), None);
}
