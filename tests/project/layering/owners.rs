// SPDX-License-Identifier: MPL-2.0

//! Who owns a type owns all of it: its methods stand in one file. Implementations of traits may stand elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Place, Tree};

/// The files with methods of each type that has them in several.
fn spread(tree: &Tree) -> BTreeMap<String, BTreeSet<String>> {
    let mut files = BTreeMap::<String, BTreeSet<String>>::new();
    for (name, module) in &tree.modules {
        for implementation in &module.impls {
            if let Some(Place::Item(owner, item)) = tree.resolve(name, &implementation.path) {
                let place = format!("{}:{}", module.file, implementation.line);
                files.entry(format!("{owner}::{item}")).or_default().insert(place);
            }
        }
    }
    let file = |place: &String| place.split(':').next().unwrap().to_owned();
    files.retain(|_, places| 1 < places.iter().map(file).collect::<BTreeSet<_>>().len());
    files
}

#[test]
fn the_methods_of_a_type_stand_in_one_file() {
    let spread = spread(&Tree::read());
    let lines = spread.iter().map(|(name, files)| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        format!("{name} has methods in\n  {}", files.join("\n  "))
    });
    assert!(
        spread.is_empty(),
        "{} types:\n{}",
        spread.len(),
        lines.collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn methods_in_two_files_are_seen() {
    let tree = Tree::of(
        [
            ("lib.rs", "pub mod a; mod b; mod c; pub use a::One;"),
            ("a.rs", "pub struct One; pub struct Two; impl One { fn one(&self) {} } impl<T> From<T> for Two {}"),
            ("b.rs", "use crate::One; /* impl Two {} */ impl<'a> One { fn two(&'a self) {} } impl Clone for One {}"),
            ("c.rs", "use super::a::Two as Second; impl Second {} #[cfg(test)] mod tests { impl super::One {} }"),
        ]
        .map(|(file, text)| (file.to_owned(), text.to_owned()))
        .into_iter(),
    );
    let spread = spread(&tree);
    let names: Vec<&str> = spread.keys().map(String::as_str).collect();
    assert_eq!(names, ["gstavrec::a::One"], "{spread:?}");
    assert_eq!(spread["gstavrec::a::One"].len(), 2);
}
