// SPDX-License-Identifier: MPL-2.0

//! What is said or written: a text for each sound or picture, of the same name; or LibriSpeech's `*.trans.txt`, with a
//! name and its text a line.

use std::path::{Path, PathBuf};

use super::error::TruthError;
use super::folder::Files;
use super::label::Kind;
use super::store::{Content, Labels, Store};
use crate::bounded_file;

/// Bytes that a text may have.
const MOST_BYTES: u64 = 16 << 20;

pub(super) fn read(path: &Path) -> Result<Store, TruthError> {
    let mut store = Store::new(Kind::Text, 0);
    let text_of =
        |path: &Path| bounded_file::read_text(path, MOST_BYTES).map_err(TruthError::unreadable(path));
    let is_list = |path: &Path| path.to_string_lossy().ends_with(".trans.txt");
    if !path.is_dir() && !is_list(path) {
        store.everywhere = Some(whole(one_line(&text_of(path)?)));
        return Ok(store);
    }
    let paths: Vec<PathBuf> = match path.is_dir() {
        true => {
            let files = Files::below(path)?;
            let texts = files.ending(&["txt"]).filter(|it| !files.names_classes(it));
            texts.cloned().collect()
        }
        false => vec![path.to_owned()],
    };
    for path in paths {
        let text = text_of(&path)?;
        if !is_list(&path) {
            *store.by_file.entry(&path, Labels::default) = whole(one_line(&text));
            continue;
        }
        for line in text.lines().filter(|it| !it.trim().is_empty()) {
            let (name, text) = line
                .trim()
                .split_once(char::is_whitespace)
                .unwrap_or((line.trim(), ""));
            let named = path.with_file_name(format!("{name}.txt"));
            *store.by_file.entry(&named, Labels::default) = whole(one_line(text));
        }
    }
    if store.by_file.len() == 0 {
        return Err(TruthError::unknown(
            path,
            "there is no text in it; give a .txt for each sound or picture",
        ));
    }
    Ok(store)
}

/// A text as one line: what breaks lines was the page's width.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn whole(text: String) -> Labels {
    Labels::whole(Content::Text(text))
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::{Folder, item};
    use super::super::{Classes, Format, Label, Truth};
    use crate::answer::Answer;

    fn text(truth: &Truth, file: &str) -> Option<String> {
        match truth.of(&item(file, None)).unwrap()? {
            Label::Said(Answer::Text(text)) => Some(text.text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_for_each_sound() {
        let folder = Folder::new();
        folder.write("a.txt", "\u{feff}Good morning,\r\neverybody.\n");
        folder.write("b.txt", "");
        // Two lines of LibriSpeech's dev-clean.
        folder.write(
            "84/84-121123.trans.txt",
            "84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS THAN FIVE MINUTES\n",
        );
        let truth = Truth::open(folder.path(), &mut Classes::new()).unwrap();
        assert_eq!((truth.format(), truth.len()), (Format::Transcripts, 4));
        assert_eq!(text(&truth, "x/a.wav").unwrap(), "Good morning, everybody.");
        assert_eq!(text(&truth, "b.flac").unwrap(), "", "nobody speaks");
        assert_eq!(
            text(&truth, "84-121123-0001.flac").unwrap(),
            "BUT IN LESS THAN FIVE MINUTES"
        );
        assert_eq!(text(&truth, "c.wav"), None);
        let one = Truth::open(&folder.path().join("a.txt"), &mut Classes::new()).unwrap();
        assert_eq!(text(&one, "talk.wav").unwrap(), "Good morning, everybody.");
    }
}
