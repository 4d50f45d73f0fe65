// SPDX-License-Identifier: MPL-2.0

//! The tables of the report, and what else stands in it without a chart.

use std::time::Duration;

use gstavrec::messages::CandidateStats;

use super::escape::escape;
use super::numbers::{count, milliseconds, percent};
use crate::args::RunPlan;
use crate::record::{Record, Summary, measures};

/// A swap list longer than this is cut: nobody reads on, and the log has them all.
const SWAPS_SHOWN: usize = 200;

/// More than one late frame in twenty is what a viewer notices at once.
const ALARMING: f64 = 0.05;

/// The text of a cell, and its class in the style sheet.
type Cell = (String, &'static str);

fn number(text: impl Into<String>) -> Cell {
    (text.into(), "")
}

fn text(text: impl Into<String>) -> Cell {
    (text.into(), "text")
}

/// A line may break in it, so that the table stays as narrow as its other columns.
fn sentence(text: impl Into<String>) -> Cell {
    (text.into(), "wide")
}

fn known<T>(value: Option<T>, tell: impl FnOnce(T) -> String) -> Cell {
    number(value.map_or("–".to_string(), tell))
}

fn row(class: &str, kind: &str, cells: impl IntoIterator<Item = Cell>) -> String {
    let cells = cells.into_iter();
    let cells: String = cells
        .map(|(text, class)| element(kind, class, &escape(&text)))
        .collect();
    element("tr", class, &cells) + "\n"
}

fn element(name: &str, class: &str, content: &str) -> String {
    let class = match class {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    };
    format!("<{name}{class}>{content}</{name}>")
}

/// Heads stand as their columns do: over text those that begin with `<`.
fn table<'a>(id: &str, heads: impl IntoIterator<Item = &'a str>, rows: &str) -> String {
    let heads = heads.into_iter();
    let heads = heads.map(|it| it.strip_prefix('<').map_or_else(|| number(it), text));
    let head = row("", "th", heads);
    format!(
        "<div class=\"scroll\"><table id=\"{id}\"><thead>{head}</thead><tbody>\n{rows}</tbody></table></div>\n"
    )
}

/// One row a run: what it cost and what it gave.
pub fn summary_table(summaries: &[Summary]) -> String {
    let measures = measures(summaries);
    let heads = ["run", "frames", "late", "missed", "latency p50", "p99", "swaps"];
    let heads = heads.into_iter().chain(measures.iter().map(|it| it.name));
    let heads = heads.chain(["<answered by"]);
    let of_all = |part: u64, share: f64| format!("{} ({})", count(part), percent(share));
    let rows = summaries.iter().enumerate().map(|(position, it)| {
        let alarm = if ALARMING < it.late_rate() { "alarm" } else { "" };
        let (p50, p99) = it.latency.unzip();
        let mut cells = vec![
            number(&it.name),
            number(count(it.frames)),
            (of_all(it.late, it.late_rate()), alarm),
            number(of_all(it.misses, it.miss_rate())),
            known(p50, milliseconds),
            known(p99, milliseconds),
            number(count(it.swaps as u64)),
        ];
        cells.extend(measures.iter().map(|measure| {
            let figure = it.quality.as_ref().and_then(|it| it.get(measure));
            known(figure, |value| {
                format!("{}{}", measure.digits(value), measure.unit)
            })
        }));
        let share = |(name, share): &(String, f64)| format!("{name} {}", percent(*share));
        cells.push(sentence(
            it.shares.iter().map(share).collect::<Vec<_>>().join(", "),
        ));
        row(if position == 0 { "main" } else { "" }, "td", cells)
    });
    let meanings: String = measures
        .iter()
        .map(|it| format!(" {} {}.", it.name, it.meaning))
        .collect();
    format!(
        "{}<p class=\"note\">A frame is late when it leaves after its budget, or not at all. It is missed when the \
         active candidate was not ready in time; the floor may have stood in, so that it left on time all the same. \
         p50 and p99: half, and all but one in a hundred, of the frames took at most this long.{meanings}</p>",
        table("summary", heads, &rows.collect::<String>())
    )
}

