// SPDX-License-Identifier: MPL-2.0

//! Numbers, times, names and lists as people read them.

use std::time::Duration;

/// Between a number and its unit; a line does not break there.
pub const NBSP: char = '\u{a0}';

/// `1,234,567`
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position != 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One digit after the point; a share that is not quite all or nothing does not look like it.
pub fn percent(share: f64) -> String {
    match 100.0 * share {
        all if (99.95..100.0).contains(&all) => format!(">99.9{NBSP}%"),
        none if 0.0 < none && none < 0.05 => format!("<0.1{NBSP}%"),
        whole if whole == 0.0 || whole == 100.0 => format!("{whole:.0}{NBSP}%"),
        other => format!("{other:.1}{NBSP}%"),
    }
}

/// `40 ms`, `31.4 ms`, `38 µs`
pub fn milliseconds(time: Duration) -> String {
    if !time.is_zero() && time < Duration::from_micros(100) {
        return format!("{}{NBSP}µs", time.as_nanos().div_ceil(1_000));
    }
    let text = format!("{:.1}", 1000.0 * time.as_secs_f64());
    format!("{}{NBSP}ms", text.strip_suffix(".0").unwrap_or(&text))
}

/// `12.24 s`
pub fn moment(time: Duration) -> String {
    format!("{:.2}{NBSP}s", time.as_secs_f64())
}

/// A name that may be in any script, as a part of a sentence: one that runs from right to left does not turn what stands
/// around it.
pub fn isolated(name: &str) -> String {
    let runs_left = |it: char| matches!(it, '\u{590}'..='\u{8ff}' | '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    match name.chars().any(runs_left) {
        true => format!("\u{2068}{name}\u{2069}"),
        false => name.to_string(),
    }
}

/// `a, b and c`
pub fn list(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_counts_read_well_at_their_edges() {
        assert_eq!(
            [0.0, 0.0001, 0.5, 0.9999, 1.0].map(|share| percent(share).replace(NBSP, " ")),
            ["0 %", "<0.1 %", "50.0 %", ">99.9 %", "100 %"]
        );
        assert_eq!(
            [0, 999, 1000, 1234567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            milliseconds(Duration::from_micros(31_449)).replace(NBSP, " "),
            "31.4 ms"
        );
        assert_eq!(milliseconds(Duration::from_millis(40)), "40\u{a0}ms");
        assert_eq!(milliseconds(Duration::from_nanos(37_500)), "38\u{a0}µs");
    }
}
