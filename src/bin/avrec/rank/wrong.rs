// SPDX-License-Identifier: MPL-2.0

//! Models that are never right, and classes that none of them finds.

use std::collections::BTreeMap;

use gstavrec::score::evaluation::Figure;

use super::bench::{Bench, Question};
use super::candidates::Measured;

/// Classes that a sentence lists.
const LISTED: usize = 6;

/// Why a model cannot be recommended whatever else it is: all that counts of its quality, by measures and their weights, else
/// by the first measure, is 0. Where the items say nothing of it, that is no reason.
pub fn always(measured: &Measured, weights: &[(String, f64)], bench: &Bench) -> Option<String> {
    let probability = |it: &Figure| Some(it.probability(it.value()?));
    let counts = |it: &str| weights.iter().any(|(name, weight)| name == it && 0.0 < *weight);
    let figures = &measured.evaluation.figures;
    let known: Vec<f64> = match weights {
        [] => figures.iter().take(1).filter_map(probability).collect(),
        _ => figures
            .iter()
            .filter(|it| counts(it.name))
            .filter_map(probability)
            .collect(),
    };
    let is_right = known.is_empty() || known.iter().any(|it| 0.0 < *it);
    (!is_right).then(|| match bench.question() {
        Some(Question::Agreement(it)) => {
            let name = &bench.contenders[*it].candidate.name;
            format!("none of its answers is one of {name}, the reference")
        }
        Some(Question::Restored(_)) => "none of its answers is like the material".into(),
        _ => "none of its answers is right".into(),
    })
}

/// A sentence on the classes of labels that no model finds on any item that it was measured on.
pub fn unfound(measured: &[Measured], bench: &Bench) -> Option<String> {
    if !matches!(bench.question(), Some(Question::Labels { .. })) {
        return None;
    }
    let mut found: BTreeMap<u32, bool> = BTreeMap::new();
    for it in measured {
        let by_class = it.evaluation.figures.iter().find(|it| !it.per_class.is_empty())?;
        for class in by_class.per_class.iter().filter(|it| 0.0 < it.support) {
            let value = class.statistic.value(&vec![1.0; class.statistic.len()]);
            *found.entry(class.class).or_default() |= value.is_some_and(|it| 0.0 < it);
        }
    }
    let unfound: Vec<String> = found
        .iter()
        .filter(|it| !it.1)
        .map(|it| bench.classes.name(*it.0).into_owned())
        .collect();
    let list = match unfound.len().checked_sub(LISTED) {
        Some(more @ 1..) => format!("{} and {more} more", unfound[..LISTED].join(", ")),
        _ => unfound.join(", "),
    };
    (!unfound.is_empty()).then(|| {
        format!(
            "no model finds {list} of the labels on any item; where they have other names for that, use these in the labels"
        )
    })
}
