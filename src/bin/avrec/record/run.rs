// SPDX-License-Identifier: MPL-2.0

//! One run of the pipeline, as it was told.

use std::time::Duration;

use gstavrec::messages::{AnswerKind, Frame, ProbeMessage, Swap, SwitchStats};

use super::frame::{Answerer, Fate, FrameSample};
use super::latencies::Latencies;
use super::misses::Misses;
use super::notes::Notes;
use super::thinned::Thinned;
use crate::environment::ModelRun;
use crate::measure::Quality;
use crate::tap::Shown;

/// Points that a chart gets: more are not told apart on a screen, and slow the page down. From the fifth stream on all of
/// them share what four have.
const FRAMES_KEPT: usize = 12_000;
const MISSES_KEPT: usize = 4_000;
const PROBES_KEPT: usize = 4_000;

/// Swaps and changes of the budget that are marked.
const SWAPS_KEPT: usize = 1_000;
const BUDGETS_KEPT: usize = 2_000;

/// One run of the pipeline, or one stream of it.
#[derive(Debug)]
pub struct Record {
    /// `avrec`, or the pinned candidate.
    pub name: String,
    /// Name of the switch, where there are several streams.
    pub stream: Option<String>,
    /// Name of the probe that measures it.
    pub probe: Option<String>,
    pub length: Duration,
    /// Who answered, in the order of their first answer, and how many frames.
    pub answerers: Vec<(Answerer, u64)>,
    pub counts: Counts,
    /// Of the frames that a model could have answered.
    pub latencies: Latencies,
    /// Those in time.
    pub frames: Thinned<FrameSample>,
    /// All others.
    pub missed: Thinned<FrameSample>,
    pub misses: Misses,
    /// Where the budget changed, and to what.
    pub budgets: Vec<Timed<Duration>>,
    /// The first ones; `swap_count` are there in all, without the start.
    pub swaps: Vec<Timed<Swap>>,
    pub swap_count: usize,
    swaps_kept: usize,
    /// Messages of the probe that has a reference, else of the first probe.
    pub probes: Thinned<Timed<ProbeMessage>>,
    pub probed: Probed,
    pub phases: Vec<Phase>,
    /// What the probe measured over the whole run, which is more exact than the mean of its messages.
    pub quality: Option<Quality>,
    /// Warnings, failed candidates, loads that went wrong.
    pub problems: Notes,
    /// What the elements have to say without anything being wrong.
    pub infos: Notes,
    /// The first switch at the end of the run.
    pub stats: Option<SwitchStats>,
    /// The models at the end of the run.
    pub models: Vec<ModelRun>,
    /// What came out.
    pub shown: Shown,
    /// Since it was last taken.
    pub recent: Recent,
}

/// Counts of frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub frames: u64,
    pub before_ready: u64,
    pub rescued: u64,
    pub late: u64,
}

/// What the probe counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Probed {
    pub frames: u64,
    pub misses: u64,
}

/// What came of late, for the line a second.
#[derive(Debug, Default)]
pub struct Recent {
    pub latencies: Latencies,
    pub misses: u64,
    pub qualities: Vec<Quality>,
    pub swaps: usize,
    pub swap: Option<Swap>,
}

/// Something and when it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed<T> {
    pub at: Duration,
    pub what: T,
}

impl Timed<ProbeMessage> {
    /// Median and 99th percentile of frame latency.
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
    /// Of a run that has one stream.
    #[cfg(test)]
    pub fn new(name: &str) -> Record {
        Record::one_of(name, 1)
    }

    /// Of one of `streams` in a run.
    pub fn one_of(name: &str, streams: usize) -> Record {
        let part = |of: usize| 4 * of / streams.max(4);
        Record {
            name: name.to_string(),
            stream: None,
            probe: None,
            length: Duration::ZERO,
            answerers: Vec::new(),
            counts: Counts::default(),
            latencies: Latencies::default(),
            frames: Thinned::new(part(FRAMES_KEPT)),
            missed: Thinned::new(part(MISSES_KEPT)),
            misses: Misses::default(),
            budgets: Vec::new(),
            swaps: Vec::new(),
            swap_count: 0,
            swaps_kept: part(SWAPS_KEPT),
            probes: Thinned::new(part(PROBES_KEPT)),
            probed: Probed::default(),
            phases: Vec::new(),
            quality: None,
            problems: Notes::default(),
            infos: Notes::default(),
            stats: None,
            models: Vec::new(),
            shown: Shown::default(),
            recent: Recent::default(),
        }
    }

    /// Adds a frame; `was_ready` says whether a model could answer when it came.
    pub fn add_frame(&mut self, at: Duration, frame: Frame, was_ready: bool) {
        let is_late = frame.budget < frame.latency || frame.answer == AnswerKind::Dropped;
        let fate = match (is_late || frame.is_miss, was_ready) {
            (false, _) => Fate::OnTime,
            (true, false) => Fate::BeforeReady,
            (true, true) if is_late => Fate::Late,
            (true, true) => Fate::Rescued,
        };
        self.count(fate);
        if fate != Fate::BeforeReady {
            self.latencies.push(frame.latency);
            self.recent.latencies.push(frame.latency);
        }
        if fate != Fate::OnTime {
            self.misses.add(at, &frame, fate);
        }
        self.add_budget(at, frame.budget);
        let latency = frame.latency;
        let answerer = self.answerer(Answerer {
            candidate: frame.candidate,
            answer: frame.answer,
        });
        let sample = FrameSample {
            at,
            latency,
            answerer,
            fate,
        };
        match fate {
            Fate::OnTime => self.frames.push(sample),
            _ => self.missed.push(sample),
        }
    }

