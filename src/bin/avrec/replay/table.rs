// SPDX-License-Identifier: MPL-2.0

//! A replay for people: tables and sentences that fit into 100 columns.

use std::fmt::Write;

use gstavrec::replay::{Interval, PolicyName, Summary};

use super::decisions::Decision;
use super::trace::Trace;
use crate::console::{WIDTH, aligned};

const HEAD: [&str; 10] = [
    "",
    "miss %",
    "quality",
    "regret %",
    "-switch %",
    "swaps/1k",
    "reaction",
    "recovery",
    "shadow %",
    "µs",
];

/// What the columns mean that do not say it themselves.
pub const LEGEND: &str = "\
quality: mean worth of what left, a missed frame is worth nothing. regret: to the oracle, and
-switch: to the oracle that pays for its swaps. reaction: frames from the onset of a load until five
in a row are on time, median/largest. recovery: frames from its end until five in a row are worth
95 % of the oracle's, median/90th percentile. µs: time of a decision. -: none in this trace.";

type Row = [String; HEAD.len()];

/// One trace with what each policy made of it.
pub fn trace(trace: &Trace, played: &[(PolicyName, Summary)]) -> String {
    let matrix = &trace.matrix;
    let rows = played.iter().map(|(policy, summary)| row(*policy, summary));
    format!(
        "{}: {} frames, {} candidates, budget {:.1} ms, period {:.1} ms\n{}",
        trace.source,
        matrix.frames(),
        matrix.candidates(),
        matrix.budget_ms,
        matrix.period_ms,
        under_head(rows)
    )
}

/// The means over all traces, with their intervals below.
pub fn means(traces: usize, summaries: impl Iterator<Item = (PolicyName, Summary)>) -> String {
    let rows = summaries.flat_map(|(policy, it)| [row(policy, &it), interval_row(&it)]);
    format!(
        "mean of {traces} traces, below it the 95 % bootstrap interval over the traces\n{}",
        under_head(rows)
    )
}

fn row(policy: PolicyName, it: &Summary) -> Row {
    [
        policy.to_string(),
        tenths(100.0 * it.miss_rate.mean),
        format!("{:.3}", it.effective_quality.mean),
        tenths(100.0 * it.regret.mean),
        tenths(100.0 * it.regret_switch_aware.mean),
        tenths(it.swaps_per_1000.mean),
        pair(it.reaction.median(), it.reaction.max()),
        pair(it.recovery.median(), it.recovery.percentile(0.9)),
        tenths(100.0 * it.shadow_share.mean),
        time(it.decision_us.mean),
    ]
}

fn interval_row(it: &Summary) -> Row {
    let between = |it: Interval, unit: f64| {
        let (low, high) = (unit * it.low, unit * it.high);
        // Three digits are enough, and all that there is room for.
        if high < 100.0 {
            format!("{}–{}", tenths(low), tenths(high))
        } else {
            format!("{low:.0}–{high:.0}")
        }
    };
    [
        String::new(),
        between(it.miss_rate, 100.0),
        format!("{:.2}–{:.2}", it.effective_quality.low, it.effective_quality.high),
        between(it.regret, 100.0),
        between(it.regret_switch_aware, 100.0),
        between(it.swaps_per_1000, 1.0),
        String::new(),
        String::new(),
        between(it.shadow_share, 100.0),
        String::new(),
    ]
}

/// The switches of our policy, a paragraph each.
pub fn decisions(told: &[Decision]) -> String {
    let mut text = match told.len().saturating_sub(1) {
        0 => "avrec never switched".to_string(),
        1 => "avrec switched once".to_string(),
        times => format!("avrec switched {times} times"),
    };
    for it in told {
        let from = it
            .from
            .as_ref()
            .map_or(String::new(), |from| format!("{from} -> "));
        let head = format!(
            "frame {} ({:.2} s): {from}{}, {}: {}.",
            it.frame,
            it.t_ms / 1e3,
            it.to,
            it.reason,
            it.reason_text
        );
        let _ = write!(text, "\n{}\n{}", wrapped(&head, 2), wrapped(&it.explanation, 6));
    }
    text
}

/// The text in lines of at most [`WIDTH`], all of them indented, those after the first by four more.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![" ".repeat(indent)];
    let mut is_fresh = true;
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let length = lines[last].chars().count();
        if !is_fresh && WIDTH < length + 1 + word.chars().count() {
            lines.push(format!("{}{word}", " ".repeat(indent + 4)));
        } else {
            let gap = if is_fresh { "" } else { " " };
            lines[last] += &format!("{gap}{word}");
        }
        is_fresh = false;
    }
    lines.join("\n")
}

fn under_head(rows: impl Iterator<Item = Row>) -> String {
    let rows: Vec<Row> = std::iter::once(HEAD.map(String::from)).chain(rows).collect();
    aligned(&rows)
}

/// One digit after the point, and no negative zero.
pub fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    if text == "-0.0" { "0.0".to_string() } else { text }
}

fn pair(first: Option<usize>, second: Option<usize>) -> String {
    match (first, second) {
        (Some(first), Some(second)) => format!("{first}/{second}"),
        _ => "-".to_string(),
    }
}

/// An oracle decides in no time.
pub fn time(us: f64) -> String {
    if 0.0 < us { tenths(us) } else { "-".to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_broken_between_words() {
        let text = "word ".repeat(40);
        let lines = wrapped(&text, 2);
        assert!(lines.lines().all(|it| it.chars().count() <= WIDTH), "{lines}");
        assert_eq!(lines.split_whitespace().count(), 40);
        assert!(lines.starts_with("  word") && lines.contains("\n      word"));
        let long = "x".repeat(150);
        assert_eq!(wrapped(&long, 2), format!("  {long}"));
    }

    #[test]
    fn no_figure_reads_as_minus_nothing() {
        assert_eq!([-0.04, 0.04, -0.06].map(tenths), ["0.0", "0.0", "-0.1"]);
        assert_eq!(
            (pair(Some(2), Some(4)), pair(None, None)),
            ("2/4".into(), "-".into())
        );
    }
}
