// SPDX-License-Identifier: MPL-2.0

//! Names of classes as numbers.

use std::collections::HashMap;

/// Numbers class names from 0 in the order in which they come, so that labels and answers of several models compare.
///
/// Names are the same that differ only in case, or in `_`, `-` and blanks: `traffic light` is `Traffic_Light`. The first
/// way of writing is the one that is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classes {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Classes {
    pub fn new() -> Classes {
        Classes::default()
    }

    /// The number of a name, a new one where it is new.
    pub fn number(&mut self, name: &str) -> u32 {
        let next = self.names.len() as u32;
        let number = *self.numbers.entry(folded(name)).or_insert(next);
        if number == next {
            self.names.push(name.trim().to_owned());
        }
        number
    }

    /// The number of a name that came before.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.numbers.get(&folded(name)).copied()
    }

    /// The name of a number, or the number in words where it was never given.
    pub fn name(&self, number: u32) -> std::borrow::Cow<'_, str> {
        crate::answer::label_of(&self.names, number)
    }

    /// All names, at the positions of their numbers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// A name as it is compared.
pub(super) fn folded(name: &str) -> String {
    let words = name.split(|it: char| it.is_whitespace() || it == '_' || it == '-');
    let words: Vec<String> = words.filter(|it| !it.is_empty()).map(str::to_lowercase).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_is_written_in_several_ways() {
        let mut classes = Classes::new();
        assert_eq!(classes.number("Traffic light"), 0);
        assert_eq!(classes.number("cat"), 1);
        assert_eq!(classes.number(" traffic_LIGHT"), 0);
        assert_eq!(classes.number("traffic--light"), 0);
        assert_eq!(classes.find("CAT"), Some(1));
        assert_eq!(classes.find("dog"), None);
        assert_eq!(
            (classes.name(0), classes.name(7)),
            ("Traffic light".into(), "7".into())
        );
        assert_eq!(classes.len(), 2);
    }
}
