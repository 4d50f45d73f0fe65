// SPDX-License-Identifier: MPL-2.0

//! What was collected of one run, and the figures that sum it up. All times count from PLAYING.

use std::time::Duration;

use gstavrec::messages::{AnswerKind, Frame, ProbeMessage, Swap, SwitchStats};
use gstavrec::quantile::{median, percentile};

use crate::measure::{MEASURES, Measure, Quality};

/// One run of the pipeline.
#[derive(Debug, Default)]
pub struct Record {
    /// `avrec`, or the pinned candidate.
    pub name: String,
    pub length: Duration,
    /// Who answered, in the order of their first answer.
    pub answerers: Vec<Answerer>,
    pub frames: Vec<FrameSample>,
    pub swaps: Vec<Timed<Swap>>,
    /// Messages of the probe that has a reference, else of the first probe.
    pub probes: Vec<Timed<ProbeMessage>>,
    pub phases: Vec<Phase>,
    /// What the probe measured over the whole run, which is more exact than the mean of its messages.
    pub quality: Option<Quality>,
    /// Warnings, failed candidates, loads that went wrong.
    pub problems: Vec<Timed<String>>,
    /// The first switch at the end of the run.
    pub stats: Option<SwitchStats>,
}

/// Something and when it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed<T> {
    pub at: Duration,
    pub what: T,
}

/// Who answered a frame, and how; a candidate that stands in as the floor is told apart from itself as the active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    pub candidate: String,
    pub answer: AnswerKind,
}

impl std::fmt::Display for Answerer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.answer {
            AnswerKind::Active => f.write_str(&self.candidate),
            AnswerKind::Held => write!(f, "{} (held)", self.candidate),
            AnswerKind::Floor => write!(f, "{} (floor)", self.candidate),
            AnswerKind::Passthrough => f.write_str("the frame itself"),
            AnswerKind::Dropped => f.write_str("nobody"),
        }
    }
}

/// One frame that left the switch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameSample {
    pub at: Duration,
    pub latency: Duration,
    pub budget: Duration,
    /// Position in [`Record::answerers`].
    pub answerer: usize,
    pub fate: Fate,
}

impl FrameSample {
    /// Whether the active candidate was not in time.
    pub fn missed(&self) -> bool {
        self.fate != Fate::OnTime
    }
}

/// Whether a frame was in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    OnTime,
    /// The active candidate was too slow, and somebody stood in for it on time: a miss that nobody had to wait for.
    Rescued,
    /// It left later than the budget, or not at all: a miss.
    Late,
}

impl Timed<ProbeMessage> {
    /// As [`Summary::latency`].
    pub fn percentiles(&self) -> Option<(Duration, Duration)> {
        self.what.summary.latencies.map(|it| (it.p50, it.p99))
    }

    pub fn budget(&self) -> Option<Duration> {
        let budget = self.what.summary.budget.map(Duration::from);
        budget.filter(|it| !it.is_zero())
    }

    /// Against the probe's reference.
    pub fn quality(&self) -> Option<Quality> {
        Quality::of(self.what.fidelity.as_ref()?)
    }
}

/// A load that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    pub command: String,
    pub start: Duration,
    /// `None` while it runs.
    pub end: Option<Duration>,
}

impl Record {
    pub fn new(name: &str) -> Record {
        Record {
            name: name.to_string(),
            ..Record::default()
        }
    }

    pub fn add_frame(&mut self, at: Duration, frame: Frame) {
        let fate = if frame.budget < frame.latency || frame.answer == AnswerKind::Dropped {
            Fate::Late
        } else if frame.is_miss {
            Fate::Rescued
        } else {
            Fate::OnTime
        };
        let answerer = Answerer {
            candidate: frame.candidate,
            answer: frame.answer,
        };
        let known = self.answerers.iter().position(|it| *it == answerer);
        let position = known.unwrap_or_else(|| {
            self.answerers.push(answerer);
            self.answerers.len() - 1
        });
        self.frames.push(FrameSample {
            at,
            latency: frame.latency,
            budget: frame.budget,
            answerer: position,
            fate,
        });
    }

    /// The swaps with their numbers from 1; the start has none, because nothing was exchanged.
    pub fn numbered_swaps(&self) -> impl Iterator<Item = (Option<usize>, &Timed<Swap>)> {
        let mut number = 0;
        self.swaps.iter().map(move |swap| {
            let counts = !swap.what.from.is_empty();
            number += usize::from(counts);
            (counts.then_some(number), swap)
        })
    }

    /// The figures of the whole run; without frame messages they come from the probe.
    pub fn summary(&self) -> Summary {
        let mut probes = self.probes.iter();
        let (frames, late) = if self.frames.is_empty() {
            let frames = probes.clone().map(|it| it.what.summary.frames);
            (frames.sum(), self.misses())
        } else {
            let late = self.frames.iter().filter(|it| it.fate == Fate::Late);
            (self.frames.len() as u64, late.count() as u64)
        };
        let probe = probes.rfind(|it| it.what.summary.latencies.is_some());
        let latency = percentiles(&self.frames).or(probe.and_then(Timed::percentiles));
        let budget = self.frames.last().map(|frame| frame.budget);
        Summary {
            name: self.name.clone(),
            frames,
            misses: self.misses(),
            late,
            swaps: self.numbered_swaps().filter_map(|(number, _)| number).count(),
            budget: budget.or(probe.and_then(Timed::budget)),
            latency,
            quality: self.quality.clone().or_else(|| mean_quality(&self.probes)),
            shares: self.shares(),
        }
    }

    /// Misses so far.
    pub fn misses(&self) -> u64 {
        if self.frames.is_empty() {
            self.probes.iter().map(|probe| probe.what.summary.misses).sum()
        } else {
            self.frames.iter().filter(|frame| frame.missed()).count() as u64
        }
    }

