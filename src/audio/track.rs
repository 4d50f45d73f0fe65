// SPDX-License-Identifier: MPL-2.0

//! What one candidate hears and gives: its samples by position, and how far it lags behind what it was given.

use std::ops::Range;

use super::ring::Ring;

/// What became of samples that a candidate gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// They follow those before, or are the first ones.
    Follows,
    /// Some between them and those before are missing; those before are gone.
    AfterGap,
    /// All of them were there already, or belong to what the candidate was not given in this stretch.
    Outside,
}

/// One candidate's place beside the stream.
///
/// It hears a stretch without a gap, from one position on, or nothing. Its delay is how far the end of what it
/// gives may lie behind the end of what it was given: what it declares, or what was seen, if that is more.
#[derive(Debug, Clone, Default)]
pub struct AlignedTrack {
    ring: Ring,
    /// Where the stretch that it hears began.
    since: Option<u64>,
    /// End of what it was given.
    given: u64,
    /// In samples.
    delay: u64,
    /// The largest lag since it last gave something that followed: its delay, if more follows.
    lag: u64,
    has_given: bool,
}

impl AlignedTrack {
    /// Begins a stretch at a position; what was kept before is forgotten.
    pub fn begin(&mut self, at: u64, width: usize) {
        self.ring.restart(at, width);
        (self.since, self.given, self.lag) = (Some(at), at, 0);
        self.has_given = false;
    }

    /// Ends the stretch. What was given so far can still be read.
    pub fn end(&mut self) {
        self.since = None;
    }

    /// Where the stretch that it hears began; `None` when it hears nothing.
    pub fn since(&self) -> Option<u64> {
        self.since
    }

    /// End of what it was given.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// Samples that it was given since the stretch began.
    pub fn heard(&self) -> u64 {
        self.since.map_or(0, |it| self.given - it)
    }

    /// The candidate gets the samples up to `end`.
    pub fn give(&mut self, end: u64) {
        self.given = end;
    }

    /// Takes in whole samples from the candidate; without a position they follow those before.
    ///
    /// One sample off counts as rounded, since time stamps are cut to nanoseconds again and again on their way.
    pub fn take(&mut self, position: Option<u64>, bytes: &[u8], width: usize) -> Landing {
        let Some(since) = self.since else {
            return Landing::Outside;
        };
        let samples = (bytes.len() / width) as u64;
        let end = self.ring.span().end;
        let position = match position {
            Some(it) if self.has_given && it.abs_diff(end) <= 1 => end,
            Some(it) => it,
            None => end,
        };
        let expected = if self.has_given { end } else { since };
        let from = position.max(expected);
        let to = (position + samples).min(self.given);
        if to <= from {
            return Landing::Outside;
        }
        let leaves_gap = self.has_given && end < from;
        if !self.has_given || leaves_gap {
            self.ring.restart(from, width);
        }
        let within = |at: u64| (at - position) as usize * width;
        self.ring.append(&bytes[within(from)..within(to)]);
        if leaves_gap {
            self.lag = 0;
            return Landing::AfterGap;
        }
        if self.has_given {
            self.delay = self.delay.max(self.lag);
            self.lag = 0;
        }
        self.has_given = true;
        Landing::Follows
    }

    /// Everything has come that will come before the candidate gets more. How far that reaches shows its delay once
    /// something follows; what does not follow was left out, not late.
    pub fn is_through(&mut self) {
        if self.has_given {
            self.lag = self.lag.max(self.behind());
        }
    }

    /// Takes its lag for its delay at once, where there is no time to see whether something follows.
    pub fn admit(&mut self) {
        self.delay = self.delay.max(self.behind());
        self.lag = 0;
    }

    /// The candidate says that it needs to be so many samples ahead.
    pub fn declare(&mut self, delay: u64) {
        self.delay = self.delay.max(delay);
    }

    /// In samples.
    pub fn delay(&self) -> u64 {
        self.delay
    }

    /// Samples that it was given and has not given back.
    pub fn behind(&self) -> u64 {
        let end = if self.has_given {
            self.ring.span().end
        } else {
            self.since.unwrap_or(self.given)
        };
        self.given.saturating_sub(end)
    }

    /// Whether it has given all that it can give of what it was given.
    pub fn is_up_to_date(&self) -> bool {
        self.behind() <= self.delay
    }

    /// Whether something came out in this stretch.
    pub fn has_given(&self) -> bool {
        self.has_given
    }

    /// Positions of the samples that can be read.
    pub fn span(&self) -> Range<u64> {
        self.ring.span()
    }

    /// Copies samples from a position on; `false` when not all are there.
    pub fn read(&self, from: u64, into: &mut [u8]) -> bool {
        self.ring.read(from, into)
    }

    /// Lets go of the samples before a position.
    pub fn forget(&mut self, before: u64) {
        self.ring.forget(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(positions: Range<u64>) -> Vec<u8> {
        positions.map(|it| it as u8).collect()
    }

    #[test]
    fn only_samples_of_the_stretch_that_it_hears_are_kept() {
        let mut ear = AlignedTrack::default();
        assert_eq!(
            ear.take(Some(0), &at(0..10), 1),
            Landing::Outside,
            "hears nothing"
        );
        ear.begin(100, 1);
        ear.give(110);
        assert_eq!(
            ear.take(Some(90), &at(90..100), 1),
            Landing::Outside,
            "the rest of an earlier stretch"
        );
        assert_eq!(ear.take(Some(95), &at(95..105), 1), Landing::Follows);
        assert_eq!(ear.span(), 100..105);
        assert_eq!(ear.take(None, &at(105..120), 1), Landing::Follows);
        assert_eq!(ear.span(), 100..110, "nobody can give what has not come yet");
        assert_eq!(ear.take(Some(102), &at(102..110), 1), Landing::Outside);
    }

    #[test]
    fn a_sample_off_is_rounded_and_two_are_a_gap() {
        let mut ear = AlignedTrack::default();
        ear.begin(0, 1);
        ear.give(100);
        ear.take(Some(0), &at(0..10), 1);
        assert_eq!(ear.take(Some(11), &at(10..20), 1), Landing::Follows);
        assert_eq!(ear.span(), 0..20);
        assert_eq!(ear.take(Some(22), &at(22..30), 1), Landing::AfterGap);
        assert_eq!(ear.span(), 22..30);
    }

    #[test]
    fn its_delay_is_what_it_declares_or_more_if_more_is_seen() {
        let mut ear = AlignedTrack::default();
        ear.begin(0, 1);
        ear.declare(4);
        ear.give(10);
        ear.take(Some(0), &at(0..6), 1);
        ear.is_through();
        assert!(ear.is_up_to_date());
        ear.give(20);
        ear.is_through();
        assert!(!ear.is_up_to_date());
        assert_eq!(ear.delay(), 4, "it may have left them out");
        ear.give(30);
        ear.take(Some(6), &at(6..24), 1);
        assert_eq!(ear.delay(), 14, "they came after all");
    }

    #[test]
    fn what_it_leaves_out_is_no_delay() {
        let mut ear = AlignedTrack::default();
        ear.begin(0, 1);
        ear.give(10);
        ear.take(Some(0), &at(0..10), 1);
        ear.give(20);
        ear.is_through();
        ear.give(30);
        assert_eq!(ear.take(Some(20), &at(20..30), 1), Landing::AfterGap);
        assert_eq!(ear.delay(), 0);
    }
}
