// SPDX-License-Identifier: MPL-2.0

//! A stream as a band over time: who answered, and where frames were missed.

use std::time::Duration;

use gstavrec::messages::{AnswerKind, CandidateStats};

use crate::record::{Answerer, Fate, Record};

/// Parts of the time that are told apart: as many as a screen has columns for a band.
pub const BINS: usize = 1_000;

/// A stream without frames for this long shows a gap.
const PAUSE: Duration = Duration::from_secs(1);

/// Candidates of a stream from the cheapest to the best.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ranks(Vec<String>);

impl Ranks {
    /// By what the switch believed of their quality at the end; as the switch has them where it believed nothing.
    pub fn of(record: &Record) -> Ranks {
        let mut known: Vec<&CandidateStats> = record.stats.iter().flat_map(|it| &it.candidates).collect();
        let quality = |it: &CandidateStats| it.estimates.as_ref().map(|it| it.quality);
        if known.iter().all(|it| quality(it).is_some()) {
            let quality = |it: &CandidateStats| quality(it).unwrap_or_default();
            known.sort_by(|one, other| quality(one).total_cmp(&quality(other)));
        }
        Ranks(known.into_iter().map(|it| it.name.clone()).collect())
    }

    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Class of the color of a candidate: its place among seven, so that the best has the same color everywhere.
    pub fn color(&self, position: usize) -> String {
        let last = self.0.len().saturating_sub(1);
        match last {
            0 => "r6".to_string(),
            _ => format!("r{}", (6 * position + last / 2) / last),
        }
    }

    /// Class of the color of who answered.
    pub fn class(&self, who: &Answerer) -> String {
        let is_own = matches!(who.answer, AnswerKind::Active | AnswerKind::Held);
        let position = self.0.iter().position(|it| *it == who.candidate);
        match position.filter(|_| is_own) {
            Some(position) => self.color(position),
            None if who.answer == AnswerKind::Dropped => "dropped".to_string(),
            None => "stand-in".to_string(),
        }
    }
}

/// Some neighboring parts of the time that look the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub from: usize,
    pub bins: usize,
    pub what: What,
}

/// What happened in a part of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Position in `answerers` of who answered most frames.
    Answered(usize),
    /// A frame left too late.
    Late,
    /// The active candidate was too slow, and another left in time.
    Missed,
}

/// What a band is drawn of: first who answered, then the misses.
pub fn parts(record: &Record, length: Duration) -> Vec<Part> {
    let mut bins: Vec<Vec<usize>> = vec![Vec::new(); BINS];
    let mut fates = vec![(false, false); BINS];
    for frame in record.drawn_frames() {
        let share = frame.at.as_secs_f64() / length.as_secs_f64().max(0.001);
        let bin = ((share * BINS as f64) as usize).min(BINS - 1);
        bins[bin].push(frame.answerer);
        fates[bin].0 |= frame.fate == Fate::Late;
        fates[bin].1 |= frame.fate == Fate::Rescued;
    }
    // Frames are further apart than bins where a run is short, so a part lasts until the next frame, if one comes soon.
    let bins_of = |time: Duration| time.as_secs_f64() / length.as_secs_f64().max(0.001) * BINS as f64;
    let pause = bins_of(PAUSE).ceil() as usize + 1;
    let mut answered: Vec<Part> = Vec::new();
    let mut seen = 0;
    for (from, answers) in bins.iter().enumerate() {
        let Some(answerer) = most(answers) else { continue };
        if let Some(last) = answered.last_mut() {
            let until = if from - seen <= pause { from } else { seen + 1 };
            last.bins = until - last.from;
        }
        let goes_on = |it: &Part| it.what == What::Answered(answerer) && it.from + it.bins == from;
        match answered.last_mut().filter(|it| goes_on(it)) {
            Some(last) => last.bins += 1,
            None => answered.push(part(from, answerer)),
        }
        seen = from;
    }
    // One that is a column wide is hard to see.
    let wide = BINS / 250;
    let miss = |(from, (late, missed)): (usize, &(bool, bool))| {
        (*late || *missed).then(|| Part {
            from,
            bins: wide.min(BINS - from),
            what: if *late { What::Late } else { What::Missed },
        })
    };
    let mut misses: Vec<Part> = Vec::new();
    for miss in fates.iter().enumerate().filter_map(miss) {
        match misses.last_mut() {
            Some(last) if last.what == miss.what && miss.from <= last.from + last.bins => {
                last.bins = miss.from + miss.bins - last.from;
            }
            _ => misses.push(miss),
        }
    }
    answered.extend(misses);
    answered
}

fn part(from: usize, answerer: usize) -> Part {
    Part {
        from,
        bins: 1,
        what: What::Answered(answerer),
    }
}

fn most(answers: &[usize]) -> Option<usize> {
    let count = |who: &&usize| answers.iter().filter(|it| it == who).count();
    answers.iter().max_by_key(count).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::examples::frame;

    fn ranks(names: &[&str]) -> Ranks {
        Ranks(names.iter().map(|it| it.to_string()).collect())
    }

    #[test]
    fn the_best_and_the_cheapest_have_the_same_color_among_any_number() {
        for names in [&["a", "b"][..], &["a", "b", "c"], &["a", "b", "c", "d"]] {
            let ranks = ranks(names);
            assert_eq!(
                (ranks.color(0), ranks.color(names.len() - 1)),
                ("r0".into(), "r6".into())
            );
        }
        let four = ranks(&["a", "b", "c", "d"]);
        assert_eq!([0, 1, 2, 3].map(|it| four.color(it)), ["r0", "r2", "r4", "r6"]);
    }

    #[test]
    fn a_stand_in_has_no_rank() {
        let ranks = ranks(&["a", "b"]);
        let class = |candidate: &str, answer| {
            let candidate = candidate.to_string();
            ranks.class(&Answerer { candidate, answer })
        };
        assert_eq!(class("b", AnswerKind::Held), "r6");
        assert_eq!(class("b", AnswerKind::Floor), "stand-in");
        assert_eq!(class("", AnswerKind::Passthrough), "stand-in");
        assert_eq!(class("", AnswerKind::Dropped), "dropped");
    }

    #[test]
    fn a_band_has_a_part_for_each_change_and_stays_small() {
        let mut record = Record::new("avrec");
        for number in 0..500u64 {
            let who = if (100..200).contains(&number) {
                "small"
            } else {
                "large"
            };
            let latency = if number == 150 { 55 } else { 20 };
            // Nothing for ten seconds, then the same again.
            let pause = if number < 400 { 0 } else { 10_000 };
            let at = Duration::from_millis(40 * number + pause);
            record.add_frame(at, frame(who, AnswerKind::Active, latency), true);
        }
        let parts = parts(&record, Duration::from_secs(40));
        let told: Vec<(usize, usize, What)> = parts.iter().map(|it| (it.from, it.bins, it.what)).collect();
        let (large, small) = (What::Answered(0), What::Answered(1));
        let expected = [
            (0, 100, large),
            (100, 100, small),
            (200, 200, large),
            (650, 100, large),
            (150, 4, What::Late),
        ];
        assert_eq!(told, expected);
    }
}
