// SPDX-License-Identifier: MPL-2.0

//! What a run prints of its streams: of several a line each, while it runs and at its end, and one for all of them.

use std::fmt::Write;
use std::time::Duration;

use gstavrec::messages::SwitchStats;

use crate::console::{aligned, redraw, say};
use crate::measure::Quality;
use crate::progress::{self, active_quality, millis};
use crate::record::{Record, Summary, Timed, mean_quality};

/// Says how each stream stands.
pub fn tell(elapsed: Duration, streams: &mut [(&mut Record, Option<SwitchStats>)]) {
    if let [(record, stats)] = streams {
        return say(&progress::line(elapsed, record, stats.as_ref()));
    }
    let (swaps, block) = block(elapsed, streams);
    redraw(&swaps, &block);
}

/// What is told at the end: one table where there is one stream, else one a run.
pub fn tables(runs: &[Vec<Record>]) -> String {
    let is_one = runs.iter().all(|it| it.len() == 1);
    if is_one {
        return progress::table(&runs.iter().flatten().map(Summary::of).collect::<Vec<_>>());
    }
    let of_run = |records: &Vec<Record>| {
        let records: Vec<&Record> = records.iter().collect();
        let summaries: Vec<Summary> = records.iter().map(|it| Summary::of(it)).collect();
        let name = summaries.first().filter(|_| 1 < runs.len());
        let title = name.map_or(String::new(), |it| format!("-- {}\n", it.name));
        title + &table(&records, &summaries)
    };
    runs.iter().map(of_run).collect::<Vec<_>>().join("\n")
}

/// The swaps of the last second, and a table of how all streams stand.
fn block(elapsed: Duration, streams: &mut [(&mut Record, Option<SwitchStats>)]) -> (String, String) {
    let seconds = format!("{:.0} s", elapsed.as_secs_f64());
    let mut rows = vec![heads(
        &seconds,
        &[
            "answers", "frames", "missed", "new", "late", "swaps", "p50 ms", "p99 ms", "budget", "quality",
        ],
    )];
    let (mut swaps, mut fresh) = (String::new(), 0);
    let loads = streams.first().map_or(String::new(), |it| loads(it.0));
    for (record, stats) in streams.iter_mut() {
        let recent = std::mem::take(&mut record.recent);
        let name = record.stream.clone().unwrap_or_default();
        let summary = Summary::of(record);
        let active = match stats.as_ref().map_or("", |it| it.active.as_str()) {
            "" => "nobody".to_string(),
            active => active.to_string(),
        };
        let measured = mean_quality(record.probes.kept());
        let estimate = stats.as_ref().and_then(active_quality);
        let quality = match (measured, estimate) {
            (Some(measured), _) => main_figure(Some(&measured)),
            (None, Some(estimate)) => format!("~{estimate:.3}"),
            (None, None) => "-".to_string(),
        };
        let probe = record.probes.kept().last().filter(|_| record.counts.frames == 0);
        let latency = recent.latencies.median_and_tail();
        let (p50, p99) = latency.or(probe.and_then(Timed::percentiles)).unzip();
        let mut row = vec![titled(record), active];
        row.extend(counts(&summary, recent.misses));
        row.extend([p50, p99, summary.budget].map(|it| it.map_or("-".to_string(), millis)));
        row.push(quality);
        rows.push(row);
        fresh += recent.misses;
        if let Some(swap) = recent.swap {
            let more = match recent.swaps {
                1 => String::new(),
                several => format!(" ({several} swaps)"),
            };
            let _ = writeln!(
                swaps,
                "{seconds}  {name} -> {}{more}: {}",
                swap.to, swap.reason_text
            );
        }
    }
    let records: Vec<&Record> = streams.iter().map(|it| &*it.0).collect();
    let mut all = vec!["all".to_string(), String::new()];
    all.extend(counts(&Summary::of_all(&records), fresh));
    rows.push(all);
    (swaps, aligned(&rows) + &loads)
}

