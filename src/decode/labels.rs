// SPDX-License-Identifier: MPL-2.0

//! Names of classes: from the text of a labels file, or as exporters write them into a model's metadata.

use super::Unfit;

/// Classes that a list of labels may have; more is no list of labels. (The largest vocabularies in use have
/// some ten thousand.)
const MOST: usize = 100_000;

/// Labels of a file's text, one a line; blank lines at the end are none.
///
/// Space around a label is none of it. A line of one space alone is a label, as in the character tables of models
/// that read text.
pub fn from_file(text: &str) -> Result<Vec<String>, Unfit> {
    let text = without_blank_end(text.trim_start_matches('\u{feff}'));
    if text.trim().is_empty() {
        return Err(Unfit::new(
            "the labels file has no line",
            "write one label a line, class 0 first",
        ));
    }
    let labels: Vec<String> = text
        .lines()
        .take(MOST + 1)
        .map(|it| if is_space(it) { it } else { it.trim() }.to_owned())
        .collect();
    if labels.len() > MOST {
        return Err(Unfit::new(
            format!("the labels file has more than {MOST} lines"),
            "give a text file with one label a line",
        ));
    }
    Ok(labels)
}

/// Whether a line is a space that stands for itself.
fn is_space(line: &str) -> bool {
    let mut characters = line.chars();
    characters.next().is_some_and(char::is_whitespace) && characters.next().is_none()
}

/// A text without the lines at its end that say nothing.
fn without_blank_end(mut text: &str) -> &str {
    loop {
        text = text.trim_end_matches(['\n', '\r']);
        let last = text.lines().next_back().unwrap_or_default();
        if last.is_empty() || is_space(last) || !last.trim().is_empty() {
            return text;
        }
        text = &text[..text.len() - last.len()];
    }
}

/// Characters of the metadata's `character`: one a line, as PaddleOCR's exporters write them, or a literal as in
/// [`from_names`]; of a text of one line each character is one.
pub fn from_characters(text: &str) -> Result<Vec<String>, Unfit> {
    let lines = |text: &str| -> Vec<String> {
        let line = |it: &str| it.strip_suffix('\r').unwrap_or(it).to_owned();
        text.split('\n').map(line).collect()
    };
    let whole = text.strip_suffix('\n').unwrap_or(text);
    let characters = match from_names(text) {
        Ok(listed) => listed,
        Err(_) if whole.contains('\n') => lines(whole),
        Err(_) => whole.chars().map(String::from).collect(),
    };
    if characters.is_empty() || MOST < characters.len() {
        return Err(Unfit::new(
            "the characters in the model's metadata are no table of characters",
            "give the table by labels-file, one a line",
        ));
    }
    Ok(characters)
}

/// Labels of the metadata's `names`: a literal of Python or JSON, `{0: 'person', 1: "bird"}` or `['person', 'bird']`.
/// A number that a dictionary leaves out is its own label.
pub fn from_names(text: &str) -> Result<Vec<String>, Unfit> {
    Literal { rest: text.trim() }.names().ok_or_else(|| {
        Unfit::new(
            "the names in the model's metadata are no list of labels",
            "give the labels by labels-file, one a line",
        )
    })
}

/// Labels of `id2label` in a configuration as transformers write it (JSON); `None` where it has none.
pub fn from_configuration(text: &str) -> Option<Vec<String>> {
    const KEY: &str = "\"id2label\"";
    let (_, rest) = text.split_once(KEY)?;
    let start = rest.find('{').filter(|it| rest[..*it].trim() == ":")?;
    let mut literal = Literal { rest: &rest[start..] };
    literal
        .skip('{')
        .then(|| literal.dictionary())
        .flatten()
        .filter(|it| !it.is_empty())
}

/// Labels of a text that may be a literal as in [`from_names`], lines, or a line with commas; `None` where it is none of
/// these.
pub(super) fn from_text(text: &str) -> Option<Vec<String>> {
    if let Ok(labels) = from_names(text) {
        return Some(labels);
    }
    let text = text.trim_matches(['\n', '\r']);
    let separator = if text.contains('\n') { '\n' } else { ',' };
    let labels = text
        .split(separator)
        .take(MOST + 1)
        .map(|it| it.trim().to_owned());
    let labels: Vec<String> = labels.collect();
    ((2..=MOST).contains(&labels.len())).then_some(labels)
}

/// Compares the number of labels with the model's classes; returns a warning where there are more labels.
pub fn check(labels: usize, classes: usize) -> Result<Option<String>, Unfit> {
    if labels < classes {
        return Err(Unfit::new(
            format!("the model has {classes} classes and there are {labels} labels"),
            format!("give labels-file {classes} lines, one for each class"),
        ));
    }
    Ok((classes < labels).then(|| {
        format!("there are {labels} labels and the model has {classes} classes: the last ones are never used")
    }))
}

/// A reader of literals.
struct Literal<'a> {
    rest: &'a str,
}

