// SPDX-License-Identifier: MPL-2.0

//! Names of classes that lie beside labels: a list with a name a line, or the `names` of a `data.yaml`.

use std::path::{Path, PathBuf};

use super::error::TruthError;
use crate::bounded_file;

/// What such files are called.
pub(super) const FILES: [&str; 10] = [
    "classes.txt",
    "classes.names",
    "obj.names",
    "labels.txt",
    "names",
    "names.txt",
    "_darknet.labels",
    "data.yaml",
    "data.yml",
    "dataset.yaml",
];

/// Bytes that such a file may have.
const MOST_BYTES: u64 = 1 << 20;

/// How many folders above the labels it may lie.
const ABOVE: usize = 3;

/// Names of classes by number; a number may have none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Names {
    /// Empty where there is no such file.
    pub names: Vec<Option<String>>,
    /// Whether boxes are followed by key points.
    pub has_key_points: bool,
}

impl Names {
    /// Finds the file in the folder of the labels or one above; no names where there is none.
    pub fn beside(folder: &Path) -> Result<Names, TruthError> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let places = folder
            .ancestors()
            .take(ABOVE)
            .flat_map(|it| FILES.map(|name| it.join(name)));
        let file: Option<PathBuf> = places.into_iter().find(|it| it.is_file());
        file.map_or(Ok(Names::default()), |it| Names::read(&it))
    }

    pub fn read(path: &Path) -> Result<Names, TruthError> {
        let text = bounded_file::read_text(path, MOST_BYTES).map_err(TruthError::unreadable(path))?;
        let is_yaml = path.extension().is_some_and(|it| it == "yaml" || it == "yml");
        if is_yaml {
            return yaml(&text).map_err(|(line, cause)| TruthError::line(path, line, cause));
        }
        let names = text.lines().map(|it| it.trim().to_owned());
        let mut names: Vec<Option<String>> = names.map(|it| (!it.is_empty()).then_some(it)).collect();
        while names.last() == Some(&None) {
            names.pop();
        }
        Ok(Names {
            names,
            has_key_points: false,
        })
    }

    pub fn get(&self, number: usize) -> Option<&str> {
        self.names.get(number)?.as_deref()
    }
}

/// Reads `names` of a YAML file: a list or a map, in brackets or a line each. What else stands there is left out.
fn yaml(text: &str) -> Result<Names, (usize, String)> {
    let mut found = Names {
        names: Vec::new(),
        has_key_points: text.lines().any(|it| it.starts_with("kpt_shape:")),
    };
    let lines = text
        .lines()
        .zip(1..)
        .map(|(line, number)| (without_comment(line), number));
    let mut rest = lines.skip_while(|(line, _)| !line.starts_with("names:"));
    let Some((line, number)) = rest.next() else {
        return Err((
            1,
            "there is no 'names:' in it, the names of the classes".to_owned(),
        ));
    };
    let mut value = line["names:".len()..].trim().to_owned();
    if value.starts_with(['[', '{']) {
        let close = if value.starts_with('[') { ']' } else { '}' };
        while !value.ends_with(close) {
            let Some((line, _)) = rest.next() else {
                return Err((number, format!("'names:' has no '{close}' at its end")));
            };
            value = value + " " + line.trim();
        }
        let inner = &value[1..value.len() - 1];
        for entry in split_outside_quotes(inner) {
            put(&mut found.names, &entry, close == '}').map_err(|cause| (number, cause))?;
        }
    } else {
        for (line, number) in rest.by_ref() {
            let entry = line.trim();
            if entry.is_empty() {
                continue;
            }
            let item = entry.strip_prefix("- ").or((entry == "-").then_some(""));
            match item {
                Some(item) => put(&mut found.names, item, false).map_err(|cause| (number, cause))?,
                None if line.starts_with([' ', '\t']) => {
                    put(&mut found.names, entry, true).map_err(|cause| (number, cause))?;
                }
                None => break,
            }
        }
    }
    match found.names.is_empty() {
        true => Err((number, "'names:' has no names".to_owned())),
        false => Ok(found),
    }
}

/// Numbers that classes may have.
const MOST_CLASSES: usize = 100_000;

/// Adds a name at its place: behind the others, or where the map says.
fn put(names: &mut Vec<Option<String>>, entry: &str, is_map: bool) -> Result<(), String> {
    let (place, name) = match is_map {
        false => (names.len(), entry),
        true => {
            let pair = entry.split_once(':').and_then(|(number, name)| {
                let number = unquoted(number).parse::<usize>().ok()?;
                Some((number, name))
            });
            let wrong = || format!("'{entry}' is not NUMBER: NAME");
            pair.filter(|it| it.0 < MOST_CLASSES).ok_or_else(wrong)?
        }
    };
    if names.len() <= place {
        names.resize(place + 1, None);
    }
    names[place] = Some(unquoted(name).to_owned());
    Ok(())
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = |quote: char| text.strip_prefix(quote).and_then(|it| it.strip_suffix(quote));
    inner('\'').or_else(|| inner('"')).unwrap_or(text)
}

fn without_comment(line: &str) -> String {
    let cut = line.find(" #").or(line.starts_with('#').then_some(0));
    cut.map_or(line, |it| &line[..it]).trim_end().to_owned()
}

/// The parts between commas that stand in no quotes.
fn split_outside_quotes(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut quote) = (Vec::new(), String::new(), None);
    for letter in text.chars() {
        match letter {
            ',' if quote.is_none() => parts.push(std::mem::take(&mut part)),
            _ => {
                match quote {
                    None if matches!(letter, '\'' | '"') && part.trim().is_empty() => quote = Some(letter),
                    Some(open) if open == letter => quote = None,
                    _ => {}
                }
                part.push(letter);
            }
        }
    }
    parts.push(part);
    parts.retain(|it| !it.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let names = yaml(text).unwrap().names;
        names.into_iter().map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn names_of_a_yaml_stand_in_four_ways() {
        assert_eq!(names("nc: 2\nnames: ['a, b', \"c\"]  # two\n"), ["a, b", "c"]);
        assert_eq!(names("names: [a,\n  b]\nnc: 2\n"), ["a", "b"]);
        assert_eq!(names("names: {0: a, 2: c}\n"), ["a", "", "c"]);
        assert_eq!(names("names:\n- a\n- b b\nnc: 2\n"), ["a", "b b"]);
        assert_eq!(
            names(
                "path: ../x # root\ntrain: images\n\n# Classes\nnames:\n  0: person\n  1: traffic light\n\ndownload: x\n"
            ),
            ["person", "traffic light"]
        );
        assert!(yaml("names:\n - a\nkpt_shape: [17, 3]\n").unwrap().has_key_points);
    }

    #[test]
    fn a_yaml_without_names_is_told() {
        for (text, line) in [("nc: 2\n", 1), ("a: b\nnames: [a\n", 2), ("names:\n  x: y\n", 2)] {
            assert_eq!(yaml(text).unwrap_err().0, line, "{text}");
        }
    }
}
