// SPDX-License-Identifier: MPL-2.0

//! What a run prints: one line a second, and the table at the end.

use std::fmt::Write;
use std::time::Duration;

use gstavrec::messages::SwitchStats;

use crate::console::aligned;
use crate::measure::{Measure, Quality};
use crate::record::{Record, Summary, Timed, mean_quality, measures, percentiles};

/// Remembers how much of the record was told already.
#[derive(Debug, Default)]
pub struct Progress {
    frames: usize,
    probes: usize,
    swaps: usize,
}

impl Progress {
    /// One line about what came since the last one.
    ///
    /// `stats` gives the live estimate of quality, for pipelines in which no probe knows the true one.
    pub fn line(&mut self, elapsed: Duration, record: &Record, stats: Option<&SwitchStats>) -> String {
        let frames = record.frames.get(self.frames..).unwrap_or_default();
        let probes = record.probes.get(self.probes..).unwrap_or_default();
        let swaps = record.swaps.get(self.swaps..).unwrap_or_default();
        let probe = record.probes.last();

        let mut line = format!("{:5.0} s", elapsed.as_secs_f64());
        if let Some(stats) = stats {
            let active = if stats.active.is_empty() {
                "nobody yet"
            } else {
                &stats.active
            };
            let _ = write!(line, "  {active:<12}");
        }
        let probed = probe.filter(|_| record.frames.is_empty());
        let latency = percentiles(frames).or(probed.and_then(Timed::percentiles));
        if let Some((p50, p99)) = latency {
            let _ = write!(line, "  {:>5} / {:>5} ms", millis(p50), millis(p99));
        }
        let budget = record.frames.last().map(|frame| frame.budget);
        if let Some(budget) = budget.or(probe.and_then(Timed::budget)) {
            let _ = write!(line, " of {}", millis(budget));
        }
        self.misses(&mut line, record);
        let _ = match (mean_quality(probes), stats.and_then(active_quality)) {
            (Some(measured), _) => write!(line, "   {}", told(&measured)),
            (None, Some(estimate)) if mean_quality(&record.probes).is_none() => {
                write!(line, "   quality {estimate:.3} (estimate)")
            }
            (None, _) => Ok(()),
        };
        for phase in record.phases.iter().filter(|phase| phase.end.is_none()) {
            let _ = write!(line, "   load: {}", phase.command);
        }
        if let Some(swap) = swaps.last() {
            let more = if swaps.len() == 1 {
                String::new()
            } else {
                format!(" ({} swaps)", swaps.len())
            };
            let _ = write!(
                line,
                "\n         -> {}{more}: {}",
                swap.what.to, swap.what.reason_text
            );
        }

        (self.frames, self.probes, self.swaps) =
            (record.frames.len(), record.probes.len(), record.swaps.len());
        line
    }

    fn misses(&self, line: &mut String, record: &Record) {
        if record.frames.is_empty() && record.probes.is_empty() {
            return;
        }
        let fresh = record.frames.get(self.frames..).unwrap_or_default();
        let fresh = fresh.iter().filter(|frame| frame.missed()).count();
        let total = record.misses();
        let _ = match fresh {
            0 => write!(line, "   misses {total}"),
            _ => write!(line, "   misses {total} (+{fresh})"),
        };
    }
}

/// The table at the end: one row a run.
pub fn table(summaries: &[Summary]) -> String {
    let measures = measures(summaries);
    let mut head = ["", "frames", "misses", "late", "p50 ms", "p99 ms", "swaps"]
        .map(String::from)
        .to_vec();
    head.extend(measures.iter().map(|it| format!("{}{}", it.name, it.unit)));
    let mut rows = vec![head];
    for it in summaries {
        let (p50, p99) = it.latency.unzip();
        let mut row = vec![
            it.name.clone(),
            it.frames.to_string(),
            format!("{} ({:.1} %)", it.misses, 100.0 * it.miss_rate()),
            format!("{} ({:.1} %)", it.late, 100.0 * it.late_rate()),
            p50.map_or("-".to_string(), millis),
            p99.map_or("-".to_string(), millis),
            it.swaps.to_string(),
        ];
        let figure = |measure: &&Measure| it.quality.as_ref().and_then(|it| it.get(measure));
        let cell = |measure| figure(measure).map_or("-".to_string(), |value| measure.digits(value));
        row.extend(measures.iter().map(cell));
        rows.push(row);
    }
    let mut text = aligned(&rows) + "\n";
    for it in summaries.iter().filter(|it| !it.shares.is_empty()) {
        let _ = writeln!(text, "{}: answered by {}", it.name, shares(&it.shares));
    }
    text
}

/// `large 71.2 %, small 28.8 %`
fn shares(shares: &[(String, f64)]) -> String {
    let parts: Vec<String> = shares
        .iter()
        .map(|(name, share)| format!("{name} {:.1} %", 100.0 * share))
        .collect();
    parts.join(", ")
}

fn told(quality: &Quality) -> String {
    let figures: Vec<String> = quality
        .figures
        .iter()
        .map(|(it, value)| it.told(*value))
        .collect();
    figures.join("  ")
}

fn active_quality(stats: &SwitchStats) -> Option<f64> {
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
    use crate::record::tests::{frame, probe, swap, timed};
    use gstavrec::messages::{AnswerKind, ReasonWord};

    fn record() -> Record {
        let mut record = Record::new("avrec");
        for latency in [31, 30, 55] {
            record.add_frame(
                Duration::from_secs(1),
                frame("large", AnswerKind::Active, latency),
            );
        }
        record.probes.push(timed(probe(25, 0.94321, 31.5)));
        record
    }

    #[test]
    fn a_line_tells_the_last_second_and_the_total_misses() {
        let mut record = record();
        let stats = SwitchStats {
            active: "large".to_string(),
            ..SwitchStats::default()
        };
        let mut progress = Progress::default();
        assert_eq!(
            progress.line(Duration::from_secs(1), &record, Some(&stats)),
            "    1 s  large          31.0 /  55.0 ms of 40.0   misses 1 (+1)   SSIM 0.9432  PSNR 31.50 dB"
        );
        record.add_frame(Duration::from_secs(2), frame("large", AnswerKind::Active, 20));
        let line = progress.line(Duration::from_secs(2), &record, Some(&stats));
        assert_eq!(line, "    2 s  large          20.0 /  20.0 ms of 40.0   misses 1");
    }

    #[test]
    fn a_swap_is_told_once_with_its_reason() {
        let mut record = record();
        let reason = (
            ReasonWord::Infeasible,
            "large may take 61 ms, the budget is 40 ms",
        );
        record.swaps.push(timed(swap("large", "small", reason)));
        let mut progress = Progress::default();
        let line = progress.line(Duration::from_secs(1), &record, None);
        assert!(
            line.ends_with("\n         -> small: large may take 61 ms, the budget is 40 ms"),
            "{line}"
        );
        assert!(
            !progress
                .line(Duration::from_secs(2), &record, None)
                .contains("->")
        );
    }

    #[test]
    fn the_table_has_a_row_for_each_run() {
        let record = record();
        let text = table(&[
            record.summary(),
            Summary {
                name: "large".to_string(),
                ..record.summary()
            },
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "avrec       3  1 (33.3 %)  1 (33.3 %)    31.0    55.0      0  0.9432    31.50"
        );
        assert_eq!(lines[3], "avrec: answered by large 100.0 %");
        assert_eq!(lines.len(), 5);
    }
}
