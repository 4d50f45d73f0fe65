// SPDX-License-Identifier: MPL-2.0

//! A source file as words, without comments, strings and tests, and what can be read from them: items, methods,
//! imports and paths.

/// The words of one file; a string counts as one word.
pub struct Words {
    words: Vec<(String, usize)>,
}

/// A path in the code, and its line.
#[derive(Clone)]
pub struct Mention {
    pub path: Vec<String>,
    pub line: usize,
}

/// What a `use` declaration brings into a file.
pub struct Import {
    pub mention: Mention,
    /// The name in this file; `*` for all names.
    pub name: String,
    /// Whether others see it too: then the file passes the name on and need not use it.
    pub is_passed_on: bool,
}

/// Words before the name of an item.
const ITEMS: [&str; 8] = [
    "fn",
    "struct",
    "enum",
    "trait",
    "const",
    "static",
    "type",
    "macro_rules",
];

impl Words {
    /// Cuts a text into words; comments and lifetimes are none.
    pub fn of(text: &str) -> Words {
        let (mut words, mut line, mut rest) = (Vec::new(), 1, text);
        while let Some(first) = rest.chars().next() {
            let length = word_length(rest, first);
            let word = &rest[..length];
            let is_lifetime = first == '\'' && !(1 < length && word.ends_with('\''));
            if !(first.is_whitespace() || is_lifetime || word.starts_with("//") || word.starts_with("/*")) {
                let is_text = word.ends_with(['"', '\'']) || (1 < length && word.ends_with('#'));
                let word = if is_text { "\"" } else { word };
                words.push((word.strip_prefix("r#").unwrap_or(word).to_owned(), line));
            }
            line += word.matches('\n').count();
            rest = &rest[length..];
        }
        Words { words }
    }

