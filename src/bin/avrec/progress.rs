// SPDX-License-Identifier: MPL-2.0

//! What a run prints: one line a second, and the table at the end.

use std::fmt::Write;
use std::time::Duration;

use gstavrec::messages::SwitchStats;

use crate::console::aligned;
use crate::measure::{Measure, Quality};
use crate::record::{Record, Summary, Timed, mean_quality, measures};

/// One line about what came since the last one, which is taken out of the record.
///
/// `stats` gives the live estimate of quality, for pipelines in which no probe knows the true one.
pub fn line(elapsed: Duration, record: &mut Record, stats: Option<&SwitchStats>) -> String {
    let recent = std::mem::take(&mut record.recent);
    let has_frames = 0 < record.counts.frames;
    let probe = record.probes.kept().last();

    let mut line = format!("{:5.0} s", elapsed.as_secs_f64());
    if let Some(stats) = stats {
        let active = match stats.active.as_str() {
            "" => "nobody yet",
            active => active,
        };
        let _ = write!(line, "  {active:<12}");
    }
    let probed = probe.filter(|_| !has_frames).and_then(Timed::percentiles);
    if let Some((p50, p99)) = recent.latencies.median_and_tail().or(probed) {
        let _ = write!(line, "  {:>5} / {:>5} ms", millis(p50), millis(p99));
    }
    if let Some(budget) = record.budget().or(probe.and_then(Timed::budget)) {
        let _ = write!(line, " of {}", millis(budget));
    }
    if has_frames || probe.is_some() {
        let _ = match recent.misses {
            0 => write!(line, "   misses {}", record.misses()),
            fresh => write!(line, "   misses {} (+{fresh})", record.misses()),
        };
    }
    let _ = match (Quality::mean(&recent.qualities), stats.and_then(active_quality)) {
        (Some(measured), _) => write!(line, "   {}", told(&measured)),
        (None, Some(estimate)) if mean_quality(record.probes.kept()).is_none() => {
            write!(line, "   quality {estimate:.3} (estimate)")
        }
        (None, _) => Ok(()),
    };
    for phase in record.phases.iter().filter(|phase| phase.end.is_none()) {
        let _ = write!(line, "   load: {}", phase.command);
    }
    if let Some(swap) = recent.swap {
        let more = match recent.swaps {
            1 => String::new(),
            swaps => format!(" ({swaps} swaps)"),
        };
        let _ = write!(line, "\n         -> {}{more}: {}", swap.to, swap.reason_text);
    }
    line
}

/// The table at the end: one row a run.
pub fn table(summaries: &[Summary]) -> String {
    let measures = measures(summaries);
    let has_early = summaries.iter().any(|it| 0 < it.before_ready);
    let mut head = ["", "frames"].map(String::from).to_vec();
    head.extend(has_early.then(|| "not ready".to_string()));
    head.extend(["misses", "late", "p50 ms", "p99 ms", "swaps"].map(String::from));
    head.extend(measures.iter().map(|it| format!("{}{}", it.name, it.unit)));
    let mut rows = vec![head];
    for it in summaries {
        let (p50, p99) = it.latency.unzip();
        let mut row = vec![it.name.clone(), it.frames.to_string()];
        row.extend(has_early.then(|| it.before_ready.to_string()));
        row.extend([
            format!("{} ({:.1} %)", it.misses, 100.0 * it.miss_rate()),
            format!("{} ({:.1} %)", it.late, 100.0 * it.late_rate()),
            p50.map_or("-".to_string(), millis),
            p99.map_or("-".to_string(), millis),
            it.swaps.to_string(),
        ]);
        let figure = |measure: &&Measure| it.quality.as_ref().and_then(|it| it.get(measure));
        let cell = |measure| figure(measure).map_or("-".to_string(), |value| measure.digits(value));
        row.extend(measures.iter().map(cell));
        rows.push(row);
    }
    let mut text = aligned(&rows) + "\n";
    for it in summaries.iter().filter(|it| !it.shares.is_empty()) {
        let _ = writeln!(text, "{}: answered by {}", it.name, it.told_shares());
    }
    text
}

fn told(quality: &Quality) -> String {
    let figures: Vec<String> = quality
        .figures
        .iter()
        .map(|(it, value)| it.told(*value))
        .collect();
    figures.join("  ")
}

pub fn active_quality(stats: &SwitchStats) -> Option<f64> {
    let active = stats.candidates.iter().find(|it| it.name == stats.active)?;
    Some(active.estimates.as_ref()?.quality)
}

/// Milliseconds with one digit after the point.
pub fn millis(duration: Duration) -> String {
    format!("{:.1}", 1000.0 * duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::examples::{frame, probe, swap};
    use gstavrec::messages::{AnswerKind, ReasonWord};

    fn record() -> Record {
        let mut record = Record::new("avrec");
        for latency in [31, 30, 55] {
            record.add_frame(
                Duration::from_secs(1),
                frame("large", AnswerKind::Active, latency),
                true,
            );
        }
        record.add_probe(Duration::ZERO, probe(25, 0.94321, 31.5));
        record
    }

    #[test]
    fn a_line_tells_the_last_second_and_the_total_misses() {
        let mut record = record();
        let stats = SwitchStats {
            active: "large".to_string(),
            ..SwitchStats::default()
        };
        assert_eq!(
            line(Duration::from_secs(1), &mut record, Some(&stats)),
            "    1 s  large          31.0 /  55.0 ms of 40.0   misses 1 (+1)   SSIM 0.9432  PSNR 31.50 dB"
        );
        record.add_frame(
            Duration::from_secs(2),
            frame("large", AnswerKind::Active, 20),
            true,
        );
        let line = line(Duration::from_secs(2), &mut record, Some(&stats));
        assert_eq!(line, "    2 s  large          20.0 /  20.0 ms of 40.0   misses 1");
    }

    #[test]
    fn a_swap_is_told_once_with_its_reason() {
        let mut record = record();
        let reason = (
            ReasonWord::Infeasible,
            "large may take 61 ms, the budget is 40 ms",
        );
        record.add_swap(Duration::ZERO, swap("large", "small", reason));
        let first = line(Duration::from_secs(1), &mut record, None);
        assert!(
            first.ends_with("\n         -> small: large may take 61 ms, the budget is 40 ms"),
            "{first}"
        );
        assert!(!line(Duration::from_secs(2), &mut record, None).contains("->"));
    }

    #[test]
    fn the_table_has_a_row_for_each_run() {
        let summary = Summary::of(&record());
        let alone = Summary {
            name: "large".to_string(),
            ..summary.clone()
        };
        let text = table(&[summary.clone(), alone]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "avrec       3  1 (33.3 %)  1 (33.3 %)    31.0    55.0      0  0.9432    31.50"
        );
        assert_eq!(lines[3], "avrec: answered by large 100.0 %");
        assert_eq!(lines.len(), 5);
        let early = Summary {
            before_ready: 1,
            ..summary
        };
        let text = table(&[early]);
        assert!(
            text.contains("not ready") && text.contains("1 (50.0 %)"),
            "{text}"
        );
    }
}
