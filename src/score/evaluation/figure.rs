// SPDX-License-Identifier: MPL-2.0

//! A figure with its name, and the sums that most figures are made of.

use std::fmt;
use std::sync::Arc;

use crate::score::Statistic;

/// A measure of answers over a set of items.
pub struct Figure {
    /// The field's name for it.
    pub name: &'static str,
    /// `"dB"`, or empty for what has none.
    pub unit: &'static str,
    pub higher_is_better: bool,
    /// Its value by weights of the items.
    pub statistic: Box<dyn Statistic>,
    /// The same of each class, in the order of their numbers; empty where the figure has no classes.
    pub per_class: Vec<ClassFigure>,
    /// See [`Figure::probability`].
    as_probability: fn(f64) -> f64,
}

/// What a figure is made of, for one class.
pub struct ClassFigure {
    pub class: u32,
    /// How much of it the truth has over all items: objects, items or cells. A recall times this is the number of hits.
    pub support: f64,
    pub statistic: Box<dyn Statistic>,
}

impl Figure {
    /// A figure of 0 to 1, the higher the better, which is its own probability.
    pub(super) fn share(name: &'static str, statistic: impl Statistic + 'static) -> Figure {
        Figure {
            name,
            unit: "",
            higher_is_better: true,
            statistic: Box::new(statistic),
            per_class: Vec::new(),
            as_probability: |it| it,
        }
    }

    /// A share of what is wrong; the probability is one less it.
    pub(super) fn error(name: &'static str, statistic: impl Statistic + 'static) -> Figure {
        Figure {
            higher_is_better: false,
            as_probability: |it| 1.0 - it,
            ..Figure::share(name, statistic)
        }
    }

    pub(super) fn in_unit(self, unit: &'static str, as_probability: fn(f64) -> f64) -> Figure {
        Figure {
            unit,
            as_probability,
            ..self
        }
    }

    pub(super) fn with_classes(self, per_class: Vec<ClassFigure>) -> Figure {
        Figure { per_class, ..self }
    }

    /// The plain figure: each item counts once.
    pub fn value(&self) -> Option<f64> {
        self.statistic.value(&vec![1.0; self.statistic.len()])
    }

    /// A value of the figure as P of the formula that ranks, 0 to 1 and rising with how good it is: shares as they are, error
    /// rates as one less the rate, SI-SDR as r / (1 + r) of the plain ratio r, PSNR as one less the root mean square error
    /// over full scale, a correlation ρ as (1 + ρ) / 2. What is no number is 0.
    pub fn probability(&self, value: f64) -> f64 {
        let probability = (self.as_probability)(value);
        if probability.is_nan() {
            0.0
        } else {
            probability.clamp(0.0, 1.0)
        }
    }
}

impl fmt::Debug for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(
            formatter,
            "{} {:?} over {} items",
            self.name,
            self.value(),
            self.statistic.len()
        )
    }
}

/// A function of sums over the items.
pub(super) struct Sums<const N: usize> {
    /// What each item adds.
    pub items: Vec<[f64; N]>,
    pub figure: fn([f64; N]) -> Option<f64>,
}

impl<const N: usize> Statistic for Sums<N> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let mut sums = [0.0; N];
        for (item, weight) in self.items.iter().zip(weights) {
            for (sum, part) in sums.iter_mut().zip(item) {
                *sum += weight * part;
            }
        }
        (self.figure)(sums).filter(|it| it.is_finite())
    }
}

/// The mean of what the items that say something say.
pub(super) fn mean(values: impl Iterator<Item = Option<f64>>) -> Sums<2> {
    let item = |value: Option<f64>| value.map_or([0.0, 0.0], |it| [it, 1.0]);
    Sums {
        items: values.map(item).collect(),
        figure: ratio,
    }
}

/// The first sum over the second one; `None` where that is nothing.
pub(super) fn ratio([part, whole]: [f64; 2]) -> Option<f64> {
    (0.0 < whole).then(|| part / whole)
}

/// A function of sums over the items, for each class apart.
pub(super) struct ClassSums<const N: usize> {
    /// In ascending order.
    pub classes: Vec<u32>,
    /// What each item adds to classes, by their positions.
    pub items: Vec<Vec<(usize, [f64; N])>>,
}

impl<const N: usize> ClassSums<N> {
    /// Of what each item adds to classes, by their numbers; a class may come more than once.
    pub fn new(items: impl Iterator<Item = Vec<(u32, [f64; N])>>) -> Arc<ClassSums<N>> {
        let items: Vec<_> = items.collect();
        let mut classes: Vec<u32> = items.iter().flatten().map(|it| it.0).collect();
        classes.sort_unstable();
        classes.dedup();
        let place = |(class, parts)| (classes.binary_search(&class).unwrap_or_default(), parts);
        let items = items
            .into_iter()
            .map(|it| it.into_iter().map(place).collect())
            .collect();
        Arc::new(ClassSums { classes, items })
    }

    /// The mean over the classes that `figure` says something of.
    pub fn mean(self: &Arc<Self>, figure: fn([f64; N]) -> Option<f64>) -> ClassMean<N> {
        let sums = self.clone();
        ClassMean { sums, figure }
    }

    /// `figure` of each class, with its `support`.
    pub fn each(
        self: &Arc<Self>,
        figure: fn([f64; N]) -> Option<f64>,
        support: fn([f64; N]) -> f64,
    ) -> Vec<ClassFigure> {
        let total = self.total(&vec![1.0; self.items.len()]);
        let classes = self.classes.iter().zip(total).enumerate();
        classes
            .map(|(at, (&class, sums))| ClassFigure {
                class,
                support: support(sums),
                statistic: Box::new(OfClass(at, self.mean(figure))),
            })
            .collect()
    }

    fn total(&self, weights: &[f64]) -> Vec<[f64; N]> {
        let mut sums = vec![[0.0; N]; self.classes.len()];
        for (item, weight) in self.items.iter().zip(weights).filter(|it| *it.1 != 0.0) {
            for (class, parts) in item {
                for (sum, part) in sums[*class].iter_mut().zip(parts) {
                    *sum += weight * part;
                }
            }
        }
        sums
    }
}

pub(super) struct ClassMean<const N: usize> {
    sums: Arc<ClassSums<N>>,
    figure: fn([f64; N]) -> Option<f64>,
}

impl<const N: usize> Statistic for ClassMean<N> {
    fn len(&self) -> usize {
        self.sums.items.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let total = self.sums.total(weights);
        mean_of(total.into_iter().filter_map(self.figure))
    }
}

struct OfClass<const N: usize>(usize, ClassMean<N>);

impl<const N: usize> Statistic for OfClass<N> {
    fn len(&self) -> usize {
        self.1.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let mut sums = [0.0; N];
        for (item, weight) in self.1.sums.items.iter().zip(weights) {
            for (_, parts) in item.iter().filter(|it| it.0 == self.0) {
                for (sum, part) in sums.iter_mut().zip(parts) {
                    *sum += weight * part;
                }
            }
        }
        (self.1.figure)(sums)
    }
}

/// `None` of nothing.
pub(super) fn mean_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), it| (sum + it, count + 1.0));
    (0.0 < count).then(|| sum / count)
}
