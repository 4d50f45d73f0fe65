// SPDX-License-Identifier: MPL-2.0

//! The sources as the checks see them: for each file the names that it declares, the names that it imports and the
//! paths that it mentions, and where such a path leads. There is no type inference: a method call names no file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::words::{Import, Mention, Words};

/// One file.
pub struct Module {
    /// Path below `src`.
    pub file: String,
    pub declared: Vec<String>,
    pub imports: Vec<Import>,
    pub mentions: Vec<Mention>,
    /// The types of its `impl` blocks that implement no trait.
    pub impls: Vec<Mention>,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Module(String),
    /// An item, and the module that declares it.
    Item(String, String),
}

/// All files of the crate and of the command, by the path of their module.
pub struct Tree {
    pub modules: BTreeMap<String, Module>,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files of a folder and below, or the file itself.
pub fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|it| it.is_dir() || it.extension().is_some_and(|it| it == "rs"))
        .flat_map(|it| rust_files(&it))
        .collect();
    files.sort();
    files
}

impl Tree {
    /// Reads all of `src`. Files called `tests.rs` are tests.
    pub fn read() -> Tree {
        let source = root().join("src");
        let files = rust_files(&source).into_iter();
        let texts = files.filter(|it| !it.ends_with("tests.rs")).map(|file| {
            let name = file.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&file).unwrap())
        });
        Tree::of(texts)
    }

    /// The tree of these files, each with its path below `src` and its text.
    pub fn of(files: impl Iterator<Item = (String, String)>) -> Tree {
        let modules = files.map(|(file, text)| (module_of(&file), Module::parse(file, &text)));
        Tree {
            modules: modules.collect(),
        }
    }

    /// Follows a path from a module, through whatever passes its names on. `None` for what stands outside.
    pub fn resolve(&self, from: &str, path: &[String]) -> Option<Place> {
        self.follow(from, path, 0)
    }

    fn follow(&self, from: &str, path: &[String], depth: usize) -> Option<Place> {
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => Place::Module(from.split("::").next()?.to_owned()),
            "self" => Place::Module(from.to_owned()),
            "super" => Place::Module(parent(from)?.to_owned()),
            "gstavrec" => Place::Module("gstavrec".to_owned()),
            // The name that an import starts with comes from no other import by `*`.
            name => self.find(from, name, depth, depth == 0)?,
        };
        rest.iter().try_fold(start, |place, name| match place {
            Place::Module(module) if name == "super" => Some(Place::Module(parent(&module)?.to_owned())),
            // What a macro declares is nowhere to be read, but the path says where it stands.
            Place::Module(module) => self
                .find(&module, name, depth, true)
                .or_else(|| Some(Place::Item(module, name.clone()))),
            item => Some(item),
        })
    }

    /// What a name stands for in a module.
    fn find(&self, module: &str, name: &str, depth: usize, by_globs: bool) -> Option<Place> {
        // Two files may pass on each other's names by `*`.
        if 8 < depth {
            return None;
        }
        let child = format!("{module}::{name}");
        if self.modules.contains_key(&child) {
            return Some(Place::Module(child));
        }
        let file = self.modules.get(module)?;
        if file.declared.iter().any(|it| it == name) {
            return Some(Place::Item(module.to_owned(), name.to_owned()));
        }
        let named = file.imports.iter().filter(|it| it.name == name);
        let mut found = named.filter_map(|it| self.follow_import(module, it, depth));
        if let Some(place) = found.next() {
            return Some(place);
        }
        let mut globs = file.imports.iter().filter(|it| by_globs && it.name == "*");
        globs.find_map(|it| match self.follow_import(module, it, depth)? {
            Place::Module(from) if from != module => self.find(&from, name, depth + 1, true),
            _ => None,
        })
    }

    fn follow_import(&self, module: &str, import: &Import, depth: usize) -> Option<Place> {
        self.follow(module, &import.mention.path, depth + 1)
    }
}

/// The path of a file's module. The command is a crate of its own.
fn module_of(file: &str) -> String {
    let (name, rest) = match file.strip_prefix("bin/") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "main.rs")),
        None => ("gstavrec", file),
    };
    let rest = rest.strip_suffix(".rs").unwrap();
    let parts = rest.split('/').filter(|it| !["lib", "main", "mod"].contains(it));
    let all: Vec<&str> = std::iter::once(name).chain(parts).collect();
    all.join("::")
}

fn parent(module: &str) -> Option<&str> {
    module.rsplit_once("::").map(|it| it.0)
}

impl Module {
    fn parse(file: String, text: &str) -> Module {
        let mut words = Words::of(text);
        words.remove_tests();
        let (declared, impls) = words.items();
        Module {
            file,
            declared,
            imports: words.imports(),
            mentions: words.mentions(),
            impls,
        }
    }
}
