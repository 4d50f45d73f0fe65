// SPDX-License-Identifier: MPL-2.0

//! Files import each other in one direction. A file that only passes names on (`pub use`) imports nothing by that: who
//! takes such a name imports the file that declares it. The wrapper macro of an element names the element's
//! implementation, and that its wrapper, because the bindings want it so; the two count as one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::sources::{Place, Tree};
use super::words::Mention;

/// Circles that may stay, and why: three at most.
const ALLOWED: &[(&[&str], &str)] = &[];

/// Who imports whom, with the places.
type Imports = BTreeMap<String, BTreeMap<String, Vec<String>>>;

fn imports(tree: &Tree) -> Imports {
    let mut imports = Imports::new();
    for (name, module) in &tree.modules {
        let used = module.imports.iter().filter(|it| !it.is_passed_on);
        for Mention { path, line } in used.map(|it| &it.mention).chain(&module.mentions) {
            let (Some(Place::Item(owner, _)), true) = (tree.resolve(name, path), 1 < path.len()) else {
                continue;
            };
            let to = tree
                .modules
                .get(&owner)
                .map(|it| it.file.clone())
                .filter(|it| *it != module.file);
            if let Some(to) = to {
                let places = imports
                    .entry(module.file.clone())
                    .or_default()
                    .entry(to)
                    .or_default();
                places.push(format!("line {line}: {}", path.join("::")));
            }
        }
    }
    imports
}

/// All files that a file imports, and what those import.
fn reached(imports: &Imports, from: &str) -> BTreeSet<String> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        for to in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(to.clone()) {
                next.push(to);
            }
        }
    }
    reached
}

/// The largest sets of files that all import each other.
fn circles(imports: &Imports) -> BTreeSet<BTreeSet<String>> {
    let reached: BTreeMap<&str, _> = imports
        .keys()
        .map(|it| (it.as_str(), reached(imports, it)))
        .collect();
    let circle = |file: &str| {
        let back = |other: &&String| reached.get(other.as_str()).is_some_and(|it| it.contains(file));
        reached[file]
            .iter()
            .filter(back)
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let circles = imports.keys().map(|it| circle(it));
    circles.filter(|it| !it.is_empty()).collect()
}

fn is_within(circle: &BTreeSet<String>, files: &[&str]) -> bool {
    circle.iter().all(|it| files.contains(&it.as_str()))
}

/// A circle as text: each import in it, with one place.
fn text(circle: &BTreeSet<String>, imports: &Imports) -> String {
    let mut text = format!("a circle of {} files\n", circle.len());
    for from in circle {
        for (to, places) in imports[from].iter().filter(|it| circle.contains(it.0)) {
            writeln!(
                text,
                "  {from} imports {to} {} times ({})",
                places.len(),
                places[0]
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn files_import_each_other_in_one_direction() {
    let imports = imports(&Tree::read());
    let found = circles(&imports);
    let known = |it: &&BTreeSet<String>| ALLOWED.iter().any(|(files, _)| is_within(it, files));
    let new: Vec<String> = found
        .iter()
        .filter(|it| !known(it))
        .map(|it| text(it, &imports))
        .collect();
    assert!(
        new.is_empty(),
        "{} circles, {} of them new:\n{}",
        found.len(),
        new.len(),
        new.join("\n")
    );
    assert!(ALLOWED.len() <= 3);
    for (files, reason) in ALLOWED {
        assert!(
            found.iter().any(|it| is_within(it, files)),
            "no circle any more: {files:?}"
        );
        assert!(30 < reason.len(), "say why {files:?} may stay");
    }
}

#[test]
fn circles_are_seen_and_names_that_are_passed_on_make_none() {
    let tree = Tree::of(
        [
            ("lib.rs", "mod a; mod b; mod room; mod far; pub use a::A;"),
            // By a name that the root passes on, and back by a path inside a function.
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; fn f() { let a = super::A::new(); }"),
            // The room passes on what its files declare, and they take it from there.
            (
                "room/mod.rs",
                "mod one; mod two; pub(crate) use one::One; pub use two::*;",
            ),
            ("room/one.rs", "use super::Two; pub struct One;"),
            (
                "room/two.rs",
                "pub struct Two; // use super::One;\nconst TEXT: &str = \"crate::room::One\";",
            ),
            (
                "far.rs",
                "use crate::room::{self, One as First}; fn f(_: room::Two) {}",
            ),
        ]
        .map(|(file, text)| (file.to_owned(), text.to_owned()))
        .into_iter(),
    );
    let imports = imports(&tree);
    let to: Vec<&String> = imports["far.rs"].keys().collect();
    assert_eq!(to, ["room/one.rs", "room/two.rs"]);
    let expected = BTreeSet::from(["a.rs", "b.rs"].map(str::to_owned));
    assert_eq!(circles(&imports), BTreeSet::from([expected]), "{imports:?}");
}
