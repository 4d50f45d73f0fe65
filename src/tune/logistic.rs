// SPDX-License-Identifier: MPL-2.0

//! Logistic regression that begins at the weights that are there: Newton's method, drawn to them by a ridge.

use super::cholesky::{Cholesky, dot};

/// Rows of features with what should be told of them.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Features of a row, the constant one included.
    pub size: usize,
    /// Row after row, `size` each.
    pub features: Vec<f64>,
    /// Wanted probabilities, row after row, `classes` each.
    pub targets: Vec<f64>,
    pub classes: usize,
    /// How much each row counts.
    pub weights: Vec<f64>,
}

/// Whether one class excludes the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Probabilities of all classes sum to one.
    Softmax,
    /// Each class is told by itself.
    Sigmoid,
}

/// Newton steps: from weights that are there, far fewer suffice.
const STEPS: usize = 12;

/// Steps of the bound, which are cheaper and smaller.
const BOUND_STEPS: usize = 60;

/// Unknowns up to which all classes are solved for together.
const TOGETHER: usize = 1500;

impl Rows {
    pub fn new(features: usize, classes: usize) -> Rows {
        Rows {
            size: features + 1,
            classes,
            ..Rows::default()
        }
    }

    pub fn len(&self) -> usize {
        self.weights.len()
    }

    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Adds a row.
    pub fn add(
        &mut self,
        features: impl Iterator<Item = f64>,
        targets: impl Iterator<Item = f64>,
        weight: f64,
    ) {
        self.features.extend(features);
        self.features.push(1.0);
        self.targets.extend(targets);
        self.weights.push(weight);
    }

    pub fn append(&mut self, other: &Rows) {
        self.features.extend(&other.features);
        self.targets.extend(&other.targets);
        self.weights.extend(&other.weights);
    }

    fn rows(&self) -> impl Iterator<Item = (&[f64], &[f64], f64)> {
        let targets = self.targets.chunks_exact(self.classes);
        let rows = self.features.chunks_exact(self.size).zip(targets);
        rows.zip(&self.weights)
            .map(|((features, targets), weight)| (features, targets, *weight))
    }

    /// Lets each class count as much as the others: its weight is divided by what there is of it.
    pub fn balance(&mut self) {
        let mut mass = vec![0.0; self.classes];
        for (_, targets, weight) in self.rows() {
            mass.iter_mut()
                .zip(targets)
                .for_each(|(sum, it)| *sum += weight * it);
        }
        let total: f64 = mass.iter().sum();
        let seen = mass.iter().filter(|it| 0.0 < **it).count().max(1) as f64;
        let factors: Vec<f64> = mass.iter().map(|it| total / (seen * it.max(1e-9))).collect();
        let targets = self.targets.chunks_exact(self.classes);
        for (weight, targets) in self.weights.iter_mut().zip(targets) {
            let sum: f64 = targets.iter().sum();
            let mean = targets
                .iter()
                .zip(&factors)
                .map(|(it, factor)| it * factor)
                .sum::<f64>();
            if 0.0 < sum {
                *weight *= mean / sum;
            }
        }
    }

    /// Mean loss of weights (by class, `classes` × `size`) per unit of weight, in nats.
    pub fn loss(&self, weights: &[f64], kind: Kind) -> f64 {
        let mut probabilities = vec![0.0; self.classes];
        let (mut loss, mut count) = (0.0, 0.0);
        for (features, targets, weight) in self.rows() {
            self.tell(features, weights, kind, &mut probabilities);
            for (wanted, told) in targets.iter().zip(&probabilities) {
                loss -= weight * wanted * told.max(1e-12).ln();
                if kind == Kind::Sigmoid {
                    loss -= weight * (1.0 - wanted) * (1.0 - told).max(1e-12).ln();
                }
            }
            count += weight;
        }
        loss / f64::max(count, 1e-12)
    }

    fn tell(&self, features: &[f64], weights: &[f64], kind: Kind, to: &mut [f64]) {
        for (to, weights) in to.iter_mut().zip(weights.chunks_exact(self.size)) {
            *to = dot(features, weights);
        }
        match kind {
            Kind::Softmax => softmax(to),
            Kind::Sigmoid => to.iter_mut().for_each(|it| *it = sigmoid(*it)),
        }
    }

