// SPDX-License-Identifier: MPL-2.0

//! Which names of classes mean the same: those that differ in case, blanks, `_` and `-` only.

use std::collections::HashSet;

/// What is equal for names that mean the same.
pub fn key(name: &str) -> String {
    let letters = name
        .chars()
        .filter(|it| !it.is_whitespace() && !"_-".contains(*it));
    letters.flat_map(char::to_lowercase).collect()
}

/// The names of both sides, sorted out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared {
    /// Those that both sides use, as pictures are told, in their order.
    pub both: Vec<String>,
    pub picture_only: Vec<String>,
    pub sound_only: Vec<String>,
}

impl Shared {
    pub fn of(picture: &[String], sound: &[String]) -> Shared {
        let keys = |names: &[String]| names.iter().map(|it| key(it)).collect::<HashSet<String>>();
        let (seen, heard) = (keys(picture), keys(sound));
        let (both, picture_only) = picture.iter().cloned().partition(|it| heard.contains(&key(it)));
        let sound_only = sound.iter().filter(|it| !seen.contains(&key(it)));
        Shared {
            both,
            picture_only,
            sound_only: sound_only.cloned().collect(),
        }
    }
}

/// The names that occur, each once, in the order in which they first do.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    names
        .filter(|it| seen.insert(key(it)))
        .map(str::to_owned)
        .collect()
}

/// Names in a sentence: the first eight.
pub fn listed(names: &[String]) -> String {
    const TOLD: usize = 8;
    let told = names.iter().take(TOLD).map(String::as_str);
    let told = told.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|it| it.to_string()).collect()
    }

    #[test]
    fn names_that_differ_in_writing_only_mean_the_same() {
        let shared = Shared::of(
            &names(&["Fire Alarm", "dog", "Äpfel"]),
            &names(&["fire_alarm", "DOG", "rain", "äpfel"]),
        );
        assert_eq!(shared.both, ["Fire Alarm", "dog", "Äpfel"]);
        assert_eq!(
            (shared.picture_only.len(), shared.sound_only.clone()),
            (0, names(&["rain"]))
        );
        assert_eq!(distinct(["a", "B", "b", "A-"].into_iter()), ["a", "B"]);
        assert_eq!(listed(&names(&["a"; 10])), "a, a, a, a, a, a, a, a and 2 more");
    }
}
