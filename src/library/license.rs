// SPDX-License-Identifier: MPL-2.0

//! Licences as SPDX expressions, such as `MIT OR Apache-2.0` or `LicenseRef-openrail`.

use std::fmt;

use spdx::error::Reason;
use spdx::expression::{ExprNode, Operator};
use spdx::{Expression, Licensee};

/// Letters that a word may have to be looked up or repeated.
const LONGEST: usize = 64;

/// Why a text is no licence, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' {cause}; {remedy}")]
pub struct LicenseError {
    text: String,
    cause: String,
    remedy: String,
}

/// What a licence asks for.
#[derive(Debug, Clone)]
pub struct License(Expression);

impl License {
    /// Reads an SPDX expression, strictly.
    ///
    /// # Errors
    ///
    /// When it is none; the error has what may have been meant.
    pub fn parse(text: &str) -> Result<License, LicenseError> {
        let text = text.trim();
        Expression::parse(text)
            .map(License)
            .map_err(|error| LicenseError {
                cause: cause(&error.reason, text.get(error.span.clone()).unwrap_or_default()),
                remedy: remedy(text),
                text: shortened(text),
            })
    }
}

impl fmt::Display for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Licences of which each is enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowed {
    licenses: Vec<Licensee>,
    text: String,
}

impl Allowed {
    /// Reads a list such as `MIT OR Apache-2.0 OR MPL-2.0`.
    ///
    /// # Errors
    ///
    /// When it is no expression, or has more than names with OR between them.
    pub fn parse(text: &str) -> Result<Allowed, LicenseError> {
        let License(expression) = License::parse(text)?;
        let fault = |cause: &str, remedy: &str| LicenseError {
            text: shortened(text),
            cause: cause.into(),
            remedy: remedy.into(),
        };
        if expression
            .iter()
            .any(|it| matches!(it, ExprNode::Op(Operator::And)))
        {
            let remedy =
                "write OR between the licences that you allow; whoever needs several of them is let in too";
            return Err(fault("has AND in it", remedy));
        }
        let names = expression.requirements().map(|it| it.req.to_string());
        let licenses = names.map(|name| Licensee::parse(&name));
        let licenses = licenses.collect::<Result<_, _>>().map_err(|_| {
            fault(
                "allows later versions by +",
                "name each version that you allow, without +",
            )
        })?;
        Ok(Allowed {
            licenses,
            text: text.trim().to_owned(),
        })
    }

