// SPDX-License-Identifier: MPL-2.0

//! Which items are worth a look.

use super::super::material::Place;

/// How far models agree with what is right on an item, the best of them first; `None` where that is not known.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub place: Place,
    /// From the beginning of its file.
    pub seconds: f64,
    pub agreements: Vec<Option<f64>>,
}

/// An item, and why it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub place: Place,
    pub why: String,
}

/// Frames of a clip that are nearer than this show the same.
const APART: f64 = 1.0;

/// The most telling ones first, so many of them at most; `name` is that of the first model.
pub fn choose(candidates: &[Candidate], name: &str, most: usize) -> Vec<Choice> {
    let winner = |it: &Candidate| it.agreements.first().copied().flatten();
    let mut own: Vec<f64> = candidates.iter().filter_map(winner).collect();
    own.sort_by(f64::total_cmp);
    let usual = own.get(own.len() / 2).copied();
    let spread = |it: &Candidate| {
        let known = || it.agreements.iter().flatten();
        let high = known().fold(f64::NEG_INFINITY, |one, other| one.max(*other));
        let low = known().fold(f64::INFINITY, |one, other| one.min(*other));
        (low < high).then_some(high - low)
    };
    let worst = |it: &Candidate| winner(it).map(|it| 1.0 - it);
    let near = |it: &Candidate| Some(-(winner(it)? - usual?).abs());
    type Worth<'a> = &'a dyn Fn(&Candidate) -> Option<f64>;
    let order: [(String, Worth); 6] = [
        ("Where models differ most".into(), &spread),
        (format!("Where {name} was worst"), &worst),
        ("A usual one".into(), &near),
        ("Where models differ, too".into(), &spread),
        (format!("Where {name} was bad, too"), &worst),
        ("Another usual one".into(), &near),
    ];
    let mut chosen: Vec<Choice> = Vec::new();
    let mut taken: Vec<&Candidate> = Vec::new();
    for (why, worth) in order.into_iter().take(most) {
        let is_new = |it: &&Candidate| !taken.iter().any(|other| is_near(it, other));
        let rated = candidates
            .iter()
            .filter(is_new)
            .filter_map(|it| Some((worth(it)?, it)));
        if let Some((_, best)) = rated.max_by(|one, other| one.0.total_cmp(&other.0)) {
            taken.push(best);
            chosen.push(Choice {
                place: best.place,
                why,
            });
        }
    }
    if chosen.is_empty() {
        // Nothing is known of single items: some from all over.
        let count = most.min(3).min(candidates.len());
        chosen.extend((0..count).map(|it| Choice {
            place: candidates[(2 * it + 1) * candidates.len() / (2 * count)].place,
            why: "One of many".into(),
        }));
    }
    chosen
}

fn is_near(one: &Candidate, other: &Candidate) -> bool {
    one.place.clip == other.place.clip && (one.seconds - other.seconds).abs() < APART
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(index: usize, agreements: &[Option<f64>]) -> Candidate {
        Candidate {
            place: Place { clip: 0, index },
            seconds: 2.0 * index as f64,
            agreements: agreements.to_vec(),
        }
    }

    #[test]
    fn items_are_shown_for_different_reasons() {
        let candidates = [
            candidate(0, &[Some(0.8), Some(0.79)]),
            candidate(1, &[Some(0.9), Some(0.2)]),
            candidate(2, &[Some(0.1), Some(0.1)]),
            candidate(3, &[Some(0.95), None]),
            candidate(4, &[Some(0.81), Some(0.8)]),
        ];
        let chosen = choose(&candidates, "small", 3);
        let told: Vec<(usize, &str)> = chosen
            .iter()
            .map(|it| (it.place.index, it.why.as_str()))
            .collect();
        let expected = [
            (1, "Where models differ most"),
            (2, "Where small was worst"),
            (4, "A usual one"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn neighbors_of_a_shown_frame_are_not_shown() {
        let mut candidates: Vec<Candidate> =
            (0..10).map(|it| candidate(it, &[Some(0.5), Some(0.1)])).collect();
        for it in &mut candidates {
            it.seconds /= 50.0;
        }
        assert_eq!(choose(&candidates, "small", 6).len(), 1);
    }

    #[test]
    fn where_nothing_is_known_of_items_some_are_shown_all_the_same() {
        let candidates: Vec<Candidate> = (0..10).map(|it| candidate(it, &[None, None])).collect();
        let places: Vec<usize> = choose(&candidates, "small", 6)
            .iter()
            .map(|it| it.place.index)
            .collect();
        assert_eq!(places, [1, 5, 8]);
        assert!(choose(&[], "small", 6).is_empty());
    }
}
