// SPDX-License-Identifier: MPL-2.0

//! Classes of unequal size: figures of each, and weights that make them count alike.

use std::collections::BTreeMap;

use super::{Estimate, rate};

/// Instances of a class from which on it is judged: below, the interval of a rate is longer than half of all there is.
pub const JUDGED_FROM: usize = 10;

/// How well one class was recognized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassFigure {
    pub class: u32,
    pub instances: usize,
    pub right: usize,
    /// With its interval; `None` where there are too few instances to judge it.
    pub recall: Option<Estimate>,
}

/// The recall of each class, in the order of classes, from instances: their true class, and whether they were found.
pub fn classes(instances: impl IntoIterator<Item = (u32, bool)>) -> Vec<ClassFigure> {
    let mut counts: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for (class, is_right) in instances {
        let count = counts.entry(class).or_default();
        count.0 += usize::from(is_right);
        count.1 += 1;
    }
    let figure = |(class, (right, instances)): (u32, (usize, usize))| ClassFigure {
        class,
        instances,
        right,
        recall: rate(right, instances).filter(|_| JUDGED_FROM <= instances),
    };
    counts.into_iter().map(figure).collect()
}

/// Weights of items by their classes, inverse to how many there are of each, with a mean of 1: all classes together weigh the
/// same.
pub fn balancing(classes: &[u32]) -> Vec<f64> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    classes.iter().for_each(|it| *counts.entry(*it).or_default() += 1);
    let each = classes.len() as f64 / counts.len().max(1) as f64;
    classes.iter().map(|it| each / counts[it] as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_are_told_and_not_judged() {
        let instances = (0..40)
            .map(|it| (0, it % 4 != 0))
            .chain((0..9).map(|_| (7, true)));
        let figures = classes(instances);
        assert_eq!((figures[0].instances, figures[0].right), (40, 30));
        // Wilson's interval of 30 of 40.
        let recall = figures[0].recall.unwrap();
        assert!(
            (recall.low - 0.598_060).abs() < 1e-5 && (recall.high - 0.858_129).abs() < 1e-5,
            "{recall:?}"
        );
        assert_eq!(
            (figures[1].class, figures[1].instances, figures[1].recall),
            (7, 9, None)
        );
        assert!(classes([]).is_empty() && rate(0, 0).is_none());
    }

    #[test]
    fn balancing_weighs_classes_alike() {
        assert_eq!(balancing(&[1, 1, 1, 5]), [2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 2.0]);
        assert!(balancing(&[]).is_empty());
    }
}