/// The table at the end of a run.
fn table(records: &[&Record], summaries: &[Summary]) -> String {
    let has_early = summaries.iter().any(|it| 0 < it.before_ready);
    let mut names = vec!["frames"];
    names.extend(has_early.then_some("not ready"));
    names.extend(["missed", "late", "swaps", "p50 ms", "p99 ms", "budget", "quality"]);
    let mut rows = vec![heads("", &names)];
    let row = |title: String, it: &Summary| {
        let (p50, p99) = it.latency.unzip();
        let mut row = vec![title, it.frames.to_string()];
        row.extend(has_early.then(|| it.before_ready.to_string()));
        row.extend([
            format!("{} ({:.1} %)", it.misses, 100.0 * it.miss_rate()),
            format!("{} ({:.1} %)", it.late, 100.0 * it.late_rate()),
            it.swaps.to_string(),
        ]);
        row.extend([p50, p99, it.budget].map(|it| it.map_or("-".to_string(), millis)));
        row.push(main_figure(it.quality.as_ref()));
        row
    };
    let titles = records.iter().map(|it| titled(it));
    rows.extend(titles.zip(summaries).map(|(title, it)| row(title, it)));
    rows.push(row("all".to_string(), &Summary::of_all(records)));
    let mut text = aligned(&rows) + "\n";
    for it in summaries.iter().filter(|it| !it.shares.is_empty()) {
        let name = it.stream.as_deref().unwrap_or_default();
        let _ = writeln!(text, "{name}: answered by {}", it.told_shares());
    }
    text
}

fn heads(first: &str, names: &[&str]) -> Vec<String> {
    [first].iter().chain(names).map(|it| it.to_string()).collect()
}

/// `s0`, `s0 (probe0)`
fn titled(record: &Record) -> String {
    let name = record.stream.as_deref().unwrap_or_default();
    match &record.probe {
        Some(probe) => format!("{name} ({probe})"),
        None => name.to_string(),
    }
}

fn counts(summary: &Summary, fresh: u64) -> [String; 5] {
    [
        summary.frames.to_string(),
        summary.misses.to_string(),
        // Of those, in the last second.
        fresh.to_string(),
        summary.late.to_string(),
        summary.swaps.to_string(),
    ]
}

/// With its name: streams of several kinds have measures of their own.
fn main_figure(quality: Option<&Quality>) -> String {
    let main = quality.and_then(Quality::main);
    main.map_or("-".to_string(), |(measure, value)| measure.told(value))
}

fn loads(record: &Record) -> String {
    let running = record.phases.iter().filter(|phase| phase.end.is_none());
    running
        .map(|phase| format!("\nload: {}", phase.command))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::WIDTH;
    use crate::record::examples::{frame, probe, swap};
    use gstavrec::messages::{AnswerKind, ReasonWord};

    fn record(stream: &str, late: bool) -> Record {
        let mut record = Record::one_of("avrec", 2);
        record.stream = Some(stream.to_string());
        for latency in [31, 30, if late { 55 } else { 20 }] {
            record.add_frame(
                Duration::from_secs(1),
                frame("large", AnswerKind::Active, latency),
                true,
            );
        }
        record
    }

    #[test]
    fn each_stream_has_a_line_and_all_of_them_one() {
        let (mut one, mut other) = (record("s0", true), record("s1", false));
        one.probe = Some("p0".to_string());
        one.add_probe(Duration::ZERO, probe(25, 0.94321, 31.5));
        let reason = (ReasonWord::Infeasible, "large may take 61 ms");
        other.add_swap(Duration::ZERO, swap("large", "small", reason));
        let stats = || {
            Some(SwitchStats {
                active: "large".to_string(),
                ..SwitchStats::default()
            })
        };
        let mut streams = [(&mut one, stats()), (&mut other, stats())];
        let (swaps, text) = block(Duration::from_secs(1), &mut streams);
        assert_eq!(swaps, "1 s  s1 -> small: large may take 61 ms\n");
        assert_eq!(
            text,
            "1 s      answers  frames  missed  new  late  swaps  p50 ms  p99 ms  budget      quality\n\
             s0 (p0)    large       3       1    1     1      0    31.0    55.0    40.0  SSIM 0.9432\n\
             s1         large       3       0    0     0      1    30.0    31.0    40.0            -\n\
             all                    6       1    1     1      1"
        );
        let (swaps, text) = block(Duration::from_secs(2), &mut streams);
        assert!(
            swaps.is_empty() && text.ends_with("6       1    0     1      1"),
            "{text}"
        );
    }

    #[test]
    fn the_table_has_a_row_for_each_stream_and_fits_a_terminal() {
        let records: Vec<Record> = (0..8).map(|it| record(&format!("s{it}"), it == 3)).collect();
        let records: Vec<&Record> = records.iter().collect();
        let summaries: Vec<Summary> = records.iter().map(|it| Summary::of(it)).collect();
        let text = table(&records, &summaries);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 8 + 1 + 8);
        let all: Vec<&str> = lines[9].split_whitespace().take(4).collect();
        assert_eq!(all, ["all", "24", "1", "(4.2"], "{text}");
        assert_eq!(lines[10], "s0: answered by large 100.0 %");
        assert!(lines.iter().all(|it| it.chars().count() <= WIDTH), "{text}");
    }
}