impl Literal<'_> {
    fn names(mut self) -> Option<Vec<String>> {
        let labels = if self.skip('{') {
            self.dictionary()?
        } else if self.skip('[') {
            self.list(']')?
        } else if self.skip('(') {
            self.list(')')?
        } else {
            return None;
        };
        (self.rest.is_empty() && !labels.is_empty()).then_some(labels)
    }

    fn list(&mut self, end: char) -> Option<Vec<String>> {
        let mut labels = Vec::new();
        while !self.skip(end) {
            labels.push(self.text()?);
            if labels.len() > MOST || !(self.skip(',') || self.rest.starts_with(end)) {
                return None;
            }
        }
        Some(labels)
    }

    fn dictionary(&mut self) -> Option<Vec<String>> {
        let mut labels: Vec<Option<String>> = Vec::new();
        while !self.skip('}') {
            let class = self.number()?;
            if class >= MOST || !self.skip(':') {
                return None;
            }
            let label = self.text()?;
            labels.resize(labels.len().max(class + 1), None);
            labels[class] = Some(label);
            if !(self.skip(',') || self.rest.starts_with('}')) {
                return None;
            }
        }
        let numbered = labels.into_iter().enumerate();
        Some(
            numbered
                .map(|(class, it)| it.unwrap_or_else(|| class.to_string()))
                .collect(),
        )
    }

    /// Passes over a character and the space behind it, if it comes next.
    fn skip(&mut self, next: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(next) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }

    /// A number, or one in quotes as in JSON.
    fn number(&mut self) -> Option<usize> {
        if self.rest.starts_with(['\'', '"']) {
            return self.text()?.parse().ok();
        }
        let end = self
            .rest
            .find(|it: char| !it.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        digits.parse().ok()
    }

    /// A text in quotes; a number stands for its digits.
    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        if quote.is_ascii_digit() {
            return self.number().map(|it| it.to_string());
        }
        if !matches!(quote, '\'' | '"') {
            return None;
        }
        let mut characters = self.rest[1..].chars();
        let mut text = String::new();
        loop {
            match characters.next()? {
                '\\' => text.extend(escaped(&mut characters)?),
                it if it == quote => break,
                it => text.push(it),
            }
        }
        self.rest = characters.as_str().trim_start();
        Some(text)
    }
}

/// What an escape stands for, read behind its backslash.
fn escaped(characters: &mut std::str::Chars) -> Option<Option<char>> {
    let digits = match characters.next()? {
        'n' => return Some(Some('\n')),
        't' => return Some(Some('\t')),
        'r' => return Some(Some('\r')),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        it => return Some(Some(it)),
    };
    let mut code = 0u32;
    for _ in 0..digits {
        code = code
            .checked_mul(16)?
            .checked_add(characters.next()?.to_digit(16)?)?;
    }
    // Half of a surrogate pair is no character; JSON's rare ones are left out.
    Some(char::from_u32(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_exporters_write_them() {
        for (text, labels) in [
            ("{0: 'person', 1: 'bird'}", vec!["person", "bird"]),
            (
                r#"{0: "driver's seat", 1: 'a "b"'}"#,
                vec!["driver's seat", "a \"b\""],
            ),
            (r"{0: 'it\'s', 1: '\xe9\u0416\\'}", vec!["it's", "éЖ\\"]),
            ("{2: 'c', 0: 'a',}", vec!["a", "1", "c"]),
            ("['a', 'b']", vec!["a", "b"]),
            ("('a',)", vec!["a"]),
            (r#"{"0": "a, b", "1": "{c: d}"}"#, vec!["a, b", "{c: d}"]),
            ("{0: 0, 1: 7}", vec!["0", "7"]),
        ] {
            assert_eq!(
                from_names(text),
                Ok(labels.into_iter().map(str::to_owned).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn names_that_are_no_list_of_labels_are_refused() {
        for text in [
            "",
            "{}",
            "person",
            "{0: 'a'",
            "{0: 'a",
            "{0 'a'}",
            "{'a': 'b'}",
            "{-1: 'a'}",
            "{99999999999999999999: 'a'}",
            "{4000000000: 'a'}",
            "['a' 'b']",
            "{0: 'a'} or so",
            r"{0: '\x",
        ] {
            let error = from_names(text).unwrap_err().to_string();
            assert!(error.contains("labels-file"), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_has_one_label_a_line() {
        let labels = from_file("\u{feff}person\r\n traffic light \n\nbird\n\n").unwrap();
        assert_eq!(labels, ["person", "traffic light", "", "bird"]);
        assert!(
            from_file(" \n\n")
                .unwrap_err()
                .to_string()
                .contains("one label a line")
        );
        assert!(from_file(&"a\n".repeat(MOST + 1)).is_err());
    }

    #[test]
    fn a_space_is_a_label_where_it_stands_alone() {
        assert_eq!(
            from_file("a\r\n\u{3000}\r\nb\n \n").unwrap(),
            ["a", "\u{3000}", "b", " "]
        );
        assert_eq!(from_file("\na\n  \n\n").unwrap(), ["", "a"]);
        assert!(from_file(" \n").is_err());
    }

    #[test]
    fn characters_are_read_as_exporters_write_them() {
        for (text, characters) in [
            ("a\n \n\u{3000}\n'\n", vec!["a", " ", "\u{3000}", "'"]),
            ("a\r\nb", vec!["a", "b"]),
            ("['[blank]', 'a']", vec!["[blank]", "a"]),
            ("012", vec!["0", "1", "2"]),
            ("[\n]\n", vec!["[", "]"]),
        ] {
            let characters = characters.into_iter().map(str::to_owned).collect();
            assert_eq!(from_characters(text), Ok(characters), "{text}");
        }
        assert!(
            from_characters("")
                .unwrap_err()
                .to_string()
                .contains("labels-file")
        );
    }

    #[test]
    fn fewer_labels_than_classes_are_an_error_and_more_a_warning() {
        assert_eq!(check(80, 80), Ok(None));
        assert!(check(81, 80).unwrap().unwrap().contains("81 labels"));
        let error = check(79, 80).unwrap_err().to_string();
        assert!(error.contains("80 classes") && error.contains("79 labels") && error.contains("80 lines"));
    }
}
