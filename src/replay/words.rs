// SPDX-License-Identifier: MPL-2.0

//! Choices by the words of the command line.

/// The word of one of them; empty for one without.
pub fn word<T: PartialEq>(all: &[(T, &'static str)], of: &T) -> &'static str {
    all.iter().find(|it| it.0 == *of).map_or("", |it| it.1)
}

/// The one of this word; the error says what this is no `kind` of, and which are known.
pub fn choice<T: Copy>(all: &[(T, &'static str)], kind: &str, text: &str) -> Result<T, String> {
    let found = all.iter().find(|it| it.1 == text).map(|it| it.0);
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|it| it.1).collect();
        format!("'{text}' is no {kind}; known: {}", known.join(", "))
    })
}