    /// Fits weights from `old` on, drawn to it by the ridge: λ times the mean square of a feature, for each unit of weight.
    /// `None` where nothing can be solved.
    pub fn fit(&self, old: &[f64], kind: Kind, ridge: f64) -> Option<Vec<f64>> {
        let total: f64 = self.weights.iter().sum();
        if total.is_nan() || total <= 0.0 {
            return None;
        }
        let mut scale = vec![0.0; self.size];
        for (features, _, weight) in self.rows() {
            scale
                .iter_mut()
                .zip(features)
                .for_each(|(sum, it)| *sum += weight * it * it);
        }
        let largest = scale.iter().copied().fold(0.0, f64::max);
        let penalty: Vec<f64> = scale.iter().map(|it| ridge * it.max(1e-6 * largest)).collect();
        let weights = match kind {
            Kind::Sigmoid => self.each_class(old, &penalty),
            Kind::Softmax if self.size * self.classes <= TOGETHER => self.all_classes(old, &penalty),
            Kind::Softmax => self.by_bound(old, &penalty),
        };
        weights.filter(|it| it.iter().all(|it| it.is_finite()))
    }

    /// Newton's method for each class by itself.
    fn each_class(&self, old: &[f64], penalty: &[f64]) -> Option<Vec<f64>> {
        let mut fitted = old.to_vec();
        for (class, (weights, old)) in fitted
            .chunks_exact_mut(self.size)
            .zip(old.chunks_exact(self.size))
            .enumerate()
        {
            for _ in 0..STEPS {
                let mut gradient = vec![0.0; self.size];
                let mut hessian = vec![0.0; self.size * self.size];
                for (features, targets, weight) in self.rows() {
                    let told = sigmoid(dot(features, weights));
                    add(&mut gradient, features, weight * (targets[class] - told));
                    add_outer(&mut hessian, features, weight * told * (1.0 - told));
                }
                if step(weights, old, penalty, gradient, hessian, self.size)? < 1e-6 {
                    break;
                }
            }
        }
        Some(fitted)
    }

    /// Newton's method for all classes together.
    fn all_classes(&self, old: &[f64], penalty: &[f64]) -> Option<Vec<f64>> {
        let (size, all) = (self.size, self.size * self.classes);
        let penalty = penalty.repeat(self.classes);
        let mut weights = old.to_vec();
        let mut told = vec![0.0; self.classes];
        for _ in 0..STEPS {
            let mut gradient = vec![0.0; all];
            let mut hessian = vec![0.0; all * all];
            for (features, targets, weight) in self.rows() {
                self.tell(features, &weights, Kind::Softmax, &mut told);
                let mass: f64 = targets.iter().sum();
                for one in 0..self.classes {
                    add(
                        &mut gradient[one * size..][..size],
                        features,
                        weight * (targets[one] - mass * told[one]),
                    );
                    for other in 0..=one {
                        let same = f64::from(u8::from(one == other));
                        let factor = weight * mass * told[one] * (same - told[other]);
                        for (row, it) in features.iter().enumerate() {
                            let line = &mut hessian[(one * size + row) * all + other * size..][..size];
                            add(line, features, factor * it);
                        }
                    }
                }
            }
            if step(&mut weights, old, &penalty, gradient, hessian, all)? < 1e-6 {
                break;
            }
        }
        Some(weights)
    }

    /// Steps on a bound of the curvature that is one matrix for all classes (Böhning 1992): ½ Σ x xᵀ.
    fn by_bound(&self, old: &[f64], penalty: &[f64]) -> Option<Vec<f64>> {
        let size = self.size;
        let mut matrix = vec![0.0; size * size];
        self.rows()
            .for_each(|(features, _, weight)| add_outer(&mut matrix, features, weight / 2.0));
        for (index, penalty) in penalty.iter().enumerate() {
            matrix[index * size + index] += penalty + 1e-9;
        }
        let solver = Cholesky::of(&matrix, size)?;
        let mut weights = old.to_vec();
        let mut told = vec![0.0; self.classes];
        for _ in 0..BOUND_STEPS {
            let mut gradient = vec![0.0; size * self.classes];
            for (features, targets, weight) in self.rows() {
                self.tell(features, &weights, Kind::Softmax, &mut told);
                let mass: f64 = targets.iter().sum();
                for class in 0..self.classes {
                    let factor = weight * (targets[class] - mass * told[class]);
                    add(&mut gradient[class * size..][..size], features, factor);
                }
            }
            for ((gradient, weights), old) in gradient
                .chunks_exact_mut(size)
                .zip(weights.chunks_exact_mut(size))
                .zip(old.chunks_exact(size))
            {
                for (index, it) in gradient.iter_mut().enumerate() {
                    *it -= penalty[index] * (weights[index] - old[index]);
                }
                solver.solve(gradient);
                add(weights, gradient, 1.0);
            }
        }
        Some(weights)
    }
}

