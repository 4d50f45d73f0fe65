// SPDX-License-Identifier: MPL-2.0

//! The tables of the report.

use std::fmt::Write;
use std::time::Duration;

use super::words::{count, milliseconds, percent, shares};
use crate::args::{Repeat, RunPlan};
use crate::measure::Measure;
use crate::message::CandidateStats;
use crate::record::{Record, Summary, measures};

/// A swap list longer than this is cut: nobody reads on, and the log has them all.
const SWAPS_SHOWN: usize = 200;

/// Makes text safe inside an element and inside a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// One row a run: what it cost and what it gave.
pub fn summary_table(summaries: &[Summary]) -> String {
    let measures = measures(summaries);
    let heads: String = measures
        .iter()
        .map(|it| format!("<th>{}</th>", it.name))
        .collect();
    let meanings: String = measures
        .iter()
        .map(|it| format!(" {} {}.", it.name, it.meaning))
        .collect();
    let mut rows = String::new();
    for (position, it) in summaries.iter().enumerate() {
        let dash = || "–".to_string();
        let main = if position == 0 { " class=\"main\"" } else { "" };
        // More than one late frame in twenty is what a viewer notices at once.
        let alarm = if 0.05 < it.late_rate() {
            " class=\"alarm\""
        } else {
            ""
        };
        let mut cells = vec![
            it.p50.map_or_else(dash, milliseconds),
            it.p99.map_or_else(dash, milliseconds),
            count(it.swaps as u64),
        ];
        let figure = |measure: &&Measure| it.quality.as_ref().and_then(|it| it.get(measure));
        cells.extend(measures.iter().map(|measure| {
            figure(measure).map_or_else(dash, |value| format!("{}{}", measure.digits(value), measure.unit))
        }));
        let _ = write!(
            rows,
            "<tr{main}><td>{}</td><td>{}</td><td{alarm}>{} ({})</td><td>{} ({})</td>",
            escape(&it.name),
            count(it.frames),
            count(it.late),
            percent(it.late_rate()),
            count(it.misses),
            percent(it.miss_rate())
        );
        cells.iter().for_each(|cell| {
            let _ = write!(rows, "<td>{cell}</td>");
        });
        let _ = writeln!(
            rows,
            "<td class=\"wide\">{}</td></tr>",
            escape(&shares(&it.shares))
        );
    }
    format!(
        "<div class=\"scroll\"><table id=\"summary\"><thead><tr><th>run</th><th>frames</th><th>late</th><th>missed</th>\
         <th>latency p50</th><th>p99</th><th>swaps</th>{heads}\
         <th class=\"text\">answered by</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n\
         <p class=\"note\">A frame is late when it leaves after its budget, or not at all. It is missed when the active candidate was not \
         ready in time; the floor may have stood in, so that it left on time all the same. p50 and p99: half, \
         and all but one in a hundred, of the frames took at most this long.{meanings}</p>"
    )
}

/// The swaps of the main run, numbered as in the chart.
pub fn swap_table(records: &[Record]) -> String {
    let Some(record) = records.first().filter(|record| !record.swaps.is_empty()) else {
        return String::new();
    };
    let mut rows = String::new();
    for (number, swap) in record.numbered_swaps().take(SWAPS_SHOWN) {
        let from = if swap.what.from.is_empty() {
            "start"
        } else {
            &swap.what.from
        };
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{:.2} s</td><td class=\"text\">{} → {}</td>\
             <td class=\"text\">{}</td><td class=\"wide\">{}</td></tr>",
            number.map(|number| number.to_string()).unwrap_or_default(),
            swap.at.as_secs_f64(),
            escape(from),
            escape(&swap.what.to),
            escape(&swap.what.reason),
            escape(&swap.what.reason_text)
        );
    }
    let more = record.swaps.len().saturating_sub(SWAPS_SHOWN);
    let more = if more == 0 {
        String::new()
    } else {
        format!("<p class=\"note\">… and {more} more; the log has them.</p>")
    };
    format!(
        "<h2>Why it changed</h2><div class=\"scroll\"><table id=\"swaps\"><thead><tr><th></th><th>time</th>\
         <th class=\"text\">from → to</th><th class=\"text\">cause</th><th class=\"text\">reason</th></tr></thead>\
         <tbody>\n{rows}</tbody></table></div>{more}"
    )
}

/// What the switch knew of each candidate when the main run ended.
pub fn candidate_table(records: &[Record]) -> String {
    let stats = records.first().and_then(|record| record.stats.as_ref());
    let Some(stats) = stats.filter(|stats| !stats.candidates.is_empty()) else {
        return String::new();
    };
    let rows: String = stats.candidates.iter().map(candidate_row).collect();
    format!(
        "<h2>The candidates at the end of the run</h2><div class=\"scroll\"><table><thead><tr><th>candidate</th>\
         <th class=\"text\">state</th><th>runs</th><th>answers</th><th>misses</th><th>latency p50</th><th>p99</th>\
         <th>quality (estimate)</th><th>scores</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n\
         <p class=\"note\">Runs include those beside, for measuring. Quality is what the switch believed, from the \
         catalogue and from live scores against the reference candidate.</p>"
    )
}

fn candidate_row(it: &CandidateStats) -> String {
    let time = |time: Option<Duration>| time.map_or("–".to_string(), milliseconds);
    format!(
        "<tr><td>{}</td><td class=\"text\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
         <td>{}</td></tr>\n",
        escape(&it.name),
        escape(&it.state),
        count(it.runs),
        count(it.answers),
        count(it.misses),
        time(it.latency_p50),
        time(it.latency_p99),
        it.quality
            .map_or("–".to_string(), |quality| format!("{quality:.3}")),
        count(it.scores)
    )
}

/// Warnings of all runs; nothing when there were none.
pub fn problem_list(records: &[Record]) -> String {
    let mut items = String::new();
    for record in records {
        for problem in &record.problems {
            let _ = writeln!(
                items,
                "<p>{} at {:.2} s: {}</p>",
                escape(&record.name),
                problem.at.as_secs_f64(),
                escape(&problem.what)
            );
        }
    }
    if items.is_empty() {
        items
    } else {
        format!("<h2>Warnings</h2><div class=\"problems\">{items}</div>")
    }
}

/// The options that shaped the run, and the launch description.
pub fn command(plan: &RunPlan) -> String {
    let mut words = vec!["avrec run".to_string()];
    if plan.repeat == Repeat::Loop {
        words.push("--loop".to_string());
    }
    if let Some(duration) = plan.duration {
        words.push(format!("--duration {}", duration.as_secs_f64()));
    }
    for load in &plan.loads {
        words.push(format!(
            "--load '{}:{}:{}'",
            load.start.as_secs_f64(),
            load.end.as_secs_f64(),
            load.command
        ));
    }
    for boxes in &plan.boxes {
        words.push(format!("--boxes {}:{}", boxes.element, boxes.file.display()));
    }
    words.extend(plan.compares.iter().map(|name| format!("--compare {name}")));
    format!("{} \\\n  {}", words.join(" "), plan.description.join(" "))
}
