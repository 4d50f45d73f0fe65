// SPDX-License-Identifier: MPL-2.0

//! How far two classifications are apart.

use crate::answer::ClassScore;

/// Total variation distance of two distributions over classes, ½ Σ |p - q|, 0 (equal) to 1 (nothing in common): the
/// largest difference between the probabilities that the two give to any event (Levin, Peres and Wilmer, "Markov Chains
/// and Mixing Times", proposition 4.2).
///
/// Lists may be cut off after the best classes: what is missing to a sum of 1 is one further class, "any other". Lists
/// that sum to more than 1 (independent scores of several labels) are scaled down to 1. A score below 0 or that is no
/// number counts as 0. One that names a class twice counts the sum.
pub fn total_variation(p: &[ClassScore], q: &[ClassScore]) -> f64 {
    let (p_scale, q_scale) = (scale(p), scale(q));
    let of = |list: &[ClassScore], class: u32| -> f64 {
        list.iter().filter(|it| it.class == class).map(share).sum()
    };
    let mut classes: Vec<u32> = p.iter().chain(q).map(|it| it.class).collect();
    classes.sort_unstable();
    classes.dedup();
    let (mut distance, mut p_rest, mut q_rest) = (0.0, 1.0, 1.0);
    for class in classes {
        let (p, q) = (of(p, class) * p_scale, of(q, class) * q_scale);
        distance += (p - q).abs();
        (p_rest, q_rest) = (p_rest - p, q_rest - q);
    }
    ((distance + f64::abs(p_rest - q_rest)) / 2.0).clamp(0.0, 1.0)
}

/// The most confident class, of equal ones the first; what is no number does not count.
pub(super) fn best(classes: &[ClassScore]) -> Option<ClassScore> {
    let known = classes.iter().filter(|it| !it.confidence.is_nan());
    known
        .copied()
        .reduce(|best, it| if best.confidence < it.confidence { it } else { best })
}

fn share(score: &ClassScore) -> f64 {
    f64::from(score.confidence.clamp(0.0, 1.0)).max(0.0)
}

fn scale(list: &[ClassScore]) -> f64 {
    1.0 / list.iter().map(share).sum::<f64>().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(scores: &[(u32, f32)]) -> Vec<ClassScore> {
        let score = |&(class, confidence): &(u32, f32)| ClassScore { class, confidence };
        scores.iter().map(score).collect()
    }

    #[track_caller]
    fn check(p: &[(u32, f32)], q: &[(u32, f32)], expected: f64) {
        let (p, q) = (classes(p), classes(q));
        for distance in [total_variation(&p, &q), total_variation(&q, &p)] {
            assert!(
                (distance - expected).abs() < 1e-6,
                "{distance}, expected {expected}"
            );
        }
    }

    #[test]
    fn the_distance_is_half_the_sum_of_differences() {
        check(
            &[(0, 0.5), (1, 0.3), (2, 0.2)],
            &[(2, 0.5), (1, 0.3), (0, 0.2)],
            0.3,
        );
        check(&[(0, 1.0)], &[(1, 1.0)], 1.0);
        check(&[(0, 0.7), (1, 0.3)], &[(1, 0.3), (0, 0.7)], 0.0);
    }

    #[test]
    fn what_a_list_leaves_out_is_any_other_class() {
        // The rests are 0.1 and 0.4.
        check(&[(3, 0.9)], &[(3, 0.6)], 0.3);
        check(&[(3, 0.9)], &[(4, 0.9)], 0.9);
        check(&[], &[(4, 0.25)], 0.25);
        check(&[], &[], 0.0);
    }

    #[test]
    fn independent_labels_are_scaled_to_a_distribution() {
        // 0.8 and 0.8 become a half each.
        check(&[(0, 0.8), (1, 0.8)], &[(0, 1.0)], 0.5);
    }

    #[test]
    fn scores_that_are_no_probabilities_stay_in_range() {
        check(&[(0, f32::NAN), (1, -3.0)], &[(1, 1.0)], 1.0);
        check(&[(0, f32::INFINITY)], &[(0, 1.0)], 0.0);
    }
}