    /// Whether the licence can be kept by who keeps to these alone.
    pub fn satisfy(&self, License(expression): &License) -> bool {
        expression.evaluate(|asked| self.licenses.iter().any(|it| it.satisfies(asked)))
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The expression that somebody may have meant who writes as people do: `apache-2.0`, `GPL-3.0`, `AGPL-3.0 License
/// (https://…)`, `openrail`. A name that SPDX does not have becomes a `LicenseRef-…`. `None` where it says nothing, as
/// `other` and `unknown` do.
pub fn meant(text: &str) -> Option<String> {
    let text = text.trim();
    if let Ok(expression) = Expression::parse(text) {
        return Some(expression.to_string());
    }
    let word = text.split([' ', '(', ',', ';']).next().unwrap_or_default();
    let vague = [
        "",
        "other",
        "unknown",
        "none",
        "proprietary",
        "license",
        "licence",
        "see",
    ];
    let is_vague = vague.iter().any(|it| word.eq_ignore_ascii_case(it));
    [text, word]
        .into_iter()
        .filter(|_| !is_vague)
        .find_map(named)
        .or_else(|| reference(word).filter(|_| !is_vague))
}

/// The expression for names in lower case, for old ones, and for those that are often written.
fn named(text: &str) -> Option<String> {
    let word = |word: &str| {
        let mut known = spdx::identifiers::LICENSES.iter();
        let known = known.find(|it| it.name.eq_ignore_ascii_case(word));
        known.map_or(word.to_owned(), |it| it.name.to_owned())
    };
    let words = text.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    let canonical = Expression::canonicalize(&words).ok()?;
    let expression = canonical.unwrap_or(words);
    Expression::parse(&expression).ok().map(|it| it.to_string())
}

/// A name of one's own for a licence that SPDX does not have.
fn reference(name: &str) -> Option<String> {
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '.';
    let name: String = name
        .chars()
        .take(LONGEST)
        .map(|it| if plain(it) { it } else { '-' })
        .collect();
    let name = name.trim_matches('-');
    (!name.is_empty()).then(|| format!("LicenseRef-{name}"))
}

fn remedy(text: &str) -> String {
    let own = match text.contains(char::is_whitespace) {
        true => named(text),
        false => meant(text),
    };
    match own {
        Some(meant) => format!("write {meant}"),
        None => {
            "write such as MIT, 'MIT OR Apache-2.0', or LicenseRef-NAME for a licence that SPDX does not have"
                .into()
        }
    }
}

fn cause(reason: &Reason, at: &str) -> String {
    let at = shortened(at);
    match reason {
        Reason::DeprecatedLicenseId => {
            "is a name that SPDX no longer has, and leaves open whether later versions count".into()
        }
        Reason::Empty => "is empty".into(),
        Reason::UnclosedParens | Reason::UnopenedParens => "has a parenthesis without its other one".into(),
        Reason::UnknownLicense | Reason::UnknownTerm if !at.is_empty() => {
            format!("is no SPDX expression (SPDX has no '{at}')")
        }
        _ => "is no SPDX expression".into(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_expression_says_what_to_write() {
        for (text, words) in [
            ("openrail", "write LicenseRef-openrail"),
            ("apache-2.0", "write Apache-2.0"),
            ("GPL-3.0", "write GPL-3.0-only"),
            ("agpl-3.0", "write AGPL-3.0-only"),
            ("mit / apache-2.0", "write MIT OR Apache-2.0"),
            ("bsd-3-clause", "write BSD-3-Clause"),
            ("cc-by-nc-4.0", "write CC-BY-NC-4.0"),
            ("bigscience-openrail-m", "write LicenseRef-bigscience-openrail-m"),
            ("", "is empty"),
            ("MIT OR", "write such as"),
            ("(MIT", "parenthesis"),
            ("see LICENSE file", "write such as"),
            ("MIT OR openrail", "SPDX has no 'openrail'"),
        ] {
            let error = License::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let long = "x".repeat(10_000);
        assert!(License::parse(&long).unwrap_err().to_string().len() < 500);
    }

    #[test]
    fn what_people_write_is_understood_where_it_says_something() {
        for (text, expected) in [
            ("mit", Some("MIT")),
            ("MIT License", Some("MIT")),
            ("Apache License 2.0", Some("Apache-2.0")),
            (
                "AGPL-3.0 License (https://ultralytics.com/license)",
                Some("AGPL-3.0-only"),
            ),
            ("CC0-1.0", Some("CC0-1.0")),
            ("openrail++", Some("LicenseRef-openrail")),
            ("llama3.1", Some("LicenseRef-llama3.1")),
            ("other", None),
            ("unknown", None),
            ("", None),
            ("\u{1f600}", None),
        ] {
            assert_eq!(meant(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_licence_is_let_in_where_the_allowed_ones_satisfy_it() {
        let allowed = Allowed::parse("MIT OR Apache-2.0 OR MPL-2.0 OR LicenseRef-own").unwrap();
        for (license, expected) in [
            ("MIT", true),
            ("GPL-3.0-only OR MIT", true),
            ("MIT AND Apache-2.0", true),
            ("MIT AND GPL-3.0-only", false),
            ("AGPL-3.0-only", false),
            ("LicenseRef-own", true),
            ("LicenseRef-other", false),
            ("Apache-2.0 WITH LLVM-exception", false),
            ("(MIT OR CC0-1.0) AND MPL-2.0", true),
        ] {
            assert_eq!(
                allowed.satisfy(&License::parse(license).unwrap()),
                expected,
                "{license}"
            );
        }
        let gpl = Allowed::parse("GPL-3.0-or-later").unwrap();
        assert!(gpl.satisfy(&License::parse("GPL-3.0-or-later").unwrap()));
        for (text, words) in [
            ("MIT AND Apache-2.0", "write OR"),
            ("MIT,Apache-2.0", "no SPDX expression"),
            ("Apache-2.0+", "without +"),
        ] {
            let error = Allowed::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
