// SPDX-License-Identifier: MPL-2.0

//! The figures of a whole run.

use std::time::Duration;

use super::latencies::Latencies;
use super::run::{Record, Timed, mean_quality};
use crate::measure::{MEASURES, Measure, Quality};

/// One row of the final table.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub name: String,
    /// Name of the switch, where there are several streams.
    pub stream: Option<String>,
    pub frames: u64,
    /// Frames that came before a model was ready and would count as missed else.
    pub before_ready: u64,
    /// Other frames for which the active candidate was not in time; `late` of them left later than the budget.
    pub misses: u64,
    pub late: u64,
    pub swaps: usize,
    pub budget: Option<Duration>,
    /// Half, and all but one in a hundred, of the frames took at most this long; those before a model was ready are left
    /// out.
    pub latency: Option<(Duration, Duration)>,
    /// All but one in twenty.
    pub p95: Option<Duration>,
    pub quality: Option<Quality>,
    /// Share of frames that each answered, 0..1, largest first.
    pub shares: Vec<(String, f64)>,
}

impl Summary {
    /// Without frame messages the figures come from the probe.
    pub fn of(record: &Record) -> Summary {
        let probe = record.last_timed_probe();
        let (frames, late) = match record.counts.frames {
            0 => (record.probed.frames, record.probed.misses),
            frames => (frames, record.counts.late),
        };
        let latency = record.latencies.median_and_tail();
        let probed = probe.and_then(|it| Some(it.what.summary.latencies?.p95));
        Summary {
            name: record.name.clone(),
            stream: record.stream.clone(),
            frames,
            before_ready: record.counts.before_ready,
            misses: record.misses(),
            late,
            swaps: record.swap_count,
            budget: record.budget().or(probe.and_then(Timed::budget)),
            latency: latency.or(probe.and_then(Timed::percentiles)),
            p95: record.latencies.percentile(0.95).or(probed),
            quality: record
                .quality
                .clone()
                .or_else(|| mean_quality(record.probes.kept())),
            shares: shares(record),
        }
    }

    /// Of all streams of a run; who answered is of each by itself, and so is a budget.
    pub fn of_all(records: &[&Record]) -> Summary {
        let each: Vec<Summary> = records.iter().map(|it| Summary::of(it)).collect();
        let sum = |count: fn(&Summary) -> u64| each.iter().map(count).sum();
        let mut latencies = Latencies::default();
        records.iter().for_each(|it| latencies.add(&it.latencies));
        let qualities: Vec<Quality> = each.iter().filter_map(|it| it.quality.clone()).collect();
        let mut measures = qualities.iter().filter_map(|it| Some(it.main()?.0));
        let first = measures.next();
        // There is no mean of decibels and shares.
        let is_one_kind = measures.all(|it| Some(it) == first);
        Summary {
            name: "all".to_string(),
            stream: None,
            frames: sum(|it| it.frames),
            before_ready: sum(|it| it.before_ready),
            misses: sum(|it| it.misses),
            late: sum(|it| it.late),
            swaps: each.iter().map(|it| it.swaps).sum(),
            budget: None,
            latency: latencies.median_and_tail(),
            p95: latencies.percentile(0.95),
            quality: Quality::mean(&qualities).filter(|_| is_one_kind),
            shares: Vec::new(),
        }
    }

    /// `large 71.2 %, small 28.8 %`
    pub fn told_shares(&self) -> String {
        let share = |(name, share): &(String, f64)| format!("{name} {:.1} %", 100.0 * share);
        self.shares.iter().map(share).collect::<Vec<_>>().join(", ")
    }

    /// Frames that a model could have answered.
    pub fn counted(&self) -> u64 {
        self.frames.saturating_sub(self.before_ready)
    }

    /// Misses over the frames that a model could have answered, 0..1.
    pub fn miss_rate(&self) -> f64 {
        self.share(self.misses)
    }

    /// Late frames over those that a model could have answered, 0..1.
    pub fn late_rate(&self) -> f64 {
        self.share(self.late)
    }

    fn share(&self, part: u64) -> f64 {
        match self.counted() {
            0 => 0.0,
            counted => part as f64 / counted as f64,
        }
    }
}

fn shares(record: &Record) -> Vec<(String, f64)> {
    let total = record.counts.frames as f64;
    let share = |(who, answers): (String, u64)| (who, answers as f64 / total);
    let mut shares: Vec<_> = record.answers().map(share).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

/// The measures that some run has.
pub fn measures(summaries: &[Summary]) -> Vec<&'static Measure> {
    let has = |it: &&Measure| {
        let mut qualities = summaries.iter().filter_map(|run| run.quality.as_ref());
        qualities.any(|quality| quality.get(it).is_some())
    };
    MEASURES.iter().filter(has).collect()
}

#[cfg(test)]
mod tests {
    use super::super::examples::{frame, probe};
    use super::*;
    use gstavrec::messages::{AnswerKind, Frame};

    #[test]
    fn a_summary_counts_late_and_lost_frames_and_who_answered() {
        let mut record = Record::new("avrec");
        for latency in 1..=98 {
            record.add_frame(
                Duration::from_millis(latency),
                frame("large", AnswerKind::Active, latency % 30),
                true,
            );
        }
        record.add_frame(
            Duration::from_secs(1),
            frame("large", AnswerKind::Active, 55),
            true,
        );
        record.add_frame(
            Duration::from_secs(2),
            frame("small", AnswerKind::Floor, 39),
            true,
        );
        record.add_frame(Duration::from_secs(3), frame("", AnswerKind::Dropped, 39), true);
        let summary = Summary::of(&record);
        assert_eq!((summary.frames, summary.misses, summary.late), (101, 3, 2));
        assert_eq!(summary.latency.map(|it| it.1), Some(Duration::from_millis(39)));
        let names: Vec<&str> = summary.shares.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["large", "small (floor)", "nobody (dropped)"]);
        assert!((summary.shares[0].1 - 99.0 / 101.0).abs() < 1e-12);
    }

    #[test]
    fn frames_before_a_model_was_ready_are_nobodys_misses() {
        let mut record = Record::new("avrec");
        let passed = Frame {
            is_miss: true,
            ..frame("passthrough", AnswerKind::Passthrough, 1)
        };
        record.add_frame(Duration::ZERO, passed, false);
        record.add_frame(Duration::ZERO, frame("large", AnswerKind::Active, 700), false);
        // Whoever stands in properly answers as well as anybody.
        record.add_frame(Duration::ZERO, frame("small", AnswerKind::Active, 3), false);
        record.add_frame(
            Duration::from_secs(1),
            frame("large", AnswerKind::Active, 20),
            true,
        );
        let summary = Summary::of(&record);
        assert_eq!(
            (summary.frames, summary.before_ready, summary.counted()),
            (4, 2, 2)
        );
        assert_eq!((summary.misses, summary.late, summary.miss_rate()), (0, 0, 0.0));
        assert_eq!(summary.latency.map(|it| it.1), Some(Duration::from_millis(20)));
    }

    #[test]
    fn without_frame_messages_the_probe_answers() {
        let mut record = Record::new("avrec");
        record.add_probe(Duration::ZERO, probe(1, 0.9, 30.0));
        record.add_probe(Duration::ZERO, probe(2, 0.9, 30.0));
        let summary = Summary::of(&record);
        assert_eq!((summary.frames, summary.misses, summary.late), (14, 4, 4));
        assert_eq!(summary.latency.map(|it| it.1), Some(Duration::from_millis(9)));
    }
}