    fn get(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |it| &it.0)
    }

    fn is_at(&self, at: usize, expected: &[&str]) -> bool {
        (at..).zip(expected).all(|(at, it)| self.get(at) == *it)
    }

    /// The index after the bracket that closes the one at `at`.
    fn after_block(&self, at: usize) -> usize {
        let mut depth = 0;
        for index in at..self.words.len() {
            match self.get(index) {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return index + 1;
            }
        }
        self.words.len()
    }

    /// Takes out each item that only tests see.
    pub fn remove_tests(&mut self) {
        let mut at = 0;
        while at < self.words.len() {
            if !self.is_at(at, &["#", "[", "cfg", "(", "test", ")", "]"]) {
                at += 1;
                continue;
            }
            let mut end = at;
            while self.get(end) == "#" {
                end = self.after_block(end + 1);
            }
            while end < self.words.len() && ![";", "{"].contains(&self.get(end)) {
                end = if ["(", "["].contains(&self.get(end)) {
                    self.after_block(end)
                } else {
                    end + 1
                };
            }
            end = if self.get(end) == "{" {
                self.after_block(end)
            } else {
                end + 1
            };
            self.words.drain(at..end.min(self.words.len()));
        }
    }

    /// The names that a file declares, and the types that it gives methods to.
    pub fn items(&self) -> (Vec<String>, Vec<Mention>) {
        let (mut declared, mut impls, mut at) = (Vec::new(), Vec::new(), 0);
        while at < self.words.len() {
            let word = self.get(at);
            let is_item = at == 0 || ["}", ";", "]", "{", "unsafe"].contains(&self.get(at - 1));
            if word == "impl" && is_item {
                impls.extend(self.inherent_impl(at));
            }
            if ITEMS.contains(&word) {
                let name = at + 1 + usize::from(["!", "mut"].contains(&self.get(at + 1)));
                declared.push(self.get(name).to_owned());
            }
            // A wrapper macro declares the type that stands in it.
            let is_wrapper = word == "{" && 1 < at && self.is_at(at - 2, &["wrapper", "!"]);
            at = if ["{", "(", "["].contains(&word) && !is_wrapper {
                self.after_block(at)
            } else {
                at + 1
            };
        }
        (declared, impls)
    }

    /// The type of the `impl` at `at`, unless it implements a trait.
    fn inherent_impl(&self, at: usize) -> Option<Mention> {
        let mut index = at + 1;
        if self.get(index) == "<" {
            index = self.after_generics(index);
        }
        let path = self.path(index);
        let mut end = index;
        while !["{", "where", ""].contains(&self.get(end)) {
            if self.get(end) == "for" {
                return None;
            }
            end += 1;
        }
        let line = self.words[at].1;
        (!path.is_empty()).then_some(Mention { path, line })
    }

    fn after_generics(&self, at: usize) -> usize {
        let mut depth = 0;
        for index in at..self.words.len() {
            match self.get(index) {
                "<" => depth += 1,
                ">" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return index + 1;
            }
        }
        self.words.len()
    }

    /// The names that stand one after the other from `at` on.
    fn path(&self, at: usize) -> Vec<String> {
        let mut path = Vec::new();
        let mut index = at;
        while self.get(index).starts_with(is_name) {
            path.push(self.get(index).to_owned());
            if self.get(index + 1) != "::" {
                break;
            }
            index += 2;
        }
        path
    }

    pub fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for at in 0..self.words.len() {
            if self.get(at) == "use" && self.get(at + 1) != "<" {
                let is_passed_on = 0 < at && ["pub", ")"].contains(&self.get(at - 1));
                self.import_tree(at + 1, Vec::new(), is_passed_on, &mut imports);
            }
        }
        imports
    }

    /// Reads one branch of a `use` declaration, and returns where it ends.
    fn import_tree(
        &self,
        at: usize,
        before: Vec<String>,
        is_passed_on: bool,
        imports: &mut Vec<Import>,
    ) -> usize {
        let (mut at, mut path) = (at, before);
        loop {
            match self.get(at) {
                "{" => {
                    at += 1;
                    while !["}", ""].contains(&self.get(at)) {
                        at = self.import_tree(at, path.clone(), is_passed_on, imports);
                        at += usize::from(self.get(at) == ",");
                    }
                    return at + 1;
                }
                "::" => at += 1,
                "*" => {
                    imports.push(self.import(at, path, "*".to_owned(), is_passed_on));
                    return at + 1;
                }
                word if word.starts_with(is_name) && word != "as" => {
                    // `self` in braces stands for the module before them.
                    if word != "self" || path.is_empty() {
                        path.push(word.to_owned());
                    }
                    at += 1;
                }
                _ => break,
            }
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if self.get(at) == "as" {
            name = self.get(at + 1).to_owned();
            at += 2;
        }
        imports.push(self.import(at - 1, path, name, is_passed_on));
        at
    }

    fn import(&self, at: usize, path: Vec<String>, name: String, is_passed_on: bool) -> Import {
        let line = self.words[at].1;
        Import {
            mention: Mention { path, line },
            name,
            is_passed_on,
        }
    }

    /// The paths of two names or more outside of `use` declarations and of wrapper macros.
    pub fn mentions(&self) -> Vec<Mention> {
        let (mut mentions, mut at) = (Vec::new(), 0);
        while at < self.words.len() {
            if self.get(at) == "use" {
                while ![";", ""].contains(&self.get(at)) {
                    at += 1;
                }
            } else if self.is_at(at, &["!", "{"]) && self.get(at.max(1) - 1) == "wrapper" {
                at = self.after_block(at + 1);
            } else {
                let path = self.path(at);
                let is_start = at == 0 || ![".", "::"].contains(&self.get(at - 1));
                let length = path.len();
                if is_start && 1 < length {
                    mentions.push(Mention {
                        path,
                        line: self.words[at].1,
                    });
                }
                at += (2 * length).saturating_sub(1).max(1);
            }
        }
        mentions
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

/// The length of the word, comment or string that a text starts with.
fn word_length(text: &str, first: char) -> usize {
    let until = |end: &str| text.find(end).unwrap_or(text.len());
    let name = text
        .find(|it: char| !it.is_alphanumeric() && it != '_')
        .unwrap_or(text.len());
    match first {
        '/' if text.starts_with("//") => until("\n"),
        '/' if text.starts_with("/*") => (until("*/") + 2).min(text.len()),
        '"' => quoted_length(text),
        '\'' => letter_length(text),
        ':' if text.starts_with("::") => 2,
        '-' if text.starts_with("->") => 2,
        '=' if text.starts_with("=>") => 2,
        _ if is_name(first) => match &text[..name] {
            "r" | "br" | "cr" if text[name..].starts_with(['"', '#']) => raw_length(text, name),
            "b" | "c" if text[name..].starts_with('"') => name + quoted_length(&text[name..]),
            "b" if text[name..].starts_with('\'') => name + letter_length(&text[name..]),
            _ => name,
        },
        _ if first.is_alphanumeric() => name,
        _ => first.len_utf8(),
    }
}

fn quoted_length(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A raw string, or a name with `r#` before it.
fn raw_length(text: &str, name: usize) -> usize {
    let fences = text[name..].chars().take_while(|it| *it == '#').count();
    let start = name + fences;
    if !text[start..].starts_with('"') {
        let rest = &text[start..];
        return start
            + rest
                .find(|it: char| !it.is_alphanumeric() && it != '_')
                .unwrap_or(rest.len());
    }
    let end = format!("\"{}", "#".repeat(fences));
    let found = text[start + 1..].find(&end);
    found.map_or(text.len(), |it| start + 1 + it + end.len())
}

/// A letter in quotes, or a lifetime.
fn letter_length(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match letters.next() {
        Some((_, '\\')) => {
            let end = text[3..].find('\'');
            end.map_or(text.len(), |it| 3 + it + 1)
        }
        Some((at, letter)) if text[at + letter.len_utf8()..].starts_with('\'') => at + letter.len_utf8() + 1,
        _ => {
            let rest = &text[1..];
            1 + rest
                .find(|it: char| !it.is_alphanumeric() && it != '_')
                .unwrap_or(rest.len())
        }
    }
}

#[test]
fn texts_comments_and_lifetimes_hide_nothing_and_mention_nothing() {
    let text = r###"
        // a::b
        /* c::d */ fn f<'a>(it: &'a str) { g('"', b'\'', '{', "e::\"f", r#"g::"h"#, b"i::j"); r#type::k(); }
        #[cfg(test)]
        pub(crate) fn only_for(tests: [u8; 2]) { l::m() }
        const N: u8 = n::o::P;
    "###;
    let mut words = Words::of(text);
    words.remove_tests();
    let mentions = words.mentions();
    let found: Vec<_> = mentions.iter().map(|it| (it.path.join("::"), it.line)).collect();
    assert_eq!(found, [("type::k".to_owned(), 3), ("n::o::P".to_owned(), 6)]);
    assert_eq!(words.items().0, ["f", "N"]);
}
