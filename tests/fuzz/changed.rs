// SPDX-License-Identifier: MPL-2.0

//! Texts that were changed at random.

use gstavrec::random::Random;

/// What takes the place of a number, or of a word.
const ODD: [&str; 24] = [
    "",
    "0",
    "-0",
    "-1",
    "1",
    "1e999",
    "-1e308",
    "1e-320",
    "NaN",
    "inf",
    "-inf",
    "255",
    "256",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "0x10",
    "true",
    "\"",
    "é\u{301}",
    "\u{202e}x",
    "\0",
];

/// One of these texts, with one to six changes.
pub fn changed(random: &mut Random, seeds: &[&str]) -> String {
    let one = |random: &mut Random| seeds[random.whole(0, seeds.len() - 1)];
    let mut text = one(random).to_owned();
    for _ in 0..random.whole(1, 6) {
        text = match random.whole(0, 8) {
            0 => lines(random, &text),
            1..=4 => word(random, &text),
            5 => letter(random, &text),
            6 => text[..place(random, &text)].to_owned(),
            7 => {
                // The head of one and the tail of another.
                let other = one(random);
                text[..place(random, &text)].to_owned() + &other[place(random, other)..]
            }
            _ => {
                let (from, to) = (place(random, &text), place(random, &text));
                let part = text[from.min(to)..from.max(to)].repeat(random.whole(1, 3));
                text[..from].to_owned() + &part + &text[from..]
            }
        };
        // Many parts of parts would only be slow.
        let end = (0..=text.len().min(8192))
            .rev()
            .find(|it| text.is_char_boundary(*it));
        text.truncate(end.unwrap_or_default());
    }
    text
}

/// Anywhere between two letters.
fn place(random: &mut Random, text: &str) -> usize {
    let at = random.whole(0, text.len());
    (at..=text.len())
        .find(|it| text.is_char_boundary(*it))
        .unwrap_or_default()
}

/// Drops a line, has one twice, or puts one elsewhere.
fn lines(random: &mut Random, text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.is_empty() {
        return String::new();
    }
    let at = random.whole(0, lines.len() - 1);
    let line = lines[at];
    match random.whole(0, 2) {
        0 => _ = lines.remove(at),
        1 => lines.insert(at, line),
        _ => {
            lines.remove(at);
            lines.insert(random.whole(0, lines.len()), line);
        }
    }
    lines.concat()
}

/// Puts something odd, or another word of the text, in a word's place.
fn word(random: &mut Random, text: &str) -> String {
    let is_word = |it: char| it.is_alphanumeric() || matches!(it, '.' | '_' | '-');
    let words: Vec<&str> = text
        .split(|it| !is_word(it))
        .filter(|it| !it.is_empty())
        .collect();
    if words.is_empty() {
        return ODD[random.whole(0, ODD.len() - 1)].to_owned();
    }
    let word = words[random.whole(0, words.len() - 1)];
    // All words are parts of the text.
    let at = word.as_ptr() as usize - text.as_ptr() as usize;
    let instead = match random.chance(0.7) {
        true => ODD[random.whole(0, ODD.len() - 1)],
        false => words[random.whole(0, words.len() - 1)],
    };
    text[..at].to_owned() + instead + &text[at + word.len()..]
}

/// Puts another letter in, or in the place of one.
fn letter(random: &mut Random, text: &str) -> String {
    let letters: Vec<char> = " \t\n\r,;:|=[]{}()\"'#/\\.-+0aé\u{feff}".chars().collect();
    let letter = letters[random.whole(0, letters.len() - 1)];
    let at = place(random, text);
    let mut rest = text[at..].chars();
    if random.chance(0.5) {
        rest.next();
    }
    text[..at].to_owned() + &letter.to_string() + rest.as_str()
}