    /// Share of frames that each answered, 0..1, largest first.
    fn shares(&self) -> Vec<(String, f64)> {
        let mut counts = vec![0u64; self.answerers.len()];
        for frame in &self.frames {
            if let Some(count) = counts.get_mut(frame.answerer) {
                *count += 1;
            }
        }
        let total = self.frames.len() as f64;
        let names = self.answerers.iter().map(Answerer::to_string);
        let mut shares: Vec<_> = names
            .zip(counts)
            .map(|(name, count)| (name, count as f64 / total))
            .collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }
}

/// One row of the final table.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub name: String,
    pub frames: u64,
    /// Frames for which the active candidate was not in time; `late` of them left later than the budget.
    pub misses: u64,
    pub late: u64,
    pub swaps: usize,
    pub budget: Option<Duration>,
    /// Half, and all but one in a hundred, of the frames took at most this long.
    pub latency: Option<(Duration, Duration)>,
    pub quality: Option<Quality>,
    pub shares: Vec<(String, f64)>,
}

impl Summary {
    /// Misses over frames, 0..1.
    pub fn miss_rate(&self) -> f64 {
        self.share(self.misses)
    }

    /// Late frames over frames, 0..1.
    pub fn late_rate(&self) -> f64 {
        self.share(self.late)
    }

    fn share(&self, part: u64) -> f64 {
        if self.frames == 0 {
            0.0
        } else {
            part as f64 / self.frames as f64
        }
    }
}

/// The measures that some run has.
pub fn measures(summaries: &[Summary]) -> Vec<&'static Measure> {
    let has = |it: &&Measure| {
        let mut qualities = summaries.iter().filter_map(|run| run.quality.as_ref());
        qualities.any(|quality| quality.get(it).is_some())
    };
    MEASURES.iter().filter(has).collect()
}

/// Median and 99th percentile of frame latency; `None` without frames.
pub fn percentiles(frames: &[FrameSample]) -> Option<(Duration, Duration)> {
    let latencies = || frames.iter().map(|frame| frame.latency);
    median(latencies()).zip(percentile(latencies(), 0.99))
}

/// Mean over frames, not over messages; `None` without a reference.
pub fn mean_quality(probes: &[Timed<ProbeMessage>]) -> Option<Quality> {
    let qualities: Vec<Quality> = probes.iter().filter_map(Timed::quality).collect();
    Quality::mean(&qualities)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use gstavrec::messages::{Compared, Fidelity, Latencies, ReasonWord, Why};

    pub fn frame(candidate: &str, answer: AnswerKind, latency_ms: u64) -> Frame {
        let budget = Duration::from_millis(40);
        let latency = Duration::from_millis(latency_ms);
        Frame {
            number: 0,
            pts: None,
            running_time: None,
            time: Duration::ZERO,
            latency,
            budget,
            candidate: candidate.to_string(),
            active: candidate.to_string(),
            answer,
            is_miss: budget < latency || answer == AnswerKind::Floor,
        }
    }

    pub fn swap(from: &str, to: &str, (reason, text): (ReasonWord, &str)) -> Swap {
        Swap {
            from: from.to_string(),
            to: to.to_string(),
            reason,
            reason_text: text.to_string(),
            frame: 3,
            pts: None,
            running_time: None,
            why: Why::default(),
            compared: Compared::default(),
        }
    }

    pub fn probe(pairs: u64, ssim: f64, psnr_db: f64) -> ProbeMessage {
        let ms = Duration::from_millis;
        let summary = gstavrec::messages::Summary {
            frames: 7,
            misses: 2,
            fps: 25.0,
            latencies: Some(Latencies {
                p50: ms(3),
                p95: ms(5),
                p99: ms(9),
                max: ms(9),
            }),
            ..Default::default()
        };
        let fidelity = Fidelity {
            pairs,
            means: Some((psnr_db, ssim)),
            ..Fidelity::default()
        };
        ProbeMessage {
            pts: None,
            running_time: None,
            is_final: false,
            summary,
            fidelity: Some(fidelity),
            total: None,
        }
    }

    pub fn timed<T>(what: T) -> Timed<T> {
        let at = Duration::ZERO;
        Timed { at, what }
    }

    #[test]
    fn a_summary_counts_late_and_lost_frames_and_who_answered() {
        let mut record = Record::new("avrec");
        for latency in 1..=98 {
            record.add_frame(
                Duration::from_millis(latency),
                frame("large", AnswerKind::Active, latency % 30),
            );
        }
        record.add_frame(Duration::from_secs(1), frame("large", AnswerKind::Active, 55));
        record.add_frame(Duration::from_secs(2), frame("small", AnswerKind::Floor, 39));
        record.add_frame(Duration::from_secs(3), frame("", AnswerKind::Dropped, 39));
        let summary = record.summary();
        assert_eq!((summary.frames, summary.misses, summary.late), (101, 3, 2));
        assert_eq!(summary.latency.map(|it| it.1), Some(Duration::from_millis(39)));
        let names: Vec<&str> = summary.shares.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["large", "small (floor)", "nobody"]);
        assert!((summary.shares[0].1 - 99.0 / 101.0).abs() < 1e-12);
    }

    #[test]
    fn without_frame_messages_the_probe_answers() {
        let mut record = Record::new("avrec");
        record.probes.push(timed(probe(1, 0.9, 30.0)));
        record.probes.push(timed(probe(2, 0.9, 30.0)));
        let summary = record.summary();
        assert_eq!((summary.frames, summary.misses, summary.late), (14, 4, 4));
        assert_eq!(summary.latency.map(|it| it.1), Some(Duration::from_millis(9)));
    }
}
