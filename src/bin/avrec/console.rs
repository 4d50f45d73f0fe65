// SPDX-License-Identifier: MPL-2.0

//! Lines for a person. A closed terminal or pipe must not end a run, so a failed write is left alone.

use std::io::Write;

/// A line on stdout.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line on stderr, with the program's name.
pub fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "avrec: {text}");
}
