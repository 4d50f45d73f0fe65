// SPDX-License-Identifier: MPL-2.0

//! How far one text is from another.

/// Characters that count of a text: far more than a line has, and few enough to compare in a millisecond.
const MOST: usize = 1000;

/// The least number of characters to insert, leave out or replace on the way from one text to the other (V. I.
/// Levenshtein, 1966), as a share of the longer one: 0 for equal ones and two empty ones, 1 where nothing is common.
///
/// Characters are code points; those beyond the first thousand do not count. Allocates.
pub fn edit_distance(one: &str, other: &str) -> f64 {
    let one: Vec<char> = one.chars().take(MOST).collect();
    let other: Vec<char> = other.chars().take(MOST).collect();
    let longer = one.len().max(other.len());
    if longer == 0 {
        return 0.0;
    }
    edits(&one, &other) as f64 / longer as f64
}

/// The least number of insertions, omissions and replacements on the way from one sequence to the other. Allocates; takes
/// as many steps as the product of both lengths.
pub(super) fn edits<T: PartialEq>(one: &[T], other: &[T]) -> usize {
    // The distances of the part of `one` so far from each beginning of `other`.
    let mut distances: Vec<usize> = (0..=other.len()).collect();
    for (row, of_one) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut distances[0], row + 1);
        for (column, of_other) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(of_one != of_other);
            diagonal = distances[column + 1];
            distances[column + 1] = replaced.min(diagonal + 1).min(distances[column] + 1);
        }
    }
    distances[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_insertion_omission_and_replacement_counts_once() {
        for (one, other, edits, longer) in [
            ("", "", 0.0, 1.0),
            ("same", "same", 0.0, 4.0),
            ("kitten", "sitting", 3.0, 7.0),
            ("EXIT", "EXT", 1.0, 4.0),
            ("", "abc", 3.0, 3.0),
            ("ab", "ba", 2.0, 2.0),
            ("übung", "ubung", 1.0, 5.0),
        ] {
            assert_eq!(edit_distance(one, other), edits / longer, "{one} {other}");
            assert_eq!(edit_distance(other, one), edits / longer, "{other} {one}");
        }
    }

    #[test]
    fn what_is_too_long_for_a_line_does_not_count() {
        let long = "a".repeat(10 * MOST);
        assert_eq!(edit_distance(&long, &format!("{long}b")), 0.0);
    }
}