    fn count(&mut self, fate: Fate) {
        self.counts.frames += 1;
        match fate {
            Fate::OnTime => {}
            Fate::BeforeReady => self.counts.before_ready += 1,
            Fate::Rescued => self.counts.rescued += 1,
            Fate::Late => self.counts.late += 1,
        }
        self.recent.misses += u64::from(matches!(fate, Fate::Rescued | Fate::Late));
    }

    /// The position of who answered, one answer more.
    fn answerer(&mut self, who: Answerer) -> usize {
        let known = self.answerers.iter().position(|(it, _)| *it == who);
        let position = known.unwrap_or_else(|| {
            self.answerers.push((who, 0));
            self.answerers.len() - 1
        });
        self.answerers[position].1 += 1;
        position
    }

    fn add_budget(&mut self, at: Duration, what: Duration) {
        let is_full = BUDGETS_KEPT <= self.budgets.len();
        match self.budgets.last_mut() {
            Some(last) if last.what == what => {}
            Some(last) if is_full => last.what = what,
            _ => self.budgets.push(Timed { at, what }),
        }
    }

    pub fn add_swap(&mut self, at: Duration, swap: Swap) {
        self.swap_count += usize::from(!swap.from.is_empty());
        self.recent.swaps += 1;
        self.recent.swap = Some(swap.clone());
        if self.swaps.len() < self.swaps_kept {
            self.swaps.push(Timed { at, what: swap });
        }
    }

    pub fn add_probe(&mut self, at: Duration, what: ProbeMessage) {
        self.probed.frames += what.summary.frames;
        self.probed.misses += what.summary.misses;
        if self.counts.frames == 0 {
            self.recent.misses += what.summary.misses;
        }
        let probe = Timed { at, what };
        self.recent.qualities.extend(probe.quality());
        self.probes.push(probe);
    }

    /// Frames in time and others, in the order in which they left.
    pub fn drawn_frames(&self) -> Vec<&FrameSample> {
        let mut frames: Vec<&FrameSample> = self.frames.kept().iter().chain(self.missed.kept()).collect();
        frames.sort_by_key(|it| it.at);
        frames
    }

    /// Who answered how many frames.
    pub fn answers(&self) -> impl Iterator<Item = (String, u64)> {
        self.answerers
            .iter()
            .map(|(who, answers)| (who.to_string(), *answers))
    }

    /// The last budget of a frame.
    pub fn budget(&self) -> Option<Duration> {
        self.budgets.last().map(|it| it.what)
    }

    /// The last message of the probe that has latencies.
    pub fn last_timed_probe(&self) -> Option<&Timed<ProbeMessage>> {
        let mut probes = self.probes.kept().iter();
        probes.rfind(|it| it.what.summary.latencies.is_some())
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

    /// Misses so far, without those before a model was ready.
    pub fn misses(&self) -> u64 {
        match self.counts.frames {
            0 => self.probed.misses,
            _ => self.counts.rescued + self.counts.late,
        }
    }
}

/// Mean over frames, not over messages; `None` without a reference.
pub fn mean_quality(probes: &[Timed<ProbeMessage>]) -> Option<Quality> {
    let qualities: Vec<Quality> = probes.iter().filter_map(Timed::quality).collect();
    Quality::mean(&qualities)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{frame, swap};
    use super::*;
    use gstavrec::messages::ReasonWord;

    /// Ten hours at 30 frames a second, in which everything that can be told is told all the time.
    #[test]
    fn ten_hours_take_no_more_memory_than_some_minutes() {
        let mut record = Record::new("avrec");
        for number in 0..1_080_000u64 {
            let at = Duration::from_millis(33 * number);
            let latency = if number.is_multiple_of(3) {
                55
            } else {
                20 + number % 9
            };
            record.add_frame(at, frame("large", AnswerKind::Active, latency), true);
            if number.is_multiple_of(30) {
                let reason = (ReasonWord::Better, "quality 0.9 over 0.8");
                record.add_swap(at, swap("small", "large", reason));
                record.problems.add(at, format!("warning {number}"));
                record.recent = Recent::default();
            }
        }
        assert_eq!(record.counts.frames, 1_080_000);
        assert_eq!((record.misses(), record.swap_count), (360_000, 36_000));
        assert!(record.frames.kept().len() < FRAMES_KEPT && record.missed.kept().len() < MISSES_KEPT);
        assert!(record.swaps.len() <= SWAPS_KEPT && record.misses.kept().len() <= 200);
        let (first, last) = (record.missed.kept().first(), record.missed.kept().last());
        assert_eq!(first.map(|it| it.at), Some(Duration::ZERO));
        assert!(Duration::from_secs(35_000) < last.map(|it| it.at).unwrap());
    }
}