/// The swaps of the main run, numbered as in the chart.
pub fn swap_table(records: &[Record]) -> String {
    let Some(record) = records.first().filter(|record| !record.swaps.is_empty()) else {
        return String::new();
    };
    let rows = record.numbered_swaps().take(SWAPS_SHOWN).map(|(position, swap)| {
        let (at, swap) = (swap.at.as_secs_f64(), &swap.what);
        let from = if swap.from.is_empty() { "start" } else { &swap.from };
        let cells = [
            number(position.map(|it| it.to_string()).unwrap_or_default()),
            number(format!("{at:.2} s")),
            text(format!("{from} → {}", swap.to)),
            text(swap.reason.word()),
            sentence(&swap.reason_text),
        ];
        row("", "td", cells)
    });
    let heads = ["", "time", "<from → to", "<cause", "<reason"];
    let table = table("swaps", heads, &rows.collect::<String>());
    let more = match record.swaps.len().saturating_sub(SWAPS_SHOWN) {
        0 => String::new(),
        more => format!("<p class=\"note\">… and {more} more; the log has them.</p>"),
    };
    format!("<h2>Why it changed</h2>{table}{more}")
}

/// What the switch knew of each candidate when the main run ended.
pub fn candidate_table(records: &[Record]) -> String {
    let stats = records.first().and_then(|record| record.stats.as_ref());
    let Some(stats) = stats.filter(|stats| !stats.candidates.is_empty()) else {
        return String::new();
    };
    let heads = [
        "candidate",
        "<state",
        "runs",
        "answers",
        "misses",
        "latency p50",
        "p99",
        "quality (estimate)",
        "scores",
    ];
    let rows: String = stats.candidates.iter().map(candidate_row).collect();
    format!(
        "<h2>The candidates at the end of the run</h2>{}<p class=\"note\">Runs include those beside, for measuring. \
         Quality is what the switch believed, from the catalogue and from live scores against the reference \
         candidate.</p>",
        table("candidates", heads, &rows)
    )
}

fn candidate_row(it: &CandidateStats) -> String {
    let time = |of: Option<Duration>| known(of, milliseconds);
    let estimates = it.estimates.as_ref();
    let cells = [
        number(&it.name),
        text(it.state.word()),
        number(count(it.runs)),
        number(count(it.answers)),
        number(count(it.misses)),
        time(it.latency.map(|it| it.p50)),
        time(it.latency.map(|it| it.p99)),
        known(estimates, |it| format!("{:.3}", it.quality)),
        number(count(estimates.map_or(0, |it| it.scores))),
    ];
    row("", "td", cells)
}

/// Warnings of all runs; nothing when there were none.
pub fn problem_list(records: &[Record]) -> String {
    let problems = records.iter().flat_map(|record| {
        record.problems.iter().map(|it| {
            let text = format!("{} at {:.2} s: {}", record.name, it.at.as_secs_f64(), it.what);
            element("p", "", &escape(&text)) + "\n"
        })
    });
    match problems.collect::<String>() {
        none if none.is_empty() => none,
        items => format!("<h2>Warnings</h2>{}", element("div", "problems", &items)),
    }
}

/// The options that shaped the run, and the launch description.
pub fn command(plan: &RunPlan) -> String {
    let mut words = vec!["avrec run".to_string()];
    if plan.typed.looped {
        words.push("--loop".to_string());
    }
    let duration = plan.duration.map(|it| it.as_secs_f64());
    words.extend(duration.map(|it| format!("--duration {it}")));
    words.extend(plan.loads.iter().map(|it| {
        let (start, end) = (it.start.as_secs_f64(), it.end.as_secs_f64());
        format!("--load '{start}:{end}:{}'", it.command)
    }));
    let boxes = plan.boxes.iter();
    words.extend(boxes.map(|it| format!("--boxes {}:{}", it.element, it.file.display())));
    words.extend(plan.typed.compares.iter().map(|name| format!("--compare {name}")));
    format!("{} \\\n  {}", words.join(" "), plan.typed.description.join(" "))
}
