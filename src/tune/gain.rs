// SPDX-License-Identifier: MPL-2.0

//! Whether a change is a gain: a figure before and after it on the same items, and the interval of the difference.

use crate::recommend::{Clusters, Estimate, Item, Resampling, TooLittle};
use crate::score::Statistic;
use crate::tune::blocks::Place;

/// The interval of `after` less `before`, both of the items that stand at these places: by stretches of time, or by clips
/// where there are enough of them; pictures are independent of each other.
///
/// # Errors
///
/// [`TooLittle`] where nothing can be concluded.
pub fn gain(places: &[&Place], before: &dyn Statistic, after: &dyn Statistic) -> Result<Estimate, TooLittle> {
    let resampling = Resampling::new(clusters(places), vec![1.0; places.len()], 0, 0);
    let too_little = TooLittle {
        value: None,
        items: places.len(),
        clusters: resampling.clusters().count(),
    };
    let before = resampling.of(before).ok_or(too_little)?;
    let after = resampling.of(after).ok_or(too_little)?;
    resampling.difference(&after, &before)
}

fn clusters(places: &[&Place]) -> Clusters {
    if places.iter().all(|it| it.is_picture) {
        return Clusters::of_each(places.len());
    }
    let mut clips: Vec<&str> = places.iter().map(|it| it.clip.as_str()).collect();
    clips.sort_unstable();
    clips.dedup();
    let item = |it: &&Place| Item {
        clip: clips.binary_search(&it.clip.as_str()).unwrap_or(0) as u32,
        time: it.at,
        stratum: 0,
    };
    Clusters::new(&places.iter().map(item).collect::<Vec<_>>())
}

/// The mean of a number of each item.
#[derive(Debug, Clone)]
pub struct Mean(pub Vec<f64>);

impl Statistic for Mean {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let sum: f64 = self.0.iter().zip(weights).map(|(it, weight)| it * weight).sum();
        (0.0 < total).then_some(sum / total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_that_each_stretch_has_is_one_and_two_items_tell_nothing() {
        let places: Vec<Place> = (0..40)
            .map(|it| Place {
                clip: "a".into(),
                at: f64::from(it) / 10.0,
                is_picture: false,
            })
            .collect();
        let places: Vec<&Place> = places.iter().collect();
        let before = Mean((0..40).map(|it| f64::from(it % 7)).collect());
        let after = Mean(
            (0..40)
                .map(|it| f64::from(it % 7) + 0.5 + f64::from(it % 3) / 10.0)
                .collect(),
        );
        let found = gain(&places, &before, &after).unwrap();
        assert!(
            (found.value - 0.5975).abs() < 1e-9 && 0.5 < found.low && found.high < 0.7,
            "{found:?}"
        );
        assert!(gain(&places[..2], &Mean(vec![0.0; 2]), &Mean(vec![1.0; 2])).is_err());
    }
}