/// One Newton step, and how far it went.
fn step(
    weights: &mut [f64],
    old: &[f64],
    penalty: &[f64],
    mut gradient: Vec<f64>,
    mut hessian: Vec<f64>,
    size: usize,
) -> Option<f64> {
    for index in 0..size {
        gradient[index] -= penalty[index] * (weights[index] - old[index]);
        hessian[index * size + index] += penalty[index] + 1e-9;
    }
    Cholesky::of(&hessian, size)?.solve(&mut gradient);
    add(weights, &gradient, 1.0);
    Some(gradient.iter().fold(0.0, |most, it| f64::max(most, it.abs())))
}

fn add(to: &mut [f64], from: &[f64], factor: f64) {
    to.iter_mut()
        .zip(from)
        .for_each(|(to, from)| *to += factor * from);
}

/// Adds to the lower triangle.
fn add_outer(to: &mut [f64], from: &[f64], factor: f64) {
    for (row, it) in from.iter().enumerate() {
        add(&mut to[row * from.len()..][..=row], from, factor * it);
    }
}

pub fn sigmoid(it: f64) -> f64 {
    1.0 / (1.0 + (-it).exp())
}

/// Exponentials that sum to one.
pub fn softmax(values: &mut [f64]) {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter_mut().for_each(|it| *it = (*it - most).exp());
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|it| *it /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clouds on a line, with the second class twenty times as rare.
    fn rows() -> Rows {
        let mut rows = Rows::new(1, 2);
        for index in 0..420 {
            let spread = ((index * 37) % 101) as f64 / 50.0 - 1.0;
            let is_second = index % 21 == 0;
            let (at, targets) = if is_second {
                (1.0, [0.0, 1.0])
            } else {
                (-1.0, [1.0, 0.0])
            };
            rows.add([at + 1.5 * spread].into_iter(), targets.into_iter(), 1.0);
        }
        rows
    }

    #[test]
    fn fitting_lowers_the_loss_and_a_strong_ridge_keeps_the_old_weights() {
        let old = [0.1, 0.0, -0.1, 0.0];
        for kind in [Kind::Softmax, Kind::Sigmoid] {
            let rows = rows();
            let fitted = rows.fit(&old, kind, 1e-4).unwrap();
            assert!(rows.loss(&fitted, kind) < 0.5 * rows.loss(&old, kind), "{kind:?}");
            let kept = rows.fit(&old, kind, 1e6).unwrap();
            assert!(
                kept.iter()
                    .zip(old)
                    .all(|(one, other)| (one - other).abs() < 1e-4),
                "{kept:?}"
            );
        }
    }

    #[test]
    fn the_bound_leads_where_newton_does() {
        let (rows, old) = (rows(), [0.0; 4]);
        let penalty = [20.0, 20.0];
        let newton = rows.all_classes(&old, &penalty).unwrap();
        let bound = rows.by_bound(&old, &penalty).unwrap();
        assert!((rows.loss(&newton, Kind::Softmax) - rows.loss(&bound, Kind::Softmax)).abs() < 1e-3);
    }

    #[test]
    fn balanced_a_rare_class_is_found_too() {
        let told = |rows: &Rows, weights: &[f64]| {
            let found = rows
                .rows()
                .filter(|it| it.1[1] == 1.0 && dot(it.0, &weights[..2]) < dot(it.0, &weights[2..]));
            found.count()
        };
        let mut rows = rows();
        let plain = rows.fit(&[0.0; 4], Kind::Softmax, 1e-3).unwrap();
        let before = told(&rows, &plain);
        rows.balance();
        let balanced = rows.fit(&[0.0; 4], Kind::Softmax, 1e-3).unwrap();
        assert!(before < told(&rows, &balanced), "{before}");
    }
}
