// SPDX-License-Identifier: MPL-2.0

//! What one candidate was fed and returned: its samples by position, and how far it lags behind what it was fed.

use std::ops::Range;

use super::ring::Ring;

/// What became of samples that a candidate gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// They follow those before, or are the first ones.
    Follows,
    /// Some between them and those before are missing; those before are gone.
    AfterGap,
    /// All of them were there already, or belong to what the candidate was not fed in this stretch.
    Outside,
}

/// One candidate's place beside the stream.
///
/// It hears a stretch without a gap, from one position on, or nothing. Its delay is how far the end of what it
/// gives may lie behind the end of what it was fed: what it declares, or what was seen, if that is more.
#[derive(Debug, Clone, Default)]
pub struct AlignedTrack {
    ring: Ring<u8>,
    /// Where the stretch that it hears began.
    since: Option<u64>,
    /// End of what it was fed.
    fed_to: u64,
    /// In samples.
    delay: u64,
    /// The largest lag since it last gave something that followed: its delay, if more follows.
    lag: u64,
    has_output: bool,
}

impl AlignedTrack {
    /// Begins a stretch at a position; what was kept before is forgotten.
    pub fn begin(&mut self, at: u64, width: usize) {
        self.ring.restart(at, width);
        (self.since, self.fed_to, self.lag) = (Some(at), at, 0);
        self.has_output = false;
    }

    /// Ends the stretch. What was fed so far can still be read.
    pub fn end(&mut self) {
        self.since = None;
    }

    /// Where the stretch that it hears began; `None` when it hears nothing.
    pub fn since(&self) -> Option<u64> {
        self.since
    }

    /// End of what it was fed.
    pub fn fed_to(&self) -> u64 {
        self.fed_to
    }

    /// Samples that it was fed since the stretch began.
    pub fn fed(&self) -> u64 {
        self.since.map_or(0, |it| self.fed_to - it)
    }

    /// The candidate gets the samples up to `end`.
    pub fn feed(&mut self, end: u64) {
        self.fed_to = end;
    }

    /// Takes in whole samples from the candidate; without a position they follow those before.
    ///
    /// One sample off counts as rounded, since time stamps are cut to nanoseconds again and again on their way.
    pub fn accept(&mut self, position: Option<u64>, bytes: &[u8], width: usize) -> Landing {
        let Some(since) = self.since else {
            return Landing::Outside;
        };
        let samples = (bytes.len() / width) as u64;
        let end = self.ring.span().end;
        let position = match position {
            Some(it) if self.has_output && it.abs_diff(end) <= 1 => end,
            Some(it) => it,
            None => end,
        };
        let expected = if self.has_output { end } else { since };
        let from = position.max(expected);
        let to = (position + samples).min(self.fed_to);
        if to <= from {
            return Landing::Outside;
        }
        let leaves_gap = self.has_output && end < from;
        if !self.has_output || leaves_gap {
            self.ring.restart(from, width);
        }
        let within = |at: u64| (at - position) as usize * width;
        self.ring.append(&bytes[within(from)..within(to)]);
        if leaves_gap {
            self.lag = 0;
            return Landing::AfterGap;
        }
        if self.has_output {
            self.delay = self.delay.max(self.lag);
            self.lag = 0;
        }
        self.has_output = true;
        Landing::Follows
    }

    /// Everything has come that will come before the candidate gets more. How far that reaches shows its delay once
    /// something follows; what does not follow was left out, not late.
    pub fn run_finished(&mut self) {
        if self.has_output {
            self.lag = self.lag.max(self.behind());
        }
    }

    /// Takes its lag for its delay at once, where there is no time to see whether something follows.
    pub fn accept_lag(&mut self) {
        self.delay = self.delay.max(self.behind());
        self.lag = 0;
    }

    /// The candidate says that it needs to be so many samples ahead.
    pub fn declare_delay(&mut self, delay: u64) {
        self.delay = self.delay.max(delay);
    }

    /// In samples.
    pub fn delay(&self) -> u64 {
        self.delay
    }

    /// Samples that it was fed and has not given back.
    pub fn behind(&self) -> u64 {
        let end = if self.has_output {
            self.ring.span().end
        } else {
            self.since.unwrap_or(self.fed_to)
        };
        self.fed_to.saturating_sub(end)
    }

    /// Whether it has given all that it can give of what it was fed.
    pub fn is_up_to_date(&self) -> bool {
        self.behind() <= self.delay
    }

    /// Whether something came out in this stretch.
    pub fn has_output(&self) -> bool {
        self.has_output
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
        let mut track = AlignedTrack::default();
        assert_eq!(
            track.accept(Some(0), &at(0..10), 1),
            Landing::Outside,
            "hears nothing"
        );
        track.begin(100, 1);
        track.feed(110);
        assert_eq!(
            track.accept(Some(90), &at(90..100), 1),
            Landing::Outside,
            "the rest of an earlier stretch"
        );
        assert_eq!(track.accept(Some(95), &at(95..105), 1), Landing::Follows);
        assert_eq!(track.span(), 100..105);
        assert_eq!(track.accept(None, &at(105..120), 1), Landing::Follows);
        assert_eq!(track.span(), 100..110, "nobody can give what has not come yet");
        assert_eq!(track.accept(Some(102), &at(102..110), 1), Landing::Outside);
    }

    #[test]
    fn a_sample_off_is_rounded_and_two_are_a_gap() {
        let mut track = AlignedTrack::default();
        track.begin(0, 1);
        track.feed(100);
        track.accept(Some(0), &at(0..10), 1);
        assert_eq!(track.accept(Some(11), &at(10..20), 1), Landing::Follows);
        assert_eq!(track.span(), 0..20);
        assert_eq!(track.accept(Some(22), &at(22..30), 1), Landing::AfterGap);
        assert_eq!(track.span(), 22..30);
    }

    #[test]
    fn its_delay_is_what_it_declares_or_more_if_more_is_seen() {
        let mut track = AlignedTrack::default();
        track.begin(0, 1);
        track.declare_delay(4);
        track.feed(10);
        track.accept(Some(0), &at(0..6), 1);
        track.run_finished();
        assert!(track.is_up_to_date());
        track.feed(20);
        track.run_finished();
        assert!(!track.is_up_to_date());
        assert_eq!(track.delay(), 4, "it may have left them out");
        track.feed(30);
        track.accept(Some(6), &at(6..24), 1);
        assert_eq!(track.delay(), 14, "they came after all");
    }

    #[test]
    fn what_it_leaves_out_is_no_delay() {
        let mut track = AlignedTrack::default();
        track.begin(0, 1);
        track.feed(10);
        track.accept(Some(0), &at(0..10), 1);
        track.feed(20);
        track.run_finished();
        track.feed(30);
        assert_eq!(track.accept(Some(20), &at(20..30), 1), Landing::AfterGap);
        assert_eq!(track.delay(), 0);
    }
}
